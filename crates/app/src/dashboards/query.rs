//! Tiles that show a query: read-only SQL within limits.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};
use tenure_lake::{Answer, Guard};

use super::answers::{self, Ask, LIMITS};
use super::figures::Page;
use super::frame::{Column, Data, Figure, Row, Series, State as Stands, Tick};
use crate::App;
use crate::definitions::{Definitions, SqlProblem, Tile, TileKind};
use crate::kpis::overview::instant;
use crate::metrics::facts::date_of;
use crate::metrics::tables;

/// The places of `:name` outside of quotes and comments.
fn places(sql: &str) -> Vec<(usize, usize, &'static str)> {
    const NAMES: [&str; 4] = ["segment", "owner", "from", "to"];
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += 1;
                }
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
            }
            // `a::type` is a cast.
            b':' if bytes.get(at + 1) == Some(&b':') => at += 1,
            b':' => {
                let rest = &sql[at + 1..];
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                if let Some(name) = NAMES.into_iter().find(|name| *name == &rest[..end]) {
                    found.push((at, at + 1 + end, name));
                    at += end;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The query with the page's filters in the place of their names.
pub(super) fn filled(sql: &str, value: impl Fn(&str) -> String) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut from = 0;
    for (start, end, name) in places(sql) {
        text.push_str(&sql[from..start]);
        text.push_str(&value(name));
        from = end;
    }
    text.push_str(&sql[from..]);
    text
}

/// Whether a query follows the filter of this name.
pub(super) fn follows(sql: &str, name: &str) -> bool {
    places(sql).iter().any(|(_, _, found)| *found == name)
}

pub(super) fn text_or_null(value: Option<&str>) -> String {
    value.map_or_else(
        || "CAST(NULL AS VARCHAR)".to_owned(),
        |text| format!("'{}'", text.replace('\'', "''")),
    )
}

/// Plans a tile's query without running it.
///
/// # Errors
/// What is wrong, with its place where that is known.
pub async fn check(app: &App, definitions: &Definitions, sql: &str) -> Result<(), SqlProblem> {
    let today = date_of(crate::metrics::today(app));
    let text = filled(sql, |name| match name {
        "from" | "to" => format!("DATE '{today}'"),
        _ => text_or_null(None),
    });
    let plain = |problem: String| SqlProblem {
        problem,
        ..SqlProblem::default()
    };
    let context = tables::shape(app, definitions, &[&text])
        .await
        .map_err(|error| plain(format!("{error:#}")))?;
    let guard = Guard::new(LIMITS);
    let found = tokio::time::timeout(LIMITS.time, guard.check(&context, &text)).await;
    match found {
        Ok(Ok(())) => Ok(()),
        Err(_) => Err(plain("The query takes too long to be planned.".to_owned())),
        Ok(Err(error)) => {
            let place = |n: u32| usize::try_from(n).unwrap_or(1);
            Err(SqlProblem {
                problem: format!("{}. {}", error.message.trim_end_matches('.'), error.remedy),
                at: error
                    .line
                    .zip(error.column)
                    .map(|(line, column)| (place(line), place(column))),
                name: error.name.map(String::from),
                nearest: error.nearest.map(String::from),
            })
        }
    }
}

/// Makes a tile of a query.
pub async fn build(page: &Page<'_>, tile: &Tile) -> Data {
    let mut data = Data::of(tile);
    let filters = page.filters;
    let (Some(sql), Some(ask)) = (&tile.sql, Ask::of(page.app, tile, filters)) else {
        return data;
    };
    let mut deaf = Vec::new();
    if filters.only(tile).segment.is_some() && !follows(sql, "segment") {
        deaf.push("segment");
    }
    if filters.owner.is_some() && !follows(sql, "owner") {
        deaf.push("owner");
    }
    let today = date_of(crate::metrics::today(page.app));
    if filters.day != today && !follows(sql, "to") {
        deaf.push("day");
    }
    let found = match answers::find(page.app, page.definitions, &ask, page.keeps).await {
        Ok(found) => found,
        Err(note) => return data.with(Stands::Failed, note),
    };
    data.computed_at = Some(instant(found.computed_at));
    data.freshness = found.freshness;
    if !deaf.is_empty() {
        data.remark(&format!(
            "This query does not follow the page's {}.",
            deaf.join(" and ")
        ));
    }
    if let Some(problem) = &found.problem {
        data.remark(&format!("It could not be brought up to date: {problem}"));
    }
    let answer = &found.answer;
    if answer.truncated {
        data.remark(&format!("Cut off at {} rows.", LIMITS.rows));
    }
    shape(tile, answer, &mut data);
    if tile.kind == TileKind::Figure
        && let Some(figure) = &mut data.figure
    {
        figure.first_day = ask.first_day(found.day).to_string();
        figure.last_day = found.day.to_string();
        figure.day = found.day.to_string();
    }
    data.or_empty()
}

fn is_number(kind: &str) -> bool {
    matches!(kind, "number" | "integer")
}

fn label(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The answer as the kind of tile shows it: the first column across, numbers as values; a text in second place makes a series of each
/// of its values.
fn shape(tile: &Tile, answer: &Answer, data: &mut Data) {
    match tile.kind {
        TileKind::Figure => one(answer, data),
        TileKind::Table => rows(answer, data),
        _ => series(tile, answer, data),
    }
}

fn one(answer: &Answer, data: &mut Data) {
    let value = |name: &str| {
        let row = answer.rows.first()?;
        row.get(name).and_then(Json::as_f64)
    };
    let numbers: Vec<&str> = answer
        .columns
        .iter()
        .filter(|c| is_number(c.kind))
        .map(|c| c.name.as_str())
        .collect();
    let named = |name: &str| numbers.contains(&name).then(|| value(name)).flatten();
    data.figure = Some(Figure {
        value: named("value").or_else(|| numbers.first().and_then(|name| value(name))),
        numerator: named("numerator"),
        denominator: named("denominator"),
        ..Figure::default()
    });
}

fn rows(answer: &Answer, data: &mut Data) {
    data.columns = answer
        .columns
        .iter()
        .map(|column| Column {
            id: column.name.clone(),
            label: column.name.clone(),
            kind: if is_number(column.kind) {
                "number".to_owned()
            } else {
                column.kind.to_owned()
            },
            unit: None,
        })
        .collect();
    data.rows = answer
        .rows
        .iter()
        .map(|row| Row {
            account_id: row.get("account_id").and_then(Json::as_str).map(str::to_owned),
            cells: answer
                .columns
                .iter()
                .map(|column| row.get(&column.name).cloned().unwrap_or_default())
                .collect(),
            ..Row::default()
        })
        .collect();
}

fn series(tile: &Tile, answer: &Answer, data: &mut Data) {
    let Some(first) = answer.columns.first() else {
        return;
    };
    data.over_time = first.kind == "date" || first.kind == "timestamp";
    let most = tile.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(500);
    let split = answer
        .columns
        .get(1)
        .zip(answer.columns.get(2))
        .filter(|(second, third)| !is_number(second.kind) && is_number(third.kind));
    let mut axis: Vec<Tick> = Vec::new();
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<(String, Vec<Option<f64>>)> = Vec::new();
    let mut put = |x: String, name: &str, value: Option<f64>| {
        let at = *place.entry(x.clone()).or_insert_with(|| {
            axis.push(Tick {
                key: x.clone(),
                label: x,
            });
            axis.len() - 1
        });
        let index = match found.iter().position(|(key, _)| key == name) {
            Some(index) => index,
            None if found.len() < 50 => {
                found.push((name.to_owned(), Vec::new()));
                found.len() - 1
            }
            None => return,
        };
        let values = &mut found[index].1;
        if values.len() <= at {
            values.resize(at + 1, None);
        }
        values[at] = value;
    };
    let number = |row: &Map<String, Json>, name: &str| row.get(name).and_then(Json::as_f64);
    for row in answer.rows.iter().take(most) {
        let x = label(row.get(&first.name).unwrap_or(&Json::Null));
        match split {
            Some((second, third)) => {
                let name = label(row.get(&second.name).unwrap_or(&Json::Null));
                put(x, &name, number(row, &third.name));
            }
            None => {
                for column in answer.columns.iter().skip(1).filter(|c| is_number(c.kind)) {
                    put(x.clone(), &column.name, number(row, &column.name));
                }
            }
        }
    }
    for (key, mut values) in found {
        values.resize(axis.len(), None);
        data.series.push(Series {
            label: key.clone(),
            key,
            values,
            ..Series::default()
        });
    }
    data.axis = axis;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_take_the_place_of_their_names_outside_of_quotes() {
        let sql =
            "SELECT ':segment', a::text, x -- :owner\nFROM t WHERE s = :segment AND d <= :to AND o = :owners";
        let got = filled(sql, |name| format!("<{name}>"));
        assert_eq!(
            got,
            "SELECT ':segment', a::text, x -- :owner\nFROM t WHERE s = <segment> AND d <= <to> AND o = :owners"
        );
        assert_eq!(text_or_null(Some("O'Brien")), "'O''Brien'");
        for odd in [":", "'", "\"", "é:", "--", ":segmenté"] {
            let _ = filled(odd, |_| String::new());
        }
    }
}
