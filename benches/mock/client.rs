//! The least client that keeps connections busy: requests are bytes made once, answers are read to their end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request as it goes over the wire.
#[derive(Clone)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    pub(crate) fn get(path: &str) -> Request {
        Request(
            format!(
                "GET {path} HTTP/1.1\r\nhost: bench\r\nx-portkey-api-key: mock-admin-key\r\n\r\n"
            )
            .into_bytes(),
        )
    }

    /// A GET from Arize's API, which takes its key elsewhere.
    pub(crate) fn arize(path: &str) -> Request {
        Request(
            format!(
                "GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer mock-admin-key\r\n\r\n"
            )
            .into_bytes(),
        )
    }

    pub(crate) fn post(path: &str, body: &Value) -> Request {
        let body = body.to_string();
        Request(
            format!(
                "POST {path} HTTP/1.1\r\nhost: bench\r\nx-portkey-api-key: mock-admin-key\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
        )
    }
}

/// A config of an ordinary size.
pub(crate) fn config(number: usize) -> Value {
    json!({ "name": format!("config {number}"), "config": {
        "strategy": { "mode": "fallback" }, "retry": { "attempts": 3, "on_status_codes": [429, 500] },
        "cache": { "mode": "simple", "max_age": 3600 },
        "targets": [
            { "provider": "@openai-prod", "override_params": { "model": "gpt-5" } },
            { "provider": "@anthropic-prod", "override_params": { "model": "claude-sonnet-4-5" } },
        ],
    } })
}

pub(crate) fn integration(number: usize) -> Value {
    json!({ "name": format!("integration {number}"), "slug": format!("integration-{number}"), "ai_provider_id": "openai" })
}

pub(crate) struct Load;

impl Load {
    /// Opens connections, sends one request on each and leaves them open.
    pub(crate) async fn open(address: &str, count: usize) -> Vec<TcpStream> {
        let mut idle = Vec::new();
        for _ in 0..count {
            let mut connection = Connection::open(address).await;
            connection
                .send(&Request::get("/v1/configs?page_size=1"))
                .await;
            idle.push(connection.stream);
        }
        idle
    }

    /// Sends one request on a connection of its own and returns the body.
    pub(crate) async fn once(address: &str, request: &Request) -> Vec<u8> {
        let mut connection = Connection::open(address).await;
        connection.send(request).await.to_vec()
    }

    /// Sends all requests.
    pub(crate) async fn all(address: &str, requests: Vec<Request>, connections: usize) {
        let share = requests.len().div_ceil(connections).max(1);
        let busy = requests.chunks(share).map(|requests| {
            let (requests, address) = (requests.to_vec(), address.to_owned());
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await;
                for request in &requests {
                    connection.send(request).await;
                }
            })
        });
        for one in busy.collect::<Vec<_>>() {
            one.await.expect("a connection");
        }
    }

    /// Sends a request over and over for a while, and returns how many were answered in a second.
    pub(crate) async fn window(
        address: &str,
        request: &Request,
        connections: usize,
        length: Duration,
    ) -> f64 {
        let began = Instant::now();
        let busy = (0..connections).map(|_| {
            let (request, address) = (request.clone(), address.to_owned());
            tokio::spawn(async move {
                let mut connection = Connection::open(&address).await;
                let mut answered = 0_u32;
                while began.elapsed() < length {
                    connection.send(&request).await;
                    answered += 1;
                }
                answered
            })
        });
        let mut answered = 0;
        for one in busy.collect::<Vec<_>>() {
            answered += one.await.expect("a connection");
        }
        f64::from(answered) / began.elapsed().as_secs_f64()
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Connection {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Connection {
            stream,
            buffer: vec![0; 1 << 20],
        }
    }

    async fn send(&mut self, request: &Request) -> &[u8] {
        self.stream.write_all(&request.0).await.expect("a request");
        let mut filled = 0;
        loop {
            let read = self
                .stream
                .read(&mut self.buffer[filled..])
                .await
                .expect("an answer");
            assert!(read > 0, "the server hung up");
            filled += read;
            let Some((head, length)) = head(&self.buffer[..filled]) else {
                continue;
            };
            if self.buffer.len() < head + length {
                self.buffer.resize(head + length, 0);
            }
            while filled < head + length {
                filled += self
                    .stream
                    .read(&mut self.buffer[filled..])
                    .await
                    .expect("a body");
            }
            assert!(
                self.buffer.starts_with(b"HTTP/1.1 200"),
                "{}",
                String::from_utf8_lossy(&self.buffer[..filled])
            );
            return &self.buffer[head..filled];
        }
    }
}

/// The lengths of the head and of the body.
fn head(answer: &[u8]) -> Option<(usize, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..end]).expect("a head");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    Some((end, length.unwrap_or(0)))
}
