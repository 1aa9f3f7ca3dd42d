//! KPIs.

use super::words::{BETTER, SEGMENT_AT, UNITS, VALUES};
use super::{days, id, label, whole};
use crate::definitions::decode::{Fields, Note, Notes};
use crate::definitions::types::*;

fn kpi_window(notes: &mut Notes, fields: &Fields<'_>) -> KpiWindow {
    const REMEDY: &str = "Write day, month, quarter, a number of months such as 12m, or of days such as 90d.";
    if !fields.has("window") {
        fields.missing(notes, "window", REMEDY);
    }
    let Some(text) = fields.text(notes, "window") else {
        return KpiWindow::Month;
    };
    let found = match text.as_str() {
        "day" => Some(KpiWindow::Day),
        "month" => Some(KpiWindow::Month),
        "quarter" => Some(KpiWindow::Quarter),
        _ => match (
            text.strip_suffix('m').and_then(whole),
            text.strip_suffix('d').and_then(whole),
        ) {
            (Some(months), _) if (1..=120).contains(&months) => Some(KpiWindow::Months(months)),
            (_, Some(days)) if (1..=3660).contains(&days) => Some(KpiWindow::Days(days)),
            _ => None,
        },
    };
    if found.is_none() {
        let note = Note::error(&text, format!("'{text}' is not a window."), REMEDY)
            .near(["day", "month", "quarter", "12m", "90d"]);
        fields.note(notes, "window", note);
    }
    found.unwrap_or(KpiWindow::Month)
}

pub(super) fn kpi(notes: &mut Notes, fields: &Fields<'_>) -> Kpi {
    let id = id(notes, fields, "id");
    match (fields.has("facts"), fields.has("waits_for")) {
        (false, false) => fields.missing(
            notes,
            "facts",
            "Write the SQL of its facts, or 'waits_for' with what has to exist first.",
        ),
        (true, true) => {
            let note = Note::error(
                "waits_for",
                "A KPI with facts does not wait for anything.",
                "Keep one of 'facts' and 'waits_for'.",
            );
            fields.note(notes, "waits_for", note);
        }
        _ => {}
    }
    Kpi {
        label: label(notes, fields, &id),
        group: fields.text(notes, "group").unwrap_or_default(),
        description: fields.text(notes, "description").unwrap_or_default(),
        source: fields.text(notes, "source").unwrap_or_default(),
        unit: fields.need_choice(notes, "unit", UNITS).unwrap_or(Unit::Number),
        better: fields.need_choice(notes, "better", BETTER).unwrap_or(Better::Up),
        window: kpi_window(notes, fields),
        value: fields
            .need_choice(notes, "value", VALUES)
            .unwrap_or(KpiValue::Ratio),
        proportion: fields.boolean(notes, "proportion"),
        segment_at: fields.choice(notes, "segment_at", SEGMENT_AT).unwrap_or_default(),
        lag: days(
            notes,
            fields,
            "lag",
            "Write a number of days such as 30d, or leave it out.",
        ),
        item_label: fields.text(notes, "item_label"),
        waits_for: fields.text(notes, "waits_for"),
        facts: fields.text(notes, "facts"),
        id,
    }
}
