//! SQL of the slice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tenure_store::{Batch, Conflict, Execute, StoreResult, Tx, Value, args};

use super::engine::Cell;
use super::stats::Figure;
use crate::metrics::facts::{date_of, day_number, decode, encode};

/// What a kept figure carries besides its value.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Detail {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    interval: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    median: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    p90: Option<f64>,
}

/// A kept figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The KPI.
    pub kpi: String,
    /// The day that it stands for.
    pub day: Date,
    /// Its scope.
    pub scope: String,
    /// The figure.
    pub figure: Figure,
    /// When it was computed, UTC microseconds.
    pub computed_at: i64,
}

/// Keeps figures, in place of those of the same KPI, day and scope.
pub async fn put(tx: &Tx, cells: &[Cell], computed_at: i64) -> StoreResult<()> {
    let columns = [
        "kpi",
        "period",
        "scope",
        "value",
        "numerator",
        "denominator",
        "detail",
        "computed_at",
    ];
    let mut batch = Batch::new("kpi_values", &columns);
    for cell in cells {
        let figure = &cell.figure;
        let detail = Detail {
            interval: figure.interval,
            median: figure.median,
            p90: figure.p90,
        };
        batch.row(args![
            cell.kpi.clone(),
            i64::from(day_number(cell.period.day)),
            cell.scope.clone(),
            figure.value,
            figure.numerator,
            figure.denominator,
            serde_json::to_string(&detail).unwrap_or_default(),
            computed_at
        ]);
    }
    tx.insert(
        batch,
        Conflict::Update(
            "kpi, period, scope",
            &["value", "numerator", "denominator", "detail", "computed_at"],
        ),
    )
    .await?;
    Ok(())
}

fn kept(row: &tenure_store::Row) -> StoreResult<Kept> {
    let detail: String = row.get("detail")?;
    let detail: Detail = serde_json::from_str(&detail).unwrap_or_default();
    let day: i64 = row.get("period")?;
    Ok(Kept {
        kpi: row.get("kpi")?,
        day: date_of(i32::try_from(day).unwrap_or_default()),
        scope: row.get("scope")?,
        figure: Figure {
            value: row.get("value")?,
            numerator: row.get("numerator")?,
            denominator: row.get("denominator")?,
            interval: detail.interval,
            median: detail.median,
            p90: detail.p90,
        },
        computed_at: row.get("computed_at")?,
    })
}

const COLUMNS: &str = "kpi, period, scope, value, numerator, denominator, detail, computed_at";

/// Every kept figure.
pub async fn all(on: &impl Execute) -> StoreResult<Vec<Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM kpi_values ORDER BY period");
    on.all(&sql, vec![]).await?.iter().map(kept).collect()
}

/// The kept figures of a day.
pub async fn of_day(on: &impl Execute, day: Date) -> StoreResult<Vec<Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM kpi_values WHERE period = $1");
    on.all(&sql, args![i64::from(day_number(day))])
        .await?
        .iter()
        .map(kept)
        .collect()
}

/// The kept figures of a KPI between two days, both included, by day.
pub async fn of_kpi(on: &impl Execute, kpi: &str, from: Date, to: Date) -> StoreResult<Vec<Kept>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM kpi_values WHERE kpi = $1 AND period BETWEEN $2 AND $3 ORDER BY period"
    );
    let args = args![kpi, i64::from(day_number(from)), i64::from(day_number(to))];
    on.all(&sql, args).await?.iter().map(kept).collect()
}

/// The kept figures of some KPIs between two days, both included, by KPI and day.
pub async fn of_kpis(on: &impl Execute, kpis: &[&str], from: Date, to: Date) -> StoreResult<Vec<Kept>> {
    if kpis.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (3..kpis.len() + 3).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM kpi_values WHERE period BETWEEN $1 AND $2 AND kpi IN ({}) ORDER BY kpi, period",
        places.join(", ")
    );
    let mut args = args![i64::from(day_number(from)), i64::from(day_number(to))];
    args.extend(kpis.iter().flat_map(|kpi| args![*kpi]));
    on.all(&sql, args).await?.iter().map(kept).collect()
}

/// The kept figures of all accounts on some days, for trends.
pub async fn trends(on: &impl Execute, from: Date, to: Date) -> StoreResult<Vec<Kept>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM kpi_values WHERE scope = 'all' AND period BETWEEN $1 AND $2 ORDER BY period"
    );
    on.all(
        &sql,
        args![i64::from(day_number(from)), i64::from(day_number(to))],
    )
    .await?
    .iter()
    .map(kept)
    .collect()
}

/// Forgets kept figures from a day on, other than those of the days listed.
pub async fn forget_others(tx: &Tx, keep: &[Date]) -> StoreResult<()> {
    let list: Vec<String> = keep.iter().map(|day| day_number(*day).to_string()).collect();
    if list.is_empty() {
        return Ok(());
    }
    tx.run(
        &format!("DELETE FROM kpi_values WHERE period NOT IN ({})", list.join(", ")),
        vec![],
    )
    .await?;
    Ok(())
}

/// The KPIs and days of which figures are kept.
pub async fn kept_places(on: &impl Execute) -> StoreResult<BTreeSet<(String, Date)>> {
    places(on, "SELECT DISTINCT kpi, period FROM kpi_values").await
}

async fn places(on: &impl Execute, sql: &str) -> StoreResult<BTreeSet<(String, Date)>> {
    on.all(sql, vec![])
        .await?
        .iter()
        .map(|row| {
            let day: i64 = row.get("period")?;
            Ok((row.get("kpi")?, date_of(i32::try_from(day).unwrap_or_default())))
        })
        .collect()
}

/// Forgets the kept figures of KPIs that are no longer declared.
pub async fn forget_kpis(tx: &Tx, kpis: &[&str]) -> StoreResult<()> {
    for kpi in kpis {
        tx.run("DELETE FROM kpi_values WHERE kpi = $1", args![*kpi])
            .await?;
    }
    Ok(())
}

/// Figures of one KPI and day, split or restricted, as they were computed for a page.
#[derive(Clone, Debug)]
pub struct Split {
    /// The KPI.
    pub kpi: String,
    /// The day that they stand for.
    pub day: Date,
    /// What they are split by and whose they are.
    pub way: String,
    /// By what they were computed.
    pub print: String,
    /// When, UTC microseconds.
    pub computed_at: i64,
    /// Scope and figure.
    pub figures: Vec<(String, Figure)>,
}

/// Keeps them, in place of those of the same KPI, day and way.
pub async fn put_splits(tx: &Tx, splits: &[Split]) -> StoreResult<()> {
    for chunk in splits.chunks(200) {
        let mut batch = Batch::new(
            "kpi_splits",
            &["kpi", "period", "way", "print", "computed_at", "figures"],
        );
        for split in chunk {
            // Plain values can always be written as bytes; were it not so, nothing is kept and the next reader computes them.
            let Ok(figures) = encode(&split.figures) else {
                continue;
            };
            batch.row(args![
                split.kpi.clone(),
                i64::from(day_number(split.day)),
                split.way.clone(),
                split.print.clone(),
                split.computed_at,
                figures
            ]);
        }
        tx.insert(
            batch,
            Conflict::Update("kpi, period, way", &["print", "computed_at", "figures"]),
        )
        .await?;
    }
    Ok(())
}

/// What is kept of these KPIs by these ways between two days, both included.
pub async fn splits(
    on: &impl Execute,
    kpis: &[&str],
    ways: &[&str],
    (from, to): (Date, Date),
) -> StoreResult<Vec<Split>> {
    let list = |first: usize, many: usize| {
        let places: Vec<String> = (first..first + many).map(|at| format!("${at}")).collect();
        places.join(", ")
    };
    let sql = format!(
        "SELECT kpi, period, way, print, computed_at, figures FROM kpi_splits WHERE period BETWEEN $1 AND $2 AND kpi IN ({}) AND way IN ({})",
        list(3, kpis.len()),
        list(3 + kpis.len(), ways.len())
    );
    let mut values = args![i64::from(day_number(from)), i64::from(day_number(to))];
    values.extend(
        kpis.iter()
            .chain(ways)
            .map(|text| Value::from((*text).to_owned())),
    );
    let mut found = Vec::new();
    for row in on.all(&sql, values).await? {
        let (day, bytes): (i64, Vec<u8>) = (row.get("period")?, row.get("figures")?);
        let Some(figures) = decode(&bytes) else { continue };
        found.push(Split {
            kpi: row.get("kpi")?,
            day: date_of(i32::try_from(day).unwrap_or_default()),
            way: row.get("way")?,
            print: row.get("print")?,
            computed_at: row.get("computed_at")?,
            figures,
        });
    }
    Ok(found)
}

/// The KPIs and days of which splits are kept.
pub async fn split_places(on: &impl Execute) -> StoreResult<BTreeSet<(String, Date)>> {
    places(on, "SELECT DISTINCT kpi, period FROM kpi_splits").await
}

/// Forgets a KPI's splits of a day.
pub async fn forget_split(tx: &Tx, kpi: &str, day: Date) -> StoreResult<()> {
    tx.run(
        "DELETE FROM kpi_splits WHERE kpi = $1 AND period = $2",
        args![kpi, i64::from(day_number(day))],
    )
    .await?;
    Ok(())
}

/// Forgets the splits whose way begins so.
pub async fn forget_ways(tx: &Tx, beginning: &str) -> StoreResult<()> {
    tx.run(
        "DELETE FROM kpi_splits WHERE substr(way, 1, length($1)) = $1",
        args![beginning],
    )
    .await?;
    Ok(())
}

/// Forgets splits that were computed before an instant: nobody has looked at them since they were asked for.
pub async fn forget_old_splits(tx: &Tx, before: i64) -> StoreResult<()> {
    tx.run("DELETE FROM kpi_splits WHERE computed_at < $1", args![before])
        .await?;
    Ok(())
}

/// What was marked (a month yyyymm; −yyyymm = that month and all later ones; 0 = all), with the time of the mark.
pub async fn dirty(on: &impl Execute) -> StoreResult<Vec<(i32, i64)>> {
    on.all("SELECT month, marked_at FROM kpi_dirty ORDER BY month", vec![])
        .await?
        .iter()
        .map(|row| {
            Ok((
                i32::try_from(row.get::<i64>("month")?).unwrap_or_default(),
                row.get("marked_at")?,
            ))
        })
        .collect()
}

/// Takes marks away that have not been set anew since they were read.
pub async fn clean(tx: &Tx, marks: &[(i32, i64)]) -> StoreResult<()> {
    for (month, at) in marks {
        tx.run(
            "DELETE FROM kpi_dirty WHERE month = $1 AND marked_at = $2",
            args![i64::from(*month), *at],
        )
        .await?;
    }
    Ok(())
}

/// A measured baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The figure.
    pub value: f64,
    /// The day that it stands for.
    pub day: Date,
    /// When data that it looks at last changed, UTC microseconds.
    pub touched_at: i64,
    /// When it was frozen, UTC microseconds; `None` = it still follows its data.
    pub frozen_at: Option<i64>,
}

/// The measured baselines by target.
pub async fn baselines(on: &impl Execute) -> StoreResult<BTreeMap<String, Measured>> {
    let rows = on
        .all(
            "SELECT target, value, day, touched_at, frozen_at FROM target_baselines",
            vec![],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let day: i64 = row.get("day")?;
            let day = date_of(i32::try_from(day).unwrap_or_default());
            Ok((
                row.get("target")?,
                Measured {
                    value: row.get("value")?,
                    day,
                    touched_at: row.get("touched_at")?,
                    frozen_at: row.get("frozen_at")?,
                },
            ))
        })
        .collect()
}

/// Keeps a target's baseline; one for another day is replaced.
pub async fn put_baseline(tx: &Tx, target: &str, measured: &Measured) -> StoreResult<()> {
    let mut batch = Batch::new(
        "target_baselines",
        &["target", "value", "day", "touched_at", "frozen_at"],
    );
    batch.row(args![
        target,
        measured.value,
        i64::from(day_number(measured.day)),
        measured.touched_at,
        measured.frozen_at
    ]);
    tx.insert(
        batch,
        Conflict::Update("target", &["value", "day", "touched_at", "frozen_at"]),
    )
    .await?;
    Ok(())
}
