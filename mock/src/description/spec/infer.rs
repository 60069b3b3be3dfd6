//! Recognises resources by the shape of a document: a collection's path and the path of one of its
//! items, the property that tells items apart, what is inside of what, and what names what.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::description::document::Located;
use crate::description::node::Node;
use crate::description::schema::{self, Types};

/// A resource as its paths show it.
struct Found {
    collection: String,
    item: String,
    /// The path parameter that names an item.
    parameter: String,
}

/// Adds the annotations to a document. Looking into schemas works on documents that do not change: a copy.
pub(crate) fn annotate(document: &mut Value, copy: &'static Node) {
    let stamps = stamps(document);
    let found = resources(copy);
    let mut kinds = Map::new();
    for (name, resource) in &found {
        kinds.insert(name.clone(), kind(copy, name, resource, &found));
        for (path, method, behaviour) in behaviours(copy, name, resource, &found) {
            let operation = document
                .get_mut("paths")
                .and_then(|paths| paths.get_mut(&path)?.get_mut(method)?.as_object_mut());
            if let Some(operation) = operation {
                operation.insert("x-behaviour".to_owned(), behaviour);
            }
        }
    }
    let Some(root) = document.as_object_mut() else {
        return;
    };
    root.remove("x-seed");
    // Without a word about security there is none.
    root.entry("security").or_insert_with(|| json!([]));
    root.insert("x-resources".to_owned(), Value::Object(kinds));
    root.insert("x-api".to_owned(), api(copy, &stamps));
}

/// The resources by name, those that contain others first.
fn resources(document: &'static Node) -> IndexMap<String, Found> {
    let paths = document.get("paths");
    let mut found = IndexMap::new();
    let mut all: Vec<&str> = paths.into_iter().flat_map(Node::keys).collect();
    all.sort_by_key(|path| (path.matches('/').count(), *path));
    for item in &all {
        let trimmed = item.trim_end_matches('/');
        let Some((collection, last)) = trimmed.rsplit_once('/') else {
            continue;
        };
        let parameter = last
            .strip_prefix('{')
            .and_then(|last| last.strip_suffix('}'));
        let Some(parameter) = parameter.filter(|name| !name.contains(['{', '}'])) else {
            continue;
        };
        let same = |path: &&&str| path.trim_end_matches('/') == collection;
        let Some(collection) = all.iter().find(same) else {
            continue;
        };
        let has = |path: &str, method: &str| {
            let item = paths.and_then(|paths| paths.get(path)?.get(method));
            item.and_then(Node::as_object).is_some()
        };
        let reads = has(item, "get") || has(collection, "get");
        let writes = has(collection, "post") || has(item, "put") || has(item, "patch");
        if !reads || !writes {
            continue;
        }
        let words = collection
            .split('/')
            .filter(|word| !word.is_empty() && !word.starts_with('{'));
        let name = words.collect::<Vec<_>>().join(".");
        found.entry(name).or_insert_with(|| Found {
            collection: (*collection).to_owned(),
            item: (*item).to_owned(),
            parameter: parameter.to_owned(),
        });
    }
    found
}

/// The resource inside which another one is: that of the longest item path it begins with.
fn parent<'f>(
    resource: &Found,
    found: &'f IndexMap<String, Found>,
) -> Option<(&'f String, &'f Found)> {
    let inside = |other: &Found| {
        let rest = resource
            .collection
            .strip_prefix(other.item.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    found
        .iter()
        .filter(|(_, other)| inside(other))
        .max_by_key(|(_, other)| other.item.len())
}

/// The schema of the body of a request or of a success answer.
fn body(document: &'static Node, path: &str, method: &str, request: bool) -> Option<Located> {
    let operation = Located::root(document)
        .get("paths")?
        .get(path)?
        .get(method)?;
    let holder = match request {
        true => operation.get("requestBody")?,
        false => {
            let responses = operation.get("responses")?;
            let mut statuses = responses.value.keys();
            responses.get(statuses.find(|status| status.starts_with('2'))?)?
        }
    };
    let content = holder.resolved(document)?.get("content")?;
    let mut media = content.value.keys();
    let json = media.find(|media| media.contains("json") || media.contains('*'))?;
    content.get(json)?.get("schema")
}

/// The schema of an item: what reading one answers, else what creating one does or takes.
fn item_schema(document: &'static Node, resource: &Found) -> Option<Located> {
    let whole = body(document, &resource.item, "get", false)
        .or_else(|| body(document, &resource.collection, "post", false))
        .or_else(|| body(document, &resource.item, "put", false))
        .or_else(|| body(document, &resource.collection, "post", true))
        .or_else(|| {
            let list = body(document, &resource.collection, "get", false)?;
            items(document, &list)
        })?;
    // An item may be wrapped into an object that holds nothing else.
    let properties = schema::properties(document, &whole);
    match properties.as_slice() {
        [only] if !schema::properties(document, &only.schema).is_empty() => {
            Some(only.schema.clone())
        }
        _ => {
            let data = properties.iter().find(|property| property.name == "data");
            let inner = data.filter(|data| !schema::properties(document, &data.schema).is_empty());
            Some(inner.map_or(whole, |data| data.schema.clone()))
        }
    }
}

/// The schema of the items of a list, whatever is around them.
fn items(document: &'static Node, list: &Located) -> Option<Located> {
    schema::items(document, list).or_else(|| {
        let properties = schema::properties(document, list);
        properties
            .iter()
            .find_map(|property| schema::items(document, &property.schema))
    })
}

/// One of many; good enough for the words that paths are made of.
fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => match word.strip_suffix("sses").or(word.strip_suffix("xes")) {
            Some(stem) => format!("{stem}{}", if word.ends_with("xes") { "x" } else { "ss" }),
            None => word.strip_suffix('s').unwrap_or(word).to_owned(),
        },
    }
}

/// What several of something can be called.
fn plurals(one: &str) -> Vec<String> {
    let mut all = vec![one.to_owned(), format!("{one}s"), format!("{one}es")];
    all.extend(one.strip_suffix('y').map(|stem| format!("{stem}ies")));
    all.extend(one.strip_suffix('f').map(|stem| format!("{stem}ves")));
    all
}

/// A name without what spellings differ in: `petId` and `pet_id` are one.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

fn noun(name: &str) -> String {
    singular(name.rsplit('.').next().unwrap_or(name))
}

/// The property that tells the items of a resource apart, and its schema.
fn identity(document: &'static Node, name: &str, resource: &Found) -> Option<schema::Property> {
    let item = item_schema(document, resource)?;
    let properties = schema::properties(document, &item);
    let own = plain(&noun(name));
    let wanted = [
        plain(&resource.parameter),
        "id".to_owned(),
        format!("{own}id"),
        "uuid".to_owned(),
        "guid".to_owned(),
        "slug".to_owned(),
        "key".to_owned(),
        "name".to_owned(),
    ];
    wanted
        .iter()
        .find_map(|wanted| {
            properties
                .iter()
                .find(|property| plain(&property.name) == *wanted)
        })
        .or_else(|| {
            let format = |property: &&schema::Property| {
                let schema = property.schema.resolved(document);
                schema.is_some_and(|schema| {
                    schema.value.get("format").and_then(Node::as_str) == Some("uuid")
                })
            };
            properties.iter().find(format)
        })
        .cloned()
}

/// The annotation of a kind.
fn kind(
    document: &'static Node,
    name: &str,
    resource: &Found,
    found: &IndexMap<String, Found>,
) -> Value {
    let mut kind = Map::new();
    kind.insert("noun".to_owned(), json!(noun(name)));
    let identity = identity(document, name, resource);
    let field = identity
        .as_ref()
        .map_or("id", |property| property.name.as_str());
    let types = identity.as_ref().map_or(Types::STRING, |property| {
        schema::types(document, &property.schema)
    });
    let taken = body(document, &resource.collection, "post", true);
    let chosen = taken.is_some_and(|taken| {
        let mut properties = schema::properties(document, &taken).into_iter();
        properties.any(|property| property.name == field && !read_only(&property.schema))
    });
    let numeric = types.has(Types::INTEGER) && !types.has(Types::STRING);
    kind.insert(
        "identity".to_owned(),
        json!({ "field": field, "chosen": chosen, "numeric": numeric }),
    );
    if let Some((parent, _)) = parent(resource, found) {
        kind.insert("member".to_owned(), json!({ "of": parent, "key": field }));
    }
    let mut links = Map::new();
    let properties = item_schema(document, resource);
    for property in properties
        .iter()
        .flat_map(|item| schema::properties(document, item))
    {
        let Some(stem) = plain(&property.name).strip_suffix("id").map(str::to_owned) else {
            continue;
        };
        let many = plurals(&stem);
        let last = |name: &str| plain(name.rsplit('.').next().unwrap_or(name));
        let target = found.keys().find(|other| many.contains(&last(other)));
        if let Some(target) = target.filter(|_| property.name != field) {
            links.insert(property.name, json!(target));
        }
    }
    kind.insert("links".to_owned(), Value::Object(links));
    Value::Object(kind)
}

fn read_only(schema: &Located) -> bool {
    schema.value.is_true("readOnly")
}

/// What the operations of a resource do.
fn behaviours(
    document: &'static Node,
    name: &str,
    resource: &Found,
    found: &IndexMap<String, Found>,
) -> Vec<(String, &'static str, Value)> {
    let mut all = Vec::new();
    let mut add = |path: &str, method: &'static str, action: &str, more: Value| {
        let mut behaviour = json!({
            "resource": name, "action": action, "by": resource.parameter,
        });
        if let Some((_, parent)) = parent(resource, found) {
            behaviour["owner"] = json!(parent.parameter);
        }
        if let (Value::Object(behaviour), Value::Object(more)) = (&mut behaviour, more) {
            behaviour.extend(more);
        }
        all.push((path.to_owned(), method, behaviour));
    };
    // A list answers with several: anything else at this path is not one.
    let lists = body(document, &resource.collection, "get", false);
    if lists.is_some_and(|list| items(document, &list).is_some()) {
        let filters = filters(document, resource, &resource.collection);
        add(
            &resource.collection,
            "get",
            "list",
            json!({ "filters": filters }),
        );
    }
    add(&resource.collection, "post", "create", json!({}));
    add(&resource.item, "get", "get", json!({}));
    add(&resource.item, "put", "update", json!({ "replaces": true }));
    add(&resource.item, "patch", "update", json!({}));
    add(&resource.item, "delete", "delete", json!({}));
    // An update whose body says which item it is about.
    for (method, replaces) in [("put", true), ("patch", false)] {
        let taken = body(document, &resource.collection, method, true);
        let named = taken.zip(identity(document, name, resource));
        if let Some((taken, identity)) = named
            && schema::properties(document, &taken)
                .iter()
                .any(|property| property.name == identity.name)
        {
            let more = json!({ "by_body": identity.name, "replaces": replaces });
            add(&resource.collection, method, "update", more);
        }
    }
    for path in searches(document, resource, found) {
        let filters = filters(document, resource, path);
        add(path, "get", "list", json!({ "filters": filters }));
    }
    all
}

/// Paths of one more word below a collection that read several items of the same form.
fn searches(
    document: &'static Node,
    resource: &Found,
    found: &IndexMap<String, Found>,
) -> Vec<&'static str> {
    let names = |item: &Located| {
        let properties = schema::properties(document, item).into_iter();
        let mut names: Vec<String> = properties.map(|property| property.name).collect();
        names.sort();
        names
    };
    let own = item_schema(document, resource).map(|item| names(&item));
    let is_search = |path: &str| {
        let below = path.strip_prefix(resource.collection.trim_end_matches('/'));
        let word = below.and_then(|below| below.strip_prefix('/'));
        let is_word = word.is_some_and(|word| !word.is_empty() && !word.contains(['/', '{']));
        let list = || body(document, path, "get", false);
        let item = || list().and_then(|list| items(document, &list));
        is_word
            && !found.values().any(|other| other.collection == path)
            && own.as_ref().is_some_and(|own| !own.is_empty())
            && item().map(|item| names(&item)) == own
    };
    let paths = document.get("paths").into_iter().flat_map(Node::keys);
    paths.filter(|path| is_search(path)).collect()
}

/// Query parameters that are called like a property filter by it.
fn filters(document: &'static Node, resource: &Found, path: &str) -> Map<String, Value> {
    let item = item_schema(document, resource);
    let properties = item.map(|item| schema::properties(document, &item));
    let operation = Located::root(document)
        .get("paths")
        .and_then(|paths| paths.get(path)?.get("get"));
    let parameters = operation.and_then(|operation| operation.get("parameters"));
    let count = parameters
        .as_ref()
        .and_then(|list| list.value.as_array())
        .map_or(0, <[Node]>::len);
    let mut filters = Map::new();
    for index in 0..count {
        let parameter = parameters
            .as_ref()
            .and_then(|list| list.item(index)?.resolved(document));
        let Some(parameter) = parameter else { continue };
        let text = |key: &str| parameter.value.get(key).and_then(Node::as_str);
        let (Some("query"), Some(name)) = (text("in"), text("name")) else {
            continue;
        };
        let mut all = properties.iter().flatten();
        let compares = |property: &schema::Property| {
            let types = schema::types(document, &property.schema);
            property.name == name && !types.has(Types::ARRAY) && !types.has(Types::OBJECT)
        };
        if all.any(compares) {
            filters.insert(name.to_owned(), json!({ "equals": name }));
        }
    }
    filters
}

/// The API as a whole.
fn api(document: &'static Node, stamps: &Value) -> Value {
    let title = document.pointer("/info/title").and_then(Node::as_str);
    let name: String = title.unwrap_or("api").to_lowercase();
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let name = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    let server = document
        .pointer("/servers/0/url")
        .and_then(Node::as_str)
        .unwrap_or_default();
    let path = match server.split_once("://") {
        Some((_, rest)) => rest
            .find('/')
            .and_then(|at| rest.get(at..))
            .unwrap_or_default(),
        None => server,
    };
    let path = path.trim_end_matches('/');
    let mut bases = vec![json!("")];
    // Below `/_mock` are the mock's own paths.
    let is_own = path == "/_mock" || path.starts_with("/_mock/");
    if path.starts_with('/') && !path.contains('{') && !is_own {
        bases.insert(0, json!(path));
    }
    let schemes = document
        .pointer("/components/securitySchemes")
        .and_then(Node::as_object);
    let mut keys: Vec<Value> = Vec::new();
    for (_, scheme) in schemes.into_iter().flatten() {
        let text = |key: &str| scheme.get(key).and_then(Node::as_str).unwrap_or_default();
        match (text("type"), text("in")) {
            ("apiKey", "header") => keys.push(json!({ "header": text("name").to_lowercase() })),
            // Where a key is in the query or a cookie, nobody is asked for one.
            ("apiKey", _) => {
                return json!({ "name": name, "base_paths": bases, "stamps": stamps });
            }
            ("http", _) => {
                keys.push(json!({ "header": "authorization", "scheme": text("scheme") }));
            }
            _ => keys.push(json!({ "header": "authorization", "scheme": "bearer" })),
        }
    }
    json!({
        "name": name, "base_paths": bases, "keys": keys, "any_key": true, "stamps": stamps,
        "errors": {
            "media_type": "application/problem+json", "validation": 422,
            "body": {
                "type": "about:blank", "title": "{title}", "status": "{status}",
                "detail": "{message}", "instance": "{path}",
            },
        },
    })
}

/// The names that the document has for the times of an object.
fn stamps(document: &Value) -> Value {
    let mentions = |name: &str| {
        let schemas = document
            .pointer("/components/schemas")
            .and_then(Value::as_object);
        let mut schemas = schemas.into_iter().flat_map(|schemas| schemas.values());
        schemas.any(|schema| schema.to_string().contains(&format!("\"{name}\":")))
    };
    match mentions("createdAt") || mentions("updatedAt") {
        true => json!({ "created": "createdAt", "updated": "updatedAt" }),
        false => json!({}),
    }
}
