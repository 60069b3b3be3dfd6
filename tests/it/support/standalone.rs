//! `gatewright mock` as a process of its own.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{Cli, HTTP, Process, RUNTIME, Run, wait_for};

/// The key that it accepts when none is chosen.
const KEY: &str = "mock-admin-key";

/// A running mock.
pub(crate) struct Standalone {
    process: Process,
    /// Its base URL.
    pub(crate) url: String,
    /// Where it listens: what comes before `/v1` and `/_mock`.
    pub(crate) host: String,
}

impl Standalone {
    /// Starts a mock with flags.
    pub(crate) fn start(flags: &[&str]) -> Standalone {
        let mut cli = Cli::new(["mock", "--listen", "127.0.0.1:0"]);
        for flag in flags {
            cli = cli.arg(flag);
        }
        let process = cli.start();
        process.wait_until_it_says("Stop it with Ctrl-C");
        let stdout = process.stdout_so_far();
        let mut words = stdout.split_whitespace();
        let url = words.find(|word| word.starts_with("http://")).unwrap();
        let (host, _) = url["http://".len()..]
            .split_once('/')
            .unwrap_or((&url["http://".len()..], ""));
        Standalone {
            url: url.to_owned(),
            host: format!("http://{host}"),
            process,
        }
    }

    /// Sends a request with the admin key, to a path of the API or below `/_mock`: the status and the body. None if
    /// the answer did not come, or not all of it.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        self.ask_as(KEY, method, path, body)
    }

    /// The same with another key.
    pub(crate) fn ask_as(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let base = match path.starts_with("/_mock") {
            true => &self.host,
            false => &self.url,
        };
        let request = HTTP
            .request(method, format!("{base}{path}"))
            .header("x-portkey-api-key", key);
        answer(request, body)
    }

    /// Sends a request to a whole URL, with the admin key as a bearer token.
    pub(crate) fn send(&self, method: Method, url: &str, body: Option<&Value>) -> (u16, Value) {
        answer(HTTP.request(method, url).bearer_auth(KEY), body).unwrap()
    }

    /// What there is at a path.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.done(Method::GET, path, None)
    }

    /// What a POST answers.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: Value) -> Value {
        self.done(Method::POST, path, Some(&body))
    }

    #[track_caller]
    fn done(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, body) = self.ask(method, path, body).unwrap();
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&self) {
        self.process.signal("KILL");
        wait_for("the mock to die", || {
            self.ask(Method::GET, "/_mock/health", None)
                .is_none()
                .then_some(())
        });
    }

    /// Asks it to stop, and says what it printed.
    pub(crate) fn stop(self) -> Run {
        self.process.signal("TERM");
        self.process.wait().expect(0)
    }
}

fn answer(request: RequestBuilder, body: Option<&Value>) -> Option<(u16, Value)> {
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    RUNTIME.block_on(async {
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    })
}
