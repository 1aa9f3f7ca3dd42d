//! The kinds of rows that can be imported, and their fields (docs/shape.md, “Import kinds”).

use super::read::normal;

/// What a file's rows are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Companies that buy.
    Accounts,
    /// People of those companies.
    Contacts,
    /// What they pay: changes or intervals.
    Subscriptions,
    /// What they do.
    Events,
    /// Support tickets.
    Tickets,
    /// Sales opportunities.
    Opportunities,
    /// Answers to surveys.
    Responses,
}

/// How a field's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// An account's, contact's or other id.
    Id,
    /// Any text.
    Text,
    /// A calendar day.
    Day,
    /// A point in time.
    Instant,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// An amount of money in the currency's major unit, not negative.
    Money,
    /// An e-mail address.
    Email,
    /// A three-letter currency code.
    Currency,
    /// A JSON object.
    Object,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Words of a list, separated by `;`.
    Choices(&'static [&'static str]),
}

/// One field of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// How its text is read.
    pub kind: Type,
    /// Whether every row needs it.
    pub required: bool,
    /// Other names that a column of it may have, in their normal form.
    pub also: &'static [&'static str],
}

const fn need(name: &'static str, kind: Type, also: &'static [&'static str]) -> Field {
    Field {
        name,
        kind,
        required: true,
        also,
    }
}

const fn may(name: &'static str, kind: Type, also: &'static [&'static str]) -> Field {
    Field {
        name,
        kind,
        required: false,
        also,
    }
}

pub(super) const REASONS: &[&str] = &[
    "feature_gaps",
    "support_issues",
    "pricing",
    "company_change",
    "competitor",
    "unknown",
];
/// What a change row of a subscription can tell.
pub const CHANGES: &[&str] = &[
    "started",
    "new",
    "upsell",
    "cross_sell",
    "contraction",
    "price",
    "renewed",
    "churned",
    "churn_notice",
    "saved",
    "payment_failed",
];

const ACCOUNT_ID: Field = need(
    "account_id",
    Type::Id,
    &[
        "account",
        "customer_id",
        "company_id",
        "organization_id",
        "organisation_id",
        "group_id",
        "tenant_id",
    ],
);
const CONTACT_ID: Field = may(
    "contact_id",
    Type::Id,
    &["contact", "user_id", "person_id", "requester_id"],
);
const CURRENCY: Field = may(
    "currency",
    Type::Currency,
    &["currency_code", "currency_iso_code"],
);
const MRR: &[&str] = &["mrr_amount", "monthly_recurring_revenue", "monthly_amount"];
const RECEIVED_AT: Field = may("received_at", Type::Instant, &["ingested_at"]);
const UPDATED_AT: Field = may(
    "updated_at",
    Type::Instant,
    &[
        "last_modified_date",
        "last_modified_at",
        "modified_at",
        "system_modstamp",
    ],
);
const MESSAGE_ID: Field = may("message_id", Type::Id, &[]);

const ACCOUNTS: &[Field] = &[
    need(
        "account_id",
        Type::Id,
        &[
            "id",
            "account",
            "customer_id",
            "company_id",
            "organization_id",
            "organisation_id",
            "group_id",
        ],
    ),
    need(
        "name",
        Type::Text,
        &[
            "account_name",
            "company",
            "company_name",
            "customer",
            "customer_name",
            "organization",
            "organisation",
        ],
    ),
    may(
        "domain",
        Type::Text,
        &["website", "company_domain", "company_domain_name", "web_site"],
    ),
    may("industry", Type::Text, &["sector", "vertical"]),
    may(
        "plan",
        Type::Text,
        &["plan_tier", "plan_name", "tier", "edition", "package"],
    ),
    may(
        "employees",
        Type::Integer,
        &[
            "number_of_employees",
            "employee_count",
            "num_employees",
            "headcount",
            "staff",
            "company_size",
        ],
    ),
    may(
        "seats",
        Type::Integer,
        &["licenses", "licences", "number_of_seats", "seat_count"],
    ),
    may(
        "owner",
        Type::Text,
        &[
            "owner_email",
            "account_owner",
            "csm",
            "csm_email",
            "account_manager",
            "customer_success_manager",
        ],
    ),
    may(
        "started_on",
        Type::Day,
        &[
            "start_date",
            "customer_since",
            "contract_start",
            "contract_start_date",
            "subscription_start",
        ],
    ),
    may(
        "churned_on",
        Type::Day,
        &[
            "churn_date",
            "cancelled_on",
            "canceled_on",
            "cancellation_date",
            "cancelled_at",
        ],
    ),
    may("churn_reason", Type::Choice(REASONS), &["cancellation_reason"]),
    may("mrr", Type::Money, MRR),
    CURRENCY,
    may(
        "parent_id",
        Type::Id,
        &["parent_account_id", "parent_account", "parent_company_id"],
    ),
    UPDATED_AT,
];
const CONTACTS: &[Field] = &[
    need("contact_id", Type::Id, &["id", "contact", "user_id", "person_id"]),
    ACCOUNT_ID,
    may("email", Type::Email, &["email_address", "e_mail", "mail"]),
    may("name", Type::Text, &["full_name", "contact_name", "display_name"]),
    may("title", Type::Text, &["job_title", "position"]),
    may("role", Type::Text, &["contact_role"]),
    may("phone", Type::Text, &["phone_number", "telephone", "mobile"]),
    UPDATED_AT,
];
const SUBSCRIPTION_CHANGES: &[Field] = &[
    ACCOUNT_ID,
    may("subscription_id", Type::Id, &["subscription", "contract_id"]),
    need(
        "effective_on",
        Type::Day,
        &["effective_date", "changed_on", "change_date"],
    ),
    need("change", Type::Choice(CHANGES), &["change_type"]),
    may("mrr", Type::Money, MRR),
    CURRENCY,
    may("reason", Type::Text, &["reason_code", "churn_reason"]),
    may("secondary_reasons", Type::Choices(REASONS), &[]),
    RECEIVED_AT,
    MESSAGE_ID,
];
const SUBSCRIPTION_INTERVALS: &[Field] = &[
    ACCOUNT_ID,
    need(
        "subscription_id",
        Type::Id,
        &["id", "subscription", "contract_id"],
    ),
    need(
        "start_on",
        Type::Day,
        &[
            "start_date",
            "started_on",
            "started_at",
            "current_period_start",
            "contract_start_date",
        ],
    ),
    may(
        "end_on",
        Type::Day,
        &[
            "end_date",
            "ended_on",
            "ended_at",
            "cancelled_at",
            "canceled_at",
            "contract_end_date",
        ],
    ),
    need("mrr", Type::Money, MRR),
    CURRENCY,
    may(
        "reason",
        Type::Choice(REASONS),
        &["reason_code", "churn_reason", "cancellation_reason"],
    ),
    RECEIVED_AT,
];
const EVENTS: &[Field] = &[
    need("message_id", Type::Id, &["id", "event_id", "uuid", "insert_id"]),
    Field {
        required: false,
        ..ACCOUNT_ID
    },
    CONTACT_ID,
    need("name", Type::Text, &["event", "event_name", "event_type"]),
    need(
        "occurred_at",
        Type::Instant,
        &[
            "timestamp",
            "time",
            "event_time",
            "occurred",
            "created_at",
            "date",
            "datetime",
            "original_timestamp",
        ],
    ),
    RECEIVED_AT,
    may("properties", Type::Object, &["props", "event_properties"]),
];
const TICKETS: &[Field] = &[
    need(
        "ticket_id",
        Type::Id,
        &["id", "ticket", "case_id", "case_number", "ticket_number"],
    ),
    ACCOUNT_ID,
    CONTACT_ID,
    need(
        "opened_at",
        Type::Instant,
        &["created_at", "created_date", "submitted_at", "opened", "created"],
    ),
    may("escalated_at", Type::Instant, &["escalated"]),
    may("reopened_at", Type::Instant, &["reopened"]),
    may(
        "resolved_at",
        Type::Instant,
        &["closed_at", "solved_at", "closed_date", "resolved", "closed"],
    ),
    may("priority", Type::Text, &["severity", "urgency"]),
    may("subject", Type::Text, &["ticket_subject", "summary"]),
    may(
        "satisfaction",
        Type::Number,
        &["satisfaction_score", "csat", "csat_score"],
    ),
    RECEIVED_AT,
];
const OPPORTUNITIES: &[Field] = &[
    need("opportunity_id", Type::Id, &["id", "opportunity", "deal_id"]),
    ACCOUNT_ID,
    need(
        "type",
        Type::Choice(&["upsell", "cross_sell", "renewal"]),
        &["opportunity_type", "deal_type"],
    ),
    need(
        "opened_on",
        Type::Instant,
        &["created_date", "created_at", "opened_at", "create_date"],
    ),
    may("stage", Type::Text, &["stage_name", "deal_stage"]),
    need("value", Type::Money, &["amount", "deal_amount"]),
    CURRENCY,
    may(
        "closed_on",
        Type::Instant,
        &["close_date", "closed_at", "closed_date"],
    ),
    may("outcome", Type::Choice(&["won", "lost"]), &["result"]),
    RECEIVED_AT,
];
const RESPONSES: &[Field] = &[
    need("response_id", Type::Id, &["id", "response", "answer_id"]),
    ACCOUNT_ID,
    CONTACT_ID,
    need(
        "survey",
        Type::Choice(&["nps", "csat", "ces"]),
        &["survey_type", "survey_kind"],
    ),
    may("sent_at", Type::Instant, &["sent", "delivered_at"]),
    may(
        "answered_at",
        Type::Instant,
        &["answered", "responded_at", "submitted_at"],
    ),
    may("score", Type::Number, &["rating", "answer"]),
    may("comment", Type::Text, &["feedback", "feedback_text", "verbatim"]),
    may(
        "interaction",
        Type::Choice(&["onboarding", "support", "qbr", "relationship"]),
        &[],
    ),
    may("declined", Type::Boolean, &[]),
    RECEIVED_AT,
];

/// The fields that a kind's rows can have, in one of its forms.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The kind.
    pub kind: Kind,
    /// What its rows are called, for messages.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Accounts,
        Self::Contacts,
        Self::Subscriptions,
        Self::Events,
        Self::Tickets,
        Self::Opportunities,
        Self::Responses,
    ];

    /// Its name, as in `--kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
            Self::Subscriptions => "subscriptions",
            Self::Events => "events",
            Self::Tickets => "tickets",
            Self::Opportunities => "opportunities",
            Self::Responses => "responses",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The forms of its rows. Only subscriptions have two; the first is taken when its own fields are there.
    pub fn forms(self) -> &'static [Form] {
        macro_rules! form {
            ($kind:ident, $name:literal, $fields:ident) => {
                Form {
                    kind: Kind::$kind,
                    name: $name,
                    fields: $fields,
                }
            };
        }
        match self {
            Self::Accounts => const { &[form!(Accounts, "accounts", ACCOUNTS)] },
            Self::Contacts => const { &[form!(Contacts, "contacts", CONTACTS)] },
            Self::Subscriptions => {
                const {
                    &[
                        form!(Subscriptions, "subscriptions (changes)", SUBSCRIPTION_CHANGES),
                        form!(Subscriptions, "subscriptions (intervals)", SUBSCRIPTION_INTERVALS),
                    ]
                }
            }
            Self::Events => const { &[form!(Events, "events", EVENTS)] },
            Self::Tickets => const { &[form!(Tickets, "tickets", TICKETS)] },
            Self::Opportunities => const { &[form!(Opportunities, "opportunities", OPPORTUNITIES)] },
            Self::Responses => const { &[form!(Responses, "responses", RESPONSES)] },
        }
    }

    /// What becomes of columns that no field takes.
    pub fn others(self) -> Others {
        match self {
            Self::Accounts | Self::Contacts => Others::Attributes,
            Self::Events => Others::Properties,
            Self::Subscriptions | Self::Tickets | Self::Opportunities | Self::Responses => Others::Ignored,
        }
    }
}

/// What becomes of columns that no field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They become attributes.
    Attributes,
    /// They become properties of the event.
    Properties,
    /// They are left out.
    Ignored,
}

impl Form {
    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The field that a column of this name is taken for.
    pub fn guess(&self, column: &str) -> Option<usize> {
        let name = normal(column);
        self.field(&name).or_else(|| {
            self.fields
                .iter()
                .position(|field| field.also.contains(&name.as_str()))
        })
    }
}

impl Type {
    /// What a value of the type looks like, for remedies.
    pub fn example(self) -> String {
        match self {
            Self::Id | Self::Text => "text".to_owned(),
            Self::Day => "a day such as 2026-06-30, or `format:` in the map".to_owned(),
            Self::Instant => "an instant such as 2026-06-30T14:05:00Z, or `format:` in the map".to_owned(),
            Self::Number => "a number such as 4.5".to_owned(),
            Self::Integer => "a whole number such as 40".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Money => "an amount such as 1250.00, or `decimal: \",\"` in the map".to_owned(),
            Self::Email => "an address such as ann@example.com".to_owned(),
            Self::Currency => "a code such as USD".to_owned(),
            Self::Object => "a JSON object such as {\"feature\": \"export\"}".to_owned(),
            Self::Choice(words) | Self::Choices(words) => {
                format!("one of {}, or `values:` in the map", words.join(", "))
            }
        }
    }
}
