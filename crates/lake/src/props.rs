//! `prop(json, path)`, `prop_num(json, path)`, `prop_bool(json, path)`: one value out of a JSON object.
//!
//! The text is scanned, not parsed into a tree: only the members before the wanted one are looked at, nothing is
//! allocated, and depth costs no stack. What is not a JSON object, or is broken before the value is found, gives null.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, StringBuilder, StringViewArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Raw text of the value at `path` of the object `json`: a key, or keys joined by dots. A key that itself holds
/// the dots wins over the path through objects.
fn find<'a>(json: &'a str, path: &str) -> Option<&'a str> {
    let mut scan = Scan { text: json, at: 0 };
    let found = scan.object(path)?;
    Some(found.trim_ascii_end())
}

/// A value as text: strings unescaped, null as `None`, everything else as it is written.
fn text_of(raw: &str) -> Option<std::borrow::Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => string_of(raw),
        b'{' | b'[' => Some(raw.into()),
        b'n' => None,
        b't' | b'f' => (raw == "true" || raw == "false").then(|| raw.into()),
        _ => is_number(raw).then(|| raw.into()),
    }
}

fn string_of(raw: &str) -> Option<std::borrow::Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str::<String>(raw).ok().map(Into::into);
    }
    Some(inner.into())
}

/// A finite number, also from a string that holds one and nothing else: senders often quote their numbers.
fn number_of(raw: &str) -> Option<f64> {
    let text = if raw.starts_with('"') {
        string_of(raw)?
    } else {
        raw.into()
    };
    let text = text.trim();
    is_number(text)
        .then(|| text.parse::<f64>().ok())?
        .filter(|number| number.is_finite())
}

fn bool_of(raw: &str) -> Option<bool> {
    let text = if raw.starts_with('"') {
        string_of(raw)?
    } else {
        raw.into()
    };
    match text.trim() {
        t if t.eq_ignore_ascii_case("true") => Some(true),
        t if t.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// JSON's grammar of numbers, so that `inf`, `nan`, `0x1` and `1_000` are none.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let text = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text.starts_with('0')) {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let n = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = &fraction[n..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let n = digits(exponent);
        return n > 0 && n == exponent.len();
    }
    rest.is_empty()
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Looks through the members of the object that starts here.
    fn object(&mut self, path: &str) -> Option<&'a str> {
        let mut inner = None;
        self.take(b'{')?;
        self.space();
        if self.peek()? == b'}' {
            return None;
        }
        let head = path.split_once('.');
        loop {
            self.space();
            let key = self.string()?;
            self.take(b':')?;
            self.space();
            let start = self.at;
            if key_is(key, path) {
                self.value()?;
                return Some(&self.text[start..self.at]);
            }
            self.value()?;
            if let Some((first, rest)) = head
                && inner.is_none()
                && key_is(key, first)
            {
                inner = Some((&self.text[start..self.at], rest));
            }
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        // One level for each key of the path, and paths are short; the JSON's own depth does not count.
        let (value, rest) = inner?;
        Scan { text: value, at: 0 }.object(rest)
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at)
    }

    /// Steps over one value, counting brackets instead of recursing.
    fn value(&mut self) -> Option<()> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b'}' | b']') if depth == 0 => break,
                Some(_) => {
                    self.at += 1;
                    if depth > 0 {
                        continue;
                    }
                    while !matches!(self.peek(), None | Some(b',' | b'}' | b']' | b'"' | b'{' | b'[')) {
                        self.at += 1;
                    }
                    break;
                }
                None => return None,
            }
            if depth == 0 {
                break;
            }
        }
        (self.at > start).then_some(())
    }
}

fn key_is(raw: &str, wanted: &str) -> bool {
    let inner = &raw[1..raw.len() - 1];
    inner == wanted || (inner.contains('\\') && string_of(raw).is_some_and(|key| key == wanted))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Want {
    Text,
    Number,
    Boolean,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Prop {
    want: Want,
    signature: Signature,
}

/// Makes the three functions known to a session.
pub(crate) fn register(state: &mut SessionState) {
    for want in [Want::Text, Want::Number, Want::Boolean] {
        let function = Prop {
            want,
            signature: Signature::string(2, Volatility::Immutable),
        };
        if let Err(error) = state.register_udf(Arc::new(ScalarUDF::new_from_impl(function))) {
            tracing::error!(%error, "a function could not be registered");
        }
    }
}

impl ScalarUDFImpl for Prop {
    fn name(&self) -> &str {
        match self.want {
            Want::Text => "prop",
            Want::Number => "prop_num",
            Want::Boolean => "prop_bool",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.want {
            Want::Text => DataType::Utf8,
            Want::Number => DataType::Float64,
            Want::Boolean => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = arguments
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { arguments.number_rows };
        let [json, path] = arguments.args.as_slice() else {
            return datafusion::common::exec_err!("{} takes a JSON text and a path", self.name());
        };
        let json = cast(&json.to_array(rows)?, &DataType::Utf8View)?;
        let json = json.as_string_view();
        let answer = match path {
            ColumnarValue::Scalar(path) => {
                let path = path.try_as_str().flatten();
                self.rows(json, (0..rows).map(|_| path))
            }
            ColumnarValue::Array(paths) => {
                let paths = cast(paths, &DataType::Utf8View)?;
                let paths: &StringViewArray = paths.as_string_view();
                self.rows(json, paths.iter())
            }
        };
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?));
        }
        Ok(ColumnarValue::Array(answer))
    }
}

impl Prop {
    fn rows<'a>(&self, json: &'a StringViewArray, paths: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
        let raws = json.iter().zip(paths).map(|(json, path)| find(json?, path?));
        match self.want {
            Want::Text => {
                let mut texts = StringBuilder::with_capacity(json.len(), json.len() * 8);
                raws.for_each(|raw| texts.append_option(raw.and_then(text_of)));
                Arc::new(texts.finish())
            }
            Want::Number => {
                let mut numbers = Float64Builder::with_capacity(json.len());
                raws.for_each(|raw| numbers.append_option(raw.and_then(number_of)));
                Arc::new(numbers.finish())
            }
            Want::Boolean => {
                let mut booleans = BooleanBuilder::with_capacity(json.len());
                raws.for_each(|raw| booleans.append_option(raw.and_then(bool_of)));
                Arc::new(booleans.finish())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_typed() {
        let json = r#" { "a" : "x\"y" , "n":-1.5e2, "t":true,"z":null, "o":{"p":{"q":"deep"}, "l":[1,{"}":2}]}, "o.p":"flat", "e\u0061":1, "s":"12", "u":"" } "#;
        let text = |path| {
            find(json, path)
                .and_then(text_of)
                .map(std::borrow::Cow::into_owned)
        };
        assert_eq!(text("a").as_deref(), Some("x\"y"));
        assert_eq!(text("n").as_deref(), Some("-1.5e2"));
        assert_eq!(text("t").as_deref(), Some("true"));
        assert_eq!(text("z"), None);
        assert_eq!(text("u").as_deref(), Some(""));
        assert_eq!(
            text("o.p").as_deref(),
            Some("flat"),
            "a key with a dot wins over the path"
        );
        assert_eq!(text("o.p.q").as_deref(), Some("deep"));
        assert_eq!(text("o.l").as_deref(), Some(r#"[1,{"}":2}]"#));
        assert_eq!(text("ea").as_deref(), Some("1"), "an escaped key is the same key");
        for absent in ["", "b", "o.x", "a.b", "o.", ".o", "o.p.q.r"] {
            assert_eq!(text(absent), None, "{absent}");
        }
        let number = |path| find(json, path).and_then(number_of);
        assert_eq!(
            (number("n"), number("s"), number("a"), number("t")),
            (Some(-150.0), Some(12.0), None, None)
        );
        let boolean = |path| find(json, path).and_then(bool_of);
        assert_eq!(
            (boolean("t"), boolean("n"), boolean("z")),
            (Some(true), None, None)
        );
    }

    #[test]
    fn odd_json_is_null() {
        let cases = [
            "",
            " ",
            "null",
            "1",
            "\"a\"",
            "[]",
            "[{\"a\":1}]",
            "{",
            "{}",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":}",
            "{a:1}",
            "{'a':1}",
            "{\"a\" 1}",
            "{\"b\":1 \"a\":2}",
            "{\"a\":1e400}",
            "{\"a\":NaN}",
            "{\"a\":0x10}",
            "{\"a\":01}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"unfinished",
            "{\"a\\",
            "{\"a\":\"\\",
            "\u{feff}{\"a\":1}",
            "{\"a\":1x}",
            "{\"a\":-}",
            "{\"a\":1.}",
        ];
        for json in cases {
            assert_eq!(find(json, "a").and_then(number_of), None, "{json}");
        }
        let deep = format!("{{\"x\":{}{},\"a\":1}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(find(&deep, "a").and_then(number_of), Some(1.0));
        assert_eq!(find(&"{\"a\":".repeat(100_000), "a.a.a"), None);
    }

    #[test]
    fn agrees_with_a_full_parser_on_random_objects() {
        use rand::{Rng, SeedableRng};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let words = ["a", "b", "é\"", "c.d", "\\", "𝄞", "{", "]", ","];
        for _ in 0..2000 {
            let mut object = serde_json::Map::new();
            for _ in 0..random.random_range(0..6) {
                let word = words[random.random_range(0..words.len())];
                let value = match random.random_range(0..6) {
                    0 => serde_json::Value::Null,
                    1 => random.random_bool(0.5).into(),
                    2 => random.random_range(-1000..1000).into(),
                    3 => random.random_range(-1e3..1e3).into(),
                    4 => serde_json::json!([word, { word: 1 }]),
                    _ => words[random.random_range(0..words.len())].into(),
                };
                object.insert(word.to_owned(), value);
            }
            let json = serde_json::Value::Object(object.clone()).to_string();
            for word in words {
                let want = object.get(word).filter(|value| !value.is_null());
                let want_text = want.map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
                let found = find(&json, word);
                assert_eq!(
                    found.and_then(text_of).map(|t| t.into_owned()),
                    want_text,
                    "{json} {word}"
                );
                let want_number = want.and_then(serde_json::Value::as_f64);
                assert_eq!(found.and_then(number_of), want_number, "{json} {word}");
            }
        }
    }
}
