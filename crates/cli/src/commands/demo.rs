//! `tenure demo`: a simulated company, measured and served, its score tested.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};
use tenure_app::{App, Config, health};
use tenure_store::Clock;
use tokio::net::TcpListener;

use super::{backtest, import, serve, simulate};
use crate::args::{Data, Demo};
use crate::client::{Client, Failure, Result, encode};
use crate::{assets, server};

/// Who signs in to the demo.
const LOGIN: &str = "admin@example.com";

/// Simulates, applies the program, imports, and serves until told to stop.
pub async fn run(args: Demo) -> Result<ExitCode> {
    let stop = server::stop_signal()?;
    health::record_metrics();
    let tcp = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "{} cannot be listened on: choose another address with --listen",
            args.listen
        )
    })?;
    let input = company(&args).await?;
    let app = App::open(Config::embedded(args.data.clone()), Clock::system()).await?;
    let address = tcp.local_addr().unwrap_or(args.listen);
    let serving = tokio::spawn({
        let (app, data, stop) = (app.clone(), args.data.clone(), stop.clone());
        async move { serve::serve_app(app, tcp, &data, stop).await }
    });
    let client = Client::of(app);
    let mut stop = stop;
    tokio::select! {
        done = prepare(&client, &input, &args.data) => {
            let password = done?;
            eprintln!("Tenure is ready.");
            println!("address:  http://{address}");
            println!("e-mail:   {LOGIN}");
            println!("password: {password}");
        }
        () = server::stopped(&mut stop) => {}
    }
    // The pages are open already; they show how far this is.
    tokio::select! {
        done = learn(&client) => {
            if let Err(error) = done {
                eprint!("the health score could not be tested: {error}");
            }
        }
        () = server::stopped(&mut stop) => {}
    }
    drop(client);
    serving.await??;
    Ok(ExitCode::SUCCESS)
}

/// The folder with the company's files; one that is there from an earlier run is taken as it is.
async fn company(args: &Demo) -> Result<PathBuf> {
    let folder = args.data.join("demo-input");
    let done = folder.join("simulated.json");
    let (size, until) = (args.size, simulate::yesterday()?);
    let wanted = json!({ "accounts": size.accounts, "months": size.months, "seed": size.seed });
    if let Ok(text) = std::fs::read_to_string(&done) {
        let found: Value = serde_json::from_str(&text).unwrap_or_default();
        if found == wanted {
            return Ok(folder);
        }
        return Err(anyhow::anyhow!(
            "{} holds a demo of another size ({found}): give the same options, or another folder with --data",
            args.data.display()
        )
        .into());
    }
    // As private as a folder that `serve` makes.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&args.data)?;
    let out = folder.clone();
    tokio::task::spawn_blocking(move || simulate::write(size, until, &out)).await??;
    std::fs::write(&done, wanted.to_string())?;
    Ok(folder)
}

/// Program, data and login; gives the password.
async fn prepare(client: &Client, input: &Path, data: &Path) -> Result<String> {
    let files = assets::program("medtrainer")
        .ok_or_else(|| anyhow::anyhow!("this program carries no program named medtrainer"))?;
    eprintln!("applying the program medtrainer");
    client
        .post("/api/v1/program/apply", &json!({ "files": files }))
        .await?;
    eprintln!("importing the company");
    let here = Data {
        data: data.to_owned(),
        database: None,
    };
    let imported = import::folder(client, input, &here).await?;
    if imported["state"] != "done" {
        return Err(
            anyhow::anyhow!("the import ended as {}: {}", imported["state"], imported["error"]).into(),
        );
    }
    measured(client).await?;
    login(client).await
}

/// Waits until every figure takes in what was imported.
async fn measured(client: &Client) -> Result<()> {
    eprintln!("measuring: metrics, segments and two years of KPIs");
    loop {
        let now = client.get("/api/v1/metrics/progress").await?;
        if now["up_to"] == now["newest"] && now["marked_months"] == 0 && now["total"] == 0 {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

/// Back-tests the health score and trains the model of churn, once. The model comes into force where its back-test proves it and finds it no
/// worse than the score set by hand: whoever starts a demo has said yes to that; else it stays a candidate.
async fn learn(client: &Client) -> Result<()> {
    let known = client.get("/api/v1/models?outcome=churn").await?;
    let tried = |it: &Value| it["state"] != "failed";
    if known["items"]
        .as_array()
        .is_some_and(|items| items.iter().any(tried))
    {
        return Ok(());
    }
    eprintln!("testing the health score against what happened, and training the model of churn");
    let form = json!({ "outcome": "churn", "note": "trained when the demo was made" });
    let begun = client.post("/api/v1/models/train", &form).await?;
    let path = format!("/api/v1/models/{}", begun["id"].as_str().unwrap_or_default());
    let found = backtest::wait(client, &path, |it| &it["model"]).await?;
    let pairs = found["backtest"]["report"]["paired"].as_array();
    let mut pairs = pairs.into_iter().flatten();
    let pair = pairs.find(|pair| pair["first"] == "transparent" && pair["second"] == "score");
    let better = pair.and_then(|pair| pair["difference"]["value"].as_f64());
    if let Some(better) = better.filter(|better| *better < 0.0) {
        eprintln!(
            "the trained model stays a candidate, the score set by hand stays in force: learnt from so few outcomes it tells {:.3} AUC less",
            -better
        );
        return Ok(());
    }
    let form = json!({ "version": found["model"]["version"], "note": "proven by the back-test beside it" });
    match client.post(&format!("{path}/promotion"), &form).await {
        Ok(_) => eprintln!("the trained model is in force as the health score: its back-test proves it"),
        Err(Failure::Problem(problem)) => eprintln!(
            "the trained model stays a candidate, the score set by hand stays in force: {}",
            // How to do it all the same is for the page.
            problem["detail"]
                .as_str()
                .unwrap_or_default()
                .split(". Send ")
                .next()
                .unwrap_or_default()
        ),
        Err(other) => return Err(other),
    }
    Ok(())
}

async fn login(client: &Client) -> Result<String> {
    let users = client.get("/api/v1/users").await?;
    let known = users["users"]
        .as_array()
        .and_then(|users| users.iter().find(|user| user["email"] == LOGIN));
    let answer = match known.and_then(|user| user["id"].as_str()) {
        Some(id) => {
            client
                .post(&format!("/api/v1/users/{}/password", encode(id)), &json!({}))
                .await?
        }
        None => {
            client
                .post(
                    "/api/v1/users",
                    &json!({ "email": LOGIN, "name": "Demo", "role": "admin" }),
                )
                .await?
        }
    };
    Ok(answer["password"].as_str().unwrap_or_default().to_owned())
}
