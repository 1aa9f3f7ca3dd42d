//! All routes.

use axum::Router;

use crate::App;

/// The whole HTTP surface of Tenure.
pub fn router(app: App) -> Router {
    Router::new().with_state(app)
}
