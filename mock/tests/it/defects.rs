//! The list of the document's own defects: every entry is about something that is there, and is
//! what the mock and its outside judge go by.

use gatewright_mock::Profile;
use serde_json::Value;

use crate::harness::*;

const JUDGE: &str = include_str!("../schemathesis/schemathesis.toml");

async fn get(api: &Api, path: &str) -> Value {
    let url = format!("http://{}/_mock/{path}", api.mock.address());
    send(api.client.get(url)).await.ok()
}

async fn defects(api: &Api) -> Vec<Value> {
    let list = get(api, "spec-defects").await;
    let defects = list["data"].as_array().unwrap().clone();
    assert_eq!(list["total"], defects.len());
    assert!(defects.len() > 20);
    defects
}

#[tokio::test]
async fn every_defect_is_in_the_document_and_read_otherwise_by_the_live_profile() {
    let live = Api::live().await;
    let documented = Api::start(Profile::Documented).await;
    let here = get(&live, "openapi.json").await;
    let there = get(&documented, "openapi.json").await;
    let mut wrong = Vec::new();
    for defect in defects(&live).await {
        let pointer = text(&defect["pointer"]);
        for said in ["reading", "reason"] {
            assert!(text(&defect[said]).len() > 10, "{pointer}");
        }
        let document = there.pointer(&pointer);
        if document.is_none() {
            wrong.push(format!("{pointer} leads nowhere"));
        } else if defect.get("refusal").is_none() && document == here.pointer(&pointer) {
            wrong.push(format!("{pointer} is read as it stands"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The judge takes a refusal of a valid request for a failure, except for what is listed.
#[tokio::test]
async fn the_judge_overlooks_the_listed_refusals_and_no_other() {
    let api = Api::live().await;
    let mut listed = Vec::new();
    for defect in defects(&api).await {
        let Some(statuses) = defect.get("refusal") else {
            continue;
        };
        let pointer = text(&defect["pointer"]).replace("/responses", "");
        let (path, method) = pointer
            .strip_prefix("/paths/")
            .unwrap()
            .rsplit_once('/')
            .unwrap();
        let path = path.replace("~1", "/");
        let statuses = statuses.as_array().unwrap().iter().map(Value::to_string);
        listed.push((
            format!("{} {path}", method.to_uppercase()),
            statuses.collect::<Vec<_>>(),
        ));
    }
    let overlooked: Vec<(String, Vec<String>)> = JUDGE
        .split("[[operations]]")
        .skip(1)
        .map(|block| {
            let line = |key: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(key))
                    .unwrap()
            };
            let name = line("include-name = ").trim_matches('"').to_owned();
            // What the judge accepts of any operation.
            let usual = ["\"2xx\"", "401", "403", "404", "409"];
            let statuses = line("checks.positive_data_acceptance.expected-statuses = ")
                .trim_matches(['[', ']'])
                .split(", ")
                .filter(|status| !usual.contains(status))
                .map(str::to_owned);
            (name, statuses.collect())
        })
        .collect();
    assert_eq!(overlooked, listed);
}
