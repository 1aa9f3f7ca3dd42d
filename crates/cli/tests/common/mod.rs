//! The built program, run as its users run it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The program with arguments, on a folder; on the server of `TENURE_TEST_POSTGRES` no test here runs, they are about the folder.
pub fn tenure(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenure"));
    command
        .args(args)
        .env_remove("TENURE_DATA")
        .env_remove("TENURE_DATABASE")
        .env_remove("TENURE_LOG");
    command
}

/// Runs a command on a folder to its end.
pub fn run(data: &Path, args: &[&str]) -> Output {
    let mut command = tenure(args);
    command
        .arg("--data")
        .arg(data)
        .output()
        .expect("the program runs")
}

/// Runs a command that must do its work; gives its stdout.
#[track_caller]
pub fn done(data: &Path, args: &[&str]) -> String {
    let output = run(data, args);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// What a run wrote to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server; killed when dropped.
pub struct Server {
    pub child: Child,
    pub port: u16,
}

impl Server {
    /// Starts one on a free port and waits until it says that it serves.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_as(data, more, |_| {})
    }

    /// As [`Server::start`], with a command that the caller may change.
    pub fn start_as(data: &Path, more: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let mut command = tenure(&["serve", "--listen", "127.0.0.1:0"]);
        change(&mut command);
        let mut child = command
            .arg("--data")
            .arg(data)
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut seen = Vec::new();
        let port = loop {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("the server ended: {seen:?}"))
                .expect("text");
            if let Some((_, address)) = line
                .split_once(" at http://")
                .filter(|_| line.starts_with("Tenure serves"))
            {
                break address
                    .rsplit(':')
                    .next()
                    .and_then(|port| port.parse().ok())
                    .expect("a port");
            }
            seen.push(line);
        };
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let server = Self { child, port };
        for _ in 0..100 {
            if server
                .http("GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                .starts_with("HTTP/1.1 200")
            {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not answer");
    }

    /// Sends bytes as they are and gives all that comes back.
    pub fn http(&self, request: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return String::new();
        };
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout");
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks with a header or none.
    pub fn get(&self, path: &str, header: &str) -> String {
        self.http(&format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\n{header}connection: close\r\n\r\n"
        ))
    }

    /// Tells it to stop and gives its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .expect("kill")
                .success()
        );
        self.child.wait().expect("an end").code()
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("an end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
