use super::world::{NOON, NOW, World, event, import};
use crate::events::{Event, EventRow, Kind, TimelineFilter, append, seal, timeline};

/// A naive timeline over all rows.
fn expected(rows: &[EventRow], no: i64, filter: &TimelineFilter) -> Vec<String> {
    let mut rows: Vec<&EventRow> = rows.iter().filter(|row| row.account_no == no).collect();
    rows.retain(|row| filter.kind.is_none_or(|kind| row.kind == kind.name()));
    rows.retain(|row| {
        filter.text.as_ref().is_none_or(|text| {
            format!("{} {}", row.name, row.properties)
                .to_lowercase()
                .contains(&text.to_lowercase())
        })
    });
    rows.sort_by(|a, b| {
        b.occurred_at
            .cmp(&a.occurred_at)
            .then_with(|| b.message_id.cmp(&a.message_id))
    });
    let from = filter.before.as_ref().map_or(0, |(at, id)| {
        rows.iter()
            .position(|row| row.occurred_at < *at || (row.occurred_at == *at && row.message_id < *id))
            .unwrap_or(rows.len())
    });
    rows[from..]
        .iter()
        .take(filter.limit)
        .map(|row| row.message_id.clone())
        .collect()
}

async fn filled() -> World {
    let world = World::new().await;
    for step in 0..6u32 {
        let events: Vec<Event> = (0..60)
            .map(|n| {
                let k = (step * 60 + n) * 7919 % 1000;
                let mut it = event(format!("m{step}-{n}"));
                it.account = Some(format!("a{}", k % 3));
                // Few instants, so that many events share one.
                it.occurred_at = NOON - i64::from(k % 40) * 5 * 86_400_000_000;
                if k % 4 == 0 {
                    (it.name, it.kind) = ("ticket_opened".to_owned(), Kind::Support);
                    it.properties
                        .insert("subject".to_owned(), format!("It's 50% broken {k}").into());
                }
                it
            })
            .collect();
        match step % 3 {
            0 => drop(import(world.app(), events).await),
            1 => drop(append(world.app(), events).await.unwrap()),
            _ => {
                seal(world.app(), NOW).await.unwrap();
                append(world.app(), events).await.unwrap();
            }
        }
    }
    world
}

#[tokio::test]
async fn pages_of_a_timeline_are_those_of_a_naive_one() {
    let world = filled().await;
    let all = world.all().await;
    assert_eq!(all.len(), 360);
    let filters = [
        TimelineFilter {
            limit: 7,
            ..TimelineFilter::default()
        },
        TimelineFilter {
            limit: 500,
            ..TimelineFilter::default()
        },
        TimelineFilter {
            limit: 5,
            kind: Some(Kind::Support),
            ..TimelineFilter::default()
        },
        TimelineFilter {
            limit: 5,
            text: Some("IT'S 50% br".to_owned()),
            ..TimelineFilter::default()
        },
        TimelineFilter {
            limit: 3,
            text: Some("nowhere".to_owned()),
            ..TimelineFilter::default()
        },
        TimelineFilter {
            limit: 0,
            ..TimelineFilter::default()
        },
    ];
    for no in [1, 2, 99] {
        for filter in &filters {
            let mut filter = filter.clone();
            for _ in 0..40 {
                let page = timeline(world.app(), no, &filter).await.unwrap();
                let found: Vec<String> = page.iter().map(|row| row.message_id.clone()).collect();
                assert_eq!(found, expected(&all, no, &filter), "{no} {filter:?}");
                let Some(last) = page.last() else { break };
                filter.before = Some((last.occurred_at, last.message_id.clone()));
            }
        }
    }
}
