//! A proxy in front of a server that does to requests what networks do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{RUNTIME, Server, wait_for};

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The path with its query, after `/v1`.
    pub(crate) path: String,
    pub(crate) headers: String,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

impl Seen {
    /// Whether it changes something.
    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Whether it is a POST to this path.
    pub(crate) fn creates(&self, path: &str) -> bool {
        self.method == "POST" && self.path == path
    }
}

/// What becomes of a request.
pub(crate) enum Fate {
    /// It reaches the server, and the answer comes back.
    Forward,
    /// It reaches the server with another path.
    ForwardAs(String),
    /// It reaches the server, and the answer is lost with the connection.
    LoseAnswer,
    /// It reaches the server, and something else is answered.
    ForwardAndAnswer(String),
    /// It does not reach the server, and this is answered.
    Answer(String),
    /// It does not reach the server, and the connection is cut.
    Cut,
    /// Nothing happens until the gate opens; then it reaches the server.
    Wait(Gate),
    /// This is answered at once, and it reaches the server when the gate opens.
    AnswerFirst(String, Gate),
    /// It reaches the server at once, and the answer comes when the gate opens.
    HoldAnswer(Gate),
}

impl Fate {
    /// An answer without the server.
    pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Self {
        Self::Answer(response(status, headers, body))
    }
}

/// A response in full. `headers` are lines that end in CR LF.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Something that requests wait for.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        // The sender lives as long as this.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

type Rule = dyn Fn(&Seen) -> Fate + Send + Sync;

struct State {
    upstream: SocketAddr,
    rule: Mutex<Arc<Rule>>,
    seen: Mutex<Vec<Seen>>,
}

/// A running proxy.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy that asks `rule` about every request.
    pub(crate) fn start(
        server: &Server,
        rule: impl Fn(&Seen) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(State {
            upstream: server.address(),
            rule: Mutex::new(Arc::new(rule)),
            seen: Mutex::default(),
        });
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&state);
        let task = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A connection that ends early is what tests ask for.
                    let _ = serve(stream, &state).await;
                });
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Another rule from now on.
    pub(crate) fn rule(&self, rule: impl Fn(&Seen) -> Fate + Send + Sync + 'static) {
        *self.state.rule.lock().unwrap() = Arc::new(rule);
    }

    /// Lets everything through from now on.
    pub(crate) fn heal(&self) {
        self.rule(|_| Fate::Forward);
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn clear(&self) {
        self.state.seen.lock().unwrap().clear();
    }

    /// Waits until a request came.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        wait_for(what, || self.seen().into_iter().find(|seen| wanted(seen)))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, state: &State) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.unwrap_or(0);
    while bytes.len() < head + length {
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    let (line, headers) = text.split_once("\r\n").unwrap_or((&text, ""));
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let seen = Seen {
        method: method.clone(),
        path: target.trim_start_matches("/v1").to_owned(),
        headers: headers.to_owned(),
        body: String::from_utf8_lossy(&bytes[head..]).into_owned(),
        at: Instant::now(),
    };
    let rule = Arc::clone(&*state.rule.lock().unwrap());
    let fate = rule(&seen);
    // Only now: who waits for a request may count on the rule having been asked.
    state.seen.lock().unwrap().push(seen);
    let headers: String = headers
        .split_inclusive("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    let forward = async |target: &str| {
        let mut server = TcpStream::connect(state.upstream).await?;
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n{headers}").into_bytes();
        request.extend_from_slice(&bytes[head..]);
        server.write_all(&request).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = match fate {
        Fate::Forward => forward(target).await?,
        Fate::ForwardAs(path) => forward(&format!("/v1{path}")).await?,
        Fate::LoseAnswer => {
            forward(target).await?;
            return Ok(());
        }
        Fate::ForwardAndAnswer(answer) => {
            forward(target).await?;
            answer.into_bytes()
        }
        Fate::Answer(answer) => answer.into_bytes(),
        Fate::Cut => return Ok(()),
        Fate::Wait(gate) => {
            gate.passed().await;
            forward(target).await?
        }
        Fate::AnswerFirst(answer, gate) => {
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
            gate.passed().await;
            forward(target).await?;
            return Ok(());
        }
        Fate::HoldAnswer(gate) => {
            let answer = forward(target).await?;
            gate.passed().await;
            answer
        }
    };
    client.write_all(&answer).await?;
    client.shutdown().await?;
    // Until the client has read it, closing could take the answer away.
    let mut rest = [0; 64];
    let _ = tokio::time::timeout(Duration::from_secs(5), client.read(&mut rest)).await;
    Ok(())
}
