//! A small system with everything that rules can say.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kind::{
    Detail, Endpoints, Identity, Is, Kind, List, Paging, Problems, Rule, System, Update,
};
use crate::model::{Attribute, Map, Pointer, Value};

pub(super) static SYSTEMS: &[&System] = &[&SYSTEM, &OTHER];

static SYSTEM: System = System {
    kinds: &[&BOXES, &TEAMS],
    ..crate::systems::portkey::SYSTEM
};

static OTHER: System = System {
    name: "other",
    kinds: &[],
    ..SYSTEM
};

const ENDPOINTS: Endpoints = Endpoints {
    list: List {
        path: "/x",
        items: "data",
        paging: Paging::Whole,
        per_scope: false,
        across: None,
        scopes: &[],
    },
    create: "/x",
    item: "/x/{id}",
    detail: Detail::Listed,
    scope_in_query: false,
    update: Update::PUT,
    delete_body: &[],
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct BoxSpec {
    /// Its name.
    name: String,
    #[schemars(range(min = 0, max = 10))]
    size: Option<u64>,
    shade: Option<Shade>,
    open: Option<bool>,
    #[schemars(regex(pattern = "^[a-z]+$"))]
    mark: Option<String>,
    key: Option<String>,
    account: Option<IndexMap<String, serde_json::Value>>,
    headers: Option<IndexMap<String, String>>,
    team: Option<String>,
    teams: Option<IndexMap<String, Grant>>,
    inside: Option<String>,
    model: Option<String>,
    free: Option<serde_json::Value>,
    parts: Option<Vec<Part>>,
    tags: Option<IndexMap<String, String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)]
enum Shade {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Grant {
    enabled: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
#[allow(dead_code)]
enum Part {
    Lid { weight: u64 },
    Wheel { spokes: u64, rim: Option<String> },
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct TeamSpec {
    name: String,
    favourite: Option<String>,
    first: Option<String>,
}

static BOXES: Kind = Kind {
    system: "portkey",
    name: "boxes",
    noun: "box",
    schema: |generator| generator.subschema_for::<BoxSpec>(),
    identity: Identity::Slug,
    scope: &[],
    endpoints: ENDPOINTS,
    rules: &[
        Rule::new("/key", Is::Secret),
        Rule::new("/account", Is::SecretJson),
        Rule::new("/headers/*", Is::Sensitive),
        Rule::new("/team", reference("teams")),
        Rule::new(
            "/teams",
            Is::ReferenceKeys {
                kind: "teams",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/inside", reference("boxes")),
        Rule::new(
            "/model",
            Is::Mention {
                kind: "boxes",
                prefix: "@",
            },
        ),
        Rule::new("/free/**/team", reference("teams")),
    ],
    parts: &[],
    check: Some(check),
    decode: None,
    encode: None,
};

static TEAMS: Kind = Kind {
    system: "portkey",
    name: "teams",
    noun: "team",
    schema: |generator| generator.subschema_for::<TeamSpec>(),
    identity: Identity::Name,
    scope: &[],
    endpoints: ENDPOINTS,
    rules: &[
        Rule::new("/favourite", Is::Deferred),
        Rule::new("/favourite", reference("boxes")),
        Rule::new("/first", reference("boxes")),
    ],
    parts: &[],
    check: None,
    decode: None,
    encode: None,
};

const fn reference(kind: &'static str) -> Is {
    Is::Reference {
        kind,
        attribute: Attribute::Id,
    }
}

fn check(fields: &Map, problems: &mut Problems) {
    if fields.get("open").and_then(Value::as_bool) == Some(true) && fields.contains_key("key") {
        problems
            .error(
                "open-with-key",
                &Pointer::from("/open"),
                "an open box has no key",
            )
            .help("remove one of them");
    }
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    if text("slug") == Some("lid") {
        let message = format!("`{}` cannot be a box", text("name").unwrap_or_default());
        problems.error("no-box", &Pointer::from("/slug"), message);
    }
}
