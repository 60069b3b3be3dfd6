//! The vocabulary that every other room speaks: addresses, pointers, values and secrets.

mod address;
mod gates;
mod ident;
mod pointer;
mod secret;
mod secret_set;
mod sink;
mod unescape;
mod value;

pub use address::{Address, ParseAddressError};
pub use gates::{Exclusive, Gates, Limit, Limits};
pub use ident::Ident;
pub use pointer::{Pattern, Pointer};
pub use secret::{Exposure, Fingerprint, FingerprintKey, Secret};
pub use secret_set::SecretSet;
pub use sink::Sink;
pub use value::{Attribute, Map, Reference, Segment, Template, Value, WireError, visit};
