//! The vocabulary that every other room speaks: addresses, pointers, values and secrets.

mod address;
mod ident;
mod pointer;
mod secret;
mod value;

pub use address::{Address, ParseAddressError};
pub use ident::Ident;
pub use pointer::{Pattern, Pointer};
pub use secret::{Exposure, Fingerprint, FingerprintKey, Secret, SecretSet};
pub use value::{Attribute, Map, Reference, Segment, Template, Value, WireError};
