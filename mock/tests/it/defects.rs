//! The list of the document's own defects: every entry is about something that is there, and is
//! what the mock and its outside judge go by.

use gatewright_mock::Profile;
use serde_json::Value;

use crate::harness::*;

const JUDGE: &str = include_str!("../schemathesis/schemathesis.toml");

/// The API that a defect is about, Portkey's if it does not say.
fn about(defect: &Value) -> &str {
    defect["api"].as_str().unwrap_or("portkey")
}

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
        let there = match about(&defect) {
            "portkey" => &there,
            // There is one profile of it, so only rules without words for them can be listed.
            _ => {
                assert!(defect.get("refusal").is_some(), "{pointer}");
                continue;
            }
        };
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

/// The judge takes a refusal of a valid request for a failure, except for what is listed: of one
/// operation, or, where all of the paths are meant, of every one.
#[tokio::test]
async fn the_judge_overlooks_the_listed_refusals_and_no_other() {
    let api = Api::live().await;
    let mut listed = Vec::new();
    for defect in defects(&api).await {
        let Some(statuses) = defect.get("refusal") else {
            continue;
        };
        let pointer = text(&defect["pointer"]).replace("/responses", "");
        let below = pointer.strip_prefix("/paths").unwrap();
        let operation = below.rsplit_once('/').map(|(path, method)| {
            let path = path.replacen('/', "", 1).replace("~1", "/");
            format!("{} {path}", method.to_uppercase())
        });
        let statuses = statuses.as_array().unwrap().iter().map(Value::to_string);
        listed.push((
            about(&defect).to_owned(),
            operation.unwrap_or_default(),
            statuses.collect::<Vec<_>>(),
        ));
    }
    let projects = JUDGE.split("[[project]]").skip(1);
    let overlooked = projects.flat_map(|project| {
        let named = value(project, "title = ").expect("a title");
        let api = named.strip_suffix(" API").unwrap().to_lowercase();
        let blocks = project.split("[[project.operations]]");
        blocks.filter_map(move |block| {
            let statuses = value(
                block,
                "checks.positive_data_acceptance.expected-statuses = ",
            )?;
            // What the judge accepts of any operation.
            let usual = ["\"2xx\"", "401", "403", "404", "409"];
            let statuses = statuses
                .trim_matches(['[', ']'])
                .split(", ")
                .filter(|status| !usual.contains(status))
                .map(str::to_owned);
            let operation = value(block, "include-name = ").unwrap_or_default();
            Some((api.clone(), operation.to_owned(), statuses.collect()))
        })
    });
    assert_eq!(overlooked.collect::<Vec<_>>(), listed);
}

/// What a line of the judge's configuration says, without quotes.
fn value<'t>(block: &'t str, key: &str) -> Option<&'t str> {
    let mut lines = block.lines();
    let value = lines.find_map(|line| line.strip_prefix(key))?;
    Some(value.trim_matches('"'))
}
