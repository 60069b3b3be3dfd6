//! Arize AX: its REST API v2 at `https://api.arize.com`.
//!
//! Sources, here and in the kinds: the official Python client (`arize` 8.61.0 on PyPI), which is
//! generated from the API's own description, for paths, names, types and limits; the client's and
//! the official Go client's configuration for hosts and environment variables; the API's public
//! documentation for what an error, a null and an omitted field mean.

pub mod kinds;
mod wire;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::kind::{Errors, Ids, Place, System};

/// The system as data.
pub static SYSTEM: System = System {
    name: "arize",
    default_base_url: "https://api.arize.com",
    regional_base_url: Some("https://api.{region}.arize.com"),
    places: &[
        Place::Host {
            host: "ARIZE_API_HOST",
            scheme: "ARIZE_API_SCHEME",
        },
        Place::Region("ARIZE_REGION"),
    ],
    api_key_variable: "ARIZE_API_KEY",
    auth_header: "authorization",
    auth_prefix: "Bearer ",
    // Problem documents as RFC 9457 has them; where a plan's limit is the problem, it is told in
    // members of its own.
    errors: Errors {
        message: &["/detail", "/title"],
        code: &["/error_code", "/type"],
        details: &["/entitlement", "/limit", "/current_count", "/required_plan"],
        request_id: &["/request_id"],
        request_id_headers: &["x-request-id"],
    },
    ids: Ids {
        noun: "id",
        is: is_id,
    },
    kinds: &[
        &kinds::organizations::KIND,
        &kinds::spaces::KIND,
        &kinds::integrations::KIND,
        &kinds::ai_integrations::KIND,
        &kinds::projects::KIND,
        &kinds::roles::KIND,
        &kinds::role_bindings::KIND,
        &kinds::annotation_configs::KIND,
        &kinds::tags::KIND,
        &kinds::webhooks::KIND,
    ],
};

/// Whether a text is an id: base64 of something with colons in it. The official client tells ids
/// from names in the same way.
fn is_id(text: &str) -> bool {
    let decoded = BASE64_STANDARD.decode(text).unwrap_or_default();
    std::str::from_utf8(&decoded).is_ok_and(|decoded| decoded.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_keys() {
        for id in ["TGxtSW50ZWdyYXRpb246MTI6YUJjRA==", "U3BhY2U6MTphYmNk"] {
            assert!(is_id(id), "{id}");
        }
        for key in ["", "checkout", "openai-prod", "abcd", "Checkout Space"] {
            assert!(!is_id(key), "{key}");
        }
    }

    #[test]
    fn regions_have_hosts_of_their_own() {
        let url = SYSTEM.region("eu-west-1a");
        assert_eq!(url.as_deref(), Some("https://api.eu-west-1a.arize.com"));
    }
}
