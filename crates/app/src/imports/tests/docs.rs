//! The examples of docs/import.md, as they stand there.

use serde_json::json;

use super::{Desk, counts};

/// Fenced blocks: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(info), None) => open = Some((info.to_owned(), String::new())),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some((info, text))) => open = Some((info, text + line + "\n")),
            (None, None) => {}
        }
    }
    blocks
}

#[tokio::test]
async fn the_page_tells_what_happens() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/import.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let desk = Desk::new().await;
    let (mut last, mut told) = (None, 0);
    for (info, text) in blocks(&page) {
        match info.split_once(' ') {
            Some(("csv" | "yaml", name)) => {
                desk.file(name, &text);
            }
            _ if info == "sh" => {
                let words: Vec<&str> = text.split_whitespace().collect();
                let after = |flag: &str| {
                    words
                        .iter()
                        .position(|word| *word == flag)
                        .map(|at| words[at + 1])
                };
                assert_eq!(words[..2], ["tenure", "import"], "{text}");
                let mut body = json!({ "path": desk.folder().join(words[2]) });
                if let Some(kind) = after("--kind") {
                    body["kind"] = json!(kind);
                }
                if let Some(map) = after("--map") {
                    body["map"] = json!(desk.folder().join(map));
                }
                last = Some(desk.import(body).await);
            }
            _ if info == "text" => {
                let done = last.take().expect("a command before the answer");
                let [rows, imported, duplicates, rejected] = counts(&done);
                let said = format!(
                    "{}: {rows} rows: {imported} imported, {duplicates} known already, {rejected} rejected, {} skipped\n",
                    done["state"].as_str().expect("a state"),
                    done["skipped"]
                );
                assert_eq!(said, text, "{done}");
                told += 1;
            }
            _ => {}
        }
    }
    assert_eq!(told, 5, "every example is followed by its answer");
}
