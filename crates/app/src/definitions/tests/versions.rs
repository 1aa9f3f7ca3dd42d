//! Two versions of a program: what changed, and what has to be computed again.

use super::*;

/// The sound program with one text replaced.
fn changed(file: &str, from: &str, to: &str) -> Definitions {
    let mut files = sound();
    let text = files.get_mut(file).expect(file);
    assert!(text.contains(from), "{from}");
    *text = text.replace(from, to);
    read_sound(&files)
}

fn told(changes: &[Change]) -> Vec<(ChangeKind, What, &str, Vec<&str>)> {
    changes
        .iter()
        .map(|change| {
            let fields = change.fields.iter().map(|field| field.field.as_str()).collect();
            (change.kind, change.what, change.id.as_str(), fields)
        })
        .collect()
}

#[test]
fn the_same_program_has_no_changes() {
    let definitions = read_sound(&sound());
    assert_eq!(diff(&definitions, &definitions), []);
    assert!(affected(&definitions, &[]).is_empty());
}

#[test]
fn a_changed_field_is_told_with_both_values() {
    let (old, new) = (read_sound(&sound()), changed("metrics.yaml", "30d}", "60d}"));
    let changes = diff(&old, &new);
    assert_eq!(
        told(&changes),
        [(ChangeKind::Changed, What::Metric, "logins_30d", vec!["window"])]
    );
    assert_eq!(
        (&changes[0].fields[0].old, &changes[0].fields[0].new),
        (&"30d".into(), &"60d".into())
    );
    // The ratio reads the count; no segment and no KPI reads either.
    let touched = affected(&new, &changes);
    assert_eq!(
        touched.metrics.iter().map(String::as_str).collect::<Vec<_>>(),
        ["logins_30d", "per_seat"]
    );
    assert!(
        !touched.segments && touched.kpis.is_empty() && touched.targets.is_empty() && !touched.everything
    );
}

#[test]
fn a_change_spreads_through_every_reference() {
    let (old, new) = (
        read_sound(&sound()),
        changed("segments.yaml", "mrr > 1000", "per_seat > 3"),
    );
    let changes = diff(&old, &new);
    assert_eq!(
        told(&changes),
        [(ChangeKind::Changed, What::Segment, "large", vec!["rule"])]
    );
    let touched = affected(&new, &changes);
    assert!(touched.segments && touched.metrics.is_empty());
    assert!(touched.kpis.contains("churn") && touched.targets.contains("less"));

    // From the attribute to the metric, the segment, the KPI and its target.
    let mut files = sound();
    files.insert(
        "segments.yaml".into(),
        "segments:\n  - {id: large, rule: per_seat > 3}\n  - {id: small, rule: TRUE}\n".into(),
    );
    let old = read_sound(&files);
    let attributes = files["attributes.yaml"].replace("type: integer", "type: number");
    files.insert("attributes.yaml".into(), attributes);
    let new = read_sound(&files);
    let touched = affected(&new, &diff(&old, &new));
    assert_eq!(
        touched.metrics.iter().map(String::as_str).collect::<Vec<_>>(),
        ["per_seat"]
    );
    assert!(touched.segments && touched.kpis.contains("churn") && touched.targets.contains("less"));
}

#[test]
fn added_removed_and_moved_things_are_told() {
    let old = read_sound(&sound());
    let mut files = sound();
    files.insert("segments.yaml".into(), "segments:\n  - {id: tiny, rule: mrr < 5}\n  - {id: small, rule: mrr < 9}\n  - {id: large, rule: mrr > 1000}\n".into());
    let moved = read_sound(&files);
    let changes = diff(&old, &moved);
    assert_eq!(
        told(&changes),
        [
            (
                ChangeKind::Removed,
                What::Unclassified,
                "unclassified",
                vec!["rule"]
            ),
            (
                ChangeKind::Added,
                What::Segment,
                "tiny",
                vec!["id", "label", "rule"]
            ),
            (ChangeKind::Changed, What::Segment, "small", vec!["rule"]),
            (ChangeKind::Changed, What::SegmentOrder, "order", vec!["order"]),
        ]
    );
    let back = diff(&moved, &old);
    assert!(
        back.iter()
            .any(|change| change.kind == ChangeKind::Removed && change.id == "tiny")
    );
    assert!(
        back.iter()
            .any(|change| change.kind == ChangeKind::Added && change.what == What::Unclassified)
    );
}

#[test]
fn words_are_changes_that_need_no_computing() {
    let (old, new) = (
        read_sound(&sound()),
        changed("segments.yaml", "id: large,", "id: large, label: Big,"),
    );
    let changes = diff(&old, &new);
    assert_eq!(
        told(&changes),
        [(ChangeKind::Changed, What::Segment, "large", vec!["label"])]
    );
    assert!(affected(&new, &changes).is_empty());
}

#[test]
fn another_zone_means_other_days() {
    let (old, new) = (
        read_sound(&sound()),
        changed("program.yaml", "Europe/Berlin", "UTC"),
    );
    let touched = affected(&new, &diff(&old, &new));
    assert!(touched.everything && touched.segments);
    assert_eq!(
        (touched.metrics.len(), touched.kpis.len(), touched.targets.len()),
        (2, 1, 1)
    );
}

#[test]
fn a_new_target_alone_is_touched() {
    let (old, new) = (
        read_sound(&sound()),
        changed("targets.yaml", "{value: 0.09}", "{value: 0.08}"),
    );
    let touched = affected(&new, &diff(&old, &new));
    assert_eq!(
        touched.targets.iter().map(String::as_str).collect::<Vec<_>>(),
        ["less"]
    );
    assert!(touched.kpis.is_empty() && touched.metrics.is_empty() && !touched.segments);
}

#[test]
fn expressions_are_computed_after_what_they_read() {
    let mut files = sound();
    let text = "metrics:\n  - {id: d, expr: c + a}\n  - {id: a, expr: seats}\n  - {id: n, measure: count, events: [login]}\n  - {id: c, expr: b}\n  - {id: b, expr: a + n}\n";
    files.remove("scores.yaml");
    files.insert("metrics.yaml".into(), text.into());
    let definitions = read_sound(&files);
    let order: Vec<&str> = definitions
        .expression_order()
        .iter()
        .map(|index| definitions.metrics[*index].id.as_str())
        .collect();
    assert_eq!(order, ["a", "b", "c", "d"]);
}

#[test]
fn a_version_is_named_by_its_content() {
    let files = sound();
    let hash = content_hash(&files);
    assert_eq!(hash.len(), 64);
    assert_eq!(hash, content_hash(&files.clone()));
    for (name, text) in &files {
        let mut other = files.clone();
        other.insert(name.clone(), format!("{text} "));
        assert_ne!(hash, content_hash(&other), "{name}");
    }
    // What moves from one file to the next is another version.
    let split =
        |a: &str, b: &str| BTreeMap::from([("a".to_owned(), a.to_owned()), ("b".to_owned(), b.to_owned())]);
    assert_ne!(content_hash(&split("xy", "z")), content_hash(&split("x", "yz")));
}

#[test]
fn events_are_known_by_their_native_names() {
    let definitions = read_sound(&sound());
    assert_eq!(definitions.events.native("Signed In"), "login");
    assert_eq!(definitions.events.native("exported"), "exported");
    assert_eq!(definitions.events.kind("ticket_opened"), Kind::Support);
    assert_eq!(definitions.events.kind("exported"), Kind::Product);
    assert_eq!(definitions.events.kind("never heard of"), Kind::Product);
}

#[test]
fn schemas_and_reader_know_the_same_keys() {
    let schemas: BTreeMap<String, serde_json::Value> = schemas().into_iter().collect();
    let entry = |file: &str, list: &str| -> Vec<String> {
        let schema = &schemas[file];
        let items = &schema["properties"][list]["items"];
        let items = match items["$ref"].as_str() {
            Some(reference) => &schema["definitions"][reference.rsplit('/').next().unwrap_or_default()],
            None => items,
        };
        assert_eq!(items["additionalProperties"], false, "{file}");
        items["properties"]
            .as_object()
            .expect(file)
            .keys()
            .cloned()
            .collect()
    };
    let same = |mut found: Vec<String>, keys: &[&str]| {
        let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        found.sort();
        keys.sort();
        assert_eq!(found, keys);
    };
    same(entry("attributes.json", "attributes"), read::keys::ATTRIBUTE);
    same(entry("segments.json", "segments"), read::keys::SEGMENT);
    same(entry("metrics.json", "metrics"), read::keys::METRIC);
    same(entry("kpis.json", "kpis"), read::keys::KPI);
    same(entry("targets.json", "targets"), read::keys::TARGET);
    let top = |file: &str| {
        schemas[file]["properties"]
            .as_object()
            .expect(file)
            .keys()
            .cloned()
            .collect()
    };
    same(top("program.json"), read::keys::PROGRAM);
    same(top("events.json"), read::keys::EVENTS);
    same(top("segments.json"), read::keys::SEGMENTS);
    same(top("dashboard.json"), read::keys::DASHBOARD);
    same(entry("dashboard.json", "tiles"), read::keys::TILE);
}

#[test]
fn schemas_on_disk_are_current() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../programs/schema");
    for (name, schema) in schemas() {
        let path = folder.join(&name);
        let wanted = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{name} is stale: run `cargo xtask codegen`");
    }
}
