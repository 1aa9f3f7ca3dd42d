//! `tenure backtest`, and `tenure model train|list|compare|promote|withdraw`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::args::{Backtest, BacktestDays, Compare, Format, Method, ModelList, Promote, Train};
use crate::client::{Client, Failure, Result, encode};
use crate::output::{Column, print, to_stdout};

/// How often is asked how far a piece of work is.
const STEP: Duration = Duration::from_millis(200);

fn params(days: &BacktestDays) -> Map<String, Value> {
    let mut asked = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            asked.insert(key.to_owned(), value);
        }
    };
    put("from", days.from.map(|day| json!(day.to_string())));
    put("to", days.to.map(|day| json!(day.to_string())));
    put("horizon", days.horizon.clone().map(Value::String));
    put("every", days.every.clone().map(Value::String));
    put("trust_dates", days.dates_as_known.then_some(Value::Bool(true)));
    put("capacity", days.capacity.map(|n| json!(n)));
    asked
}

/// Waits until a piece of work is done, telling how far it is; what failed is the command's own failure.
pub(super) async fn wait(client: &Client, path: &str, at: fn(&Value) -> &Value) -> Result<Value> {
    let mut told = String::new();
    loop {
        let found = client.get(path).await?;
        let it = at(&found);
        match it["state"].as_str() {
            Some("done") => return Ok(found),
            Some("running") => {
                let share = it["progress"].as_f64().unwrap_or(0.0) * 100.0;
                let now = format!("{share:.0} %, {}", it["step"].as_str().unwrap_or_default());
                if now != told {
                    eprintln!("{now}");
                    told = now;
                }
                tokio::time::sleep(STEP).await;
            }
            _ => {
                let why = it["error"].as_str().unwrap_or("it failed");
                return Err(Failure::Other(anyhow::anyhow!("{why}")));
            }
        }
    }
}

/// Runs a back-test and prints it.
pub async fn run(args: Backtest) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let found = async {
        client.settle().await?;
        let mut asked = params(&args.days);
        asked.insert("only_hand_set".into(), Value::Bool(args.only_hand_set));
        asked.insert("rows".into(), Value::Bool(args.rows.is_some()));
        let begun = client
            .post(
                &format!("/api/v1/scores/{}/backtests", encode(&args.score)),
                &Value::Object(asked),
            )
            .await?;
        let path = format!("/api/v1/backtests/{}", begun["id"].as_str().unwrap_or_default());
        let found = wait(&client, &path, |it| it).await?;
        if let Some(file) = &args.rows {
            write_rows(&client, &path, &found, file).await?;
        }
        Ok::<_, Failure>(found)
    }
    .await;
    client.close().await;
    show(args.format, &found?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the rows of all cutoffs into one file, under one header.
async fn write_rows(client: &Client, path: &str, found: &Value, file: &Path) -> Result<()> {
    let why = || format!("{} cannot be written", file.display());
    let mut out = BufWriter::new(File::create(file).with_context(why)?);
    for (at, day) in found["rows"].as_array().into_iter().flatten().enumerate() {
        let day = encode(day.as_str().unwrap_or_default());
        let text = client.file(&format!("{path}/rows?cutoff={day}")).await?;
        let head = text
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        out.write_all(&text[if at == 0 { 0 } else { head }..])
            .with_context(why)?;
    }
    out.flush().with_context(why)?;
    Ok(())
}

fn percent(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn show(format: Format, found: &Value) -> Result<()> {
    let report = &found["report"];
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let rows: Vec<Value> = list(&report["methods"])
        .into_iter()
        .map(|mut method| {
            let interval = |key: &str| method["auc"][key].as_f64().unwrap_or(f64::NAN);
            let text = format!("{:.4}–{:.4}", interval("low"), interval("high"));
            method["interval"] = Value::String(text);
            let verdict = if method["proven"] == true {
                "proven"
            } else {
                "not proven"
            };
            method["verdict"] = Value::String(verdict.into());
            method
        })
        .collect();
    let columns: &[Column<'_>] = &[
        ("Method", "id"),
        ("AUC", "auc.value"),
        ("95 %", "interval"),
        ("PR-AUC", "pr_auc"),
        ("Log-loss", "log_loss"),
        ("Brier", "brier"),
        ("ECE", "ece"),
        ("Lift 10 %", "lift_10.lift"),
        ("Rows", "rows"),
        ("", "verdict"),
    ];
    print(format, found, &rows, columns)?;
    if format != Format::Table {
        return Ok(());
    }
    let text = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
    let mut said = format!(
        "\n{}: {}\n{} within {} days, {} cutoffs from {} to {}: {} rows, {} with the outcome ({} outcomes), {} left out because their horizon has \
         not passed\n{}\n",
        if report["proven"] == true {
            "proven"
        } else {
            "not proven"
        },
        text("reason"),
        text("outcome_label"),
        report["horizon_days"],
        report["cutoffs"],
        text("from"),
        text("to"),
        report["rows"],
        report["positives"],
        report["outcomes"],
        report["censored"],
        report["knowledge"]["note"].as_str().unwrap_or_default(),
    );
    for skill in list(&report["skill"]) {
        let method = skill["method"].as_str().unwrap_or_default();
        let against = match skill["against"].as_str() {
            Some("score") => "score set by hand",
            _ => "frozen baseline",
        };
        let at = |key: &str| skill["ratio"][key].as_f64();
        let told = match (at("value"), at("low"), at("high")) {
            (Some(value), Some(low), Some(high)) => format!(
                "{value:.2} ({low:.2}–{high:.2}){}",
                if skill["reached"] == true {
                    ", 15 % better is reached"
                } else {
                    ""
                }
            ),
            _ => format!("not known: {}", skill["reason"].as_str().unwrap_or_default()),
        };
        said.push_str(&format!(
            "skill (2·AUC − 1) of {method} ÷ that of the {against}: {told}\n"
        ));
    }
    let main = rows
        .iter()
        .find(|method| method["id"] == report["main"])
        .cloned()
        .unwrap_or_default();
    if main["red"].is_object() {
        said.push_str(&format!(
            "red: {} of the accounts in red had the outcome, {} of the outcomes were in red; half of the warnings came {} days or more before\n",
            percent(&main["red"]["precision"]),
            percent(&main["red"]["recall"]),
            main["lead"]["median_days"].as_f64().map_or_else(|| "–".to_owned(), |days| format!("{days:.0}")),
        ));
    }
    to_stdout(said.as_bytes())?;
    for warning in list(&report["warnings"]) {
        eprintln!("warning: {}", warning["message"].as_str().unwrap_or_default());
    }
    Ok(())
}

const MODELS: &[Column<'_>] = &[
    ("Model", "id"),
    ("Outcome", "outcome"),
    ("Method", "method"),
    ("State", "state"),
    ("Trained to", "day"),
    ("Rows", "rows"),
    ("Outcomes", "positives"),
    ("AUC", "auc.value"),
    ("Proven", "proven"),
    ("In force since", "promoted_at"),
    ("Note", "note"),
];

/// Trains a model and prints it.
pub async fn train(args: Train) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let found = async {
        client.settle().await?;
        let method = match args.method {
            Method::Transparent => "transparent",
            Method::Boosting => "boosting",
        };
        let form = json!({ "outcome": args.outcome, "method": method, "note": args.note, "backtest": params(&args.days) });
        let begun = client.post("/api/v1/models/train", &form).await?;
        let path = format!("/api/v1/models/{}", begun["id"].as_str().unwrap_or_default());
        wait(&client, &path, |it| &it["model"]).await
    }
    .await;
    client.close().await;
    let found = found?;
    print(args.format, &found, &[found["model"].clone()], MODELS)?;
    Ok(ExitCode::SUCCESS)
}

/// Lists trained models.
pub async fn list(args: ModelList) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let query = args
        .outcome
        .as_deref()
        .map(|id| format!("?outcome={}", encode(id)))
        .unwrap_or_default();
    let answer = client.get(&format!("/api/v1/models{query}")).await;
    client.close().await;
    let answer = answer?;
    let rows = answer["items"].as_array().cloned().unwrap_or_default();
    print(args.format, &answer, &rows, MODELS)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints two models side by side.
pub async fn compare(args: Compare) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let path = format!(
        "/api/v1/models/comparison?first={}&second={}",
        encode(&args.first),
        encode(&args.second)
    );
    let answer = client.get(&path).await;
    client.close().await;
    let answer = answer?;
    let rows: Vec<Value> = ["first", "second"]
        .into_iter()
        .map(|side| {
            let mut row = answer[side]["model"].clone();
            for key in ["log_loss", "brier", "ece"] {
                row[key] = answer[side]["figures"][key].clone();
            }
            row
        })
        .collect();
    let columns: &[Column<'_>] = &[
        ("Model", "id"),
        ("Method", "method"),
        ("Trained to", "day"),
        ("AUC", "auc.value"),
        ("Log-loss", "log_loss"),
        ("Brier", "brier"),
        ("ECE", "ece"),
        ("Proven", "proven"),
    ];
    print(args.format, &answer, &rows, columns)?;
    if args.format == Format::Table {
        let pair = &answer["paired"]["difference"];
        let at = |key: &str| pair[key].as_f64().unwrap_or(f64::NAN);
        let said = if pair.is_object() {
            format!(
                "\nAUC on the same rows: {:+.4} ({:+.4} to {:+.4})\n",
                at("value"),
                at("low"),
                at("high")
            )
        } else if answer["same_days"] == true {
            "\nboth were tested on the same days\n".to_owned()
        } else {
            "\ntheir back-tests looked at different days: these figures are not comparable\n".to_owned()
        };
        to_stdout(said.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn version(client: &Client, id: &str) -> Result<i64> {
    let found = client.get(&format!("/api/v1/models/{}", encode(id))).await?;
    Ok(found["model"]["version"].as_i64().unwrap_or_default())
}

/// Puts a model in force.
pub async fn promote(args: Promote) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let found = async {
        let form = json!({ "version": version(&client, &args.id).await?, "note": args.note, "despite": args.despite });
        client.post(&format!("/api/v1/models/{}/promotion", encode(&args.id)), &form).await
    }
    .await;
    finish(client, &args, found).await
}

/// Takes a model out of force.
pub async fn withdraw(args: Promote) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let found = async {
        let version = version(&client, &args.id).await?;
        client
            .delete(&format!(
                "/api/v1/models/{}/promotion?version={version}",
                encode(&args.id)
            ))
            .await
    }
    .await;
    finish(client, &args, found).await
}

async fn finish(client: Client, args: &Promote, found: Result<Value>) -> Result<ExitCode> {
    client.close().await;
    let found = found?;
    print(args.format, &found, std::slice::from_ref(&found), MODELS)?;
    Ok(ExitCode::SUCCESS)
}
