//! The states that one mock keeps side by side.
//!
//! A tenant is an organisation with a key of its own; there is one, and with open keys one for every
//! key that comes. A tenant has a current state, snapshots of it that have names, and branches:
//! states that began as a snapshot and that only requests with the header `x-mock-snapshot` see.
//! All of them share what they have in common, so that a snapshot costs one pointer and a branch
//! what is written on it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, PoisonError, RwLock};

use crate::description::Description;
use crate::description::api::ApiSpec;
use crate::engine::caller::{Caller, digest};
use crate::engine::error::ApiError;
use crate::engine::identity::Ids;
use crate::journal::Who;
use crate::seed;
use crate::store::clock::Time;
use crate::store::{State, Store};

/// The name of the snapshot that every tenant has from the beginning.
pub(crate) const INITIAL: &str = "initial";

/// How many tenants, and how many snapshots and branches of each, are kept.
const MOST: usize = 1_000;

/// The longest name of a snapshot or a branch, in bytes.
const LONGEST_NAME: usize = 200;

/// All states of a mock.
#[derive(Debug)]
pub(crate) struct Worlds {
    /// The API whose account every tenant has from the beginning.
    first: &'static Description,
    time: Arc<Time>,
    seed: Option<u64>,
    /// The tenant of the built-in key.
    pub(crate) main: Arc<Tenant>,
    /// Where unknown keys are tenants: these, by what is kept of the key.
    open: Option<RwLock<BTreeMap<String, Arc<Tenant>>>>,
}

/// An organisation in all its states.
#[derive(Debug)]
pub(crate) struct Tenant {
    store: Arc<Store>,
    named: RwLock<Named>,
}

#[derive(Debug, Default)]
struct Named {
    snapshots: BTreeMap<String, Arc<State>>,
    branches: BTreeMap<String, Arc<Store>>,
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
    pub(crate) fn new(
        first: &'static Description,
        time: Arc<Time>,
        seed: Option<u64>,
        open: bool,
    ) -> Result<Worlds, ApiError> {
        let main = Tenant::new(State::new(Arc::clone(&time), Ids::new(seed)), first)?;
        Ok(Worlds {
            first,
            time,
            seed,
            main: Arc::new(main),
            open: open.then(RwLock::default),
        })
    }

    /// Whether keys that nobody knows are let in.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
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
        if found.is_none()
            && let Some(open) = &self.open
        {
            let key = digest(secret);
            let tenants = open.read().unwrap_or_else(PoisonError::into_inner);
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
        let Some(open) = &self.open else {
            return Err(ApiError::unauthorised());
        };
        let key = digest(secret);
        // The same key gets the same organisation in every run with the same seed.
        let seed = self.seed.map(|seed| {
            let mut hasher = DefaultHasher::new();
            (seed, &key).hash(&mut hasher);
            hasher.finish()
        });
        let mut tenants = open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(&key) {
            return Ok(Arc::clone(tenant));
        }
        if tenants.len() >= MOST {
            return Err(ApiError::forbidden(format!(
                "The mock has organisations for {MOST} keys already; POST /_mock/reset forgets them"
            )));
        }
        let state = State::new(Arc::clone(&self.time), Ids::new(seed));
        let tenant = Arc::new(Tenant::new(state, self.first)?);
        tenants.insert(key, Arc::clone(&tenant));
        Ok(tenant)
    }

    /// Puts everything back to what it was at the start.
    pub(crate) fn reset(&self) -> Result<(), ApiError> {
        self.main.reset()?;
        if let Some(open) = &self.open {
            let mut tenants = open.write().unwrap_or_else(PoisonError::into_inner);
            later(std::mem::take(&mut *tenants));
        }
        Ok(())
    }
}

impl Tenant {
    fn new(mut state: State, first: &'static Description) -> Result<Tenant, ApiError> {
        seed::open(&mut state, first)?;
        let store = Store::new(state);
        let mut named = Named::default();
        named.snapshots.insert(INITIAL.to_owned(), store.read());
        Ok(Tenant {
            store: Arc::new(store),
            named: RwLock::new(named),
        })
    }

    /// The current state, or the branch that a header names: `snapshot` or `snapshot/branch`. A
    /// branch begins when it is named for the first time.
    pub(crate) fn store(&self, branch: Option<&str>) -> Result<Arc<Store>, ApiError> {
        let Some(branch) = branch else {
            return Ok(Arc::clone(&self.store));
        };
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = named.branches.get(branch) {
            return Ok(Arc::clone(store));
        }
        drop(named);
        let snapshot = branch.split_once('/').map_or(branch, |(name, _)| name);
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        let state = named.snapshot(snapshot)?;
        if !named.branches.contains_key(branch) {
            check_room(branch, named.branches.len())?;
        }
        let store = named
            .branches
            .entry(branch.to_owned())
            .or_insert_with(|| Arc::new(Store::new(State::clone(&state))));
        Ok(Arc::clone(store))
    }

    /// Keeps a state under a name.
    pub(crate) fn take(&self, name: &str, store: &Store) -> Result<(), ApiError> {
        if name == INITIAL {
            return Err(ApiError::invalid(format!(
                "{INITIAL} is the state at the start; choose another name"
            )));
        }
        if name.is_empty() || name.contains('/') {
            return Err(ApiError::invalid("A snapshot has a name without /"));
        }
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        if !named.snapshots.contains_key(name) {
            check_room(name, named.snapshots.len())?;
        }
        named.snapshots.insert(name.to_owned(), store.read());
        Ok(())
    }

    /// Puts the state that was kept under a name in place of another.
    pub(crate) fn restore(&self, name: &str, store: &Store) -> Result<(), ApiError> {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let state = named.snapshot(name)?;
        drop(named);
        later(store.replace(State::clone(&state)));
        Ok(())
    }

    /// Forgets a snapshot and the branches that began with it.
    pub(crate) fn forget(&self, name: &str) -> Result<(), ApiError> {
        if name == INITIAL {
            return Err(ApiError::invalid(format!(
                "{INITIAL} is the state at the start and stays"
            )));
        }
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        named.snapshot(name)?;
        let kept = named.snapshots.remove(name);
        let (gone, stays) = std::mem::take(&mut named.branches)
            .into_iter()
            .partition(|(branch, _)| branch.split('/').next() == Some(name));
        let gone: BTreeMap<_, _> = gone;
        named.branches = stays;
        later((kept, gone));
        Ok(())
    }

    /// The names of the snapshots, each with the branches that began with it.
    pub(crate) fn names(&self) -> Vec<(String, Vec<String>)> {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let names = named.snapshots.keys().map(|name| {
            let of = |branch: &&String| branch.split('/').next() == Some(name);
            let branches = named.branches.keys().filter(of).cloned().collect();
            (name.clone(), branches)
        });
        names.collect()
    }

    /// Ends a branch: the next request that names it begins it anew.
    pub(crate) fn end_branch(&self, branch: &str) {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        later(named.branches.remove(branch));
    }

    /// Makes the current state the one at the start.
    pub(crate) fn start_here(&self) {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        named
            .snapshots
            .insert(INITIAL.to_owned(), self.store.read());
    }

    /// Goes back to the state at the start and forgets all others.
    pub(crate) fn reset(&self) -> Result<(), ApiError> {
        self.restore(INITIAL, &self.store)?;
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        named.snapshots.retain(|name, _| name == INITIAL);
        later(std::mem::take(&mut named.branches));
        Ok(())
    }
}

impl Named {
    fn snapshot(&self, name: &str) -> Result<Arc<State>, ApiError> {
        self.snapshots.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.snapshots.keys().map(String::as_str).collect();
            ApiError::not_found(format!(
                "There is no snapshot of that name; there are: {}",
                known.join(", ")
            ))
        })
    }
}

fn check_room(name: &str, count: usize) -> Result<(), ApiError> {
    if name.len() > LONGEST_NAME {
        return Err(ApiError::invalid(format!(
            "A name has at most {LONGEST_NAME} bytes"
        )));
    }
    if count >= MOST {
        return Err(ApiError::invalid(format!(
            "The mock keeps at most {MOST} of them; delete some first"
        )));
    }
    Ok(())
}

/// Dropping a large state takes long; the answer need not wait for it.
fn later(former: impl Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(former))),
        Err(_) => drop(former),
    }
}
