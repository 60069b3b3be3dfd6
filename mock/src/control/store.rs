//! `/_mock/store` and the console page: what is in the state, for people to look at.

use serde_json::{Map, Value, json};

use super::Refused;
use crate::http::App;
use crate::journal::pattern::pairs;
use crate::journal::redact;
use crate::store::State;
use crate::store::collection::Collection;
use crate::store::record::Record;
use crate::worlds::Place;

/// The page, with a mark where the word that admits its script and its style goes.
const PAGE: &str = include_str!("console.html");

/// How many objects a page has when the request does not say.
const PAGE_SIZE: usize = 50;

/// The most objects on a page.
const MOST: usize = 1_000;

/// The console page, and the policy that keeps it from fetching or running anything else.
pub(super) fn console(nonce: &str) -> (String, String) {
    let policy = format!(
        "default-src 'none'; connect-src 'self'; img-src data:; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    (PAGE.replace("{{nonce}}", nonce), policy)
}

/// The kinds of objects and how many there are of each.
pub(super) fn kinds(app: &App, place: &Place) -> Value {
    let state = place.store.read();
    let mut kinds: Vec<(&str, &Collection)> = shown(app, &state).collect();
    kinds.sort_unstable_by_key(|(kind, _)| *kind);
    let kinds: Vec<Value> = kinds
        .into_iter()
        .map(|(kind, objects)| {
            json!({ "kind": kind, "total": objects.active().len(), "archived": objects.archived().len() })
        })
        .collect();
    json!({ "object": "list", "total": kinds.len(), "data": kinds })
}

/// A page of a kind's objects, the archived ones last.
pub(super) fn objects(app: &App, place: &Place, kind: &str, query: &str) -> Result<Value, Refused> {
    let (mut page, mut size, mut search) = (0, PAGE_SIZE, String::new());
    for (name, value) in pairs(query) {
        let number = || {
            let number = value.parse::<usize>();
            number.map_err(|_| Refused::new(format!("`{name}` is no number")))
        };
        match name.as_str() {
            "page" => page = number()?,
            "page_size" => size = number()?.clamp(1, MOST),
            "search" => search = value.to_lowercase(),
            _ => {
                let known = "page, page_size, search";
                return Err(Refused::new(format!(
                    "there is no parameter `{name}`; known: {known}"
                )));
            }
        }
    }
    let state = place.store.read();
    let found = shown(app, &state).find(|(known, _)| *known == kind);
    let Some((_, objects)) = found else {
        return Err(Refused {
            status: 404,
            message: format!("there are no objects of the kind `{kind}`"),
        });
    };
    let numbers = objects.active().iter().chain(objects.archived().iter());
    let start = page.saturating_mul(size);
    let (total, data): (usize, Vec<Value>) = if search.is_empty() {
        let total = objects.active().len() + objects.archived().len();
        let records = numbers.skip(start).take(size);
        (
            total,
            records
                .filter_map(|number| objects.at(*number))
                .map(|record| show(record))
                .collect(),
        )
    } else {
        let records = numbers.filter_map(|number| objects.at(*number));
        let found: Vec<_> = records.filter(|record| has(record, &search)).collect();
        let page = found.iter().skip(start).take(size);
        (found.len(), page.map(|record| show(record)).collect())
    };
    Ok(json!({ "object": "list", "total": total, "data": data }))
}

/// The collections without those that hold what is made of secrets.
fn shown<'s>(app: &App, state: &'s State) -> impl Iterator<Item = (&'s str, &'s Collection)> {
    let apis = app.apis.iter().filter_map(|api| api.description().ok());
    let credentials = apis.filter_map(|description| description.api.credentials.as_ref());
    let hidden: Vec<&str> = credentials.map(|kinds| kinds.secret.as_str()).collect();
    state
        .collections()
        .filter(move |(kind, _)| !hidden.contains(kind))
}

fn has(record: &Record, search: &str) -> bool {
    let name = record.peek_text("name");
    let texts = [Some(&*record.id), record.slug.as_deref(), name.as_deref()];
    texts
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(search))
}

/// An object with the fields that are not the mock's own. No key is asked for here, so what the API shows
/// to callers with a key, such as headers with credentials, is masked as in the journal.
fn show(record: &Record) -> Value {
    let mut fields: Map<String, Value> = record.fields.copied();
    fields.retain(|name, _| !name.starts_with('^'));
    let mut fields = Value::Object(fields);
    redact::by_name(&mut fields);
    json!({ "id": &*record.id, "slug": record.slug.as_deref(), "archived": record.archived, "fields": fields })
}
