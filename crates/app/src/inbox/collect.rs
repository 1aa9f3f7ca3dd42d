//! Adding what is new, woken by the clock and by whoever looks.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::Result;
use tenure_store::new_id;

use super::Kind;
use super::store::{self, Happened, New};
use crate::App;
use crate::accounts::AccountNo;
use crate::auth::{Person, Role, names, people};
use crate::kpis::overview;

/// The moment up to which everything was looked at.
const LOOKED: &str = "inbox.looked";
/// The status of each target when it was last looked at.
const TARGETS: &str = "inbox.targets";
/// What is written with an earlier time than it is committed is still met.
const OVERLAP: i64 = 600_000_000;
/// Nobody is told of what happened longer ago than this.
const OLDEST: i64 = 7 * 86_400_000_000;

/// Adds what happened since the last time; tells whether there was anything.
///
/// # Errors
/// When the records fail; the next call goes on.
pub async fn collect(app: &App) -> Result<bool> {
    let now = app.clock.micros();
    let looked: Option<i64> = store::setting(&app.store, LOOKED)
        .await?
        .and_then(|text| text.parse().ok());
    let since = looked.unwrap_or(now).max(now - OLDEST) - OVERLAP;
    let people: Vec<Person> = people(app).await?.into_iter().filter(|it| it.active).collect();
    let mut found = Vec::new();
    mentions(app, since, &people, &mut found).await?;
    handovers(app, since, &people, &mut found).await?;
    imports(app, since, &people, &mut found).await?;
    silences(app, since, &people, &mut found).await?;
    accuracy(app, since, &people, &mut found).await?;
    let statuses = targets(app, &people, &mut found).await?;
    let unwanted = store::unwanted(&app.store).await?;
    found.retain(|it| !unwanted.contains(&(it.user.clone(), it.kind.to_owned())));
    let tx = app.store.begin().await?;
    let added = store::add(&tx, &found).await?;
    // Kept to the half of the overlap: a moment that did not move is not written again and again.
    if looked.is_none_or(|looked| now - looked > OVERLAP / 2) {
        store::set_setting(&tx, LOOKED, &now.to_string()).await?;
    }
    if let Some(statuses) = statuses {
        store::set_setting(&tx, TARGETS, &statuses).await?;
    }
    tx.commit().await?;
    Ok(added > 0)
}

/// Collects until the server stops.
pub async fn run(app: App) {
    loop {
        if let Err(error) = collect(&app).await {
            tracing::error!(error = %format!("{error:#}"), "the inbox could not be filled; trying again");
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}

fn new(app: &App, user: &Person, kind: Kind, source: String, title: String, link: String, at: i64) -> New {
    New {
        id: new_id(&app.clock),
        user: user.id.clone(),
        kind: kind.name(),
        source,
        title,
        detail: String::new(),
        link,
        at,
    }
}

/// The account as it is shown, and the way to it.
fn account(app: &App, no: i64) -> (String, String) {
    let root = app.accounts.root(AccountNo::new(no));
    let id = app.accounts.account_id(root).unwrap_or_default();
    let name = app
        .metrics
        .book
        .get(root.get())
        .map_or_else(|| id.clone(), |entry| entry.name.clone());
    (name, format!("/accounts/{}", path_part(&id)))
}

/// A text as one part of a path.
fn path_part(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            part.push(char::from(byte));
        } else {
            part.push_str(&format!("%{byte:02X}"));
        }
    }
    part
}

async fn mentions(app: &App, since: i64, people: &[Person], into: &mut Vec<New>) -> Result<()> {
    let happened = store::mentions(&app.store, since).await?;
    if happened.is_empty() {
        return Ok(());
    }
    let names: HashMap<String, String> = names(app).await?;
    for it in happened {
        let Some(user) = people.iter().find(|user| user.id == it.whom) else {
            continue;
        };
        // Whoever names themselves knows.
        if it.what == format!("user:{}", user.id) {
            continue;
        }
        let author = names.get(&it.what).unwrap_or(&it.what);
        let (name, link) = account(app, it.account_no);
        let title = format!("{author} mentioned you at {name}");
        let source = format!("mention/{}/{}", it.id, it.at);
        into.push(new(
            app,
            user,
            Kind::Mention,
            source,
            title,
            format!("{link}?note={}", it.id),
            it.at,
        ));
    }
    Ok(())
}

async fn handovers(app: &App, since: i64, people: &[Person], into: &mut Vec<New>) -> Result<()> {
    for it in store::handovers(&app.store, since).await? {
        let Some(user) = people
            .iter()
            .find(|user| user.email.eq_ignore_ascii_case(&it.whom))
        else {
            continue;
        };
        let (name, link) = account(app, it.account_no);
        let title = match it.what.as_str() {
            "segment" => format!("{name} moved to another segment: a hand-over is yours to do"),
            _ => format!("{name} was handed over to you"),
        };
        into.push(new(
            app,
            user,
            Kind::Handover,
            format!("handover/{}", it.id),
            title,
            link,
            it.at,
        ));
    }
    Ok(())
}

async fn imports(app: &App, since: i64, people: &[Person], into: &mut Vec<New>) -> Result<()> {
    for it in store::imports(&app.store, since).await? {
        let Some(user) = people.iter().find(|user| it.whom == format!("user:{}", user.id)) else {
            continue;
        };
        let title = match it.what.as_str() {
            "failed" => "Your import failed".to_owned(),
            "cancelled" => continue,
            _ => "Your import is done".to_owned(),
        };
        let link = format!("/data?tab=imports&import={}", path_part(&it.id));
        into.push(new(
            app,
            user,
            Kind::Import,
            format!("import/{}", it.id),
            title,
            link,
            it.at,
        ));
    }
    Ok(())
}

fn managers(people: &[Person]) -> impl Iterator<Item = &Person> {
    people.iter().filter(|user| user.role >= Role::Manager)
}

async fn silences(app: &App, since: i64, people: &[Person], into: &mut Vec<New>) -> Result<()> {
    for Happened { id, at, .. } in store::silences(&app.store, since).await? {
        for user in managers(people) {
            let source = format!("silence/{id}/{at}");
            let title = format!("{id} has fallen silent");
            into.push(new(
                app,
                user,
                Kind::Silence,
                source,
                title,
                "/data?tab=sources".to_owned(),
                at,
            ));
        }
    }
    Ok(())
}

async fn accuracy(app: &App, since: i64, people: &[Person], into: &mut Vec<New>) -> Result<()> {
    for alarm in crate::models::operation::alarms(app, since).await? {
        for user in managers(people) {
            let (source, title) = (alarm.source.clone(), alarm.title.clone());
            into.push(new(
                app,
                user,
                Kind::Accuracy,
                source,
                title,
                "/accuracy".to_owned(),
                alarm.at,
            ));
        }
    }
    Ok(())
}

/// What is said of a status.
fn says(status: &str) -> &'static str {
    match status {
        "met" => "the target is met",
        "on_track" => "the target is on track",
        "at_risk" => "the target is at risk",
        "behind" => "the target is behind",
        _ => "the target has no figure",
    }
}

/// Compares each target's status with that of the last time. Gives all as they are now, where any is another.
async fn targets(app: &App, people: &[Person], into: &mut Vec<New>) -> Result<Option<String>> {
    let Some(definitions) = app.definitions() else {
        return Ok(None);
    };
    // While figures are computed anew, what they say for a moment is no news.
    if crate::metrics::marked_months(app).await? > 0 {
        return Ok(None);
    }
    let today = crate::metrics::facts::date_of(crate::metrics::today(app));
    let lines = overview::targets(app, &definitions, today).await?;
    let held = store::setting(&app.store, TARGETS).await?;
    let before: BTreeMap<String, String> = held
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let mut now = BTreeMap::new();
    let at = app.clock.micros();
    for line in lines {
        let status = serde_json::to_value(line.status)?
            .as_str()
            .unwrap_or_default()
            .to_owned();
        // A figure that is missing for a moment, while it is computed anew, is no news.
        if status == "no_data" {
            if let Some(was) = before.get(&line.id) {
                now.insert(line.id, was.clone());
            }
            continue;
        }
        if let Some(was) = before.get(&line.id).filter(|was| **was != status) {
            for user in managers(people) {
                let scope = if line.scope == "all" {
                    "all accounts"
                } else {
                    &line.scope
                };
                let title = format!(
                    "{}, {scope}: {}, {}",
                    line.kpi_label,
                    says(&status),
                    was_text(was)
                );
                let source = format!("target/{}/{status}/{at}", line.id);
                let link = format!("/targets?target={}", path_part(&line.id));
                into.push(new(app, user, Kind::Target, source, title, link, at));
            }
        }
        now.insert(line.id, status);
    }
    Ok((now != before).then(|| serde_json::to_string(&now)).transpose()?)
}

fn was_text(status: &str) -> &'static str {
    match status {
        "met" => "it was met",
        "on_track" => "it was on track",
        "at_risk" => "it was at risk",
        _ => "it was behind",
    }
}
