//! The name of a resource inside a repository: system, kind and key.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The system that manifests speak of when they do not say another one.
const DEFAULT_SYSTEM: &str = "portkey";

/// Where a resource stands in a repository: `integrations.openai-prod`, or
/// `SYSTEM:integrations.openai-prod` for a system other than the default one.
///
/// The order is by system, kind and key, so that lists of addresses are stable.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Address {
    /// The system's name, for example `portkey`.
    pub system: String,
    /// The kind's name as manifests spell it, for example `integrations`.
    pub kind: String,
    /// The key of the entry under its kind.
    pub key: String,
}

/// A text that is not an address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an address: expected `KIND.KEY` or `SYSTEM:KIND.KEY`")]
pub struct ParseAddressError(String);

impl Address {
    /// An address from its three parts.
    pub fn new(system: impl Into<String>, kind: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            system: system.into(),
            kind: kind.into(),
            key: key.into(),
        }
    }

    /// A kind's name, with the system before it unless that is the default one.
    pub fn kind_name(system: &str, kind: &str) -> String {
        if system == DEFAULT_SYSTEM {
            kind.to_owned()
        } else {
            format!("{system}:{kind}")
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = Self::kind_name(&self.system, &self.kind);
        write!(f, "{kind}.{}", self.key)
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseAddressError(text.to_owned());
        let (before, key) = text.split_once('.').ok_or_else(fail)?;
        let (system, kind) = before.split_once(':').unwrap_or((DEFAULT_SYSTEM, before));
        if system.is_empty() || kind.is_empty() || key.is_empty() {
            return Err(fail());
        }
        Ok(Self::new(system, kind, key))
    }
}

impl TryFrom<String> for Address {
    type Error = ParseAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip_and_hide_the_default_system() {
        for text in [
            "integrations.openai-prod",
            "other:integrations.a.b",
            "configs.a:b",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let address: Address = "portkey:configs.main".parse().unwrap();
        assert_eq!(address.to_string(), "configs.main");
    }

    #[test]
    fn half_addresses_are_refused() {
        for text in ["", "configs", ".x", "configs.", ":configs.x"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
