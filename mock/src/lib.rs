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
//! The way a request takes through the modules: `server` accepts it, `http` routes it
//! (`description::router`) and checks the key, `engine::parameters` decodes and validates it,
//! `engine` reads from or writes to the `store` as the annotations say, and `engine::shape` puts
//! the outcome into the form that the response schema asks for. What is too special for
//! annotations is in `hooks`.

mod control;
mod description;
mod engine;
mod hooks;
mod http;
mod journal;
mod seed;
mod server;
mod store;

pub use journal::RequestRecord;
pub use server::{MockPortkey, MockPortkeyBuilder, Profile, StartError};
