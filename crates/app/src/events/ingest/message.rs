//! One message as SDKs send it, read from its bytes.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// What is wrong with a message: the field at fault, its value, the reason and the remedy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) field: Option<&'static str>,
    /// The trait, where the fault lies in one of them.
    pub(super) trait_name: Option<String>,
    pub(super) value: String,
    pub(super) reason: String,
    pub(super) remedy: &'static str,
}

impl Fault {
    pub(super) fn new(
        field: &'static str,
        value: &Json,
        reason: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        let value = match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        Self {
            field: Some(field),
            trait_name: None,
            value: shorten(&value, 200),
            reason: reason.into(),
            remedy,
        }
    }

    /// A message that is refused as a whole, before any field of it could be read.
    pub(super) fn whole(value: &[u8], reason: String, remedy: &'static str) -> Self {
        let value = shorten(&String::from_utf8_lossy(&value[..value.len().min(400)]), 200);
        Self {
            field: None,
            trait_name: None,
            value,
            reason,
            remedy,
        }
    }

    /// The path of the field at fault.
    pub(super) fn path(&self) -> Option<String> {
        let field = self.field?;
        Some(match &self.trait_name {
            Some(name) => format!("{field}.{name}"),
            None => field.to_owned(),
        })
    }
}

/// At most `most` characters of a text.
pub(super) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The calls of the tracking API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Track,
    Identify,
    Group,
    Page,
    Screen,
    Alias,
}

impl Call {
    /// The call with this name, or the letter by which browser SDKs call it.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "track" | "t" => Self::Track,
            "identify" | "i" => Self::Identify,
            "group" | "g" => Self::Group,
            "page" | "p" => Self::Page,
            "screen" | "s" => Self::Screen,
            "alias" | "a" => Self::Alias,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Group => "group",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Alias => "alias",
        }
    }
}

/// The members that mean something here; all others are passed over without being built.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Message {
    #[serde(rename = "type")]
    pub(super) kind: Json,
    pub(super) message_id: Json,
    pub(super) event: Json,
    pub(super) name: Json,
    pub(super) category: Json,
    pub(super) user_id: Json,
    pub(super) anonymous_id: Json,
    pub(super) group_id: Json,
    pub(super) previous_id: Json,
    pub(super) properties: Json,
    pub(super) traits: Json,
    pub(super) context: Json,
    pub(super) timestamp: Json,
    pub(super) original_timestamp: Json,
    pub(super) sent_at: Json,
}

/// Reads one message.
pub(super) fn parse(raw: &[u8]) -> Result<Message, Fault> {
    if raw.first() != Some(&b'{') {
        return Err(Fault::whole(
            raw,
            "a message is a JSON object".to_owned(),
            "send {…} for each message",
        ));
    }
    serde_json::from_slice(raw).map_err(|error| {
        let at = error.column().saturating_sub(40).min(raw.len());
        let (reason, remedy) = explain(&error.to_string(), raw);
        Fault::whole(&raw[at..(at + 80).min(raw.len())], reason, remedy)
    })
}

/// The parser's words in ours, with what to do.
fn explain(error: &str, raw: &[u8]) -> (String, &'static str) {
    if error.contains("recursion limit") {
        return (
            "the message nests deeper than 127 levels".to_owned(),
            "send a flatter message",
        );
    }
    if error.contains("number out of range") {
        return (
            format!("a number is too large for JSON as computers read it ({error})"),
            "send such a number as text",
        );
    }
    if error.contains("surrogate") || error.contains("hex escape") {
        return (
            format!("a text holds half of a character ({error})"),
            "cut texts between characters, not between their halves",
        );
    }
    if error.contains("duplicate field") {
        return (
            format!("a member stands twice ({error})"),
            "send each member once: which one is meant cannot be known",
        );
    }
    if std::str::from_utf8(raw).is_err() {
        return (
            "the message is not valid UTF-8".to_owned(),
            "send the body as UTF-8",
        );
    }
    let words = [b"NaN".as_slice(), b"Infinity"];
    if words
        .iter()
        .any(|word| raw.windows(word.len()).any(|part| part == *word))
    {
        return (
            format!("NaN and Infinity are no JSON ({error})"),
            "send null where there is no number",
        );
    }
    (
        format!("the message is not valid JSON ({error})"),
        "send what a JSON library writes",
    )
}

impl Message {
    /// Properties, traits or context: an object, or nothing.
    pub(super) fn object(field: &'static str, value: Json) -> Result<Map<String, Json>, Fault> {
        match value {
            Json::Object(object) => Ok(object),
            Json::Null => Ok(Map::new()),
            other => Err(Fault::new(
                field,
                &other,
                format!("{field} is not an object"),
                "send an object, or leave it out",
            )),
        }
    }
}
