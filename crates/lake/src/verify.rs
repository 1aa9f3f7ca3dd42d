//! Whether the folder holds what the manifest says, no less and no more.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::files::FileMeta;

/// Checks that a file is there, whole and unchanged: size, checksum, and that its Parquet footer agrees in rows.
///
/// # Errors
/// Names the file and what differs.
pub fn verify(dir: &Path, meta: &FileMeta) -> Result<()> {
    let path = dir.join(&meta.path);
    let mut file =
        File::open(&path).with_context(|| format!("sealed file {} cannot be opened", path.display()))?;
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0u64;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        bytes += n as u64;
        hash.update(&buffer[..n]);
    }
    let shown = path.display();
    ensure!(
        bytes == meta.bytes,
        "sealed file {shown} has {bytes} bytes; the manifest says {}",
        meta.bytes
    );
    let found = hash.finalize().to_hex().to_string();
    ensure!(
        found == meta.checksum,
        "sealed file {shown} was changed: its checksum is {found}; the manifest says {}; restore it from a backup",
        meta.checksum
    );
    let rows = crate::import::read_parquet(&path)?.total_rows();
    ensure!(
        rows == meta.rows,
        "sealed file {shown} holds {rows} rows; the manifest says {}",
        meta.rows
    );
    Ok(())
}

/// Files under `dir` that no manifest entry names: left over from a crash, or replaced by a rewrite.
/// The caller must hold the manifest still while it decides to remove them.
///
/// # Errors
/// When a folder cannot be read.
pub fn orphans(dir: &Path, manifest: &[FileMeta]) -> Result<Vec<PathBuf>> {
    let known: HashSet<PathBuf> = manifest.iter().map(|meta| dir.join(&meta.path)).collect();
    let mut found = Vec::new();
    for folder in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let folder = folder?;
        let is_month = folder
            .file_name()
            .to_str()
            .is_some_and(|name| name.parse::<i32>().is_ok());
        if !is_month || !folder.file_type()?.is_dir() {
            continue;
        }
        for entry in fs::read_dir(folder.path())? {
            let path = entry?.path();
            let ours = path.extension().is_some_and(|e| e == "parquet" || e == "tmp");
            if ours && !known.contains(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
