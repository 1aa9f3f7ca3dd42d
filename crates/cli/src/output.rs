//! Printing answers: a table for people, JSON as the API gives it, CSV for other programs.

use std::io::{self, Write};

use serde_json::Value;

use crate::args::Format;
use crate::client::Result;

/// A column: heading and the path to the value in a row (`values.logins_30d`).
pub type Column<'a> = (&'a str, &'a str);

/// Prints rows: the chosen columns as a table or CSV, or the whole answer as JSON.
pub fn print(format: Format, whole: &Value, rows: &[Value], columns: &[Column<'_>]) -> Result<()> {
    let mut text = Vec::new();
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut text, whole)?;
            text.push(b'\n');
        }
        Format::Csv => csv(&mut text, rows, columns)?,
        Format::Table => table(&mut text, rows, columns)?,
    }
    to_stdout(&text)
}

/// Writes to stdout. A reader that wants no more (`| head`) is no failure.
pub fn to_stdout(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Values as they are. Cells that a spreadsheet would take for a formula are not changed: this output is for programs; exports that
/// people open in a spreadsheet come from the browser pages.
fn csv(out: &mut impl Write, rows: &[Value], columns: &[Column<'_>]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(
        columns
            .iter()
            .map(|(_, path)| path.rsplit('.').next().unwrap_or(path)),
    )?;
    for row in rows {
        writer.write_record(columns.iter().map(|(_, path)| exact(at(row, path))))?;
    }
    writer.flush()?;
    Ok(())
}

fn table(out: &mut impl Write, rows: &[Value], columns: &[Column<'_>]) -> io::Result<()> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|(_, path)| short(at(row, path))).collect())
        .collect();
    let numeric: Vec<bool> = columns
        .iter()
        .map(|(_, path)| {
            rows.iter().any(|row| at(row, path).is_number())
                && rows
                    .iter()
                    .all(|row| at(row, path).is_number() || at(row, path).is_null())
        })
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, (head, _))| {
            cells
                .iter()
                .map(|row| row[at].chars().count())
                .chain([head.chars().count()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    line(out, columns.iter().map(|(head, _)| *head), &widths, &numeric)?;
    for row in &cells {
        line(out, row.iter().map(String::as_str), &widths, &numeric)?;
    }
    Ok(())
}

fn line<'a>(
    out: &mut impl Write,
    cells: impl Iterator<Item = &'a str>,
    widths: &[usize],
    numeric: &[bool],
) -> io::Result<()> {
    let mut text = String::new();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push_str("  ");
        }
        let pad = widths[at].saturating_sub(cell.chars().count());
        if numeric[at] {
            text.extend(std::iter::repeat_n(' ', pad));
            text.push_str(cell);
        } else {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', pad));
        }
    }
    writeln!(out, "{}", text.trim_end())
}

/// The value at a dotted path; a key that holds dots itself is found too.
fn at<'a>(row: &'a Value, path: &str) -> &'a Value {
    if let Some(value) = row.get(path) {
        return value;
    }
    match path.split_once('.') {
        Some((head, rest)) => row.get(head).map_or(&Value::Null, |inner| at(inner, rest)),
        None => &Value::Null,
    }
}

fn exact(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// For a person's eye: one line, at most 60 characters, numbers with at most four places and none that say nothing.
fn short(value: &Value) -> String {
    if let Value::Number(number) = value
        && !number.is_i64()
        && !number.is_u64()
        && let Some(number) = number.as_f64()
    {
        let text = format!("{number:.4}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    if value.is_null() {
        return "–".to_owned();
    }
    // Control characters could move a terminal's cursor or hide text.
    let text: String = exact(value)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().count() <= 60 {
        return text;
    }
    let mut cut: String = text.chars().take(59).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column<'_>] = &[("Name", "name"), ("Value", "values.x")];

    fn rows() -> Vec<Value> {
        vec![
            json!({ "name": "Ann, \"the\" first", "values": { "x": 0.125 } }),
            json!({ "name": "=1+1\u{1b}[2J", "values": { "x": null } }),
            json!({ "name": null, "values": { "x": 12 } }),
        ]
    }

    #[test]
    fn a_table_aligns_and_hides_control_characters() {
        let mut out = Vec::new();
        table(&mut out, &rows(), COLUMNS).unwrap();
        let wanted = "Name              Value\nAnn, \"the\" first  0.125\n=1+1 [2J              –\n–                    12\n";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }

    #[test]
    fn csv_keeps_values_as_they_are() {
        let mut out = Vec::new();
        csv(&mut out, &rows(), COLUMNS).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name,x\n\"Ann, \"\"the\"\" first\",0.125\n=1+1\u{1b}[2J,\n,12\n"
        );
    }
}
