//! `tenure serve`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tenure_app::{App, Config, auth, health, reactors, routes};
use tenure_store::Clock;
use tokio::net::TcpListener;

use super::program::read_folder;
use crate::args::Serve;
use crate::client::{Client, Result};
use crate::socket::Socket;
use crate::{assets, server};

/// How long background work may take to end its step when the server stops.
const REACTORS_GRACE: Duration = Duration::from_secs(20);

/// Serves until the process is told to stop.
pub async fn run(args: Serve) -> Result<ExitCode> {
    let stop = server::stop_signal()?;
    health::record_metrics();
    let app = open(&args).await?;
    let tcp = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "{} cannot be listened on: choose another address with --listen",
            args.listen
        )
    })?;
    if let Some(folder) = &args.program {
        apply(&app, folder).await?;
    }
    let address = args
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", tcp.local_addr().unwrap_or(args.listen)));
    eprintln!("Tenure serves {} at {address}", args.data.data.display());
    if auth::setup_needed(&app).await? {
        eprintln!(
            "Open {address} to make the first administrator, or run `tenure user add EMAIL --role admin --data DIR`."
        );
        eprintln!(
            "From another machine the set-up page asks for this code: {}",
            app.auth.setup_code()
        );
    }
    serve_app(app, tcp, &args.data.data, stop).await?;
    Ok(ExitCode::SUCCESS)
}

async fn open(args: &Serve) -> Result<App> {
    let mut config = Config::embedded(args.data.data.clone());
    config.database.clone_from(&args.data.database);
    config.sandbox = args.sandbox;
    config.web.public_url.clone_from(&args.public_url);
    config.web.trust_proxy = args.trust_proxy;
    let clock = match (args.sandbox, args.clock) {
        (true, start) => Clock::manual(start.unwrap_or_else(|| Clock::system().now())),
        (false, _) => Clock::system(),
    };
    Ok(App::open(config, clock).await?)
}

/// Applies a program folder as the operator.
async fn apply(app: &App, folder: &Path) -> Result<()> {
    let client = Client::of(app.clone());
    client
        .post("/api/v1/program/apply", &json!({ "files": read_folder(folder)? }))
        .await?;
    eprintln!("Applied the program in {}", folder.display());
    Ok(())
}

/// Serves an open Tenure until `stop`, then closes it.
pub async fn serve_app(
    app: App,
    tcp: TcpListener,
    data: &Path,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<()> {
    let socket =
        Socket::bind(data).with_context(|| format!("the socket of {} cannot be made", data.display()))?;
    let router = routes::router_with_ui(app.clone(), Some(assets::page));
    let mut reactors = reactors::start(&app, &stop);
    server::serve(router, tcp, socket, stop).await;
    // They have seen the same signal; whoever is slow is cut off, and goes on from its cursor at the next start.
    if tokio::time::timeout(REACTORS_GRACE, async {
        while reactors.join_next().await.is_some() {}
    })
    .await
    .is_err()
    {
        reactors.shutdown().await;
    }
    app.shutdown().await;
    Ok(())
}
