//! A private PostgreSQL for a test run: its own folder, its own port, ended with the run.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{command, has, install, is_root, output, step};

/// A running cluster; dropped, it is stopped and its folder removed.
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    user: Option<&'static str>,
    /// Its address.
    pub url: String,
}

impl Cluster {
    /// Starts one, installing the server when it is missing.
    pub fn start() -> Result<Self> {
        let bin = match find_bin() {
            Some(bin) => bin,
            None => {
                install("PostgreSQL", &["postgresql"])?;
                find_bin().context("PostgreSQL was installed, but initdb is not to be found")?
            }
        };
        // The server refuses to run as root; Debian's package brings a user for it.
        let user = if is_root() { Some("postgres") } else { None };
        let folder = scratch().join(format!("tenure-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        if let Some(user) = user {
            step(
                "folder of the database",
                command("chown", &[user, &folder.to_string_lossy()]),
            )?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let url = format!("postgres://tenure@127.0.0.1:{port}/postgres");
        let cluster = Self {
            bin,
            folder,
            user,
            url,
        };
        let data = cluster.folder.join("data");
        let data = data.to_string_lossy();
        step(
            "initdb",
            cluster.run(
                "initdb",
                &[
                    "-D",
                    &data,
                    "-U",
                    "tenure",
                    "--auth=trust",
                    "-E",
                    "UTF8",
                    "--locale=C",
                ],
            ),
        )?;
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={} -c max_connections=400 -c max_locks_per_transaction=256 -c shared_buffers=256MB",
            cluster.folder.display()
        );
        let log = cluster.folder.join("log");
        step(
            "PostgreSQL",
            cluster.run(
                "pg_ctl",
                &[
                    "-D",
                    &data,
                    "-l",
                    &log.to_string_lossy(),
                    "-o",
                    &options,
                    "-w",
                    "start",
                ],
            ),
        )?;
        eprintln!("PostgreSQL answers at {}", cluster.url);
        Ok(cluster)
    }

    fn run(&self, program: &str, args: &[&str]) -> Command {
        let program = self.bin.join(program);
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .args(args)
            .current_dir(&self.folder)
            .stdout(std::process::Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let stop = self
            .run(
                "pg_ctl",
                &["-D", &data.to_string_lossy(), "-m", "immediate", "stop"],
            )
            .status();
        if stop.is_ok_and(|status| status.success()) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A folder in memory, where fsync costs nothing.
const MEMORY: &str = "/dev/shm";
/// What a run of all tests may write, in kilobytes. Containers often give this folder 64 MB only.
const ROOM: u64 = 6_000_000;

/// The folder for what tests write: in memory where there is room, else the system's temporary one.
pub fn scratch() -> PathBuf {
    let free = output("df", &["--output=avail", MEMORY]);
    let roomy = free
        .and_then(|text| text.lines().last()?.trim().parse::<u64>().ok())
        .is_some_and(|free| free >= ROOM);
    if roomy {
        PathBuf::from(MEMORY)
    } else {
        std::env::temp_dir()
    }
}

fn find_bin() -> Option<PathBuf> {
    let asked = has("pg_config")
        .then(|| output("pg_config", &["--bindir"]))
        .flatten()
        .map(PathBuf::from);
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    installed.sort();
    asked
        .into_iter()
        .chain(installed.into_iter().rev())
        .find(|bin| bin.join("initdb").is_file())
}

/// Fails early and clearly where a cluster can never run.
pub fn check_user() -> Result<()> {
    if is_root() && output("id", &["-u", "postgres"]).is_none() && find_bin().is_some() {
        bail!(
            "PostgreSQL cannot run as root, and there is no user `postgres` to run it: add one, or run the tests as another user"
        );
    }
    Ok(())
}
