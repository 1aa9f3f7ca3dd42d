//! What the program carries with it: the browser's pages and the programs.

use rust_embed::Embed;
use tenure_app::web::ui::UiFile;

/// The built browser pages; empty until `npm run build` was run in ui/.
#[derive(Embed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Pages;

/// The programs that come with Tenure.
#[derive(Embed)]
#[folder = "../../programs"]
#[allow_missing = true]
struct Programs;

/// A file of the browser's pages.
pub fn page(path: &str) -> Option<UiFile> {
    Pages::get(path).map(|file| UiFile {
        hash: file.metadata.sha256_hash(),
        bytes: file.data,
    })
}

/// The files of a program that comes with Tenure, by name; `None` when there is none of that name.
pub fn program(name: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let root = format!("{name}/");
    let mut files = serde_json::Map::new();
    for path in Programs::iter() {
        let Some(file) = path.strip_prefix(&root).filter(|file| file.ends_with(".yaml")) else {
            continue;
        };
        let text = Programs::get(&path).map(|file| String::from_utf8_lossy(&file.data).into_owned())?;
        files.insert(file.to_owned(), text.into());
    }
    (!files.is_empty()).then_some(files)
}
