use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::world::{NOON, NOW, World, event, import};
use crate::auth::Principal;
use crate::events::{Event, append, log_routes, seal};

async fn get(world: &World, path: &str) -> (StatusCode, Value) {
    let router = axum::Router::from(log_routes()).with_state(world.app().clone());
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(Principal::operator());
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_timeline_is_paged_newest_first() {
    let world = World::new().await;
    let at = |n: u32| Event {
        occurred_at: NOON - i64::from(n) * 3_600_000_000,
        ..event(format!("m~{n}"))
    };
    import(world.app(), (0..3).map(at).collect()).await;
    append(world.app(), (3..5).map(at).collect()).await.unwrap();
    seal(world.app(), NOW).await.unwrap();
    append(world.app(), (5..7).map(at).collect()).await.unwrap();
    let mut path = "/api/v1/accounts/a1/timeline?limit=3".to_owned();
    let mut shown = Vec::new();
    loop {
        let (status, page) = get(&world, &path).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        shown.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["message_id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/accounts/a1/timeline?limit=3&before={cursor}");
    }
    assert_eq!(shown, (0..7).map(|n| format!("m~{n}")).collect::<Vec<_>>());
    let (_, page) = get(&world, "/api/v1/accounts/a1/timeline?before=2026-03-01T07:00:00Z").await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "the one at 07:00 itself is left out");
    let expected = json!({
        "message_id": "m~6", "name": "login", "kind": "product", "occurred_at": "2026-03-01T06:00:00Z",
        "received_at": "2026-03-01T12:00:00Z", "contact_id": "c1", "source": "web",
        "properties": {"n": 0.1 + 0.2, "text": "ünï\n\"x\""},
    });
    assert_eq!(items[0], expected);
}

#[tokio::test]
async fn wrong_questions_are_answered_with_a_remedy() {
    let world = World::new().await;
    append(world.app(), vec![event("m1")]).await.unwrap();
    assert_eq!(
        get(&world, "/api/v1/accounts/nobody/timeline").await.0,
        StatusCode::NOT_FOUND
    );
    for (query, field) in [("kind=tickets", "kind"), ("before=yesterday", "before")] {
        let (status, problem) = get(&world, &format!("/api/v1/accounts/a1/timeline?{query}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["field"], field);
        assert!(problem["errors"][0]["remedy"].as_str().unwrap().len() > 20);
    }
}

#[tokio::test]
async fn sources_tell_how_much_and_how_late() {
    let world = World::new().await;
    let delayed = |n: u32, hours: i64| Event {
        occurred_at: NOON - hours * 3_600_000_000,
        ..event(format!("m{n}"))
    };
    append(world.app(), vec![delayed(0, 1), delayed(1, 2), delayed(2, 200)])
        .await
        .unwrap();
    assert!(world.clock.advance(30 * 3_600_000_000));
    append(
        world.app(),
        vec![
            delayed(2, 1),
            Event {
                received_at: world.clock.micros(),
                ..delayed(3, 0)
            },
        ],
    )
    .await
    .unwrap();
    let (status, body) = get(&world, "/api/v1/sources").await;
    assert_eq!(status, StatusCode::OK);
    let source = &body["sources"][0];
    assert_eq!(
        (source["source"].as_str(), source["events"].as_i64()),
        (Some("web"), Some(4))
    );
    assert_eq!(
        (source["events_24h"].as_i64(), source["duplicates"].as_i64()),
        (Some(1), Some(1))
    );
    assert_eq!(source["first_event_at"], "2026-03-01T12:00:00Z");
    assert_eq!(source["last_event_at"], "2026-03-02T18:00:00Z");
    // Delays of 1, 2, 30 and 200 hours: the second of four is 7,200 s, known to a factor of two.
    let lag = source["lag_p50_s"].as_f64().unwrap();
    assert!((3_600.0..14_400.0).contains(&lag), "{lag}");
}
