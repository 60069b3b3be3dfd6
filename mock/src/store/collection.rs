//! The objects of one kind, findable by id, by slug, by what they refer to and in order.
//!
//! Every access on the path of a request is logarithmic in the number of objects: lists are kept
//! as vectors of insertion numbers, so that page 1,000 costs what page 0 costs.

use std::sync::Arc;

use imbl::{HashMap, OrdMap, Vector};

use super::record::{Link, Record};

/// A slug and the object inside which it is unique, in one text.
type ScopedSlug = Box<str>;

/// The objects of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collection {
    records: OrdMap<u64, Arc<Record>>,
    by_id: HashMap<Arc<str>, u64>,
    /// Active objects by slug and the object inside which it is unique.
    by_scoped_slug: HashMap<ScopedSlug, u64>,
    /// Active objects by slug alone.
    by_slug: HashMap<Arc<str>, Vector<u64>>,
    active: Vector<u64>,
    archived: Vector<u64>,
    /// Active objects by the references they hold.
    by_link: HashMap<Link, Vector<u64>>,
    /// How many objects were looked at, so that tests can tell an index from a scan.
    #[cfg(test)]
    visits: Arc<std::sync::atomic::AtomicUsize>,
}

impl Collection {
    /// All that is in here, so that tests can compare it.
    #[cfg(test)]
    pub(crate) fn content(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        use std::collections::BTreeMap;

        let numbers = |numbers: &Vector<u64>| numbers.iter().copied().collect::<Vec<_>>();
        let links = self.by_link.iter().map(|(link, holders)| {
            let Link { field, target } = link;
            ((Arc::clone(field), Arc::clone(target)), numbers(holders))
        });
        let slugs = self.by_slug.iter();
        let scoped = self.by_scoped_slug.iter();
        (
            self.records.clone(),
            self.by_id.clone().into_iter().collect::<BTreeMap<_, _>>(),
            scoped
                .map(|(slug, number)| (slug.clone(), *number))
                .collect::<BTreeMap<_, _>>(),
            slugs
                .map(|(slug, holders)| (Arc::clone(slug), numbers(holders)))
                .collect::<BTreeMap<_, _>>(),
            links.collect::<BTreeMap<_, _>>(),
            [numbers(&self.active), numbers(&self.archived)],
        )
    }

    /// How many objects were looked at since this was last asked.
    #[cfg(test)]
    pub(crate) fn take_visits(&self) -> usize {
        self.visits.swap(0, std::sync::atomic::Ordering::Relaxed)
    }

    /// The object with this id, archived or not.
    pub(crate) fn by_id(&self, id: &str) -> Option<&Arc<Record>> {
        self.at(*self.by_id.get(id)?)
    }

    /// The active object with this slug inside `within`.
    pub(crate) fn by_slug(&self, slug: &str, within: &str) -> Option<&Arc<Record>> {
        self.at(*self.by_scoped_slug.get(&scoped(slug, within))?)
    }

    /// The active object with this slug wherever it is; the oldest if there are several.
    pub(crate) fn by_slug_anywhere(&self, slug: &str) -> Option<&Arc<Record>> {
        self.at(*self.by_slug.get(slug)?.front()?)
    }

    /// The numbers of the active objects, in the order of their creation.
    pub(crate) fn active(&self) -> &Vector<u64> {
        &self.active
    }

    /// The numbers of the archived objects, in the order of their archiving.
    pub(crate) fn archived(&self) -> &Vector<u64> {
        &self.archived
    }

    /// The numbers of the active objects that hold this reference.
    pub(crate) fn linked(&self, link: &Link) -> Option<&Vector<u64>> {
        self.by_link.get(link).filter(|numbers| !numbers.is_empty())
    }

    /// The object with this number.
    pub(crate) fn at(&self, sequence: u64) -> Option<&Arc<Record>> {
        #[cfg(test)]
        self.visits
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.records.get(&sequence)
    }

    /// All objects, by their numbers.
    pub(crate) fn records(&self) -> &OrdMap<u64, Arc<Record>> {
        &self.records
    }

    /// Puts an object in, in place of the one with the same number if there is one.
    pub(crate) fn put(&mut self, mut record: Record) {
        record.fields = record.fields.packed();
        self.put_back(Arc::new(record));
    }

    /// Puts an object in as it was when it was there.
    pub(super) fn put_back(&mut self, record: Arc<Record>) {
        let sequence = record.sequence;
        if let Some(former) = self.records.get(&sequence).cloned() {
            if found_alike(&former, &record) {
                self.records.insert(sequence, record);
                return;
            }
            self.unindex(&former);
            self.by_id.remove(&former.id);
        }
        self.by_id.insert(Arc::clone(&record.id), sequence);
        if record.archived {
            insert(&mut self.archived, sequence);
        } else {
            insert(&mut self.active, sequence);
            if let Some(slug) = &record.slug {
                self.by_scoped_slug
                    .insert(scoped(slug, &record.within), sequence);
                insert(self.by_slug.entry(Arc::clone(slug)).or_default(), sequence);
            }
            for link in &record.links {
                insert(self.by_link.entry(link.clone()).or_default(), sequence);
            }
        }
        self.records.insert(sequence, record);
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, sequence: u64) -> Option<Arc<Record>> {
        let record = self.records.get(&sequence).cloned()?;
        self.unindex(&record);
        self.by_id.remove(&record.id);
        self.records.remove(&sequence);
        Some(record)
    }

    fn unindex(&mut self, record: &Record) {
        if record.archived {
            remove(&mut self.archived, record.sequence);
            return;
        }
        remove(&mut self.active, record.sequence);
        if let Some(slug) = &record.slug {
            self.by_scoped_slug.remove(&scoped(slug, &record.within));
            if let Some(holders) = self.by_slug.get_mut(slug) {
                remove(holders, record.sequence);
                if holders.is_empty() {
                    self.by_slug.remove(slug);
                }
            }
        }
        for link in &record.links {
            if let Some(numbers) = self.by_link.get_mut(link) {
                remove(numbers, record.sequence);
                if numbers.is_empty() {
                    self.by_link.remove(link);
                }
            }
        }
    }
}

fn scoped(slug: &str, within: &str) -> ScopedSlug {
    // An id has no spaces, so that the two parts cannot run into each other.
    [within, " ", slug].concat().into_boxed_str()
}

/// Whether two versions of an object are found in the same ways, so that no index has to change.
fn found_alike(former: &Record, record: &Record) -> bool {
    former.id == record.id
        && former.slug == record.slug
        && former.within == record.within
        && former.archived == record.archived
        && former.links == record.links
}

/// Inserts into a sorted vector; new objects have the largest number, so this is mostly a push.
fn insert(numbers: &mut Vector<u64>, sequence: u64) {
    match numbers.last() {
        Some(last) if *last >= sequence => {
            if let Err(place) = numbers.binary_search(&sequence) {
                numbers.insert(place, sequence);
            }
        }
        _ => numbers.push_back(sequence),
    }
}

fn remove(numbers: &mut Vector<u64>, sequence: u64) {
    if let Ok(place) = numbers.binary_search(&sequence) {
        numbers.remove(place);
    }
}
