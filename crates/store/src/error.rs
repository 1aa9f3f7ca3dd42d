//! What can go wrong in the record store, sorted by what the caller should do about it.

use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// An error of the record store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or is busy past its limit: trying again later may work (HTTP 503).
    #[error("the record store is not available: {0}")]
    Unavailable(String),
    /// A uniqueness or reference rule of the database was broken.
    #[error("the record store refused a conflicting row: {0}")]
    Conflict(String),
    /// Starting with this database could lose data, so the start is refused; the text says why and what to change.
    #[error("{0}")]
    Unsafe(String),
    /// Anything else: a bug or a damaged database.
    #[error("record store: {0}")]
    Other(String),
}

/// Result of a record store call.
pub type StoreResult<T> = Result<T, StoreError>;

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let text = error.to_string();
        match kind(&error) {
            Kind::Conflict => Self::Conflict(text),
            Kind::Passing => Self::Unavailable(text),
            Kind::Lasting => Self::Other(text),
        }
    }
}

enum Kind {
    Conflict,
    Passing,
    Lasting,
}

fn kind(error: &DbErr) -> Kind {
    match error {
        // No connection within the time allowed.
        DbErr::ConnectionAcquire(_) => Kind::Passing,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => driver_kind(error),
        DbErr::Conn(_) => Kind::Passing,
        _ => Kind::Lasting,
    }
}

fn driver_kind(error: &SqlxError) -> Kind {
    match error {
        SqlxError::Database(error) => {
            if error.is_unique_violation() || error.is_foreign_key_violation() {
                return Kind::Conflict;
            }
            match error.code() {
                Some(code) if is_passing(&code) => Kind::Passing,
                _ => Kind::Lasting,
            }
        }
        SqlxError::Io(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed | SqlxError::WorkerCrashed => {
            Kind::Passing
        }
        _ => Kind::Lasting,
    }
}

/// Whether the database's own code tells of a state that may pass. PostgreSQL's codes have five characters; SQLite's are decimal numbers
/// whose low byte is the kind.
fn is_passing(code: &str) -> bool {
    if code.len() == 5 {
        // 08 connection, 53 out of resources (disk, memory, connections), 57P shutting down or starting, 58 system error;
        // a serialization failure, a deadlock, a lock or statement that timed out, a server that is read-only after a fail-over.
        return ["08", "53", "57P", "58"]
            .iter()
            .any(|class| code.starts_with(class))
            || ["40001", "40P01", "55P03", "57014", "25006"].contains(&code);
    }
    // BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
    code.parse::<i32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14))
}
