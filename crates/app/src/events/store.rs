//! SQL of the slice.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tenure_lake::FileMeta;
use tenure_store::{Batch, Conflict, Execute, Row, StoreError, StoreResult, Tx, Value, args, placeholders};

use super::attribute::Unattributed;
use super::ids::Built;
use super::timeline::TimelineFilter;

/// Rows that one statement removes.
const AT_ONCE: usize = 500;

/// The newest `seq` that was ever given.
pub(super) async fn newest_seq(read: &impl Execute) -> StoreResult<i64> {
    let row = read.one("SELECT seq FROM event_log WHERE id = 1", vec![]).await?;
    row.ok_or_else(|| StoreError::Other("event_log has no row: the records are damaged".to_owned()))?
        .get("seq")
}

/// The query of the first day of each kind but product from the step `from` on.
pub(super) fn first_days_sql(from: i64) -> String {
    format!(
        "SELECT kind, min(day) AS day FROM events WHERE kind <> 'product' AND seq >= {from} GROUP BY kind"
    )
}

/// Moves the newest `seq` on, and fails when somebody else has moved it: two writers never give one number twice.
pub(super) async fn advance(tx: &Tx, from: i64, to: i64) -> StoreResult<()> {
    if tx
        .run(
            "UPDATE event_log SET seq = $1 WHERE id = 1 AND seq = $2",
            args![to, from],
        )
        .await?
        == 1
    {
        return Ok(());
    }
    Err(StoreError::Unavailable(
        "the log has moved on since it was last read".to_owned(),
    ))
}

/// One unsealed body as it lies in the records.
pub(super) struct TailBody {
    pub(super) seq: i64,
    pub(super) events: usize,
    pub(super) min_at: i64,
    pub(super) max_at: i64,
    pub(super) received_at: i64,
    pub(super) body: Vec<u8>,
}

pub(super) async fn insert_tail(tx: &Tx, it: &TailBody) -> StoreResult<()> {
    tx.run(
        "INSERT INTO event_tail (seq, events, min_at, max_at, received_at, body) VALUES ($1, $2, $3, $4, $5, $6)",
        args![it.seq, count(it.events), it.min_at, it.max_at, it.received_at, it.body.clone()],
    )
    .await?;
    Ok(())
}

pub(super) async fn tail(read: &impl Execute) -> StoreResult<Vec<TailBody>> {
    let rows = read
        .all(
            "SELECT seq, events, min_at, max_at, received_at, body FROM event_tail ORDER BY seq",
            vec![],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(TailBody {
                seq: row.get("seq")?,
                events: size(row.get("events")?),
                min_at: row.get("min_at")?,
                max_at: row.get("max_at")?,
                received_at: row.get("received_at")?,
                body: row.get("body")?,
            })
        })
        .collect()
}

/// A run of message ids as it lies in the records.
pub(super) struct IdRun {
    pub(super) run: i64,
    pub(super) entries: usize,
    /// Leading bits that tell the part; -1: the body is the hashes themselves.
    pub(super) bits: i64,
    pub(super) body: Vec<u8>,
}

/// Runs that have no filter, with their hashes.
pub(super) async fn small_runs(read: &impl Execute) -> StoreResult<Vec<IdRun>> {
    let rows = read
        .all(
            "SELECT run, entries, bits, body FROM event_id_runs WHERE bits < 0 ORDER BY run",
            vec![],
        )
        .await?;
    rows.iter().map(id_run).collect()
}

/// Numbers of the runs that have a filter. They are read one by one, because all filters together are large.
pub(super) async fn settled_runs(read: &impl Execute) -> StoreResult<Vec<i64>> {
    let rows = read
        .all(
            "SELECT run FROM event_id_runs WHERE bits >= 0 ORDER BY run",
            vec![],
        )
        .await?;
    rows.iter().map(|row| row.get("run")).collect()
}

/// One run with its filter or hashes.
pub(super) async fn one_run(read: &impl Execute, run: i64) -> StoreResult<IdRun> {
    let row = read
        .one(
            "SELECT run, entries, bits, body FROM event_id_runs WHERE run = $1",
            args![run],
        )
        .await?;
    id_run(
        &row.ok_or_else(|| {
            StoreError::Unavailable(format!("the run {run} of message ids is no longer there"))
        })?,
    )
}

fn id_run(row: &Row) -> StoreResult<IdRun> {
    Ok(IdRun {
        run: row.get("run")?,
        entries: size(row.get("entries")?),
        bits: row.get("bits")?,
        body: row.get("body")?,
    })
}

/// The sorted hashes of one part; empty when it has none.
pub(super) async fn ids_part(read: &impl Execute, run: i64, part: i64) -> StoreResult<Vec<u8>> {
    let row = read
        .one(
            "SELECT ids FROM event_ids WHERE run = $1 AND part = $2",
            args![run, part],
        )
        .await?;
    row.map_or(Ok(Vec::new()), |row| row.get("ids"))
}

/// All hashes of a run, unsorted across parts.
pub(super) async fn ids_of_run(read: &impl Execute, run: i64) -> StoreResult<Vec<Vec<u8>>> {
    let sql = "SELECT body AS ids FROM event_id_runs WHERE run = $1 AND bits < 0 UNION ALL SELECT ids FROM event_ids WHERE run = $1";
    let rows = read.all(sql, args![run]).await?;
    rows.iter().map(|row| row.get("ids")).collect()
}

/// Makes a run known: its filter, or a small run's hashes.
pub(super) async fn insert_run(tx: &Tx, run: i64, built: &mut Built) -> StoreResult<()> {
    let bits = if built.filter.is_some() {
        i64::from(built.bits)
    } else {
        -1
    };
    tx.run(
        "INSERT INTO event_id_runs (run, entries, bits, body) VALUES ($1, $2, $3, $4)",
        args![run, count(built.entries), bits, std::mem::take(&mut built.body)],
    )
    .await?;
    Ok(())
}

/// Writes parts of a run. They count only once the run is known.
pub(super) async fn insert_parts(
    tx: &Tx,
    run: i64,
    parts: impl IntoIterator<Item = (i64, Vec<u8>)>,
) -> StoreResult<()> {
    for (part, ids) in parts {
        tx.run(
            "INSERT INTO event_ids (run, part, ids) VALUES ($1, $2, $3)",
            args![run, part, ids],
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn delete_runs(tx: &Tx, runs: &[i64]) -> StoreResult<()> {
    delete_some(tx, "event_id_runs", "run", runs).await?;
    Ok(())
}

/// Removes rows of `table` by the numbers in its column `by`, some hundreds at once; says how many were there.
async fn delete_some(tx: &Tx, table: &str, by: &str, numbers: &[i64]) -> StoreResult<u64> {
    let mut gone = 0;
    for some in numbers.chunks(AT_ONCE) {
        let sql = format!("DELETE FROM {table} WHERE {by} IN ({})", placeholders(some.len()));
        gone += tx
            .run(&sql, some.iter().map(|number| (*number).into()).collect())
            .await?;
    }
    Ok(gone)
}

/// Removes parts whose run is not known: left by a merge that was cut off, or replaced by one.
pub(super) async fn delete_stray_parts(tx: &Tx) -> StoreResult<()> {
    tx.run(
        "DELETE FROM event_ids WHERE run NOT IN (SELECT run FROM event_id_runs)",
        vec![],
    )
    .await?;
    Ok(())
}

/// What one transaction adds to a source's counters.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceCounts {
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) events: i64,
    pub(super) duplicates: i64,
    pub(super) rejected: i64,
    /// Events by hour of arrival (hours since 1970).
    pub(super) hours: BTreeMap<i64, i64>,
    /// Events by delay between happening and arrival, in classes that double (class n: below 2^n microseconds).
    pub(super) lags: BTreeMap<i64, i64>,
}

pub(super) async fn add_counts(tx: &Tx, counts: &BTreeMap<String, SourceCounts>) -> StoreResult<()> {
    for (source, it) in counts {
        tx.run(
            "INSERT INTO event_sources (source, first_at, last_at, events, rejected, duplicates) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (source) DO UPDATE SET \
             first_at = CASE WHEN excluded.first_at < event_sources.first_at THEN excluded.first_at ELSE event_sources.first_at END, \
             last_at = CASE WHEN excluded.last_at > event_sources.last_at THEN excluded.last_at ELSE event_sources.last_at END, \
             events = event_sources.events + excluded.events, rejected = event_sources.rejected + excluded.rejected, \
             duplicates = event_sources.duplicates + excluded.duplicates",
            args![source.clone(), it.first_at, it.last_at, it.events, it.rejected, it.duplicates],
        )
        .await?;
        let hours = it.hours.iter().map(|(bucket, events)| ("hour", *bucket, *events));
        let lags = it.lags.iter().map(|(bucket, events)| ("lag", *bucket, *events));
        for (what, bucket, events) in hours.chain(lags) {
            tx.run(
                "INSERT INTO event_counts (source, what, bucket, events) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (source, what, bucket) DO UPDATE SET events = event_counts.events + excluded.events",
                args![source.clone(), what, bucket, events],
            )
            .await?;
        }
    }
    Ok(())
}

/// Counts rejects for their source.
pub(super) async fn count_rejected(tx: &Tx, now: i64, source: &str, rejected: usize) -> StoreResult<()> {
    let counts = SourceCounts {
        first_at: now,
        last_at: now,
        rejected: count(rejected),
        ..SourceCounts::default()
    };
    add_counts(tx, &BTreeMap::from([(source.to_owned(), counts)])).await
}

pub(super) async fn forget_hours_before(tx: &Tx, hour: i64) -> StoreResult<()> {
    tx.run(
        "DELETE FROM event_counts WHERE what = 'hour' AND bucket < $1",
        args![hour],
    )
    .await?;
    Ok(())
}

/// Notes of whom there are events that are not, or not wholly, attributed. `known` tells of whom something is known already.
pub(super) async fn note_unattributed(
    tx: &Tx,
    notes: &Unattributed,
    known: impl Fn(&str, i64) -> bool,
) -> StoreResult<()> {
    let columns = ["id", "account_no", "month", "due"];
    for due in [true, false] {
        let mut batch = Batch::new("event_unattributed", &columns);
        for (id, account, month) in notes.iter().filter(|(id, account, _)| known(id, *account) == due) {
            batch.row(args![id.as_str(), *account, i64::from(*month), due]);
        }
        let conflict = if due {
            Conflict::Update("id, account_no, month", &["due"])
        } else {
            Conflict::Ignore("id, account_no, month")
        };
        tx.insert(batch, conflict).await?;
    }
    Ok(())
}

/// Of these devices and contacts it became known whose account's they are, or which contact's. The first contact of a device stays the one
/// to whom what happened before belongs, however late that is worked off.
pub(super) async fn mark_known(tx: &Tx, known: &[(String, Option<String>)]) -> StoreResult<()> {
    for (id, person) in known {
        if let Some(person) = person {
            let sql = "UPDATE event_unattributed SET due = $1, person = COALESCE(person, $2) WHERE id = $3";
            tx.run(sql, args![true, person.as_str(), id.as_str()]).await?;
        }
    }
    let ids: Vec<&String> = known
        .iter()
        .filter(|(_, person)| person.is_none())
        .map(|(id, _)| id)
        .collect();
    for some in ids.chunks(500) {
        let places: Vec<String> = (2..some.len() + 2).map(|n| format!("${n}")).collect();
        let mut values = args![true];
        values.extend(some.iter().map(|id| Value::from(id.as_str())));
        let sql = format!(
            "UPDATE event_unattributed SET due = $1 WHERE id IN ({})",
            places.join(",")
        );
        tx.run(&sql, values).await?;
    }
    Ok(())
}

/// Notes of devices and contacts that became known, of `most` of them at most, and the contacts that devices turned out to be.
pub(super) async fn known_unattributed(
    read: &impl Execute,
    most: i64,
) -> StoreResult<(Unattributed, HashMap<String, String>)> {
    let sql = "SELECT id, account_no, month, person FROM event_unattributed WHERE due = $1 AND id IN \
               (SELECT id FROM event_unattributed WHERE due = $1 ORDER BY id LIMIT $2)";
    let mut notes = Unattributed::default();
    let mut people = HashMap::new();
    for row in read.all(sql, args![true, most]).await? {
        let id: String = row.get("id")?;
        let month: i64 = row.get("month")?;
        if let Some(person) = row.get("person")? {
            people.insert(id.clone(), person);
        }
        notes.insert(id, row.get("account_no")?, i32::try_from(month).unwrap_or(0));
    }
    Ok((notes, people))
}

/// Forgets notes that are worked off.
pub(super) async fn forget_unattributed(tx: &Tx, notes: &Unattributed) -> StoreResult<()> {
    for (id, account, month) in notes.iter() {
        tx.run(
            "DELETE FROM event_unattributed WHERE id = $1 AND account_no = $2 AND month = $3",
            args![id.as_str(), *account, i64::from(*month)],
        )
        .await?;
    }
    Ok(())
}

/// Forgets notes of people who are erased.
pub(super) async fn forget_people(tx: &Tx, ids: impl Iterator<Item = &String>) -> StoreResult<()> {
    for id in ids {
        tx.run("DELETE FROM event_unattributed WHERE id = $1", args![id.as_str()])
            .await?;
    }
    Ok(())
}

/// Whether the events of before the notes were kept have been noted.
pub(super) async fn is_noted(read: &impl Execute) -> StoreResult<bool> {
    let sql = "SELECT value FROM settings WHERE key = 'events.unattributed'";
    Ok(read.one(sql, vec![]).await?.is_some())
}

/// They have.
pub(super) async fn set_noted(tx: &Tx) -> StoreResult<()> {
    let mut batch = Batch::new("settings", &["key", "value"]);
    batch.row(args!["events.unattributed", "noted"]);
    tx.insert(batch, Conflict::Ignore("key")).await?;
    Ok(())
}

/// Asks the lake of whom there are events that are not wholly attributed.
pub(super) const UNATTRIBUTED_QUERY: &str = "SELECT coalesce(contact_id, prop(properties, '$context.anonymous_id')) AS id, \
     account_no, month FROM events WHERE kind <> 'account' AND (account_no = 0 OR contact_id IS NULL) GROUP BY 1, 2, 3";

/// Asks the lake for the events of these people that are not wholly attributed.
pub(super) fn unattributed_query(accounts: &BTreeSet<i64>, ids: &BTreeSet<&str>, most: usize) -> String {
    let accounts: Vec<String> = accounts.iter().map(i64::to_string).collect();
    let ids: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
    let (accounts, ids) = (accounts.join(", "), ids.join(", "));
    format!(
        "SELECT * FROM events WHERE account_no IN ({accounts}) AND kind <> 'account' AND ((contact_id IS NULL AND {} IN ({ids})) \
         OR (account_no = 0 AND contact_id IN ({ids}))) LIMIT {most}",
        "prop(properties, '$context.anonymous_id')"
    )
}

/// The condition of events of nobody that come from these devices.
pub(super) fn of_devices(ids: &HashSet<String>) -> String {
    let ids: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
    let ids = ids.join(", ");
    format!("(contact_id IS NULL AND prop(properties, '$context.anonymous_id') IN ({ids}))")
}

/// Asks the lake for the events of nobody that come from these devices.
pub(super) fn device_query(ids: &HashSet<String>) -> String {
    format!("SELECT * FROM events WHERE {}", of_devices(ids))
}

/// The place of a reactor, if it has one.
pub(super) async fn cursor(read: &impl Execute, name: &str) -> StoreResult<Option<i64>> {
    read.one("SELECT seq FROM cursors WHERE name = $1", args![name])
        .await?
        .map(|row| row.get("seq"))
        .transpose()
}

pub(super) async fn set_cursor(tx: &Tx, name: &str, seq: i64) -> StoreResult<()> {
    tx.run(
        "INSERT INTO cursors (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
        args![name, seq],
    )
    .await?;
    Ok(())
}

/// The place of the slowest reactor; none when there is no reactor.
pub(super) async fn slowest_cursor(read: &impl Execute) -> StoreResult<Option<i64>> {
    read.one("SELECT MIN(seq) AS seq FROM cursors", vec![])
        .await?
        .map_or(Ok(None), |row| row.get("seq"))
}

pub(super) async fn insert_bulk(tx: &Tx, seq: i64, accounts: &[i64], months: &[i32]) -> StoreResult<()> {
    let bytes: Vec<u8> = accounts.iter().flat_map(|no| no.to_le_bytes()).collect();
    let months: Vec<String> = months.iter().map(i32::to_string).collect();
    tx.run(
        "INSERT INTO event_bulks (seq, accounts, months) VALUES ($1, $2, $3)",
        args![seq, bytes, months.join(" ")],
    )
    .await?;
    Ok(())
}

/// Announced bulk changes: seq, accounts, months.
pub(super) async fn bulks(read: &impl Execute) -> StoreResult<Vec<(i64, Vec<i64>, Vec<i32>)>> {
    let rows = read
        .all(
            "SELECT seq, accounts, months FROM event_bulks ORDER BY seq",
            vec![],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let bytes: Vec<u8> = row.get("accounts")?;
            let months: String = row.get("months")?;
            let accounts = bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|no| i64::from_le_bytes(*no))
                .collect();
            Ok((
                row.get("seq")?,
                accounts,
                months
                    .split_whitespace()
                    .filter_map(|month| month.parse().ok())
                    .collect(),
            ))
        })
        .collect()
}

pub(super) async fn delete_bulks_until(tx: &Tx, seq: i64) -> StoreResult<()> {
    tx.run("DELETE FROM event_bulks WHERE seq <= $1", args![seq])
        .await?;
    Ok(())
}

/// The manifest, in order of month, class and arrival.
pub(super) async fn files(read: &impl Execute) -> StoreResult<Vec<FileMeta>> {
    let rows = read
        .all(
            "SELECT path, meta FROM event_files ORDER BY month, class, min_seq, path",
            vec![],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let (path, meta): (String, String) = (row.get("path")?, row.get("meta")?);
            serde_json::from_str(&meta)
                .map_err(|error| StoreError::Other(format!("event_files: entry {path} is damaged: {error}")))
        })
        .collect()
}

/// Puts files into the manifest.
pub(super) async fn insert_files(tx: &Tx, now: i64, files: &[FileMeta]) -> StoreResult<()> {
    let columns = [
        "path",
        "month",
        "class",
        "rows_count",
        "bytes",
        "min_seq",
        "max_seq",
        "meta",
        "added_at",
    ];
    let mut batch = Batch::new("event_files", &columns);
    for file in files {
        let meta = serde_json::to_string(file)
            .map_err(|error| StoreError::Other(format!("file {}: {error}", file.path)))?;
        let (rows, bytes) = (
            i64::try_from(file.rows).unwrap_or(0),
            i64::try_from(file.bytes).unwrap_or(0),
        );
        let class = file.class.as_str();
        batch.row(args![
            file.path.clone(),
            i64::from(file.month),
            class,
            rows,
            bytes,
            file.min_seq,
            file.max_seq,
            meta,
            now
        ]);
    }
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Takes files out of the manifest and notes that they are to be deleted.
pub(super) async fn retire_files(tx: &Tx, now: i64, files: &[FileMeta]) -> StoreResult<()> {
    for file in files {
        if tx
            .run(
                "DELETE FROM event_files WHERE path = $1",
                args![file.path.clone()],
            )
            .await?
            != 1
        {
            return Err(StoreError::Unavailable(format!(
                "the manifest no longer names {}",
                file.path
            )));
        }
        let sql = "INSERT INTO event_files_gone (path, gone_at) VALUES ($1, $2) ON CONFLICT (path) DO UPDATE SET gone_at = excluded.gone_at";
        tx.run(sql, args![file.path.clone(), now]).await?;
    }
    Ok(())
}

/// Files that are to be deleted.
pub(super) async fn gone_files(read: &impl Execute) -> StoreResult<Vec<String>> {
    let rows = read
        .all("SELECT path FROM event_files_gone ORDER BY path", vec![])
        .await?;
    rows.iter().map(|row| row.get("path")).collect()
}

/// Forgets files that are deleted.
pub(super) async fn forget_gone(tx: &Tx, paths: &[String]) -> StoreResult<()> {
    for path in paths {
        tx.run(
            "DELETE FROM event_files_gone WHERE path = $1",
            args![path.clone()],
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn delete_tail(tx: &Tx, seqs: &[i64]) -> StoreResult<()> {
    let gone = delete_some(tx, "event_tail", "seq", seqs).await?;
    if usize::try_from(gone) == Ok(seqs.len()) {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "of {} unsealed groups only {gone} are still there",
        seqs.len()
    )))
}

/// Puts other events in the place of an unsealed group's.
pub(super) async fn update_tail(tx: &Tx, seq: i64, events: usize, body: Vec<u8>) -> StoreResult<()> {
    tx.run(
        "UPDATE event_tail SET events = $1, body = $2 WHERE seq = $3",
        args![count(events), body, seq],
    )
    .await?;
    Ok(())
}

/// One source as `GET /sources` tells of it: name, first and last arrival, events, rejected, duplicates.
pub(super) async fn sources(read: &impl Execute) -> StoreResult<Vec<(String, SourceCounts)>> {
    let sql =
        "SELECT source, first_at, last_at, events, rejected, duplicates FROM event_sources ORDER BY source";
    let mut sources = Vec::new();
    for row in read.all(sql, vec![]).await? {
        let counts = SourceCounts {
            first_at: row.get("first_at")?,
            last_at: row.get("last_at")?,
            events: row.get("events")?,
            rejected: row.get("rejected")?,
            duplicates: row.get("duplicates")?,
            ..SourceCounts::default()
        };
        sources.push((row.get::<String>("source")?, counts));
    }
    let places: BTreeMap<String, usize> = sources
        .iter()
        .enumerate()
        .map(|(n, (name, _))| (name.clone(), n))
        .collect();
    for row in read
        .all("SELECT source, what, bucket, events FROM event_counts", vec![])
        .await?
    {
        let Some(&place) = places.get(&row.get::<String>("source")?) else {
            continue;
        };
        let what: String = row.get("what")?;
        let counts = &mut sources[place].1;
        let buckets = if what == "hour" {
            &mut counts.hours
        } else {
            &mut counts.lags
        };
        buckets.insert(row.get("bucket")?, row.get("events")?);
    }
    Ok(sources)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn size(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

/// Text as a literal of the lake's SQL, whose questions take no parameters.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Asks the lake for the events of one account (all numbers that are read as it) that fit, newest first; `text` is in small letters.
pub(super) fn timeline_query(
    accounts: &[i64],
    contacts: Option<&[String]>,
    filter: &TimelineFilter,
    text: Option<&str>,
) -> String {
    let numbers: Vec<String> = accounts.iter().map(i64::to_string).collect();
    let mut sql = format!(
        "SELECT * FROM events WHERE account_no IN ({})",
        numbers.join(", ")
    );
    if let Some(kind) = filter.kind {
        sql.push_str(&format!(" AND kind = {}", quoted(kind.name())));
    }
    if let Some(contacts) = contacts {
        sql.push_str(&format!(" AND {}", of_contacts(contacts)));
    }
    if let Some((at, id)) = &filter.before {
        let at = format!("to_timestamp_micros({at})");
        sql.push_str(&format!(
            " AND occurred_at <= {at} AND (occurred_at < {at} OR message_id < {})",
            quoted(id)
        ));
    }
    if let Some(text) = text {
        let text = quoted(text);
        sql.push_str(&format!(
            " AND (strpos(lower(name), {text}) > 0 OR strpos(lower(properties), {text}) > 0)"
        ));
    }
    sql.push_str(&format!(
        " ORDER BY occurred_at DESC, message_id DESC LIMIT {}",
        filter.limit
    ));
    sql
}

/// The condition that an event is of one of these contacts.
pub(super) fn of_contacts(ids: &[String]) -> String {
    let all: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
    format!("contact_id IN ({})", all.join(", "))
}

/// Asks the lake which accounts have events in which months, among those that meet any of the conditions.
pub(super) fn months_query(any: &[String]) -> String {
    format!(
        "SELECT account_no, month FROM events WHERE {} GROUP BY account_no, month",
        any.join(" OR ")
    )
}
