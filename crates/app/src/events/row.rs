//! From an event to its row, and how unsealed rows are kept: JSON lines, compressed, one body per group commit.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tenure_lake::EventRow;
use tenure_store::{StoreError, StoreResult};

use super::Event;

/// The day (days since 1970-01-01) and the month (yyyymm) of an instant in a zone. Instants outside the calendar are taken to its edge.
#[must_use]
pub fn day_and_month(micros: i64, zone: &TimeZone) -> (i32, i32) {
    let at = Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    });
    let date = zone.to_datetime(at).date();
    let month = i32::from(date.year()) * 100 + i32::from(date.month());
    (days_since_1970(date), month)
}

/// Days from 1970-01-01 to a date.
#[must_use]
pub fn days_since_1970(date: jiff::civil::Date) -> i32 {
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

/// The stored form of a validated event; `properties` is its properties as JSON text.
pub(super) fn row_of(
    seq: i64,
    event: Event,
    properties: String,
    account_no: i64,
    zone: &TimeZone,
) -> EventRow {
    let (day, month) = day_and_month(event.occurred_at, zone);
    EventRow {
        seq,
        message_id: event.message_id,
        account_no,
        account_id: event.account,
        contact_id: event.contact,
        kind: event.kind.name().to_owned(),
        name: event.name,
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        day,
        month,
        source: event.source,
        properties,
    }
}

/// Rows as a compressed body of JSON lines.
pub(super) fn encode(rows: &[EventRow]) -> StoreResult<Vec<u8>> {
    let mut lines = Vec::with_capacity(rows.len() * 320);
    for row in rows {
        serde_json::to_writer(&mut lines, row)
            .map_err(|error| StoreError::Other(format!("event {}: {error}", row.message_id)))?;
        lines.push(b'\n');
    }
    zstd::encode_all(lines.as_slice(), 1)
        .map_err(|error| StoreError::Other(format!("compressing events: {error}")))
}

/// The rows of a compressed body.
pub(super) fn decode(seq: i64, body: &[u8]) -> StoreResult<Vec<EventRow>> {
    let fault = |error: &dyn std::fmt::Display| {
        StoreError::Other(format!("event_tail: body {seq} is damaged: {error}"))
    };
    let lines = zstd::decode_all(body).map_err(|error| fault(&error))?;
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(|error| fault(&error)))
        .collect()
}
