//! Attachments in the data folder: written whole or not at all, under names that nobody outside chooses.

use std::path::PathBuf;

use tokio::fs;

use crate::App;

/// The largest file that is taken, in bytes.
pub const LARGEST: usize = 10 * 1_024 * 1_024;

fn place(app: &App, id: &str) -> PathBuf {
    // Ids are made here; should another text ever come this far, it must not lead out of the folder.
    let plain: String = id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    app.config.data.join("attachments").join(plain)
}

/// Writes a file; it is durable when this returns.
pub(super) async fn write(app: &App, id: &str, bytes: &[u8]) -> anyhow::Result<()> {
    use tokio::io::AsyncWriteExt;
    let place = place(app, id);
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).await?;
    }
    let mut file = fs::File::create(&place).await?;
    let written = async {
        file.write_all(bytes).await?;
        file.sync_all().await
    };
    if let Err(error) = written.await {
        remove(app, id).await;
        return Err(error.into());
    }
    Ok(())
}

/// Reads a file.
pub(super) async fn read(app: &App, id: &str) -> anyhow::Result<Vec<u8>> {
    Ok(fs::read(place(app, id)).await?)
}

/// Removes a file; one that is gone already is gone.
pub(super) async fn remove(app: &App, id: &str) {
    if let Err(error) = fs::remove_file(place(app, id)).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, id, "the file of an attachment could not be removed");
    }
}
