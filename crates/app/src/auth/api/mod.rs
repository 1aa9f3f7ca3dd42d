//! The slice's handlers.

mod audit;
mod keys;
mod people;
mod preferences;
mod session;
mod setup;
mod users;

use jiff::Timestamp;
use serde_json::Value as Json;
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::web::routes;

/// The slice's routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(setup::needed, setup::set_up))
        .routes(routes!(session::show, session::sign_in, session::sign_out))
        .routes(routes!(session::change_password))
        .routes(routes!(session::list))
        .routes(routes!(session::end))
        .routes(routes!(preferences::show, preferences::change))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::change))
        .routes(routes!(users::reset_password))
        .routes(routes!(keys::list, keys::add))
        .routes(routes!(keys::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
}

/// An instant of the records as RFC 3339 text.
fn at(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

/// The detail of an audit row that needs none.
fn nothing() -> Json {
    Json::Object(serde_json::Map::new())
}
