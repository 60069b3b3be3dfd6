//! The description is what the vendor's own document says, and the tool tells when that changes.
//!
//! The document is not part of the project; these tests run when `PORTKEY_OPENAPI` names a copy of it.

#![expect(clippy::print_stderr, reason = "a test that is skipped should say so")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// The upstream document, if the environment names one.
fn upstream() -> Option<PathBuf> {
    let path = std::env::var_os("PORTKEY_OPENAPI").map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: PORTKEY_OPENAPI does not name the vendor's OpenAPI document");
    }
    path
}

/// Runs `describe check`; its exit status and the lines that it prints.
fn check(document: &Path) -> (Option<i32>, Vec<String>) {
    let output = Command::new(env!("CARGO_BIN_EXE_describe"))
        .arg("check")
        .arg(document)
        .output()
        .expect("the tool runs");
    let printed = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
    (
        output.status.code(),
        printed.lines().map(str::to_owned).collect(),
    )
}

#[test]
fn it_is_what_upstream_says() {
    let Some(upstream) = upstream() else { return };
    let (code, lines) = check(&upstream);
    assert_eq!(code, Some(0), "{lines:#?}");
}

/// A change to the upstream document: its name, what it does, and what is to be said about it.
type Alteration<'a> = (&'a str, &'a dyn Fn(&mut Value), &'a [&'a str]);

#[test]
fn an_alteration_upstream_is_reported_and_nothing_else() {
    let Some(upstream) = upstream() else { return };
    let text = std::fs::read_to_string(upstream).expect("the upstream document");
    let options = serde_saphyr::options! { budget: None, strict_booleans: true };
    let original: Value = serde_saphyr::from_str_with_options(&text, options).expect("YAML");

    let days = "/components/schemas/UsageLimits/properties/periodic_reset_days";
    let alterations: [Alteration; 7] = [
        (
            "a limit",
            &|document| document.pointer_mut(days).expect(days)["maximum"] = json!(366),
            &[
                "changed components/schemas/UsageLimits/properties/periodic_reset_days/maximum: 365 is now 366",
            ],
        ),
        (
            "a property",
            &|document| {
                document["components"]["schemas"]["UsageLimits"]["properties"]["colour"] =
                    json!({"type": "string"})
            },
            &["added   components/schemas/UsageLimits/properties/colour"],
        ),
        (
            "nullability",
            &|document| document.pointer_mut(days).expect(days)["nullable"] = json!(false),
            &[
                "changed components/schemas/UsageLimits/properties/periodic_reset_days/type: it is another kind of thing now",
            ],
        ),
        (
            "an operation",
            &|document| {
                document["paths"]["/labels/{labelId}"]
                    .as_object_mut()
                    .expect("a path")
                    .remove("delete");
            },
            &["removed DELETE /labels/{labelId}"],
        ),
        (
            "a parameter",
            &|document| {
                let parameter = json!({"in": "query", "name": "colour", "description": "d", "schema": {"type": "string"}});
                document["paths"]["/prompts"]["get"]["parameters"]
                    .as_array_mut()
                    .expect("a list")
                    .push(parameter);
            },
            &["added   GET /prompts #/parameters/query:colour"],
        ),
        (
            "a value",
            &|document| {
                document["components"]["schemas"]["UsageLimits"]["properties"]["type"]["enum"] =
                    json!(["cost", "tokens", "sand"])
            },
            &["added   components/schemas/UsageLimits/properties/type/enum: \"sand\""],
        ),
        (
            "prose",
            &|document| document["paths"]["/prompts"]["get"]["summary"] = json!("Something else"),
            &[],
        ),
    ];
    for (name, alter, expected) in alterations {
        let mut altered = original.clone();
        alter(&mut altered);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("altered-{}.json", name.replace(' ', "-")));
        std::fs::write(&file, altered.to_string()).expect("a file");
        let (code, lines) = check(&file);
        if expected.is_empty() {
            assert_eq!(code, Some(0), "{name}: {lines:#?}");
        } else {
            assert_eq!(lines, expected, "{name}");
            assert_eq!(code, Some(1), "{name}");
        }
    }
}
