//! A request's way from bytes to the log.

use std::time::Instant;

use axum::http::StatusCode;
use serde_json::{Map, Value as Json};

use super::MESSAGE_LIMIT;
use super::api::Receipt;
use super::message::{self, Call, Fault};
use super::normalise::{Outcome, Request};
use super::split::{Parts, split};
use super::traits::Vocabulary;
use crate::App;
use crate::auth::Ingest;
use crate::events::rejects::{Reject, State};
use crate::events::{self, Incoming};
use crate::web::{FieldError, Problem, Result};

/// Whether a request holds one message or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    One(Call),
    Many,
}

impl Shape {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "batch" | "b" | "import" => Some(Self::Many),
            name => Call::parse(name).map(Self::One),
        }
    }
}

/// Takes a request's messages in and answers when they are on disk.
pub(super) async fn take(app: &App, key: &Ingest, shape: Shape, bytes: &[u8]) -> Result<Receipt> {
    let received = app.clock.micros();
    let parts = match shape {
        // The one message is parsed whole; nothing of it has to be cut out first.
        Shape::One(_) => Parts::default(),
        Shape::Many => match split(bytes) {
            Ok(parts) => parts,
            Err(reason) => return Err(refuse_whole(app, key, received, bytes, reason).await?),
        },
    };
    let messages = match shape {
        Shape::One(_) => vec![trim(bytes)],
        Shape::Many => parts.batch.clone().unwrap_or_default(),
    };
    quota(app, key, messages.len())?;
    if shape == Shape::Many && parts.batch.is_none() {
        let problem = "the body holds no list of messages";
        return Err(Problem::field(
            "batch",
            "",
            problem,
            "send {\"batch\": […]}; for one message use its own call, such as /v1/track",
        ));
    }
    let mut refused = Vec::new();
    let mut incoming = normalise(app, &key.source, received, shape, &parts, &messages, &mut refused);
    let rejected = refused.iter().filter(|refused| refused.whole).count();
    incoming.rejects = refused
        .iter()
        .map(|refused| refused.reject(&key.source, received, &parts))
        .collect();
    let accepted = messages.len() - rejected;
    let one = match (shape, refused.first()) {
        (Shape::One(_), Some(first)) if first.whole => Some(first.problem()),
        _ => None,
    };
    let appended = store(app, incoming).await?;
    if let Some(problem) = one {
        return Err(problem);
    }
    Ok(Receipt {
        success: true,
        accepted: accepted - appended.duplicates.min(accepted),
        duplicates: appended.duplicates,
        rejected,
    })
}

/// Whatever the records say, the client may send again: a 4xx would make it drop its events for ever.
async fn store(app: &App, incoming: Incoming) -> Result<events::Appended> {
    events::take_in(app, incoming).await.map_err(|error| {
        tracing::warn!(%error, "events could not be stored");
        Problem::unavailable("the events could not be stored at the moment: send them again", 2)
    })
}

fn quota(app: &App, key: &Ingest, messages: usize) -> Result<()> {
    app.ingest
        .buckets
        .take(&key.key, messages, app.config.quota, Instant::now())
        .map_err(|wait| {
            metrics::counter!("tenure_ingest_over_quota_total").increment(1);
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(3600).saturating_add(1);
            let mut problem = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "over_quota",
                "The write key is over its quota",
                format!(
                    "this key may send {} events per second: send the rest in {seconds} seconds",
                    app.config.quota.events_per_second
                ),
            );
            problem.retry_after = Some(seconds);
            problem
        })
}

/// A message (or a value of one) that was refused.
pub(super) struct Refused<'a> {
    pub(super) raw: &'a [u8],
    pub(super) line: Option<i64>,
    pub(super) kind: &'static str,
    pub(super) fault: Fault,
    /// Whether the message was refused as a whole, or only a value was left out of it.
    pub(super) whole: bool,
}

impl Refused<'_> {
    fn reject(&self, source: &str, at: i64, parts: &Parts<'_>) -> Reject {
        let field = self.fault.path();
        Reject {
            id: Reject::id_of(source, self.kind, field.as_deref(), self.raw),
            at,
            source: source.to_owned(),
            import_id: None,
            file: None,
            line: self.line,
            kind: self.kind.to_owned(),
            field,
            value: Some(self.fault.value.clone()),
            reason: self.fault.reason.clone(),
            remedy: self.fault.remedy.to_owned(),
            record: record(self.raw, parts),
            state: State::Open,
        }
    }

    fn problem(&self) -> Problem {
        let fault = &self.fault;
        let status = if self.raw.len() > MESSAGE_LIMIT {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            StatusCode::BAD_REQUEST
        };
        let mut problem = Problem::new(
            status,
            "message_refused",
            "The message cannot be taken in",
            format!("{}; it is kept under /api/v1/rejects", fault.reason),
        );
        problem.errors.push(FieldError {
            field: fault.path().unwrap_or_default(),
            value: fault.value.clone(),
            problem: fault.reason.clone(),
            remedy: fault.remedy.to_owned(),
        });
        problem
    }
}

/// The record as it came. The request's `sentAt` is put into it where it has none, so that a replay can set the clock right.
fn record(raw: &[u8], parts: &Parts<'_>) -> String {
    let text = String::from_utf8_lossy(raw);
    let Some(sent) = parts.sent_at.and_then(|sent| std::str::from_utf8(sent).ok()) else {
        return text.into_owned();
    };
    match text.strip_prefix('{') {
        Some(rest) if !text.contains("\"sentAt\"") => {
            let comma = if rest.trim_start().starts_with('}') {
                ""
            } else {
                ","
            };
            format!("{{\"sentAt\":{sent}{comma}{rest}")
        }
        _ => text.into_owned(),
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// Parses messages and turns them into what the log takes; those that cannot be taken in are put into `refused`.
pub(super) fn normalise<'a>(
    app: &App,
    source: &str,
    received: i64,
    shape: Shape,
    parts: &Parts<'_>,
    messages: &[&'a [u8]],
    refused: &mut Vec<Refused<'a>>,
) -> Incoming {
    let read = |raw: Option<&[u8]>| raw.and_then(|raw| serde_json::from_slice::<Json>(raw).ok());
    let sent = read(parts.sent_at);
    let context: Option<Map<String, Json>> = match read(parts.context) {
        Some(Json::Object(context)) => Some(context),
        _ => None,
    };
    let vocabulary = Vocabulary::of(app);
    let request = Request {
        source,
        received,
        sent: sent.as_ref(),
        context: context.as_ref(),
        directory: &app.accounts,
        hints: &app.ingest.hints,
        vocabulary: &vocabulary,
        now: Instant::now(),
    };
    let mut outcome = Outcome {
        events: Vec::with_capacity(messages.len()),
        ..Outcome::default()
    };
    for (place, raw) in messages.iter().enumerate() {
        let line = (shape == Shape::Many).then(|| i64::try_from(place).unwrap_or(0) + 1);
        let (kind, fault) = one(&request, shape, raw, &mut outcome);
        for fault in outcome.left_out.drain(..) {
            refused.push(Refused {
                raw,
                line,
                kind,
                fault,
                whole: false,
            });
        }
        if let Some(fault) = fault {
            refused.push(Refused {
                raw,
                line,
                kind,
                fault,
                whole: true,
            });
        }
    }
    Incoming {
        source: source.to_owned(),
        events: outcome.events,
        changes: outcome.changes,
        rejects: Vec::new(),
    }
}

fn one(
    request: &Request<'_>,
    shape: Shape,
    raw: &[u8],
    outcome: &mut Outcome,
) -> (&'static str, Option<Fault>) {
    let named = match shape {
        Shape::One(call) => Some(call),
        Shape::Many => None,
    };
    let unknown = named.map_or("message", Call::name);
    if raw.len() > MESSAGE_LIMIT {
        let reason = format!(
            "the message has {} bytes, at most {MESSAGE_LIMIT} are taken",
            raw.len()
        );
        let remedy = "send less with each message: ids instead of documents, a link instead of a picture";
        return (unknown, Some(Fault::whole(raw, reason, remedy)));
    }
    let message = match message::parse(raw) {
        Ok(message) => message,
        Err(fault) => return (unknown, Some(fault)),
    };
    let call = match named {
        Some(call) => call,
        None => match message
            .kind
            .as_str()
            .and_then(|name| Call::parse(name).filter(|_| name.len() > 1))
        {
            Some(call) => call,
            None => {
                let remedy = "send track, identify, group, page, screen or alias as `type`";
                return (
                    unknown,
                    Some(Fault::new(
                        "type",
                        &message.kind,
                        "the message does not say what it is",
                        remedy,
                    )),
                );
            }
        },
    };
    (call.name(), request.take(call, message, raw, outcome).err())
}

/// A body in which no message can be told from another: it is kept as one reject, and refused.
async fn refuse_whole(
    app: &App,
    key: &Ingest,
    received: i64,
    bytes: &[u8],
    reason: String,
) -> Result<Problem> {
    quota(app, key, 1)?;
    let fault = Fault::whole(
        bytes,
        format!("the body is not JSON: {reason}"),
        "send what a JSON library writes, as UTF-8",
    );
    let refused = Refused {
        raw: bytes,
        line: None,
        kind: "batch",
        fault,
        whole: true,
    };
    let rejects = vec![refused.reject(&key.source, received, &Parts::default())];
    store(
        app,
        Incoming {
            source: key.source.clone(),
            rejects,
            ..Incoming::default()
        },
    )
    .await?;
    let mut problem = refused.problem();
    problem.status = StatusCode::BAD_REQUEST.as_u16();
    Ok(problem)
}
