//! What learning costs on a given table, for `bench/learn.py`.
//!
//! Standard input: three little-endian `u64` (rows, columns, trainings), then the columns as `f64`, then the outcome as `f64` 0 or 1, all of
//! `rows` values. Training number `k` leaves out the rows whose index divided by `trainings` has the remainder `k`. One JSON line.

use std::io::Read;
use std::process::ExitCode;
use std::time::Instant;

use tenure_learn::handset::{Curve, Group, Measure, Model, Reading};
use tenure_learn::{Column, Table, boost, explain, logistic, threads, transparent};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn read() -> Result<(Table, Vec<bool>, usize), Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let words: Vec<[u8; 8]> = bytes.as_chunks::<8>().0.to_vec();
    let [rows, columns, trainings] =
        [0, 1, 2].map(|at| words.get(at).map_or(0, |word| u64::from_le_bytes(*word) as usize));
    if rows == 0 || trainings == 0 || words.len() != 3 + rows * (columns + 1) {
        return Err("the table is not as long as its head says".into());
    }
    let mut values = words[3..].chunks_exact(rows).map(|column| {
        column
            .iter()
            .map(|word| f64::from_le_bytes(*word))
            .collect::<Vec<f64>>()
    });
    let read = values.by_ref().take(columns).enumerate();
    let table = Table::new(
        read.map(|(at, values)| Column::number(format!("c{at}"), values))
            .collect(),
    )?;
    let labels = values
        .next()
        .unwrap_or_default()
        .into_iter()
        .map(|label| label > 0.5)
        .collect();
    Ok((table, labels, trainings))
}

/// A score set by hand over the first six columns, each on a line between two of its values.
fn by_hand() -> Model {
    let measure = |at: usize| Measure {
        name: format!("c{at}"),
        weight: 1.0,
        curve: Curve::Linear {
            knots: vec![(-2.0, 100.0), (0.0, 60.0), (2.0, 0.0)],
            direction: None,
        },
        stale_after: None,
    };
    let group = |from: usize| Group {
        name: format!("group {from}"),
        weight: 1.0,
        measures: (from..from + 3).map(measure).collect(),
    };
    Model {
        groups: vec![group(0), group(3)],
        min_coverage: 0.5,
        quiet_days: 0.0,
    }
}

fn hand_scores(table: &Table) -> Vec<f64> {
    let model = by_hand();
    let numbers = |at: usize| match &table.columns()[at].values {
        tenure_learn::Values::Number(values) => values.as_slice(),
        tenure_learn::Values::Category { .. } => &[],
    };
    (0..table.rows())
        .map(|row| {
            let readings: Vec<Reading> = (0..6)
                .map(|at| Reading {
                    value: numbers(at)[row],
                    age: 0.0,
                })
                .collect();
            let ledger = model.score(&readings, 1000.0, &[], 0);
            ledger
                .score
                .map_or(f64::NAN, tenure_learn::handset::Amount::points)
        })
        .collect()
}

/// Seconds of a piece of work, and what it gives.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let found = work();
    (start.elapsed().as_secs_f64(), found)
}

fn run() -> Result<(), Failure> {
    let (table, labels, trainings) = read()?;
    let available = threads::available();
    // As a back-test does it: the trainings side by side, each with the score set by hand, the transparent score and the challenger.
    let (together, seconds) = timed(|| {
        threads::map(available, trainings, |leave| -> Result<[f64; 3], Failure> {
            let rows: Vec<u32> = (0..table.rows())
                .filter(|row| row % trainings != leave)
                .map(|row| row as u32)
                .collect();
            let train = table.take(&rows);
            let own: Vec<bool> = rows.iter().map(|row| labels[*row as usize]).collect();
            let (hand, found) = timed(|| -> Result<(), Failure> {
                let column = Column::number("hand", hand_scores(&train));
                logistic::single(&Table::new(vec![column])?, 0, &own)?;
                Ok(())
            });
            found?;
            let (points, found) = timed(|| {
                transparent::train(&train, &own, None, None, None, &transparent::Settings::default())
            });
            found?;
            let (trees, found) = timed(|| boost::train(&train, &own, None, &boost::Settings::default()));
            found?;
            Ok([hand, points, trees])
        })
    });
    let mut each = seconds.into_iter().collect::<Result<Vec<_>, _>>()?;
    each.sort_by(|a, b| a[1].total_cmp(&b[1]));
    let [hand, points, trees] = each[each.len() / 2];
    let score = transparent::train(
        &table,
        &labels,
        None,
        None,
        None,
        &transparent::Settings {
            threads: available,
            ..Default::default()
        },
    )?;
    let challenger = boost::train(
        &table,
        &labels,
        None,
        &boost::Settings {
            threads: available,
            ..Default::default()
        },
    )?;
    let (points_explained, found) = timed(|| score.table.explain(&table, available));
    found?;
    let (trees_explained, found) = timed(|| explain::explain(&challenger, &table, available));
    found?;
    println!(
        "{{\"together_s\": {together:.2}, \"fit_s\": {{\"hand_set\": {hand:.3}, \"transparent\": {points:.3}, \"challenger\": {trees:.3}}}, \
         \"contributions_s\": {{\"transparent\": {points_explained:.3}, \"challenger\": {trees_explained:.3}}}, \"rounds\": {}, \"pairs\": {}, \"threads\": {available}}}",
        score.decision.rounds,
        score.table.pairs.len()
    );
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
