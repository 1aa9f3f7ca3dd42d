//! Which records these are: an id made with them, so that a data folder and a database that do not belong together are told apart.

use crate::{Clock, Execute, Store, StoreResult, args, new_id};

impl Store {
    /// The records' id, made at the first call, and whether this was the first.
    pub async fn identity(&self, clock: &Clock) -> StoreResult<(String, bool)> {
        let tx = self.begin().await?;
        tx.exclusive("identity").await?;
        tx.script("CREATE TABLE IF NOT EXISTS store_identity (id TEXT PRIMARY KEY)")
            .await?;
        let found = tx.one("SELECT id FROM store_identity", vec![]).await?;
        let fresh = found.is_none();
        let id = match found {
            Some(row) => row.get("id")?,
            None => {
                let id = new_id(clock);
                tx.run("INSERT INTO store_identity (id) VALUES ($1)", args![id.clone()])
                    .await?;
                id
            }
        };
        tx.commit().await?;
        Ok((id, fresh))
    }
}
