//! Turns messages into events and into changes of accounts and contacts.

use std::time::Instant;

use serde_json::{Map, Value as Json};

use super::context;
use super::hints::{Hint, Hints};
use super::message::{Call, Fault, Message};
use super::time::{check, corrected, parse as instant};
use super::traits::{self, Vocabulary};
use crate::accounts::{Change, ContactChange, Directory, normalise_json};
use crate::events::{Event, Kind};

/// The longest name of an event, in characters.
const LONGEST_NAME: usize = 200;
/// The longest message id, in bytes.
const LONGEST_MESSAGE_ID: usize = 255;

/// What all messages of a request share.
pub(super) struct Request<'a> {
    pub(super) source: &'a str,
    pub(super) received: i64,
    /// `sentAt` of the request as a whole.
    pub(super) sent: Option<&'a Json>,
    /// `context` of the request as a whole; a message's own stands above it.
    pub(super) context: Option<&'a Map<String, Json>>,
    pub(super) directory: &'a Directory,
    pub(super) hints: &'a Hints,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) now: Instant,
}

/// What messages became.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) events: Vec<Event>,
    pub(super) changes: Vec<Change>,
    /// Values that were left out of messages that were otherwise taken.
    pub(super) left_out: Vec<Fault>,
}

/// Who a message is about.
struct Who {
    user: Option<String>,
    anonymous: Option<String>,
    /// The account that the message names itself.
    group: Option<String>,
    /// The contact, after aliases.
    contact: Option<String>,
    /// The account of the contact, as known so far.
    account: Option<String>,
    /// Whether the contact is known already.
    known: bool,
}

fn id(field: &'static str, value: &Json) -> Result<Option<String>, Fault> {
    match normalise_json(value) {
        Ok(id) => Ok(id.map(std::borrow::Cow::into_owned)),
        Err(fault) => Err(Fault::new(field, value, fault.problem, fault.remedy)),
    }
}

impl Request<'_> {
    /// Takes one message in. `raw` are its bytes, from which an id is made when it brings none.
    pub(super) fn take(
        &self,
        call: Call,
        mut message: Message,
        raw: &[u8],
        into: &mut Outcome,
    ) -> Result<(), Fault> {
        let occurred = self.occurred(&message)?;
        let mut context = Message::object("context", std::mem::take(&mut message.context))?;
        if let Some(shared) = self.context {
            for (key, value) in shared {
                if !context.contains_key(key) {
                    context.insert(key.clone(), value.clone());
                }
            }
        }
        match call {
            Call::Track | Call::Page | Call::Screen => {
                self.event(call, message, context, occurred, raw, into)
            }
            Call::Identify => self.identify(message, context, occurred, into),
            Call::Group => self.group(message, &context, occurred, into),
            Call::Alias => self.alias(&message, occurred, into),
        }
    }

    fn occurred(&self, message: &Message) -> Result<i64, Fault> {
        let (field, own) = match (&message.original_timestamp, &message.timestamp) {
            (Json::Null, own) => ("timestamp", own),
            (own, _) => ("originalTimestamp", own),
        };
        let read = |field, value: &Json| match value {
            Json::Null => Ok(None),
            value => instant(value)
                .map(Some)
                .map_err(|(reason, remedy)| Fault::new(field, value, reason, remedy)),
        };
        let sent = match (&message.sent_at, self.sent) {
            (Json::Null, Some(shared)) => read("sentAt", shared)?,
            (own, _) => read("sentAt", own)?,
        };
        let occurred = corrected(self.received, read(field, own)?, sent);
        check(occurred, self.received).map_err(|(reason, remedy)| Fault::new(field, own, reason, remedy))?;
        Ok(occurred)
    }

    fn who(&self, message: &Message, context: &Map<String, Json>) -> Result<Who, Fault> {
        let user = id("userId", &message.user_id)?;
        let anonymous = id("anonymousId", &message.anonymous_id)?;
        let group = match id("groupId", &message.group_id)? {
            Some(group) => Some(group),
            None => context
                .get("groupId")
                .map_or(Ok(None), |group| id("context.groupId", group))?,
        };
        let mut who = Who {
            user,
            anonymous,
            group,
            contact: None,
            account: None,
            known: false,
        };
        if let Some(user) = &who.user {
            let (contact, account, known) = self.resolve(user);
            (who.contact, who.account, who.known) =
                (Some(contact.unwrap_or_else(|| user.clone())), account, known);
        } else if let Some(anonymous) = &who.anonymous {
            let (contact, account, known) = self.resolve(anonymous);
            let account = account.or_else(|| self.directory.device_account(anonymous));
            (who.contact, who.account, who.known) = (contact, account, known);
        }
        Ok(who)
    }

    /// The contact that an id stands for, its account, and whether anything is known of it.
    fn resolve(&self, id: &str) -> (Option<String>, Option<String>, bool) {
        let hint = self.hints.get(id, self.now);
        let first = hint.as_ref().and_then(|hint| hint.contact.clone());
        let target = first.as_deref().unwrap_or(id);
        let known = self.directory.contact(target);
        let contact = known
            .as_ref()
            .map(|known| known.id.clone())
            .or_else(|| first.clone());
        let final_id = contact.as_deref().unwrap_or(target);
        // What was said a moment ago stands above what is committed.
        let hinted = if final_id == id {
            hint.clone()
        } else {
            self.hints.get(final_id, self.now)
        };
        let account = hinted
            .and_then(|hint| hint.account)
            .or_else(|| known.and_then(|known| known.account_id));
        let seen = hint.is_some() || contact.is_some();
        let contact = contact.or_else(|| hint.is_some().then(|| id.to_owned()));
        (contact, account, seen)
    }

    fn event(
        &self,
        call: Call,
        mut message: Message,
        mut context: Map<String, Json>,
        occurred: i64,
        raw: &[u8],
        into: &mut Outcome,
    ) -> Result<(), Fault> {
        let who = self.who(&message, &context)?;
        let mut properties = Message::object("properties", std::mem::take(&mut message.properties))?;
        let (name, kind) = match call {
            Call::Track => self.track_name(&message.event)?,
            _ => (
                if call == Call::Page {
                    "page_viewed"
                } else {
                    "screen_viewed"
                }
                .to_owned(),
                Kind::Product,
            ),
        };
        if call != Call::Track {
            for (key, value) in [("name", &message.name), ("category", &message.category)] {
                if !value.is_null() && !properties.contains_key(key) {
                    properties.insert(key.to_owned(), value.clone());
                }
            }
        }
        let message_id = self.message_id(&message.message_id, call, raw)?;
        self.note_contact(&who, context.shift_remove("traits"), occurred, into)?;
        let anonymous = if who.contact.is_none() {
            who.anonymous.as_deref()
        } else {
            None
        };
        context::keep(&mut properties, context, anonymous);
        into.events.push(Event {
            message_id,
            account: who.group.or(who.account),
            contact: who.contact,
            name,
            kind,
            occurred_at: occurred,
            received_at: self.received,
            source: self.source.to_owned(),
            properties,
        });
        Ok(())
    }

    fn track_name(&self, event: &Json) -> Result<(String, Kind), Fault> {
        let remedy = "send the event's name as text in `event`";
        let Some(name) = event.as_str() else {
            return Err(Fault::new("event", event, "the event has no name", remedy));
        };
        let name = name.trim();
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Fault::new(
                "event",
                event,
                "the event's name is empty or holds control characters",
                remedy,
            ));
        }
        if name.chars().nth(LONGEST_NAME).is_some() {
            let reason = format!("the event's name is longer than {LONGEST_NAME} characters");
            return Err(Fault::new(
                "event",
                event,
                reason,
                "send a short name and put what varies into properties",
            ));
        }
        Ok(self.vocabulary.native(name))
    }

    fn message_id(&self, own: &Json, call: Call, raw: &[u8]) -> Result<String, Fault> {
        let text = match own {
            Json::String(text) => text.trim().to_owned(),
            Json::Number(number) => number.to_string(),
            Json::Null => String::new(),
            other => {
                return Err(Fault::new(
                    "messageId",
                    other,
                    "a message id is text",
                    "send text, or leave it out",
                ));
            }
        };
        if text.len() > LONGEST_MESSAGE_ID || text.chars().any(char::is_control) {
            let reason =
                format!("a message id has at most {LONGEST_MESSAGE_ID} bytes and no control characters");
            return Err(Fault::new("messageId", own, reason, "send a UUID"));
        }
        if !text.is_empty() {
            return Ok(text);
        }
        // The same bytes from the same source are the same message, so that a client that sends again is not counted twice.
        let mut hasher = blake3::Hasher::new();
        for part in [self.source.as_bytes(), call.name().as_bytes(), raw] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Ok(format!("body-{}", &hasher.finalize().to_hex()[..32]))
    }

    /// Notes a contact that was not known, and what an event's `context.traits` and `groupId` say of it.
    fn note_contact(
        &self,
        who: &Who,
        traits: Option<Json>,
        at: i64,
        into: &mut Outcome,
    ) -> Result<(), Fault> {
        let Some(contact) = &who.contact else {
            self.device_account(who, into);
            return Ok(());
        };
        let traits = Message::object("context.traits", traits.unwrap_or_default())?;
        let moved = who.group.is_some() && who.group != who.account;
        let described = traits::says_something_of_a_contact(&traits);
        if who.user.is_some() && (!who.known || moved || described) {
            let mut change = traits::contact(contact.clone(), traits, at);
            change.account.clone_from(&who.group);
            into.changes.push(Change::Contact(change));
            self.hints.note(
                contact,
                Hint {
                    contact: None,
                    account: who.group.clone(),
                },
                self.now,
            );
        }
        if let (Some(_), Some(anonymous)) = (&who.user, &who.anonymous) {
            self.device(anonymous, contact, into);
        }
        Ok(())
    }

    /// Notes the account of somebody who has not said who they are.
    fn device_account(&self, who: &Who, into: &mut Outcome) {
        if let (None, Some(anonymous), Some(account)) = (&who.contact, &who.anonymous, &who.group)
            && who.account.as_ref() != Some(account)
        {
            into.changes.push(Change::DeviceAccount {
                anonymous: anonymous.clone(),
                account: account.clone(),
            });
        }
    }

    /// From now on the anonymous id is the contact's.
    fn device(&self, anonymous: &str, contact: &str, into: &mut Outcome) {
        let (known, _, _) = self.resolve(anonymous);
        if anonymous == contact || known.as_deref() == Some(contact) {
            return;
        }
        into.changes.push(Change::Device {
            anonymous: anonymous.to_owned(),
            id: contact.to_owned(),
        });
        self.hints.note(
            anonymous,
            Hint {
                contact: Some(contact.to_owned()),
                account: None,
            },
            self.now,
        );
    }

    fn identify(
        &self,
        mut message: Message,
        mut context: Map<String, Json>,
        at: i64,
        into: &mut Outcome,
    ) -> Result<(), Fault> {
        let who = self.who(&message, &context)?;
        let mut traits = Message::object("traits", std::mem::take(&mut message.traits))?;
        // RudderStack sends the traits of an identify in the context only.
        for (key, value) in Message::object(
            "context.traits",
            context.shift_remove("traits").unwrap_or_default(),
        )? {
            traits.entry(key).or_insert(value);
        }
        let Some(contact) = who.contact else {
            return match who.anonymous {
                // Traits of somebody who has not signed in: there is no contact to keep them with.
                Some(_) => Ok(()),
                None => Err(Fault::new(
                    "userId",
                    &Json::Null,
                    "identify names nobody",
                    "send userId (who is signed in) or anonymousId (who is not yet)",
                )),
            };
        };
        let company = traits::company(&traits);
        let mut change = traits::contact(contact.clone(), traits, at);
        change.account = match (who.group, company) {
            (Some(group), _) => Some(group),
            (None, Some(company)) => id("traits.company.id", &company)?,
            (None, None) => None,
        };
        self.hints.note(
            &contact,
            Hint {
                contact: None,
                account: change.account.clone(),
            },
            self.now,
        );
        into.changes.push(Change::Contact(change));
        if let (Some(_), Some(anonymous)) = (&who.user, &who.anonymous) {
            self.device(anonymous, &contact, into);
        }
        Ok(())
    }

    fn group(
        &self,
        mut message: Message,
        context: &Map<String, Json>,
        at: i64,
        into: &mut Outcome,
    ) -> Result<(), Fault> {
        let who = self.who(&message, context)?;
        let Some(group) = who.group.clone() else {
            return Err(Fault::new(
                "groupId",
                &message.group_id,
                "group names no account",
                "send the account's id as groupId",
            ));
        };
        let traits = Message::object("traits", std::mem::take(&mut message.traits))?;
        let (change, faults) = self.vocabulary.account(group.clone(), traits, at);
        into.left_out.extend(faults);
        into.changes.push(Change::Account(change));
        self.device_account(&who, into);
        let Some(contact) = who.contact else { return Ok(()) };
        if who.account.as_deref() != Some(group.as_str()) || !who.known {
            let change = ContactChange {
                id: contact.clone(),
                account: Some(group.clone()),
                at,
                ..ContactChange::default()
            };
            into.changes.push(Change::Contact(change));
            self.hints.note(
                &contact,
                Hint {
                    contact: None,
                    account: Some(group),
                },
                self.now,
            );
        }
        if let (Some(_), Some(anonymous)) = (&who.user, &who.anonymous) {
            self.device(anonymous, &contact, into);
        }
        Ok(())
    }

    fn alias(&self, message: &Message, at: i64, into: &mut Outcome) -> Result<(), Fault> {
        let remedy = "send previousId (the id that was used before) and userId (the id that stays)";
        let Some(user) = id("userId", &message.user_id)? else {
            return Err(Fault::new(
                "userId",
                &message.user_id,
                "alias names no contact",
                remedy,
            ));
        };
        let previous = match id("previousId", &message.previous_id)? {
            Some(previous) => previous,
            None => id("anonymousId", &message.anonymous_id)?.ok_or_else(|| {
                Fault::new(
                    "previousId",
                    &message.previous_id,
                    "alias names no id before",
                    remedy,
                )
            })?,
        };
        if previous != user {
            self.hints.note(
                &previous,
                Hint {
                    contact: Some(user.clone()),
                    account: None,
                },
                self.now,
            );
            into.changes.push(Change::Alias {
                previous,
                id: user,
                at,
            });
        }
        Ok(())
    }
}
