//! Instants as clients write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value as Json;

/// How far an event may lie ahead of its arrival, in microseconds: two days, more than any zone that was mistaken for UTC.
pub(super) const AHEAD: i64 = 48 * 3_600 * 1_000_000;
/// The first instant that is taken, 1970-01-02 in UTC microseconds: everything before it is a clock or a field that was never set.
pub(super) const EARLIEST: i64 = 86_400 * 1_000_000;

/// What is wrong with an instant, and what to do.
pub(super) type Fault = (String, &'static str);

const WRITE: &str = "send the instant as ISO 8601, such as 2026-06-30T14:05:00.000Z";

/// UTC microseconds of an instant: ISO 8601 (without a zone: UTC; a date alone: its midnight in UTC; a leap second: the second before it),
/// or a number of seconds, milliseconds or microseconds since 1970, told apart by size.
pub(super) fn parse(value: &Json) -> Result<i64, Fault> {
    match value {
        Json::String(text) => text_micros(text.trim()),
        Json::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let scale = match number.abs() {
                n if n < 1e11 => 1e6,
                n if n < 1e14 => 1e3,
                _ => 1.0,
            };
            let micros = number * scale;
            if micros.is_finite() && micros.abs() < 2.5e17 {
                #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
                return Ok(micros.round() as i64);
            }
            Err((format!("{number} is not an instant"), WRITE))
        }
        _ => Err(("an instant is text or a number".to_owned(), WRITE)),
    }
}

fn text_micros(text: &str) -> Result<i64, Fault> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_microsecond());
    }
    let local = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| text.parse::<Date>().ok().map(Date::into));
    // Year 9999 has no last hours in UTC microseconds everywhere; such an instant is refused as any other nonsense.
    let instant = local.and_then(|local| local.to_zoned(TimeZone::UTC).ok());
    instant
        .map(|instant| instant.timestamp().as_microsecond())
        .ok_or_else(|| ("this is not an instant".to_owned(), WRITE))
}

/// When an event happened, by our clock: its own time, moved by what the client's clock was wrong when it sent the request.
pub(super) fn corrected(received: i64, own: Option<i64>, sent: Option<i64>) -> i64 {
    match (own, sent) {
        (None, _) => received,
        (Some(own), None) => own,
        (Some(own), Some(sent)) => received.saturating_sub(sent.saturating_sub(own)),
    }
}

/// Refuses instants that cannot be meant.
pub(super) fn check(occurred: i64, received: i64) -> Result<(), Fault> {
    if occurred > received.saturating_add(AHEAD) {
        return Err((
            "the event lies more than 48 hours ahead of its arrival".to_owned(),
            "set the clock of the sender, or send `sentAt` so that it can be corrected; plans for the future are no events",
        ));
    }
    if occurred < EARLIEST {
        return Err((
            "the event lies before 1970-01-02, as with a clock or a field that was never set".to_owned(),
            "send the instant at which it happened, or leave `timestamp` out to take the time of arrival",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_read_in_every_usual_spelling() {
        let noon = 1_782_820_800_000_000;
        for value in [
            json!("2026-06-30T12:00:00Z"),
            json!("2026-06-30T12:00:00.000Z"),
            json!("2026-06-30 12:00:00+00:00"),
            json!("2026-06-30T12:00:00"),
            json!("2026-06-30 12:00:00.000000"),
            json!("2026-07-01T02:00:00+14:00"),
            json!(1_782_820_800),
            json!(1_782_820_800_000_i64),
            json!(1_782_820_800_000_000_i64),
            json!(1_782_820_800.0),
        ] {
            assert_eq!(parse(&value), Ok(noon), "{value}");
        }
        assert_eq!(parse(&json!("2026-06-30")), Ok(noon - 43_200_000_000));
        // 2016-12-31T23:59:60Z was a leap second.
        assert_eq!(
            parse(&json!("2016-12-31T23:59:60Z")),
            parse(&json!("2016-12-31T23:59:59Z"))
        );
        for value in [
            json!("yesterday"),
            json!(""),
            json!(true),
            json!([1]),
            json!("2026-02-30T00:00:00Z"),
            json!("12026-01-01"),
            json!(1e300),
        ] {
            assert!(parse(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_wrong_clock_is_taken_out() {
        // The client's clock is an hour ahead; the event happened ten minutes before it was sent.
        let received = 1_000_000_000_000_000;
        let hour = 3_600_000_000;
        let own = received + hour - hour / 6;
        assert_eq!(
            corrected(received, Some(own), Some(received + hour)),
            received - hour / 6
        );
        assert_eq!(corrected(received, Some(own), None), own);
        assert_eq!(corrected(received, None, Some(own)), received);
        assert_eq!(
            corrected(i64::MAX, Some(i64::MIN), Some(i64::MAX)),
            i64::MAX - (i64::MAX)
        );
    }

    #[test]
    fn unset_and_far_instants_are_refused() {
        let received = 1_782_820_800_000_000;
        assert!(check(received + AHEAD, received).is_ok());
        assert!(check(received + AHEAD + 1, received).is_err());
        assert!(check(EARLIEST, received).is_ok());
        assert!(check(EARLIEST - 1, received).is_err());
        assert!(check(parse(&json!("0001-01-01T00:00:00Z")).unwrap(), received).is_err());
        assert!(check(parse(&json!("9999-01-01T00:00:00Z")).unwrap(), received).is_err());
    }
}
