//! All contacts in one text, in small letters, so that words are found inside names and addresses as one types.
//!
//! The text is made once and kept up by the ids that the directory says have changed: those are read anew and looked for beside it. When many
//! have changed, as after an import, it is made again.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use anyhow::Result;
use parking_lot::Mutex;

use super::store;
use crate::App;

/// Between two contacts; nothing that is looked for holds it.
const END: char = '\u{1e}';
/// Between the fields of a contact.
const FIELD: char = '\u{1f}';
/// So many changed contacts are kept beside the text; with more it is made again.
const BESIDE: usize = 5_000;

/// What is held in memory.
#[derive(Debug, Default)]
pub struct Index {
    held: Mutex<Option<Arc<Held>>>,
    turn: tokio::sync::Mutex<()>,
}

/// The contacts at one place in the directory's news.
#[derive(Debug, Default)]
struct Held {
    at: u64,
    text: Arc<Text>,
    /// Contacts that changed since the text was made, as they are now; those that are no more have none.
    beside: BTreeMap<String, Option<Row>>,
}

/// What is looked at of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) title: Option<String>,
}

#[derive(Debug, Default)]
struct Text {
    text: String,
    ends: Vec<usize>,
    ids: Vec<String>,
}

impl Text {
    fn push(&mut self, row: &Row) {
        let fields = [
            row.name.as_deref(),
            row.email.as_deref(),
            Some(&row.id),
            row.title.as_deref(),
        ];
        for field in fields {
            let letters = field.unwrap_or_default().chars().flat_map(char::to_lowercase);
            self.text.extend(letters.filter(|c| *c != END && *c != FIELD));
            self.text.push(FIELD);
        }
        self.text.push(END);
        self.ends.push(self.text.len());
        self.ids.push(row.id.clone());
    }

    /// Each contact that holds the words, once, with how well it does: 0 = a field begins with them, 1 = a word does, 2 = inside a word.
    fn matches<'a>(&'a self, typed: &'a str) -> impl Iterator<Item = (u8, &'a str)> {
        let mut places = self.text.match_indices(typed).map(|(place, _)| place).peekable();
        std::iter::from_fn(move || {
            let first = places.next()?;
            let at = self.ends.partition_point(|end| *end <= first);
            let mut rank = self.rank(first);
            while let Some(place) = places.next_if(|place| *place < self.ends[at]) {
                rank = rank.min(self.rank(place));
            }
            Some((rank, self.ids[at].as_str()))
        })
    }

    fn rank(&self, place: usize) -> u8 {
        match self.text[..place].chars().next_back() {
            None | Some(END | FIELD) => 0,
            Some(c) if !c.is_alphanumeric() => 1,
            Some(_) => 2,
        }
    }
}

impl Held {
    fn matches<'a>(&'a self, typed: &'a str, extra: &'a Text) -> impl Iterator<Item = (u8, &'a str)> {
        let kept = self
            .text
            .matches(typed)
            .filter(|(_, id)| !self.beside.contains_key(*id));
        extra.matches(typed).chain(kept)
    }

    fn extra(&self) -> Text {
        let mut text = Text::default();
        self.beside.values().flatten().for_each(|row| text.push(row));
        text
    }
}

/// As the directory knows the contacts now.
async fn held(app: &App) -> Result<Arc<Held>> {
    let now = app.accounts.contact_news();
    let fresh = |held: &Option<Arc<Held>>| held.as_ref().filter(|held| held.at == now).cloned();
    if let Some(held) = fresh(&app.contacts.held.lock()) {
        return Ok(held);
    }
    let _turn = app.contacts.turn.lock().await;
    let now = app.accounts.contact_news();
    let before = app.contacts.held.lock().clone();
    if let Some(held) = fresh(&before) {
        return Ok(held);
    }
    let changed = before
        .as_ref()
        .and_then(|held| Some((held, app.accounts.contacts_changed_since(held.at)?)))
        .filter(|(held, changed)| held.beside.len() + changed.len() <= BESIDE);
    let held = match changed {
        Some((held, changed)) => {
            let ids: Vec<&str> = changed
                .iter()
                .collect::<HashSet<_>>()
                .into_iter()
                .map(String::as_str)
                .collect();
            let rows = store::rows(&app.store, &ids).await?;
            let mut beside = held.beside.clone();
            for id in ids {
                let row = rows.iter().find(|row| row.id == id).cloned();
                beside.insert(id.to_owned(), row);
            }
            Held {
                at: now,
                text: Arc::clone(&held.text),
                beside,
            }
        }
        None => Held {
            at: now,
            text: Arc::new(all(app).await?),
            beside: BTreeMap::new(),
        },
    };
    let held = Arc::new(held);
    *app.contacts.held.lock() = Some(Arc::clone(&held));
    Ok(held)
}

async fn all(app: &App) -> Result<Text> {
    const PAGE: i64 = 20_000;
    let (mut text, mut after) = (Text::default(), String::new());
    loop {
        let page = store::rows_after(&app.store, &after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(text);
        };
        after.clone_from(&last.id);
        page.iter().for_each(|row| text.push(row));
    }
}

/// Has the text made, so that nobody waits for it.
pub async fn warm(app: App) {
    if let Err(error) = held(&app).await {
        tracing::warn!(error = %format!("{error:#}"), "the text of contacts could not be made; it is when somebody looks");
    }
}

/// The ids of contacts whose name, address, id or title holds the words (in small letters), the likeliest first: those of which a field
/// begins with them, then those with a word that does. Where very many do, the first few thousand are ranked.
///
/// # Errors
/// When the records fail.
pub async fn find(app: &App, typed: &str, limit: usize) -> Result<Vec<String>> {
    /// Who types a letter more sees the others.
    const RANKED: usize = 3_000;
    let held = held(app).await?;
    let extra = held.extra();
    let mut found: Vec<(u8, &str)> = held.matches(typed, &extra).take(RANKED).collect();
    found.sort_unstable();
    found.truncate(limit);
    Ok(found.into_iter().map(|(_, id)| id.to_owned()).collect())
}

/// The ids of all contacts that hold the words; nothing when more than `most` do.
///
/// # Errors
/// When the records fail.
pub(super) async fn all_with(app: &App, typed: &str, most: usize) -> Result<Option<Vec<String>>> {
    let held = held(app).await?;
    let extra = held.extra();
    let found: Vec<&str> = held
        .matches(typed, &extra)
        .map(|(_, id)| id)
        .take(most + 1)
        .collect();
    Ok((found.len() <= most).then(|| found.into_iter().map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, name: &str, email: &str) -> Row {
        Row {
            id: id.into(),
            name: Some(name.into()),
            email: Some(email.into()),
            title: None,
        }
    }

    #[test]
    fn every_contact_is_found_once_by_its_best_place() {
        let mut text = Text::default();
        text.push(&row("c1", "Ann Marie Post", "ann@north.example"));
        text.push(&row("c2", "Bo \u{1f}Post", "maria@x.example"));
        text.push(&row("c3", "Émile", "e@mariapost.example"));
        let find = |typed: &'static str| text.matches(typed).collect::<Vec<_>>();
        assert_eq!(find("mari"), [(1, "c1"), (0, "c2"), (1, "c3")]);
        assert_eq!(find("post"), [(1, "c1"), (1, "c2"), (2, "c3")]);
        assert_eq!(find("ann"), [(0, "c1")]);
        assert_eq!(find("émi"), [(0, "c3")]);
        assert_eq!(find("orth"), [(2, "c1")]);
        assert_eq!(find("zzz"), []);
    }
}
