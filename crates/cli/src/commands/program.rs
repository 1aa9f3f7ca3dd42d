//! `tenure program`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::args::{Program, ProgramCommand, ProgramExport, ProgramFolder};
use crate::client::{Client, Failure, Result};

/// Checks, plans, applies, exports, or prints the schemas.
pub async fn run(args: Program) -> Result<ExitCode> {
    match args.what {
        ProgramCommand::Check(folder) => send("check", &folder).await,
        ProgramCommand::Plan(folder) => send("plan", &folder).await,
        ProgramCommand::Apply(folder) => send("apply", &folder).await,
        ProgramCommand::Export(export) => write(&export).await,
        ProgramCommand::Schemas => schemas(),
    }
}

/// The schemas need no data folder: they belong to this version of the program, not to anybody's definitions.
fn schemas() -> Result<ExitCode> {
    let schemas: Map<String, Value> = tenure_app::definitions::schemas().into_iter().collect();
    println!("{}", serde_json::to_string_pretty(&schemas)?);
    Ok(ExitCode::SUCCESS)
}

/// The YAML files of a program folder by name; those of its folder `dashboards` as `dashboards/NAME.yaml`.
pub fn read_folder(folder: &Path) -> Result<Map<String, Value>> {
    let mut files = Map::new();
    read_into(&mut files, folder, "")?;
    let below = folder.join(DASHBOARDS);
    if below.is_dir() {
        read_into(&mut files, &below, &format!("{DASHBOARDS}/"))?;
    }
    if files.is_empty() {
        return Err(Failure::Usage(format!(
            "{} holds no YAML files: name the folder of a program",
            folder.display()
        )));
    }
    files.sort_keys();
    Ok(files)
}

/// The folder of a program that holds its dashboards.
const DASHBOARDS: &str = "dashboards";

fn read_into(files: &mut Map<String, Value>, folder: &Path, prefix: &str) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|kind| kind == "yaml" || kind == "yml");
        let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|_| is_yaml)
        else {
            continue;
        };
        // The list of files to import lies beside the program in some folders; it is no part of it.
        if name == "import.yaml" || name.ends_with(".map.yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} is not a text in UTF-8", path.display()))?;
        files.insert(format!("{prefix}{name}"), text.into());
    }
    Ok(())
}

async fn send(what: &str, folder: &ProgramFolder) -> Result<ExitCode> {
    let files = read_folder(&folder.dir)?;
    let client = Client::open_or_create(&folder.data).await?;
    let answer = client
        .post(&format!("/api/v1/program/{what}"), &json!({ "files": files }))
        .await;
    client.close().await;
    let answer = answer?;
    println!("{}", serde_json::to_string_pretty(&answer)?);
    // A check that found mistakes is a failure of the work, however the API words it.
    let mistakes = answer["errors"]
        .as_array()
        .is_some_and(|errors| !errors.is_empty());
    Ok(if mistakes {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn write(export: &ProgramExport) -> Result<ExitCode> {
    let client = Client::open(&export.data).await?;
    let query = export
        .version
        .map_or_else(String::new, |version| format!("?version={version}"));
    let answer = client.get(&format!("/api/v1/program/export{query}")).await;
    client.close().await;
    let answer = answer?;
    let files = answer["files"]
        .as_object()
        .ok_or_else(|| anyhow::anyhow!("the answer holds no files"))?;
    std::fs::create_dir_all(&export.dir)?;
    for (name, text) in files {
        let below = name.strip_prefix("dashboards/");
        let plain = below.unwrap_or(name);
        if plain.contains(['/', '\\']) || plain.starts_with('.') {
            return Err(Failure::Other(anyhow::anyhow!(
                "the program holds a file named {name:?}, which is not written"
            )));
        }
        if below.is_some() {
            std::fs::create_dir_all(export.dir.join(DASHBOARDS))?;
        }
        std::fs::write(export.dir.join(name), text.as_str().unwrap_or_default())?;
        eprintln!("wrote {}", export.dir.join(name).display());
    }
    Ok(ExitCode::SUCCESS)
}
