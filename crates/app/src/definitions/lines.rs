//! Texts compared line by line, and two changes of one text brought together.

use serde::Serialize;
use utoipa::ToSchema;

/// What a line is in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// In both texts.
    Same,
    /// Only in the older one.
    Removed,
    /// Only in the newer one.
    Added,
    /// Lines that are in both were left out here.
    Gap,
}

/// One line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DiffLine)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// The line, without its end.
    pub text: String,
    /// Its number in the older text, from 1.
    pub old: Option<usize>,
    /// Its number in the newer text, from 1.
    pub new: Option<usize>,
}

/// Beyond this many pairs of lines the middle of two texts counts as replaced as a whole.
const MOST_PAIRS: usize = 9_000_000;
/// Lines shown around a change.
const AROUND: usize = 3;

/// For each line of `a` the line of `b` that it stayed, ascending.
fn matched(a: &[&str], b: &[&str]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; a.len()];
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let most = a.len().min(b.len()) - head;
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    for (at, pair) in pairs.iter_mut().enumerate().take(head) {
        *pair = Some(at);
    }
    for back in 1..=tail {
        pairs[a.len() - back] = Some(b.len() - back);
    }
    let (x, y) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    if x.is_empty() || y.is_empty() || x.len() * y.len() > MOST_PAIRS {
        return pairs;
    }
    let width = y.len() + 1;
    let mut longest = vec![0_u32; (x.len() + 1) * width];
    for i in (0..x.len()).rev() {
        for j in (0..y.len()).rev() {
            longest[i * width + j] = if x[i] == y[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < x.len() && j < y.len() {
        if x[i] == y[j] {
            pairs[head + i] = Some(head + j);
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Every line of both texts.
fn whole(old: &str, new: &str) -> Vec<Line> {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut lines = Vec::new();
    let mut next = 0;
    let added = |at: usize| Line {
        kind: LineKind::Added,
        text: b[at].to_owned(),
        old: None,
        new: Some(at + 1),
    };
    for (at, pair) in matched(&a, &b).into_iter().enumerate() {
        if let Some(other) = pair {
            lines.extend((next..other).map(added));
            next = other + 1;
        }
        lines.push(Line {
            kind: if pair.is_some() {
                LineKind::Same
            } else {
                LineKind::Removed
            },
            text: a[at].to_owned(),
            old: Some(at + 1),
            new: pair.map(|other| other + 1),
        });
    }
    lines.extend((next..b.len()).map(added));
    lines
}

/// The lines that differ, with some around them; empty when the texts have the same lines.
#[must_use]
pub fn compare(old: &str, new: &str) -> Vec<Line> {
    let lines = whole(old, new);
    let mut near = vec![false; lines.len()];
    for (at, line) in lines.iter().enumerate() {
        if line.kind != LineKind::Same {
            let (from, to) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(lines.len()));
            near[from..to].fill(true);
        }
    }
    let mut shown: Vec<Line> = Vec::new();
    for (line, near) in lines.into_iter().zip(near) {
        if near {
            shown.push(line);
        } else if !shown.is_empty() && shown.last().is_some_and(|last| last.kind != LineKind::Gap) {
            shown.push(Line {
                kind: LineKind::Gap,
                text: String::new(),
                old: None,
                new: None,
            });
        }
    }
    if shown.last().is_some_and(|last| last.kind == LineKind::Gap) {
        shown.pop();
    }
    shown
}

/// Both changes of one text together; `None` = they change the same lines differently.
#[must_use]
pub fn merge(base: &str, ours: &str, theirs: &str) -> Option<String> {
    if ours == theirs || theirs == base {
        return Some(ours.to_owned());
    }
    if ours == base {
        return Some(theirs.to_owned());
    }
    let split = |text| -> Vec<&str> { str::split_inclusive(text, '\n').collect() };
    let (o, a, b) = (split(base), split(ours), split(theirs));
    let (in_a, in_b) = (matched(&o, &a), matched(&o, &b));
    let mut out = String::new();
    let (mut at, mut at_a, mut at_b) = (0, 0, 0);
    loop {
        let stays = (at..o.len()).find(|line| in_a[*line].is_some() && in_b[*line].is_some());
        let (to, to_a, to_b) = match stays {
            Some(line) => (line, in_a[line]?, in_b[line]?),
            None => (o.len(), a.len(), b.len()),
        };
        let (was, mine, other) = (&o[at..to], &a[at_a..to_a], &b[at_b..to_b]);
        let chosen = if mine == was {
            other
        } else if other == was || mine == other {
            mine
        } else {
            return None;
        };
        out.extend(chosen.iter().copied());
        let Some(line) = stays else { return Some(out) };
        out.push_str(o[line]);
        (at, at_a, at_b) = (to + 1, to_a + 1, to_b + 1);
    }
}
