//! `tenure dashboards`.

use std::path::Path;
use std::process::ExitCode;

use crate::args::{DashboardExport, DashboardList, DashboardsCommand, PageFormat};
use crate::client::{Client, Result, encode};
use crate::output::{Column, print};

/// Lists dashboards, or writes one as a file.
pub async fn run(what: DashboardsCommand) -> Result<ExitCode> {
    match what {
        DashboardsCommand::List(args) => list(args).await,
        DashboardsCommand::Export(args) => export(args).await,
    }
}

async fn list(args: DashboardList) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let answer = client.get("/api/v1/dashboards").await;
    client.close().await;
    let answer = answer?;
    let rows = answer["dashboards"].as_array().cloned().unwrap_or_default();
    let columns: &[Column<'_>] = &[
        ("Dashboard", "id"),
        ("Title", "title"),
        ("Group", "group"),
        ("Tiles", "tiles"),
        ("Owner", "owner"),
        ("Shared", "sharing"),
    ];
    print(args.format, &answer, &rows, columns)?;
    Ok(ExitCode::SUCCESS)
}

async fn export(args: DashboardExport) -> Result<ExitCode> {
    let client = Client::open(&args.data).await?;
    let bytes = written(&client, &args).await;
    client.close().await;
    let bytes = bytes?;
    if args.out == Path::new("-") {
        std::io::Write::write_all(&mut std::io::stdout().lock(), &bytes)?;
    } else {
        std::fs::write(&args.out, bytes)?;
        eprintln!("wrote {}", args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

async fn written(client: &Client, args: &DashboardExport) -> Result<Vec<u8>> {
    let path = format!("/api/v1/dashboards/{}", encode(&args.id));
    let kind = match args.format {
        PageFormat::Yaml => {
            let page = client.get(&path).await?;
            return Ok(page["yaml"].as_str().unwrap_or_default().as_bytes().to_vec());
        }
        PageFormat::Xlsx => "xlsx",
        PageFormat::Csv => "csv",
    };
    client.settle().await?;
    let mut query = Vec::new();
    query.extend(args.as_of.map(|day| format!("as_of={day}")));
    query.extend(
        args.segment
            .as_deref()
            .map(|segment| format!("segment={}", encode(segment))),
    );
    client
        .file(&format!("{path}/export/{kind}?{}", query.join("&")))
        .await
}
