//! Text to values: days, instants, numbers, in the spellings that exports use. Pure.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::fields::Type;
use super::read::nearest;

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, ids, words.
    Text(String),
    /// Several words.
    Words(Vec<String>),
    /// A number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// A day, with the instant at which it begins in the zone that was read with.
    Day(Date, i64),
    /// An instant, UTC microseconds.
    Instant(i64),
    /// A JSON object.
    Object(serde_json::Map<String, serde_json::Value>),
}

/// How values are spelt.
#[derive(Clone, Debug, PartialEq)]
pub struct Spelling {
    /// A `strftime` pattern of days and instants; `None` = ISO or epoch, found out from each value.
    pub format: Option<String>,
    /// The zone of instants that carry none, and of days.
    pub zone: TimeZone,
    /// The decimal mark; `None` = `.`, with `,` between thousands where that is beyond doubt.
    pub decimal: Option<char>,
}

/// What is wrong with a text and what to do.
pub type Wrong = (String, String);

const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 2200;

impl Spelling {
    /// ISO in UTC.
    pub fn plain() -> Self {
        Self {
            format: None,
            zone: TimeZone::UTC,
            decimal: None,
        }
    }

    /// Reads `text` as a value of `kind`. The text is not empty.
    pub fn read(&self, kind: Type, text: &str) -> Result<Value, Wrong> {
        if text.contains('\0') {
            return Err(("it holds a NUL character".to_owned(), "remove it".to_owned()));
        }
        match kind {
            Type::Id | Type::Text => Ok(Value::Text(text.to_owned())),
            Type::Day => self.day(text),
            Type::Instant => self.instant(text).map(Value::Instant),
            Type::Number => self.number(text).map(Value::Number),
            Type::Money => match self.number(text)? {
                amount if amount < 0.0 => Err((
                    "it is negative".to_owned(),
                    "give the amount as zero or more".to_owned(),
                )),
                amount if amount > 1e12 => Err((
                    "it is more than a billion thousand".to_owned(),
                    "check the unit".to_owned(),
                )),
                amount => Ok(Value::Number(amount)),
            },
            Type::Integer => self.integer(text),
            Type::Boolean => boolean(text).map(Value::Boolean),
            Type::Email => email(text).map(Value::Text),
            Type::Currency => currency(text).map(Value::Text),
            Type::Object => object(text).map(Value::Object),
            Type::Choice(words) => word(text, words).map(Value::Text),
            Type::Choices(words) => {
                let each = text.split(';').map(str::trim).filter(|part| !part.is_empty());
                each.map(|part| word(part, words))
                    .collect::<Result<_, _>>()
                    .map(Value::Words)
            }
        }
    }

    fn day(&self, text: &str) -> Result<Value, Wrong> {
        let date = match &self.format {
            Some(_) => self.moment(text)?.to_zoned(self.zone.clone()).date(),
            None => match text.parse::<Date>() {
                Ok(date) if !text.contains([':', 'T']) => date,
                _ => self.moment(text)?.to_zoned(self.zone.clone()).date(),
            },
        };
        in_calendar(date)?;
        let start = date
            .to_zoned(self.zone.clone())
            .map_err(|error| not(Type::Day, &error.to_string()))?;
        Ok(Value::Day(date, start.timestamp().as_microsecond()))
    }

    fn instant(&self, text: &str) -> Result<i64, Wrong> {
        let moment = self.moment(text)?;
        in_calendar(moment.to_zoned(TimeZone::UTC).date())?;
        Ok(moment.as_microsecond())
    }

    fn moment(&self, text: &str) -> Result<Timestamp, Wrong> {
        if let Some(format) = &self.format {
            return self.formatted(format, text);
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return epoch(text);
        }
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(moment);
        }
        let bare = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" Z"));
        if let Some(moment) = bare.and_then(|bare| bare.parse::<DateTime>().ok()) {
            return moment
                .to_zoned(TimeZone::UTC)
                .map(|z| z.timestamp())
                .map_err(|e| not(Type::Instant, &e.to_string()));
        }
        // `2026-06-30 14:05:00 +0200`: an offset after a space, as databases print it.
        if let Some((moment, offset)) = text.rsplit_once(' ')
            && offset.starts_with(['+', '-'])
            && let Ok(moment) = format!("{moment}{offset}").parse::<Timestamp>()
        {
            return Ok(moment);
        }
        if let Ok(moment) = text.parse::<DateTime>() {
            return moment
                .to_zoned(self.zone.clone())
                .map(|z| z.timestamp())
                .map_err(|e| not(Type::Instant, &e.to_string()));
        }
        let remedy = if looks_like_date(text) {
            "its order of day and month cannot be known: say `format: \"%d/%m/%Y\"` or `\"%m/%d/%Y\"` in the map".to_owned()
        } else {
            format!("give {}", Type::Instant.example())
        };
        Err((
            "it is not a date or time in ISO form, nor seconds or milliseconds since 1970".to_owned(),
            remedy,
        ))
    }

    fn formatted(&self, format: &str, text: &str) -> Result<Timestamp, Wrong> {
        let wrong = |error: jiff::Error| {
            (
                format!("it does not follow the format {format}: {error}"),
                "change `format:` in the map".to_owned(),
            )
        };
        let mut broken = jiff::fmt::strtime::BrokenDownTime::parse(format, text).map_err(wrong)?;
        if broken.offset().is_some() || broken.iana_time_zone().is_some() {
            return broken.to_timestamp().map_err(wrong);
        }
        if broken.hour().is_none() {
            broken.set_hour(Some(0)).map_err(wrong)?;
        }
        broken
            .to_datetime()
            .and_then(|moment| moment.to_zoned(self.zone.clone()))
            .map(|z| z.timestamp())
            .map_err(wrong)
    }

    /// Reads a number, with currency signs and thousands separators.
    pub fn number(&self, text: &str) -> Result<f64, Wrong> {
        let bare: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '$' | '€' | '£' | '\u{a0}' | '\''))
            .collect();
        let (decimal, thousands) = match self.decimal {
            Some(',') => (',', '.'),
            _ => ('.', ','),
        };
        let (whole, fraction) = bare.split_once(decimal).unwrap_or((&bare, ""));
        let groups: Vec<&str> = whole.trim_start_matches(['-', '+']).split(thousands).collect();
        let grouped = groups.len() == 1
            || (groups[1..].iter().all(|g| g.len() == 3) && (1..=3).contains(&groups[0].len()));
        if !grouped || fraction.contains(thousands) {
            return Err((
                "its decimal mark cannot be known".to_owned(),
                format!(
                    "say `decimal: \"{thousands}\"` in the map if `{thousands}` stands before the fraction"
                ),
            ));
        }
        let plain = format!("{}.{fraction}", whole.replace(thousands, ""));
        let plain = plain.strip_suffix('.').unwrap_or(&plain);
        match plain.parse::<f64>() {
            // `inf`, `nan` and overflow parse, but are no figures.
            Ok(number)
                if number.is_finite()
                    && plain
                        .starts_with(['-', '+', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) =>
            {
                Ok(number)
            }
            _ => Err(not(Type::Number, "it is not a number")),
        }
    }

    fn integer(&self, text: &str) -> Result<Value, Wrong> {
        if let Ok(whole) = text.parse::<i64>() {
            return Ok(Value::Integer(whole));
        }
        let number = self.number(text)?;
        if number.fract() == 0.0 && number.abs() < 9e15 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and below 2^53, as just checked"
            )]
            return Ok(Value::Integer(number as i64));
        }
        Err(not(Type::Integer, "it is not a whole number"))
    }
}

fn not(kind: Type, problem: &str) -> Wrong {
    (problem.to_owned(), format!("give {}", kind.example()))
}

fn in_calendar(date: Date) -> Result<(), Wrong> {
    if (FIRST_YEAR..=LAST_YEAR).contains(&date.year()) {
        return Ok(());
    }
    Err((
        format!("the year {} is outside {FIRST_YEAR} to {LAST_YEAR}", date.year()),
        "correct the date, or leave the cell empty".to_owned(),
    ))
}

fn epoch(text: &str) -> Result<Timestamp, Wrong> {
    let number: i64 = text
        .parse()
        .map_err(|_| not(Type::Instant, "it is not a date or time"))?;
    let micros = match text.len() {
        8 => {
            // 20260630, the basic ISO form of a day.
            let date = text
                .parse::<Date>()
                .map_err(|_| not(Type::Day, "it is not a day of the calendar"))?;
            return date
                .to_zoned(TimeZone::UTC)
                .map(|z| z.timestamp())
                .map_err(|e| not(Type::Day, &e.to_string()));
        }
        9 | 10 => number.checked_mul(1_000_000),
        12 | 13 => number.checked_mul(1_000),
        15 | 16 => Some(number),
        _ => None,
    };
    let micros = micros.ok_or_else(|| {
        not(
            Type::Instant,
            "it is neither a date nor seconds, milliseconds or microseconds since 1970",
        )
    })?;
    Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_micros(micros))
        .map_err(|e| not(Type::Instant, &e.to_string()))
}

fn looks_like_date(text: &str) -> bool {
    let parts: Vec<&str> = text
        .split([' ', 'T'])
        .next()
        .unwrap_or("")
        .split(['/', '.', '-'])
        .collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn boolean(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "1" => Ok(true),
        "false" | "no" | "n" | "f" | "0" => Ok(false),
        _ => Err(not(Type::Boolean, "it is neither yes nor no")),
    }
}

fn email(text: &str) -> Result<String, Wrong> {
    let sound = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.contains('@')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    });
    if sound
        && text.len() <= 254
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>'))
    {
        return Ok(text.to_lowercase());
    }
    Err(not(Type::Email, "it is not an e-mail address"))
}

fn currency(text: &str) -> Result<String, Wrong> {
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Ok(text.to_ascii_uppercase());
    }
    Err(not(Type::Currency, "it is not an ISO 4217 code"))
}

fn object(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, Wrong> {
    serde_json::from_str(text)
        .map_err(|error| not(Type::Object, &format!("it is not a JSON object: {error}")))
}

fn word(text: &str, words: &[&str]) -> Result<String, Wrong> {
    let wanted = super::read::normal(text);
    match words.iter().find(|word| **word == wanted) {
        Some(word) => Ok((*word).to_owned()),
        None => Err((
            format!(
                "it is none of the known words{}",
                nearest(text, words.iter().copied())
            ),
            format!(
                "give one of {}, or translate it with `values:` in the map",
                words.join(", ")
            ),
        )),
    }
}

/// A number as JSON, whole where it is whole, so that `5`, `5.0` and a Parquet file's 5 are one value.
pub fn plain_number(value: f64) -> serde_json::Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and below 2^53, as just checked"
        )]
        return (value as i64).into();
    }
    value.into()
}

/// A value whose type nobody declared: a number or truth value where the text is exactly how one would be written, else text.
/// `007` and `+4` stay text: they are codes.
pub fn guess(text: &str) -> serde_json::Value {
    match text {
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>()
        && whole.to_string() == text
    {
        return whole.into();
    }
    let like_number =
        text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') && text.contains('.');
    let code = text
        .trim_start_matches('-')
        .strip_prefix('0')
        .is_some_and(|rest| !rest.starts_with('.'));
    match text.parse::<f64>() {
        Ok(number)
            if like_number
                && !code
                && !text.ends_with('.')
                && !text.trim_start_matches('-').starts_with('.') =>
        {
            plain_number(number)
        }
        _ if text.starts_with(['{', '[']) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}
