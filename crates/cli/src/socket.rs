//! The data folder's socket: how commands reach the server that holds the folder.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The longest path that every system accepts for a socket.
const LONGEST: usize = 100;

/// A listening socket, removed when dropped.
pub struct Socket {
    /// The listener.
    pub listener: UnixListener,
    /// Who owns it: nobody else is served, whatever the permissions of the folders above say.
    pub owner: u32,
    path: PathBuf,
    note: Option<PathBuf>,
}

impl Socket {
    /// Binds `DIR/tenure.sock`. Where that path is too long for a socket, binds one in a private folder of the system's
    /// temporary folder and writes its path into `DIR/socket`. The caller holds the folder's lock, so a socket that is
    /// there already is left over.
    pub fn bind(data: &Path) -> io::Result<Self> {
        let usual = data.join("tenure.sock");
        let note = data.join("socket");
        remove(&usual)?;
        remove(&note)?;
        let (path, note) = if usual.as_os_str().len() <= LONGEST {
            (usual, None)
        } else {
            let short = private_folder()?.join("tenure.sock");
            fs::write(&note, short.as_os_str().as_encoded_bytes())?;
            (short, Some(note))
        };
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let owner = fs::metadata(&path)?.uid();
        Ok(Self {
            listener,
            owner,
            path,
            note,
        })
    }

    /// The path of the socket that belongs to a data folder, whether or not something listens there.
    pub fn path_of(data: &Path) -> PathBuf {
        match fs::read_to_string(data.join("socket")) {
            Ok(path) if !path.trim().is_empty() => PathBuf::from(path.trim()),
            _ => data.join("tenure.sock"),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        if let Some(note) = &self.note {
            let _ = fs::remove_file(note);
            if let Some(folder) = self.path.parent() {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A new folder that only this user can enter, with a path that is short enough.
fn private_folder() -> io::Result<PathBuf> {
    let bytes: [u8; 8] = tenure_store::random_bytes()?;
    let name = bytes
        .iter()
        .fold(String::from("tenure-"), |name, byte| format!("{name}{byte:02x}"));
    let mut base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    if base.as_os_str().len() > LONGEST - 40 || !base.is_dir() {
        base = PathBuf::from("/tmp");
    }
    let folder = base.join(name);
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}
