//! From what the caller asked for to the files that will be read, each opened and planned once before anything is stored.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use serde_json::Value as Json;

use super::context::Context;
use super::fields::Kind;
use super::job::{File, Progress, State};
use super::map::{MapError, Mapping, object, text_of, wrong};
use super::plan::{Plan, plan};
use super::read::{ReadError, Source, nearest};
use crate::web::{Problem, Result};

/// The file that describes a folder.
const FOLDER: &str = "import.yaml";

/// What the caller asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A file or folder.
    pub path: PathBuf,
    /// The kind of a single file's rows.
    pub kind: Option<Kind>,
    /// A map's text (anything with a line break), or the path of a map, of an `import.yaml`, or of the folder that holds one.
    pub map: Option<String>,
    /// The folder that all files must lie in, for callers who may not name any file of the machine.
    pub within: Option<PathBuf>,
}

/// One file to import.
#[derive(Clone, Debug)]
struct Wanted {
    path: PathBuf,
    kind: Kind,
    /// The text of the map and what messages call it.
    map: Option<(String, String)>,
}

/// Whether the request names a folder's files, and the files.
pub struct Resolved {
    /// Whether an `import.yaml` names the files.
    pub folder: bool,
    /// The files, in order.
    pub files: Vec<File>,
}

/// Finds the files and checks that each can be read and mapped.
pub fn resolve(request: &Request, context: &Context) -> Result<Resolved> {
    let (folder, wanted) = find(request)?;
    opened(wanted, request.within.as_deref(), context).map(|files| Resolved { folder, files })
}

/// The same for files that are known one by one: path, kind, the text of the map, and what messages call it.
pub fn resolve_staged(
    files: Vec<(PathBuf, Kind, Option<String>, String)>,
    context: &Context,
) -> Result<Resolved> {
    let wanted = files
        .into_iter()
        .map(|(path, kind, map, name)| Wanted {
            path,
            kind,
            map: map.map(|text| (text, name)),
        })
        .collect();
    opened(wanted, None, context).map(|files| Resolved { folder: true, files })
}

fn opened(wanted: Vec<Wanted>, within: Option<&Path>, context: &Context) -> Result<Vec<File>> {
    let mut files = Vec::with_capacity(wanted.len());
    for (no, it) in (0..).zip(wanted) {
        let path = fs::canonicalize(&it.path)
            .map_err(|error| unreadable(&it.path, &ReadError::io(&it.path, &error)))?;
        if let Some(within) = within {
            check_within(&path, within)?;
        }
        let beside = path.parent().unwrap_or(Path::new("/")).to_owned();
        let map = it.map.as_ref().map(|(text, _)| text.clone());
        let (source, _) = open(&path, it.kind, map.as_deref(), &beside, context)
            .map_err(|error| error.problem(&path, it.map.as_ref()))?;
        let (fingerprint, written) = fingerprint(&path, it.kind, map.as_deref())
            .map_err(|error| unreadable(&path, &ReadError::io(&path, &error)))?;
        files.push(File {
            no,
            kind: it.kind,
            map,
            beside,
            fingerprint,
            as_of: written.min(context.started_at),
            state: State::Running,
            progress: Progress::default(),
            bytes_total: source.bytes_total,
            note: None,
            path,
        });
    }
    Ok(files)
}

/// Why a file cannot be imported.
#[derive(Debug)]
pub enum Unusable {
    /// The file itself.
    File(ReadError),
    /// Its map.
    Map(MapError),
}

impl Unusable {
    fn problem(&self, path: &Path, map: Option<&(String, String)>) -> Problem {
        match self {
            Self::File(error) => unreadable(path, error),
            Self::Map(error) => bad_map(map.map_or("map", |(_, name)| name), error),
        }
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Map(error) => error.fmt(f),
        }
    }
}

/// Opens a file and brings its map and it together.
pub fn open(
    path: &Path,
    kind: Kind,
    map: Option<&str>,
    beside: &Path,
    context: &Context,
) -> std::result::Result<(Source, Plan), Unusable> {
    let mapping = match map {
        Some(text) => Mapping::parse(text, &context.zone).map_err(Unusable::Map)?,
        None => Mapping::by_names(),
    };
    let source = Source::open(path, &mapping.hints).map_err(Unusable::File)?;
    let plan = plan(&mapping, kind, &source, context, beside).map_err(Unusable::Map)?;
    Ok((source, plan))
}

fn unreadable(path: &Path, error: &ReadError) -> Problem {
    let at = error
        .line
        .map_or_else(String::new, |line| format!(", line {line}"));
    Problem::field(
        "path",
        format!("{}{at}", path.display()),
        error.problem.clone(),
        error.remedy.clone(),
    )
}

fn bad_map(name: &str, error: &MapError) -> Problem {
    let field = if error.at.is_empty() {
        name.to_owned()
    } else {
        format!("{name}: {}", error.at)
    };
    Problem::field(&field, "", error.problem.clone(), error.remedy.clone())
}

fn check_within(path: &Path, within: &Path) -> Result<()> {
    let within = fs::canonicalize(within).unwrap_or_else(|_| within.to_owned());
    if path.starts_with(&within) {
        return Ok(());
    }
    Err(Problem::field(
        "path",
        path.display(),
        "over the network only files of the data folder's inbox can be imported",
        format!(
            "put the file into {}, or run `tenure import` on the machine itself",
            within.display()
        ),
    ))
}

fn find(request: &Request) -> Result<(bool, Vec<Wanted>)> {
    let map = request.map.as_deref().map(load_map).transpose()?;
    if let Some(map) = &map
        && is_folder(&map.text)
    {
        let base = if request.path.is_dir() {
            request.path.clone()
        } else {
            parent(&request.path)
        };
        return Ok((true, folder_files(map, &base, request.kind)?));
    }
    if request.path.is_dir() {
        if map.is_some() {
            return Err(Problem::field(
                "map",
                "",
                "a map belongs to one file, and the path is a folder",
                "name the map in the folder's import.yaml",
            ));
        }
        let description = request.path.join(FOLDER);
        if !description.exists() {
            return Err(Problem::field(
                "path",
                request.path.display(),
                format!("the folder has no {FOLDER}"),
                format!(
                    "name one file, or write a {FOLDER} with `files: [{{path: accounts.csv, kind: accounts}}]`"
                ),
            ));
        }
        return Ok((
            true,
            folder_files(
                &load_map(&description.display().to_string())?,
                &request.path,
                request.kind,
            )?,
        ));
    }
    let Some(kind) = request.kind else {
        let known = Kind::ALL.map(Kind::name).join(", ");
        return Err(Problem::field(
            "kind",
            "",
            "it is not said what the file's rows are",
            format!("give one of {known}"),
        ));
    };
    let map = map.map(|map| (map.text, map.name));
    Ok((
        false,
        vec![Wanted {
            path: request.path.clone(),
            kind,
            map,
        }],
    ))
}

struct MapText {
    text: String,
    name: String,
    folder: PathBuf,
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn load_map(said: &str) -> Result<MapText> {
    if said.contains('\n') {
        return Ok(MapText {
            text: said.to_owned(),
            name: "map".to_owned(),
            folder: PathBuf::new(),
        });
    }
    let mut path = PathBuf::from(said);
    if path.is_dir() {
        path = path.join(FOLDER);
    }
    match fs::read_to_string(&path) {
        Ok(text) => Ok(MapText {
            text,
            name: path.display().to_string(),
            folder: parent(&path),
        }),
        Err(error) => {
            let error = ReadError::io(&path, &error);
            Err(Problem::field(
                "map",
                said,
                error.problem,
                "give the path of a mapping file in UTF-8, or its text",
            ))
        }
    }
}

fn is_folder(text: &str) -> bool {
    serde_saphyr::from_str::<Json>(text).is_ok_and(|top| top.get("files").is_some())
}

fn folder_files(description: &MapText, base: &Path, kind: Option<Kind>) -> Result<Vec<Wanted>> {
    if let Some(kind) = kind {
        return Err(Problem::field(
            "kind",
            kind.name(),
            format!("the kinds stand in {}", description.name),
            "leave it out",
        ));
    }
    let parsed = entries(&description.text).map_err(|error| bad_map(&description.name, &error))?;
    parsed
        .into_iter()
        .map(|(file, kind, map)| {
            let map = match map {
                None => None,
                Some(map) => {
                    let loaded = load_map(&description.folder.join(&map).display().to_string())?;
                    Some((loaded.text, loaded.name))
                }
            };
            Ok(Wanted {
                path: base.join(file),
                kind,
                map,
            })
        })
        .collect()
}

/// The entries of an `import.yaml`: path, kind, map.
pub fn entries(text: &str) -> std::result::Result<Vec<(String, Kind, Option<String>)>, MapError> {
    let remedy = "write `files:` with one `- {path: …, kind: …, map: …}` for each file";
    let whole: Json =
        serde_saphyr::from_str(text).or_else(|error| wrong("", format!("not YAML: {error}"), remedy))?;
    let top = object(&whole, "", &["files"])?;
    let Some(Json::Array(list)) = top.get("files") else {
        return wrong("files", "not a list", remedy);
    };
    if list.is_empty() {
        return wrong("files", "the list is empty", remedy);
    }
    let mut found = Vec::new();
    for (at, item) in list.iter().enumerate() {
        let path = format!("files[{at}]");
        let item = object(item, &path, &["path", "kind", "map"])?;
        let at = format!("{path}.");
        let (file, kind) = (text_of(item, &at, "path")?, text_of(item, &at, "kind")?);
        let (Some(file), Some(kind)) = (file, kind) else {
            return wrong(&path, "it needs `path` and `kind`", remedy);
        };
        if Path::new(&file)
            .components()
            .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
        {
            return wrong(
                &format!("{at}path"),
                format!("“{file}” leads out of the folder"),
                "name a file inside it",
            );
        }
        let Some(kind) = Kind::parse(&kind) else {
            let known = Kind::ALL.map(Kind::name);
            let problem = format!("“{kind}” is not a kind of rows{}", nearest(&kind, known));
            return wrong(
                &format!("{at}kind"),
                problem,
                format!("give one of {}", known.join(", ")),
            );
        };
        found.push((file, kind, text_of(item, &at, "map")?));
    }
    Ok(found)
}

/// Names a file's content, kind and map without reading all of it, and says when it was last written (UTC microseconds).
fn fingerprint(path: &Path, kind: Kind, map: Option<&str>) -> std::io::Result<(String, i64)> {
    const PIECE: u64 = 64 << 10;
    let mut file = fs::File::open(path)?;
    let meta = file.metadata()?;
    let written = meta
        .modified()?
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let written = i64::try_from(written.as_micros()).unwrap_or(i64::MAX);
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    add(&meta.len().to_le_bytes());
    add(&written.to_le_bytes());
    add(kind.name().as_bytes());
    add(map.unwrap_or_default().as_bytes());
    for start in [0, meta.len().saturating_sub(PIECE)] {
        file.seek(SeekFrom::Start(start))?;
        let mut piece = Vec::new();
        file.by_ref().take(PIECE).read_to_end(&mut piece)?;
        add(&piece);
    }
    Ok((hasher.finalize().to_hex().to_string(), written))
}
