//! The event vocabulary: the kinds of events, and the names that Tenure itself knows.

/// The kinds of events (DEFINITIONS §2, and `account` for what Tenure itself notes about an account).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Use of the customer's product: every name that is not listed elsewhere.
    Product,
    /// Educational content.
    Content,
    /// Mail and in-app messages.
    Communication,
    /// Meetings, calls, webinars.
    Meeting,
    /// Support tickets.
    Support,
    /// Surveys.
    Survey,
    /// Onboarding.
    Onboarding,
    /// Subscriptions and their changes.
    Revenue,
    /// Sales opportunities.
    Opportunity,
    /// References and advocacy.
    Advocacy,
    /// Tasks, playbooks, sponsors.
    Work,
    /// Changes of the account's own record.
    Account,
}

const NAMES: &[(Kind, &str, &[&str])] = &[
    (
        Kind::Product,
        "product",
        &["login", "feature_used", "course_completed", "page_viewed"],
    ),
    (
        Kind::Content,
        "content",
        &["content_viewed", "content_completed", "webinar_watched"],
    ),
    (
        Kind::Communication,
        "communication",
        &[
            "email_sent",
            "email_delivered",
            "email_opened",
            "email_clicked",
            "email_replied",
            "email_bounced",
            "email_complained",
            "unsubscribed",
            "in_app_shown",
            "in_app_clicked",
        ],
    ),
    (
        Kind::Meeting,
        "meeting",
        &[
            "meeting_held",
            "call_logged",
            "webinar_attended",
            "qbr_held",
            "event_attended",
        ],
    ),
    (
        Kind::Support,
        "support",
        &[
            "ticket_opened",
            "ticket_replied",
            "ticket_escalated",
            "ticket_resolved",
            "ticket_reopened",
        ],
    ),
    (
        Kind::Survey,
        "survey",
        &["survey_sent", "survey_answered", "survey_declined"],
    ),
    (
        Kind::Onboarding,
        "onboarding",
        &[
            "onboarding_started",
            "onboarding_step_completed",
            "onboarding_completed",
            "first_value",
        ],
    ),
    (
        Kind::Revenue,
        "revenue",
        &[
            "subscription_started",
            "mrr_changed",
            "renewed",
            "churned",
            "churn_notice",
            "churn_reason_recorded",
            "saved",
            "payment_failed",
        ],
    ),
    (
        Kind::Opportunity,
        "opportunity",
        &[
            "opportunity_opened",
            "opportunity_stage_changed",
            "opportunity_won",
            "opportunity_lost",
        ],
    ),
    (
        Kind::Advocacy,
        "advocacy",
        &[
            "advocate_nominated",
            "advocate_agreed",
            "advocate_revoked",
            "reference_requested",
            "reference_given",
            "testimonial_published",
        ],
    ),
    (
        Kind::Work,
        "work",
        &[
            "task_created",
            "task_completed",
            "task_skipped",
            "playbook_entered",
            "playbook_step_done",
            "playbook_exited",
            "sponsor_met",
        ],
    ),
    (
        Kind::Account,
        "account",
        &["account_updated", "segment_changed", "owner_changed"],
    ),
];

impl Kind {
    /// The kind of a native event name; names that are not in the vocabulary are product events.
    #[must_use]
    pub fn of(name: &str) -> Self {
        NAMES
            .iter()
            .find(|(_, _, names)| names.contains(&name))
            .map_or(Self::Product, |(kind, _, _)| *kind)
    }

    /// The kind's name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(kind, _, _)| *kind == self)
            .map_or("product", |(_, name, _)| name)
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(kind, _, _)| *kind)
    }

    /// Every native event name with its kind.
    pub fn vocabulary() -> impl Iterator<Item = (&'static str, Self)> {
        NAMES
            .iter()
            .flat_map(|(kind, _, names)| names.iter().map(move |name| (*name, *kind)))
    }
}
