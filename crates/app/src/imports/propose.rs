//! What a file seems to be: its kind, and a map for it, from its header, its first rows and its name. Pure.
//!
//! The proposal is a map like any other (docs/import.md); a person corrects it, and what they made of it is what is imported.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::context::Context;
use super::fields::{Form, Kind, Others, Type};
use super::looks::{Looks, looks};
use super::plan::extra_name;
use super::read::{Source, normal};
use crate::events::Kind as EventKind;

/// Below this a column is not taken for a field.
const LEAST: f64 = 0.42;

/// What a file seems to be.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its kind.
    pub kind: Kind,
    /// The map.
    pub document: Json,
    /// What a person should look at: field (or column) and why.
    pub notes: Vec<(String, String)>,
}

/// Another file of the same upload, in which an account may be looked up.
#[derive(Clone, Debug)]
pub struct Sibling {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// A file that is looked at.
pub struct Case<'a> {
    /// The file with its first rows.
    pub source: &'a Source,
    /// Its name without folder.
    pub name: &'a str,
    /// What rows are read against.
    pub context: &'a Context,
    /// The other files of the upload.
    pub siblings: &'a [Sibling],
}

/// How columns would fill the fields of one form.
struct Match {
    form: &'static Form,
    /// For each field the column, how sure it is, and how its texts look.
    taken: Vec<Option<(usize, f64, Looks)>>,
    /// Fields that something else than a column fills.
    given: BTreeMap<&'static str, Json>,
    score: f64,
}

/// Every kind with how well it fits, best first; 1 is a perfect fit.
pub fn kinds(case: &Case<'_>) -> Vec<(Kind, f64)> {
    let mut found: Vec<(Kind, f64)> = Kind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, best(case, kind)?.score)))
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}

/// What the file seems to be; as rows of `kind` where that is known.
pub fn propose(case: &Case<'_>, kind: Option<Kind>) -> Option<Proposal> {
    let kind = kind.or_else(|| kinds(case).first().map(|(kind, _)| *kind))?;
    let it = best(case, kind)?;
    let mut notes = Vec::new();
    let mut fields = Map::new();
    for (field, taken) in it.form.fields.iter().zip(&it.taken) {
        if let Some((column, sure, looks)) = taken {
            let name = &case.source.columns.names()[*column];
            fields.insert(field.name.to_owned(), looks.entry(name));
            notes.extend(
                looks
                    .notes
                    .iter()
                    .map(|note| (field.name.to_owned(), note.clone())),
            );
            if *sure < 0.6 {
                let note = format!("taken from “{name}” because its values fit; make sure that it is meant");
                notes.push((field.name.to_owned(), note));
            }
        } else if let Some(given) = it.given.get(field.name) {
            fields.insert(field.name.to_owned(), given.clone());
        } else if field.required {
            notes.push((field.name.to_owned(), "no column looks like it".to_owned()));
        }
    }
    extras(case, &it, &mut fields);
    Some(Proposal {
        kind,
        document: json!({ "fields": fields }),
        notes,
    })
}

/// Columns that no field takes, as attributes or properties, where the kind has them.
fn extras(case: &Case<'_>, it: &Match, fields: &mut Map<String, Json>) {
    let prefix = match it.form.kind.others() {
        Others::Attributes => "attributes",
        Others::Properties => "properties",
        Others::Ignored => return,
    };
    let taken: BTreeSet<usize> = it.taken.iter().flatten().map(|(column, ..)| *column).collect();
    for (at, column) in case.source.columns.names().iter().enumerate() {
        let name = extra_name(it.form.kind, column);
        if taken.contains(&at) || name.is_empty() {
            continue;
        }
        let declared = (it.form.kind == Kind::Accounts)
            .then(|| case.context.attributes.get(&name).copied())
            .flatten();
        let entry = match declared {
            Some(kind) => looks(case, at, kind).map_or_else(|| json!(column), |looks| looks.entry(column)),
            None => json!(column),
        };
        fields.insert(format!("{prefix}.{name}"), entry);
    }
}

fn best(case: &Case<'_>, kind: Kind) -> Option<Match> {
    kind.forms()
        .iter()
        .map(|form| fit(case, form))
        .max_by(|a, b| a.score.total_cmp(&b.score))
}

fn fit(case: &Case<'_>, form: &'static Form) -> Match {
    let names = case.source.columns.names();
    let mut pairs = Vec::new();
    for (place, field) in form.fields.iter().enumerate() {
        for (column, name) in names.iter().enumerate() {
            let by_name = likeness(form, place, name);
            if by_name == 0.0 {
                continue;
            }
            let Some(looks) = looks(case, column, field.kind) else {
                continue;
            };
            let key = field.kind == Type::Id && Some(field.name) == own_id(form.kind);
            let unique = if key && distinct(case, column) < 0.9 {
                0.5
            } else {
                1.0
            };
            let score = by_name * (0.3 + 0.7 * looks.share) * unique;
            if score >= LEAST && looks.share >= 0.5 {
                pairs.push((score, place, column, looks));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut taken: Vec<Option<(usize, f64, Looks)>> = form.fields.iter().map(|_| None).collect();
    let mut used = BTreeSet::new();
    for (score, place, column, looks) in pairs {
        if taken[place].is_none() && used.insert(column) {
            taken[place] = Some((column, score, looks));
        }
    }
    let mut it = Match {
        form,
        taken,
        given: BTreeMap::new(),
        score: 0.0,
    };
    give(case, &mut it, &mut used);
    it.score = score(case, &it, used.len());
    it
}

/// Fills required fields that no column fits by its name: an id from a column that tells rows apart, a time from a column of days, a
/// constant from the file's name, an account looked up in another file.
fn give(case: &Case<'_>, it: &mut Match, used: &mut BTreeSet<usize>) {
    let names = case.source.columns.names();
    let words = stem(case.name);
    for place in 0..it.form.fields.len() {
        let field = &it.form.fields[place];
        let open = it.taken[place].is_none();
        if !open || (!field.required && field.name != "account_id") {
            continue;
        }
        if Some(field.name) == own_id(it.form.kind) || (field.name == "message_id" && field.required) {
            let column = (0..names.len()).find(|at| {
                let name = normal(&names[*at]);
                !used.contains(at)
                    && (name.ends_with("_id")
                        || name.ends_with("uuid")
                        || name.ends_with("_key")
                        || name == "no")
                    && distinct(case, *at) > 0.99
            });
            if let Some(column) = column
                && let Some(looks) = looks(case, column, field.kind)
            {
                used.insert(column);
                it.taken[place] = Some((column, 0.55, looks));
            }
        } else if matches!(field.kind, Type::Instant | Type::Day) {
            let column = (0..names.len()).find_map(|at| {
                let name = normal(&names[at]);
                let timely = ["date", "time", "day", "_at", "_on"]
                    .iter()
                    .any(|part| name.contains(part));
                let looks = looks(case, at, field.kind)?;
                (timely && !used.contains(&at) && looks.share > 0.95).then_some((at, looks))
            });
            if let Some((column, looks)) = column {
                used.insert(column);
                it.taken[place] = Some((column, 0.55, looks));
            }
        } else if field.name == "name" && it.form.kind == Kind::Events {
            it.given.insert("name", json!({ "constant": event_name(&words) }));
        } else if field.name == "change"
            && words
                .iter()
                .any(|word| word.starts_with("churn") || word.starts_with("cancel"))
        {
            it.given.insert("change", json!({ "constant": "churned" }));
        } else if field.name == "survey" {
            let known = ["nps", "csat", "ces"]
                .into_iter()
                .find(|it| words.iter().any(|word| word == it));
            if let Some(survey) = known {
                it.given.insert("survey", json!({ "constant": survey }));
            }
        } else if field.name == "account_id"
            && let Some(lookup) = found_elsewhere(case)
        {
            it.given.insert("account_id", lookup);
        }
    }
}

/// The account through another file of the upload that names both it and an id that stands here.
fn found_elsewhere(case: &Case<'_>) -> Option<Json> {
    for sibling in case.siblings {
        let Some(account) = sibling
            .columns
            .iter()
            .find(|column| normal(column) == "account_id")
        else {
            continue;
        };
        for column in case.source.columns.names() {
            let name = normal(column);
            let shared = sibling.columns.iter().find(|other| normal(other) == name);
            if name.ends_with("_id")
                && let Some(key) = shared
            {
                let lookup = json!({ "file": sibling.name, "key": key, "value": account });
                return Some(json!({ "column": column, "lookup": lookup }));
            }
        }
    }
    None
}

fn score(case: &Case<'_>, it: &Match, used: usize) -> f64 {
    let needed: Vec<usize> = (0..it.form.fields.len())
        .filter(|at| it.form.fields[*at].required)
        .collect();
    let sure: f64 = needed
        .iter()
        .map(|at| match &it.taken[*at] {
            Some((_, score, _)) => *score,
            None if it.given.contains_key(it.form.fields[*at].name) => 0.5,
            None => 0.0,
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a few columns")]
    let (covered, explained) = (
        sure / needed.len().max(1) as f64,
        used as f64 / case.source.columns.names().len().max(1) as f64,
    );
    let hint = if hinted(&stem(case.name)) == Some(it.form.kind) {
        0.25
    } else {
        0.0
    };
    (covered * 0.5 + explained * 0.25 + hint).min(1.0)
}

/// The words of a file's name.
fn stem(name: &str) -> Vec<String> {
    let bare = name.split('.').next().unwrap_or(name);
    normal(bare).split('_').map(str::to_owned).collect()
}

/// The kind that a file's name speaks of. The first word that is found decides: churn events are ends of subscriptions.
fn hinted(words: &[String]) -> Option<Kind> {
    const HINTS: &[(&str, Kind)] = &[
        ("churn", Kind::Subscriptions),
        ("cancel", Kind::Subscriptions),
        ("subscription", Kind::Subscriptions),
        ("contract", Kind::Subscriptions),
        ("mrr", Kind::Subscriptions),
        ("contact", Kind::Contacts),
        ("user", Kind::Contacts),
        ("people", Kind::Contacts),
        ("person", Kind::Contacts),
        ("ticket", Kind::Tickets),
        ("case", Kind::Tickets),
        ("support", Kind::Tickets),
        ("opportunit", Kind::Opportunities),
        ("deal", Kind::Opportunities),
        ("pipeline", Kind::Opportunities),
        ("response", Kind::Responses),
        ("survey", Kind::Responses),
        ("nps", Kind::Responses),
        ("csat", Kind::Responses),
        ("account", Kind::Accounts),
        ("customer", Kind::Accounts),
        ("compan", Kind::Accounts),
        ("organi", Kind::Accounts),
        ("usage", Kind::Events),
        ("event", Kind::Events),
        ("activit", Kind::Events),
        ("login", Kind::Events),
    ];
    HINTS
        .iter()
        .find(|(word, _)| words.iter().any(|it| it.starts_with(word)))
        .map(|(_, kind)| *kind)
}

/// The name of the events of a file called so: a known one that is near, else the file's own name.
fn event_name(words: &[String]) -> String {
    if words.iter().any(|word| word.starts_with("usage")) {
        return "feature_used".to_owned();
    }
    let own = words.join("_");
    let own = own.strip_suffix("_events").unwrap_or(&own).to_owned();
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(&own, name);
    EventKind::vocabulary()
        .map(|(name, _)| (likeness(name), name))
        .filter(|(near, _)| *near > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(own.clone(), |(_, name)| name.to_owned())
}

/// The field that names a row of the kind.
fn own_id(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Accounts => Some("account_id"),
        Kind::Contacts => Some("contact_id"),
        Kind::Events => Some("message_id"),
        Kind::Tickets => Some("ticket_id"),
        Kind::Opportunities => Some("opportunity_id"),
        Kind::Responses => Some("response_id"),
        Kind::Subscriptions => None,
    }
}

/// Other names that columns have; wider than those by which a file without a map is read, because a person looks at a proposal.
fn wide(field: &str) -> &'static [&'static str] {
    match field {
        "account_id" => &[
            "client_id",
            "client",
            "workspace_id",
            "acct_id",
            "account_no",
            "account_number",
            "customer_no",
            "customer_number",
            "tenant",
            "org_id",
        ],
        "contact_id" => &["member_id", "people_id", "uid"],
        "name" => &[
            "title",
            "client_name",
            "label",
            "action",
            "activity",
            "event_label",
            "display_name",
            "firma",
        ],
        "domain" => &["url", "web", "homepage", "email_domain"],
        "industry" => &["branch", "segment_industry", "naics"],
        "plan" => &["product", "subscription_plan", "package_name", "level"],
        "employees" => &["size", "fte", "team_size", "mitarbeiter"],
        "seats" => &["users", "user_count", "licences_bought", "quantity"],
        "owner" => &["csm_name", "owner_name", "success_manager", "assigned_to", "rep"],
        "started_on" => &[
            "signup_date",
            "created",
            "created_at",
            "created_date",
            "joined",
            "since",
            "onboarded_on",
            "kunde_seit",
        ],
        "churned_on" => &["end_date", "left_on", "closed_date", "terminated_on"],
        "mrr" => &[
            "monthly_revenue",
            "mrr_usd",
            "mrr_eur",
            "revenue",
            "amount",
            "price",
            "monthly_price",
        ],
        "effective_on" => &[
            "date",
            "churn_date",
            "event_date",
            "cancellation_date",
            "cancel_date",
            "day",
        ],
        "change" => &["type", "event", "event_type", "action", "kind", "status"],
        "reason" | "churn_reason" => &["reason", "churn_code", "cancel_reason", "why"],
        "start_on" => &["start", "from", "valid_from", "begin_date", "from_date"],
        "end_on" => &["end", "to", "until", "valid_to", "to_date"],
        "occurred_at" => &[
            "at",
            "when",
            "ts",
            "usage_date",
            "event_date",
            "happened_at",
            "logged_at",
            "day",
        ],
        "opened_at" => &["date", "start", "open_date", "opened_on", "created_on"],
        "resolved_at" => &["end", "close_date", "resolution_date", "closed_on", "resolved_on"],
        "priority" => &["level", "importance"],
        "subject" => &["title", "topic", "description"],
        "satisfaction" => &["rating", "csat_rating"],
        "type" => &["kind", "category"],
        "value" => &["arr", "mrr", "price", "total", "potential"],
        "stage" => &["status", "phase"],
        "outcome" => &["status", "won_lost", "is_won"],
        "opened_on" => &["created", "created_on", "start_date", "open_date"],
        "closed_on" => &["end_date", "closed"],
        "survey" => &["type", "kind"],
        "score" => &["nps", "csat", "ces", "value", "nps_score"],
        "answered_at" => &["date", "created_at", "timestamp", "at", "completed_at"],
        "email" => &["user_email", "contact_email", "login"],
        "updated_at" => &["updated", "last_updated", "changed_at"],
        _ => &[],
    }
}

/// What stands before a field's name without saying more.
const OWNERS: &[&str] = &[
    "account",
    "customer",
    "company",
    "client",
    "contact",
    "user",
    "person",
    "ticket",
    "case",
    "event",
    "subscription",
    "contract",
    "opportunity",
    "deal",
    "response",
    "survey",
    "organization",
];

/// How well a column's name fits a field, 0 to 1.
fn likeness(form: &Form, place: usize, column: &str) -> f64 {
    let field = &form.fields[place];
    let name = normal(column);
    if name == field.name {
        return 1.0;
    }
    if field.also.contains(&name.as_str()) {
        return 0.92;
    }
    if wide(field.name).contains(&name.as_str()) {
        return 0.75;
    }
    if let Some((owner, rest)) = name.split_once('_')
        && OWNERS.contains(&owner)
        && (rest == field.name || field.also.contains(&rest))
        && rest != "id"
    {
        return 0.8;
    }
    if field.name.len() > 4 && strsim::normalized_damerau_levenshtein(&name, field.name) >= 0.84 {
        return 0.7;
    }
    0.0
}

/// Share of different texts among a column's filled cells.
fn distinct(case: &Case<'_>, column: usize) -> f64 {
    let mut seen = BTreeSet::new();
    let mut filled = 0usize;
    for record in case.source.sample.iter().filter(|record| record.fault.is_none()) {
        let cell = record.cell(column);
        if !cell.is_empty() {
            filled += 1;
            seen.insert(cell);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand rows")]
    let share = seen.len() as f64 / filled.max(1) as f64;
    share
}
