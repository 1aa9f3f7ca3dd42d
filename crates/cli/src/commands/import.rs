//! `tenure import`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::args::{Data, Import};
use crate::client::{Client, Failure, Result, encode};

/// Imports a file or folder and waits for the end.
pub async fn run(args: Import) -> Result<ExitCode> {
    if args.path.is_file()
        && args.kind.is_none()
        && args.path.file_name().is_none_or(|name| name != "import.yaml")
    {
        return Err(Failure::Usage(format!(
            "say what the rows of {} are with --kind (accounts, contacts, subscriptions, events, tickets, opportunities, responses)",
            args.path.display()
        )));
    }
    let client = Client::open_or_create(&args.data).await?;
    let outcome = import(&client, &args).await;
    client.close().await;
    let import = outcome?;
    println!("{}", serde_json::to_string_pretty(&import)?);
    Ok(if import["state"] == "done" {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Imports `path` into the data that `client` reaches, for a command that has its own arguments.
pub async fn folder(client: &Client, path: &Path, data: &Data) -> Result<Value> {
    let args = Import {
        path: path.to_owned(),
        kind: None,
        map: None,
        dry_run: false,
        force: false,
        data: data.clone(),
    };
    import(client, &args).await
}

async fn import(client: &Client, args: &Import) -> Result<Value> {
    // The server may run in another folder: it is told whole paths.
    let whole = |path: &Path| {
        std::fs::canonicalize(path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let map = args.map.as_deref().map(whole).transpose()?;
    let mut body = json!({ "path": whole(&args.path)?, "dry_run": args.dry_run });
    if let Some(kind) = &args.kind {
        body["kind"] = json!(kind);
    }
    if let Some(map) = map {
        body["map"] = json!(map);
    }
    if args.force {
        body["force"] = json!(true);
    }
    let begun = client.post("/api/v1/imports", &body).await?;
    let id = begun["id"]
        .as_str()
        .ok_or_else(|| anyhow::anyhow!("the answer names no import"))?
        .to_owned();
    wait(client, &id).await
}

async fn wait(client: &Client, id: &str) -> Result<Value> {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {msg}  {eta} left") {
        bar.set_style(style);
    }
    let mut pause = Duration::from_millis(20);
    loop {
        let import = client.get(&format!("/api/v1/imports/{}", encode(id))).await?;
        let number = |key: &str| import[key].as_u64().unwrap_or(0);
        bar.set_length(number("bytes_total"));
        bar.set_position(number("bytes"));
        bar.set_message(format!(
            "{} rows, {} rejected",
            number("rows"),
            number("rejected")
        ));
        if import["state"] != "running" {
            bar.finish_and_clear();
            tell(&import);
            return Ok(import);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

fn tell(import: &Value) {
    let number = |key: &str| import[key].as_u64().unwrap_or(0);
    eprintln!(
        "{}: {} rows: {} imported, {} known already, {} rejected, {} skipped",
        import["state"].as_str().unwrap_or_default(),
        number("rows"),
        number("imported"),
        number("duplicates"),
        number("rejected"),
        number("skipped"),
    );
    if number("rejected") > 0 {
        eprintln!(
            "the rejected rows are kept with their reasons: GET /api/v1/rejects?import={}",
            import["id"].as_str().unwrap_or_default()
        );
    }
    if let Some(error) = import["error"].as_str() {
        eprintln!("tenure: {error}");
    }
}
