//! Reading every page of a list.

use serde_json::Value as Json;

use super::{ApiError, ApiErrorKind, Client, Request};
use crate::kind::{List, Paging};

/// More pages than any list has; a server that never ends its pages is stopped here.
const MOST_PAGES: usize = 10_000;

impl Client {
    /// Reads a list to its end.
    ///
    /// Pages follow until the `total` that the server names is reached or, where it names none, a
    /// page brings nothing new. Objects that moved between two pages while they were read come only once.
    ///
    /// # Errors
    /// The first page that cannot be read, or an answer without the list in it.
    pub async fn list(
        &self,
        list: &List,
        query: &[(String, String)],
    ) -> Result<Vec<Json>, ApiError> {
        let mut request = Request::get(list.path);
        request.query.extend_from_slice(query);
        let Paging::CurrentPage { size } = list.paging else {
            let answer = self.send(&request).await?;
            return self.items(list, &request, answer).map(|(items, _)| items);
        };
        let mut all: Vec<Json> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut fetched = 0;
        for page in 0..MOST_PAGES {
            let request = request
                .clone()
                .query("current_page", page)
                .query("page_size", size);
            let answer = self.send(&request).await?;
            let (items, total) = self.items(list, &request, answer)?;
            fetched += items.len();
            let before = all.len();
            all.extend(items.into_iter().filter(|item| match identity(item) {
                Some(id) => seen.insert(id.to_owned()),
                None => true,
            }));
            // The server may make pages smaller than asked, so only the total or a page without
            // news says that this was the last one.
            if all.len() == before || total.is_some_and(|total| fetched >= total) {
                break;
            }
        }
        Ok(all)
    }

    /// The objects of one answer and the total, if it has one.
    fn items(
        &self,
        list: &List,
        request: &Request,
        mut answer: Json,
    ) -> Result<(Vec<Json>, Option<usize>), ApiError> {
        let total = answer
            .get("total")
            .and_then(Json::as_u64)
            .and_then(|n| usize::try_from(n).ok());
        let items = match answer.get_mut(list.items).map(Json::take) {
            Some(Json::Array(items)) => Some(items),
            // An empty list may come as null.
            Some(Json::Null) => Some(Vec::new()),
            _ => match answer {
                Json::Array(items) => Some(items),
                _ => None,
            },
        };
        items.map(|items| (items, total)).ok_or_else(|| ApiError {
            method: "GET",
            path: request.path.as_str().into(),
            base_url: self.target.base_url.as_str().into(),
            kind: ApiErrorKind::NotTheApi,
            status: Some(200),
            code: None,
            message: format!("no list `{}` in it", list.items).into(),
            request_id: None,
            retry_after: None,
        })
    }
}

fn identity(item: &Json) -> Option<&str> {
    ["id", "slug"]
        .iter()
        .find_map(|name| item.get(name).and_then(Json::as_str))
}
