//! Cuts a body into its messages without reading them.
//!
//! One message that is not valid JSON (a `NaN` that a program wrote, half of an emoji) must not take the others of its batch with it.
//! So the batch is cut by its brackets and strings alone, without recursion, and each message is parsed by itself.

use memchr::memchr2;

/// The members of the body's object that concern all messages, as they stand there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) batch: Option<Vec<&'a [u8]>>,
    pub(super) sent_at: Option<&'a [u8]>,
    pub(super) write_key: Option<&'a [u8]>,
    pub(super) context: Option<&'a [u8]>,
}

/// Cuts the body. The error says what was expected where.
pub(super) fn split(body: &[u8]) -> Result<Parts<'_>, String> {
    let mut at = Cursor { text: body, place: 0 };
    let mut parts = Parts::default();
    at.space();
    if at.peek() == Some(b'[') {
        // A bare list of messages.
        parts.batch = Some(at.list()?);
        return at.end().map(|()| parts);
    }
    at.expect(b'{')?;
    at.space();
    if at.peek() == Some(b'}') {
        at.place += 1;
        return at.end().map(|()| parts);
    }
    loop {
        at.space();
        let key = at.string()?;
        at.space();
        at.expect(b':')?;
        at.space();
        match key {
            b"batch" if at.peek() == Some(b'[') => parts.batch = Some(at.list()?),
            b"sentAt" => parts.sent_at = Some(at.value()?),
            b"writeKey" => parts.write_key = Some(at.value()?),
            b"context" => parts.context = Some(at.value()?),
            _ => {
                at.value()?;
            }
        }
        at.space();
        match at.next() {
            Some(b',') => {}
            Some(b'}') => return at.end().map(|()| parts),
            _ => return Err(at.expected("`,` or `}`")),
        }
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    place: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.place).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.place += 1;
        Some(byte)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.place += 1;
        }
    }

    fn expected(&self, what: &str) -> String {
        format!("{what} was expected at byte {}", self.place.min(self.text.len()))
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.peek() == Some(byte) {
            self.place += 1;
            return Ok(());
        }
        Err(self.expected(&format!("`{}`", char::from(byte))))
    }

    fn end(&mut self) -> Result<(), String> {
        self.space();
        if self.place == self.text.len() {
            Ok(())
        } else {
            Err(self.expected("the end"))
        }
    }

    /// What stands between two quotes, escapes untouched.
    fn string(&mut self) -> Result<&'a [u8], String> {
        self.expect(b'"')?;
        let start = self.place;
        loop {
            let rest = self.text.get(self.place..).unwrap_or_default();
            let Some(step) = memchr2(b'"', b'\\', rest) else {
                return Err(self.expected("the end of a text (`\"`)"));
            };
            self.place += step;
            if self.peek() == Some(b'"') {
                self.place += 1;
                return Ok(self.text.get(start..self.place - 1).unwrap_or_default());
            }
            // The escaped character is passed over, whatever it is.
            self.place += 2;
        }
    }

    /// Any value, as it stands there.
    fn value(&mut self) -> Result<&'a [u8], String> {
        let start = self.place;
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{' | b'[') => self.nested()?,
            _ => {
                while !matches!(
                    self.peek(),
                    None | Some(b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t')
                ) {
                    self.place += 1;
                }
            }
        }
        let value = self.text.get(start..self.place).unwrap_or_default();
        if value.is_empty() {
            Err(self.expected("a value"))
        } else {
            Ok(value)
        }
    }

    fn nested(&mut self) -> Result<(), String> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
                None => return Err(self.expected("a closing bracket")),
            }
            self.place += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn list(&mut self) -> Result<Vec<&'a [u8]>, String> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.place += 1;
            return Ok(items);
        }
        loop {
            self.space();
            items.push(self.value()?);
            self.space();
            match self.next() {
                Some(b',') => {}
                Some(b']') => return Ok(items),
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_as_they_stand() {
        let body = br#" {"batch":[{"a":"]}\"{"}, NaN ,{"b":[1,{"c":2}]}],"sentAt":"x","other":[[]],"writeKey":"k"} "#;
        let parts = split(body).unwrap();
        let batch = parts.batch.unwrap();
        assert_eq!(
            batch,
            [br#"{"a":"]}\"{"}"#.as_slice(), b"NaN", br#"{"b":[1,{"c":2}]}"#]
        );
        assert_eq!(parts.sent_at, Some(br#""x""#.as_slice()));
        assert_eq!(parts.write_key, Some(br#""k""#.as_slice()));
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let mut body = b"{\"batch\":[".to_vec();
        body.extend(vec![b'['; 200_000]);
        body.extend(vec![b']'; 200_000]);
        body.extend(b"]}");
        assert_eq!(split(&body).unwrap().batch.unwrap().len(), 1);
    }

    #[test]
    fn broken_bodies_are_named_by_place() {
        for body in [
            "",
            "5",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":}",
            "{\"batch\":[",
            "{\"batch\":[1",
            "{\"batch\":[1}",
            "{} {}",
            "\"\\",
            "{\"a\":\"\\",
        ] {
            let error = split(body.as_bytes()).unwrap_err();
            assert!(error.contains("expected at byte"), "{body}: {error}");
        }
        assert_eq!(split(b"{}").unwrap(), Parts::default());
        assert_eq!(split(b"[]").unwrap().batch.unwrap().len(), 0);
    }
}
