//! What single objects looked like when they were last read, so that a run need not read again
//! what has not changed since.
//!
//! A cache only ever saves requests. An object is taken from it where the list shows the same
//! stamp as when the object was read, and only objects go into it whose stamp cannot move without
//! being noticed. A file that is missing, damaged or refused is as good as an empty one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Object;
use crate::model::Value;

/// How much older than the reading a stamp must be. Stamps may count whole seconds, and a list may
/// lag behind the object: what changed just now can change again under the same stamp.
const SETTLED: SignedDuration = SignedDuration::from_secs(2);
/// The version of the file's form.
const VERSION: u32 = 1;

/// The objects that were read, by kind and id.
#[derive(Debug, Default)]
pub struct Cache {
    path: Option<PathBuf>,
    base_url: String,
    known: BTreeMap<Key, Seen>,
    /// Those of them that this run met, and what it read anew: only these are kept.
    met: Mutex<BTreeMap<Key, Seen>>,
}

/// A kind's name, and the id of an object of it.
type Key = (String, String);

/// An object as the API showed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    stamp: Vec<String>,
    object: Json,
}

#[derive(Serialize, Deserialize)]
struct File {
    gatewright_cache: u32,
    base_url: String,
    objects: Vec<(Key, Seen)>,
}

/// What tells one state of an object from the next, and when the server said what time it was
/// before the object was read.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    key: Key,
    values: Vec<String>,
    newest: Timestamp,
}

impl Stamp {
    /// The stamp that a listed object carries in `fields`, the first of which is a time.
    pub(super) fn of(kind: &'static str, fields: &[&str], object: &Object) -> Option<Self> {
        let values: Option<Vec<String>> = fields
            .iter()
            .map(|field| object.fields.get(*field)?.as_str().map(str::to_owned))
            .collect();
        let values = values?;
        Some(Self {
            key: (kind.to_owned(), object.ident.id.clone()?),
            newest: values.first()?.parse().ok()?,
            values,
        })
    }

    /// Whether the object that was read says the same of itself as the list did.
    fn is_of(&self, fields: &[&str], json: &Json) -> bool {
        fields
            .iter()
            .zip(&self.values)
            .all(|(field, value)| json.get(*field).and_then(Json::as_str) == Some(value))
    }
}

impl Cache {
    /// A cache that knows nothing and keeps nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// What is known of the objects at `base_url`.
    pub fn load(path: PathBuf, base_url: &str) -> Self {
        let file = std::fs::read(&path).ok();
        let file = file.and_then(|text| serde_json::from_slice::<File>(&text).ok());
        let file = file.filter(|f| f.gatewright_cache == VERSION && f.base_url == base_url);
        Self {
            path: Some(path),
            base_url: base_url.to_owned(),
            known: file.map_or_else(BTreeMap::new, |f| f.objects.into_iter().collect()),
            met: Mutex::default(),
        }
    }

    /// The object as it was read under this stamp.
    pub(super) fn get(&self, stamp: &Stamp) -> Option<Json> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = met.get(&stamp.key).or_else(|| self.known.get(&stamp.key))?;
        let seen = Some(seen)
            .filter(|seen| seen.stamp == stamp.values)?
            .clone();
        let object = seen.object.clone();
        met.insert(stamp.key.clone(), seen);
        Some(object)
    }

    /// Remembers an object that was read by itself. `read` is the server's time before that, and
    /// `fields` are those that make the stamp.
    pub(super) fn put(&self, stamp: Stamp, fields: &[&str], read: Option<Timestamp>, object: Json) {
        let settled = read.is_some_and(|read| read.duration_since(stamp.newest) >= SETTLED);
        if self.path.is_none() || !settled || !stamp.is_of(fields, &object) {
            return;
        }
        let seen = Seen {
            stamp: stamp.values,
            object,
        };
        self.met
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(stamp.key, seen);
    }

    /// Writes what this run met, where it differs from what was there. A file system that refuses
    /// costs time and nothing else.
    pub fn save(&self) {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = self.path.as_ref().filter(|_| *met != self.known) {
            let file = File {
                gatewright_cache: VERSION,
                base_url: self.base_url.clone(),
                objects: met.iter().map(|(k, s)| (k.clone(), s.clone())).collect(),
            };
            let _ = write(path, &file);
        }
    }
}

/// Writes the file at once or not at all, in a folder that version control leaves out.
fn write(path: &Path, file: &File) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(ignore, "*\n")?;
    }
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(std::io::BufWriter::new(&mut new), file)?;
    new.flush()?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether there is a secret anywhere in these values: such an object is not kept.
pub(super) fn has_secret<'a>(values: impl IntoIterator<Item = &'a Value>) -> bool {
    let mut found = false;
    for value in values {
        value.for_each_secret(&mut |_| found = true);
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Ident, Map};

    const FIELDS: &[&str] = &["last_updated_at"];

    fn stamp(at: &str) -> Stamp {
        let ident = Ident {
            id: Some("1".to_owned()),
            slug: None,
        };
        let fields = Map::from_iter([("last_updated_at".to_owned(), Value::text(at))]);
        let object = Object {
            ident,
            name: None,
            fields,
        };
        Stamp::of("configs", FIELDS, &object).unwrap()
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    fn shown(at: &str) -> Json {
        json!({ "last_updated_at": at, "config": "{}" })
    }

    #[test]
    fn an_object_is_taken_from_the_cache_only_under_the_stamp_it_was_read_under() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache").join("a.json");
        let old = "2026-01-01T00:00:00.000Z";
        let cache = Cache::load(path.clone(), "https://one.example");
        assert_eq!(cache.get(&stamp(old)), None);
        cache.put(stamp(old), FIELDS, at("2026-01-01T00:00:02Z"), shown(old));
        cache.save();

        let again = Cache::load(path.clone(), "https://one.example");
        assert_eq!(again.get(&stamp(old)), Some(shown(old)));
        assert_eq!(again.get(&stamp("2026-01-01T00:00:01.000Z")), None);
        let elsewhere = Cache::load(path.clone(), "https://two.example");
        assert_eq!(elsewhere.get(&stamp(old)), None);
        std::fs::write(&path, "{").unwrap();
        let damaged = Cache::load(path, "https://one.example");
        assert_eq!(damaged.get(&stamp(old)), None);
    }

    #[test]
    fn what_may_still_change_under_its_stamp_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::load(folder.path().join("a.json"), "https://one.example");
        let now = "2026-01-01T00:00:00.000Z";
        let soon = at("2026-01-01T00:00:01Z");
        let later = at("2026-01-01T00:01:00Z");
        cache.put(stamp(now), FIELDS, soon, shown(now));
        assert_eq!(cache.get(&stamp(now)), None, "it was changed just now");
        cache.put(stamp(now), FIELDS, None, shown(now));
        assert_eq!(cache.get(&stamp(now)), None, "nobody knows what time it is");
        cache.put(stamp(now), FIELDS, later, shown("2026-01-01T00:00:30.000Z"));
        assert_eq!(cache.get(&stamp(now)), None, "the list is behind");
        cache.put(stamp(now), FIELDS, later, json!({ "config": "{}" }));
        assert_eq!(cache.get(&stamp(now)), None, "the object has no stamp");
        cache.put(stamp(now), FIELDS, later, shown(now));
        assert_eq!(cache.get(&stamp(now)), Some(shown(now)));
    }

    #[test]
    fn what_a_run_did_not_meet_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let old = "2026-01-01T00:00:00.000Z";
        let cache = Cache::load(path.clone(), "u");
        cache.put(stamp(old), FIELDS, at("2026-01-02T00:00:00Z"), shown(old));
        cache.save();
        Cache::load(path.clone(), "u").save();
        assert_eq!(Cache::load(path, "u").get(&stamp(old)), None);
    }
}
