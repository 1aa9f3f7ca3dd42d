//! The accounts that a question is about, as of its day.

use std::sync::Arc;

use jiff::civil::Date;
use tenure_lake::arrow::array::BooleanArray;

use super::ledger::{self, Signals};
use super::rules::{Life, scale};
use crate::App;
use crate::definitions::Definitions;
use crate::metrics::{self, Entry, Span, as_of};
use crate::scores::stages::{self, Stages};
use crate::web::{Problem, Result};

/// What every question may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// The day that the question is asked of.
    pub as_of: Option<String>,
    /// A segment, or several with commas between.
    pub segment: Option<String>,
    /// An owner; `(none)` = without one.
    pub owner: Option<String>,
    /// A currency.
    pub currency: Option<String>,
    /// A SQL expression over attributes, metrics and built-in names.
    pub filter: Option<String>,
}

/// The accounts of a question.
pub struct Scene {
    /// The definitions in force.
    pub definitions: Arc<Definitions>,
    /// The day.
    pub day: i32,
    /// The accounts, by number, with the place of each one's currency in [`Self::currencies`].
    pub accounts: Vec<(Arc<Entry>, usize)>,
    /// The currencies that occur, the program's own first, the others by name.
    pub currencies: Vec<String>,
    /// Everything that was said of leaving.
    pub signals: Arc<Signals>,
    /// In which lifecycle stage accounts were when, where figures are split by it.
    stages: Option<Stages>,
    segments: Vec<String>,
    owner: Option<String>,
    names: std::collections::HashMap<String, String>,
}

/// The scope of accounts without a value.
pub const NONE: &str = "(none)";

impl Scene {
    /// The scene of a question.
    ///
    /// # Errors
    /// The problem with its fields; when records or history fail.
    pub async fn of(app: &App, who: &Who) -> Result<Self> {
        let definitions = app.definitions().ok_or_else(|| {
            Problem::conflict(
                "no program is applied yet: run `tenure program apply DIR`, or apply one under Settings",
            )
        })?;
        let day = as_of::day(app, who.as_of.as_deref())?;
        let clean = |text: &Option<String>| {
            text.as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let filter = clean(&who.filter);
        // The spans of today hold the past too; only what an expression may read has to be worked out for the day.
        let entries = if filter.is_some() {
            as_of::entries(app, day).await?.as_ref().clone()
        } else {
            app.metrics.book.all()
        };
        let truth = filter
            .map(|filter| as_of::evaluate_filter(app, &definitions, &entries[..], day, &filter))
            .transpose()?;
        let signals = ledger::signals(app).await?;
        let wanted = clean(&who.currency);
        let own = definitions.program.currency.clone();
        let (accounts, currencies) = by_currency(entries, truth.as_ref(), own, wanted.as_deref());
        if let Some(wanted) = wanted
            && !currencies.contains(&wanted)
        {
            return Err(Problem::field(
                "currency",
                wanted,
                "is the currency of no account",
                format!("use one of {}", currencies.join(", ")),
            ));
        }
        Ok(Self {
            definitions,
            stages: None,
            day,
            accounts,
            currencies,
            signals,
            segments: clean(&who.segment)
                .map(|list| list.split(',').map(|id| id.trim().to_owned()).collect())
                .unwrap_or_default(),
            owner: clean(&who.owner),
            names: crate::auth::names(app).await?,
        })
    }

    /// The scene with what a split by this name needs.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn split(mut self, app: &App, by: Option<&str>) -> Result<Self> {
        if let Some(field) = by.and_then(|by| self.definitions.stage_named(by)) {
            self.stages = Some(stages::all(app, field).await?);
        }
        Ok(self)
    }

    /// The name of the person behind an actor; the actor where nobody is known by it.
    #[must_use]
    pub fn person(&self, actor: &str) -> String {
        self.names.get(actor).cloned().unwrap_or_else(|| actor.to_owned())
    }

    /// The date of the scene's day.
    #[must_use]
    pub fn date(&self) -> Date {
        metrics::facts::date_of(self.day)
    }

    /// Whether an account counts by the span that holds on the moment asked about.
    #[must_use]
    pub fn counts(&self, span: Option<&Span>) -> bool {
        (self.segments.is_empty() || span.is_some_and(|s| self.segments.contains(&s.segment)))
            && self
                .owner
                .as_deref()
                .is_none_or(|wanted| span.and_then(|s| s.owner.as_deref()).unwrap_or(NONE) == wanted)
    }

    /// The life of an account.
    #[must_use]
    pub fn life<'a>(&self, entry: &'a Entry, currency: usize) -> Life<'a> {
        let name = self.currencies.get(currency).map_or("", String::as_str);
        Life::new(&entry.head, scale(name))
    }

    /// What was said of an account's leaving by the scene's day.
    #[must_use]
    pub fn said(&self, no: i64) -> &[super::rules::departures::Signal] {
        let all = self.signals.get(&no).map_or(&[][..], Vec::as_slice);
        let known = all.partition_point(|signal| signal.day <= self.day);
        // They stand by instant, so those of later days come last.
        &all[..known]
    }

    /// When the oldest of the shown states was computed.
    #[must_use]
    pub fn computed_at(&self, app: &App) -> String {
        let oldest = self.accounts.iter().map(|(entry, _)| entry.computed_at).min();
        as_of::instant(oldest.unwrap_or_else(|| app.clock.micros()))
    }

    /// The first month's last day so many months before the scene's, and so on up to the scene's day.
    #[must_use]
    pub fn month_ends(&self, months: i32) -> Vec<Date> {
        let from = self
            .date()
            .first_of_month()
            .saturating_sub(jiff::Span::new().months(months.saturating_sub(1)));
        crate::kpis::window::month_ends(from, self.date())
    }

    /// The value that an account has of a dimension, on a day or by what is known of it now.
    #[must_use]
    pub fn value(&self, entry: &Entry, currency: usize, day: i32, by: &Dimension) -> String {
        let span = entry.head.span_at(day).or_else(|| entry.head.spans.first());
        match by {
            Dimension::Segment => span.map_or_else(|| NONE.to_owned(), |s| s.segment.clone()),
            Dimension::Owner => span
                .and_then(|s| s.owner.clone())
                .unwrap_or_else(|| NONE.to_owned()),
            Dimension::Stage(stages) => stages.on(entry.no, &entry.head, day).unwrap_or(NONE).to_owned(),
            Dimension::Currency => self.currencies.get(currency).cloned().unwrap_or_default(),
            Dimension::Attribute(id) => match entry.attributes.get(id) {
                None | Some(serde_json::Value::Null) => NONE.to_owned(),
                Some(serde_json::Value::String(text)) if text.is_empty() => NONE.to_owned(),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            },
        }
    }
}

/// The accounts that pass, each with the place of its currency.
fn by_currency(
    entries: Vec<Arc<Entry>>,
    truth: Option<&BooleanArray>,
    own: String,
    wanted: Option<&str>,
) -> (Vec<(Arc<Entry>, usize)>, Vec<String>) {
    let name = |entry: &Entry| -> String {
        entry
            .head
            .currency
            .clone()
            .or_else(|| entry.attributes.get("currency")?.as_str().map(str::to_owned))
            .map(|code| code.trim().to_ascii_uppercase())
            .filter(|code| !code.is_empty())
            .unwrap_or_else(|| own.clone())
    };
    let named: Vec<(Arc<Entry>, String)> = entries
        .into_iter()
        .enumerate()
        .filter(|(row, _)| truth.is_none_or(|truth| truth.value(*row)))
        .map(|(_, entry)| {
            let code = name(&entry);
            (entry, code)
        })
        .collect();
    let others: std::collections::BTreeSet<&String> = named
        .iter()
        .map(|(_, code)| code)
        .filter(|code| **code != own)
        .collect();
    let mut currencies = vec![own.clone()];
    currencies.extend(others.into_iter().cloned());
    let place = |code: &String| currencies.iter().position(|known| known == code).unwrap_or(0);
    let accounts = named
        .into_iter()
        .filter(|(_, code)| wanted.is_none_or(|wanted| wanted == code))
        .map(|(entry, code)| {
            let at = place(&code);
            (entry, at)
        })
        .collect();
    (accounts, currencies)
}

/// What figures are split by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The segment of the moment that counts.
    Segment,
    /// The owner of that moment.
    Owner,
    /// The lifecycle stage of that moment.
    Stage(Stages),
    /// The account's currency.
    Currency,
    /// A declared attribute, as it is now.
    Attribute(String),
}

impl Dimension {
    /// The dimension with this name.
    ///
    /// # Errors
    /// The problem with the field `by`.
    pub fn parse(scene: &Scene, name: &str) -> Result<Self> {
        Ok(match name {
            "segment" => Self::Segment,
            "owner" => Self::Owner,
            "currency" => Self::Currency,
            "stage" if let Some(stages) = &scene.stages => Self::Stage(stages.clone()),
            id if scene.definitions.attribute(id).is_some() => Self::Attribute(id.to_owned()),
            other => {
                return Err(Problem::field(
                    "by",
                    other,
                    "is nothing that accounts can be split by",
                    "use segment, owner, currency, the id of a declared attribute, or stage where the program names a lifecycle stage",
                ));
            }
        })
    }
}
