//! Taking rejected rows in again, after the account was imported, the map was corrected, or the program declared what was missing.

use std::collections::BTreeMap;
use std::path::Path;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value as Json};
use tenure_store::Tx;

use super::context::Context;
use super::job::{File, Import};
use super::read::{Record, Source, cells};
use super::rejects::{Refused, file_name, reject};
use super::request::bad_map;
use super::rows::{Facts, Outcome, SOURCE};
use super::{chunks, map, plan, store};
use crate::App;
use crate::events::rejects::{Reject, Replayer, Verdict};
use crate::events::{self, Stored};
use crate::web;

/// Takes rejects of imports in again.
pub struct ImportReplayer;

impl Replayer for ImportReplayer {
    fn owns(&self, reject: &Reject) -> bool {
        reject.source == SOURCE && reject.import_id.is_some()
    }

    fn replay<'a>(
        &'a self,
        app: &'a App,
        rejects: &'a [Reject],
        map: Option<&'a str>,
    ) -> BoxFuture<'a, web::Result<Vec<Verdict>>> {
        all(app, rejects, map).boxed()
    }
}

async fn all(app: &App, rejects: &[Reject], map: Option<&str>) -> web::Result<Vec<Verdict>> {
    let mut verdicts: Vec<Verdict> = rejects
        .iter()
        .map(|it| Verdict::Refused(Box::new(it.clone())))
        .collect();
    let mut by_file: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, it) in rejects.iter().enumerate() {
        if let (Some(import), Some(file)) = (&it.import_id, &it.file) {
            by_file.entry((import, file)).or_default().push(at);
        }
    }
    for ((import, name), places) in by_file {
        let Some(import) = store::import(&app.store, import).await? else {
            continue;
        };
        let kind = &rejects[places[0]].kind;
        let Some(file) = import
            .files
            .iter()
            .find(|file| file_name(file) == name && file.kind.name() == kind)
        else {
            continue;
        };
        let of_file: Vec<&Reject> = places.iter().map(|at| &rejects[*at]).collect();
        for (at, verdict) in places.iter().zip(some(app, &import, file, &of_file, map).await?) {
            verdicts[*at] = verdict;
        }
    }
    Ok(verdicts)
}

/// Takes rejects of one file in again.
async fn some(
    app: &App,
    import: &Import,
    file: &File,
    rejects: &[&Reject],
    map: Option<&str>,
) -> web::Result<Vec<Verdict>> {
    let context = Context {
        as_of: file.as_of,
        ..super::context(app, import.started_at)
    };
    let text = map.or(file.map.as_deref());
    let bad = |error| bad_map("map", text.unwrap_or_default(), &error);
    let mapping = match text {
        Some(text) => map::Mapping::parse(text, &context.zone).map_err(bad)?,
        None => map::Mapping::by_names(),
    };
    let (source, records) = table(file, &mapping, rejects);
    let plan = plan::plan(&mapping, file.kind, &source, &context, beside(file)).map_err(bad)?;
    let mapped = chunks::map(&plan, &context, &source.columns, &records);
    let mut verdicts = Vec::with_capacity(rejects.len());
    let mut facts = Facts::default();
    for (row, before) in mapped.into_iter().zip(rejects) {
        let line = before
            .line
            .and_then(|line| u64::try_from(line).ok())
            .unwrap_or_default();
        let fault = match row.outcome {
            Outcome::Facts(Facts {
                needs: Some(account), ..
            }) if app.accounts.number(&account).is_none() => super::keep::unknown_account(&account),
            Outcome::Facts(said) => {
                facts.changes.extend(said.changes);
                facts.events.extend(said.events);
                verdicts.push(Verdict::Taken);
                continue;
            }
            // A map that leaves the row out settles it as well.
            Outcome::Skipped => {
                verdicts.push(Verdict::Taken);
                continue;
            }
            Outcome::Fault(fault) => fault,
        };
        let again = reject(
            &import.id,
            before.at,
            file,
            &Refused {
                line,
                fault,
                raw: before.record.clone(),
            },
        );
        verdicts.push(Verdict::Refused(Box::new(Reject {
            id: before.id.clone(),
            ..again
        })));
    }
    let chunk = events::Chunk {
        source: SOURCE.to_owned(),
        events: facts.events,
        changes: facts.changes,
    };
    events::append_chunk(app, chunk, true, nothing_more).await?;
    Ok(verdicts)
}

fn nothing_more<'a>(_: &'a Tx, _: &'a Stored) -> BoxFuture<'a, tenure_store::StoreResult<()>> {
    async { Ok(()) }.boxed()
}

fn beside(file: &File) -> &Path {
    &file.beside
}

/// The rejects' records as a table. The file itself gives the columns if it is still there, so that a column which is empty in all rejects is
/// still a column; else the rejects do.
fn table(file: &File, mapping: &map::Mapping, rejects: &[&Reject]) -> (Source, Vec<Record>) {
    let mut source = Source::open(&file.path, &mapping.hints).unwrap_or_else(|_| Source::of_rows(&file.path));
    let mut columns = source.columns.clone();
    let records = rejects
        .iter()
        .map(|it| {
            let mut record = Record::default();
            record.begin(
                it.line
                    .and_then(|line| u64::try_from(line).ok())
                    .unwrap_or_default(),
            );
            match serde_json::from_str::<Map<String, Json>>(&it.record) {
                Ok(object) => cells(&object, &mut columns, &mut record),
                Err(_) => record.fault = Some(super::read::Fault::row(it.reason.clone(), it.remedy.clone())),
            }
            record
        })
        .collect();
    source.columns = columns;
    (source, records)
}
