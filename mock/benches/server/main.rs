//! How fast and how large the mock is, beside bare axum handlers that do the least such a server could do.
//!
//! `cargo bench -p gatewright-mock` prints requests per second of both in windows that take turns, the time from
//! the start of the process to its first answer, and resident memory. Servers run in processes of their own; they
//! share the machine with the client, so that ratios say more than figures.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench prints its figures, and has nobody to hand an error to"
)]

mod bare;
mod client;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::{Load, Request};
use gatewright_mock::MockPortkey;

/// How long one window lasts, and how many there are of each server.
const WINDOW: Duration = Duration::from_millis(700);
const WINDOWS: usize = 7;

/// How many connections are busy at the same time.
const CONNECTIONS: usize = 16;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", which] => runtime.block_on(serve(which)),
        // `cargo test` runs benches, too, only to see that they start.
        ref arguments if !arguments.contains(&"--bench") => {}
        _ => runtime.block_on(measure()),
    }
}

/// Serves until the parent is gone.
async fn serve(which: &str) {
    if which == "bare" {
        println!("{}", bare::start().await);
    } else {
        let mock = MockPortkey::start().await.expect("a mock");
        println!("{}", mock.address());
        // The mock lives as long as the process.
        std::mem::forget(mock);
    }
    std::future::pending::<()>().await;
}

/// A server in a process of its own.
struct Server {
    child: Child,
    address: String,
    /// From the start of the process to the first answer.
    start: Duration,
}

impl Server {
    async fn spawn(which: &str, probe: &str) -> Server {
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe().expect("the bench itself"))
            .args(["serve", which])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its address");
        let address = line.trim().to_owned();
        Load::once(&address, &Request::get(probe)).await;
        Server {
            child,
            address,
            start: began.elapsed(),
        }
    }

    /// Resident memory in MB.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.unwrap_or(f64::NAN) / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes configs until there are so many.
async fn fill(server: &Server, from: usize, to: usize) {
    let requests = (from..to).map(|number| Request::post("/v1/configs", client::config(number)));
    Load::all(&server.address, requests.collect(), CONNECTIONS).await;
}

async fn measure() {
    let mut starts: Vec<Duration> = Vec::new();
    for _ in 0..9 {
        starts.push(Server::spawn("mock", "/v1/configs").await.start);
    }
    starts.sort_unstable();
    println!(
        "start to first answer   {:>7.1} ms (median of 9)",
        starts[4].as_secs_f64() * 1e3
    );

    let mock = Server::spawn("mock", "/v1/configs").await;
    let bare = Server::spawn("bare", "/v1/configs").await;
    println!("resident, idle          {:>7.1} MB", mock.resident());
    fill(&mock, 0, 1_000).await;
    fill(&bare, 0, 1_000).await;
    let one = |server: &Server| {
        let address = server.address.clone();
        async move {
            let listed = Load::once(&address, &Request::get("/v1/configs?page_size=1")).await;
            let listed: serde_json::Value = serde_json::from_slice(&listed).expect("a list");
            let slug = listed["data"][0]["slug"]
                .as_str()
                .expect("a slug")
                .to_owned();
            Request::get(&format!("/v1/configs/{slug}"))
        }
    };
    let (mock_one, bare_one) = (one(&mock).await, one(&bare).await);
    let page = Request::get("/v1/integrations?page_size=50");
    let integrations = (0..50).map(|n| Request::post("/v1/integrations", client::integration(n)));
    Load::all(&mock.address, integrations.clone().collect(), 1).await;
    Load::all(&bare.address, integrations.collect(), 1).await;
    compare("GET of one", 0.7, (&mock, &mock_one), (&bare, &bare_one)).await;
    compare("list of 50", 0.5, (&mock, &page), (&bare, &page)).await;

    let few = throughput(&mock, &mock_one).await;
    fill(&mock, 1_000, 10_000).await;
    println!("resident, 10,000 objects{:>7.1} MB", mock.resident());
    fill(&mock, 10_000, 100_000).await;
    let many = throughput(&mock, &mock_one).await;
    println!(
        "GET of one, 100,000 objects / 1,000 objects: {:.2} (goal 0.8)",
        many / few
    );
    println!("resident, 100,000       {:>7.1} MB", mock.resident());
    drop(mock);

    let mock = Server::spawn("mock", "/v1/configs").await;
    let create = Request::post("/v1/configs", client::config(0));
    compare("validated create", 0.5, (&mock, &create), (&bare, &create)).await;
}

/// Measures two servers in turns and prints the medians and their ratio.
async fn compare(what: &str, goal: f64, mock: (&Server, &Request), bare: (&Server, &Request)) {
    let mut ratios = Vec::new();
    let (mut mocks, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let one = Load::window(&mock.0.address, mock.1, CONNECTIONS, WINDOW).await;
        let other = Load::window(&bare.0.address, bare.1, CONNECTIONS, WINDOW).await;
        ratios.push(one / other);
        mocks.push(one);
        bares.push(other);
    }
    println!(
        "{what:<20}    mock {:>7.0}/s, bare axum {:>7.0}/s, ratio {:.2} (goal {goal})",
        median(&mut mocks),
        median(&mut bares),
        median(&mut ratios),
    );
}

async fn throughput(server: &Server, request: &Request) -> f64 {
    let mut windows = Vec::new();
    for _ in 0..WINDOWS {
        windows.push(Load::window(&server.address, request, CONNECTIONS, WINDOW).await);
    }
    median(&mut windows)
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}
