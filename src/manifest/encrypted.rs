//! Files of a repository that are encrypted with sops: a member `sops` at the top says so.
//!
//! What is read is the tree of the encrypted file, which has all keys in the clear, with the values
//! that `sops --decrypt` prints. Everything stands where people see it in the file, so that problems
//! point there, and no message can show a decrypted line.

use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use super::read::Reader;
use crate::diagnostic::{Diagnostic, FileId, Location, Sources};
use crate::model::Address;
use crate::yaml::{self, Member, Node, NodeValue};

/// The member that sops adds.
const MARK: &str = "sops";

/// How an encrypted value begins.
const SEALED: &str = "ENC[";

/// What is known of an encrypted file.
#[derive(Clone, Debug)]
pub(super) struct Encrypted {
    /// How its values are named, as if a manifest beside it named the file.
    pub(super) source: Rc<str>,
    /// Whether somebody chose what is encrypted. By itself, sops encrypts every value.
    pub(super) chosen: bool,
    /// Whether it was decrypted. In a run against the mock it need not be.
    pub(super) opened: bool,
}

/// Whether a file is encrypted with sops.
pub fn is_encrypted(text: &str) -> bool {
    let nowhere = Sources::default().add("", "");
    let root = yaml::parse(nowhere, text).root;
    root.is_some_and(|root| metadata(&root).is_some())
}

fn metadata(root: &Node) -> Option<&Member> {
    let mark = root.member(MARK)?;
    mark.value.member("mac").is_some().then_some(mark)
}

/// Whether a value is encrypted, by how it stands in its file.
pub(super) fn is_sealed(source: &str) -> bool {
    source.trim_start_matches(['"', '\'']).starts_with(SEALED)
}

/// The tree of a file, decrypted if it has to be; `None` where it cannot be, which is reported.
pub(super) fn open(
    file: FileId,
    name: &str,
    folder: &Path,
    root: Node,
    reader: &mut Reader<'_>,
) -> Option<Node> {
    let Some(mark) = metadata(&root) else {
        return Some(root);
    };
    let at = Location {
        file,
        span: mark.key_span.clone(),
    };
    let mut sealed = root;
    if let NodeValue::Mapping(members) = &mut sealed.value {
        members.retain(|member| member.key != MARK);
    }
    let mut kinds = Values::default();
    kinds.count(&sealed);
    for span in &kinds.sealed {
        // Nobody can read them, and they are long.
        reader.sources.hide(&Location {
            file,
            span: span.clone(),
        });
    }
    let base = name.rsplit('/').next().unwrap_or(name);
    let mut encrypted = Encrypted {
        source: format!("${{sops:{base}}}").into(),
        chosen: kinds.clear > 0,
        opened: false,
    };
    // A run against the mock needs nothing that is not in the repository, as far as that goes.
    if reader.options.placeholders && encrypted.chosen && kinds.typed == 0 {
        reader.encrypted.insert(file, encrypted);
        return Some(sealed);
    }
    let opened = decrypted(base, folder, reader);
    match opened {
        Ok(opened) => {
            encrypted.opened = true;
            reader.encrypted.insert(file, encrypted);
            Some(placed(opened, &sealed))
        }
        Err(reason) => {
            let message = format!("cannot decrypt `{name}`");
            // A value, or the path of one, is not what sops signed.
            let signed = ["MAC mismatch", "message authentication failed"];
            let help = match signed.iter().any(|words| reason.contains(words)) {
                true => format!("it was changed without sops: undo that, and run `sops {name}`"),
                false => "`sops --decrypt` has to work in this place; gatewright runs nothing else"
                    .to_owned(),
            };
            let diagnostic = Diagnostic::error("sops", message)
                .at(at, "encrypted with sops")
                .note(reason)
                .help(help);
            reader.diagnostics.push(diagnostic);
            declare(&sealed, reader);
            None
        }
    }
}

/// Runs sops, and reads what it prints. Where that is wrong is not said: the place would be one in
/// a text that nobody has.
fn decrypted(base: &str, folder: &Path, reader: &mut Reader<'_>) -> Result<Node, String> {
    let path = format!("./{base}");
    let words = ["sops", "--decrypt", "--output-type", "yaml", &path];
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let text = reader.printed(&words, folder)?;
    let nowhere = Sources::default().add("", "");
    let parsed = yaml::parse(nowhere, &text);
    let root = parsed.root.filter(|_| parsed.diagnostics.is_empty());
    root.ok_or_else(|| "what `sops` printed is not YAML that a manifest may have".to_owned())
}

/// A decrypted tree with everything in its place of the encrypted file.
fn placed(open: Node, sealed: &Node) -> Node {
    let value = match (open.value, &sealed.value) {
        (NodeValue::Mapping(members), NodeValue::Mapping(places)) => {
            let place = |at: usize, key: &str| {
                let same = places.get(at).filter(|place| place.key == key);
                same.or_else(|| places.iter().find(|place| place.key == key))
            };
            let placed = members.into_iter().enumerate().map(|(at, member)| {
                let found = place(at, &member.key);
                Member {
                    key_span: found.map_or(sealed.span.clone(), |it| it.key_span.clone()),
                    value: self::placed(member.value, found.map_or(sealed, |it| &it.value)),
                    key: member.key,
                }
            });
            NodeValue::Mapping(placed.collect())
        }
        (NodeValue::Sequence(items), NodeValue::Sequence(places)) => {
            let items = items.into_iter().enumerate();
            let placed =
                items.map(|(at, item)| self::placed(item, places.get(at).unwrap_or(sealed)));
            NodeValue::Sequence(placed.collect())
        }
        (NodeValue::Mapping(members), _) => NodeValue::Mapping(
            members
                .into_iter()
                .map(|member| Member {
                    key_span: sealed.span.clone(),
                    value: placed(member.value, sealed),
                    key: member.key,
                })
                .collect(),
        ),
        (NodeValue::Sequence(items), _) => {
            NodeValue::Sequence(items.into_iter().map(|item| placed(item, sealed)).collect())
        }
        (scalar, _) => scalar,
    };
    Node {
        span: sealed.span.clone(),
        value,
    }
}

/// Takes note of the entries of a file that cannot be decrypted: what refers to them is right.
fn declare(root: &Node, reader: &mut Reader<'_>) {
    for system in reader.options.systems {
        for member in root.members().unwrap_or_default() {
            let Some(kind) = system.kind(&member.key) else {
                continue;
            };
            for entry in member.value.members().unwrap_or_default() {
                let address = Address::new(system.name, kind.name, &entry.key);
                reader.index.insert(&address);
            }
        }
    }
}

/// The values of a file.
#[derive(Default)]
struct Values {
    /// How many are in the clear.
    clear: usize,
    /// How many encrypted ones are no texts.
    typed: usize,
    /// Where the encrypted ones are.
    sealed: Vec<Range<usize>>,
}

impl Values {
    fn count(&mut self, node: &Node) {
        match &node.value {
            NodeValue::Mapping(members) => members.iter().for_each(|it| self.count(&it.value)),
            NodeValue::Sequence(items) => items.iter().for_each(|item| self.count(item)),
            // Of these sops makes no secret in any case.
            NodeValue::Scalar { text, .. } if text.is_empty() || node.is_null() => {}
            NodeValue::Scalar { text, .. } if !text.starts_with(SEALED) => self.clear += 1,
            NodeValue::Scalar { text, .. } => {
                self.typed += usize::from(!text.ends_with("type:str]"));
                self.sealed.push(node.span.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Node {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text);
        yaml::parse(file, text).root.unwrap()
    }

    #[test]
    fn decrypted_values_stand_where_the_encrypted_ones_do() {
        let sealed = "a:\n    - k: ENC[1]\n      n: ENC[2]\nb: ENC[3]\n";
        let open = placed(
            parsed("b: |\n  x\n  y\na:\n- {n: 5, k: z}\n"),
            &parsed(sealed),
        );
        let at = |node: &Node| sealed[node.span.clone()].to_owned();
        assert_eq!(at(&open.member("b").unwrap().value), "ENC[3]");
        let NodeValue::Sequence(items) = &open.member("a").unwrap().value.value else {
            panic!("a list");
        };
        assert_eq!(at(&items[0].member("k").unwrap().value), "ENC[1]");
        assert_eq!(at(&items[0].member("n").unwrap().value), "ENC[2]");
        assert_eq!(&sealed[items[0].member("n").unwrap().key_span.clone()], "n");
    }

    #[test]
    fn only_what_sops_signed_counts_as_encrypted() {
        assert!(is_encrypted("a: ENC[x]\nsops:\n  mac: ENC[y]\n"));
        assert!(!is_encrypted("a: x\nsops:\n  k: {}\n"));
        assert!(!is_encrypted("a: [\n"));
    }
}
