//! The states that one mock keeps side by side.
//!
//! A tenant is an organisation with a key of its own; there is one, and with open keys one for every
//! key that comes. A tenant has a current state, snapshots of it that have names, and branches:
//! states that began as a snapshot and that only requests with the header `x-mock-snapshot` see.
//! All of them share what they have in common, so that a snapshot costs one pointer and a branch
//! what is written on it.

mod kept;
mod tenant;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::description::Description;
use crate::description::api::ApiSpec;
use crate::engine::caller::{Caller, digest};
use crate::engine::error::ApiError;
use crate::engine::identity::Ids;
use crate::journal::Who;
use crate::seed;
use crate::statefile::event::Event;
use crate::statefile::{Book, Keeper};
use crate::store::clock::Time;
use crate::store::delta::Delta;
use crate::store::lag::Lag;
use crate::store::{State, Store};

pub use self::kept::Restored;
pub(crate) use self::tenant::Tenant;
use self::tenant::later;

/// How many tenants, and how many snapshots and branches of each, are kept.
const MOST: usize = 1_000;

/// All states of a mock.
#[derive(Debug)]
pub(crate) struct Worlds {
    /// The API whose account every tenant has from the beginning.
    first: &'static Description,
    time: Arc<Time>,
    seed: Option<u64>,
    /// The tenant of the built-in key.
    pub(crate) main: Arc<Tenant>,
    /// Whether keys that nobody knows are let in.
    open: bool,
    /// The tenants of such keys, by what is kept of the key.
    tenants: RwLock<BTreeMap<String, Arc<Tenant>>>,
    /// How long reads lag behind writes, in all states.
    pub(crate) lag: Lag,
    /// Whether the start was moved to where a seed had grown.
    started: AtomicBool,
    /// Where changes are written down.
    keeper: Keeper,
}

/// Who a request is from, and the state that it is for.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) store: Arc<Store>,
    pub(crate) caller: Caller,
    pub(crate) who: Who,
}

impl Worlds {
    /// What a mock begins with; [`Worlds::keep`] puts what a file has in its place.
    pub(crate) fn new(
        first: &'static Description,
        clock: Option<Timestamp>,
        seed: Option<u64>,
        organisation: Option<&str>,
        open: bool,
        lag: Lag,
    ) -> Result<Worlds, ApiError> {
        let keeper = Keeper::default();
        let time = Arc::new(Time::new(Book::new(&keeper, None)));
        time.restart(clock)?;
        let mut state = State::new(Arc::clone(&time), Ids::new(seed));
        seed::open_as(&mut state, first, organisation)?;
        Ok(Worlds {
            first,
            time,
            seed,
            main: Arc::new(Tenant::new(state, Book::new(&keeper, None), &lag)),
            open,
            tenants: RwLock::default(),
            lag,
            started: AtomicBool::new(false),
            keeper,
        })
    }

    /// The time that all states go by.
    pub(crate) fn time(&self) -> &Arc<Time> {
        &self.time
    }

    /// Opens the account of an API in a state, unless it is there.
    pub(crate) fn open(
        &self,
        store: &Store,
        description: &'static Description,
    ) -> Result<(), ApiError> {
        // The first one's always is, and looking for it would mean to wait for who is writing.
        match std::ptr::eq(description, self.first) {
            true => Ok(()),
            false => seed::ensure(store, description),
        }
    }

    /// Whether keys that nobody knows are let in.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Finds the tenant and the state for a key that is not the built-in one.
    pub(crate) fn place(
        &self,
        api: &'static ApiSpec,
        secret: &str,
        snapshot: Option<&str>,
        fingerprint: impl FnOnce() -> u32,
    ) -> Result<Place, (ApiError, Who)> {
        let within = |tenant: &Arc<Tenant>| -> Option<Result<Place, ApiError>> {
            let store = match tenant.store(snapshot) {
                Ok(store) => store,
                // Another tenant's snapshots do not matter; the main one's are answered for below.
                Err(_) => return None,
            };
            let caller = Caller::with_secret(api, &store.read(), secret)?;
            Some(caller.map(|caller| {
                Place {
                    who: Who::Key(
                        caller
                            .key()
                            .map(|key| Arc::clone(&key.id))
                            .unwrap_or_default(),
                    ),
                    tenant: Arc::clone(tenant),
                    store,
                    caller,
                }
            }))
        };
        let mut found = within(&self.main);
        let mut tenant = None;
        if found.is_none() && self.open {
            let key = digest(secret);
            let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
            tenant = tenants.get(&key).cloned();
            if tenant.is_none() {
                found = tenants.values().find_map(within);
            }
        }
        match found {
            Some(Ok(place)) => return Ok(place),
            Some(Err(error)) => return Err((error, Who::Unknown(fingerprint()))),
            None => {}
        }
        let who = Who::Unknown(fingerprint());
        let placed = match tenant {
            Some(tenant) => Ok(tenant),
            None if secret.is_empty() => Err(ApiError::unauthorised()),
            None => self.admit(secret),
        };
        let placed = placed.and_then(|tenant| {
            let store = tenant.store(snapshot)?;
            Ok((tenant, store))
        });
        match placed {
            Ok((tenant, store)) => Ok(Place {
                tenant,
                store,
                caller: Caller::of(api),
                who,
            }),
            Err(error) => Err((error, who)),
        }
    }

    /// Makes an organisation for a key that nobody knows, if such keys are let in.
    fn admit(&self, secret: &str) -> Result<Arc<Tenant>, ApiError> {
        if !self.open {
            return Err(ApiError::unauthorised());
        }
        let key = digest(secret);
        // The same key gets the same organisation in every run with the same seed.
        let seed = self.seed.map(|seed| {
            let mut hasher = DefaultHasher::new();
            (seed, &key).hash(&mut hasher);
            hasher.finish()
        });
        let book = Book::new(&self.keeper, Some(&key));
        let _changing = book.changing();
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(&key) {
            return Ok(Arc::clone(tenant));
        }
        if tenants.len() >= MOST {
            return Err(ApiError::forbidden(format!(
                "The mock has organisations for {MOST} keys already; POST /_mock/reset forgets them"
            )));
        }
        let mut state = State::new(Arc::clone(&self.time), Ids::new(seed));
        seed::open(&mut state, self.first)?;
        book.note(|| Event::Admit(Delta::between(&State::default(), &state)))?;
        let tenant = Arc::new(Tenant::new(state, book.clone(), &self.lag));
        tenants.insert(key, Arc::clone(&tenant));
        Ok(tenant)
    }

    /// Makes the current state the one at the start.
    pub(crate) fn start_here(&self) -> Result<(), ApiError> {
        self.started.store(true, Ordering::Relaxed);
        self.main.start_here()?;
        self.time.mark_start()
    }

    /// Puts everything back to what it was at the start.
    pub(crate) fn reset(&self) -> Result<(), ApiError> {
        let _changing = self.main.book.changing();
        self.main.book.note(|| Event::Reset)?;
        self.main.reset()?;
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        later(std::mem::take(&mut *tenants));
        Ok(())
    }
}
