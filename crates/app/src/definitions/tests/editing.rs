//! Editing a document by its fields: what is not named stays byte for byte, and what is meant is what stands there afterwards.

use serde_json::{Map, Value as Json, json};

use super::shipped_files;
use crate::definitions::edit::{Edit, content, edit};
use crate::definitions::lines::{LineKind, compare, merge};

fn fields(value: Json) -> Map<String, Json> {
    value.as_object().cloned().expect("a map")
}

fn set(list: &str, id: &str, value: Json) -> Edit {
    Edit {
        list: Some(list.into()),
        id: Some(id.into()),
        set: fields(value),
        ..Edit::default()
    }
}

const SEGMENTS: &str = "\
# Kept by Ann.
unclassified: mrr IS NULL   # nobody else
segments:
  # the big ones
  - id: big       # never rename
    label: \"Big: ours\"
    rule: mrr > 3500  # exactly 3,500 is not
    description: >-
      Everything above
      the line.

  # the rest
  - {id: rest, rule: TRUE, description: 'it''s the rest'} # last
";

#[test]
fn one_field_changes_and_the_comment_behind_it_stays() {
    let done = edit(
        SEGMENTS,
        &[set("segments", "big", json!({ "rule": "mrr > 4000" }))],
    )
    .expect("an edit");
    assert_eq!(
        done,
        SEGMENTS.replace("mrr > 3500  # exactly", "mrr > 4000  # exactly")
    );
    let done = edit(
        SEGMENTS,
        &[set("segments", "rest", json!({ "description": "a, b" }))],
    )
    .expect("an edit");
    assert_eq!(done, SEGMENTS.replace("'it''s the rest'", "\"a, b\""));
    let done = edit(
        SEGMENTS,
        &[set("segments", "big", json!({ "description": "Short." }))],
    )
    .expect("an edit");
    assert_eq!(
        done,
        SEGMENTS.replace(">-\n      Everything above\n      the line.", "Short.")
    );
    let root = Edit {
        set: fields(json!({ "unclassified": "mrr IS NULL OR seats = 0" })),
        ..Edit::default()
    };
    let done = edit(SEGMENTS, &[root]).expect("an edit");
    assert_eq!(
        done,
        SEGMENTS.replace("mrr IS NULL   #", "mrr IS NULL OR seats = 0   #")
    );
}

#[test]
fn entries_come_go_and_move_while_comments_stay() {
    let added = set(
        "segments",
        "small",
        json!({ "rule": "mrr <= 500: x", "label": "Small" }),
    );
    let done = edit(
        SEGMENTS,
        &[Edit {
            position: Some(1),
            ..added
        }],
    )
    .expect("an edit");
    let with = "      the line.\n\n  - {id: small, label: Small, rule: \"mrr <= 500: x\"}\n\n  # the rest";
    assert_eq!(done, SEGMENTS.replace("      the line.\n\n  # the rest", with));
    let remove = Edit {
        remove: true,
        ..set("segments", "big", json!({}))
    };
    let done = edit(SEGMENTS, std::slice::from_ref(&remove)).expect("an edit");
    let from = SEGMENTS.find("  - id: big").expect("the entry");
    let to = SEGMENTS.find("\n  # the rest").expect("the next");
    assert_eq!(done, format!("{}{}", &SEGMENTS[..from], &SEGMENTS[to..]));
    let moved = Edit {
        position: Some(1),
        ..set("segments", "big", json!({}))
    };
    let done = edit(SEGMENTS, &[moved]).expect("an edit");
    let ids = |text: &str| -> Vec<String> {
        content(text).expect("YAML")["segments"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|s| s["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(ids(&done), ["rest", "big"]);
    for comment in [
        "# Kept by Ann.",
        "# the big ones",
        "# never rename",
        "# exactly 3,500 is not",
        "# the rest",
        "# last",
    ] {
        assert!(done.contains(comment), "{comment} in {done}");
    }
    // The first entry of all, in a file that has none yet, and fields that come and go.
    let first = edit(
        "",
        &[set(
            "metrics",
            "logins",
            json!({ "measure": "count", "events": ["login", "a, b"] }),
        )],
    )
    .expect("an edit");
    assert_eq!(
        first,
        "metrics:\n  - id: logins\n    measure: count\n    events: [login, \"a, b\"]\n"
    );
    let more = edit(
        &first,
        &[set(
            "metrics",
            "logins",
            json!({ "label": "Logins", "events": null }),
        )],
    )
    .expect("an edit");
    assert_eq!(
        more,
        "metrics:\n  - id: logins\n    label: Logins\n    measure: count\n"
    );
    let from_empty = edit(
        "segments: [] # none\n",
        &[set("segments", "all_of_them", json!({ "rule": "TRUE" }))],
    )
    .expect("an edit");
    assert_eq!(content(&from_empty).expect("YAML")["segments"][0]["rule"], "TRUE");
    let gone = Edit {
        remove: true,
        ..set("segments", "nobody", json!({}))
    };
    assert!(edit(SEGMENTS, &[gone]).is_err());
}

#[test]
fn texts_of_several_lines_and_odd_values_read_back_as_they_were_meant() {
    let text = shipped_files("medtrainer").remove("kpis.yaml").expect("the KPIs");
    let facts = "SELECT period, account_no,\n  1 AS numerator, -- one\n\n  1 AS denominator\nFROM cohort\n";
    let done = edit(
        &text,
        &[set("kpis", "engagement_rate", json!({ "facts": facts }))],
    )
    .expect("an edit");
    let entries = content(&done).expect("YAML");
    assert_eq!(entries["kpis"][0]["facts"], facts);
    // Nothing but that entry is another.
    let before = content(&text).expect("YAML");
    assert_eq!(
        entries["kpis"].as_array().expect("a list")[1..],
        before["kpis"].as_array().expect("a list")[1..]
    );
    for odd in [
        "yes: no",
        "# not a comment",
        "-",
        "true",
        "12",
        "2026-06-30",
        "a 'b' \"c\"",
        "{}",
        "ends:",
        "tab\there",
        "ümläut — …",
        "@x",
        "*a",
        "null",
        "0x1F",
        "~",
    ] {
        let done = edit(
            SEGMENTS,
            &[
                set("segments", "big", json!({ "label": odd })),
                set("segments", "rest", json!({ "label": odd })),
            ],
        )
        .expect(odd);
        let held = content(&done).expect("YAML");
        assert_eq!(
            (&held["segments"][0]["label"], &held["segments"][1]["label"]),
            (&json!(odd), &json!(odd))
        );
    }
}

/// Every entry of every shipped document can be edited, and nothing but its own lines changes.
#[test]
fn every_shipped_entry_can_be_edited_by_itself() {
    for (file, list) in [
        ("attributes.yaml", "attributes"),
        ("segments.yaml", "segments"),
        ("metrics.yaml", "metrics"),
        ("kpis.yaml", "kpis"),
        ("targets.yaml", "targets"),
    ] {
        let text = shipped_files("medtrainer").remove(file).expect(file);
        let held = content(&text).expect("YAML");
        for (at, entry) in held[list].as_array().expect("a list").iter().enumerate() {
            let id = entry["id"].as_str().expect("an id");
            let done = edit(
                &text,
                &[set(
                    list,
                    id,
                    json!({ "description": "Changed: by a form, it's \"so\"." }),
                )],
            )
            .unwrap_or_else(|error| panic!("{file} {id}: {error:?}"));
            let mut wanted = held.clone();
            wanted[list][at]["description"] = json!("Changed: by a form, it's \"so\".");
            assert_eq!(content(&done).expect("YAML"), wanted, "{file} {id}");
            let lines: Vec<_> = compare(&text, &done);
            let (gone, came) = (
                lines.iter().filter(|l| l.kind == LineKind::Removed).count(),
                lines.iter().filter(|l| l.kind == LineKind::Added).count(),
            );
            assert_eq!(came, 1, "{file} {id}: {lines:?}");
            assert!(gone <= 8, "{file} {id}: {lines:?}");
            // Without what was removed and added the texts are one.
            let rest = |text: &str, kind: LineKind| -> Vec<String> {
                let numbers: Vec<usize> = lines
                    .iter()
                    .filter(|l| l.kind == kind)
                    .filter_map(|l| if kind == LineKind::Removed { l.old } else { l.new })
                    .collect();
                text.lines()
                    .enumerate()
                    .filter(|(at, _)| !numbers.contains(&(at + 1)))
                    .map(|(_, l)| l.to_owned())
                    .collect()
            };
            assert_eq!(
                rest(&text, LineKind::Removed),
                rest(&done, LineKind::Added),
                "{file} {id}"
            );
        }
    }
    let text = shipped_files("medtrainer")
        .remove("events.yaml")
        .expect("the events");
    let name = Edit {
        list: Some("names".into()),
        set: fields(json!({ "Signed In": "feature_used", "Call Logged": null, "New: one": "login" })),
        ..Edit::default()
    };
    let done = edit(&text, &[name]).expect("an edit");
    let held = content(&done).expect("YAML");
    assert_eq!(
        (&held["names"]["Signed In"], &held["names"]["New: one"]),
        (&json!("feature_used"), &json!("login"))
    );
    assert!(held["names"].get("Call Logged").is_none());
    assert!(done.contains("  # meetings\n  Meeting Held: meeting_held\n"));
}

#[test]
fn two_changes_come_together_unless_they_touch_the_same_lines() {
    let base = "a\nb\nc\nd\ne\n";
    assert_eq!(
        merge(base, "a\nB\nc\nd\ne\n", "a\nb\nc\nd\nE\nf\n").as_deref(),
        Some("a\nB\nc\nd\nE\nf\n")
    );
    assert_eq!(merge(base, "a\nB\nc\nd\ne\n", "a\nX\nc\nd\ne\n"), None);
    assert_eq!(
        merge(base, "a\nc\nd\ne\n", "a\nc\nd\ne\n").as_deref(),
        Some("a\nc\nd\ne\n")
    );
    assert_eq!(merge(base, base, "x\n").as_deref(), Some("x\n"));
    let shown: Vec<(LineKind, String)> = compare(base, "a\nb\nC\nd\ne\n")
        .into_iter()
        .map(|l| (l.kind, l.text))
        .collect();
    assert_eq!(
        shown
            .iter()
            .filter(|(kind, _)| *kind != LineKind::Same)
            .cloned()
            .collect::<Vec<_>>(),
        [
            (LineKind::Removed, "c".to_owned()),
            (LineKind::Added, "C".to_owned())
        ]
    );
    assert!(compare(base, base).is_empty());
}

/// A form writes a whole list of models: it reads back as what was meant, one measure on a line, and nothing around it changes.
#[test]
fn models_of_a_score_are_written_as_people_write_them() {
    let text = shipped_files("medtrainer").remove("scores.yaml").expect("scores");
    let held = content(&text).expect("YAML");
    let mut models = held["scores"][0]["models"].clone();
    models[0]["groups"][0]["measures"][0]["weight"] = json!(0.9);
    let done = edit(
        &text,
        &[set("scores", "health", json!({ "models": models.clone() }))],
    )
    .expect("edited");
    let now = content(&done).expect("YAML");
    assert_eq!(now["scores"][0]["models"], models);
    assert_eq!(
        (&now["scores"][1], &now["outcomes"]),
        (&held["scores"][1], &held["outcomes"])
    );
    assert!(done.lines().all(|line| line.chars().count() < 240), "{done}");
    assert!(
        done.contains("# The simple form, kept as it is"),
        "what stands around it stays"
    );
}
