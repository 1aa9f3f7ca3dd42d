//! Merged contacts whose survivor went into another contact since, because a source said by identify or alias that the two are one: the merge
//! follows it there, so that all of them stay one person.
//!
//! Sources speak within the log's own transactions, which cannot take a step of their own. So this looks afterwards, by signal and by clock,
//! and takes the step then, at which accounts are built anew; doing it twice is doing it once.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tenure_store::new_id;

use super::store::{self, Lost};
use crate::App;
use crate::auth::{Principal, Role, audit};
use crate::events::{self, Rejoined};

/// Lets every merge follow its survivor. Tells whether one did.
///
/// # Errors
/// When records or log fail; the next call goes on.
pub async fn follow(app: &App) -> Result<bool> {
    let lost = store::lost_contact_merges(&app.store).await?;
    let any = !lost.is_empty();
    for Lost { survivor, .. } in lost {
        let mut read_otherwise = app.accounts.renames().contacts_of(&survivor);
        read_otherwise.push(survivor.clone());
        let clock = app.clock.clone();
        let (id, at) = (new_id(&clock), clock.micros());
        let who = Principal {
            actor: "tenure".to_owned(),
            role: Role::Admin,
            request_id: None,
        };
        events::rejoin(app, &Rejoined::Contacts(read_otherwise), move |tx, seq| {
            Box::pin(async move {
                store::wait_for_contact_merges(tx).await?;
                // Somebody else may have been faster.
                let lost = store::lost_contact_merges(tx).await?;
                let Some(lost) = lost.into_iter().find(|it| it.survivor == survivor) else {
                    return Ok(());
                };
                let into = store::move_contact_merges(tx, &lost, &id, (at, seq)).await?;
                let detail = json!({ "survivor": lost.survivor, "went_into": into });
                let subject = format!("contact:{into}");
                audit(tx, &clock, &who, "contact.merge.follow", &subject, &detail).await
            })
        })
        .await?;
    }
    Ok(any)
}

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut log = events::watch(&app);
    loop {
        if let Err(error) = follow(&app).await {
            tracing::error!(error = %format!("{error:#}"), "merged contacts could not follow; trying again");
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        tokio::select! {
            changed = log.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
    }
}
