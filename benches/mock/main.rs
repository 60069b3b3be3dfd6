//! How fast and how large the mock is, beside bare axum handlers that do the least such a server could do.
//!
//! `cargo bench --bench mock` takes a minute or two and prints one table. Servers run in processes of their own, the
//! mock as the program that is shipped. All share the machine with the client, and windows of two servers take turns,
//! so that ratios say more than figures.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench prints its figures, and has nobody to hand an error to"
)]

mod bare;
mod client;
mod server;

use std::time::Duration;

use client::{Load, Request};
use server::Server;

/// How long one window lasts, and how many there are of each server.
const WINDOW: Duration = Duration::from_millis(200);
const WINDOWS: usize = 9;

/// How many connections are busy at the same time, and how many are open and idle.
const CONNECTIONS: usize = 16;
const IDLE: usize = 2_000;

/// How many starts are measured.
const STARTS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bare"] => runtime.block_on(bare::serve()),
        // `cargo test` runs benches, too, only to see that they start.
        ref arguments if !arguments.contains(&"--bench") => {}
        _ => runtime.block_on(measure()),
    }
}

async fn measure() {
    println!("| What | Measured | Limit | Holds |");
    println!("|---|---|---|---|");
    start().await;
    throughput().await;
    size().await;
    memory().await;
}

/// Prints a figure beside what it should be.
fn row(what: &str, figure: &str, limit: &str, holds: bool) {
    let holds = if holds { "yes" } else { "no" };
    println!("| {what} | {figure} | {limit} | {holds} |");
}

/// From the start of the process to its first answer.
async fn start() {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::mock().await.start.as_secs_f64() * 1e3);
    }
    let least = starts.iter().copied().fold(f64::MAX, f64::min);
    let middle = median(&mut starts);
    let figure = format!("{middle:.1} ms, least {least:.1} ms");
    row("start to first answer", &figure, "20 ms", middle < 20.0);
}

/// What the mock and the bare handlers answer in a second.
async fn throughput() {
    let (mock, bare) = (Server::mock().await, Server::bare().await);
    for server in [&mock, &bare] {
        server.fill_configs(1_000).await;
        server.fill_integrations(50).await;
    }
    let (mock_one, bare_one) = (mock.one_config().await, bare.one_config().await);
    let page = Request::get("/v1/integrations?page_size=50");
    let create = Request::post("/v1/configs", &client::config(0));
    for (what, limit, of_mock, of_bare) in [
        ("GET of one", 0.7, &mock_one, &bare_one),
        ("list of 50", 0.5, &page, &page),
        ("validated create", 0.5, &create, &create),
    ] {
        let Turns { one, other, ratio } = turns((&mock, of_mock), (&bare, of_bare)).await;
        row(
            &format!("{what}, beside bare axum"),
            &format!("{ratio:.2}: {one:.0}/s and {other:.0}/s"),
            &limit.to_string(),
            ratio >= limit,
        );
    }
}

/// What many objects cost.
async fn size() {
    let (many, few) = (Server::mock().await, Server::mock().await);
    few.fill_integrations(1_000).await;
    many.fill_integrations(100_000).await;
    let one = Request::get("/v1/integrations/integration-77");
    let page = Request::get("/v1/integrations?page_size=50");
    let create = Request::post("/v1/configs", &client::config(0));
    for (what, request) in [
        ("GET of one", one),
        ("list of 50", page),
        ("validated create", create),
    ] {
        let ratio = turns((&many, &request), (&few, &request)).await.ratio;
        row(
            &format!("{what}, 100,000 objects beside 1,000"),
            &format!("{ratio:.2}"),
            "0.8",
            ratio >= 0.8,
        );
    }
}

/// Resident memory.
async fn memory() {
    let resident = |what: &str, server: &Server, limit: Option<f64>| {
        let resident = server.resident();
        row(
            &format!("resident memory, {what}"),
            &format!("{resident:.1} MB"),
            &limit.map_or_else(String::new, |limit| format!("{limit} MB")),
            limit.is_none_or(|limit| resident < limit),
        );
    };
    let mock = Server::mock().await;
    resident("idle", &mock, Some(25.0));
    Load::once(&mock.address, &Request::arize("/arize/v2/spaces")).await;
    resident("idle, Arize's API in use, too", &mock, None);
    let idle = Load::open(&mock.address, IDLE).await;
    resident(&format!("{IDLE} idle connections"), &mock, None);
    drop(idle);
    drop(mock);

    let mock = Server::mock().await;
    let one = Request::get("/v1/integrations?page_size=1");
    Load::all(&mock.address, vec![one; 20_000], CONNECTIONS).await;
    resident("journal full", &mock, None);
    mock.fill_configs(10_000).await;
    resident("journal full, 10,000 objects", &mock, Some(60.0));
    Load::once(&mock.address, &Request::get("/v1/configs")).await;
    resident("the same when all were read", &mock, Some(60.0));
}

/// What two servers answer in a second, and the ratio of both.
struct Turns {
    one: f64,
    other: f64,
    ratio: f64,
}

/// Measures two servers in turns: medians.
async fn turns(one: (&Server, &Request), other: (&Server, &Request)) -> Turns {
    let (mut ones, mut others, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let window = async |(server, request): (&Server, &Request)| {
            Load::window(&server.address, request, CONNECTIONS, WINDOW).await
        };
        let (first, second) = (window(one).await, window(other).await);
        ratios.push(first / second);
        ones.push(first);
        others.push(second);
    }
    Turns {
        one: median(&mut ones),
        other: median(&mut others),
        ratio: median(&mut ratios),
    }
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}
