//! The edge, through the whole router.

use axum::http::Method;
use serde_json::json;

use crate::auth::Role;
use crate::testing::TestApp;

#[tokio::test]
async fn every_refusal_is_a_problem_with_the_requests_id() {
    let app = TestApp::new().await;
    let admin = |method: Method, path: &str| {
        app.request(method, path)
            .as_role(Role::Admin)
            .header("x-request-id", "r-1")
    };
    let keys = || admin(Method::POST, "/api/v1/keys");
    for (request, status, code) in [
        (admin(Method::GET, "/api/v1/nothing"), 404, "not_found"),
        (admin(Method::GET, "/api"), 404, "not_found"),
        (admin(Method::GET, "/v1/no/such/thing"), 404, "not_found"),
        (admin(Method::PUT, "/api/v1/keys"), 405, "method_not_allowed"),
        (keys(), 415, "unsupported_media_type"),
        (
            keys().header("content-type", "text/plain").body("{}"),
            415,
            "unsupported_media_type",
        ),
        (
            keys().header("content-type", "application/json").body("{"),
            400,
            "bad_request",
        ),
        (
            keys().header("content-type", "application/json").body(""),
            400,
            "bad_request",
        ),
        (
            keys()
                .header("content-type", "application/json")
                .body(vec![0xff, 0xfe, b'{', 0]),
            400,
            "bad_request",
        ),
        (
            keys()
                .header("content-type", "application/json")
                .body("[".repeat(10_000)),
            400,
            "bad_request",
        ),
        (
            keys()
                .header("content-type", "application/json")
                .body(" ".repeat(3_000_000)),
            413,
            "too_large",
        ),
        (
            keys().json(&json!({ "name": 7, "scope": "read" })),
            422,
            "invalid",
        ),
        (keys().json(&json!({ "name": "n" })), 422, "invalid"),
    ] {
        let answer = request.await;
        let problem = answer.problem(status);
        assert_eq!(
            (&problem["code"], &problem["request_id"], &problem["status"]),
            (&json!(code), &json!("r-1"), &json!(status)),
            "{problem}"
        );
        assert_eq!(problem["type"], format!("about:tenure/{code}"));
        assert!(!problem["detail"].as_str().expect("a detail").is_empty());
        assert_eq!(answer.header("x-request-id"), Some("r-1"));
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
        }
    }
    let unproven = app
        .get("/api/v1/keys")
        .header("x-request-id", "a b\u{7f}".trim_end_matches('\u{7f}'))
        .await;
    let problem = unproven.problem(401);
    assert_ne!(
        problem["request_id"], "a b",
        "an id that could forge a line of the log is replaced"
    );
    assert_eq!(
        unproven.header("www-authenticate"),
        Some("Bearer realm=\"tenure\"")
    );
}

#[tokio::test]
async fn a_json_depth_is_counted_outside_of_texts() {
    let app = TestApp::new().await;
    let name = "[{\"\\".repeat(100);
    let answer = app
        .post("/api/v1/keys")
        .as_role(Role::Admin)
        .json(&json!({ "name": name, "scope": "read" }))
        .await;
    assert_eq!(
        answer.problem(422)["errors"][0]["field"],
        "name",
        "too long a name, not too deep a body"
    );
}

#[tokio::test]
async fn headers_forbid_what_pages_do_not_need() {
    let app = TestApp::new().await;
    let api = app.get("/health/live").await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(api.header(name), Some(value));
    }
    let page = app.get("/accounts").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
}

#[tokio::test]
async fn the_document_is_served() {
    let app = TestApp::new().await;
    let document = app.get("/api/openapi.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["paths"]["/api/v1/keys"]["post"]["x-permission"], "admin");
}

mod pages {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;

    use crate::web::ui::{UiFile, serve};

    fn files(path: &str) -> Option<UiFile> {
        let text: &'static [u8] = match path {
            "index.html" => b"<html><script>1</script><script src=\"/assets/a-1.js\"></script></html>",
            "assets/a-1.js" => b"let a",
            "favicon.svg" => b"<svg/>",
            _ => return None,
        };
        Some(UiFile {
            bytes: text.into(),
            hash: [7; 32],
        })
    }

    async fn ask(method: &str, path: &str, tag: Option<&str>) -> (u16, axum::http::HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let response = serve(Some(files), request.body(Body::empty()).expect("a request")).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (
            parts.status.as_u16(),
            parts.headers,
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[tokio::test]
    async fn any_page_is_the_application_and_a_missing_file_is_missing() {
        for page in [
            "/",
            "/accounts",
            "/accounts/a%20b/timeline",
            "/accounts/northgate.example",
        ] {
            let (status, headers, body) = ask("GET", page, None).await;
            assert_eq!(
                (status, headers["content-type"].to_str().expect("text")),
                (200, "text/html; charset=utf-8")
            );
            assert_eq!(headers["cache-control"], "no-cache");
            assert!(body.starts_with("<html>"));
        }
        assert_eq!(ask("GET", "/assets/b-2.js", None).await.0, 404);
        assert_eq!(ask("GET", "/robots.txt", None).await.0, 404);
        assert_eq!(ask("POST", "/accounts", None).await.0, 405);
        assert_eq!(ask("GET", "/api/v1/nothing", None).await.0, 404);
        assert_eq!(
            ask("GET", "/apiary", None).await.0,
            200,
            "only the interface's own paths are kept from the pages"
        );
    }

    #[tokio::test]
    async fn files_are_cached_by_what_is_in_them() {
        let (status, headers, body) = ask("GET", "/assets/a-1.js", None).await;
        assert_eq!((status, body.as_str()), (200, "let a"));
        assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        let tag = headers["etag"].to_str().expect("text").to_owned();
        assert_eq!(tag, format!("\"{}\"", "07".repeat(16)));
        let (status, _, body) = ask("GET", "/assets/a-1.js", Some(&format!("\"x\", W/{tag}"))).await;
        assert_eq!((status, body.as_str()), (304, ""));
    }

    #[tokio::test]
    async fn inline_scripts_of_the_own_page_and_no_others_run() {
        let (_, headers, _) = ask("GET", "/", None).await;
        // The base64 of the SHA-256 of "1".
        let wanted = "script-src 'self' 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s=';";
        assert!(
            headers["content-security-policy"]
                .to_str()
                .expect("text")
                .contains(wanted)
        );
    }
}
