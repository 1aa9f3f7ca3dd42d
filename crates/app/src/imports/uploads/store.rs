//! SQL of uploads and of remembered maps.

use tenure_store::{Execute, Row, StoreResult, Tx, args};

use super::super::fields::Kind;
use super::{StagedFile, State, Upload};

const UPLOAD: &str = "id, actor, created_at, touched_at, tried, imported";
const FILE: &str = "id, no, name, inside, bytes, modified_at, state, kind, map, signature, remembered, included, note, version";

fn upload_of(row: &Row) -> StoreResult<Upload> {
    Ok(Upload {
        id: row.get("id")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        touched_at: row.get("touched_at")?,
        tried: row.get("tried")?,
        imported: row.get("imported")?,
        files: Vec::new(),
    })
}

fn file_of(row: &Row) -> StoreResult<StagedFile> {
    let kind: Option<String> = row.get("kind")?;
    Ok(StagedFile {
        id: row.get("id")?,
        no: row.get("no")?,
        name: row.get("name")?,
        inside: row.get("inside")?,
        bytes: u64::try_from(row.get::<i64>("bytes")?).unwrap_or(0),
        modified_at: row.get("modified_at")?,
        state: State::parse(&row.get::<String>("state")?),
        kind: kind.as_deref().and_then(Kind::parse),
        map: row.get("map")?,
        signature: row.get("signature")?,
        remembered: row.get("remembered")?,
        included: row.get("included")?,
        note: row.get("note")?,
        version: row.get("version")?,
    })
}

async fn with_files(read: &impl Execute, row: &Row) -> StoreResult<Upload> {
    let mut upload = upload_of(row)?;
    let sql = format!("SELECT {FILE} FROM upload_files WHERE upload_id = $1 ORDER BY no");
    for row in read.all(&sql, args![upload.id.as_str()]).await? {
        upload.files.push(file_of(&row)?);
    }
    Ok(upload)
}

/// The upload with this id.
pub(super) async fn upload(read: &impl Execute, id: &str) -> StoreResult<Option<Upload>> {
    let sql = format!("SELECT {UPLOAD} FROM uploads WHERE id = $1");
    match read.one(&sql, args![id]).await? {
        Some(row) => Ok(Some(with_files(read, &row).await?)),
        None => Ok(None),
    }
}

/// Somebody's uploads, newest first.
pub(super) async fn of_actor(read: &impl Execute, actor: &str, limit: i64) -> StoreResult<Vec<Upload>> {
    let sql =
        format!("SELECT {UPLOAD} FROM uploads WHERE actor = $1 ORDER BY touched_at DESC, id DESC LIMIT $2");
    let mut all = Vec::new();
    for row in read.all(&sql, args![actor, limit]).await? {
        all.push(with_files(read, &row).await?);
    }
    Ok(all)
}

/// Uploads that nobody touched since.
pub(super) async fn untouched(read: &impl Execute, before: i64) -> StoreResult<Vec<Upload>> {
    let sql = format!("SELECT {UPLOAD} FROM uploads WHERE touched_at < $1 ORDER BY touched_at LIMIT 100");
    read.all(&sql, args![before])
        .await?
        .iter()
        .map(upload_of)
        .collect()
}

/// Archives that were being unpacked: upload and file.
pub(super) async fn unpacking(read: &impl Execute) -> StoreResult<Vec<(String, String)>> {
    let rows = read
        .all(
            "SELECT upload_id, id FROM upload_files WHERE state = 'unpacking'",
            vec![],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("upload_id")?, row.get("id")?)))
        .collect()
}

pub(super) async fn insert(tx: &Tx, it: &Upload) -> StoreResult<()> {
    tx.run(
        &format!("INSERT INTO uploads ({UPLOAD}) VALUES ($1, $2, $3, $4, $5, $6)"),
        args![
            it.id.as_str(),
            it.actor.as_str(),
            it.created_at,
            it.touched_at,
            it.tried.clone(),
            it.imported.clone()
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn insert_file(tx: &Tx, upload: &str, it: &StagedFile) -> StoreResult<()> {
    tx.run(
        &format!(
            "INSERT INTO upload_files (upload_id, {FILE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        ),
        args![
            upload,
            it.id.as_str(),
            it.no,
            it.name.as_str(),
            it.inside.clone(),
            i64::try_from(it.bytes).unwrap_or(i64::MAX),
            it.modified_at,
            it.state.name(),
            it.kind.map(Kind::name),
            it.map.clone(),
            it.signature.clone(),
            it.remembered,
            it.included,
            it.note.clone(),
            it.version
        ],
    )
    .await?;
    Ok(())
}

/// Writes what became of a file, if nobody changed it since; tells whether that was so.
pub(super) async fn update_file(tx: &Tx, it: &StagedFile) -> StoreResult<bool> {
    let sql = "UPDATE upload_files SET state = $1, kind = $2, map = $3, signature = $4, remembered = $5, included = $6, note = $7, \
               bytes = $8, version = version + 1 WHERE id = $9 AND version = $10";
    let written = tx
        .run(
            sql,
            args![
                it.state.name(),
                it.kind.map(Kind::name),
                it.map.clone(),
                it.signature.clone(),
                it.remembered,
                it.included,
                it.note.clone(),
                i64::try_from(it.bytes).unwrap_or(i64::MAX),
                it.id.as_str(),
                it.version
            ],
        )
        .await?;
    Ok(written == 1)
}

pub(super) async fn delete_file(tx: &Tx, id: &str) -> StoreResult<()> {
    tx.run("DELETE FROM upload_files WHERE id = $1", args![id])
        .await?;
    Ok(())
}

pub(super) async fn touch(tx: &Tx, id: &str, now: i64) -> StoreResult<()> {
    tx.run("UPDATE uploads SET touched_at = $1 WHERE id = $2", args![now, id])
        .await?;
    Ok(())
}

/// Notes the latest import, or try, of an upload.
pub(super) async fn set_import(tx: &Tx, id: &str, import: &str, dry_run: bool) -> StoreResult<()> {
    let sql = if dry_run {
        "UPDATE uploads SET tried = $1 WHERE id = $2"
    } else {
        "UPDATE uploads SET imported = $1 WHERE id = $2"
    };
    tx.run(sql, args![import, id]).await?;
    Ok(())
}

pub(super) async fn delete(tx: &Tx, id: &str) -> StoreResult<()> {
    tx.run("DELETE FROM upload_files WHERE upload_id = $1", args![id])
        .await?;
    tx.run("DELETE FROM uploads WHERE id = $1", args![id]).await?;
    Ok(())
}

/// The kind and map that were used last for files with this header.
pub(super) async fn remembered(read: &impl Execute, signature: &str) -> StoreResult<Option<(Kind, String)>> {
    let row = read
        .one(
            "SELECT kind, map FROM import_maps WHERE signature = $1",
            args![signature],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (kind, map): (String, String) = (row.get("kind")?, row.get("map")?);
    Ok(Kind::parse(&kind).map(|kind| (kind, map)))
}

/// Remembers a map for the next file with the same header.
pub(super) async fn remember(tx: &Tx, it: &StagedFile, actor: &str, now: i64) -> StoreResult<()> {
    let (Some(signature), Some(kind), Some(map)) = (&it.signature, it.kind, &it.map) else {
        return Ok(());
    };
    tx.run(
        "INSERT INTO import_maps (signature, kind, map, name, used_at, actor) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (signature) DO UPDATE SET kind = excluded.kind, map = excluded.map, name = excluded.name, \
         used_at = excluded.used_at, actor = excluded.actor",
        args![
            signature.as_str(),
            kind.name(),
            map.as_str(),
            it.name.as_str(),
            now,
            actor
        ],
    )
    .await?;
    Ok(())
}
