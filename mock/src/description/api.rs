//! What an API is like as a whole, whatever its operations: where keys travel, what errors, pages
//! and stamps look like. The `x-api` annotation at the root of a description says it.

use axum::http::HeaderName;
use indexmap::IndexMap;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// An API as a whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiSpec {
    /// What the API is called, also in the state.
    pub(crate) name: String,
    /// Where its paths are mounted; base URLs end in the first one.
    #[serde(default = "root")]
    pub(crate) base_paths: Vec<String>,
    /// Where a key may be; the first place that a request uses decides.
    #[serde(default)]
    pub(crate) keys: Vec<KeyPlace>,
    /// Whether any key will do.
    #[serde(default)]
    pub(crate) any_key: bool,
    #[serde(default)]
    pub(crate) headers: HeaderNames,
    #[serde(default)]
    pub(crate) errors: ErrorsSpec,
    /// Whether an update has to bring something.
    #[serde(default)]
    pub(crate) refuses_empty_updates: bool,
    #[serde(default)]
    pub(crate) ids: IdStyle,
    #[serde(default)]
    pub(crate) stamps: Stamps,
    #[serde(default)]
    pub(crate) paging: Paging,
    /// The kinds that hold the keys made through the API.
    pub(crate) credentials: Option<Credentials>,
    /// What keys can be confined to.
    pub(crate) tenancy: Option<Tenancy>,
    /// Where writes are noted down.
    pub(crate) audit: Option<AuditSpec>,
    /// What of it is a gateway to models.
    pub(crate) gateway: Option<GatewaySpec>,
}

/// The part of an API that passes requests on to models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewaySpec {
    /// The scope that a key needs: what needs nothing else belongs to this part.
    pub(crate) scope: String,
}

fn root() -> Vec<String> {
    vec![String::new()]
}

/// A place in a request where a key may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyPlace {
    /// The name of the header, in lower case.
    pub(crate) header: String,
    /// The authentication scheme that comes before the key.
    pub(crate) scheme: Option<String>,
}

/// The headers of an answer that identify it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderNames {
    #[serde(default, deserialize_with = "header")]
    pub(crate) request_id: Option<HeaderName>,
    /// A header that also keeps what the request has in it.
    #[serde(default, deserialize_with = "header")]
    pub(crate) trace_id: Option<HeaderName>,
}

fn header<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderName>, D::Error> {
    let name = <Option<String>>::deserialize(deserializer)?;
    let name = name.map(|name| name.parse::<HeaderName>()).transpose();
    name.map_err(D::Error::custom)
}

/// What errors look like. In bodies, `{message}`, `{status}`, `{title}`, `{path}`, `{request_id}`
/// and what `statuses` adds are replaced.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorsSpec {
    pub(crate) media_type: String,
    pub(crate) body: Value,
    /// The body where no operation was reached.
    pub(crate) unrouted: Option<Value>,
    /// Beginnings of paths that no operation has, and the status that is answered there instead of 404.
    #[serde(default)]
    pub(crate) elsewhere: IndexMap<String, u16>,
    /// What goes with a status, or with all of a class (`5xx`) that are not listed.
    #[serde(default)]
    pub(crate) statuses: IndexMap<String, Map<String, Value>>,
    /// The status for a body that is JSON and breaks its schema, where the operation documents it.
    #[serde(default = "bad_request")]
    pub(crate) validation: u16,
}

fn bad_request() -> u16 {
    400
}

impl Default for ErrorsSpec {
    /// Problem details as of RFC 9457.
    fn default() -> Self {
        ErrorsSpec {
            media_type: "application/problem+json".to_owned(),
            body: json!({
                "type": "about:blank",
                "title": "{title}",
                "status": "{status}",
                "detail": "{message}",
                "instance": "{path}",
            }),
            unrouted: None,
            elsewhere: IndexMap::new(),
            statuses: IndexMap::new(),
            validation: bad_request(),
        }
    }
}

impl ErrorsSpec {
    /// The status for a path that no operation has.
    pub(crate) fn unknown(&self, path: &str) -> u16 {
        let known = self.elsewhere.iter().find(|(beginning, _)| {
            let rest = path.strip_prefix(beginning.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        known.map_or(404, |(_, status)| *status)
    }
}

/// What the ids that the server makes look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IdStyle {
    /// A UUID.
    #[default]
    Uuid,
    /// `Type:number:four characters` in base64; what is not of that form names nothing.
    Global,
}

/// The fields that the server sets on an object by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stamps {
    /// The user whose key made the object.
    pub(crate) user: Vec<String>,
    pub(crate) organisation: Option<String>,
    pub(crate) created: String,
    pub(crate) updated: String,
    pub(crate) version: String,
}

impl Default for Stamps {
    fn default() -> Self {
        Stamps {
            user: Vec::new(),
            organisation: None,
            created: "created_at".to_owned(),
            updated: "updated_at".to_owned(),
            version: "version_id".to_owned(),
        }
    }
}

/// The names that paging goes by, in queries and in the envelopes of lists. An operation uses those that it declares.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Paging {
    /// How many objects.
    pub(crate) size: Vec<String>,
    /// Which page.
    pub(crate) number: Vec<String>,
    /// Where the last page ended.
    pub(crate) cursor: Vec<String>,
    /// How many objects to leave out.
    pub(crate) offset: Vec<String>,
    /// How many objects a page has when the description does not say.
    pub(crate) default: usize,
    /// How many objects there are.
    pub(crate) total: Vec<String>,
    /// Whether there are more.
    pub(crate) more: Vec<String>,
    /// The cursor of the next page.
    pub(crate) next: Vec<String>,
}

impl Default for Paging {
    /// What APIs commonly use.
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Paging {
            size: names(&[
                "limit",
                "page_size",
                "pageSize",
                "per_page",
                "perPage",
                "size",
            ]),
            number: names(&["page", "page_number", "pageNumber", "current_page"]),
            cursor: names(&[
                "cursor",
                "page_token",
                "pageToken",
                "after",
                "starting_after",
            ]),
            offset: names(&["offset", "skip"]),
            default: 100,
            total: names(&["total", "total_count", "totalCount", "count"]),
            more: names(&["has_more", "hasMore"]),
            next: names(&[
                "next_cursor",
                "nextCursor",
                "next_page_token",
                "nextPageToken",
            ]),
        }
    }
}

/// The kinds that hold the keys made through the API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    pub(crate) key: String,
    /// The kind of the digests of secrets.
    pub(crate) secret: String,
}

/// What keys can be confined to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tenancy {
    /// The kind.
    pub(crate) kind: String,
    /// The reference that says which one an object is in.
    pub(crate) field: String,
}

/// Where writes are noted down.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditSpec {
    /// The kind of the entries.
    pub(crate) kind: String,
    /// Scopes of what is no administration.
    #[serde(default)]
    pub(crate) data_plane: Vec<String>,
}

/// An object that is there from the beginning, as `x-seed` lists them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedSpec {
    pub(crate) kind: String,
    /// Its id, for what clients cannot make and want to name.
    pub(crate) id: Option<String>,
    /// The fields that a request would have.
    pub(crate) fields: Map<String, Value>,
    /// Fields that no request can set.
    #[serde(default)]
    pub(crate) amended: Map<String, Value>,
    /// What the object is to the account.
    #[serde(rename = "is")]
    pub(crate) part: Option<Part>,
}

/// What an object is to the account.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// The user behind the built-in key.
    User,
    /// What is meant by a request that names none.
    DefaultWorkspace,
}
