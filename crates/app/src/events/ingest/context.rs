//! What of a message's `context` is kept.
//!
//! Kept, under the property `$context`: the page (without it a `page_viewed` says little), the library, the campaign, app, operating system,
//! locale and time zone, and the anonymous id of an event that nobody could be found for. Not kept: the IP address, the user agent,
//! identifiers of devices and advertisers, positions, and traits (they describe the contact, where they are kept). Who wants one of these
//! in Tenure sends it as a property.

use serde_json::{Map, Value as Json};

/// Members of `context` that are kept whole.
const KEPT: [&str; 5] = ["page", "library", "campaign", "locale", "timezone"];
/// Members of which only name and version are kept.
const NAMED: [&str; 2] = ["app", "os"];

/// Adds what is kept of the context to the event's properties.
pub(super) fn keep(
    properties: &mut Map<String, Json>,
    mut context: Map<String, Json>,
    anonymous: Option<&str>,
) {
    let mut kept = Map::new();
    for key in KEPT {
        match context.shift_remove(key) {
            None | Some(Json::Null) => {}
            Some(Json::Object(object)) if object.is_empty() => {}
            Some(value) => {
                kept.insert(key.to_owned(), value);
            }
        }
    }
    for key in NAMED {
        let Some(Json::Object(mut object)) = context.shift_remove(key) else {
            continue;
        };
        object.retain(|name, _| name == "name" || name == "version");
        if !object.is_empty() {
            kept.insert(key.to_owned(), Json::Object(object));
        }
    }
    if let Some(anonymous) = anonymous {
        kept.insert("anonymous_id".to_owned(), anonymous.into());
    }
    if !kept.is_empty() {
        properties.insert("$context".to_owned(), Json::Object(kept));
    }
}
