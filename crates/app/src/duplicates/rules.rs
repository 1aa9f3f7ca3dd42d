//! What makes two records look like one. No I/O.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

/// What two records share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DuplicateSign)]
pub enum Sign {
    /// A tax, registration or CRM id.
    Identifier,
    /// The e-mail address of a contact.
    Email,
    /// The domain of the website.
    Domain,
    /// The name, without legal form, case and punctuation.
    Name,
    /// The domain of contacts' e-mail addresses.
    EmailDomain,
}

impl Sign {
    /// How far the sign alone speaks for one and the same, 0 to 1. Our own estimate.
    fn weight(self) -> f64 {
        match self {
            Self::Identifier | Self::Email => 0.95,
            Self::Domain => 0.8,
            Self::Name => 0.7,
            Self::EmailDomain => 0.5,
        }
    }
}

/// A sign with the shared value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
pub struct Evidence {
    /// What is shared.
    pub sign: Sign,
    /// The value in its plain form; of an identifier with the field, as `tax_id=123`.
    pub value: String,
}

/// The chance that all signs are there by accident is the product of each one's.
#[must_use]
pub fn score(evidence: &[Evidence]) -> f64 {
    let miss: f64 = evidence.iter().map(|it| 1.0 - it.sign.weight()).product();
    ((1.0 - miss) * 100.0).round() / 100.0
}

/// A value that more records than this share says nothing of any two of them.
pub const CROWD: usize = 12;

/// Pairs of records with what they share, from the records of each shared value.
#[must_use]
pub fn pairs<K: Copy + Ord + Hash>(by_value: HashMap<Evidence, Vec<K>>) -> BTreeMap<(K, K), Vec<Evidence>> {
    let mut pairs: BTreeMap<(K, K), Vec<Evidence>> = BTreeMap::new();
    for (evidence, mut records) in by_value {
        records.sort_unstable();
        records.dedup();
        if records.len() > CROWD {
            continue;
        }
        for (at, one) in records.iter().enumerate() {
            for other in &records[at + 1..] {
                pairs.entry((*one, *other)).or_default().push(evidence.clone());
            }
        }
    }
    for evidence in pairs.values_mut() {
        evidence.sort();
    }
    pairs
}

const LEGAL_FORMS: &[&str] = &[
    "inc",
    "incorporated",
    "llc",
    "llp",
    "lp",
    "pllc",
    "pc",
    "ltd",
    "limited",
    "corp",
    "corporation",
    "co",
    "company",
    "gmbh",
    "ag",
    "kg",
    "se",
    "sa",
    "sas",
    "sarl",
    "srl",
    "spa",
    "bv",
    "nv",
    "ab",
    "as",
    "oy",
    "plc",
    "pty",
    "group",
    "holding",
    "holdings",
];

/// A name without case, accents, punctuation and legal form; `None` = too short to say anything.
#[must_use]
pub fn plain_name(name: &str) -> Option<String> {
    let bare: String = name
        .nfkd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '&' => '+',
            '\'' | '’' | '.' => '\0',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .filter(|c| *c != '\0')
        .collect();
    let mut words: Vec<&str> = bare
        .split_whitespace()
        .flat_map(|word| word.split('+'))
        .filter(|word| !word.is_empty() && *word != "and" && *word != "the")
        .collect();
    while words.len() > 1 && words.last().is_some_and(|last| LEGAL_FORMS.contains(last)) {
        words.pop();
    }
    let plain = words.join(" ");
    (plain.chars().filter(|c| c.is_alphanumeric()).count() >= 3).then_some(plain)
}

/// Mail and site hosts that belong to nobody in particular.
const ANYBODYS: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "yahoo.com",
    "ymail.com",
    "icloud.com",
    "me.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "gmx.com",
    "web.de",
    "t-online.de",
    "proton.me",
    "protonmail.com",
    "comcast.net",
    "mail.com",
    "example.com",
    "example.org",
    "example.net",
    "linkedin.com",
    "facebook.com",
];

/// The domain of a site or a mail address in its plain form; `None` = none, or one that is anybody's.
#[must_use]
pub fn plain_domain(raw: &str) -> Option<String> {
    let lower = raw.trim().to_lowercase();
    let host = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host).trim_end_matches('.');
    let fits = host.contains('.')
        && host.len() <= 253
        && host.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
        && !host.starts_with('.');
    (fits && !ANYBODYS.contains(&host)).then(|| host.to_owned())
}

const IDENTIFIERS: &[&str] = &[
    "tax_id",
    "taxid",
    "vat",
    "vat_id",
    "vat_number",
    "ein",
    "duns",
    "npi",
    "registration_number",
    "company_number",
    "crm_id",
    "crmid",
    "salesforce_id",
    "hubspot_id",
    "dynamics_id",
    "external_id",
    "stripe_customer_id",
];
const SITES: &[&str] = &["domain", "website", "web_site", "homepage", "url", "site"];

/// What an account's own record says: its name, its sites, its identifiers.
#[must_use]
pub fn signs_of(id: &str, name: &str, attributes: &Map<String, Json>) -> Vec<Evidence> {
    let mut found = Vec::new();
    let mut add = |sign, value| found.push(Evidence { sign, value });
    if name != id
        && let Some(name) = plain_name(name)
    {
        add(Sign::Name, name);
    }
    for (field, value) in attributes {
        let field = field.to_lowercase();
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            _ => continue,
        };
        if SITES.contains(&field.as_str()) {
            if let Some(domain) = plain_domain(&text) {
                add(Sign::Domain, domain);
            }
        } else if IDENTIFIERS.contains(&field.as_str()) {
            let plain: String = text
                .chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect();
            let says =
                plain.len() >= 4 && plain.chars().any(|c| c != '0') && plain != "null" && plain != "none";
            if says {
                add(Sign::Identifier, format!("{field}={plain}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_lose_case_accents_punctuation_and_legal_form() {
        for name in [
            "Müller & Söhne GmbH",
            "MULLER and SOHNE",
            "Muller, Sohne Co. Ltd.",
        ] {
            assert_eq!(plain_name(name).as_deref(), Some("muller sohne"), "{name}");
        }
        assert_eq!(plain_name("St. Mary's").as_deref(), Some("st marys"));
        assert_eq!(plain_name("Group").as_deref(), Some("group"));
        for short in ["", "  ", "AB", "A&B", "…", "\u{202e}"] {
            assert_eq!(plain_name(short), None, "{short:?}");
        }
    }

    #[test]
    fn domains_have_one_form_and_those_of_everybody_say_nothing() {
        for site in [
            "https://www.Acme.org/about?x=1",
            "acme.org",
            "http://acme.org:8080",
            "ann@acme.org",
            "ACME.ORG.",
        ] {
            assert_eq!(plain_domain(site).as_deref(), Some("acme.org"), "{site}");
        }
        for none in [
            "gmail.com",
            "bob@gmail.com",
            "localhost",
            "",
            "not a domain",
            "https://",
            "a b.com",
        ] {
            assert_eq!(plain_domain(none), None, "{none}");
        }
    }

    #[test]
    fn signs_add_up_and_a_crowd_is_none() {
        let attributes =
            json!({ "website": "https://acme.org", "Tax_ID": "DE 12-345", "vat": "0000", "employees": 5 });
        let Json::Object(attributes) = attributes else {
            unreachable!()
        };
        let signs = signs_of("a", "Acme Inc", &attributes);
        let values: Vec<&str> = signs.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["acme", "acme.org", "tax_id=de12345"]);
        assert!((score(&signs) - 1.0).abs() < 0.01);
        let one = |sign| Evidence {
            sign,
            value: "x".to_owned(),
        };
        assert!((score(&[one(Sign::Name), one(Sign::EmailDomain)]) - 0.85).abs() < 1e-9);
        let few = pairs(HashMap::from([(one(Sign::Name), vec![3, 1, 2, 1])]));
        assert_eq!(few.keys().collect::<Vec<_>>(), [&(1, 2), &(1, 3), &(2, 3)]);
        let many = pairs(HashMap::from([(one(Sign::Name), (0..=CROWD).collect())]));
        assert!(many.is_empty());
    }
}
