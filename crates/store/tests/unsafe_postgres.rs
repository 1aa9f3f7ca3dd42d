//! A PostgreSQL that may lose what it has confirmed is refused at the start. Runs where a PostgreSQL is under test (`TENURE_TEST_POSTGRES`)
//! and its programs lie on this machine: the settings can only be made at a server's start, so each test has a server of its own.
#![expect(clippy::unwrap_used, reason = "what a test cannot set up must fail it")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tenure_store::{Store, StoreError};

/// The folder of initdb and pg_ctl.
fn programs() -> Option<PathBuf> {
    std::env::var_os("TENURE_TEST_POSTGRES")?;
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    found.sort();
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let asked = asked.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    found
        .into_iter()
        .rev()
        .chain(asked)
        .find(|bin| bin.join("initdb").is_file())
}

struct Cluster {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    /// Makes a cluster that is started with [`Cluster::start`].
    fn new(bin: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            // The server refuses to run as root; the package brings a user for it.
            let done = Command::new("chown")
                .arg("postgres")
                .arg(folder.path())
                .status()
                .unwrap();
            assert!(done.success());
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let cluster = Self { bin, folder, port };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &[
                "-D",
                data.to_str().unwrap(),
                "-U",
                "tenure",
                "--auth=trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ],
        );
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, program: &str, args: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        let done = command
            .args(args)
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "{} {args:?}", program.display());
    }

    fn start(&self, setting: &str) {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c shared_buffers=1MB -c {setting}",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        self.run(
            "pg_ctl",
            &[
                "-D",
                self.data().to_str().unwrap(),
                "-l",
                log.to_str().unwrap(),
                "-o",
                &options,
                "-w",
                "start",
            ],
        );
    }

    fn stop(&self) {
        self.run(
            "pg_ctl",
            &["-D", self.data().to_str().unwrap(), "-m", "immediate", "stop"],
        );
    }

    fn url(&self) -> String {
        format!("postgres://tenure@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if Path::new(&self.data().join("postmaster.pid")).exists() {
            self.stop();
        }
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim() == "0"
}

#[tokio::test]
async fn a_server_without_fsync_or_whole_pages_is_refused() {
    let Some(bin) = programs() else { return };
    let cluster = Cluster::new(bin);
    for (setting, refused) in [
        ("fsync=off", Some("fsync = off")),
        ("full_page_writes=off", Some("full_page_writes = off")),
        ("synchronous_commit=off", Some("synchronous_commit = off")),
        ("fsync=on", None),
    ] {
        cluster.start(setting);
        let opened = Store::open_postgres(&cluster.url(), None).await;
        let claimed = Store::claim_postgres(&cluster.url(), None).await;
        match refused {
            Some(text) => {
                for error in [opened.expect_err("refused"), claimed.expect_err("refused")] {
                    assert!(matches!(error, StoreError::Unsafe(_)), "{setting}: {error:?}");
                    assert!(error.to_string().contains(text), "{setting}: {error}");
                }
            }
            None => {
                opened.expect("safe").close().await;
                claimed.expect("safe").close().await;
            }
        }
        cluster.stop();
    }
}
