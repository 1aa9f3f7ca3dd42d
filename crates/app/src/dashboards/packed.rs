//! Answers as bytes. What is read is what was written, numbers to the last bit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value as Json};
use tenure_lake::{Answer, Column};

use crate::metrics::facts::{decode, encode};

/// A value of a row.
#[derive(Serialize, Deserialize)]
enum Cell {
    Null,
    Bool(bool),
    Whole(i64),
    Large(u64),
    Number(f64),
    Text(String),
    /// Lists and the like, as JSON.
    Other(String),
}

#[derive(Serialize, Deserialize)]
struct Packed {
    /// Name and kind.
    columns: Vec<(String, String)>,
    rows: Vec<Vec<Cell>>,
    truncated: bool,
}

/// The kinds of columns as the lake names them.
const KINDS: [&str; 7] = [
    "number",
    "integer",
    "text",
    "boolean",
    "date",
    "timestamp",
    "other",
];

/// An answer as bytes.
///
/// # Errors
/// When it cannot be written, which plain values always can.
pub fn write(answer: &Answer) -> anyhow::Result<Vec<u8>> {
    let row = |row: &Map<String, Json>| {
        let columns = answer.columns.iter();
        columns.map(|column| cell(row.get(&column.name))).collect()
    };
    let packed = Packed {
        columns: answer
            .columns
            .iter()
            .map(|column| (column.name.clone(), column.kind.to_owned()))
            .collect(),
        rows: answer.rows.iter().map(row).collect(),
        truncated: answer.truncated,
    };
    Ok(zstd::encode_all(encode(&packed)?.as_slice(), 1)?)
}

/// An answer from its bytes; `None` = written by another format.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Answer> {
    let packed: Packed = decode(&zstd::decode_all(bytes).ok()?)?;
    let columns: Vec<Column> = packed
        .columns
        .into_iter()
        .map(|(name, kind)| {
            let kind = KINDS.into_iter().find(|known| *known == kind)?;
            Some(Column { name, kind })
        })
        .collect::<Option<_>>()?;
    let rows = packed
        .rows
        .into_iter()
        .map(|cells| {
            let values = cells.into_iter().map(value);
            columns
                .iter()
                .map(|column| column.name.clone())
                .zip(values)
                .collect()
        })
        .collect();
    Some(Answer {
        columns,
        rows,
        truncated: packed.truncated,
    })
}

fn cell(value: Option<&Json>) -> Cell {
    match value {
        None | Some(Json::Null) => Cell::Null,
        Some(Json::Bool(it)) => Cell::Bool(*it),
        Some(Json::String(it)) => Cell::Text(it.clone()),
        Some(Json::Number(it)) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
            (Some(it), _, _) => Cell::Whole(it),
            (None, Some(it), _) => Cell::Large(it),
            (None, None, it) => it.map_or(Cell::Null, Cell::Number),
        },
        Some(it) => Cell::Other(it.to_string()),
    }
}

fn value(cell: Cell) -> Json {
    match cell {
        Cell::Null => Json::Null,
        Cell::Bool(it) => Json::Bool(it),
        Cell::Whole(it) => Json::from(it),
        Cell::Large(it) => Json::from(it),
        Cell::Number(it) => Number::from_f64(it).map_or(Json::Null, Json::Number),
        Cell::Text(it) => Json::String(it),
        Cell::Other(it) => serde_json::from_str(&it).unwrap_or(Json::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_read_is_what_was_written() {
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            kind,
        };
        let row = |value: Json| match value {
            Json::Object(row) => row,
            other => panic!("{other} is no row"),
        };
        let answer = Answer {
            columns: vec![
                column("day", "date"),
                column("n", "number"),
                column("list", "other"),
            ],
            rows: vec![
                row(json!({"day": "2026-06-30", "n": 0.1 + 0.2, "list": [1, "a", null]})),
                row(json!({"day": null, "n": f64::MIN_POSITIVE, "list": null})),
                row(json!({"day": "", "n": 3, "list": u64::MAX})),
                row(json!({"day": "=1+1", "n": 3.0, "list": true})),
            ],
            truncated: true,
        };
        let bytes = write(&answer).expect("bytes");
        assert_eq!(read(&bytes), Some(answer));
        assert_eq!(read(&bytes[..bytes.len() / 2]), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(b"something else"), None);
    }
}
