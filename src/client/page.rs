//! Reading every page of a list.

use std::collections::HashSet;

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
        let mut answer = self.whole(&request, list.items, list.paging).await?;
        self.take_items(&request, list.items, &mut answer)
    }

    /// Reads an answer whose member `items` comes in pages: what the first page says, with the
    /// items of all of them.
    ///
    /// # Errors
    /// The first page that cannot be read, or an answer in pages without the list in it.
    pub async fn whole(
        &self,
        request: &Request,
        items: &str,
        paging: Paging,
    ) -> Result<Json, ApiError> {
        let (counter, first, size) = match paging {
            Paging::Whole => return self.send(request).await,
            Paging::Cursor { size } => return self.by_cursor(request, items, size).await,
            Paging::CurrentPage { size } => ("current_page", 0, size),
            Paging::CamelPage { size } => ("currentPage", 0, size),
            Paging::PageFromZero { size } => ("page", 0, size),
            Paging::Page { size } => ("page", 1, size),
        };
        let width = match paging {
            Paging::CamelPage { .. } => "pageSize",
            _ => "page_size",
        };
        let mut whole = Json::Null;
        let mut all: Vec<Json> = Vec::new();
        let mut seen = HashSet::new();
        let mut fetched = 0;
        for page in first..first + MOST_PAGES {
            let request = request.clone().query(counter, page).query(width, size);
            let mut answer = self.send(&request).await?;
            let total = answer
                .get("total")
                .or_else(|| answer.get("total_count"))
                .and_then(Json::as_u64)
                .and_then(|n| usize::try_from(n).ok());
            let found = self.take_items(&request, items, &mut answer)?;
            fetched += found.len();
            let before = all.len();
            all.extend(found.into_iter().filter(|item| seen.insert(identity(item))));
            if page == first {
                whole = answer;
            }
            // The server may make pages smaller than asked, so only the total or a page without
            // news says that this was the last one.
            if total.is_some_and(|total| fetched >= total) {
                break;
            }
            if all.len() == before {
                // Guessing that what is missing does not exist would create it again.
                if let Some(total) = total.filter(|total| all.len() < *total) {
                    let message = format!("the list counts {total} and shows {}", all.len());
                    return Err(self.broken(&request, ApiErrorKind::Inconsistent, message));
                }
                break;
            }
        }
        if fetched > 0 && seen.len() >= MOST_PAGES * size {
            let message = format!("it did not end after {MOST_PAGES} pages");
            return Err(self.broken(request, ApiErrorKind::Inconsistent, message));
        }
        match &mut whole {
            Json::Object(members) => drop(members.insert(items.to_owned(), Json::Array(all))),
            bare => *bare = Json::Array(all),
        }
        Ok(whole)
    }

    /// [`Self::whole`] where each page names the next one. A page may be short or empty and still
    /// not be the last.
    async fn by_cursor(
        &self,
        request: &Request,
        items: &str,
        size: usize,
    ) -> Result<Json, ApiError> {
        let mut whole = Json::Null;
        let mut all: Vec<Json> = Vec::new();
        let mut seen = HashSet::new();
        let mut cursors = HashSet::new();
        let mut next: Option<String> = None;
        loop {
            let mut request = request.clone().query("limit", size);
            if let Some(cursor) = &next {
                request = request.query("cursor", cursor);
            }
            let mut answer = self.send(&request).await?;
            let found = self.take_items(&request, items, &mut answer)?;
            all.extend(found.into_iter().filter(|item| seen.insert(identity(item))));
            let paging = answer.get("pagination").cloned().unwrap_or_default();
            if cursors.is_empty() {
                whole = answer;
            }
            let more = paging.get("has_more").and_then(Json::as_bool);
            next = paging
                .get("next_cursor")
                .and_then(Json::as_str)
                .filter(|cursor| !cursor.is_empty())
                .map(str::to_owned);
            // Taking a list for complete that is not would create what is on its other pages again.
            let complaint = match (more, &next) {
                (Some(false), _) => break,
                (None, None) => "it does not say whether there are more pages".to_owned(),
                (Some(true), None) => "it has more pages and does not say where".to_owned(),
                (_, Some(cursor)) if cursors.insert(cursor.clone()) => {
                    if cursors.len() < MOST_PAGES {
                        continue;
                    }
                    format!("it did not end after {MOST_PAGES} pages")
                }
                (_, Some(_)) => "its pages lead in a circle".to_owned(),
            };
            return Err(self.broken(&request, ApiErrorKind::Inconsistent, complaint));
        }
        if let Json::Object(members) = &mut whole {
            members.insert(items.to_owned(), Json::Array(all));
        } else {
            whole = Json::Array(all);
        }
        Ok(whole)
    }

    /// Takes the objects out of one answer.
    fn take_items(
        &self,
        request: &Request,
        items: &str,
        answer: &mut Json,
    ) -> Result<Vec<Json>, ApiError> {
        // An answer may say that it is none: `{success: false}` with status 200.
        if answer.get("success") == Some(&Json::Bool(false)) {
            let message = answer.get("message").and_then(Json::as_str);
            let message = self
                .secrets
                .redact(message.unwrap_or("it says that it failed"));
            return Err(self.broken(request, ApiErrorKind::Inconsistent, message));
        }
        let found = match answer.get_mut(items).map(Json::take) {
            Some(Json::Array(found)) => Some(found),
            _ => match answer {
                Json::Array(found) => Some(std::mem::take(found)),
                _ => None,
            },
        };
        let found = found.filter(|found: &Vec<Json>| found.iter().all(Json::is_object));
        found.ok_or_else(|| {
            let message = format!("no list `{items}` in it");
            self.broken(request, ApiErrorKind::NotTheApi, message)
        })
    }

    /// The error of an answer that was good until somebody looked at what is in it.
    fn broken(&self, request: &Request, kind: ApiErrorKind, message: String) -> ApiError {
        ApiError {
            method: request.method,
            path: request.path.as_str().into(),
            server: (&self.target).into(),
            kind,
            status: Some(200),
            code: None,
            message: message.into(),
            request_id: None,
            retry_after: None,
        }
    }
}

/// What makes an object itself and no other: all of it, where it has no name of its own.
fn identity(item: &Json) -> String {
    ["id", "slug"]
        .iter()
        .find_map(|name| item.get(name).and_then(Json::as_str))
        .map_or_else(|| item.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use serde_json::json;

    use super::*;
    use crate::client::Target;
    use crate::model::{Secret, SecretSet};

    /// Serves these answers, one a connection, and returns what was asked for.
    fn serve(answers: Vec<Json>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let serve = |answer: Json| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                for line in lines {
                    if line.unwrap().is_empty() {
                        break;
                    }
                }
                let body = answer.to_string();
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .unwrap();
                first.split(' ').nth(1).unwrap().to_owned()
            };
            answers.into_iter().map(serve).collect()
        });
        (url, served)
    }

    /// Reads the list `data` from these answers; with what was asked for.
    fn read(answers: Vec<Json>, paging: Paging) -> (Result<Json, ApiError>, Vec<String>) {
        let (base_url, served) = serve(answers);
        let target = Target {
            system: crate::systems::SYSTEMS[0],
            base_url,
            api_key: Secret::declared("k", Vec::new()),
        };
        let client = Client::new(target, SecretSet::default(), 1).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let request = Request::get("/x");
        let whole = runtime.block_on(client.whole(&request, "data", paging));
        (whole, served.join().unwrap())
    }

    #[test]
    fn an_answer_in_pages_is_read_as_one() {
        let answers = vec![
            json!({ "default": "deny", "total": 3, "data": [{ "name": "a" }, { "name": "b" }] }),
            json!({ "default": "deny", "total": 3, "data": [{ "name": "c" }] }),
        ];
        let (whole, asked) = read(answers, Paging::Page { size: 2 });
        assert_eq!(
            whole.unwrap(),
            json!({ "default": "deny", "total": 3,
                    "data": [{ "name": "a" }, { "name": "b" }, { "name": "c" }] })
        );
        assert_eq!(
            asked,
            ["/v1/x?page=1&page_size=2", "/v1/x?page=2&page_size=2"]
        );
    }

    fn page(items: Json, more: bool, next: Json) -> Json {
        json!({ "data": items, "pagination": { "has_more": more, "next_cursor": next } })
    }

    #[test]
    fn cursors_are_followed_through_short_and_empty_pages() {
        let answers = vec![
            page(json!([{ "id": "a" }]), true, json!("1/+")),
            page(json!([]), true, json!("2")),
            page(json!([{ "id": "a" }, { "id": "b" }]), false, json!(null)),
        ];
        let (whole, asked) = read(answers, Paging::Cursor { size: 100 });
        assert_eq!(
            whole.unwrap()["data"],
            json!([{ "id": "a" }, { "id": "b" }])
        );
        assert_eq!(
            asked,
            [
                "/v1/x?limit=100",
                "/v1/x?limit=100&cursor=1%2F%2B",
                "/v1/x?limit=100&cursor=2"
            ]
        );
    }

    #[test]
    fn a_list_that_is_not_complete_is_no_list() {
        let circle = vec![
            page(json!([{ "id": "a" }]), true, json!("1")),
            page(json!([{ "id": "b" }]), true, json!("2")),
            page(json!([]), true, json!("1")),
        ];
        for (answers, said) in [
            (circle, "its pages lead in a circle"),
            (
                vec![page(json!([]), true, json!(null))],
                "it has more pages and does not say where",
            ),
            (
                vec![json!({ "data": [] })],
                "it does not say whether there are more pages",
            ),
        ] {
            let error = read(answers, Paging::Cursor { size: 100 }).0.unwrap_err();
            assert_eq!(error.kind, ApiErrorKind::Inconsistent);
            assert_eq!(&*error.message, said);
        }
    }
}
