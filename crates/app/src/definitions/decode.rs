//! Taking typed fields out of a YAML tree, noting every problem on the way instead of stopping at the first.

use jiff::civil::Date;

use super::problem::{Problem, Severity, nearest};
use super::yaml::{Key, Node, Places, Position, Value, join, shorten};

/// Collects problems, each with its place.
#[derive(Default)]
pub(super) struct Notes {
    pub places: Places,
    pub problems: Vec<Problem>,
}

/// A problem before it has its place.
pub(super) struct Note {
    pub severity: Severity,
    pub name: String,
    pub problem: String,
    pub nearest: Option<String>,
    pub remedy: String,
}

impl Note {
    pub(super) fn error(
        name: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            name: name.into(),
            problem: problem.into(),
            nearest: None,
            remedy: remedy.into(),
        }
    }

    pub(super) fn near<'a>(mut self, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        self.nearest = nearest(&self.name, candidates);
        self
    }

    pub(super) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(super) fn place(self, file: &str, at: Position, path: &str) -> Problem {
        Problem {
            severity: self.severity,
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            path: path.to_owned(),
            name: self.name,
            problem: self.problem,
            nearest: self.nearest,
            remedy: self.remedy,
        }
    }
}

/// A map of the document whose fields are taken by name.
pub(super) struct Fields<'n> {
    pub file: &'n str,
    pub path: String,
    at: Position,
    entries: &'n [(Key, Node)],
    /// The node was no map: that has been said, and nothing is missing in it besides.
    silent: bool,
}

impl<'n> Fields<'n> {
    /// Opens a node as a map with these keys. Other keys, and keys given twice, are problems.
    pub(super) fn open(
        notes: &mut Notes,
        file: &'n str,
        path: String,
        node: &'n Node,
        allowed: &[&str],
    ) -> Self {
        let Value::Map(entries) = &node.value else {
            let note = Note::error(
                node.value.noun(),
                format!("There stands {} where a map is expected.", node.value.noun()),
                format!("Write the keys {}.", list(allowed)),
            );
            notes.problems.push(note.place(file, node.at, &path));
            return Self {
                file,
                path,
                at: node.at,
                entries: &[],
                silent: true,
            };
        };
        for (index, (key, _)) in entries.iter().enumerate() {
            let here = join(&path, &key.name);
            if !allowed.contains(&key.name.as_str()) {
                let note = Note::error(
                    &key.name,
                    format!("The key '{}' is not known here.", key.name),
                    format!("The keys are {}.", list(allowed)),
                )
                .near(allowed.iter().copied());
                notes.problems.push(note.place(file, key.at, &here));
            } else if entries[..index]
                .iter()
                .any(|(earlier, _)| earlier.name == key.name)
            {
                let note = Note::error(
                    &key.name,
                    format!("The key '{}' is given twice.", key.name),
                    "Keep one of the two.",
                );
                notes.problems.push(note.place(file, key.at, &here));
            }
        }
        Self {
            file,
            path,
            at: node.at,
            entries,
            silent: false,
        }
    }

    /// The node of a field; a field that is there but empty counts as left out.
    pub(super) fn node(&self, key: &str) -> Option<&'n Node> {
        let found = self
            .entries
            .iter()
            .find(|(name, _)| name.name == key)
            .map(|(_, node)| node);
        found.filter(|node| !matches!(node.value, Value::Null))
    }

    /// Whether the field is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// The path of a field.
    pub(super) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Notes a problem at a field, or at the map itself when the field is not there.
    pub(super) fn note(&self, notes: &mut Notes, key: &str, note: Note) {
        let at = self.node(key).map_or(self.at, |node| node.at);
        notes.problems.push(note.place(self.file, at, &self.path_of(key)));
    }

    fn wrong(&self, notes: &mut Notes, key: &str, node: &Node, wanted: &str, remedy: &str) {
        let name = match &node.value {
            Value::Text(text) => shorten(text),
            Value::Number(number) => number.to_string(),
            Value::Bool(boolean) => boolean.to_string(),
            other => other.noun(),
        };
        let note = Note::error(
            name,
            format!("'{key}' is {}, not {wanted}.", node.value.noun()),
            remedy,
        );
        notes
            .problems
            .push(note.place(self.file, node.at, &self.path_of(key)));
    }

    /// Notes that a field has to be there.
    pub(super) fn missing(&self, notes: &mut Notes, key: &str, remedy: &str) {
        if self.silent {
            return;
        }
        let note = Note::error(key, format!("'{key}' is missing."), remedy);
        notes
            .problems
            .push(note.place(self.file, self.at, &self.path_of(key)));
    }

    /// A text, where it is there.
    pub(super) fn text(&self, notes: &mut Notes, key: &str) -> Option<String> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) if text.trim().is_empty() => None,
            Value::Text(text) => Some(text.trim_end().to_owned()),
            _ => {
                self.wrong(
                    notes,
                    key,
                    node,
                    "a text",
                    "Put it in quotes if it is meant as text.",
                );
                None
            }
        }
    }

    /// A text that has to be there.
    pub(super) fn need_text(&self, notes: &mut Notes, key: &str, remedy: &str) -> Option<String> {
        if !self.has(key) {
            self.missing(notes, key, remedy);
        }
        self.text(notes, key)
    }

    /// A condition or expression: a text, or a bare `true` or `false`, which YAML reads as a boolean.
    pub(super) fn expression(&self, notes: &mut Notes, key: &str) -> Option<String> {
        match self.node(key).map(|node| &node.value) {
            Some(Value::Bool(value)) => Some(value.to_string().to_uppercase()),
            Some(Value::Number(value)) => Some(value.to_string()),
            _ => self.text(notes, key),
        }
    }

    /// True or false; false when left out.
    pub(super) fn boolean(&self, notes: &mut Notes, key: &str) -> bool {
        let Some(node) = self.node(key) else { return false };
        match node.value {
            Value::Bool(value) => value,
            _ => {
                self.wrong(notes, key, node, "a boolean", "Write true or false.");
                false
            }
        }
    }

    /// A number, where it is there.
    pub(super) fn number(&self, notes: &mut Notes, key: &str) -> Option<f64> {
        let node = self.node(key)?;
        match node.value {
            Value::Number(value) if value.is_finite() => Some(value),
            _ => {
                let remedy = "Write a plain number; a percentage as a fraction, e.g. 0.3.";
                self.wrong(notes, key, node, "a number", remedy);
                None
            }
        }
    }

    /// A day that has to be there.
    pub(super) fn date(&self, notes: &mut Notes, key: &str) -> Option<Date> {
        const REMEDY: &str = "Write a day as 2026-06-30.";
        let Some(node) = self.node(key) else {
            self.missing(notes, key, REMEDY);
            return None;
        };
        let read = match &node.value {
            // jiff also reads longer forms; a day is meant, and exactly ten characters say it.
            Value::Text(text) if text.len() == 10 => text.parse::<Date>().ok(),
            _ => None,
        };
        if read.is_none() {
            self.wrong(notes, key, node, "a day of the calendar", REMEDY);
        }
        read
    }

    /// One of a few words, where it is there.
    pub(super) fn choice<T: Copy>(&self, notes: &mut Notes, key: &str, words: &[(&str, T)]) -> Option<T> {
        let node = self.node(key)?;
        let names = words.iter().map(|(word, _)| *word);
        let Value::Text(text) = &node.value else {
            let remedy = format!("Write one of {}.", list(&names.collect::<Vec<_>>()));
            self.wrong(notes, key, node, "one of its words", &remedy);
            return None;
        };
        let found = words
            .iter()
            .find(|(word, _)| word == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let note = Note::error(
                text,
                format!("'{}' is not a value of '{key}'.", shorten(text)),
                format!("Write one of {}.", list(&names.clone().collect::<Vec<_>>())),
            )
            .near(names);
            self.note(notes, key, note);
        }
        found
    }

    /// One of a few words that has to be there.
    pub(super) fn need_choice<T: Copy>(
        &self,
        notes: &mut Notes,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        if !self.has(key) {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.missing(notes, key, &format!("Write one of {}.", list(&names)));
        }
        self.choice(notes, key, words)
    }

    /// A list of texts; a single text counts as a list of one.
    pub(super) fn texts(&self, notes: &mut Notes, key: &str) -> Vec<String> {
        let Some(node) = self.node(key) else {
            return Vec::new();
        };
        match &node.value {
            Value::Text(text) => vec![text.clone()],
            Value::List(items) => {
                let mut texts = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    match &item.value {
                        Value::Text(text) => texts.push(text.clone()),
                        other => {
                            let note = Note::error(
                                other.noun(),
                                format!("'{key}' holds {}, not a text.", other.noun()),
                                "Put it in quotes if it is meant as text.",
                            );
                            let path = format!("{}[{index}]", self.path_of(key));
                            notes.problems.push(note.place(self.file, item.at, &path));
                        }
                    }
                }
                texts
            }
            _ => {
                self.wrong(notes, key, node, "a list", "Write a list as [first, second].");
                Vec::new()
            }
        }
    }

    /// The nodes of a list that has to be there.
    pub(super) fn list(&self, notes: &mut Notes, key: &str) -> &'n [Node] {
        let Some(node) = self.node(key) else { return &[] };
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.wrong(notes, key, node, "a list", "Start each entry with '- '.");
                &[]
            }
        }
    }

    /// The entries of a map.
    pub(super) fn map(&self, notes: &mut Notes, key: &str) -> &'n [(Key, Node)] {
        let Some(node) = self.node(key) else { return &[] };
        match &node.value {
            Value::Map(entries) => entries,
            _ => {
                self.wrong(notes, key, node, "a map", "Write one 'name: value' a line.");
                &[]
            }
        }
    }
}

/// `a, b and c`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
