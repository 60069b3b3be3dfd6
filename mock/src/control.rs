//! The mock's own paths under `/_mock`, which need no key.

use serde_json::json;

use crate::http::App;

/// An answer of the control paths.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Control {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Control {
            status,
            body: body.into(),
        }
    }
}

/// Answers a request for the path after `/_mock`.
pub(crate) fn answer(app: &App, method: &str, path: &str) -> Control {
    match (method, path) {
        ("GET", "/health") => Control::new(
            200,
            json!({ "status": "ok", "operations": app.description.operations.len() }).to_string(),
        ),
        ("GET", "/openapi.json") => Control::new(200, app.description.text),
        ("GET", "/requests") => {
            let requests = app.journal.entries();
            let body = json!({ "object": "list", "total": requests.len(), "data": requests });
            Control::new(200, body.to_string())
        }
        ("POST", "/reset") => match app.reset() {
            Ok(()) => {
                app.journal.clear();
                Control::new(200, "{}")
            }
            Err(error) => Control::new(500, json!({ "message": error.message }).to_string()),
        },
        (_, "/health" | "/openapi.json" | "/requests" | "/reset") => Control::new(
            405,
            json!({ "message": "Method Not Allowed", "ok": false }).to_string(),
        ),
        _ => Control::new(
            404,
            json!({ "message": "Not Found", "ok": false }).to_string(),
        ),
    }
}
