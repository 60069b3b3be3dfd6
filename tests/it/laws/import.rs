//! Laws about `import`: whatever is live, what import writes says it, so that a plan finds nothing
//! to do; and what import finds in files it leaves as it is.

use gatewright::kind::Is;
use gatewright::model::{Address, Pointer};
use serde_json::json;

use super::edit::Editor;
use super::repository::{self, Sample, manifests};
use super::{Outcome, apply, number};
use crate::support::{Project, Server};

/// Why objects are left out that no sample declares.
const LEFT_OUT: &[&str] = &[
    "the server made it by itself",
    "its `role` is `owner`, which no entry can say",
];

/// One value for every variable, so that what import calls a secret is as good as what the sample
/// calls it.
fn secret(name: &str) -> String {
    match name.contains("JSON") {
        true => json!({ "type": "service_account", "private_key": "secret-of-all" }).to_string(),
        false => "secret-of-all".to_owned(),
    }
}

/// What is live, imported into a folder with the project file alone.
fn imported(sample: &Sample, server: &Server) -> Result<Project, String> {
    let project = sample.bare();
    let import = sample.run_with(&project, server, ["import", "--format", "json"], &|_| None);
    if import.code != 0 {
        return Err(format!("import does not end well\n{import}"));
    }
    let warnings = import.codes();
    if warnings.iter().any(|code| code == "import-differs") {
        return Err(format!("import says something else than it read\n{import}"));
    }
    let left_out = import.json()["imported"]["left_out"].clone();
    let mut reasons = left_out.as_array().unwrap().iter().map(|it| &it["because"]);
    match reasons.find(|because| !LEFT_OUT.iter().any(|known| *because == known)) {
        None => Ok(project),
        Some(because) => Err(format!("an object is left out: {because}\n{import}")),
    }
}

/// What is wrong with an import of what is on a server.
fn check(sample: &Sample, server: &Server) -> Result<(), String> {
    server.clear();
    let project = imported(sample, server)?;
    let arguments = ["plan", "--detailed-exitcode"];
    let plan = sample.run_with(&project, server, arguments, &|_| None);
    if plan.code != 0 {
        return Err(format!(
            "with the ledger, a plan is not empty\n{plan}\n{:#?}",
            manifests(&project)
        ));
    }
    project.forget();
    // Without a ledger, what the API does not read back counts as never written.
    let plan = sample.run_with(&project, server, ["plan", "--format", "json"], &|name| {
        Some(secret(name))
    });
    if plan.code != 0 {
        return Err(format!("without a ledger, there is no plan\n{plan}"));
    }
    for change in plan.json()["plan"]["changes"].as_array().unwrap() {
        for field in change["fields"].as_array().unwrap() {
            let at: Pointer = serde_json::from_value(field["pointer"].clone()).unwrap();
            let address: Address = serde_json::from_value(change["address"].clone()).unwrap();
            let kind = sample.system.kind(&address.kind).unwrap();
            // Where secrets may stand and need not, the sample has a text of its own.
            let may = kind.has(&at, |is| matches!(is, Is::Sensitive));
            if field["because"] != "never_written" && !(may && field["because"] == "mask") {
                return Err(format!(
                    "without a ledger: {change:#}\n{:#?}",
                    manifests(&project)
                ));
            }
        }
    }
    match server.writes().as_slice() {
        [] => Ok(()),
        writes => Err(format!("import or plan wrote {writes:?}")),
    }
}

#[test]
fn what_is_live_is_imported_and_then_there_is_nothing_to_do() {
    let rounds = number("GATEWRIGHT_LAW_ROUNDS", 3);
    for base in repository::samples() {
        let base = base.with_secrets(secret);
        let mut editor = Editor::new(&base, number("GATEWRIGHT_LAW_SEED", 1));
        let (server, project) = (Server::of_all(), base.project());
        if let Outcome::Broken(problem) = apply(&base, &project, &server) {
            panic!("{problem}");
        }
        let mut sample = base.clone();
        for _ in 0..rounds {
            let edits = editor.draw(&sample);
            let edited = sample.with(&edits);
            edited.write(&project);
            match apply(&edited, &project, &server) {
                Outcome::Done => sample = edited,
                // Whatever came of it, what is live can be imported.
                Outcome::Refused | Outcome::Broken(_) => sample.write(&project),
            }
            if let Err(problem) = check(&sample, &server) {
                let edits: Vec<String> = edits.iter().map(ToString::to_string).collect();
                panic!("after\n{}\n{problem}", edits.join("\n"));
            }
        }
    }
}
