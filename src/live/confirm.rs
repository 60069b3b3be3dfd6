//! What the ledger knows and the lists lack: asked for by itself, before it counts as gone.
//!
//! A list may lag behind what was written a moment ago. Taken at its word it would have the next
//! apply make everything twice.

use futures_util::future::join_all;

use super::{Object, Problem, Reader, Reason, Wanted};
use crate::client::{ApiErrorKind, Request};
use crate::kind::{Fate, Identity};
use crate::model::{Ident, Value};

/// Deleting archives workspaces and policies, among others: no list shows them any more, though
/// they can be read by their ids.
const ARCHIVED: &str = "archived";

impl Reader<'_> {
    /// Asks for every recorded object that no list showed. What the API does not know, or does not
    /// let us see, is gone: there the list has the last word.
    pub(super) async fn confirm(&mut self, wanted: &[Wanted<'_>]) {
        // What lives in a scope is asked for there, so the scope has to be known first.
        let (inside, outside): (Vec<_>, Vec<_>) = wanted
            .iter()
            .filter(|want| want.kind.identity != Identity::Recorded)
            .partition(|want| !want.kind.scope.is_empty());
        self.confirm_all(outside).await;
        self.confirm_all(inside).await;
    }

    async fn confirm_all(&mut self, wanted: Vec<&Wanted<'_>>) {
        let jobs: Vec<(&Wanted<'_>, &Ident, Request)> = wanted
            .into_iter()
            .filter(|want| !self.live.objects.contains_key(want.address))
            .filter_map(|want| {
                let ident = &want.record?.ident;
                let request = self.item_request(want, want.kind.endpoints.item, ident)?;
                Some((want, ident, request))
            })
            .collect();
        let client = self.client;
        let answers = join_all(jobs.iter().map(|(_, _, request)| client.send(request))).await;
        for ((want, ident, request), answer) in jobs.into_iter().zip(answers) {
            match answer {
                Ok(json) => {
                    let object = self.object(want.kind, json, Some(&request.query));
                    let status = object.fields.get("status").and_then(Value::as_str);
                    let gone =
                        want.kind.fate(&object.fields) == Fate::Over || status == Some(ARCHIVED);
                    // Another one may have got its slug.
                    let another = matches!((&object.ident.id, &ident.id), (Some(has), Some(had)) if has != had);
                    if !gone && !another {
                        let ident = ident.clone();
                        self.take(want, Object { ident, ..object });
                    }
                }
                Err(error) => match error.kind {
                    ApiErrorKind::NotFound | ApiErrorKind::Forbidden | ApiErrorKind::Refused => {}
                    _ => self.problems.push(Problem {
                        address: Some(want.address.clone()),
                        reason: Reason::Api(error),
                    }),
                },
            }
        }
    }
}
