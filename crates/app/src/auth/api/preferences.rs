//! What a person set for themselves: time zone, language of dates and figures, and what was put away.

use axum::extract::State;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::App;
use crate::auth::{Preferences, Viewer, audit, store};
use crate::web::{Json, Problem, Result};

/// One's own preferences.
#[utoipa::path(get, path = "/api/v1/preferences", tag = "auth", responses((status = 200, body = Preferences)))]
pub async fn show(Viewer(who): Viewer, State(app): State<App>) -> Result<Json<Preferences>> {
    Ok(Json(crate::auth::preferences(&app, &who).await?))
}

/// Sets one's own preferences.
#[utoipa::path(put, path = "/api/v1/preferences", tag = "auth", request_body = Preferences, responses((status = 200, body = Preferences)))]
pub async fn change(
    Viewer(who): Viewer,
    State(app): State<App>,
    Json(form): Json<Preferences>,
) -> Result<Json<Preferences>> {
    let user = who
        .user()
        .ok_or_else(|| {
            Problem::conflict("only people have preferences: sign in with e-mail address and password")
        })?
        .to_owned();
    check(&form)?;
    let tx = app.store.begin().await?;
    store::set_preferences(&tx, &user, &form, app.clock.micros()).await?;
    let detail = json!(form);
    audit(
        &tx,
        &app.clock,
        &who,
        "preferences.change",
        &format!("user:{user}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(form))
}

fn check(form: &Preferences) -> Result<()> {
    if let Some(zone) = &form.time_zone
        && TimeZone::get(zone).is_err()
    {
        let remedy = "choose one such as Europe/Berlin, or none for that of the browser";
        return Err(Problem::field(
            "time_zone",
            zone,
            "is no time zone that is known",
            remedy,
        ));
    }
    if let Some(locale) = &form.locale {
        let mut parts = locale.split('-');
        let language = parts.next().unwrap_or_default();
        let fits = (2..=3).contains(&language.len())
            && language.chars().all(|c| c.is_ascii_alphabetic())
            && parts
                .all(|part| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()))
            && locale.len() <= 35;
        if !fits {
            let remedy = "choose one such as en-US or de-DE, or none for that of the browser";
            return Err(Problem::field("locale", locale, "is no language tag", remedy));
        }
    }
    Ok(())
}
