//! Taking files in: pieces, whole files, archives; and finding out what each is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use axum::body::Body;
use futures::StreamExt;
use tenure_store::{StoreResult, new_id};
use tokio::io::AsyncWriteExt;

use super::super::propose::{Case, Sibling, propose};
use super::super::read::{Hints, ReadError, Source};
use super::super::{archive, context};
use super::{
    MOST_FILES, PIECE_LIMIT, StagedFile, State, Upload, folder, free_name, part, plain_name, signature, store,
};
use crate::App;
use crate::web::{Problem, Result};

/// How many bytes of a file have come in.
pub fn received(folder: &Path, file: &StagedFile) -> u64 {
    match file.state {
        State::Receiving => fs::metadata(part(folder, &file.id)).map_or(0, |meta| meta.len()),
        _ => file.bytes,
    }
}

/// Writes a piece at the end of what has come in; tells how much that is now. What came in before a connection broke stays.
pub async fn piece(folder: &Path, file: &StagedFile, offset: u64, body: Body) -> Result<u64> {
    let have = received(folder, file);
    if offset != have {
        return Err(Problem::conflict(format!(
            "{have} bytes of {} have come in: send what follows them (offset={have})",
            file.name
        )));
    }
    let path = part(folder, &file.id);
    let fault = |error: std::io::Error| anyhow::anyhow!("an uploaded piece could not be written: {error}");
    if let Some(parts) = path.parent() {
        tokio::fs::create_dir_all(parts).await.map_err(fault)?;
    }
    let mut out = tokio::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .await
        .map_err(fault)?;
    let (mut stream, mut at, most) = (
        body.into_data_stream(),
        have,
        (have + PIECE_LIMIT).min(file.bytes),
    );
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| Problem::bad_request(format!("the piece broke off: {error}")))?;
        at += bytes.len() as u64;
        if at > most {
            out.flush().await.map_err(fault)?;
            return Err(Problem::field(
                "content",
                at - have,
                format!(
                    "a piece has at most {} MB, and the file {} bytes in all",
                    PIECE_LIMIT >> 20,
                    file.bytes
                ),
                "ask how much has come in, and send the next piece from there",
            ));
        }
        out.write_all(&bytes).await.map_err(fault)?;
    }
    out.flush().await.map_err(fault)?;
    if at == file.bytes {
        out.sync_all().await.map_err(fault)?;
    }
    Ok(at)
}

/// Puts a file that is whole into its place and finds out what it is: rows, or an archive.
pub async fn whole(app: &App, upload: &Upload, file: StagedFile) -> Result<StagedFile> {
    let home = folder(app, &upload.id);
    let path = home.join(&file.name);
    let (from, to, modified) = (part(&home, &file.id), path.clone(), file.modified_at);
    let zip = tokio::task::spawn_blocking(move || -> std::io::Result<bool> {
        fs::rename(&from, &to)?;
        written_at(&to, modified)?;
        Ok(starts_like_zip(&to))
    })
    .await
    .map_err(anyhow::Error::from)?
    .map_err(anyhow::Error::from)?;
    if zip {
        return Ok(StagedFile {
            state: State::Unpacking,
            ..file
        });
    }
    Ok(inspect(app, upload, file).await?)
}

fn written_at(path: &Path, micros: i64) -> std::io::Result<()> {
    let micros = u64::try_from(micros).unwrap_or(0);
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_micros(micros);
    File::options().write(true).open(path)?.set_modified(at)
}

fn starts_like_zip(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok()
        && (head == *b"PK\x03\x04" || head == *b"PK\x05\x06")
}

/// Finds out what a file's rows are and proposes how to read them; a file with a known header is read as the last one was.
pub async fn inspect(app: &App, upload: &Upload, mut file: StagedFile) -> StoreResult<StagedFile> {
    let path = folder(app, &upload.id).join(&file.name);
    let siblings = siblings(app, upload, &file);
    let context = context(app, app.clock.micros());
    let name = file.name.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let source = Source::open(&path, &Hints::default())?;
        let case = Case {
            source: &source,
            name: &name,
            context: &context,
            siblings: &siblings,
        };
        let proposal = propose(&case, None);
        Ok::<_, ReadError>((signature(source.columns.names()), proposal))
    })
    .await;
    match looked {
        Ok(Ok((signature, proposal))) => {
            file.state = State::Ready;
            if let Some((kind, map)) = store::remembered(&app.store, &signature).await? {
                (file.kind, file.map, file.remembered) = (Some(kind), Some(map), true);
            } else if let Some(proposal) = proposal {
                file.kind = Some(proposal.kind);
                file.map = super::look::yaml(&proposal.document);
            }
            file.signature = Some(signature);
        }
        Ok(Err(error)) => {
            file.state = State::Refused;
            file.included = false;
            let line = error
                .line
                .map_or_else(String::new, |line| format!("line {line}: "));
            // The path in the data folder tells the person nothing.
            let text = format!("{line}{}. {}", error.problem, error.remedy);
            let home = folder(app, &upload.id).display().to_string();
            file.note = Some(text.replace(&format!("{home}/"), ""));
        }
        Err(_) => {
            file.state = State::Refused;
            file.included = false;
            file.note = Some("the file could not be read through. Export it again".to_owned());
        }
    }
    Ok(file)
}

/// The columns of the other files of an upload that are there already.
pub fn siblings(app: &App, upload: &Upload, file: &StagedFile) -> Vec<Sibling> {
    let home = folder(app, &upload.id);
    upload
        .files
        .iter()
        .filter(|it| it.state == State::Ready && it.id != file.id)
        .take(20)
        .filter_map(|it| {
            let source = Source::open(&home.join(&it.name), &Hints::default()).ok()?;
            Some(Sibling {
                name: it.name.clone(),
                columns: source.columns.names().to_vec(),
            })
        })
        .collect()
}

/// Unpacks an archive in the background: its files take its place.
pub fn unpack(app: &App, upload: &str, file: &str) {
    let (app, upload, file) = (app.clone(), upload.to_owned(), file.to_owned());
    tokio::spawn(async move {
        if let Err(error) = unpack_now(&app, &upload, &file).await {
            tracing::error!(upload, %error, "an archive was not unpacked; it is tried again at the next start");
        }
    });
}

async fn unpack_now(app: &App, upload: &str, id: &str) -> StoreResult<()> {
    let Some(it) = store::upload(&app.store, upload).await? else {
        return Ok(());
    };
    let Some(zip) = it.files.iter().find(|file| file.id == id).cloned() else {
        return Ok(());
    };
    let home = folder(app, upload);
    let taken: Vec<String> = it.files.iter().map(|file| file.name.clone()).collect();
    let (archive, into) = (
        home.join(&zip.name),
        home.join(".parts").join(format!("{id}.unpacked")),
    );
    let unpacked = tokio::task::spawn_blocking(move || take_out(&archive, &into, &taken)).await;
    let tx_refuse = |note: String| StagedFile {
        state: State::Refused,
        included: false,
        note: Some(note),
        ..zip.clone()
    };
    let found = match unpacked {
        Ok(Ok(found)) => found,
        other => {
            let note = match other {
                Ok(Err(error)) => format!("{}. {}", error.problem, error.remedy),
                _ => "the archive could not be read through. Pack it again".to_owned(),
            };
            let tx = app.store.begin().await?;
            store::update_file(&tx, &tx_refuse(note)).await?;
            return tx.commit().await;
        }
    };
    let now = app.clock.micros();
    let mut grown = Upload {
        files: it.files.iter().filter(|file| file.id != id).cloned().collect(),
        ..it.clone()
    };
    let first = it.files.iter().map(|file| file.no).max().unwrap_or(0) + 1;
    for (no, out) in (first..).zip(&found) {
        fs::rename(&out.at, home.join(&out.name))
            .map_err(|error| tenure_store::StoreError::Other(format!("an unpacked file: {error}")))?;
        grown.files.push(StagedFile {
            id: new_id(&app.clock),
            no,
            name: out.name.clone(),
            inside: Some(format!("{}/{}", zip.name, out.path)),
            bytes: out.bytes,
            modified_at: out.modified_at.unwrap_or(zip.modified_at).min(now),
            state: State::Ready,
            kind: None,
            map: None,
            signature: None,
            remembered: false,
            included: true,
            note: None,
            version: 1,
        });
    }
    for place in 0..grown.files.len() {
        if grown.files[place].no >= first {
            let path = home.join(&grown.files[place].name);
            let _ = written_at(&path, grown.files[place].modified_at);
            grown.files[place] = inspect(app, &grown, grown.files[place].clone()).await?;
        }
    }
    let described = described(&home, &mut grown, &zip.name);
    let tx = app.store.begin().await?;
    store::delete_file(&tx, id).await?;
    for file in grown
        .files
        .iter()
        .filter(|file| file.no >= first && !described.contains(&file.name))
    {
        store::insert_file(&tx, upload, file).await?;
    }
    store::touch(&tx, upload, now).await?;
    tx.commit().await?;
    let _ = fs::remove_file(home.join(&zip.name));
    Ok(())
}

/// A file that was taken out of an archive.
struct Out {
    at: PathBuf,
    name: String,
    path: String,
    bytes: u64,
    modified_at: Option<i64>,
}

fn take_out(archive: &Path, into: &Path, taken: &[String]) -> std::result::Result<Vec<Out>, ReadError> {
    let fault = |error: std::io::Error| ReadError::io(archive, &error);
    let mut file = File::open(archive).map_err(fault)?;
    let limits = archive::Limits::default();
    let entries = archive::entries(&mut file, &limits)?;
    if entries.len() + taken.len() > MOST_FILES {
        return Err(ReadError::file(
            format!("an upload holds at most {MOST_FILES} files"),
            "send fewer at once",
        ));
    }
    let _ = fs::remove_dir_all(into);
    fs::create_dir_all(into).map_err(fault)?;
    let mut found: Vec<Out> = Vec::new();
    for (no, entry) in entries.iter().enumerate() {
        let at = into.join(no.to_string());
        archive::unpack(&mut file, entry, &at)?;
        let name = free_name(&plain_name(entry.name()), &|name| {
            taken.iter().any(|it| it == name) || found.iter().any(|it| it.name == name)
        });
        found.push(Out {
            at,
            name,
            path: entry.path.clone(),
            bytes: entry.size,
            modified_at: entry.modified_at,
        });
    }
    Ok(found)
}

/// What an `import.yaml` in the archive says of its files: kind and map. Returns the files that only describe others.
fn described(home: &Path, upload: &mut Upload, zip: &str) -> Vec<String> {
    let maps: Vec<String> = upload
        .files
        .iter()
        .filter(|file| {
            file.inside
                .as_ref()
                .is_some_and(|it| it.starts_with(&format!("{zip}/")))
        })
        .filter(|file| file.name.ends_with(".yaml") || file.name.ends_with(".yml"))
        .map(|file| file.name.clone())
        .collect();
    let text = |name: &str| fs::read_to_string(home.join(plain_name(name))).ok();
    let Some(listed) = maps
        .iter()
        .find(|name| *name == "import.yaml")
        .and_then(|name| super::super::request::entries(&text(name)?).ok())
    else {
        return maps;
    };
    for (path, kind, map) in listed {
        let name = plain_name(&path);
        if let Some(file) = upload
            .files
            .iter_mut()
            .find(|file| file.name == name && file.state == State::Ready)
        {
            file.kind = Some(kind);
            file.map = map.as_deref().and_then(text);
            file.remembered = false;
        }
    }
    maps
}
