//! What holds for every operation: routing, keys, media types, malformed and hostile requests.

use gatewright_mock::{MockPortkey, Profile};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::*;

#[tokio::test]
async fn an_unknown_path_is_404_in_the_live_shape() {
    let api = Api::live().await;
    let answer = api.get("/no/such/thing").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body, json!({ "message": "Not Found", "ok": false }));
}

#[tokio::test]
async fn an_unknown_method_is_405_and_allow_lists_the_known_ones() {
    let api = Api::live().await;
    let answer = send(api.request(Method::PATCH, "/guardrails/g")).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers["allow"], "GET, PUT, DELETE");
    // The literal segment and the parameter are different paths with different methods.
    let answer = api.get("/api-keys/workspace/service").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn paths_answer_with_and_without_version_and_with_a_trailing_slash() {
    let api = Api::live().await;
    for path in [
        "/integrations",
        "/integrations/",
        "/../integrations",
        "/../integrations/",
    ] {
        assert_eq!(api.get(path).await.ok()["object"], "list", "{path}");
    }
    assert_eq!(api.get("/v1/integrations").await.status, 404);
}

#[tokio::test]
async fn a_key_is_needed_and_has_to_be_the_right_one() {
    let mock = MockPortkey::builder()
        .api_key("a-key")
        .start()
        .await
        .unwrap();
    assert_eq!(mock.api_key(), "a-key");
    let url = format!("{}/integrations", mock.base_url());
    let client = crate::harness::client();
    let key = "x-portkey-api-key";
    for request in [
        client.get(&url),
        client.get(&url).header(key, "another"),
        client.get(&url).header(key, ""),
        client.get(&url).header("authorization", "Bearer another"),
        client.get(&url).header("authorization", "Basic a-key"),
        // Next to a key of Portkey, a bearer token belongs to somebody else.
        client.get(&url).header(key, "another").bearer_auth("a-key"),
    ] {
        send(request).await.refused(401, "AB05");
    }
    send(client.get(&url).header(key, "a-key")).await.ok();
    send(client.get(&url).bearer_auth("a-key")).await.ok();
    // Prices are public.
    let prices = format!("{}/model-configs/pricing/openai/gpt-4o", mock.base_url());
    send(client.get(prices)).await.ok();
}

#[tokio::test]
async fn every_answer_has_a_trace_id_and_a_request_id() {
    let api = Api::live().await;
    for path in ["/integrations", "/no/such/thing", "/guardrails/none"] {
        let answer = send(
            api.request(Method::GET, path)
                .header("x-portkey-trace-id", "mine"),
        )
        .await;
        assert_eq!(answer.headers["x-portkey-trace-id"], "mine", "{path}");
        let first = answer.headers["x-portkey-request-id"].clone();
        let answer = api.get(path).await;
        assert_ne!(answer.headers["x-portkey-request-id"], first, "{path}");
        assert!(answer.headers.contains_key("x-portkey-trace-id"), "{path}");
    }
}

#[tokio::test]
async fn a_body_of_another_media_type_is_415() {
    let api = Api::live().await;
    let post = || api.request(Method::POST, "/integrations");
    send(post().body("name=x")).await.refused(415, "AB01");
    let form = post()
        .header("content-type", "application/x-www-form-urlencoded")
        .body("name=x");
    send(form).await.refused(415, "AB01");
    let body = r#"{"name":"x","ai_provider_id":"openai"}"#;
    let json = post()
        .header("content-type", "Application/JSON; charset=utf-8")
        .body(body);
    send(json).await.ok();
}

#[tokio::test]
async fn a_malformed_or_invalid_body_is_400_and_changes_nothing() {
    let api = Api::live().await;
    let post = |body: String| {
        let request = api.request(Method::POST, "/integrations");
        request
            .header("content-type", "application/json")
            .body(body)
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!(
        r#"{{"name":"x","ai_provider_id":"openai","configurations":{}1{}}}"#,
        r#"{"a":"#.repeat(500),
        "}".repeat(500)
    );
    for body in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"x\"".to_owned(),
        "{\"name\":\"\u{0}\"".to_owned(),
        r#"{"name":"x"}"#.to_owned(),
        r#"{"name":1,"ai_provider_id":"openai"}"#.to_owned(),
        r#"{"name":"x","ai_provider_id":"openai","slug":"no spaces"}"#.to_owned(),
        deep,
        nested,
    ] {
        let shown: String = body.chars().take(60).collect();
        let answer = send(post(body)).await;
        assert_eq!(answer.status, 400, "{shown}: {:#}", answer.body);
        assert_eq!(answer.body["data"]["errorCode"], "AB01", "{shown}");
    }
    let bytes = api
        .request(Method::POST, "/integrations")
        .header("content-type", "application/json");
    send(bytes.body(b"{\"name\":\"\xff\xfe\"}".to_vec()))
        .await
        .refused(400, "AB01");
    assert_eq!(api.get("/integrations").await.ok()["total"], 0);
}

#[tokio::test]
async fn an_error_never_repeats_the_value_it_is_about() {
    let api = Api::live().await;
    let body = json!({ "name": "x", "ai_provider_id": "openai", "key": ["sk-very-secret"] });
    let answer = api.post("/integrations", body).await;
    assert_eq!(answer.status, 400);
    let message = answer.body.to_string();
    assert!(message.contains("key"), "{message}");
    assert!(!message.contains("sk-very-secret"), "{message}");
}

#[tokio::test]
async fn an_oversized_body_is_413() {
    let api = Api::live().await;
    let body = vec![b' '; 33 * 1024 * 1024];
    let request = api
        .request(Method::POST, "/integrations")
        .header("content-type", "application/json");
    // The mock may answer and close before everything is sent.
    if let Ok(response) = request.body(body).send().await {
        assert_eq!(response.status(), 413);
    }
    let mut stream = TcpStream::connect(api.mock.address()).await.unwrap();
    let head = format!(
        "POST /v1/integrations HTTP/1.1\r\nhost: x\r\nx-portkey-api-key: {}\r\n\
         content-type: application/json\r\ncontent-length: 99999999999\r\n\r\n",
        api.mock.api_key()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn parameters_are_checked() {
    let api = Api::live().await;
    for path in [
        "/guardrails?page_size=ten",
        "/guardrails?page_size=0",
        "/guardrails?page_size=1001",
        "/guardrails?current_page=-1",
        "/integrations?type=everything",
        "/policies/usage-limits/not-a-uuid",
        "/guardrails?workspace_id=%ff",
        "/configs/%ff%fe",
        "/analytics/graphs/cost",
    ] {
        api.get(path).await.refused(400, "AB01");
    }
    api.get("/guardrails?page_size=10&current_page=0&unknown=1")
        .await
        .ok();
}

#[tokio::test]
async fn percent_encoding_in_a_path_is_decoded_once() {
    let api = Api::live().await;
    api.integration("with_underscore-1", None).await;
    assert_eq!(
        api.get("/integrations/with%5Funderscore%2d1").await.ok()["name"],
        "with_underscore-1"
    );
    for path in [
        "/integrations/with%255Funderscore-1",
        "/integrations/a%2Fb",
        "/integrations/%00",
    ] {
        api.get(path).await.refused(404, "AB08");
    }
}

#[tokio::test]
async fn hostile_request_lines_do_not_bring_the_mock_down() {
    let api = Api::live().await;
    let long = "a".repeat(20_000);
    for line in [
        "GET /v1/integrations/\u{fffd} HTTP/1.1",
        "GET //// HTTP/1.1",
        "GET /v1 HTTP/1.1",
        "GET /v1/../../etc/passwd HTTP/1.1",
        "GET /v1/integrations?%%%=%zz&&&==& HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GIBBERISH",
        &format!("GET /v1/integrations/{long} HTTP/1.1"),
    ] {
        let mut stream = TcpStream::connect(api.mock.address()).await.unwrap();
        let head = format!("{line}\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 4"), "{line}: {answer}");
    }
    api.get("/integrations").await.ok();
}

#[tokio::test]
async fn a_form_is_checked_like_any_other_body() {
    let api = Api::live().await;
    let form = |body: &str| {
        let request = api.request(Method::POST, "/files");
        request
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body.to_owned())
    };
    let purpose = "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n";
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n";
    send(form(&format!("{purpose}{file}--b--\r\n"))).await.ok();
    for body in [
        format!("{purpose}--b--\r\n"),
        format!("{purpose}{file}"),
        "--b\r\nno header\r\n--b--\r\n".to_owned(),
        "".to_owned(),
        "--b--".to_owned(),
    ] {
        send(form(&body)).await.refused(400, "AB01");
    }
}

#[tokio::test]
async fn the_mocks_own_paths_need_no_key() {
    let api = Api::live().await;
    let at = |path: &str| format!("http://{}/_mock{path}", api.mock.address());
    let health = send(api.client.get(at("/health"))).await.ok();
    assert_eq!(health, json!({ "status": "ok", "operations": 244 }));
    let document = send(api.client.get(at("/openapi.json"))).await.ok();
    assert_eq!(document["openapi"].as_str().map(|v| &v[..3]), Some("3.1"));

    api.workspace("Gone").await;
    assert_eq!(api.get("/admin/workspaces").await.ok()["total"], 2);
    send(api.client.post(at("/reset"))).await.ok();
    assert_eq!(api.get("/admin/workspaces").await.ok()["total"], 1);
    assert_eq!(send(api.client.get(at("/reset"))).await.status, 405);
    assert_eq!(send(api.client.get(at("/nothing"))).await.status, 404);
}

#[tokio::test]
async fn the_journal_tells_what_was_asked_and_holds_no_secret() {
    let api = Api::live().await;
    let body = json!({ "name": "x", "ai_provider_id": "openai", "key": "sk-very-secret-key" });
    api.post("/integrations", body).await.ok();
    api.get("/guardrails?page_size=5").await.ok();
    api.get("/no/such/thing").await;
    let requests = api.mock.journal();
    let shown: Vec<(&str, &str, &str, Option<&str>, u16)> = requests
        .iter()
        .map(|r| {
            (
                &*r.method,
                &*r.path,
                &*r.query,
                r.operation.as_deref(),
                r.status,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "POST",
                "/v1/integrations",
                "",
                Some("createIntegration"),
                200
            ),
            (
                "GET",
                "/v1/guardrails",
                "page_size=5",
                Some("listGuardrails"),
                200
            ),
            ("GET", "/v1/no/such/thing", "", None, 404),
        ]
    );
    let served = send(
        api.client
            .get(format!("http://{}/_mock/requests", api.mock.address())),
    )
    .await;
    let served = served.ok();
    assert_eq!(served["total"], 3);
    let whole = served.to_string();
    assert!(
        !whole.contains("secret-key") && !whole.contains(api.mock.api_key()),
        "{whole}"
    );
    api.mock.clear_journal();
    assert!(api.mock.journal().is_empty());
    let long = "a".repeat(5_000);
    api.get(&format!("/{long}?q={long}")).await;
    let [request] = api.mock.journal().try_into().unwrap();
    assert_eq!((request.path.len(), request.query.len()), (2_048, 2_048));
}

#[tokio::test]
async fn the_journal_is_bounded() {
    let api = Api::live().await;
    let url = format!("{}/x", api.mock.base_url());
    for _ in 0..101 {
        let batch: Vec<_> = (0..100).map(|_| api.client.get(&url).send()).collect();
        for response in futures_util::future::join_all(batch).await {
            assert_eq!(response.unwrap().status(), 404);
        }
    }
    assert_eq!(api.mock.journal().len(), 10_000);
}

#[tokio::test]
async fn realtime_wants_a_websocket() {
    for profile in [Profile::Live, Profile::Documented] {
        let api = Api::start(profile).await;
        assert_eq!(api.get("/realtime").await.status, 426);
    }
}

#[tokio::test]
async fn shutdown_ends_the_mock_even_with_an_idle_connection() {
    let api = Api::live().await;
    api.get("/integrations").await.ok();
    let address = api.mock.address();
    let Api { mock, client } = api;
    tokio::time::timeout(std::time::Duration::from_secs(3), mock.shutdown())
        .await
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    drop(client);
}

#[tokio::test]
async fn documented_error_shapes_are_kept_where_a_status_has_one() {
    // In the vendor's document, guardrails refuse with an `error` object that has four members.
    let api = Api::start(Profile::Documented).await;
    let answer = api.get("/guardrails/none").await;
    assert_eq!(answer.status, 403);
    let error = answer.body["error"].as_object().unwrap();
    assert_eq!(error["code"], "AB03");
    assert_eq!(error["param"], Value::Null);
    assert!(error["message"].is_string() && error["type"].is_string());
    // On the live API they refuse in the same envelope as everything else.
    Api::live()
        .await
        .get("/guardrails/none")
        .await
        .refused(403, "AB03");
}

#[tokio::test]
async fn a_dropped_mock_stops_and_its_address_can_be_used_again() {
    let api = Api::live().await;
    let address = api.mock.address();
    let taken = MockPortkey::builder().listen(address).start().await;
    assert!(
        matches!(taken, Err(gatewright_mock::StartError::Listen { address: at, .. }) if at == address)
    );
    drop(api);
    for _ in 0..100 {
        if let Ok(mock) = MockPortkey::builder().listen(address).start().await {
            assert_eq!(mock.base_url(), format!("http://{address}/v1"));
            return mock.shutdown().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the address is still taken");
}

#[tokio::test]
async fn mocks_in_one_process_share_nothing() {
    let (one, two) = (Api::live().await, Api::live().await);
    one.workspace("Mine").await;
    assert_eq!(one.get("/admin/workspaces").await.ok()["total"], 2);
    assert_eq!(two.get("/admin/workspaces").await.ok()["total"], 1);
    assert_eq!(two.mock.journal().len(), 1);
}

#[tokio::test]
async fn slow_clients_are_not_waited_for() {
    let soon = std::time::Duration::from_millis(200);
    let timeouts = gatewright_mock::Timeouts {
        head: soon,
        body: soon,
    };
    let mock = MockPortkey::builder()
        .timeouts(timeouts)
        .start()
        .await
        .unwrap();
    let exchange = |sent: String| {
        let address = mock.address();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let reading = stream.read_to_end(&mut answer);
            let waited = tokio::time::timeout(std::time::Duration::from_secs(20), reading).await;
            assert!(waited.is_ok(), "the connection stays open: {sent:.40}");
            String::from_utf8_lossy(&answer).into_owned()
        }
    };
    // A head that does not end, and none at all: the connection is closed.
    let head = exchange("GET /v1/integrations HTTP/1.1\r\nhost: x\r\n".to_owned()).await;
    assert!(
        head.is_empty() || head.starts_with("HTTP/1.1 408"),
        "{head}"
    );
    assert_eq!(exchange(String::new()).await, "");
    // A body that does not end is answered.
    let body = format!(
        "POST /v1/integrations HTTP/1.1\r\nhost: x\r\nx-portkey-api-key: {}\r\n\
         content-type: application/json\r\ncontent-length: 50\r\n\r\n{{\"name\":",
        mock.api_key()
    );
    let answer = exchange(body).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let last = mock.journal().pop().unwrap();
    assert_eq!(
        (last.operation.as_deref(), last.status),
        (Some("createIntegration"), 408)
    );
}

#[tokio::test]
async fn hostile_heads_get_a_documented_refusal() {
    let api = Api::live().await;
    let key = api.mock.api_key().to_owned();
    let exchange = |head: String| {
        let address = api.mock.address();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // The mock may answer and close before everything is sent.
            let _ = stream.write_all(head.as_bytes()).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).into_owned()
        }
    };
    let close = "host: x\r\nconnection: close\r\n";
    let many = (0..500)
        .map(|n| format!("x-{n}: y\r\n"))
        .collect::<String>();
    let wide = format!("x: {}\r\n", "y".repeat(100_000));
    for (headers, statuses) in [
        (many, vec!["431"]),
        (wide, vec!["431"]),
        (
            format!("x-portkey-api-key: {key}\r\ncontent-length: -1\r\n"),
            vec!["400"],
        ),
        (
            format!("x-portkey-api-key: {key}\r\ncontent-length: 1\r\ncontent-length: 2\r\n"),
            vec!["400"],
        ),
        (
            format!("x-portkey-api-key: {key}\r\ntransfer-encoding: gzip\r\n"),
            vec!["400", "411", "501"],
        ),
        ("no colon\r\n".to_owned(), vec!["400"]),
        (
            "x-portkey-api-key: \u{1}\r\n".to_owned(),
            vec!["400", "401"],
        ),
        ("x-portkey-api-key: key\u{e4}\r\n".to_owned(), vec!["401"]),
        (
            format!("x-portkey-api-key: {key}\r\nx-mock-snapshot: \u{e4}\r\n"),
            vec!["404"],
        ),
        (
            format!(
                "x-portkey-api-key: {key}\r\nx-mock-snapshot: {}\r\n",
                "initial/".repeat(100)
            ),
            vec!["400"],
        ),
    ] {
        let answer = exchange(format!(
            "POST /v1/integrations HTTP/1.1\r\n{close}{headers}\r\n"
        ))
        .await;
        let status = answer.get(9..12).unwrap_or("closed").to_owned();
        assert!(statuses.contains(&&*status), "{headers:.60}: {answer:.200}");
    }
    assert_eq!(api.get("/integrations").await.ok()["total"], 0);
}

#[tokio::test]
async fn hostile_bodies_never_end_in_a_500_whatever_the_operation() {
    let api = Api::live().await;
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[1,2".to_vec(),
        b"\"\\ud800\"".to_vec(),
        b"1e99999".to_vec(),
        b"{\"name\":{\"name\":{}},\"slug\":[],\"id\":-1,\"config\":[[]]}".to_vec(),
        format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes(),
        b"{\"name\":\"\\u0000\",\"name\":\"twice\"}".to_vec(),
        vec![0xff; 64],
    ];
    let paths = [
        ("POST", "/integrations"),
        ("POST", "/configs"),
        ("PUT", "/configs/x"),
        ("POST", "/prompts"),
        ("PUT", "/prompts/x"),
        ("POST", "/api-keys/workspace/user"),
        ("POST", "/admin/workspaces"),
        ("POST", "/logs"),
        ("POST", "/guardrails"),
        ("DELETE", "/admin/workspaces/x"),
        ("POST", "/policies/usage-limits"),
        ("PUT", "/integrations/x/models"),
        ("POST", "/chat/completions"),
        ("POST", "/logs/exports"),
        ("POST", "/feedback"),
        ("POST", "/mcp-integrations"),
    ];
    let before = api.control(Method::GET, "/health", Value::Null).await.ok();
    for (method, path) in paths {
        for body in &bodies {
            for media_type in ["application/json", "multipart/form-data", "text/plain", ""] {
                let request = api
                    .request(method.parse().unwrap(), path)
                    .body(body.clone());
                let request = match media_type {
                    "" => request,
                    media_type => request.header("content-type", media_type),
                };
                let answer = send(request).await;
                assert!(
                    answer.status < 500,
                    "{method} {path} {media_type}: {} {:#}",
                    answer.status,
                    answer.body
                );
            }
        }
    }
    for path in [
        "/verify",
        "/faults",
        "/clock",
        "/latency",
        "/seed",
        "/snapshots/x",
        "/reset",
    ] {
        for body in &bodies {
            let url = format!("http://{}/_mock{path}", api.mock.address());
            let answer = send(api.client.post(url).body(body.clone())).await;
            assert!(answer.status < 500, "{path}: {}", answer.status);
        }
    }
    assert_eq!(
        api.control(Method::GET, "/health", Value::Null).await.ok(),
        before
    );
    assert_eq!(api.get("/integrations").await.ok()["total"], 0);
    assert_eq!(api.get("/admin/workspaces").await.ok()["total"], 1);
}

#[tokio::test]
async fn thousands_of_idle_connections_do_not_keep_others_out() {
    let api = Api::live().await;
    let mut idle = Vec::new();
    for _ in 0..3_000 {
        idle.push(TcpStream::connect(api.mock.address()).await.unwrap());
    }
    let asking = async {
        for _ in 0..20 {
            api.get("/integrations").await.ok();
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), asking).await;
    assert!(
        waited.is_ok(),
        "nobody answers beside {} idle connections",
        idle.len()
    );
    drop(idle);
    api.get("/integrations").await.ok();
}

#[tokio::test]
async fn every_list_but_those_of_other_shapes_names_itself() {
    let api = Api::live().await;
    let workspace = text(&api.workspace("W").await["id"]);
    for path in [
        "/admin/users",
        "/admin/users/invites",
        "/admin/workspaces",
        "/api-keys",
        "/collections?workspace_id={w}",
        "/configs",
        "/guardrails?workspace_id={w}",
        "/integrations",
        "/labels",
        "/logs/exports?workspace_id={w}",
        "/mcp-integrations",
        "/mcp-servers?workspace_id={w}",
        "/policies/rate-limits?workspace_id={w}",
        "/policies/usage-limits?workspace_id={w}",
        "/prompts",
        "/prompts/partials",
        "/providers?workspace_id={w}",
        "/secret-references",
        "/virtual-keys",
    ] {
        let list = api.get(&path.replace("{w}", &workspace)).await.ok();
        assert_eq!(list["object"], "list", "{path}");
        assert!(list["total"].is_u64() && list["data"].is_array(), "{path}");
    }
    let mappings = api.get("/scim/workspaces").await.ok();
    assert_eq!(mappings, json!({ "mappings": [], "total_count": 0 }));
}

#[tokio::test]
async fn workspaces_without_the_beginning_of_their_path_are_a_bad_request() {
    let api = Api::live().await;
    for path in ["/workspaces", "/workspaces/", "/workspaces/ws-x-000000"] {
        assert_eq!(api.get(path).await.status, 400, "{path}");
        assert_eq!(api.post(path, json!({})).await.status, 400, "{path}");
    }
    assert_eq!(api.get("/workspacesx").await.status, 404);
    let api = Api::start(Profile::Documented).await;
    assert_eq!(api.get("/workspaces").await.status, 404);
}
