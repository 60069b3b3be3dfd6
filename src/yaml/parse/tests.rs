//! What is read, where it stands, and what is refused.

use super::*;
use crate::diagnostic::Sources;
use std::fmt::Write;
use std::time::Instant;

fn read(text: &str) -> Node {
    let parsed = parse(Sources::default().add("a.yaml", text), text);
    assert_eq!(parsed.diagnostics, vec![]);
    parsed.root.unwrap()
}

/// The codes of the problems and the texts that they point at.
fn problems(text: &str) -> Vec<String> {
    let parsed = parse(Sources::default().add("a.yaml", text), text);
    let mut sources = Sources::default();
    sources.add("a.yaml", text);
    parsed
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let (location, label) = diagnostic.primary.as_ref().unwrap();
            let at = sources.position(location);
            let shown: String = text[location.span.clone()].chars().take(20).collect();
            let (line, column) = (at.line, at.column);
            format!("{line}:{column} {} `{shown}`: {label}", diagnostic.code)
        })
        .collect()
}

/// A compact form: spans as the texts they cover.
fn outline(text: &str, node: &Node) -> String {
    let source = &text[node.span.clone()];
    match &node.value {
        NodeValue::Scalar { text, plain: true } => format!("{text}<{source}>"),
        NodeValue::Scalar { text, plain: false } => format!("'{text}'<{source}>"),
        NodeValue::Sequence(items) => {
            let items: Vec<_> = items.iter().map(|item| outline(text, item)).collect();
            format!("[{}]<{source}>", items.join(", "))
        }
        NodeValue::Mapping(members) => {
            let show = |member: &Member| {
                assert!(text[member.key_span.clone()].contains(&member.key));
                format!("{}: {}", member.key, outline(text, &member.value))
            };
            let members: Vec<_> = members.iter().map(show).collect();
            format!("{{{}}}<{source}>", members.join(", "))
        }
    }
}

#[test]
fn spans_cover_what_people_see() {
    let text = "a:\n  b: 1   # one\n  c: [x, 'y']\n\nd: \"ü\\n\"\ne:\n";
    assert_eq!(
        outline(text, &read(text)),
        "{a: {b: 1<1>, c: [x<x>, 'y'<'y'>]<[x, 'y']>}<b: 1   # one\n  c: [x, 'y']>, \
         d: 'ü\n'<\"ü\\n\">, e: ~<>}<a:\n  b: 1   # one\n  c: [x, 'y']\n\nd: \"ü\\n\"\ne>"
    );
}

#[test]
fn blocks_and_windows_line_ends() {
    let text = "a: |\r\n  one\r\n  two\r\nb: >-\r\n  x\r\n  y\r\n";
    let root = read(text);
    let NodeValue::Scalar { text: a, plain } = &root.member("a").unwrap().value.value else {
        panic!("a scalar");
    };
    assert_eq!((a.as_str(), *plain), ("one\ntwo\n", false));
    let b = root.member("b").unwrap();
    assert!(matches!(&b.value.value, NodeValue::Scalar { text, .. } if text == "x y"));
}

#[test]
fn empty_files_are_fine() {
    for text in ["", "\n", "# only a comment\n"] {
        let parsed = parse(Sources::default().add("a.yaml", text), text);
        assert_eq!(parsed.diagnostics, vec![], "{text:?}");
        assert!(parsed.root.is_none_or(|root| root.is_null()), "{text:?}");
    }
}

#[test]
fn aliases_repeat_and_merge_keys_merge() {
    let text = "\
base: &base {a: 1, b: 2}
more: &more {b: 3, c: 4}
one: {<<: *base, b: 9}
two:
  <<: [*base, *more]
  d: *base
";
    let root = read(text);
    let keys = |name: &str| {
        let value = &root.member(name).unwrap().value;
        let show = |member: &Member| match &member.value.value {
            NodeValue::Scalar { text, .. } => format!("{}={text}", member.key),
            _ => format!("{}=..", member.key),
        };
        let mut keys: Vec<_> = value.members().unwrap().iter().map(show).collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(keys("one"), "a=1 b=9");
    assert_eq!(keys("two"), "a=1 b=2 c=4 d=..");
}

#[test]
fn what_is_refused() {
    for (text, expected) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1 duplicate-key `a`: said again here",
        ),
        (
            "a: {x: 1, \"x\": 2}",
            "1:11 duplicate-key `\"x\"`: said again here",
        ),
        ("1: x", "1:1 non-string-key `1`: keys must be strings"),
        ("null: x", "1:1 non-string-key `null`: keys must be strings"),
        (
            "[a, b]: x",
            "1:1 non-string-key `[a, b]`: keys must be strings",
        ),
        ("a: !!str 1", "1:4 yaml-tag `!!str`: remove the tag"),
        ("a: !Ref x", "1:4 yaml-tag `!Ref`: remove the tag"),
        (
            "a: 1\n---\nb: 2\n",
            "2:1 multiple-documents `---`: a second document begins here",
        ),
        (
            "a: *x",
            "1:4 unknown-anchor `*`: no `&name` of this name stands before it",
        ),
        (
            "a: &a [*a]",
            "1:8 recursive-alias `*a`: this would never end",
        ),
        ("<<: 1", "1:5 merge-key `1`: not a map"),
        ("a: &a 1\nb: {<<: [*a]}", "1:7 merge-key `1`: not a map"),
        (
            "a:\n\tb: 1\n",
            "2:1 yaml-syntax `\t`: a tab where only spaces may stand",
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "3:2 yaml-syntax `c`: expected a key here",
        ),
        ("a: b: c", "1:5 yaml-syntax `:`: `: ` is not allowed here"),
        ("a: [1, 2", "1:4 yaml-syntax `[`: this `[` is never closed"),
        (
            "a: \"x",
            "1:4 yaml-syntax `\"`: the quoted text is never closed",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text:?}");
    }
}

#[test]
fn several_problems_are_reported_together() {
    assert_eq!(problems("a: !x 1\na: 2\n3: 4\n").len(), 3);
}

#[test]
fn interpolations_in_flow_collections_get_advice() {
    let text = "a: { key: ${env:X} }";
    let parsed = parse(Sources::default().add("a.yaml", text), text);
    assert!(
        parsed.diagnostics[0]
            .help
            .as_ref()
            .is_some_and(|help| help.starts_with("quote interpolations")),
        "{:?}",
        parsed.diagnostics
    );
}

#[test]
fn hostile_files_are_stopped_early() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        writeln!(chain, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    let blocks: String = (0..3000).map(|depth| " ".repeat(depth) + "a:\n").collect();
    for (text, code) in [
        (bomb, "yaml-alias-limit"),
        (chain, "yaml-too-deep"),
        ("[".repeat(100_000), "yaml-too-deep"),
        ("{a: ".repeat(100_000), "yaml-too-deep"),
        ("- ".repeat(100_000), "yaml-too-deep"),
        ("a: ".to_owned() + &"[".repeat(100_000), "yaml-too-deep"),
        (blocks, "yaml-too-deep"),
    ] {
        let start = Instant::now();
        let problems = problems(&text);
        assert!(problems[0].contains(code), "{problems:?}");
        assert!(start.elapsed().as_millis() < 1000, "{code} took too long");
    }
}

#[test]
fn a_hundred_levels_are_allowed() {
    let text = "[".repeat(100) + &"]".repeat(100);
    read(&text);
}

/// Every place of a tree lies in the text, at the borders of characters.
fn assert_places(text: &str, node: &Node) {
    assert!(text.get(node.span.clone()).is_some(), "{:?}", node.span);
    match &node.value {
        NodeValue::Scalar { .. } => {}
        NodeValue::Sequence(items) => items.iter().for_each(|item| assert_places(text, item)),
        NodeValue::Mapping(members) => members.iter().for_each(|member| {
            assert!(text.get(member.key_span.clone()).is_some());
            assert_places(text, &member.value);
        }),
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "([a-c]|: |- |\\{|\\}|\\[|\\]|, |&a |\\*a|<<|'|\"|\\n|  |\t|#|\\||>|!|ü|日|\r\n|\\?|%|---|\u{feff}|\\\\u){0,40}") {
        let parsed = parse(Sources::default().add("a.yaml", text.as_str()), &text);
        if let Some(root) = &parsed.root {
            assert_places(&text, root);
        }
        for diagnostic in &parsed.diagnostics {
            for (location, _) in diagnostic.primary.iter().chain(&diagnostic.related) {
                assert!(text.get(location.span.clone()).is_some(), "{diagnostic:?}");
            }
        }
    }
}
