//! What comes in through cargo, held against `deny.toml`: licences, sources, wildcards. The same list that `cargo deny check` reads, checked
//! without installing it, because building cargo-deny takes longer than the tests of some crates.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use crate::run::{command, has, root, step};

/// Checks every package that a build can use. Where `cargo-deny` is installed, it is run too: it also knows of published weaknesses.
pub fn licences() -> Result<()> {
    let mut metadata = command(
        "cargo",
        &["metadata", "--format-version", "1", "--all-features", "--locked"],
    );
    let output = metadata.output().context("cargo metadata cannot be started")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let whole: Json = serde_json::from_slice(&output.stdout)?;
    let rules = Rules::read(&std::fs::read_to_string(root().join("deny.toml"))?)?;
    let packages = whole["packages"]
        .as_array()
        .context("cargo metadata names no packages")?;
    let faults = rules.faults(packages);
    if !faults.is_empty() {
        faults.iter().for_each(|fault| eprintln!("licences: {fault}"));
        bail!("{} faults against deny.toml", faults.len());
    }
    eprintln!("licences: {} packages in order", packages.len());
    if has("cargo-deny") {
        step(
            "cargo deny",
            command("cargo", &["deny", "--log-level", "error", "check"]),
        )?;
    }
    Ok(())
}

/// What `deny.toml` allows.
#[derive(Debug, PartialEq)]
struct Rules {
    allowed: BTreeSet<String>,
}

impl Rules {
    /// Reads the list `allow` of the part `[licenses]`; other parts must say what this check assumes.
    fn read(text: &str) -> Result<Self> {
        let part = |name: &str| {
            let from = text
                .find(&format!("[{name}]"))
                .with_context(|| format!("deny.toml has no part [{name}]"))?;
            let rest = &text[from + name.len() + 2..];
            Ok::<_, anyhow::Error>(rest.split("\n[").next().unwrap_or(rest))
        };
        for (name, line) in [
            ("bans", "wildcards = \"deny\""),
            ("sources", "unknown-registry = \"deny\""),
            ("sources", "unknown-git = \"deny\""),
        ] {
            if !part(name)?.lines().any(|it| it.trim() == line) {
                bail!("deny.toml no longer says {line} in [{name}]: change xtask/src/licences.rs with it");
            }
        }
        let licences = part("licenses")?;
        let list = licences
            .split_once("allow = [")
            .and_then(|(_, rest)| rest.split_once(']'))
            .context("deny.toml has no list `allow` in [licenses]")?;
        let allowed: BTreeSet<String> = list
            .0
            .split(',')
            .map(|name| name.trim().trim_matches('"').to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        Ok(Self { allowed })
    }

    fn faults(&self, packages: &[Json]) -> Vec<String> {
        let mut faults = Vec::new();
        for package in packages {
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            let name = format!("{} {}", text("name"), text("version"));
            // What is ours has no source.
            let Some(source) = package["source"].as_str() else {
                self.wildcards(package, &mut faults);
                continue;
            };
            if source != "registry+https://github.com/rust-lang/crates.io-index" {
                faults.push(format!("{name} comes from {source}, not from crates.io"));
            }
            let licence = text("license");
            if licence.is_empty() {
                faults.push(format!("{name} names no licence"));
            } else if !self.allows(licence) {
                faults.push(format!(
                    "{name} is under {licence}, which deny.toml does not allow"
                ));
            }
        }
        faults
    }

    fn wildcards(&self, package: &Json, faults: &mut Vec<String>) {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["req"] == "*" && dependency["path"].is_null() {
                faults.push(format!(
                    "{} asks for any version of {}",
                    package["name"], dependency["name"]
                ));
            }
        }
    }

    /// Whether an SPDX expression can be met with what is allowed: one side of an OR, both of an AND. `/` is the old spelling of OR.
    fn allows(&self, expression: &str) -> bool {
        let spaced = expression
            .replace('/', " OR ")
            .replace('(', " ( ")
            .replace(')', " ) ");
        let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
        self.any(&mut words) == Some(true) && words.is_empty()
    }

    /// `None` = this is no expression.
    fn any(&self, words: &mut Vec<&str>) -> Option<bool> {
        let mut met = self.all(words)?;
        while words.last() == Some(&"OR") {
            words.pop();
            met |= self.all(words)?;
        }
        Some(met)
    }

    fn all(&self, words: &mut Vec<&str>) -> Option<bool> {
        let mut met = self.one(words)?;
        while words.last() == Some(&"AND") {
            words.pop();
            met &= self.one(words)?;
        }
        Some(met)
    }

    fn one(&self, words: &mut Vec<&str>) -> Option<bool> {
        let word = words.pop()?;
        if word == "(" {
            let met = self.any(words)?;
            return (words.pop() == Some(")")).then_some(met);
        }
        if words.last() == Some(&"WITH") {
            words.pop();
            let exception = words.pop()?;
            return Some(self.allowed.contains(&format!("{word} WITH {exception}")));
        }
        Some(self.allowed.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        let text = include_str!("../../deny.toml");
        Rules::read(text).expect("deny.toml is read")
    }

    #[test]
    fn the_list_is_that_of_deny_toml() {
        let rules = rules();
        assert!(rules.allowed.contains("MIT") && rules.allowed.contains("Apache-2.0 WITH LLVM-exception"));
        assert!(!rules.allowed.iter().any(|name| name.contains("GPL")));
        let changed =
            include_str!("../../deny.toml").replace("unknown-git = \"deny\"", "unknown-git = \"allow\"");
        assert!(Rules::read(&changed).is_err());
    }

    #[test]
    fn expressions_are_met_or_not() {
        let rules = rules();
        for allowed in [
            "MIT",
            "MIT OR Apache-2.0",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(rules.allows(allowed), "{allowed}");
        }
        for refused in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(GPL-2.0 OR AGPL-3.0) AND MIT",
            "GPL-3.0 WITH LLVM-exception",
            "MIT OR",
            "(MIT",
            "MIT)",
            "",
        ] {
            assert!(!rules.allows(refused), "{refused}");
        }
    }

    #[test]
    fn sources_licences_and_wildcards_are_named() {
        let crates_io = "registry+https://github.com/rust-lang/crates.io-index";
        let package = |source: Json, licence: Json, req: &str| {
            json!({"name": "p", "version": "1.0.0", "source": source, "license": licence,
                "dependencies": [{"name": "d", "req": req, "path": null}]})
        };
        let rules = rules();
        let faults = |it: Json| rules.faults(&[it]).len();
        assert_eq!(faults(package(json!(crates_io), json!("MIT"), "*")), 0);
        assert_eq!(faults(package(json!(crates_io), json!(null), "1")), 1);
        assert_eq!(faults(package(json!(crates_io), json!("AGPL-3.0"), "1")), 1);
        assert_eq!(
            faults(package(json!("git+https://example.com/p"), json!("MIT"), "1")),
            1
        );
        assert_eq!(faults(package(json!(null), json!("Apache-2.0"), "*")), 1);
        assert_eq!(faults(package(json!(null), json!("Apache-2.0"), "^1")), 0);
    }
}
