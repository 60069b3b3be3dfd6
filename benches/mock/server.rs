//! Servers in processes of their own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::CONNECTIONS;
use super::client::{self, Load, Request};

/// A server that answers.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// From the start of the process to the first answer.
    pub(crate) start: Duration,
}

impl Server {
    /// The mock, as the program serves it.
    pub(crate) async fn mock() -> Server {
        let mut program = Command::new(env!("CARGO_BIN_EXE_gatewright"));
        program.args(["mock", "--listen", "127.0.0.1:0"]);
        Server::spawn(program).await
    }

    /// The bare handlers.
    pub(crate) async fn bare() -> Server {
        let mut program = Command::new(std::env::current_exe().expect("the bench itself"));
        program.arg("bare");
        Server::spawn(program).await
    }

    async fn spawn(mut program: Command) -> Server {
        let began = Instant::now();
        let mut child = program.stdout(Stdio::piped()).spawn().expect("a server");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its address");
        let (_, rest) = line.split_once("http://").expect("an address");
        let address = rest.split('/').next().unwrap_or(rest).trim().to_owned();
        Load::once(&address, &Request::get("/v1/configs")).await;
        Server {
            child,
            address,
            start: began.elapsed(),
        }
    }

    /// Resident memory in MB.
    pub(crate) fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.unwrap_or(f64::NAN) / 1024.0
    }

    /// Makes configs.
    pub(crate) async fn fill_configs(&self, count: usize) {
        let requests =
            (0..count).map(|number| Request::post("/v1/configs", &client::config(number)));
        Load::all(&self.address, requests.collect(), CONNECTIONS).await;
    }

    /// Makes integrations.
    pub(crate) async fn fill_integrations(&self, count: usize) {
        let requests = (0..count)
            .map(|number| Request::post("/v1/integrations", &client::integration(number)));
        Load::all(&self.address, requests.collect(), CONNECTIONS).await;
    }

    /// The request for one of the configs that there are.
    pub(crate) async fn one_config(&self) -> Request {
        let page = Load::once(&self.address, &Request::get("/v1/configs?page_size=1")).await;
        let page: serde_json::Value = serde_json::from_slice(&page).expect("a list");
        let slug = page["data"][0]["slug"].as_str().expect("a slug");
        Request::get(&format!("/v1/configs/{slug}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
