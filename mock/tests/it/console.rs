//! The console page, in a real browser. Without Chromium and its driver the test says that it is skipped.

#![expect(clippy::print_stderr, reason = "a test that is skipped should say so")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::harness::*;

/// Markup that says so if any of it is ever taken for markup.
const HOSTILE: &str =
    "<img src=x onerror='window.hacked=1'>\"'><script>window.hacked=1</script>${x}{{x}}";

/// A browser that is closed when it is dropped.
struct Browser {
    driver: Child,
    client: Client,
    session: String,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Starts a browser; `None` if there is none on this machine.
    async fn start() -> Option<Browser> {
        let profile = tempfile::tempdir().unwrap();
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            return None;
        };
        let output = BufReader::new(driver.stdout.take().unwrap());
        let port = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let base = format!("http://127.0.0.1:{}/session", port.unwrap());
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            folder,
        ]);
        let body = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let client = client();
        let mut browser = Browser {
            driver,
            client,
            session: base,
            _profile: profile,
        };
        let made = browser.post("", body).await;
        browser.session = format!("{}/{}", browser.session, text(&made["sessionId"]));
        Some(browser)
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.session);
        let answer = send(self.client.post(url).json(&body)).await;
        assert_eq!(answer.status, 200, "{path}: {:#}", answer.body);
        answer.body["value"].clone()
    }

    async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
            .await
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.post(
            "/goog/cdp/execute",
            json!({ "cmd": command, "params": parameters }),
        )
        .await;
    }

    async fn element(&self, selector: &str) -> String {
        let found = self
            .post(
                "/element",
                json!({ "using": "css selector", "value": selector }),
            )
            .await;
        text(found.as_object().unwrap().values().next().unwrap())
    }

    async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    async fn fill(&self, selector: &str, words: &str) {
        let element = self.element(selector).await;
        self.post(
            &format!("/element/{element}/value"),
            json!({ "text": words }),
        )
        .await;
    }

    /// Waits until the page shows text.
    async fn shows(&self, words: &str) {
        let begun = Instant::now();
        loop {
            let shown = text(&self.run("return document.body.innerText").await);
            if shown.contains(words) {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{words} is not in:\n{shown}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Writes what is to be seen into a folder, if one is asked for.
    async fn picture(&self, name: &str) {
        let Ok(folder) = std::env::var("GATEWRIGHT_PICTURES") else {
            return;
        };
        let answer = send(self.client.get(format!("{}/screenshot", self.session)))
            .await
            .ok();
        let picture = base64::engine::general_purpose::STANDARD.decode(text(&answer["value"]));
        std::fs::write(format!("{folder}/{name}.png"), picture.unwrap()).unwrap();
    }

    async fn screen(&self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }
}

#[tokio::test]
async fn the_page_brings_everything_itself() {
    let api = Api::live().await;
    for path in ["/_mock", "/_mock/"] {
        let answer = api
            .client
            .get(format!("http://{}{path}", api.mock.address()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("connect-src 'self'"),
            "{policy}"
        );
        let page = answer.text().await.unwrap();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        assert_eq!(
            page.matches(&format!("nonce=\"{nonce}\"")).count(),
            2,
            "one style, one script"
        );
        for outside in ["http://", "https://", "src=", "@import", "innerHTML", "{{"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[tokio::test]
async fn what_is_in_the_store_can_be_read_without_its_secrets() {
    let api = Api::live().await;
    let secret = json!({ "name": "k", "scopes": ["logs.list"] });
    let secret = text(
        &api.post("/api-keys/organisation/service", secret)
            .await
            .ok()["key"],
    );
    for number in 0..3 {
        api.post(
            "/configs",
            json!({ "name": format!("nr{number}"), "config": { "retry": {} } }),
        )
        .await
        .ok();
    }
    let read = async |path: &str| {
        let url = format!("http://{}/_mock/store{path}", api.mock.address());
        send(api.client.get(url)).await
    };
    let kinds = read("").await.ok();
    let of = |kind: &str| {
        let mut kinds = kinds["data"].as_array().unwrap().iter();
        kinds.find(|one| one["kind"] == kind).cloned()
    };
    assert_eq!(of("config").unwrap()["total"], 3);
    assert_eq!(of("api-key").unwrap()["total"], 1);
    assert!(of("api-key-secret").is_none(), "{kinds}");
    let page = read("/config?page=1&page_size=2").await.ok();
    assert_eq!(
        (&page["total"], page["data"].as_array().unwrap().len()),
        (&json!(3), 1)
    );
    assert_eq!(page["data"][0]["fields"]["name"], "nr2");
    // No id happens to have this in it: they are hexadecimal.
    let found = read("/config?search=NR1").await.ok();
    assert_eq!(
        (&found["total"], &found["data"][0]["fields"]["name"]),
        (&json!(1), &json!("nr1"))
    );
    let keys = read("/api-key").await.ok().to_string();
    assert!(!keys.contains(&secret) && !keys.contains("\"^"), "{keys}");
    // The API shows headers to whoever has a key; the store has no keys.
    let server = json!({
        "name": "m", "slug": "m", "url": "https://m.example/mcp", "auth_type": "headers", "transport": "http",
        "configurations": { "headers": { "authorization": "Bearer canary" } },
    });
    api.post("/mcp-integrations", server).await.ok();
    let servers = read("/mcp-integration").await.ok();
    let shown = &servers["data"][0]["fields"]["configurations"];
    assert_eq!(shown, &json!({ "headers": { "authorization": "*****" } }));
    assert!(!servers.to_string().contains("canary"), "{servers}");
    assert_eq!(read("/api-key-secret").await.status, 404);
    assert_eq!(read("/nonsense").await.status, 404);
}

#[tokio::test]
async fn the_console_shows_store_requests_and_faults() {
    let Some(browser) = Browser::start().await else {
        eprintln!("skipped: there is no chromedriver on this machine");
        return;
    };
    let api = Api::live().await;
    api.workspace(HOSTILE).await;
    for name in ["Payments", "Search", "Support bots"] {
        let workspace = api.workspace(name).await;
        api.integration(&format!("openai-{}", name.len()), Some(&workspace))
            .await;
        api.post(
            "/configs",
            json!({ "name": format!("{name} fallback"), "config": { "retry": { "attempts": 3 } } }),
        )
        .await
        .ok();
    }
    let page = format!("http://{}/_mock/", api.mock.address());
    browser.screen(1280, 860, "light").await;
    browser.post("/url", json!({ "url": page })).await;

    // The store: kinds with their numbers, objects, and one in full.
    browser.shows("workspace").await;
    browser.run("[...document.querySelectorAll('#kinds button')].find(b => b.firstChild.data === 'workspace').click()").await;
    browser.shows(HOSTILE).await;
    browser.run("[...document.querySelectorAll('#objects tr')].find(r => r.textContent.includes('Payments')).click()").await;
    browser.shows("\"organisation_id\"").await;
    browser.picture("store-light").await;
    browser.screen(1280, 860, "dark").await;
    browser.picture("store-dark").await;

    // The journal: what is asked now appears by itself.
    browser.run("location.hash = 'requests'").await;
    let hostile = format!(
        "/configs/{}",
        HOSTILE.replace(['$', '{', '}'], "").replace(' ', "%20")
    );
    let unknown = api.request(Method::GET, &hostile).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    browser.shows("%3Cscript%3E").await;
    browser.shows("createWorkspace").await;
    browser.picture("requests-dark").await;

    // Faults: one is switched on in the page and strikes, and is switched off again.
    browser.run("location.hash = 'faults'").await;
    browser.fill("#new [name=where]", "/v1/labels").await;
    browser.fill("#new [name=times]", "1000").await;
    browser.click("#new button.main").await;
    browser.shows("\"path\":\"/v1/labels\"").await;
    assert_eq!(api.get("/labels").await.status, 503);
    let faults = send(
        api.client
            .get(format!("http://{}/_mock/faults", api.mock.address())),
    )
    .await
    .ok();
    assert_eq!(faults["data"][0]["times"], 1000);
    browser.picture("faults-dark").await;
    browser.click("#rules button").await;
    browser.shows("No fault is on.").await;
    api.get("/labels").await.ok();
    // What is refused is said.
    browser.fill("#new [name=status]", "9").await;
    browser
        .run("document.querySelector('#new').noValidate = true")
        .await;
    browser.click("#new button.main").await;
    browser
        .shows("the status of a fault is from 200 to 599")
        .await;

    // On a telephone nothing but tables is wider than the screen.
    for view in ["store", "requests", "faults"] {
        browser.screen(390, 800, "light").await;
        browser.run(&format!("location.hash = '{view}'")).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let fits = "return document.documentElement.scrollWidth <= window.innerWidth";
        assert_eq!(browser.run(fits).await, true, "{view}");
        browser.picture(&format!("{view}-phone")).await;
    }
    // Nothing hostile has become more than text.
    assert_eq!(
        browser.run("return window.hacked || null").await,
        Value::Null
    );
    assert_eq!(
        browser
            .run("return document.querySelectorAll('img, main script, iframe').length")
            .await,
        0
    );
}
