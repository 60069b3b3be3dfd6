//! Which API and which operation a request is for.

use crate::apis::Served;
use crate::description::Description;
use crate::description::operation::Operation;
use crate::description::router::Route;
use crate::journal::Purpose;

use super::App;

/// What a request's method and path lead to.
#[derive(Debug)]
pub(super) struct Routed<'r> {
    served: Served,
    pub(super) description: &'static Description,
    pub(super) route: Route<'r>,
    /// How much of the path is the API's base path.
    pub(super) base: usize,
}

impl Routed<'_> {
    /// What the journal says of it.
    pub(super) fn purpose(&self) -> Purpose {
        Purpose {
            served: self.served,
            operation: self.operation(),
            base: self.base,
        }
    }

    pub(super) fn operation(&self) -> Option<&'static Operation> {
        match &self.route {
            Route::Found { operation, .. } => self.description.operations.get(*operation),
            _ => None,
        }
    }
}

impl App {
    /// Finds the API and the operation that a request is for: the first API that has the
    /// operation, else one that has the path, else the one that is mounted closest to it.
    pub(super) fn route<'r>(&self, method: &str, path: &'r str) -> Result<Routed<'r>, String> {
        let mut best: Option<Routed<'r>> = None;
        for api in &self.apis {
            let description = api.description()?;
            for base in &description.api.base_paths {
                let Some(rest) = path.strip_prefix(base.as_str()) else {
                    continue;
                };
                if !rest.starts_with('/') {
                    continue;
                }
                let found = Routed {
                    served: *api,
                    description,
                    route: description.router.find(method, rest),
                    base: base.len(),
                };
                let rank = |routed: &Routed<'_>| match &routed.route {
                    Route::Unknown => (0, routed.base),
                    Route::WrongMethod { .. } => (1, routed.base),
                    Route::Found { .. } => (2, routed.base),
                };
                if rank(&found).0 == 2 {
                    return Ok(found);
                }
                if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
                    best = Some(found);
                }
            }
        }
        match (best, self.apis.first()) {
            (Some(best), _) => Ok(best),
            (None, Some(api)) => Ok(Routed {
                served: *api,
                description: api.description()?,
                route: Route::Unknown,
                base: 0,
            }),
            (None, None) => Err("the mock serves no API".to_owned()),
        }
    }
}
