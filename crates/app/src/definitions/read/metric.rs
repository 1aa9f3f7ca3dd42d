//! Metrics: over events, or expressions.

use super::words::{BETTER, MEASURES, UNITS};
use super::{days, id, kind_words, label};
use crate::definitions::Kind;
use crate::definitions::decode::{Fields, Note, Notes, list};
use crate::definitions::types::*;

pub(super) fn metric(notes: &mut Notes, fields: &Fields<'_>) -> Metric {
    let id = id(notes, fields, "id");
    let source = if fields.has("expr") {
        for key in ["measure", "events", "kinds", "where", "of", "window"]
            .into_iter()
            .filter(|key| fields.has(key))
        {
            let note = Note::error(
                key,
                format!("'{key}' does not go with 'expr'."),
                "Give either 'expr', or 'measure' with the events that it counts.",
            );
            fields.note(notes, key, note);
        }
        MetricSource::Expr {
            expr: fields.expression(notes, "expr").unwrap_or_default(),
        }
    } else {
        MetricSource::Events(event_measure(notes, fields))
    };
    Metric {
        label: label(notes, fields, &id),
        description: fields.text(notes, "description").unwrap_or_default(),
        unit: fields.choice(notes, "unit", UNITS).unwrap_or(match &source {
            MetricSource::Events(EventMeasure {
                measure: Measure::DaysSince,
                ..
            }) => Unit::Days,
            _ => Unit::Number,
        }),
        better: fields.choice(notes, "better", BETTER),
        source,
        id,
    }
}

fn event_measure(notes: &mut Notes, fields: &Fields<'_>) -> EventMeasure {
    let measure = fields.need_choice(notes, "measure", MEASURES);
    let events = fields.texts(notes, "events");
    let mut kinds = Vec::new();
    for (index, name) in fields.texts(notes, "kinds").into_iter().enumerate() {
        match Kind::parse(&name) {
            Some(kind) => kinds.push(kind),
            None => {
                let words: Vec<&str> = kind_words().iter().map(|(word, _)| *word).collect();
                let note = Note::error(
                    &name,
                    format!("'{name}' is not a kind of events."),
                    format!("The kinds are {}.", list(&words)),
                )
                .near(words.iter().copied());
                let path = format!("{}[{index}]", fields.path_of("kinds"));
                let at = notes.places.find(fields.file, &path);
                notes.problems.push(note.place(fields.file, at, &path));
            }
        }
    }
    if !fields.has("events") && !fields.has("kinds") {
        fields.missing(
            notes,
            "events",
            "Name the events that count, or their kinds with 'kinds'.",
        );
    }
    let of = fields.expression(notes, "of");
    if let Some(measure) = measure {
        if measure.needs_value() && !fields.has("of") {
            fields.missing(
                notes,
                "of",
                "Say which value of the event is meant, e.g. prop_num(properties, 'score').",
            );
        } else if !measure.needs_value() && of.is_some() {
            let note = Note::error(
                "of",
                "This measure does not read a value of the event.",
                "Remove 'of', or choose another measure.",
            );
            fields.note(notes, "of", note);
        }
    }
    EventMeasure {
        measure: measure.unwrap_or(Measure::Count),
        events,
        kinds,
        filter: fields.expression(notes, "where"),
        of,
        window: days(
            notes,
            fields,
            "window",
            "Write a number of days such as 30d, or leave it out for all time.",
        ),
    }
}
