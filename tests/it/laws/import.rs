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
    "every workspace has one from the start",
    "everybody has them from the start",
    "they came with access to an integration",
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

#[test]
fn what_is_imported_into_a_file_leaves_the_rest_of_it_as_it_is() {
    // A file is about one system, and what is imported is of all that are connected.
    let samples = repository::samples().into_iter();
    for base in samples.filter(|it| it.system.name == "portkey") {
        let base = base.with_secrets(secret);
        let (server, project) = (Server::of_all(), base.project());
        if let Outcome::Broken(problem) = apply(&base, &project, &server) {
            panic!("{problem}");
        }
        let text = super::adopt::with_comments(&project.read("org/0.yaml"));
        // What stands behind a kind of the file can be taken away where nobody refers to it.
        let blocks: Vec<&str> = text.split_inclusive("\n# ").collect();
        let mut tried = 0;
        for gone in 0..blocks.len() {
            let rest: Vec<&str> = blocks
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != gone)
                .map(|(_, it)| *it)
                .collect();
            let before = rest.concat().trim_end_matches("# ").to_owned();
            let partial = base.bare();
            partial.file("org/0.yaml", &before);
            if repository::load(partial.path()).is_err() || before == text {
                continue;
            }
            tried += 1;
            let arguments = ["import", "--into", "org/0.yaml", "--format", "json"];
            let import = base.run_with(&partial, &server, arguments, &|name| Some(secret(name)));
            assert_eq!(import.code, 0, "{import}");
            let after = partial.read("org/0.yaml");
            let mut lines = after.lines();
            for line in before.lines() {
                assert!(
                    lines.any(|other| other == line),
                    "`{line}` is gone\n{after}"
                );
            }
            let plan = base.run_with(&partial, &server, ["plan", "--format", "json"], &|name| {
                Some(secret(name))
            });
            // Without a ledger, what the API does not show may not be changeable.
            assert!(matches!(plan.code, 0 | 3), "{plan}");
            assert_eq!(plan.json()["plan"]["summary"]["create"], 0, "{plan}");
            if tried == 3 {
                break;
            }
        }
        assert!(tried > 0, "everything is referred to");
    }
}
