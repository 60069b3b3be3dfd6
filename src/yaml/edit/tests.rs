//! Edits change what they were asked to, and not one byte more.

use proptest::prelude::*;

use super::*;

fn path(text: &str) -> Vec<String> {
    text.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

const FILE: &str = "\
# The team's file.
providers:
  # Ask first.
  a:
    name: A          # short
    note: 'quoted'
    limits: { type: cost, credit_limit: 50 }   # dollars
    tags: [x, y]
    list:
      - one: 1
        two: 2
      # between
      - three
    text: |
      first
      second

  b: {}
configs:   # none yet
";

#[test]
fn values_are_replaced_in_their_place() {
    for (at, value, old, new) in [
        (
            "providers/a/name",
            Node::text("B"),
            "name: A          # short",
            "name: B          # short",
        ),
        (
            "providers/a/note",
            Node::plain("5"),
            "note: 'quoted'",
            "note: 5",
        ),
        (
            "providers/a/limits/credit_limit",
            Node::plain("75"),
            "credit_limit: 50 }",
            "credit_limit: 75 }",
        ),
        (
            "providers/a/limits/unit",
            Node::text("no"),
            "50 }",
            "50, unit: \"no\" }",
        ),
        (
            "providers/a/tags/1",
            Node::text("a, b"),
            "[x, y]",
            "[x, \"a, b\"]",
        ),
        (
            "providers/a/list/0/two",
            Node::plain("3"),
            "two: 2",
            "two: 3",
        ),
        ("providers/a/list/1", Node::text("3"), "- three", "- \"3\""),
        (
            "providers/a/text",
            Node::text("x"),
            "text: |\n      first\n      second\n",
            "text: x\n",
        ),
        (
            "providers/a/name",
            Node::text("x\ny\n"),
            "name: A          # short",
            "name: |          # short\n      x\n      y",
        ),
        (
            "providers/a/more",
            Node::plain("true"),
            "      second\n",
            "      second\n    more: true\n",
        ),
        (
            "providers/b/name",
            Node::text("B"),
            "  b: {}\n",
            "  b:\n    name: B\n",
        ),
        (
            "configs/c/name",
            Node::text("C"),
            "configs:   # none yet\n",
            "configs:   # none yet\n  c:\n    name: C\n",
        ),
        (
            "labels/l/name",
            Node::text("L"),
            "# none yet\n",
            "# none yet\nlabels:\n  l:\n    name: L\n",
        ),
    ] {
        let edited = set(FILE, &path(at), &value, 0).unwrap();
        assert_eq!(edited, FILE.replacen(old, new, 1), "{at}");
    }
}

#[test]
fn members_and_elements_are_removed_with_their_lines() {
    for (at, old, new) in [
        ("providers/a/name", "    name: A          # short\n", ""),
        (
            "providers/a/limits/type",
            "{ type: cost, credit",
            "{ credit",
        ),
        (
            "providers/a/limits/credit_limit",
            "cost, credit_limit: 50 }",
            "cost }",
        ),
        ("providers/a/tags/0", "[x, y]", "[y]"),
        ("providers/a/list/0/one", "- one: 1\n        two", "- two"),
        ("providers/a/list/1", "      - three\n", ""),
        (
            "providers/a/text",
            "    text: |\n      first\n      second\n",
            "",
        ),
        ("providers/b", "  b: {}\n", ""),
    ] {
        assert_eq!(
            remove(FILE, &path(at)).unwrap(),
            FILE.replacen(old, new, 1),
            "{at}"
        );
    }
    let last = "a:\n  b: # why\n    c: 1\nd: 2\n";
    assert_eq!(remove(last, &path("a/b/c")).unwrap(), "a:\n  b: {}\nd: 2\n");
}

#[test]
fn elements_are_added_behind_the_last() {
    for (at, old, new) in [
        ("providers/a/tags", "[x, y]", "[x, y, z]"),
        (
            "providers/a/list",
            "      - three\n",
            "      - three\n      - z\n",
        ),
    ] {
        let edited = append(FILE, &path(at), &Node::text("z")).unwrap();
        assert_eq!(edited, FILE.replacen(old, new, 1), "{at}");
    }
}

#[test]
fn what_is_shared_is_left_alone() {
    let shared = "a: &x { b: 1 }\nc: *x\nd:\n  <<: *x\n  e: 2\n";
    assert_eq!(
        set(shared, &path("a/b"), &Node::plain("2"), 0),
        Err(EditError::Entangled)
    );
    assert_eq!(
        set(shared, &path("c/b"), &Node::plain("2"), 0),
        Err(EditError::Entangled)
    );
    assert_eq!(
        set(shared, &path("c"), &Node::plain("2"), 0).unwrap(),
        shared.replace("c: *x", "c: 2")
    );
    // A merged member is overridden where it was merged in.
    assert_eq!(
        set(shared, &path("d/b"), &Node::plain("2"), 0).unwrap(),
        shared.replace("e: 2\n", "e: 2\n  b: 2\n")
    );
    assert_eq!(
        set("a: [", &path("a"), &Node::null(), 0),
        Err(EditError::Unreadable)
    );
}

#[test]
fn line_ends_stay_as_they_are() {
    let edited = set("a:\r\n  b: 1\r\n", &path("a/c/d"), &Node::text("x"), 0).unwrap();
    assert_eq!(edited, "a:\r\n  b: 1\r\n  c:\r\n    d: x\r\n");
    assert_eq!(
        set("a: 1", &path("b"), &Node::plain("2"), 0).unwrap(),
        "a: 1\nb: 2"
    );
}

/// Texts that YAML, or a version of it, is fond of misreading.
fn texts() -> impl Strategy<Value = String> {
    let awkward = [
        "",
        " ",
        "no",
        "Yes",
        "on",
        "null",
        "~",
        "1e3",
        "0x1F",
        "012",
        "1_000",
        "12:30:45",
        "2026-01-02",
        ".5",
        "- a",
        "a: b",
        "a #b",
        "#",
        "&a",
        "*a",
        "!a",
        "@a/b",
        "`",
        "%",
        "|",
        ">",
        "{a}",
        "[a]",
        "a,b",
        "'",
        "\"",
        "\\d+\"",
        "a\nb",
        "a\n",
        "a\n\n",
        "\n",
        "\na",
        " a\nb",
        "a\n  b\n\nc\n",
        "a \nb",
        "a\n \nb",
        "\ta\nb",
        "a\r\nb",
        "\u{85}",
        "\u{2028}",
        "é",
        "日本\n語",
        "🦀",
        "\u{feff}x",
        "\u{7}",
        "---",
        "...",
        "--- a",
        "<<",
        "=",
        "?",
        "? a",
        "${env:A}",
        "$${x}",
        "a:",
        ":a",
        "true",
        "k: |",
        "a\u{a0}b",
    ];
    prop_oneof![
        3 => proptest::sample::select(awkward.to_vec()).prop_map(str::to_owned),
        2 => "[ -~\\n\\t]{0,24}",
        1 => ".{0,12}",
    ]
}

fn nodes() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        4 => texts().prop_map(Node::text),
        1 => any::<i64>().prop_map(|number| Node::plain(number.to_string())),
        1 => proptest::sample::select(vec!["true", "false", "null", "1.5", "1e21"]).prop_map(Node::plain),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let keys = texts();
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Node::sequence),
            proptest::collection::btree_map(keys, inner, 0..5).prop_map(Node::mapping),
        ]
    })
}

/// Every place of a tree.
fn places(node: &Node) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let children: Vec<(String, &Node)> = match &node.value {
        NodeValue::Mapping(members) => members.iter().map(|m| (m.key.clone(), &m.value)).collect(),
        NodeValue::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (at.to_string(), item))
            .collect(),
        NodeValue::Scalar { .. } => Vec::new(),
    };
    for (segment, child) in children {
        all.push(vec![segment.clone()]);
        all.extend(places(child).into_iter().map(|mut below| {
            below.insert(0, segment.clone());
            below
        }));
    }
    all
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(value in nodes(), blocks in 0_usize..4) {
        let text = format!("# first\n{}\n# last\n", emit::member("key", &value, 0, blocks));
        let read = read(&text).map_err(|_| TestCaseError::fail(text.clone()))?;
        prop_assert!(same(&read, &Node::mapping([("key".to_owned(), value)])), "{}", text);
    }

    /// `set` and `remove` already compare what they made with what was meant; here it counts that
    /// they do not refuse, and that lines without the place stay as they are.
    #[test]
    fn every_place_can_be_edited(tree in nodes(), value in nodes(), pick in any::<proptest::sample::Index>()) {
        let tree = Node::mapping([("z".to_owned(), Node::text("stays")), ("key".to_owned(), tree)]);
        let text = format!("# first\n{}\n", document(&tree, 2));
        let all = places(&tree);
        let at = &all[pick.index(all.len())];
        let edited = set(&text, at, &value, 0);
        prop_assert!(edited.is_ok(), "set {:?} in\n{}", at, text);
        let removed = remove(&text, at);
        prop_assert!(removed.is_ok(), "remove {:?} from\n{}", at, text);
        if at[0] == "key" {
            prop_assert!(edited.unwrap().starts_with("# first\nz: stays\nkey:"));
            prop_assert!(removed.unwrap().starts_with("# first\nz: stays\n"));
        }
    }
}
