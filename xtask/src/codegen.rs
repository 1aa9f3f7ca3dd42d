//! Generated files: the API's document, the UI's client, the JSON Schemas of programs. They are committed, and checked to be current.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{command, output, root, step};
use crate::ui;

/// Writes what is generated, or with `check` compares it with what is committed.
pub fn codegen(check: bool) -> Result<()> {
    ui::install()?;
    step(
        "build of tenure",
        command("cargo", &["build", "--package", "tenure-cli"]),
    )?;
    let binary = ui::binary();
    let folder = std::env::temp_dir().join(format!("tenure-codegen-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    let api = output(&binary, &["openapi"]).context("`tenure openapi` failed")? + "\n";
    let document = folder.join("openapi.json");
    std::fs::write(&document, &api)?;
    files.insert("ui/openapi.json".into(), api);
    let client = folder.join("schema.d.ts");
    let mut generate = command(
        "npx",
        &[
            "--no-install",
            "openapi-typescript",
            &document.to_string_lossy(),
            "-o",
            &client.to_string_lossy(),
        ],
    );
    generate
        .current_dir(root().join("ui"))
        .stdout(std::process::Stdio::null());
    step("client of the UI", generate)?;
    files.insert("ui/src/api/schema.d.ts".into(), std::fs::read_to_string(&client)?);
    let schemas = output(&binary, &["program", "schemas"]).context("`tenure program schemas` failed")?;
    let schemas: BTreeMap<String, serde_json::Value> = serde_json::from_str(&schemas)?;
    for (name, schema) in schemas {
        files.insert(
            Path::new("programs/schema").join(name),
            serde_json::to_string_pretty(&schema)? + "\n",
        );
    }
    let _ = std::fs::remove_dir_all(&folder);
    let mut stale = Vec::new();
    for (path, text) in files {
        let place = root().join(&path);
        if std::fs::read_to_string(&place).is_ok_and(|held| held == text) {
            continue;
        }
        if check {
            stale.push(path.display().to_string());
        } else {
            if let Some(parent) = place.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&place, text)?;
            eprintln!("wrote {}", path.display());
        }
    }
    if !stale.is_empty() {
        bail!(
            "generated files are not current: {}; run `cargo xtask codegen` and commit",
            stale.join(", ")
        );
    }
    Ok(())
}
