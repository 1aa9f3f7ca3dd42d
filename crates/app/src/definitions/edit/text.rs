//! The spans of a document's entries and fields in its text, and what replaces them.

use serde_json::{Map, Value as Json};

use super::{Edit, Uneditable, order, write};
use crate::definitions::yaml::{Key, Node, Position, Value};

/// A document's text by lines.
pub struct Text<'t> {
    text: &'t str,
    /// The byte at which each line starts, and the end of the text.
    starts: Vec<usize>,
    quoted: bool,
}

/// A piece of the text and what stands there instead.
type Change = (usize, usize, String);

impl<'t> Text<'t> {
    pub fn new(text: &'t str, quoted: bool) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Self { text, starts, quoted }
    }

    /// The text after one edit.
    pub fn apply(&self, tree: &Node, edit: &Edit) -> Result<String, Uneditable> {
        let empty = Vec::new();
        let root = match &tree.value {
            Value::Map(entries) => entries,
            _ => &empty,
        };
        let Some(list) = &edit.list else {
            return self.set_block(root, 0, self.text.len(), &edit.set, order(None));
        };
        let held = root.iter().find(|(key, _)| key.name == *list);
        match (&edit.id, held) {
            (None, Some((key, node))) => self.set_map(key, node, &edit.set),
            (Some(id), Some((key, node))) => self.entry(edit, list, id, key, node),
            (None, None) => {
                let fields: Map<String, Json> = edit.set.clone();
                Ok(self.appended(&format!("{list}:\n{}", self.lines_of(&fields, 2))))
            }
            (Some(id), None) => {
                Ok(self.appended(&format!("{list}:\n{}", self.new_entry(edit, list, id, 2, false))))
            }
        }
    }

    fn line(&self, number: usize) -> &'t str {
        let (Some(from), Some(to)) = (self.starts.get(number - 1), self.starts.get(number)) else {
            return "";
        };
        self.text[*from..*to].trim_end_matches(['\n', '\r'])
    }

    fn lines(&self) -> usize {
        self.starts.len() - 1
    }

    fn start_of(&self, line: usize) -> usize {
        self.starts.get(line - 1).copied().unwrap_or(self.text.len())
    }

    fn offset(&self, at: Position) -> usize {
        let line = self.line(at.line);
        let column = line
            .char_indices()
            .nth(at.column - 1)
            .map_or(line.len(), |(byte, _)| byte);
        self.start_of(at.line) + column
    }

    fn indent(&self, line: usize) -> usize {
        let line = self.line(line);
        line.len() - line.trim_start_matches(' ').len()
    }

    fn blank_or_comment(&self, line: usize) -> bool {
        let line = self.line(line).trim_start();
        line.is_empty() || line.starts_with('#')
    }

    /// The first line after what starts in `line` and is indented deeper than `indent`. Blank lines and comments at the end that stand no
    /// deeper belong to what follows. With `dashes` a list at the same depth belongs to it, as under a key.
    fn end(&self, line: usize, indent: usize, dashes: bool) -> usize {
        let mut end = line + 1;
        while end <= self.lines() {
            let deep = self.indent(end);
            let text = self.line(end).trim_start();
            let inside =
                deep > indent || (dashes && deep == indent && (text == "-" || text.starts_with("- ")));
            if !inside && !self.blank_or_comment(end) {
                break;
            }
            end += 1;
        }
        while end > line + 1 {
            let text = self.line(end - 1).trim_start();
            let follows = text.is_empty() || (text.starts_with('#') && self.indent(end - 1) <= indent);
            if !follows {
                break;
            }
            end -= 1;
        }
        end
    }

    fn replaced(&self, mut changes: Vec<Change>) -> String {
        changes.sort_by_key(|(from, ..)| *from);
        let mut out = String::with_capacity(self.text.len() + 64);
        let mut at = 0;
        for (from, to, text) in changes {
            out.push_str(&self.text[at..from.max(at)]);
            out.push_str(&text);
            at = to.max(at);
        }
        out.push_str(&self.text[at..]);
        out
    }

    /// Lines put in before the line with this number.
    fn inserted(&self, line: usize, text: &str) -> String {
        let at = self.start_of(line);
        let broken = at == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n');
        let text = if broken {
            format!("\n{text}")
        } else {
            text.to_owned()
        };
        self.replaced(vec![(at, at, text)])
    }

    fn appended(&self, text: &str) -> String {
        self.inserted(self.lines() + 1, text)
    }

    fn lines_of(&self, fields: &Map<String, Json>, indent: usize) -> String {
        fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| self.field_line(key, value, indent))
            .collect()
    }

    fn field_line(&self, key: &str, value: &Json, indent: usize) -> String {
        let value = write::block(value, indent, self.quoted);
        format!("{}{}:{value}\n", " ".repeat(indent), write::key(key))
    }

    /// Fields of a map that is the value of a key at the top.
    fn set_map(&self, key: &Key, node: &Node, fields: &Map<String, Json>) -> Result<String, Uneditable> {
        match &node.value {
            Value::Map(_) if self.text[self.offset(node.at)..].starts_with('{') => {
                self.set_flow(node, fields, &[])
            }
            Value::Map(entries) => self.set_block(entries, 0, self.text.len(), fields, &[]),
            Value::Null => Ok(self.inserted(key.at.line + 1, &self.lines_of(fields, key.at.column + 1))),
            _ => Err(Uneditable::by_hand(format!("'{}' is not a map.", key.name))),
        }
    }

    fn entry(&self, edit: &Edit, list: &str, id: &str, key: &Key, node: &Node) -> Result<String, Uneditable> {
        let empty = Vec::new();
        let items = match &node.value {
            Value::List(items) => items,
            Value::Null => &empty,
            _ => return Err(Uneditable::by_hand(format!("'{list}' is not a list."))),
        };
        let named = |item: &Node| match &item.value {
            Value::Map(fields) => fields.iter().any(|(key, value)| {
                key.name == "id" && matches!(&value.value, Value::Text(text) if text == id)
            }),
            _ => false,
        };
        let flow = !items.is_empty() && self.text[self.offset(node.at)..].starts_with('[');
        let Some(at) = items.iter().position(named) else {
            if flow {
                return Err(Uneditable::by_hand(format!("'{list}' is written on one line.")));
            }
            return self.add(edit, list, id, key, items);
        };
        if edit.remove || edit.position.is_some() {
            if flow {
                return Err(Uneditable::by_hand(format!("'{list}' is written on one line.")));
            }
            return self.move_or_remove(edit, list, id, items, at);
        }
        let item = &items[at];
        if self.text[self.offset(item.at)..].starts_with('{') {
            return self.set_flow(item, &edit.set, order(Some(list)));
        }
        let Value::Map(fields) = &item.value else {
            return Err(Uneditable::by_hand("The entry is not a map."));
        };
        let (_, end) = self.span(item);
        self.set_block(fields, 0, self.start_of(end), &edit.set, order(Some(list)))
    }

    /// The line with the dash of an entry, and the first line after the entry.
    fn span(&self, item: &Node) -> (usize, usize) {
        let mut line = item.at.line;
        while line > 1 && !self.line(line).trim_start().starts_with('-') {
            line -= 1;
        }
        (line, self.end(line, self.indent(line), false))
    }

    fn new_entry(&self, edit: &Edit, list: &str, id: &str, dash: usize, flow: bool) -> String {
        let mut fields = vec![("id".to_owned(), Json::from(id))];
        let known = order(Some(list));
        let rank = |key: &str| known.iter().position(|k| *k == key).unwrap_or(known.len());
        let mut others: Vec<(String, Json)> = edit
            .set
            .clone()
            .into_iter()
            .filter(|(key, value)| key != "id" && !value.is_null())
            .collect();
        others.sort_by_key(|(key, _)| rank(key));
        fields.extend(others);
        let long = fields
            .iter()
            .any(|(_, v)| v.as_str().is_some_and(|text| text.contains('\n')));
        if flow && !long {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| {
                    format!("{}: {}", write::key(key), write::inline(value, true, self.quoted))
                })
                .collect();
            return format!("{}- {{{}}}\n", " ".repeat(dash), fields.join(", "));
        }
        let mut out = String::new();
        for (key, value) in &fields {
            out.push_str(&self.field_line(key, value, dash + 2));
        }
        out.replace_range(dash..=dash, "-");
        out
    }

    fn add(
        &self,
        edit: &Edit,
        list: &str,
        id: &str,
        key: &Key,
        items: &[Node],
    ) -> Result<String, Uneditable> {
        let Some(last) = items.last() else {
            // `segments:` with nothing, or with `[]`.
            let dash = key.at.column + 1;
            let text = self.new_entry(edit, list, id, dash, false);
            let from = self.start_of(key.at.line);
            let to = self.start_of(self.end(key.at.line, key.at.column - 1, true));
            let head = " ".repeat(key.at.column - 1) + &write::key(&key.name) + ":\n";
            return Ok(self.replaced(vec![(from, to, head + &text)]));
        };
        let to = edit.position.unwrap_or(items.len()).min(items.len());
        let dash = self.indent(self.span(last).0);
        let flow = self.text[self.offset(last.at)..].starts_with('{');
        let text = self.new_entry(edit, list, id, dash, flow);
        Ok(self.put(items, to, &text))
    }

    /// Puts an entry's lines at a place of the list. The blank line that stands between the others stands before it too.
    fn put(&self, items: &[Node], to: usize, text: &str) -> String {
        let spans: Vec<(usize, usize)> = items.iter().map(|item| self.span(item)).collect();
        match to.checked_sub(1).and_then(|before| spans.get(before)) {
            None => self.inserted(spans.first().map_or(1, |span| span.0), text),
            Some((_, end)) => {
                let apart = spans
                    .windows(2)
                    .any(|pair| self.line(pair[0].1).trim().is_empty() && pair[0].1 < pair[1].0);
                let text = if apart {
                    format!("\n{text}")
                } else {
                    text.to_owned()
                };
                self.inserted(*end, &text)
            }
        }
    }

    fn move_or_remove(
        &self,
        edit: &Edit,
        list: &str,
        id: &str,
        items: &[Node],
        at: usize,
    ) -> Result<String, Uneditable> {
        let (from, end) = self.span(&items[at]);
        let (from, to) = (self.start_of(from), self.start_of(end));
        let cut = self.text[from..to].to_owned();
        let without = self.replaced(vec![(from, to, String::new())]);
        if edit.remove {
            return Ok(without);
        }
        let tree = super::tree_of(&without)?;
        let rest = Text::new(&without, self.quoted);
        let found = match &tree.value {
            Value::Map(root) => root.iter().find(|(key, _)| key.name == list),
            _ => None,
        };
        let moved = match found.map(|(_, node)| &node.value) {
            Some(Value::List(others)) if !others.is_empty() => {
                let to = edit.position.unwrap_or(others.len()).min(others.len());
                let cut = if cut.ends_with('\n') { cut } else { cut + "\n" };
                rest.put(others, to, &cut)
            }
            _ => self.text.to_owned(),
        };
        if edit.set.is_empty() {
            return Ok(moved);
        }
        let fields = Edit {
            position: None,
            id: Some(id.to_owned()),
            ..edit.clone()
        };
        Text::new(&moved, self.quoted).apply(&super::tree_of(&moved)?, &fields)
    }

    /// Sets fields of a map written in lines.
    fn set_block(
        &self,
        held: &[(Key, Node)],
        indent: usize,
        end: usize,
        fields: &Map<String, Json>,
        order: &[&str],
    ) -> Result<String, Uneditable> {
        let mut changes: Vec<Change> = Vec::new();
        let column = held.first().map_or(indent, |(key, _)| key.at.column - 1);
        for (name, value) in fields {
            let known = held.iter().position(|(key, _)| key.name == *name);
            match known {
                Some(at) if value.is_null() => changes.push(self.without(held, at)?),
                Some(at) => {
                    let change = self.with_value(&held[at].0, value)?;
                    if let Some(change) = change {
                        changes.push(change);
                    }
                }
                None if value.is_null() => {}
                None => {
                    let text = self.field_line(name, value, column);
                    changes.push(self.new_field(held, name, text, end, order));
                }
            }
        }
        Ok(self.replaced(changes))
    }

    /// Where a field goes that is not there yet: after the last of those that are written before it.
    fn new_field(
        &self,
        held: &[(Key, Node)],
        name: &str,
        text: String,
        end: usize,
        order: &[&str],
    ) -> Change {
        let rank = |key: &str| order.iter().position(|k| *k == key).unwrap_or(order.len());
        let before = held
            .iter()
            .rev()
            .find(|(key, _)| rank(&key.name) <= rank(name))
            .or(held.first());
        let at = before.map_or(end, |(key, _)| {
            self.start_of(self.end(key.at.line, key.at.column - 1, true))
        });
        let broken = at == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n');
        let text = if broken { format!("\n{text}") } else { text };
        (at, at, text)
    }

    fn without(&self, held: &[(Key, Node)], at: usize) -> Result<Change, Uneditable> {
        let key = &held[at].0;
        let end = self.end(key.at.line, key.at.column - 1, true);
        let leads = self.line(key.at.line).trim_start().starts_with("- ");
        if !leads {
            return Ok((self.start_of(key.at.line), self.start_of(end), String::new()));
        }
        let next = held
            .get(at + 1)
            .ok_or_else(|| Uneditable::by_hand("An entry cannot be left without fields."))?;
        Ok((self.offset(key.at), self.offset(next.0.at), String::new()))
    }

    /// The value of a field in lines; a comment behind a value on one line stays.
    fn with_value(&self, key: &Key, value: &Json) -> Result<Option<Change>, Uneditable> {
        let from = self.after_colon(key)?;
        let last = self.end(key.at.line, key.at.column - 1, true) - 1;
        let text = write::block(value, key.at.column - 1, self.quoted);
        let to = if last == key.at.line {
            let rest = &self.text[from..self.start_of(key.at.line) + self.line(key.at.line).len()];
            from + value_end(rest, false)
        } else {
            self.start_of(last) + self.line(last).len()
        };
        Ok((self.text[from..to] != *text).then_some((from, to, text)))
    }

    /// The byte after the colon of a key.
    fn after_colon(&self, key: &Key) -> Result<usize, Uneditable> {
        let at = self.offset(key.at);
        let rest = &self.text[at..];
        let name = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted_end(rest, quote),
            _ => key.name.len(),
        };
        rest.get(name..)
            .and_then(|rest| rest.find(':'))
            .map(|colon| at + name + colon + 1)
            .ok_or_else(|| {
                Uneditable::by_hand(format!("The key '{}' stands apart from its value.", key.name))
            })
    }

    /// Sets fields of a map written in braces.
    fn set_flow(
        &self,
        node: &Node,
        fields: &Map<String, Json>,
        order: &[&str],
    ) -> Result<String, Uneditable> {
        let Value::Map(held) = &node.value else {
            return Err(Uneditable::by_hand("The entry is not a map."));
        };
        let open = self.offset(node.at);
        let close = open + value_end(&self.text[open..], true) - 1;
        let mut changes: Vec<Change> = Vec::new();
        let mut more = String::new();
        let rank = |key: &str| order.iter().position(|k| *k == key).unwrap_or(order.len());
        for (name, value) in fields {
            let at = held.iter().position(|(key, _)| key.name == *name);
            match at {
                Some(at) if value.is_null() => changes.push(self.flow_without(held, at, open)?),
                Some(at) => {
                    let from = self.after_colon(&held[at].0)?;
                    let to = from + value_end(&self.text[from..close], true);
                    let text = format!(" {}", write::inline(value, true, self.quoted));
                    if self.text[from..to] != *text {
                        changes.push((from, to, text));
                    }
                }
                None if value.is_null() => {}
                None => {
                    let field = format!(
                        "{}: {}",
                        write::key(name),
                        write::inline(value, true, self.quoted)
                    );
                    let before = held.iter().rev().find(|(key, _)| rank(&key.name) < rank(name));
                    match before.filter(|_| !order.is_empty()) {
                        Some((key, _)) => {
                            let from = self.after_colon(key)?;
                            let to = from + value_end(&self.text[from..close], true);
                            changes.push((to, to, format!(", {field}")));
                        }
                        None => more = more + ", " + &field,
                    }
                }
            }
        }
        if !more.is_empty() {
            let inside = self.text[open + 1..close].trim_end();
            let at = open + 1 + inside.len();
            let text = if inside.trim().is_empty() {
                more[2..].to_owned()
            } else {
                more
            };
            changes.push((at, at, text));
        }
        Ok(self.replaced(changes))
    }

    fn flow_without(&self, held: &[(Key, Node)], at: usize, open: usize) -> Result<Change, Uneditable> {
        let from = self.offset(held[at].0.at);
        if let Some((next, _)) = held.get(at + 1) {
            return Ok((from, self.offset(next.at), String::new()));
        }
        let value = self.after_colon(&held[at].0)?;
        let to = value + value_end(&self.text[value..], true);
        let before = self.text[open..from].trim_end();
        let comma = before.strip_suffix(',').map_or(before.len(), str::len);
        Ok((open + comma, to, String::new()))
    }
}

/// The end of a quoted text that starts here.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if (c == '\\' && quote == '"') || (c == '\'' && quote == '\'' && next == Some('\'')) {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// The end of the value that starts here, spaces before it included. `flow`: it ends with a comma or a closing bracket of its surroundings;
/// else with the line or with a comment behind it.
fn value_end(text: &str, flow: bool) -> usize {
    let start = text.len() - text.trim_start().len();
    let mut depth = 0_usize;
    let mut at = start;
    let mut last = start.min(text.len());
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' | '\'' if at == start || depth > 0 || text[..at].ends_with([' ', ',', '[', '{', ':']) => {
                at += quoted_end(&text[at..], c);
                last = at;
                if depth == 0 {
                    return last;
                }
                continue;
            }
            '[' | '{' if flow || at == start || depth > 0 => depth += 1,
            ']' | '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ']' | '}' | ',' if flow && depth == 0 => return last,
            '#' if !flow && depth == 0 && text[..at].ends_with([' ', '\t']) => return last,
            _ => {}
        }
        at += c.len_utf8();
        if !c.is_whitespace() {
            last = at;
        }
    }
    last
}
