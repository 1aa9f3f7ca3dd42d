//! The words that every program shares besides the event vocabulary: the names that an expression may use for what
//! Tenure itself knows of an account, and the relations that a KPI's facts may read.

use super::types::AttributeType;

/// A name that every expression may use although no program declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name as it is written in an expression.
    pub name: &'static str,
    /// Its type.
    pub kind: AttributeType,
    /// What it is, with its unit.
    pub description: &'static str,
}

/// What Tenure knows of every account on every day, whatever the program declares.
pub const BUILTINS: &[Builtin] = &[
    Builtin {
        name: "account_id",
        kind: AttributeType::Text,
        description: "the account's id as its source knows it",
    },
    Builtin {
        name: "name",
        kind: AttributeType::Text,
        description: "the account's name",
    },
    Builtin {
        name: "owner",
        kind: AttributeType::Text,
        description: "e-mail of the account's owner",
    },
    Builtin {
        name: "mrr",
        kind: AttributeType::Money,
        description: "monthly recurring revenue in the currency's major unit; null = unknown",
    },
    Builtin {
        name: "active",
        kind: AttributeType::Boolean,
        description: "started on or before the day and not churned on or before it",
    },
    Builtin {
        name: "started_on",
        kind: AttributeType::Date,
        description: "first day of the running subscription",
    },
    Builtin {
        name: "days_active",
        kind: AttributeType::Integer,
        description: "whole days since started_on",
    },
];

/// The ISO 4217 codes of the currencies in use.
pub(super) const CURRENCIES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD",
    "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC",
    "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL",
    "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR",
    "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP",
    "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK",
    "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
    "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD",
    "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF",
    "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

/// The columns of `events`, as the lake keeps them.
const EVENT_COLUMNS: [&str; 13] = [
    "seq",
    "message_id",
    "account_no",
    "account_id",
    "contact_id",
    "kind",
    "name",
    "occurred_at",
    "received_at",
    "day",
    "month",
    "source",
    "properties",
];

/// The columns of `period_events`: the period that an event lies in, and the event.
const PERIOD_EVENT_COLUMNS: [&str; EVENT_COLUMNS.len() + 1] = {
    let mut columns = ["period"; EVENT_COLUMNS.len() + 1];
    let mut at = 0;
    while at < EVENT_COLUMNS.len() {
        columns[at + 1] = EVENT_COLUMNS[at];
        at += 1;
    }
    columns
};

/// The relations that a KPI's facts may read, each with its columns.
pub const RELATIONS: &[(&str, &[&str])] = &[
    ("periods", &["period", "first_day", "last_day"]),
    (
        "cohort",
        &[
            "period",
            "account_no",
            "account_id",
            "first_day",
            "last_day",
            "active_start",
            "active_end",
            "active_any",
            "churned_any",
            "started_on",
            "churned_on",
            "mrr_start",
            "mrr_end",
            "segment",
            "owner",
        ],
    ),
    ("period_events", &PERIOD_EVENT_COLUMNS),
    ("events", &EVENT_COLUMNS),
    (
        "account_spans",
        &[
            "account_no",
            "account_id",
            "from_day",
            "to_day",
            "active",
            "mrr",
            "segment",
            "owner",
        ],
    ),
    (
        "score_days",
        &["period", "account_no", "score", "points", "before", "velocity"],
    ),
    ("accounts", &[]),
    ("tickets", &[]),
    ("responses", &[]),
    ("opportunities", &[]),
    ("subscriptions", &[]),
    ("contacts", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_events_are_those_of_the_lake() {
        let schema = tenure_lake::event_schema();
        let kept: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(EVENT_COLUMNS.as_slice(), kept);
        assert_eq!(PERIOD_EVENT_COLUMNS[0], "period");
        assert_eq!(PERIOD_EVENT_COLUMNS[1..], EVENT_COLUMNS);
    }
}
