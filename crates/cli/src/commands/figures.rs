//! `tenure kpis`, `segments`, `accounts` and `sql`.

use std::io::Read;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::{Data, Format, Kpis, Listing, Recompute, Scores, Sql};
use crate::client::{Client, Result, encode};
use crate::output::{Column, print, to_stdout};

async fn ask(data: &Data, path: &str) -> Result<Value> {
    let client = Client::open(data).await?;
    let answer = async {
        client.settle().await?;
        client.get(path).await
    };
    let answer = answer.await;
    client.close().await;
    answer
}

fn rows(answer: &Value, key: &str) -> Vec<Value> {
    answer[key].as_array().cloned().unwrap_or_default()
}

/// Every KPI with its target and status.
pub async fn kpis(args: Kpis) -> Result<ExitCode> {
    let mut query = Vec::new();
    query.extend(args.as_of.map(|day| format!("as_of={day}")));
    query.extend(args.by.as_deref().map(|by| format!("by={}", encode(by))));
    let mut answer = ask(&args.data, &format!("/api/v1/kpis?{}", query.join("&"))).await?;
    // The trends are for the browser's page.
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("trends");
    }
    let columns: &[Column<'_>] = &[
        ("KPI", "kpi"),
        ("Scope", "scope"),
        ("Value", "value"),
        ("Numerator", "numerator"),
        ("Denominator", "denominator"),
        ("Unit", "unit"),
        ("Baseline", "baseline"),
        ("Target", "target"),
        ("Deadline", "deadline"),
        ("Status", "status"),
        ("Source", "source"),
    ];
    print(args.format, &answer, &rows(&answer, "kpis"), columns)?;
    Ok(ExitCode::SUCCESS)
}

/// The segments.
pub async fn segments(args: Listing) -> Result<ExitCode> {
    let query = args.as_of.map_or_else(String::new, |day| format!("?as_of={day}"));
    let answer = ask(&args.data, &format!("/api/v1/segments{query}")).await?;
    let columns: &[Column<'_>] = &[
        ("Segment", "id"),
        ("Label", "label"),
        ("Accounts", "accounts"),
        ("Active", "active"),
        ("MRR", "mrr"),
        ("Share", "share"),
        ("Rule", "rule"),
    ];
    print(args.format, &answer, &rows(&answer, "segments"), columns)?;
    let left = answer["unclassified"]["accounts"].as_i64().unwrap_or(0);
    if left > 0 && args.format == Format::Table {
        eprintln!("{left} accounts fit no segment; `--format json` says why");
    }
    Ok(ExitCode::SUCCESS)
}

/// The accounts, page after page.
pub async fn accounts(args: Listing) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let outcome = async {
        client.settle().await?;
        all_accounts(&client, &args).await
    };
    let outcome = outcome.await;
    client.close().await;
    let answer = outcome?;
    let mut columns: Vec<(String, String)> = [
        ("Account", "account_id"),
        ("Name", "name"),
        ("Segment", "segment"),
        ("Owner", "owner"),
        ("Active", "active"),
        ("MRR", "mrr"),
        ("Currency", "currency"),
    ]
    .map(|(head, path)| (head.to_owned(), path.to_owned()))
    .into();
    if args.format == Format::Csv {
        let known: Vec<String> = columns.iter().map(|(_, path)| path.clone()).collect();
        let more = rows(&answer, "columns")
            .into_iter()
            .filter_map(|column| column["id"].as_str().map(str::to_owned));
        columns.extend(
            more.filter(|id| !known.contains(id))
                .map(|id| (id.clone(), format!("values.{id}"))),
        );
    }
    let columns: Vec<Column<'_>> = columns
        .iter()
        .map(|(head, path)| (head.as_str(), path.as_str()))
        .collect();
    print(args.format, &answer, &rows(&answer, "items"), &columns)?;
    Ok(ExitCode::SUCCESS)
}

async fn all_accounts(client: &Client, args: &Listing) -> Result<Value> {
    let day = args.as_of.map_or_else(String::new, |day| format!("&as_of={day}"));
    let mut path = format!("/api/v1/accounts?limit=500{day}");
    if args.format != Format::Table {
        let first = client.get(&format!("/api/v1/accounts?limit=1{day}")).await?;
        let ids: Vec<String> = rows(&first, "columns")
            .iter()
            .filter_map(|column| column["id"].as_str().map(encode))
            .collect();
        path.push_str(&format!("&columns={}", ids.join(",")));
    }
    let mut whole = client.get(&path).await?;
    let mut items = rows(&whole, "items");
    while let Some(cursor) = whole["next_cursor"].as_str().map(str::to_owned) {
        whole = client.get(&format!("{path}&cursor={}", encode(&cursor))).await?;
        items.extend(rows(&whole, "items"));
    }
    whole["items"] = Value::Array(items);
    Ok(whole)
}

/// The accounts with their scores, page after page.
pub async fn scores(args: Scores) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let outcome = async {
        client.settle().await?;
        all_scores(&client, &args).await
    };
    let outcome = outcome.await;
    client.close().await;
    let answer = outcome?;
    if answer["score"].is_null() {
        eprintln!("the program declares no score: add one to scores.yaml");
    }
    let columns: &[Column<'_>] = &[
        ("Account", "account_id"),
        ("Name", "name"),
        ("Segment", "segment"),
        ("Owner", "owner"),
        ("MRR", "mrr"),
        ("Score", "points"),
        ("Band", "band"),
        ("30 days before", "before"),
        ("Velocity", "velocity.value"),
        ("Moves", "velocity.state"),
        ("Why", "why"),
    ];
    let mut items = rows(&answer, "items");
    for item in &mut items {
        let why: Vec<&str> = item["reasons"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        item["why"] = why.join("; ").into();
    }
    print(args.format, &answer, &items, columns)?;
    Ok(ExitCode::SUCCESS)
}

async fn all_scores(client: &Client, args: &Scores) -> Result<Value> {
    let mut path = "/api/v1/scores?limit=500".to_owned();
    if let Some(day) = args.as_of {
        path.push_str(&format!("&as_of={day}"));
    }
    if let Some(score) = &args.score {
        path.push_str(&format!("&score={}", encode(score)));
    }
    let mut whole = client.get(&path).await?;
    let mut items = rows(&whole, "items");
    while let Some(cursor) = whole["next_cursor"].as_u64() {
        whole = client.get(&format!("{path}&cursor={cursor}")).await?;
        items.extend(rows(&whole, "items"));
    }
    whole["items"] = Value::Array(items);
    Ok(whole)
}

/// The answer to a query.
pub async fn sql(args: Sql) -> Result<ExitCode> {
    let mut query = args.query.clone();
    if query == "-" {
        query.clear();
        std::io::stdin().read_to_string(&mut query)?;
    }
    let client = Client::open(&args.data).await?;
    let answer = async {
        client.settle().await?;
        client
            .post("/api/v1/sql", &json!({ "query": query, "limit": args.limit }))
            .await
    };
    let answer = answer.await;
    client.close().await;
    let answer = answer?;
    let names: Vec<String> = rows(&answer, "columns")
        .iter()
        .map(|c| c["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    // Rows come as lists in the order of the columns; two columns may have one name.
    let keys: Vec<String> = (0..names.len()).map(|at| at.to_string()).collect();
    let table: Vec<Value> = rows(&answer, "rows")
        .iter()
        .map(|row| by_place(row, &names))
        .collect();
    if args.format == Format::Csv {
        csv(&names, &table, &keys)?;
    } else {
        let columns: Vec<Column<'_>> = names
            .iter()
            .zip(&keys)
            .map(|(name, key)| (name.as_str(), key.as_str()))
            .collect();
        print(args.format, &answer, &table, &columns)?;
    }
    if answer["truncated"] == true {
        eprintln!("there are more rows: raise --limit");
    }
    Ok(ExitCode::SUCCESS)
}

fn by_place(row: &Value, names: &[String]) -> Value {
    let values = match row {
        Value::Array(values) => values.clone(),
        other => names.iter().map(|name| other[name].clone()).collect(),
    };
    Value::Object(
        values
            .into_iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
    )
}

fn csv(names: &[String], rows: &[Value], keys: &[String]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names)?;
    for row in rows {
        writer.write_record(keys.iter().map(|key| match &row[key] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }))?;
    }
    let text = writer.into_inner().map_err(|error| error.into_error())?;
    to_stdout(&text)
}

/// Computes everything anew; exit code 1 when something came out otherwise than it was kept.
pub async fn recompute(args: Recompute) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let answer = client.post("/api/v1/recompute", &json!({})).await;
    client.close().await;
    let answer = answer?;
    println!("{}", serde_json::to_string_pretty(&answer)?);
    let differing = |key: &str| answer[key].as_u64().unwrap_or(u64::MAX);
    if differing("accounts_differing") == 0 && differing("figures_differing") == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("not everything came out as it was kept; what was computed now is in force");
    Ok(ExitCode::FAILURE)
}
