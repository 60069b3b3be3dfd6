//! `gatewright schema`: the published JSON Schemas.

use super::args::SchemaArgs;
use super::exit::Exit;
use super::output::Finish;
use crate::diagnostic::{Diagnostic, Sources, did_you_mean};
use crate::schema;

/// What every published file's name ends with.
const SUFFIX: &str = ".schema.json";

pub(super) fn run(args: &SchemaArgs) -> Finish {
    let files = schema::files();
    let names: Vec<&str> = files
        .iter()
        .map(|(file, _)| file.strip_suffix(SUFFIX).unwrap_or(file))
        .collect();
    let mut finish = Finish::new(Exit::Done, Sources::default());
    let Some(wanted) = &args.name else {
        finish.text = names.iter().map(|name| format!("{name}\n")).collect();
        finish.document.schemas = Some(names.iter().map(|name| (*name).to_owned()).collect());
        return finish;
    };
    match names.iter().position(|name| name == wanted) {
        Some(index) => {
            finish.schema = Some((files[index].1)());
            finish
        }
        None => {
            let problem =
                Diagnostic::error("unknown-schema", format!("there is no schema `{wanted}`"))
                    .note(format!("the schemas are: {}", names.join(", ")))
                    .maybe_help(did_you_mean(wanted, names));
            Finish::failed(Exit::Error, Sources::default(), vec![problem])
        }
    }
}
