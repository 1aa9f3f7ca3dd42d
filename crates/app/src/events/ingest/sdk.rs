//! What browser SDKs ask for before they send anything: the settings of their source.
//!
//! Both answers say the same: the source exists, there is nothing but Tenure to send to, and nobody wants metrics about the SDK itself.

use serde_json::{Value as Json, json};

/// The answer to `GET /v1/projects/{writeKey}/settings` of Segment's analytics.js. `host` is where events go, without scheme.
pub(super) fn segment_settings(write_key: &str, host: &str, scheme: &str) -> Json {
    json!({
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": format!("{host}/v1"),
                "protocol": scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": true,
                "versionSettings": { "version": "4.4.7", "componentTypes": ["browser"] }
            }
        },
        "plan": { "track": { "__default": { "enabled": true, "integrations": {} } } },
        "edgeFunction": {},
        "analyticsNextEnabled": true,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": { "sampleRate": 0 },
        "legacyVideoPluginsEnabled": false,
        "remotePlugins": []
    })
}

/// The answer to `GET /sourceConfig` of RudderStack's browser SDK.
pub(super) fn rudder_source(key: &str, name: &str) -> Json {
    json!({
        "source": {
            "id": key,
            "name": name,
            "workspaceId": "tenure",
            "writeKey": "",
            "enabled": true,
            "config": { "statsCollection": { "errors": { "enabled": false }, "metrics": { "enabled": false } } },
            "connections": [],
            "destinations": [],
            "dataplanes": {}
        },
        "updatedAt": "2026-01-01T00:00:00.000Z"
    })
}
