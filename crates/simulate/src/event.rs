//! One event as the simulation holds it: small, without heap, rendered to JSON only when it is written.

use std::fmt::Write;

use crate::words;

macro_rules! names {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// The events that the simulation writes into the events file; the rest of the vocabulary comes from the other files' rows.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Name { $($variant),+ }
        impl Name {
            /// The event's name in the vocabulary.
            pub fn text(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
        }
    };
}

names! {
    Login = "login", FeatureUsed = "feature_used", CourseCompleted = "course_completed", PageViewed = "page_viewed", DataExported = "data_exported",
    ContentViewed = "content_viewed", ContentCompleted = "content_completed", WebinarWatched = "webinar_watched",
    EmailSent = "email_sent", EmailDelivered = "email_delivered", EmailOpened = "email_opened", EmailClicked = "email_clicked",
    EmailReplied = "email_replied", EmailBounced = "email_bounced", EmailComplained = "email_complained", Unsubscribed = "unsubscribed",
    InAppShown = "in_app_shown", InAppClicked = "in_app_clicked",
    MeetingHeld = "meeting_held", CallLogged = "call_logged", WebinarAttended = "webinar_attended", QbrHeld = "qbr_held", EventAttended = "event_attended",
    TicketReplied = "ticket_replied",
    OnboardingStarted = "onboarding_started", OnboardingStep = "onboarding_step_completed", OnboardingCompleted = "onboarding_completed",
    FirstValue = "first_value", StageChanged = "opportunity_stage_changed",
    AdvocateNominated = "advocate_nominated", AdvocateAgreed = "advocate_agreed", ReferenceRequested = "reference_requested",
    ReferenceGiven = "reference_given", TestimonialPublished = "testimonial_published", SponsorMet = "sponsor_met",
    ContactLeft = "contact_left", ContactJoined = "contact_joined",
}

/// What an event carries; indices point into the lists of [`words`].
#[derive(Clone, Copy, Debug)]
pub enum Props {
    /// Nothing.
    None,
    /// A feature of the product.
    Feature(u8),
    /// A course.
    Course(u8),
    /// A page of the product.
    Page(u8),
    /// Something to read or watch; the flag says whether it was reached from a message.
    Asset(u8, bool),
    /// A message of the numbered issue of a campaign.
    Email(u8, u32),
    /// An opened message; the flag says whether a machine opened it.
    Opened(u8, u32, bool),
    /// A notice inside the product.
    Notice(u8),
    /// A conversation: minutes and topic.
    Talk(u16, u8),
    /// A ticket's number within its account.
    Ticket(u32),
    /// A step of onboarding.
    Step(u8),
    /// An opportunity: number within its account, type, stage, value in cents.
    Stage(u32, u8, u8, i64),
    /// A kind of advocacy.
    Advocacy(u8),
}

/// One event of one account.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Number within the account, from which the message id is made.
    pub no: u32,
    /// Contact's number within the account; [`NOBODY`] when not known.
    pub contact: u8,
    /// What happened.
    pub name: Name,
    /// When, in microseconds.
    pub at: i64,
    /// When it became known, in microseconds.
    pub received: i64,
    /// What it carries.
    pub props: Props,
}

/// The contact of events that belong to the account as a whole.
pub const NOBODY: u8 = u8::MAX;

impl Event {
    /// True for the events that count as engagement (a viewed content only when a message led to it).
    pub fn engages(&self) -> bool {
        use Name::*;
        match self.name {
            EmailClicked | EmailReplied | MeetingHeld | CallLogged | WebinarAttended | QbrHeld
            | EventAttended | InAppClicked => true,
            ContentViewed => matches!(self.props, Props::Asset(_, true)),
            _ => false,
        }
    }
}

/// Writes the properties as a JSON object; `account` is the account's number. Every text in the lists is free of quotes and backslashes.
pub fn render(props: Props, account: u32, out: &mut String) {
    out.clear();
    // Writing to a String cannot fail.
    let _ = match props {
        Props::None => write!(out, "{{}}"),
        Props::Feature(i) => write!(out, r#"{{"feature":"{}"}}"#, words::FEATURES[i as usize]),
        Props::Course(i) => write!(out, r#"{{"course":"{}"}}"#, words::COURSES[i as usize]),
        Props::Page(i) => write!(out, r#"{{"page":"/{}"}}"#, words::PAGES[i as usize]),
        Props::Asset(i, from_message) => {
            let (id, kind) = words::ASSETS[i as usize];
            write!(
                out,
                r#"{{"asset_id":"{id}","asset_type":"{kind}","from_message":{from_message}}}"#
            )
        }
        Props::Email(campaign, issue) => write!(
            out,
            r#"{{"campaign":"{}-{issue}"}}"#,
            words::CAMPAIGNS[campaign as usize]
        ),
        Props::Opened(campaign, issue, machine) => {
            write!(
                out,
                r#"{{"campaign":"{}-{issue}","machine":{machine}}}"#,
                words::CAMPAIGNS[campaign as usize]
            )
        }
        Props::Notice(i) => write!(out, r#"{{"notice":"{}"}}"#, words::NOTICES[i as usize]),
        Props::Talk(minutes, topic) => write!(
            out,
            r#"{{"minutes":{minutes},"topic":"{}"}}"#,
            words::TOPICS[topic as usize]
        ),
        Props::Ticket(no) => write!(out, r#"{{"ticket_id":"T-{account:05}-{no}"}}"#),
        Props::Step(i) => write!(out, r#"{{"step":"{}"}}"#, words::STEPS[i as usize]),
        Props::Stage(no, kind, stage, cents) => write!(
            out,
            r#"{{"opportunity_id":"O-{account:05}-{no}","type":"{}","stage":"{}","value":{}.{:02},"currency":"USD"}}"#,
            words::OPPORTUNITY_TYPES[kind as usize],
            words::STAGES[stage as usize],
            cents / 100,
            cents % 100
        ),
        Props::Advocacy(i) => write!(out, r#"{{"kind":"{}"}}"#, words::ADVOCACY[i as usize]),
    };
}
