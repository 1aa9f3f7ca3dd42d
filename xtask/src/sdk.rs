//! Stock SDKs against the real binary: what a customer's product sends arrives, with only the host changed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use crate::run::{command, has, root, step};
use crate::ui;

/// How long a registry may take to answer before it counts as out of reach.
const REACH: Duration = Duration::from_secs(20);

/// Runs `tests/sdk/run.sh` on a server of its own and looks at what arrived. Without npm and pip in reach it says so and does nothing.
pub fn sdk() -> Result<()> {
    let folder = folder()?;
    if !folder.join("node_modules/.tenure-pin").is_file()
        && let Some(missing) = out_of_reach()
    {
        eprintln!("\n== SDKs: not run, because {missing}");
        return Ok(());
    }
    step(
        "build of tenure",
        command("cargo", &["build", "--package", "tenure-cli"]),
    )?;
    eprintln!("\n== SDKs of Segment and RudderStack");
    let start = Instant::now();
    let told = send(&folder)?;
    ensure!(told >= 5, "only {told} SDKs were tried");
    eprintln!("== {told} SDKs: done in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// A copy of the tests beside the build, so that what they install is kept and the source stays clean.
fn folder() -> Result<PathBuf> {
    let binary = PathBuf::from(ui::binary());
    let target = binary
        .parent()
        .and_then(Path::parent)
        .context("no target folder")?;
    let folder = target.join("sdk");
    std::fs::create_dir_all(&folder)?;
    for entry in std::fs::read_dir(root().join("tests/sdk"))? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            std::fs::copy(&path, folder.join(name))?;
        }
    }
    Ok(folder)
}

/// What keeps the SDKs from being installed.
fn out_of_reach() -> Option<&'static str> {
    if !has("npm") || !has("python3") {
        return Some("npm or python3 is missing");
    }
    if !answers(command(
        "npm",
        &[
            "view",
            "@segment/analytics-node@3.1.0",
            "version",
            "--fetch-retries=0",
        ],
    )) {
        return Some("npm's registry is out of reach");
    }
    let pip = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--retries=0",
        "--dest",
    ];
    let mut pip = command("python3", &pip);
    pip.arg(std::env::temp_dir())
        .arg("segment-analytics-python==2.4.0");
    (!answers(pip)).then_some("pip's index is out of reach")
}

fn answers(mut command: Command) -> bool {
    let Ok(mut child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        return false;
    };
    let start = Instant::now();
    while start.elapsed() < REACH {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(100)),
            Err(_) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

/// A running server; ended when dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(data: &Path) -> Result<Self> {
        let mut command = tenure(data, &["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("no messages")?).lines();
        let address = lines
            .by_ref()
            .map_while(std::result::Result::ok)
            .find_map(|line| {
                line.split_once(" at ")
                    .map(|(_, address)| address.trim().to_owned())
            });
        std::thread::spawn(move || lines.for_each(drop));
        match address {
            Some(address) => Ok(Self { child, address }),
            None => {
                let _ = child.kill();
                bail!("the server did not start")
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tenure(data: &Path, args: &[&str]) -> Command {
    let mut tenure = command(&ui::binary(), args);
    tenure.arg("--data").arg(data);
    tenure
}

fn printed(mut command: Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "{:?} failed ({})",
        command.get_program(),
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Sends with every SDK and compares what arrived with what each says that it sent.
fn send(folder: &Path) -> Result<usize> {
    let data = std::env::temp_dir().join(format!("tenure-sdk-{}", std::process::id()));
    std::fs::create_dir_all(&data)?;
    let outcome = sent(folder, &data);
    let _ = std::fs::remove_dir_all(&data);
    outcome
}

fn sent(folder: &Path, data: &Path) -> Result<usize> {
    // Without a program nothing can be asked.
    printed(tenure(data, &["program", "apply", "programs/starter"]))?;
    let key = printed(tenure(data, &["key", "add", "sdk", "--scope", "ingest"]))?;
    let server = Server::start(data)?;
    let mut run = Command::new("bash");
    run.arg(folder.join("run.sh"))
        .arg(&server.address)
        .arg(key.trim());
    let mut told = 0;
    for line in printed(run)?.lines() {
        let said: Json =
            serde_json::from_str(line).with_context(|| format!("not what run.sh promises: {line}"))?;
        let text = |key: &str| said[key].as_str().unwrap_or_default().replace('\'', "''");
        let sql = format!(
            "SELECT count(*) AS events, count(DISTINCT message_id) AS ids, \
             count(*) FILTER (WHERE account_id = '{}' AND contact_id = '{}') AS whose \
             FROM events WHERE prop(properties, 'run') = '{}'",
            text("account"),
            text("contact"),
            text("run"),
        );
        let found = printed(tenure(data, &["sql", &sql, "--format", "csv"]))?;
        let wanted = format!("{0},{0},{0}", said["events"]);
        let found = found.lines().nth(1).unwrap_or_default();
        ensure!(
            found == wanted,
            "{}: events, different ids, of the contact and account: {found}, not {wanted}",
            text("sdk")
        );
        let sql = format!(
            "SELECT account_id FROM contacts WHERE contact_id = '{}'",
            text("contact")
        );
        let contact = printed(tenure(data, &["sql", &sql, "--format", "csv"]))?;
        ensure!(
            contact.lines().nth(1) == Some(said["account"].as_str().unwrap_or_default()),
            "{}: the contact is not the account's: {contact}",
            text("sdk")
        );
        told += 1;
    }
    Ok(told)
}
