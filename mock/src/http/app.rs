//! What all requests share, and what it says of who sends one.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;

use crate::apis::Served;
use crate::description::Description;
use crate::description::api::ApiSpec;
use crate::engine::caller::Caller;
use crate::engine::departure::Validation;
use crate::engine::error::ApiError;
use crate::engine::identity::Ids;
use crate::faults::Faults;
use crate::journal::{Journal, Who};
use crate::relay::Relay;
use crate::serve::Timeouts;
use crate::server::Settings;
use crate::store::clock::Time;
use crate::worlds::{Place, Worlds};

use super::snapshot;

/// Everything a request needs.
#[derive(Debug)]
pub(crate) struct App {
    /// The APIs that are served, the one that is meant in case of doubt first.
    pub(crate) apis: Vec<Served>,
    pub(crate) worlds: Worlds,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) time: Arc<Time>,
    pub(crate) api_key: String,
    pub(crate) timeouts: Timeouts,
    pub(crate) validation: Validation,
    /// Whether pages that a cursor leads to may be shorter than they could be, or empty.
    pub(crate) uneven_pages: bool,
    /// Where answers come from instead, if the mock records or replays.
    pub(crate) relay: Option<Relay>,
    /// What the mock was started with, for going back to it.
    pub(crate) settings: Settings,
    /// Where request ids come from.
    pub(crate) request_ids: Mutex<Ids>,
    /// Makes fingerprints of unknown keys that say nothing outside of this process.
    pub(crate) salt: RandomState,
}

impl App {
    /// Puts everything back to what it was at the start.
    pub(crate) fn reset(&self) -> Result<(), ApiError> {
        self.worlds.reset()?;
        self.time.restart(self.settings.clock)?;
        self.begin();
        Ok(())
    }

    /// Begins the journal and the faults anew.
    pub(crate) fn begin(&self) {
        self.journal.clear();
        let Settings {
            faults,
            latency,
            seed,
            lag,
            ..
        } = &self.settings;
        self.faults.reset(faults, *latency, *seed);
        self.worlds.lag.set(*lag);
    }

    /// The description of the API that is meant in case of doubt.
    pub(crate) fn first(&self) -> Result<&'static Description, String> {
        let first = self.apis.first().ok_or("the mock serves no API")?;
        first.description()
    }

    pub(super) fn request_id(&self) -> String {
        let ids = self.request_ids.lock();
        ids.unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Finds out who sends a request, from the first of the places for keys that the request uses,
    /// and which state it is for.
    pub(crate) fn place(
        &self,
        api: &'static ApiSpec,
        headers: &HeaderMap,
    ) -> Result<Place, (ApiError, Who)> {
        let secret = api.keys.iter().find_map(|place| {
            let value = headers.get(&place.header)?.to_str().ok();
            Some(match &place.scheme {
                None => value,
                Some(scheme) => value
                    .and_then(|value| value.split_once(' '))
                    .filter(|(given, _)| given.eq_ignore_ascii_case(scheme))
                    .map(|(_, key)| key.trim()),
            })
        });
        match secret.flatten() {
            None if api.keys.is_empty() => self.own_place(api, headers, Who::Nobody),
            None => Err((ApiError::unauthorised(), Who::Nobody)),
            Some(secret) if secret == self.api_key => self.own_place(api, headers, Who::Admin),
            Some(secret) => {
                // Enough to tell keys apart, too little to tell what they are.
                let fingerprint =
                    || u32::try_from(self.salt.hash_one(secret) & 0x00ff_ffff).unwrap_or_default();
                match api.any_key && !self.worlds.is_open() {
                    true => self.own_place(api, headers, Who::Unknown(fingerprint())),
                    false => self
                        .worlds
                        .place(api, secret, snapshot(headers), fingerprint),
                }
            }
        }
    }

    /// The state of the built-in key's organisation that a request is for.
    pub(crate) fn own_place(
        &self,
        api: &'static ApiSpec,
        headers: &HeaderMap,
        who: Who,
    ) -> Result<Place, (ApiError, Who)> {
        let tenant = Arc::clone(&self.worlds.main);
        match tenant.store(snapshot(headers)) {
            Ok(store) => Ok(Place {
                tenant,
                store,
                caller: Caller::of(api),
                who,
            }),
            Err(error) => Err((error, who)),
        }
    }
}
