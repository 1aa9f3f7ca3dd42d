//! Random work, compared with a plain list.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::world::{NOON, NOW, World, event, import};
use crate::events::settle::settle;
use crate::events::{Event, Kind, Limits, Subject, append, compact, erase, seal};

fn random_event(random: &mut StdRng) -> Event {
    let mut it = event(format!("m{}", random.random_range(0..3_000)));
    it.account = random
        .random_bool(0.9)
        .then(|| format!("a{}", random.random_range(0..6)));
    it.contact = random
        .random_bool(0.7)
        .then(|| format!("c{}", random.random_range(0..8)));
    it.occurred_at = NOON - random.random_range(0..120 * 86_400_000_000i64);
    if random.random_bool(0.3) {
        (it.name, it.kind) = ("ticket_opened".to_owned(), Kind::Support);
    }
    it
}

/// What is kept of an event: account, contact, name, instant.
type Kept = (Option<String>, Option<String>, String, i64);

async fn check(world: &World, model: &BTreeMap<String, Option<Kept>>, what: &str) {
    let found: Vec<(String, Kept)> = world
        .all()
        .await
        .into_iter()
        .map(|row| {
            (
                row.message_id,
                (row.account_id, row.contact_id, row.name, row.occurred_at),
            )
        })
        .collect();
    let expected: Vec<(String, Kept)> = model
        .iter()
        .filter_map(|(id, kept)| Some((id.clone(), kept.clone()?)))
        .collect();
    assert!(
        found == expected,
        "after {what}: {} events, expected {}",
        found.len(),
        expected.len()
    );
}

async fn play(seed: u64, steps: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new().await;
    // An erased event stays known: None.
    let mut model: BTreeMap<String, Option<Kept>> = BTreeMap::new();
    for step in 0..steps {
        let dice = random.random_range(0..100);
        let what = match dice {
            0..60 => {
                let most = if dice < 45 { 30 } else { 200 };
                let events: Vec<Event> = (0..random.random_range(0..most))
                    .map(|_| random_event(&mut random))
                    .collect();
                let mut new = 0;
                for it in &events {
                    let kept = Some((
                        it.account.clone(),
                        it.contact.clone(),
                        it.name.clone(),
                        it.occurred_at,
                    ));
                    new += usize::from(!model.contains_key(&it.message_id));
                    model.entry(it.message_id.clone()).or_insert(kept);
                }
                let sent = events.len();
                let appended = if dice < 45 {
                    append(world.app(), events).await.unwrap()
                } else {
                    import(world.app(), events).await
                };
                assert_eq!(
                    (appended.accepted, appended.duplicates),
                    (new, sent - new),
                    "seed {seed} step {step}"
                );
                "append or import"
            }
            60..75 => {
                let limits = if random.random() {
                    NOW
                } else {
                    Limits {
                        events: 50,
                        age: i64::MAX,
                        most: usize::MAX,
                    }
                };
                seal(world.app(), limits).await.unwrap();
                "seal"
            }
            75..85 => {
                compact(world.app()).await.unwrap();
                assert_eq!(world.files(), world.manifest().await);
                "compact"
            }
            85..90 => {
                settle(&world.app().log.core).await.unwrap();
                "settle"
            }
            90..93 => {
                let contact = format!("c{}", random.random_range(0..8));
                let mut gone = 0;
                for kept in model.values_mut() {
                    if kept.as_ref().is_some_and(|it| it.1.as_ref() == Some(&contact)) {
                        *kept = None;
                        gone += 1;
                    }
                }
                assert_eq!(
                    erase(world.app(), &Subject::Contact(vec![contact]))
                        .await
                        .unwrap(),
                    gone,
                    "seed {seed} step {step}"
                );
                "erase"
            }
            _ => {
                world.reopen().await;
                "reopen"
            }
        };
        check(&world, &model, &format!("{what}, seed {seed} step {step}")).await;
    }
}

#[tokio::test]
async fn random_work_leaves_what_a_plain_list_holds() {
    let seed: u64 = std::env::var("TENURE_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    play(seed, 150).await;
    play(seed + 1, 150).await;
}
