//! What the tests of this crate share.

use crate::event::EventRow;

/// An event with everything but the named fields made up from `seq`.
pub(crate) fn event(seq: i64, account_no: i64, name: &str, at: &str) -> EventRow {
    let at: jiff::Timestamp = at.parse().unwrap();
    event_at(seq, account_no, name, at.as_microsecond())
}

pub(crate) fn event_at(seq: i64, account_no: i64, name: &str, micros: i64) -> EventRow {
    let zoned = jiff::Timestamp::from_microsecond(micros)
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::UTC);
    let kind = match name {
        "login" | "feature_used" => "product",
        "survey_answered" => "survey",
        "churned" | "renewed" => "revenue",
        _ => "communication",
    };
    EventRow {
        seq,
        message_id: format!("m-{seq}-{account_no}-{micros}"),
        account_no,
        account_id: (account_no != 0).then(|| format!("acc-{account_no}")),
        contact_id: (seq % 3 == 0).then(|| format!("contact-{}", seq % 7)),
        kind: kind.into(),
        name: name.into(),
        occurred_at: micros,
        received_at: micros + 1_000_000,
        day: i32::try_from(micros.div_euclid(86_400_000_000)).unwrap(),
        month: i32::from(zoned.year()) * 100 + i32::from(zoned.month()),
        source: "test".into(),
        properties: format!(r#"{{"score":{},"survey":"nps"}}"#, seq.rem_euclid(11)),
    }
}
