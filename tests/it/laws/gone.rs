//! A law about what somebody else deletes: it is drift, it is made again, and nothing else changes
//! but what went with it or names it.

use gatewright::ledger::Ledger;
use gatewright::model::Ident;
use reqwest::Method;
use serde_json::{Value, json};

use super::repository::{self, Sample};
use super::{Outcome, apply};
use crate::support::{Project, Server, text};

/// What the server calls the object of an entry.
fn ident(project: &Project, server: &Server, kind: &str, key: &str) -> Ident {
    let ledger = project
        .state_files(".ledger")
        .into_iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .find_map(|text| Ledger::parse(&text, "ledger", &server.url()).ok());
    let records = ledger.unwrap().records.into_iter();
    let mut own = records.filter(|(it, _)| it.kind == kind && it.key == key);
    own.next().unwrap().1.ident
}

/// Deletes the object of an entry the way another client would; whether the server let it.
fn delete(sample: &Sample, project: &Project, server: &Server, kind: &str, key: &str) -> bool {
    let ident = ident(project, server, kind, key);
    let known = sample.system.kind(kind).unwrap();
    let path = known.endpoints.item;
    let path = path.replace("{id}", ident.id.as_deref().unwrap_or_default());
    let mut path = path.replace("{slug}", ident.slug.as_deref().unwrap_or_default());
    let mut body = None;
    match kind {
        "workspaces" => {
            let name = server.get(&path)["name"].clone();
            body = Some(json!({ "name": name, "force_delete": true }));
        }
        "providers" => {
            let entry = sample.of(kind).find(|(it, _)| *it == key).unwrap().1;
            let workspace = text(&entry["workspace_id"]);
            let id = self::ident(project, server, "workspaces", &workspace).id;
            path = format!("{path}?workspace_id={}", id.unwrap());
        }
        _ => {}
    }
    server.send(Method::DELETE, &path, body).0 == 200
}

#[test]
fn what_somebody_deletes_is_said_and_made_again() {
    let samples = repository::samples().into_iter();
    for sample in samples.filter(|it| it.system.name == "portkey") {
        let (server, project) = (Server::of_all(), sample.project());
        if let Outcome::Broken(problem) = apply(&sample, &project, &server) {
            panic!("{problem}");
        }
        // People come and go by themselves. Workspaces take everything along, so they are last.
        let kinds = sample
            .system
            .kinds
            .iter()
            .filter(|kind| kind.found().is_none());
        let mut kinds: Vec<&str> = kinds.map(|kind| kind.name).collect();
        kinds.sort_by_key(|kind| *kind == "workspaces");
        for kind in kinds {
            let keys: Vec<String> = sample.of(kind).map(|(key, _)| key.clone()).collect();
            let mut keys = keys.iter();
            let gone = keys.find(|key| delete(&sample, &project, &server, kind, key));
            let gone = gone.unwrap_or_else(|| panic!("no object of {kind} can be deleted"));
            let drift = sample.run(&project, &server, ["drift", "--format", "json"]);
            let drift = drift.expect(2).json();
            let changes = drift["plan"]["changes"].as_array().unwrap();
            let own: Vec<&Value> = changes
                .iter()
                .filter(|change| change["address"] == format!("{kind}.{gone}"))
                .collect();
            assert_eq!(own.len(), 1, "{kind}.{gone}: {drift:#}");
            assert_eq!(own[0]["action"], "create", "{drift:#}");
            assert_eq!(own[0]["recreates"], true, "{drift:#}");
            match apply(&sample, &project, &server) {
                Outcome::Done => {}
                Outcome::Refused => panic!("{kind}.{gone} is not made again"),
                Outcome::Broken(problem) => panic!("{kind}.{gone}\n{problem}"),
            }
        }
    }
}
