//! What can go wrong in the record store, sorted by what the caller should do about it.

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

impl From<sea_orm::DbErr> for StoreError {
    fn from(error: sea_orm::DbErr) -> Self {
        use sea_orm::DbErr;
        if let Some(sea_orm::SqlErr::UniqueConstraintViolation(text) | sea_orm::SqlErr::ForeignKeyConstraintViolation(text)) =
            error.sql_err()
        {
            return Self::Conflict(text);
        }
        let text = error.to_string();
        let passing = matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
            || ["database is locked", "disk is full", "disk I/O error", "readonly database", "deadlock detected"]
                .iter()
                .any(|sign| text.contains(sign))
            || text.contains("could not serialize")
            || text.contains("terminating connection")
            || text.contains("Connection refused");
        if passing { Self::Unavailable(text) } else { Self::Other(text) }
    }
}
