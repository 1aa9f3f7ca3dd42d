//! Running other programs, with a line that says what and how long.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// A command in the workspace's root.
pub fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    // `cargo run` describes this package in the environment; ring's build script takes that for its own and is built again,
    // with everything above it, whenever a build inside `cargo xtask` follows one outside.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// What has run so far, with its seconds.
static DONE: Mutex<Vec<(String, f64)>> = Mutex::new(Vec::new());

/// Says once more how long each step took.
pub fn summary(what: &str, start: Instant) {
    let done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    eprintln!("\n== {what}: {:.0} s, of which", start.elapsed().as_secs_f64());
    for (title, seconds) in done.iter() {
        eprintln!("{seconds:>8.0} s  {title}");
    }
}

/// Says what begins, runs it with its output shown, says how long it took; an exit other than 0 is an error.
pub fn step(title: &str, mut command: Command) -> Result<()> {
    eprintln!("\n== {title}");
    let start = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("{title}: {:?} cannot be started", command.get_program()))?;
    let seconds = start.elapsed().as_secs_f64();
    DONE.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((title.to_owned(), seconds));
    if !status.success() {
        bail!("{title} failed ({status})");
    }
    eprintln!("== {title}: done in {seconds:.0} s");
    Ok(())
}

/// Whether a program is on the path.
pub fn has(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// What a command prints, trimmed; `None` when it fails or is not there.
pub fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = command(program, args).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    output("id", &["-u"]).as_deref() == Some("0")
}

/// Installs packages of the operating system, saying so; an error explains what to install by hand.
pub fn install(what: &str, packages: &[&str]) -> Result<()> {
    if !has("apt-get") || !is_root() {
        bail!(
            "{what} is missing: install {} with your system's package manager, then run this again",
            packages.join(" and ")
        );
    }
    eprintln!("{what} is missing: installing {}", packages.join(" "));
    let mut update = command("apt-get", &["update", "-qq"]);
    update.env("DEBIAN_FRONTEND", "noninteractive");
    step("apt-get update", update)?;
    let mut args = vec!["install", "-y", "-qq", "--no-install-recommends"];
    args.extend(packages);
    let mut install = command("apt-get", &args);
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null());
    step(&format!("apt-get install {}", packages.join(" ")), install)
}
