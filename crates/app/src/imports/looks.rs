//! How a column's texts look: in which spelling they read as a type, and which of them need another word. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::fields::Type;
use super::propose::Case;
use super::value::Spelling;

/// Texts of a column that are looked at.
const TEXTS: usize = 300;

/// Patterns of dates and times that exports use, besides ISO.
const FORMATS: &[&str] = &[
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
];

/// Words that mean one of ours.
const MEANINGS: &[(&str, &str)] = &[
    ("upgrade", "upsell"),
    ("expansion", "upsell"),
    ("cross sell", "cross_sell"),
    ("downgrade", "contraction"),
    ("cancel", "churned"),
    ("cancelled", "churned"),
    ("canceled", "churned"),
    ("churn", "churned"),
    ("ended", "churned"),
    ("start", "started"),
    ("created", "started"),
    ("renewal", "renewed"),
    ("renew", "renewed"),
    ("new business", "new"),
    ("price", "pricing"),
    ("too expensive", "pricing"),
    ("cost", "pricing"),
    ("features", "feature_gaps"),
    ("missing features", "feature_gaps"),
    ("product", "feature_gaps"),
    ("support", "support_issues"),
    ("service", "support_issues"),
    ("budget", "company_change"),
    ("acquired", "company_change"),
    ("out of business", "company_change"),
    ("switched to competitor", "competitor"),
    ("competition", "competitor"),
    ("other", "unknown"),
    ("n/a", "unknown"),
    ("closed won", "won"),
    ("win", "won"),
    ("closed lost", "lost"),
    ("loss", "lost"),
    ("net promoter score", "nps"),
    ("customer satisfaction", "csat"),
    ("ticket", "support"),
];

/// How the texts of a column read as a type.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// Share of the filled cells that can be read.
    pub share: f64,
    /// The pattern of days and instants.
    pub format: Option<String>,
    /// The decimal mark.
    pub decimal: Option<char>,
    /// Texts that stand for others.
    pub values: Vec<(String, Json)>,
    /// What cannot be known from the texts alone.
    pub notes: Vec<String>,
}

impl Looks {
    /// The field's line of a map.
    pub fn entry(&self, column: &str) -> Json {
        if self.format.is_none() && self.decimal.is_none() && self.values.is_empty() {
            return json!(column);
        }
        let mut map = Map::from_iter([("column".to_owned(), json!(column))]);
        if let Some(format) = &self.format {
            map.insert("format".to_owned(), json!(format));
        }
        if let Some(decimal) = self.decimal {
            map.insert("decimal".to_owned(), json!(decimal));
        }
        if !self.values.is_empty() {
            map.insert(
                "values".to_owned(),
                Json::Object(self.values.iter().cloned().collect()),
            );
        }
        Json::Object(map)
    }
}

/// How a column's texts read as a type; none where it has no text at all among the first rows (it may still be the right one by its name).
pub fn looks(case: &Case<'_>, column: usize, kind: Type) -> Option<Looks> {
    let mut texts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in case.source.sample.iter().filter(|record| record.fault.is_none()) {
        let cell = record.cell(column);
        if !cell.is_empty() && (texts.len() < TEXTS || texts.contains_key(cell)) {
            *texts.entry(cell).or_default() += 1;
        }
    }
    if texts.is_empty() {
        return Some(Looks {
            share: 0.6,
            ..Looks::default()
        });
    }
    let plain = Spelling {
        format: None,
        zone: case.context.zone.clone(),
        decimal: None,
    };
    Some(match kind {
        Type::Id | Type::Text => Looks {
            share: 1.0,
            ..Looks::default()
        },
        Type::Day | Type::Instant => moments(&texts, kind, &plain),
        Type::Number | Type::Integer | Type::Money => numbers(&texts, kind, &plain),
        Type::Choice(words) | Type::Choices(words) => choices(&texts, kind, words, &plain),
        Type::Boolean | Type::Email | Type::Currency | Type::Object => Looks {
            share: share(&texts, kind, &plain),
            ..Looks::default()
        },
    })
}

/// Share of the cells that the spelling reads.
fn share(texts: &BTreeMap<&str, usize>, kind: Type, spelling: &Spelling) -> f64 {
    let total: usize = texts.values().sum();
    let read: usize = texts
        .iter()
        .filter(|(text, _)| spelling.read(kind, text).is_ok())
        .map(|(_, rows)| rows)
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand rows")]
    let share = read as f64 / total.max(1) as f64;
    share
}

fn moments(texts: &BTreeMap<&str, usize>, kind: Type, plain: &Spelling) -> Looks {
    let iso = share(texts, kind, plain);
    if iso > 0.9 {
        return Looks {
            share: iso,
            ..Looks::default()
        };
    }
    let mut found: Vec<(f64, &str)> = FORMATS
        .iter()
        .map(|format| {
            let spelling = Spelling {
                format: Some((*format).to_owned()),
                ..plain.clone()
            };
            (share(texts, kind, &spelling), *format)
        })
        .filter(|(share, _)| *share > iso && *share > 0.5)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some((share, format)) = found.first().copied() else {
        return Looks {
            share: iso,
            ..Looks::default()
        };
    };
    let mut looks = Looks {
        share,
        format: Some(format.to_owned()),
        ..Looks::default()
    };
    let twin = found.iter().skip(1).find(|(other, it)| {
        *other >= share
            && it.replace("%d", "").replace("%m", "") == format.replace("%d", "").replace("%m", "")
    });
    if let Some((_, other)) = twin {
        looks.notes.push(format!(
            "day and month cannot be told apart: it may be {format} or {other}"
        ));
    }
    looks
}

fn numbers(texts: &BTreeMap<&str, usize>, kind: Type, plain: &Spelling) -> Looks {
    let comma = Spelling {
        decimal: Some(','),
        ..plain.clone()
    };
    let (point_share, comma_share) = (share(texts, kind, plain), share(texts, kind, &comma));
    // `12,50` reads as a number in neither spelling by chance: thousands have three digits.
    let (share_read, decimal, spelling) = if comma_share > point_share {
        (comma_share, Some(','), comma)
    } else {
        (point_share, None, plain.clone())
    };
    let total: usize = texts.values().sum();
    let mut values = Vec::new();
    let mut mended = 0;
    for (text, rows) in texts {
        if spelling.read(kind, text).is_err()
            && let Some(middle) = middle(text)
        {
            values.push(((*text).to_owned(), json!(middle)));
            mended += rows;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand rows")]
    let mended = mended as f64 / total.max(1) as f64;
    let mut looks = Looks {
        share: share_read + mended,
        decimal,
        values,
        ..Looks::default()
    };
    if !looks.values.is_empty() {
        looks.notes.push("ranges are taken as their middle".to_owned());
    }
    looks
}

/// The middle of a range such as `11-50` or `1,000 – 5,000`.
fn middle(text: &str) -> Option<i64> {
    let (low, high) = text.split_once(['-', '–'])?;
    let number = |text: &str| text.trim().replace([',', ' ', '\u{a0}'], "").parse::<i64>().ok();
    let (low, high) = (number(low)?, number(high)?);
    (low >= 0 && high >= low).then(|| low + (high - low) / 2)
}

fn choices(texts: &BTreeMap<&str, usize>, kind: Type, words: &[&str], plain: &Spelling) -> Looks {
    let total: usize = texts.values().sum();
    let (mut known, mut values, mut unknown) = (0, Vec::new(), Vec::new());
    for (text, rows) in texts {
        if plain.read(kind, text).is_ok() {
            known += rows;
        } else if let Some(word) = meaning(text, words) {
            known += rows;
            values.push(((*text).to_owned(), json!(word)));
        } else {
            unknown.push(*text);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand rows")]
    let share = known as f64 / total.max(1) as f64;
    let mut looks = Looks {
        share,
        values,
        ..Looks::default()
    };
    if !unknown.is_empty() {
        let shown: Vec<String> = unknown.iter().take(5).map(|text| format!("“{text}”")).collect();
        looks
            .notes
            .push(format!("say what {} stand for", shown.join(", ")));
    }
    looks
}

/// The word of ours that a text most likely means.
pub fn meaning(text: &str, words: &[&str]) -> Option<String> {
    let plain = super::read::normal(text).replace('_', " ");
    let meant = MEANINGS
        .iter()
        .find(|(other, word)| *other == plain && words.contains(word))
        .map(|(_, word)| (*word).to_owned());
    meant.or_else(|| {
        words
            .iter()
            .map(|word| {
                (
                    strsim::normalized_damerau_levenshtein(&plain.replace(' ', "_"), word),
                    *word,
                )
            })
            .filter(|(near, _)| *near >= 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, word)| word.to_owned())
    })
}
