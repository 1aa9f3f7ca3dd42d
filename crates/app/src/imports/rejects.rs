//! Rows that cannot be used, kept until they can.

use tenure_store::{StoreResult, Tx};

use super::job::File;
use super::read::Fault;
use super::rows::SOURCE;
use crate::events::rejects::{self, Reject, State};

/// A row that cannot be used.
pub struct Refused {
    /// The physical line on which it begins.
    pub line: u64,
    /// Why.
    pub fault: Fault,
    /// The row as read.
    pub raw: String,
}

/// What a file is called in rejects.
pub fn file_name(file: &File) -> String {
    file.path.file_name().map_or_else(
        || file.path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// A refused row as it is kept. `at` is when the import was started.
pub fn reject(import: &str, at: i64, file: &File, it: &Refused) -> Reject {
    let name = file_name(file);
    let field = (!it.fault.field.is_empty()).then(|| it.fault.field.clone());
    Reject {
        id: id_of(import, file.no, it.line),
        at,
        source: SOURCE.to_owned(),
        import_id: Some(import.to_owned()),
        file: Some(name),
        line: i64::try_from(it.line).ok(),
        kind: file.kind.name().to_owned(),
        value: field.is_some().then(|| it.fault.value.clone()),
        field,
        reason: it.fault.reason.clone(),
        remedy: it.fault.remedy.clone(),
        record: it.raw.clone(),
        state: State::Open,
    }
}

/// Keeps a chunk's rejects in the chunk's transaction.
pub async fn keep(tx: &Tx, import: &str, at: i64, file: &File, refused: &[Refused]) -> StoreResult<()> {
    let all: Vec<Reject> = refused.iter().map(|it| reject(import, at, file, it)).collect();
    rejects::keep(tx, &all).await?;
    Ok(())
}

/// The id of a reject: the same when a chunk is stored again after its first try was cut off.
fn id_of(import: &str, file: i64, line: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(import.as_bytes());
    hasher.update(&file.to_le_bytes());
    hasher.update(&line.to_le_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}
