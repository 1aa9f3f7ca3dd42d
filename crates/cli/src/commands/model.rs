//! `tenure model`: what a model is worth on a flat table; trained ones are in [`super::backtest`].

use std::process::ExitCode;
use std::sync::Mutex;

use serde_json::{Value, json};
use tenure_learn::evaluate::{self, Plan, Report, Task};
use tenure_learn::{Column, Table, Values, nearest, table::MISSING, threads};

use super::backtest;
use crate::args::{Evaluate, Format, Model, ModelCommand};
use crate::client::{Failure, Result};
use crate::flat::{self, Flat};
use crate::output;

/// Runs the command.
pub async fn run(args: Model) -> Result<ExitCode> {
    match args.what {
        ModelCommand::Evaluate(args) => evaluate(&args),
        ModelCommand::Train(args) => backtest::train(args).await,
        ModelCommand::List(args) => backtest::list(args).await,
        ModelCommand::Compare(args) => backtest::compare(args).await,
        ModelCommand::Promote(args) => backtest::promote(args).await,
        ModelCommand::Withdraw(args) => backtest::withdraw(args).await,
    }
}

fn evaluate(args: &Evaluate) -> Result<ExitCode> {
    let mut text = vec![args.target.as_str()];
    text.extend(args.group.as_deref());
    text.extend(args.fold_column.as_deref());
    let flat = flat::read(&args.file, &text)?;
    let (kept, labels) = outcome(&flat, args)?;
    let dropped = flat.rows - kept.len();
    let pick = |values: Vec<u64>| kept.iter().map(|row| values[*row as usize]).collect::<Vec<u64>>();
    let column =
        |name: &Option<String>, option: &str| name.as_ref().map(|name| flat.find(name, option)).transpose();
    let groups = column(&args.group, "--group")?.map(|at| pick(flat.groups(at)));
    let plan = match (
        &args.time,
        &args.split,
        column(&args.fold_column, "--fold-column")?,
    ) {
        (Some(time), Some(split), _) => by_time(&flat, time, split, &kept)?,
        (_, _, Some(at)) => Plan::folds(&pick(flat.groups(at)), groups.as_deref()).map_err(wrong)?,
        _ => {
            let folds = evaluate::seeded(&labels, groups.as_deref(), args.folds, args.seed).map_err(wrong)?;
            Plan::folds(&folds, groups.as_deref()).map_err(wrong)?
        }
    };
    let (columns, identifiers) = measures(&flat, args, &kept)?;
    let table = Table::new(columns).map_err(wrong)?;
    let said = Mutex::new(());
    let task = Task {
        table: &table,
        labels: &labels,
        target: &args.target,
        groups: groups.as_deref(),
        plan: &plan,
        hand_set: args.hand_set.as_deref(),
        seed: args.seed,
        threads: threads::available(),
    };
    let mut report = evaluate::run(&task, &|what| {
        // One line at a time, whichever thread speaks.
        let _one = said.lock();
        eprintln!("{what}");
    })
    .map_err(wrong)?;
    for name in identifiers {
        let message =
            format!("column \"{name}\" holds a text of its own in most rows; it is left out as a name");
        report.warnings.push(evaluate::Warning::new(Some(&name), message));
    }
    if dropped > 0 {
        let message = format!(
            "{dropped} rows without a value in \"{}\" are left out",
            args.target
        );
        report
            .warnings
            .push(evaluate::Warning::new(Some(&args.target), message));
    }
    print(args.format, &report)?;
    Ok(ExitCode::SUCCESS)
}

fn wrong(error: tenure_learn::Error) -> Failure {
    Failure::Usage(error.to_string())
}

/// The rows with an outcome, and the outcomes.
fn outcome(flat: &Flat, args: &Evaluate) -> Result<(Vec<u32>, Vec<bool>)> {
    let Values::Category { codes, names } = &flat.columns[flat.find(&args.target, "--target")?].values else {
        return Err(Failure::Usage(format!(
            "--target: \"{}\" cannot be read as text",
            args.target
        )));
    };
    let Some(wanted) = names.iter().position(|name| *name == args.positive) else {
        let like = nearest(&args.positive, names.iter().map(String::as_str))
            .map(|name| format!("; did you mean \"{name}\"?"))
            .unwrap_or_default();
        let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
        return Err(Failure::Usage(format!(
            "--positive: no row has \"{}\" in \"{}\", which holds {}{like}",
            args.positive,
            args.target,
            if shown.is_empty() {
                "nothing".to_owned()
            } else {
                shown.join(", ")
            }
        )));
    };
    Ok((0..flat.rows as u32)
        .filter(|row| codes[*row as usize] != MISSING)
        .map(|row| (row, codes[row as usize] as usize == wanted))
        .unzip())
}

/// The columns to learn from, and those that were left out as names.
fn measures(flat: &Flat, args: &Evaluate, kept: &[u32]) -> Result<(Vec<Column>, Vec<String>)> {
    let mut out = vec![flat.find(&args.target, "--target")?];
    for name in &args.ignore {
        out.push(flat.find(name, "--ignore")?);
    }
    for (name, option) in [
        (&args.group, "--group"),
        (&args.fold_column, "--fold-column"),
        (&args.time, "--time"),
    ] {
        if let Some(name) = name {
            out.push(flat.find(name, option)?);
        }
    }
    if let Some(name) = &args.hand_set {
        let at = flat.find(name, "--hand-set")?;
        if out.contains(&at) || !matches!(flat.columns[at].values, Values::Number(_)) {
            return Err(Failure::Usage(format!(
                "--hand-set: \"{name}\" must be a column of numbers that nothing else uses, rising with health"
            )));
        }
    }
    let mut identifiers = Vec::new();
    let mut columns = Vec::new();
    for (at, column) in flat.columns.iter().enumerate() {
        if out.contains(&at) {
            continue;
        }
        if flat.names.contains(&column.name) {
            identifiers.push(column.name.clone());
            continue;
        }
        columns.push(Column {
            name: column.name.clone(),
            values: column.values.take(kept),
        });
    }
    if columns.is_empty() {
        return Err(Failure::Usage(
            "no column is left to learn from; ignore fewer columns".into(),
        ));
    }
    Ok((columns, identifiers))
}

fn by_time(flat: &Flat, time: &str, split: &str, kept: &[u32]) -> Result<Plan> {
    let Values::Number(values) = flat.columns[flat.find(time, "--time")?].values.take(kept) else {
        return Err(Failure::Usage(format!(
            "--time: \"{time}\" holds neither days (2026-01-31) nor numbers in every row; clean it or choose another"
        )));
    };
    let at = flat::day(split)
        .or_else(|| split.parse().ok().filter(|split: &f64| split.is_finite()))
        .ok_or_else(|| {
            Failure::Usage(format!(
                "--split: \"{split}\" is neither a day (2026-01-31) nor a number"
            ))
        })?;
    Plan::time(values, at).map_err(wrong)
}

fn print(format: Format, report: &Report) -> Result<()> {
    let whole = serde_json::to_value(report)?;
    let rows: Vec<Value> = report
        .methods
        .iter()
        .map(|method| {
            let mut row = serde_json::to_value(method)?;
            row["interval"] = json!(format!("{:.4}–{:.4}", method.auc_low, method.auc_high));
            Ok(row)
        })
        .collect::<Result<_>>()?;
    output::print(
        format,
        &whole,
        &rows,
        &[
            ("Method", "method"),
            ("AUC", "auc"),
            ("95 %", "interval"),
            ("PR-AUC", "pr_auc"),
            ("Log-loss", "log_loss"),
            ("Brier", "brier"),
            ("ECE", "ece"),
            ("Lift 10 %", "lift_10"),
            ("Seconds", "seconds"),
        ],
    )?;
    if format == Format::Table {
        let shares = format!(
            "\n{}: {}\n{} of {} rows were tested, {} with the outcome; {} columns; intervals: {}\n",
            report.verdict,
            report.reason,
            report.test_rows,
            report.rows,
            report.test_positives,
            report.columns,
            report.interval
        );
        output::to_stdout(shares.as_bytes())?;
    }
    // Data goes to stdout; what to look at is said where a person sees it in every format.
    report
        .warnings
        .iter()
        .for_each(|warning| eprintln!("warning: {}", warning.message));
    Ok(())
}
