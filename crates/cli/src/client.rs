//! How every command reaches the data: through the socket of the server that holds the folder, else in process.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tenure_app::auth::Principal;
use tenure_app::{App, Config, routes};
use tenure_store::{Clock, DataLock};
use tokio::net::UnixStream;
use tower::ServiceExt;

use crate::args::Data;
use crate::socket::Socket;

/// How long a command waits for a folder whose holder does not answer: a server that is starting or stopping.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// It was called wrongly.
    Usage(String),
    /// The API refused; the problem as sent.
    Problem(Value),
    /// Anything else.
    Other(anyhow::Error),
}

/// Result of a command.
pub type Result<T> = std::result::Result<T, Failure>;

macro_rules! other {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Other(error.into())
            }
        })*
    };
}
other!(
    anyhow::Error,
    std::io::Error,
    serde_json::Error,
    http::Error,
    hyper::Error,
    csv::Error,
    jiff::Error,
    tokio::task::JoinError,
    tenure_store::StoreError,
);

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => writeln!(to, "tenure: {text}"),
            Self::Other(error) => writeln!(to, "tenure: {error:#}"),
            Self::Problem(problem) => {
                let text = |key: &str| problem[key].as_str().unwrap_or_default();
                let fields = problem["errors"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                if fields.is_empty() {
                    writeln!(to, "tenure: {}: {}", text("title"), text("detail"))?;
                } else {
                    writeln!(to, "tenure: {}", text("title"))?;
                }
                for field in fields {
                    let part = |key: &str| field[key].as_str().unwrap_or_default();
                    writeln!(to, "  {}: {}", part("field"), part("problem"))?;
                    if !part("value").is_empty() {
                        writeln!(to, "    value:  {}", part("value"))?;
                    }
                    if !part("remedy").is_empty() {
                        writeln!(to, "    remedy: {}", part("remedy"))?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// A way to the API of one data folder, as the operator.
pub struct Client {
    way: Way,
}

enum Way {
    Socket(std::path::PathBuf),
    Process(App, Router),
}

impl Client {
    /// Finds the way: the server that holds the folder, else the folder itself. An empty or missing folder is refused, because only
    /// `serve`, `demo` and the first `import` are meant to make one.
    pub async fn open(data: &Data) -> Result<Self> {
        if !data.data.is_dir() {
            return Err(Failure::Other(anyhow::anyhow!(
                "there is no data folder {}: `tenure serve --data {0}` makes one, or name another with --data",
                data.data.display()
            )));
        }
        Self::open_or_create(data).await
    }

    /// As [`Client::open`], but makes the folder.
    pub async fn open_or_create(data: &Data) -> Result<Self> {
        let socket = Socket::path_of(&data.data);
        let mut waited = Duration::ZERO;
        loop {
            if UnixStream::connect(&socket).await.is_ok() {
                return Ok(Self {
                    way: Way::Socket(socket),
                });
            }
            if !is_held(&data.data)? {
                return Self::in_process(data).await;
            }
            if waited >= PATIENCE {
                return Err(Failure::Other(anyhow::anyhow!(
                    "another process holds {} and does not answer on {}: wait until it has started, or stop it",
                    data.data.display(),
                    socket.display()
                )));
            }
            let step = Duration::from_millis(200);
            tokio::time::sleep(step).await;
            waited += step;
        }
    }

    async fn in_process(data: &Data) -> Result<Self> {
        let mut config = Config::embedded(data.data.clone());
        config.database.clone_from(&data.database);
        let app = App::open(config, Clock::system()).await?;
        let router = routes::router(app.clone());
        Ok(Self {
            way: Way::Process(app, router),
        })
    }

    /// A way to an application that this process has open.
    pub fn of(app: App) -> Self {
        let router = routes::router(app.clone());
        Self {
            way: Way::Process(app, router),
        }
    }

    /// Whether a server holds the folder.
    pub fn is_served(&self) -> bool {
        matches!(self.way, Way::Socket(_))
    }

    /// Finishes what was begun and closes the folder, when this process has it open.
    pub async fn close(self) {
        if let Way::Process(app, router) = self.way {
            drop(router);
            app.shutdown().await;
        }
    }

    /// Works in everything that has happened so far: without a server nobody works in the background, and with one a page may be some
    /// seconds behind. Commands that show figures or compare with them call it once, before they ask.
    pub async fn settle(&self) -> Result<()> {
        self.post("/api/v1/catch_up", &Value::Object(serde_json::Map::new()))
            .await
            .map(|_| ())
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// Adds or does something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Removes something.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    /// Reads a file.
    pub async fn file(&self, path: &str) -> Result<Vec<u8>> {
        let (status, bytes) = self.send(Method::GET, path, None).await?;
        if status.is_success() {
            Ok(bytes)
        } else {
            Err(Failure::Problem(serde_json::from_slice(&bytes)?))
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, bytes) = self.send(method, path, body).await?;
        let value = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)?
        };
        if status.is_success() {
            Ok(value)
        } else {
            Err(Failure::Problem(value))
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Vec<u8>)> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "tenure");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
        let answer = match &self.way {
            Way::Process(_, router) => {
                let mut request = request;
                request.extensions_mut().insert(Principal::operator());
                let response = router
                    .clone()
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {});
                read(response).await?
            }
            Way::Socket(path) => {
                let stream = UnixStream::connect(path).await?;
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                let task = tokio::spawn(connection);
                let answer = read(sender.send_request(request).await?).await?;
                task.abort();
                answer
            }
        };
        Ok(answer)
    }
}

async fn read<B>(response: Response<B>) -> anyhow::Result<(StatusCode, Vec<u8>)>
where
    B: http_body::Body,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let (head, body) = response.into_parts();
    Ok((head.status, body.collect().await?.to_bytes().to_vec()))
}

/// Whether a process holds the folder.
fn is_held(data: &Path) -> std::io::Result<bool> {
    Ok(DataLock::take(data)?.is_none())
}

/// A text as one part of a path or query.
pub fn encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_names_field_value_and_remedy() {
        let problem = Failure::Problem(json!({
            "title": "A field is not valid", "detail": "email: has no @",
            "errors": [{ "field": "email", "value": "ann", "problem": "has no @", "remedy": "send an address" }],
        }));
        assert_eq!(
            problem.to_string(),
            "tenure: A field is not valid\n  email: has no @\n    value:  ann\n    remedy: send an address\n"
        );
        let plain = Failure::Problem(json!({ "title": "Not found", "detail": "there is no user 7" }));
        assert_eq!(plain.to_string(), "tenure: Not found: there is no user 7\n");
    }

    #[test]
    fn encodes_what_a_path_may_not_hold() {
        assert_eq!(encode("a b/é?&=x-1"), "a%20b%2F%C3%A9%3F%26%3Dx-1");
    }
}
