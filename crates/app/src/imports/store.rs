//! SQL of the slice.

use std::path::PathBuf;

use tenure_store::{Execute, Row, StoreError, StoreResult, Tx, args};

use super::fields::Kind;
use super::job::{File, Import, Progress, Sample, State};

const IMPORT: &str =
    "id, kind, path, fingerprint, dry_run, state, started_at, finished_at, error, note, samples, actor";
const FILE: &str = "no, path, kind, map, beside, fingerprint, as_of, state, position, line, rows_read, imported, duplicates, rejected, \
                    skipped, bytes, bytes_total, note";

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn size(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Writes a new import with its files.
pub async fn insert(tx: &Tx, it: &Import) -> StoreResult<()> {
    tx.run(
        &format!("INSERT INTO imports ({IMPORT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"),
        args![
            it.id.as_str(),
            it.kind.as_str(),
            it.path.as_str(),
            it.fingerprint.as_str(),
            it.dry_run,
            it.state.name(),
            it.started_at,
            it.finished_at,
            it.error.clone(),
            it.note.clone(),
            samples(&it.samples)?,
            it.actor.as_str()
        ],
    )
    .await?;
    for file in &it.files {
        insert_file(tx, &it.id, file).await?;
    }
    Ok(())
}

async fn insert_file(tx: &Tx, import: &str, it: &File) -> StoreResult<()> {
    let p = &it.progress;
    tx.run(
        &format!(
            "INSERT INTO import_files (import_id, {FILE}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
        ),
        args![
            import,
            it.no,
            it.path.display().to_string(),
            it.kind.name(),
            it.map.clone(),
            it.beside.display().to_string(),
            it.fingerprint.as_str(),
            it.as_of,
            it.state.name(),
            count(p.position),
            count(p.line),
            count(p.rows),
            count(p.imported),
            count(p.duplicates),
            count(p.rejected),
            count(p.skipped),
            count(p.bytes),
            count(it.bytes_total),
            it.note.clone()
        ],
    )
    .await?;
    Ok(())
}

/// Writes how far a file got.
pub async fn advance(tx: &Tx, import: &str, it: &File) -> StoreResult<()> {
    let p = &it.progress;
    tx.run(
        "UPDATE import_files SET state = $1, position = $2, line = $3, rows_read = $4, imported = $5, duplicates = $6, rejected = $7, \
         skipped = $8, bytes = $9, note = $10 WHERE import_id = $11 AND no = $12",
        args![
            it.state.name(),
            count(p.position),
            count(p.line),
            count(p.rows),
            count(p.imported),
            count(p.duplicates),
            count(p.rejected),
            count(p.skipped),
            count(p.bytes),
            it.note.clone(),
            import,
            it.no
        ],
    )
    .await?;
    Ok(())
}

/// Writes the import's own state.
pub async fn set_state(tx: &Tx, it: &Import) -> StoreResult<()> {
    tx.run(
        "UPDATE imports SET state = $1, finished_at = $2, error = $3, note = $4 WHERE id = $5",
        args![
            it.state.name(),
            it.finished_at,
            it.error.clone(),
            it.note.clone(),
            it.id.as_str()
        ],
    )
    .await?;
    Ok(())
}

/// Writes the import's first rejects.
pub async fn set_samples(tx: &Tx, id: &str, first: &[Sample]) -> StoreResult<()> {
    tx.run(
        "UPDATE imports SET samples = $1 WHERE id = $2",
        args![samples(first)?, id],
    )
    .await?;
    Ok(())
}

fn samples(first: &[Sample]) -> StoreResult<String> {
    serde_json::to_string(first).map_err(|error| StoreError::Other(format!("samples of an import: {error}")))
}

/// The import with this id.
pub async fn import(read: &impl Execute, id: &str) -> StoreResult<Option<Import>> {
    match read
        .one(&format!("SELECT {IMPORT} FROM imports WHERE id = $1"), args![id])
        .await?
    {
        Some(row) => Ok(Some(with_files(read, &row).await?)),
        None => Ok(None),
    }
}

/// The newest import of the same content that was meant to be stored.
pub async fn same(read: &impl Execute, fingerprint: &str) -> StoreResult<Option<Import>> {
    let sql = format!(
        "SELECT {IMPORT} FROM imports WHERE fingerprint = $1 AND NOT dry_run ORDER BY started_at DESC, id DESC LIMIT 1"
    );
    match read.one(&sql, args![fingerprint]).await? {
        Some(row) => Ok(Some(with_files(read, &row).await?)),
        None => Ok(None),
    }
}

/// A file of the same content, kind and map that an import has finished: the import's id and the file.
pub async fn same_file(read: &impl Execute, fingerprint: &str) -> StoreResult<Option<(String, File)>> {
    let columns: String = FILE
        .split(", ")
        .map(|column| format!(", f.{} AS {0}", column.trim()))
        .collect();
    let sql = format!(
        "SELECT f.import_id AS import_id{columns} FROM import_files f JOIN imports i ON i.id = f.import_id \
         WHERE f.fingerprint = $1 AND f.state = 'done' AND NOT i.dry_run ORDER BY i.started_at DESC, i.id DESC LIMIT 1"
    );
    let row = read.one(&sql, args![fingerprint]).await?;
    row.map(|row| Ok((row.get("import_id")?, file_of(&row)?)))
        .transpose()
}

/// Imports, newest first, older than `before` (start, id).
pub async fn list(
    read: &impl Execute,
    before: Option<(i64, String)>,
    limit: i64,
) -> StoreResult<Vec<Import>> {
    let (at, id) = before.unwrap_or((i64::MAX, String::new()));
    let sql = format!(
        "SELECT {IMPORT} FROM imports WHERE started_at < $1 OR (started_at = $1 AND id < $2) ORDER BY started_at DESC, id DESC LIMIT $3"
    );
    let mut all = Vec::new();
    for row in read.all(&sql, args![at, id, limit]).await? {
        all.push(with_files(read, &row).await?);
    }
    Ok(all)
}

/// Ids of imports that were under way when the process ended.
pub async fn unfinished(read: &impl Execute) -> StoreResult<Vec<String>> {
    let rows = read
        .all(
            "SELECT id FROM imports WHERE state = 'running' ORDER BY started_at, id",
            vec![],
        )
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

async fn with_files(read: &impl Execute, row: &Row) -> StoreResult<Import> {
    let id: String = row.get("id")?;
    let files = read
        .all(
            &format!("SELECT {FILE} FROM import_files WHERE import_id = $1 ORDER BY no"),
            args![id.as_str()],
        )
        .await?;
    let first: String = row.get("samples")?;
    Ok(Import {
        kind: row.get("kind")?,
        path: row.get("path")?,
        fingerprint: row.get("fingerprint")?,
        dry_run: row.get("dry_run")?,
        state: State::parse(&row.get::<String>("state")?),
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        error: row.get("error")?,
        note: row.get("note")?,
        samples: serde_json::from_str(&first).unwrap_or_default(),
        actor: row.get("actor")?,
        files: files.iter().map(file_of).collect::<StoreResult<_>>()?,
        id,
    })
}

fn file_of(row: &Row) -> StoreResult<File> {
    let kind: String = row.get("kind")?;
    Ok(File {
        no: row.get("no")?,
        path: PathBuf::from(row.get::<String>("path")?),
        kind: Kind::parse(&kind)
            .ok_or_else(|| StoreError::Other(format!("import_files: kind {kind} is not known")))?,
        map: row.get("map")?,
        beside: PathBuf::from(row.get::<String>("beside")?),
        fingerprint: row.get("fingerprint")?,
        as_of: row.get("as_of")?,
        state: State::parse(&row.get::<String>("state")?),
        progress: Progress {
            position: size(row.get("position")?),
            line: size(row.get("line")?),
            rows: size(row.get("rows_read")?),
            imported: size(row.get("imported")?),
            duplicates: size(row.get("duplicates")?),
            rejected: size(row.get("rejected")?),
            skipped: size(row.get("skipped")?),
            bytes: size(row.get("bytes")?),
        },
        bytes_total: size(row.get("bytes_total")?),
        note: row.get("note")?,
    })
}
