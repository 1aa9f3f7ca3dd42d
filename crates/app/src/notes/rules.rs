//! What a note may hold, whom it mentions, and how two versions differ. No I/O.

use serde::Serialize;
use utoipa::ToSchema;

use super::LONGEST;
use crate::web::{Problem, Result};

/// A note's text in the form in which it is kept.
pub(super) fn body(raw: &str) -> Result<String> {
    let text = raw.replace("\r\n", "\n").trim().to_owned();
    let refuse = |problem: &str, remedy: &str| Err(Problem::field("body", raw, problem, remedy));
    if text.is_empty() {
        return refuse("empty", "write something, or remove the note");
    }
    if text.chars().count() > LONGEST {
        return refuse(
            "longer than 20,000 characters",
            "write several notes, or attach a file",
        );
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return refuse(
            "holds a control character",
            "take out what is no text, such as NUL",
        );
    }
    Ok(text)
}

/// Addresses that a text mentions as `@ann@example.com`, each once, in small letters.
pub(super) fn mentioned(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || "()[]{}<>,;:!?\"'`*".contains(c)) {
        let Some(address) = word.strip_prefix('@') else {
            continue;
        };
        let address = address.trim_end_matches(['.', '_', '-']).to_lowercase();
        if address.contains('@') && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NoteDiffLine)]
pub struct DiffLine {
    /// `same`, `theirs` (kept now, not in yours) or `yours`.
    pub side: &'static str,
    /// The line.
    pub text: String,
}

/// The most lines that are compared one by one; longer texts are shown one after the other.
const COMPARED: usize = 2_000;

/// How what is kept differs from what was sent, line by line: the longest common subsequence stands, the rest is one side's.
pub(super) fn difference(theirs: &str, yours: &str) -> Vec<DiffLine> {
    let (a, b): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), yours.lines().collect());
    let line = |side, text: &str| DiffLine {
        side,
        text: text.to_owned(),
    };
    if a.len() > COMPARED || b.len() > COMPARED {
        return a
            .iter()
            .map(|text| line("theirs", text))
            .chain(b.iter().map(|text| line("yours", text)))
            .collect();
    }
    // common[i][j]: the length of the longest common subsequence of a[i..] and b[j..].
    let width = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            lines.push(line("same", a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j >= b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            lines.push(line("theirs", a[i]));
            i += 1;
        } else {
            lines.push(line("yours", b[j]));
            j += 1;
        }
    }
    lines
}

/// A file's name without what leads elsewhere: the last part of a path, no control characters, at most 150 characters.
pub(super) fn file_name(raw: &str) -> Result<String> {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last
        .chars()
        .filter(|c| {
            !c.is_control()
                && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
        })
        .collect();
    let name = name.trim().trim_start_matches('.').to_owned();
    if (1..=150).contains(&name.chars().count()) {
        return Ok(name);
    }
    Err(Problem::field(
        "name",
        raw,
        "is not the name of a file",
        "send 1 to 150 visible characters",
    ))
}

/// The header that makes every browser download a file under its name (RFC 6266, RFC 8187).
pub(super) fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._- ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut coded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            coded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_addresses_after_an_at_sign() {
        assert_eq!(
            mentioned("@Ann@Example.com, ask (@bob@x.io). mail carol@x.io, @nobody **@ann@example.com**"),
            ["ann@example.com", "bob@x.io"]
        );
    }

    #[test]
    fn a_difference_keeps_the_common_lines_and_names_the_sides() {
        let lines: Vec<(&str, String)> = difference("a\nb\nc", "a\nx\nc\nd")
            .into_iter()
            .map(|line| (line.side, line.text))
            .collect();
        let expected = [
            ("same", "a"),
            ("theirs", "b"),
            ("yours", "x"),
            ("same", "c"),
            ("yours", "d"),
        ];
        assert_eq!(lines, expected.map(|(side, text)| (side, text.to_owned())));
    }

    #[test]
    fn names_of_files_lead_nowhere() {
        assert_eq!(file_name("../../etc/passwd").expect("a name"), "passwd");
        assert_eq!(file_name("C:\\a\\b.pdf").expect("a name"), "b.pdf");
        assert_eq!(file_name("gpj\u{202e}.exe").expect("a name"), "gpj.exe");
        assert!(file_name("..").is_err() && file_name("").is_err());
        assert_eq!(
            disposition("a\"; é.html"),
            "attachment; filename=\"a__ _.html\"; filename*=UTF-8''a%22%3B%20%C3%A9.html"
        );
    }
}
