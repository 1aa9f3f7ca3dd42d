//! Tables as CSV for spreadsheets (RFC 4180).

/// One cell. Text that a spreadsheet would take for a formula is led by an apostrophe; numbers are given as they are.
pub enum Cell {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// Nothing.
    Empty,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// The table as text, with lines that end as RFC 4180 says.
#[must_use]
pub fn table(head: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let mut text = head.join(",");
    text.push_str("\r\n");
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            match cell {
                Cell::Text(value) => push(&mut text, value),
                Cell::Number(value) => text.push_str(&value.to_string()),
                Cell::Empty => {}
            }
        }
        text.push_str("\r\n");
    }
    text
}

fn push(out: &mut String, value: &str) {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if !formula && !value.contains(['"', ',', '\n', '\r']) {
        out.push_str(value);
        return;
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    out.push_str(&value.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_a_formula_or_ends_it() {
        let row = vec![
            Cell::from("=HYPERLINK(\"x\")"),
            Cell::from("-1+2"),
            Cell::from("a, b"),
            Cell::from("two\nlines"),
            Cell::from(-12.5),
            Cell::from(None::<f64>),
            Cell::from("plain"),
        ];
        assert_eq!(
            table(&["a", "b", "c", "d", "e", "f", "g"], std::iter::once(row)),
            "a,b,c,d,e,f,g\r\n\"'=HYPERLINK(\"\"x\"\")\",\"'-1+2\",\"a, b\",\"two\nlines\",-12.5,,plain\r\n"
        );
    }
}
