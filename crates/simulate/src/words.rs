//! The words of the simulated company: its product, its material, its tickets, and what its customers say in surveys.

use crate::random::Random;

/// Features of the product, from the most to the least used.
pub const FEATURES: [&str; 14] = [
    "course_assignment",
    "completion_report",
    "reminders",
    "certificates",
    "user_import",
    "learning_paths",
    "policy_library",
    "incident_reports",
    "credential_tracking",
    "audit_binder",
    "custom_courses",
    "sso",
    "hr_sync",
    "api",
];
/// Courses.
pub const COURSES: [&str; 16] = [
    "hipaa-basics",
    "hipaa-refresher",
    "bloodborne-pathogens",
    "osha-general",
    "hand-hygiene",
    "fire-safety",
    "workplace-violence",
    "cultural-competence",
    "fraud-waste-abuse",
    "patient-rights",
    "infection-control",
    "hazard-communication",
    "emergency-preparedness",
    "sexual-harassment-prevention",
    "cyber-awareness",
    "medication-safety",
];
/// Pages of the product.
pub const PAGES: [&str; 8] = [
    "home",
    "reports",
    "people",
    "courses",
    "policies",
    "incidents",
    "settings",
    "billing",
];
/// Material: id and type.
pub const ASSETS: [(&str, &str); 16] = [
    ("first-week-guide", "guide"),
    ("survey-readiness", "guide"),
    ("assign-in-bulk", "video"),
    ("report-builder-tour", "video"),
    ("policy-review-howto", "article"),
    ("hipaa-changes", "article"),
    ("osha-log-checklist", "guide"),
    ("incident-trends", "webinar"),
    ("credential-expiry", "video"),
    ("sso-setup", "article"),
    ("accreditation-hour", "webinar"),
    ("reminder-rules", "article"),
    ("audit-binder-basics", "video"),
    ("new-hire-path", "guide"),
    ("manager-dashboard", "video"),
    ("year-end-compliance", "webinar"),
];
/// Mail campaigns; the first two go to everybody, the third only comes from a person.
pub const CAMPAIGNS: [&str; 5] = [
    "newsletter",
    "product-update",
    "personal",
    "onboarding",
    "webinar-invitation",
];
/// Notices inside the product.
pub const NOTICES: [&str; 5] = [
    "new-report",
    "expiring-credentials",
    "unassigned-staff",
    "webinar-tomorrow",
    "try-learning-paths",
];
/// What conversations are about.
pub const TOPICS: [&str; 7] = [
    "check-in",
    "kick-off",
    "business-review",
    "renewal",
    "adoption",
    "issue",
    "retention",
];
/// Steps of onboarding, in order.
pub const STEPS: [&str; 5] = [
    "kick_off",
    "admin_setup",
    "staff_imported",
    "first_courses_assigned",
    "first_report_reviewed",
];
/// Types of opportunity.
pub const OPPORTUNITY_TYPES: [&str; 3] = ["upsell", "cross_sell", "renewal"];
/// Stages of an open opportunity, then the closed ones.
pub const STAGES: [&str; 5] = [
    "qualified",
    "proposed",
    "negotiation",
    "closed_won",
    "closed_lost",
];
/// Kinds of advocacy.
pub const ADVOCACY: [&str; 4] = ["reference_call", "case_study", "review", "speaker"];
/// Primary reasons of churn.
pub const REASONS: [&str; 6] = [
    "feature_gaps",
    "support_issues",
    "pricing",
    "company_change",
    "competitor",
    "unknown",
];
/// Priorities of tickets.
pub const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];

/// Subjects of tickets.
pub const SUBJECTS: [&str; 24] = [
    "Completion report does not match certificates",
    "Cannot import staff list",
    "Single sign-on loop after update",
    "Reminder mails sent twice",
    "Course does not mark as completed",
    "How do I archive leavers?",
    "Certificate shows wrong date",
    "Need a report by location",
    "HR sync stopped",
    "Password reset mail does not arrive",
    "Video does not play on tablets",
    "Incident form cannot be submitted",
    "Invoice question",
    "Add a second administrator",
    "Policy acknowledgement missing",
    "Credential expiry shows wrong state",
    "Slow pages in the morning",
    "Learning path order changed",
    "Export is empty",
    "API returns 403",
    "Accreditation binder incomplete",
    "Change billing contact",
    "Wrong courses assigned to new hires",
    "Time zone of due dates is wrong",
];

/// What a comment is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// How easy the product is.
    Ease,
    /// The help desk.
    Support,
    /// Courses and material.
    Content,
    /// Reports.
    Reporting,
    /// Price and value.
    Price,
    /// Connections with other systems.
    Integration,
    /// Start and training.
    Onboarding,
    /// The contact person.
    Relationship,
}

const THEMES: [Theme; 8] = [
    Theme::Ease,
    Theme::Support,
    Theme::Content,
    Theme::Reporting,
    Theme::Price,
    Theme::Integration,
    Theme::Onboarding,
    Theme::Relationship,
];

type Phrases = [&'static [&'static str]; 3];

/// Unhappy, lukewarm and happy sentences on a theme; `{feature}`, `{course}` and `{n}` are filled in.
fn phrases(theme: Theme) -> Phrases {
    match theme {
        Theme::Ease => [
            &[
                "Too many clicks to do simple things.",
                "Our staff get lost in the menus every single time.",
                "Finding {feature} took me half an hour.",
                "The last redesign made our daily work harder.",
            ],
            &[
                "It does the job, though it takes getting used to.",
                "Fine for administrators, less so for staff on phones.",
                "Some screens feel dated but we manage.",
            ],
            &[
                "Very easy to use, even for our least technical nurses.",
                "New staff find their way without asking me.",
                "I set up {feature} in {n} minutes.",
                "Clean, simple, and it just works.",
            ],
        ],
        Theme::Support => [
            &[
                "Waited {n} days for an answer.",
                "Our ticket was closed without being solved.",
                "I explain the same problem to a different person each time.",
                "Support does not seem to read what I write.",
            ],
            &[
                "Support is friendly, the answers are sometimes slow.",
                "Got an answer in the end.",
                "Depends on who picks up the ticket.",
            ],
            &[
                "Support answered within the hour.",
                "Every question I had was solved the same day.",
                "The help desk knows our set-up and it shows.",
                "Quick, kind and to the point.",
            ],
        ],
        Theme::Content => [
            &[
                "The {course} course is out of date.",
                "Courses repeat the same slides year after year.",
                "Not enough for our specialty.",
            ],
            &[
                "Content is decent, a few modules are too long.",
                "Would like more in Spanish.",
                "Good basics, little for advanced staff.",
            ],
            &[
                "The {course} course is excellent.",
                "Staff actually enjoy the short videos.",
                "The library covers everything our surveyor asked for.",
                "Material is current and easy to follow.",
            ],
        ],
        Theme::Reporting => [
            &[
                "Reports never match what staff show me.",
                "I export to a spreadsheet for everything because the reports cannot do it.",
                "We failed to find the evidence in time for our survey.",
            ],
            &[
                "Reports are fine but I cannot save my filters.",
                "More flexible reports would help.",
                "It covers the basics.",
            ],
            &[
                "Survey day was painless: every report was there.",
                "The completion report saves me {n} hours a month.",
                "I finally see who is overdue at a glance.",
            ],
        ],
        Theme::Price => [
            &[
                "The price went up again and we got nothing for it.",
                "Too expensive for a practice of our size.",
                "We pay for features that we do not use.",
                "Hard to justify at renewal.",
            ],
            &[
                "Priced about like the others.",
                "Fair, but the add-ons pile up.",
                "Worth it if we used more of it.",
            ],
            &[
                "Good value for what we get.",
                "It paid for itself within {n} months.",
                "Costs less than what we did by hand.",
            ],
        ],
        Theme::Integration => [
            &[
                "The HR sync breaks every few weeks.",
                "We still type leavers in by hand.",
                "Single sign-on has never worked properly.",
            ],
            &[
                "The integration works, setting it up took long.",
                "Would like a connection with our scheduling system.",
            ],
            &[
                "Single sign-on was set up in a day.",
                "HR sync means that I never touch staff lists any more.",
                "Works well with what we have.",
            ],
        ],
        Theme::Onboarding => [
            &[
                "Nobody told us what to do after the first call.",
                "Three months in and we are still not set up.",
                "Training was a recording of somebody else's system.",
            ],
            &[
                "Onboarding was fine, a bit rushed.",
                "We needed a second session for managers.",
                "Good start, then it got quiet.",
            ],
            &[
                "We were running in {n} days.",
                "The kick-off was clear and well prepared.",
                "Onboarding was the smoothest that I have seen.",
            ],
        ],
        Theme::Relationship => [
            &[
                "We have not heard from anyone in months.",
                "Our contact changed and nobody introduced the new one.",
                "Feels like we only hear from you at renewal.",
            ],
            &[
                "Nice people, not much contact.",
                "A yearly review would be enough for us.",
                "We get on with it ourselves.",
            ],
            &[
                "Our success manager knows our business.",
                "Somebody always checks in before our survey.",
                "Feels like a partner, not a vendor.",
            ],
        ],
    }
}

const CLOSERS: Phrases = [
    &[
        "Please fix this.",
        "We are looking at alternatives.",
        "Disappointed.",
        "Would not recommend it at the moment.",
    ],
    &[
        "Otherwise okay.",
        "Could be better, could be worse.",
        "Let us see how next year goes.",
    ],
    &[
        "Thank you!",
        "Keep it up.",
        "Would recommend it to any practice.",
        "Happy customer.",
    ],
];

/// A comment of one to three sentences that fits `mood` (0 unhappy, 1 lukewarm, 2 happy) and, if given, the theme.
pub fn comment(random: &mut Random, mood: usize, theme: Option<Theme>) -> String {
    let theme = theme.unwrap_or_else(|| random.pick(&THEMES));
    let mut text = random.pick(phrases(theme)[mood]).to_owned();
    if random.chance(0.35) {
        let other = random.pick(&THEMES);
        if other != theme {
            // People who grumble still find something good, and the other way round.
            let tone = if random.chance(0.25) { 1 } else { mood };
            text.push(' ');
            text.push_str(random.pick(phrases(other)[tone]));
        }
    }
    if random.chance(0.3) {
        text.push(' ');
        text.push_str(random.pick(CLOSERS[mood]));
    }
    let feature = random.pick(&FEATURES).replace('_', " ");
    let course = random.pick(&COURSES).replace('-', " ");
    text.replace("{feature}", &feature)
        .replace("{course}", &course)
        .replace("{n}", &random.range(2, 12).to_string())
}
