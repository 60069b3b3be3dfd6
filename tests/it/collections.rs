//! Collections inside of collections. Nothing says whether the list has them: both ways have to do.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::{Fate, Project, Proxy, Server, text};

const MANIFEST: &str = "workspaces:
  w: { name: W }
collections:
  outer: { workspace_id: w, name: Outer }
  inner: { workspace_id: w, name: Inner, parent_collection_id: outer }
";

#[test]
fn collections_that_the_list_leaves_out_are_asked_for_and_not_made_again() {
    let (server, project) = (Server::start(), Project::of(MANIFEST));
    let outermost = |server: &Server| {
        let all = server.list_in("/collections", &server.workspace("W"));
        let shown = all
            .into_iter()
            .filter(|it| it["parent_collection_id"].is_null());
        let shown: Vec<_> = shown.collect();
        json!({ "object": "list", "total": shown.len(), "data": shown }).to_string()
    };
    let list = Arc::new(Mutex::new(json!({ "total": 0, "data": [] }).to_string()));
    let shown = Arc::clone(&list);
    let proxy = Proxy::start(&server, move |seen| {
        match seen.method == "GET" && seen.path.starts_with("/collections?") {
            true => {
                let json = "content-type: application/json\r\n";
                Fate::answer("200 OK", json, &shown.lock().unwrap())
            }
            false => Fate::Forward,
        }
    });
    project.apply(&proxy.url());
    list.lock().unwrap().clone_from(&outermost(&server));
    let own = || {
        let all = server.list_in("/collections", &server.workspace("W"));
        let named = all.iter().map(|it| text(&it["name"]));
        named
            .filter(|name| ["Outer", "Inner", "Other"].contains(&name.as_str()))
            .count()
    };
    assert_eq!(own(), 2);
    project.assert_converged(&server, &proxy.url());

    project.edit("name: Inner", "name: Other");
    project.apply(&proxy.url());
    project.assert_converged(&server, &proxy.url());
    assert_eq!(own(), 2);
    project.remove_entry("collections", "inner");
    project.apply(&proxy.url());
    project.assert_converged(&server, &proxy.url());
    assert_eq!(own(), 1);
}
