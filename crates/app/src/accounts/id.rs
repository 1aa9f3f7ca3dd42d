//! Ids of accounts and contacts as they come from outside, brought into one form.

use std::borrow::Cow;

use serde_json::Value as Json;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The longest id that is taken, in bytes of UTF-8 after normalisation.
pub const LONGEST_ID: usize = 512;

/// What programs write when they meant to send no id. Taken as an id, each would gather the events of many customers in one.
const PLACEHOLDERS: [&str; 6] = ["null", "undefined", "NaN", "None", "nil", "[object Object]"];

/// Why an id cannot be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdFault {
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Brings an id into its one form: surrounding white space is dropped and the text is put into Unicode's composed form (NFC), so that
/// the two spellings of “é” are one id. Case is kept: ids that differ in case are different.
///
/// `Ok(None)` means that no id was given (empty, or white space only). An error means that the text cannot be an id: it is longer than
/// [`LONGEST_ID`], holds control characters, or is a placeholder such as `undefined`.
pub fn normalise(raw: &str) -> Result<Option<Cow<'_, str>>, IdFault> {
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}');
    if trimmed.is_empty() {
        return Ok(None);
    }
    if trimmed.len() > LONGEST_ID {
        return Err(IdFault {
            problem: format!(
                "the id has {} bytes, at most {LONGEST_ID} are taken",
                trimmed.len()
            ),
            remedy: "send the key of your database as the id and put longer text into a trait or property",
        });
    }
    if trimmed.chars().any(char::is_control) {
        return Err(IdFault {
            problem: "the id holds a control character".to_owned(),
            remedy: "send the id without line breaks, tabs and NUL",
        });
    }
    if PLACEHOLDERS.contains(&trimmed) {
        return Err(IdFault {
            problem: format!("“{trimmed}” is what a program writes when it has no id"),
            remedy: "leave the id out when it is not known; with this one, different customers would become one",
        });
    }
    if trimmed.is_ascii() || is_nfc(trimmed) {
        return Ok(Some(Cow::Borrowed(trimmed)));
    }
    Ok(Some(Cow::Owned(trimmed.nfc().collect())))
}

/// [`normalise`] for a JSON value: text, or a whole number, which counts as its digits. Null counts as not given.
pub fn normalise_json(raw: &Json) -> Result<Option<Cow<'_, str>>, IdFault> {
    match raw {
        Json::Null => Ok(None),
        Json::String(text) => normalise(text),
        Json::Number(number) if number.is_i64() || number.is_u64() => {
            Ok(Some(Cow::Owned(number.to_string())))
        }
        _ => Err(IdFault {
            problem: "an id is text or a whole number".to_owned(),
            remedy: "send the id as text",
        }),
    }
}
