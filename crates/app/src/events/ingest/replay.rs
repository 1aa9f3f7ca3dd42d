//! Takes rejects of the tracking API in again.

use futures::future::BoxFuture;

use super::intake::{self, Shape};
use super::message::Call;
use super::split::Parts;
use crate::App;
use crate::events;
use crate::events::rejects::{Reject, Replayer, Verdict};
use crate::web::{Problem, Result};

/// Repeats what came over HTTP: the same checks, with the instant at which the record arrived first.
#[derive(Clone, Copy, Debug)]
pub struct HttpReplayer;

impl Replayer for HttpReplayer {
    fn owns(&self, reject: &Reject) -> bool {
        reject.import_id.is_none()
            && (Call::parse(&reject.kind).is_some() || ["message", "batch"].contains(&reject.kind.as_str()))
    }

    fn replay<'a>(
        &'a self,
        app: &'a App,
        rejects: &'a [Reject],
        _map: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Verdict>>> {
        Box::pin(async move {
            let mut verdicts = Vec::with_capacity(rejects.len());
            for reject in rejects {
                verdicts.push(one(app, reject).await?);
            }
            Ok(verdicts)
        })
    }
}

async fn one(app: &App, reject: &Reject) -> Result<Verdict> {
    let raw = reject.record.as_bytes();
    // A value that was left out of a message that was taken: the message's own kind tells the call; `message` asks its `type`.
    let shape = Call::parse(&reject.kind).map_or(Shape::Many, Shape::One);
    let mut refused = Vec::new();
    let incoming = intake::normalise(
        app,
        &reject.source,
        reject.at,
        shape,
        &Parts::default(),
        &[raw],
        &mut refused,
    );
    if let Some(first) = refused.first() {
        let mut again = reject.clone();
        again.field = first.fault.path();
        again.value = Some(first.fault.value.clone());
        again.reason.clone_from(&first.fault.reason);
        again.remedy = first.fault.remedy.to_owned();
        return Ok(Verdict::Refused(Box::new(again)));
    }
    events::take_in(app, incoming).await.map_err(Problem::from)?;
    Ok(Verdict::Taken)
}
