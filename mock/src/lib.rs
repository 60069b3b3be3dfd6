//! A stateful mock of the Portkey API, driven by a description of the API.
//!
//! The description is a set of OpenAPI 3.1 documents, embedded when the crate is built. An
//! operation that carries an `x-behaviour` annotation works on objects that the mock keeps;
//! every other operation answers with an instance of its response schema. Requests are checked
//! against the description in both cases.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gatewright_mock::MockPortkey;
//!
//! let mock = MockPortkey::start().await?;
//! assert!(mock.base_url().ends_with("/v1"));
//! mock.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The way a request takes through the modules: `serve` accepts it, `http` routes it
//! (`description::router`), finds the state that it is for (`worlds`) and checks the key, `engine::parameters` decodes and validates it,
//! `engine` reads from or writes to the `store` as the annotations say, and `engine::shape` puts
//! the outcome into the form that the response schema asks for. What is too special for
//! annotations is in `hooks`. Requests to models go to the `gateway` instead of the engine.
//! `control` answers what is asked about the mock itself, `journal` remembers what was asked, and
//! `faults` makes it go wrong.

mod apis;
mod control;
pub mod coverage;
mod description;
mod engine;
mod faults;
mod gateway;
mod hooks;
mod http;
mod journal;
mod relay;
mod seed;
mod serve;
mod server;
mod statefile;
mod store;
mod worlds;

pub use apis::{Api, ArizeRevision, Profile};
pub use control::seed::SeedError;
pub use engine::departure::Validation;
pub use faults::latency::Latency;
pub use faults::rule::{Dropping, Fault};
pub use journal::expectation::{Expectation, Unmet};
pub use journal::pattern::{RequestPattern, operation, request};
pub use journal::{JournalLimits, RequestRecord};
pub use serve::Timeouts;
pub use server::{MockClock, MockPortkey, MockPortkeyBuilder, StartError};
pub use worlds::Restored;
