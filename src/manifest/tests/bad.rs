//! Everything that can be wrong, and what is said of it.

use insta::assert_snapshot;

use super::{project, said};

#[test]
fn unknown_field() {
    assert_snapshot!(said("boxes:\n  a:\n    name: A\n    teem: core\n    zzz: 1\n"), @r##"
    error[unknown-field]: unknown field `teem`
     --> a.yaml:4:5
      |
    4 |     teem: core
      |     ^^^^ a box has no such field
      |
      = help: did you mean `team`?

    error[unknown-field]: unknown field `zzz`
     --> a.yaml:5:5
      |
    5 |     zzz: 1
      |     ^^^ a box has no such field
      |
      = note: also allowed here: `account`, `free`, `headers`, `inside`, `key`, `mark`, `model`, `open`, `parts`, `shade`, `size`, `tags`, ...
    "##);
}

#[test]
fn unknown_field_deep_inside() {
    assert_snapshot!(said("boxes:\n  a:\n    name: A\n    parts:\n      - { type: lid, weight: 1 }\n      - { type: wheel, spoke: 3 }\n"), @r##"
    error[missing-field]: missing field `spokes`
     --> a.yaml:6:9
      |
    6 |       - { type: wheel, spoke: 3 }
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^ `parts[1]` needs `spokes`
      |
      = note: `spokes` is an integer

    error[unknown-field]: unknown field `spoke`
     --> a.yaml:6:24
      |
    6 |       - { type: wheel, spoke: 3 }
      |                        ^^^^^ `parts[1]` has no such field
      |
      = help: did you mean `spokes`?
    "##);
}

#[test]
fn wrong_types() {
    assert_snapshot!(said("boxes:\n  a:\n    name: 1.10\n    size: \"3\"\n    open: yes\n    tags: [x]\n    mark: { a: 1 }\n    team: 7\n"), @r##"
    error[wrong-type]: wrong type for `name`
     --> a.yaml:3:11
      |
    3 |     name: 1.10
      |           ^^^^ expected a string, found a number
      |
      = help: quote it: "1.10"

    error[wrong-type]: wrong type for `size`
     --> a.yaml:4:11
      |
    4 |     size: "3"
      |           ^^^ expected an integer, found a string
      |
      = help: remove the quotes: 3

    error[wrong-type]: wrong type for `open`
     --> a.yaml:5:11
      |
    5 |     open: yes
      |           ^^^ expected a boolean, found a string
      |
      = help: write `true`: in YAML 1.2 `yes` is a string

    error[wrong-type]: wrong type for `tags`
     --> a.yaml:6:11
      |
    6 |     tags: [x]
      |           ^^^ expected a map, found a list

    error[wrong-type]: wrong type for `mark`
     --> a.yaml:7:11
      |
    7 |     mark: { a: 1 }
      |           ^^^^^^^^ expected a string, found a map

    error[wrong-type]: wrong type for `team`
     --> a.yaml:8:11
      |
    8 |     team: 7
      |           ^ expected a string, found a number
      |
      = help: quote it: "7"
    "##);
}

#[test]
fn null_where_none_may_be() {
    assert_snapshot!(said("boxes:\n  a:\n    name:\n"), @r##"
    error[wrong-type]: wrong type for `name`
     --> a.yaml:3:5
      |
    3 |     name:
      |     ^^^^ expected a string, found null
      |
      = help: null clears a field, and this one cannot be cleared: leave it out to leave it as it is
    "##);
}

#[test]
fn missing_fields() {
    assert_snapshot!(said("boxes:\n  a:\n    teams:\n      b: {}\nteams:\n  b: { name: B }\n"), @r##"
    error[missing-field]: missing field `name`
     --> a.yaml:2:3
      |
    2 |   a:
      |   ^ a box needs `name`
      |
      = note: `name` is a string

    error[missing-field]: missing field `enabled`
     --> a.yaml:4:7
      |
    4 |       b: {}
      |       ^ `b` needs `enabled`
      |
      = note: `enabled` is a boolean
    "##);
}

#[test]
fn bad_choice() {
    assert_snapshot!(said("boxes:\n  a: { name: A, shade: drak }\n"), @r##"
    error[bad-value]: invalid value for `shade`
     --> a.yaml:2:24
      |
    2 |   a: { name: A, shade: drak }
      |                        ^^^^ expected one of `light`, `dark`
      |
      = help: did you mean `dark`?
    "##);
}

#[test]
fn unknown_form() {
    assert_snapshot!(said("boxes:\n  a:\n    name: A\n    parts: [{ type: weel }, { weight: 1 }, 7]\n"), @r##"
    error[bad-value]: invalid value for `type`
     --> a.yaml:4:21
      |
    4 |     parts: [{ type: weel }, { weight: 1 }, 7]
      |                     ^^^^ expected one of `lid`, `wheel`
      |
      = help: did you mean `wheel`?

    error[missing-field]: missing field `type`
     --> a.yaml:4:29
      |
    4 |     parts: [{ type: weel }, { weight: 1 }, 7]
      |                             ^^^^^^^^^^^^^ `parts[1]` needs `type`
      |
      = note: `type` is one of `lid`, `wheel`

    error[wrong-type]: wrong type for `parts[2]`
     --> a.yaml:4:44
      |
    4 |     parts: [{ type: weel }, { weight: 1 }, 7]
      |                                            ^ expected a map, found a number
    "##);
}

#[test]
fn limits_and_patterns() {
    assert_snapshot!(said("boxes:\n  a:\n    name: A\n    size: 11\n    mark: A-B\n"), @r##"
    error[bad-value]: invalid value for `size`
     --> a.yaml:4:11
      |
    4 |     size: 11
      |           ^^ must be at most 10

    error[bad-value]: invalid value for `mark`
     --> a.yaml:5:11
      |
    5 |     mark: A-B
      |           ^^^ must match `^[a-z]+$`
    "##);
}

#[test]
fn numbers_out_of_range() {
    assert_snapshot!(said("boxes:\n  a:\n    name: A\n    size: 18446744073709551616\n"), @r##"
    error[number-range]: number out of range
     --> a.yaml:4:11
      |
    4 |     size: 18446744073709551616
      |           ^^^^^^^^^^^^^^^^^^^^ this is a number that does not fit into 64 bits
      |
      = help: quote it if it is a name and not an amount
    "##);
}

#[test]
fn duplicate_key() {
    assert_snapshot!(said("boxes:\n  a:\n    name: A\n    size: 1\n    name: B\n"), @r##"
    error[duplicate-key]: duplicate key `name`
     --> a.yaml:5:5
      |
    3 |     name: A
      |     ---- first said here
    4 |     size: 1
    5 |     name: B
      |     ^^^^ said again here
      |
      = help: remove one of them
    "##);
}

#[test]
fn unset_variable() {
    assert_snapshot!(said("boxes:\n  a:\n    name: from ${env:NOWHERE}\n    key: ${env:NOWHERE}\n    mark: ${env:ALSO_NOT}\n"), @r##"
    error[unset-variable]: environment variable `NOWHERE` is not set
     --> a.yaml:3:16
      |
    3 |     name: from ${env:NOWHERE}
      |                ^^^^^^^^^^^^^^ needed here
    4 |     key: ${env:NOWHERE}
      |          -------------- and here
      |
      = help: set `NOWHERE`, or give a file that does with `--env-file`

    error[unset-variable]: environment variable `ALSO_NOT` is not set
     --> a.yaml:5:11
      |
    5 |     mark: ${env:ALSO_NOT}
      |           ^^^^^^^^^^^^^^^ needed here
      |
      = help: set `ALSO_NOT`, or give a file that does with `--env-file`
    "##);
}

#[test]
fn bad_interpolations() {
    assert_snapshot!(said("boxes:\n  a:\n    name: x ${foo:x}\n    mark: 'ü ${env:'\n    free:\n      - \"\\u00fc ${X}\"\n      - ${env:}\n      - ${ref:boxes.a}\n      - ${ref:boxen.a.id}\n      - ${ref:boxes.a.name}\n      - ${ref:boxes.b.id}\n      - ${file:nothing.txt}\n"), @r##"
    error[bad-interpolation]: unknown interpolation `${foo:...}`
     --> a.yaml:3:13
      |
    3 |     name: x ${foo:x}
      |             ^^^^^^^^
      |
      = help: use `env:`, `file:`, `sops:`, `exec:`, `var:` or `ref:`; write `$${` for a literal `${`

    error[bad-interpolation]: interpolation without its `}`
     --> a.yaml:4:14
      |
    4 |     mark: 'ü ${env:'
      |              ^^^^^^
      |
      = help: close it, or write `$${` for a literal `${`

    error[bad-interpolation]: interpolation `${X}` does not say where the value comes from
     --> a.yaml:6:9
      |
    6 |       - "\u00fc ${X}"
      |         ^^^^^^^^^^^^^
      |
      = help: begin it with `env:`, `file:`, `sops:`, `exec:`, `var:` or `ref:`, for example `${env:X}`; write `$${` for a literal `${`

    error[bad-interpolation]: interpolation `${env:}` has no name
     --> a.yaml:7:9
      |
    7 |       - ${env:}
      |         ^^^^^^^
      |
      = help: write a name after `env:`

    error[bad-interpolation]: incomplete reference
     --> a.yaml:8:9
      |
    8 |       - ${ref:boxes.a}
      |         ^^^^^^^^^^^^^^ expected `kind.key.slug` or `kind.key.id`
      |
      = help: for example `${ref:guardrails.no-pii.slug}`

    error[unknown-kind]: unknown kind `boxen`
     --> a.yaml:9:9
      |
    9 |       - ${ref:boxen.a.id}
      |         ^^^^^^^^^^^^^^^^^ in this reference
      |
      = help: did you mean `boxes`?

    error[unknown-attribute]: a reference cannot stand for `name`
      --> a.yaml:10:9
       |
    10 |       - ${ref:boxes.a.name}
       |         ^^^^^^^^^^^^^^^^^^^ expected `slug` or `id`
       |
       = help: write `${ref:boxes.a.slug}` or `${ref:boxes.a.id}`

    error[dangling-reference]: no box `b` in this repository
      --> a.yaml:11:9
       |
    11 |       - ${ref:boxes.b.id}
       |         ^^^^^^^^^^^^^^^^^ expected the key of an entry of `boxes`
       |
       = help: did you mean `a`?

    error[unreadable-file]: cannot read the file `nothing.txt`
      --> a.yaml:12:9
       |
    12 |       - ${file:nothing.txt}
       |         ^^^^^^^^^^^^^^^^^^^ there is no such file
       |
       = note: the path is relative to the folder of the file that names it
    "##);
}

#[test]
fn variables() {
    let project = project(&[
        (
            "gatewright.yaml",
            "gatewright: 1\nvars:\n  region: us\n  a: ${var:b}\n  b: x${var:a}\n  list: [1]\n",
        ),
        (
            "a.yaml",
            "teams:\n  a: { name: \"${var:regoin}\" }\n  b: { name: \"x ${var:list}\" }\n  c: { name: \"${var:a}\" }\n",
        ),
    ]);
    assert_snapshot!(project.said(), @r##"
    error[unknown-variable]: unknown variable `regoin`
     --> a.yaml:2:15
      |
    2 |   a: { name: "${var:regoin}" }
      |               ^^^^^^^^^^^^^ not among the project's `vars`
      |
      = help: did you mean `region`?

    error[variable-cycle]: variable `b` refers to itself
     --> gatewright.yaml:4:6
      |
    4 |   a: ${var:b}
      |      ^^^^^^^^ here the circle closes
      |
      = note: `b` → `a` → `b`

    error[variable-cycle]: variable `a` refers to itself
     --> gatewright.yaml:5:7
      |
    5 |   b: x${var:a}
      |       ^^^^^^^^ here the circle closes
      |
      = note: `a` → `b` → `a`

    error[bad-interpolation]: variable `list` cannot be part of a text
     --> gatewright.yaml:6:9
      |
    6 |   list: [1]
      |         ^^^ this is a list
      |
     ::: a.yaml:3:17
      |
    3 |   b: { name: "x ${var:list}" }
      |                 ----------- used here
      |
      = help: `${var:list}` can only stand alone as a value
    "##);
}

#[test]
fn dangling_references() {
    assert_snapshot!(said("boxes:\n  a:\n    name: A\n    team: coer\n    inside: nothing-like-it\n    teams: { cor: { enabled: true } }\n    model: '@b/gpt'\n    free: [{ team: \"\" }]\nteams:\n  core: { name: Core }\n"), @r##"
    error[dangling-reference]: no team `coer` in this repository
     --> a.yaml:4:11
      |
    4 |     team: coer
      |           ^^^^ expected the key of an entry of `teams`
      |
      = help: did you mean `core`?

    error[dangling-reference]: no box `nothing-like-it` in this repository
     --> a.yaml:5:13
      |
    5 |     inside: nothing-like-it
      |             ^^^^^^^^^^^^^^^ expected the key of an entry of `boxes`
      |
      = note: there are `a`
      = help: declare it under `boxes:`, or use the UUID of a box that is managed elsewhere

    error[dangling-reference]: no team `cor` in this repository
     --> a.yaml:6:14
      |
    6 |     teams: { cor: { enabled: true } }
      |              ^^^ expected the key of an entry of `teams`
      |
      = help: did you mean `core`?

    warning[unknown-mention]: `@b` is not declared here
     --> a.yaml:7:12
      |
    7 |     model: '@b/gpt'
      |            ^^^^^^^^ no such entry of `boxes` in this repository
      |
      = help: did you mean `@a`?

    error[dangling-reference]: the reference to a team is empty
     --> a.yaml:8:20
      |
    8 |     free: [{ team: "" }]
      |                    ^^ expected the key of an entry of `teams`
      |
      = note: there are `core`
      = help: declare it under `teams:`, or use the UUID of a team that is managed elsewhere
    "##);
}

#[test]
fn references_to_what_is_not_there_at_all() {
    assert_snapshot!(said("boxes:\n  a: { name: A, team: core }\n"), @r##"
    error[dangling-reference]: no team `core` in this repository
     --> a.yaml:2:23
      |
    2 |   a: { name: A, team: core }
      |                       ^^^^ expected the key of an entry of `teams`
      |
      = note: no team is declared at all
      = help: declare it under `teams:`, or use the UUID of a team that is managed elsewhere
    "##);
}

#[test]
fn references_from_outside_are_not_repeated() {
    let project = project(&[(
        "a.yaml",
        "boxes:\n  a: { name: A, team: \"${env:TEAM}\" }\nteams:\n  core: { name: Core }\n",
    )]);
    assert_snapshot!(project.set("TEAM", "corr").said(), @r##"
    error[dangling-reference]: the value names no team in this repository
     --> a.yaml:2:23
      |
    2 |   a: { name: A, team: "${env:TEAM}" }
      |                       ^^^^^^^^^^^^^ expected the key of an entry of `teams`
      |
      = note: there are `core`
      = help: declare it under `teams:`, or use the UUID of a team that is managed elsewhere
    "##);
}

#[test]
fn reference_cycle() {
    let project = project(&[
        (
            "a.yaml",
            "boxes:\n  a:\n    name: A\n    inside: b\n  b:\n    name: B\n    team: core\n  self: { name: S, inside: self }\n",
        ),
        (
            "t.yaml",
            "teams:\n  core: { name: Core, first: a, favourite: a }\n",
        ),
    ]);
    assert_snapshot!(project.said(), @r##"
    error[reference-cycle]: references that go in a circle
     --> a.yaml:4:13
      |
    4 |     inside: b
      |             ^ `boxes.a` needs `boxes.b`
    ...
    7 |     team: core
      |           ---- `boxes.b` needs `teams.core`
      |
     ::: t.yaml:2:30
      |
    2 |   core: { name: Core, first: a, favourite: a }
      |                              - `teams.core` needs `boxes.a`
      |
      = note: `boxes.a` → `boxes.b` → `teams.core` → `boxes.a`
      = note: each would have to be created before the other

    error[reference-cycle]: references that go in a circle
     --> a.yaml:8:28
      |
    8 |   self: { name: S, inside: self }
      |                            ^^^^ `boxes.self` needs `boxes.self`
      |
      = note: `boxes.self` → `boxes.self`
      = note: each would have to be created before the other
    "##);
}

#[test]
fn literal_secrets_are_refused_and_never_shown() {
    assert_snapshot!(said("boxes:\n  a: { name: 1, key: sk-literal, account: { user: sk-inside } }\n  b:\n    name: B\n    key: |\n      sk-line-one\n      sk-line-two\n    account: sk-not-json\n"), @r##"
    error[wrong-type]: wrong type for `name`
     --> a.yaml:2:14
      |
    2 |   a: { name: 1, key: ****, account: { user: **** } }
      |              ^ expected a string, found a number
      |
      = help: quote it: "1"

    error[literal-secret]: a secret stands in the repository
     --> a.yaml:2:22
      |
    2 |   a: { name: 1, key: ****, account: { user: **** } }
      |                      ^^^^ a literal in a secret's place
      |
      = note: everyone who can read the repository, now or later, can read the secret
      = help: write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid

    error[literal-secret]: a secret stands in the repository
     --> a.yaml:2:37
      |
    2 |   a: { name: 1, key: ****, account: { user: **** } }
      |                                     ^^^^^^^^^^^^^^ a literal in a secret's place
      |
      = note: everyone who can read the repository, now or later, can read the secret
      = help: write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid

    error[literal-secret]: a secret stands in the repository
     --> a.yaml:6:7
      |
    6 |       ****
      |       ^^^^ a literal in a secret's place
      |
      = note: everyone who can read the repository, now or later, can read the secret
      = help: write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid

    error[literal-secret]: a secret stands in the repository
     --> a.yaml:8:14
      |
    8 |     account: ****
      |              ^^^^ a literal in a secret's place
      |
      = note: everyone who can read the repository, now or later, can read the secret
      = help: write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid

    error[secret-not-json]: the secret is not a JSON object
     --> a.yaml:8:14
      |
    8 |     account: ****
      |              ^^^^ its text must be a JSON object
      |
      = note: the text is not shown, because it may be a secret
    "##);
}

#[test]
fn secrets_hide_in_variables_typing_errors_and_broken_files() {
    let project = project(&[
        (
            "gatewright.yaml",
            "gatewright: 1\nvars: { token: sk-variable }\nsystems: { portkey: { api_key: sk-project } }\n",
        ),
        (
            "a.yaml",
            "boxes:\n  a: { name: A, key: \"${var:token}\" }\n  b: { name: B, kye: sk-typo }\n",
        ),
        ("b.yaml", "boxen: { c: { key: sk-unknown-kind } }\n"),
        ("c.yaml", "boxes:\n  d: { key: 'sk-broken }\n"),
        (
            "d.yaml",
            "boxes:\n  e: { name: E, key: sk-one, key: sk-two }\n",
        ),
        ("e.yaml", "boxes: { f: { name: F, key: 'sk-${sk-x}' } }\n"),
    ]);
    let said = project.said();
    assert!(!said.contains("sk-"), "{said}");
    assert_snapshot!(said, @r##"
    error[unknown-field]: unknown field `kye`
     --> a.yaml:3:17
      |
    3 |   b: { name: B, kye: **** }
      |                 ^^^ a box has no such field
      |
      = help: did you mean `key`?

    error[unknown-kind]: unknown kind `boxen`
     --> b.yaml:1:1
      |
    1 | boxen: { c: { key: **** } }
      | ^^^^^ portkey has no such kind
      |
      = help: did you mean `boxes`?

    error[yaml-syntax]: invalid YAML
     --> c.yaml:2:13
      |
    2 |   d: { key: ****
      |             ^^^^ the quoted text is never closed

    error[literal-secret]: a secret stands in the repository
     --> d.yaml:2:22
      |
    2 |   e: { name: E, key: ****
      |                      ^^^^ a literal in a secret's place
      |
      = note: everyone who can read the repository, now or later, can read the secret
      = help: write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid

    error[duplicate-key]: duplicate key `key`
     --> d.yaml:2:22
      |
    2 |   e: { name: E, key: ****
      |                 ---  ^^^^ said again here
      |                 |
      |                 first said here
      |
      = help: remove one of them

    error[bad-interpolation]: malformed interpolation in a secret
     --> e.yaml:1:29
      |
    1 | boxes: { f: { name: F, key: **** } }
      |                             ^^^^ not shown, because it may be a secret
      |
      = help: write `${env:NAME}` or `${file:PATH}`, and `$${` for a literal `${`

    error[literal-secret]: a secret stands in the repository
     --> gatewright.yaml:2:16
      |
    2 | vars: { token: **** }
      |                ^^^^ a literal in a secret's place
      |
     ::: a.yaml:2:23
      |
    2 |   a: { name: A, key: "${var:token}" }
      |                       ------------ used here
      |
      = note: everyone who can read the repository, now or later, can read the secret
      = help: write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid

    error[literal-secret]: a secret stands in the repository
     --> gatewright.yaml:3:32
      |
    3 | systems: { portkey: { api_key: **** } }
      |                                ^^^^ a literal in a secret's place
      |
      = note: everyone who can read the repository, now or later, can read the secret
      = help: write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid
    "##);
}

#[test]
fn secrets_from_outside_stay_out_of_messages() {
    let project = project(&[(
        "a.yaml",
        "boxes:\n  a:\n    name: ${env:S}\n    key: ${env:S}\n    account: ${env:S}\n    shade: ${env:S}\n    size: ${env:S}\n    mark: ${env:S}\n    headers: { a: \"${env:S} ${ref:boxes.a.id}\" }\n",
    )]);
    let said = project.set("S", "sk-Outside").said();
    assert!(!said.contains("sk-"), "{said}");
    assert_snapshot!(said, @r##"
    error[secret-not-json]: the secret is not a JSON object
     --> a.yaml:5:14
      |
    5 |     account: ${env:S}
      |              ^^^^^^^^ its text must be a JSON object
      |
      = note: the text is not shown, because it may be a secret

    error[bad-value]: invalid value for `shade`
     --> a.yaml:6:12
      |
    6 |     shade: ${env:S}
      |            ^^^^^^^^ expected one of `light`, `dark`

    error[wrong-type]: wrong type for `size`
     --> a.yaml:7:11
      |
    7 |     size: ${env:S}
      |           ^^^^^^^^ expected an integer, found a string
      |
      = note: what comes from the environment or a file is always a string
      = help: declare numbers and booleans under `vars:` in the project file

    error[bad-value]: invalid value for `mark`
     --> a.yaml:8:11
      |
    8 |     mark: ${env:S}
      |           ^^^^^^^^ must match `^[a-z]+$`

    error[bad-interpolation]: a secret cannot be mixed with a `${ref:...}`
     --> a.yaml:9:19
      |
    9 |     headers: { a: "${env:S} ${ref:boxes.a.id}" }
      |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ both in one text
      |
      = note: the reference is only known later, when the text would be in the open
    "##);
}

#[test]
fn invalid_slugs_and_keys() {
    let long = "x".repeat(256);
    let manifest = format!(
        "boxes:\n  my box: {{ name: A }}\n  {long}: {{ name: A }}\nteams:\n  ü.b: {{ name: A }}\n"
    );
    assert_snapshot!(said(&manifest), @r##"
    error[invalid-slug]: `my box` is not a valid slug
     --> a.yaml:2:3
      |
    2 |   my box: { name: A }
      |   ^^^^^^
      |
      = note: allowed are letters without accents, digits, `-` and `_`
      = help: for example `my-box`

    error[invalid-slug]: slug with more than 255 characters
     --> a.yaml:3:3
      |
    3 |   xxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxx: {...
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: choose a shorter one

    error[invalid-key]: `ü.b` is not a valid key
     --> a.yaml:5:3
      |
    5 |   ü.b: { name: A }
      |   ^^^
      |
      = note: allowed are letters without accents, digits, `-` and `_`
      = help: for example `b`
    "##);
}

#[test]
fn the_same_object_twice() {
    let project = project(&[
        ("a.yaml", "boxes:\n  a: { name: A }\n"),
        ("org/b.yaml", "boxes:\n  a: { name: B }\n"),
    ]);
    assert_snapshot!(project.said(), @r##"
    error[declared-twice]: `boxes.a` is declared twice
     --> org/b.yaml:2:3
      |
    2 |   a: { name: B }
      |   ^ again here
      |
     ::: a.yaml:2:3
      |
    2 |   a: { name: A }
      |   - first here
      |
      = note: one object has one place, so that nobody wonders which one counts
    "##);
}

#[test]
fn empty_projects() {
    assert_snapshot!(project(&[]).said(), @r##"
    error[empty-project]: nothing is declared
     |
     = note: an empty repository is more often a wrong folder or pattern than a wish; `gatewright destroy` deletes what gatewright made
     = help: write a first manifest, or correct `manifests:` in the project file
    "##);
    assert_snapshot!(said("boxes: {}\n"), @r##"
    error[empty-project]: nothing is declared
     |
     = note: an empty repository is more often a wrong folder or pattern than a wish; `gatewright destroy` deletes what gatewright made
     = help: write an entry into `a.yaml`
    "##);
}

#[test]
fn unreadable_files() {
    let project = project(&[("good.yaml", "teams: { a: { name: A } }\n")]);
    std::fs::create_dir(project.root().join("folder.yaml")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", project.root().join("link.yaml")).unwrap();
    project.write("latin.yaml", b"teams:\n  b: { name: caf\xe9 }\n");
    assert_snapshot!(project.said(), @r##"
    error[unreadable-file]: cannot read `folder.yaml`: it is a folder
     |
     = help: rename the folder, or change the patterns under `manifests:`

    error[unreadable-file]: cannot read `latin.yaml`: the file is not UTF-8: line 2 has the byte 0xe9
     |
     = help: save it as UTF-8

    error[unreadable-file]: cannot read `link.yaml`: there is no such file
    "##);
}

#[test]
fn project_files() {
    assert_snapshot!(project(&[("gatewright.yaml", ""), ("a.yaml", "")]).said(), @r##"
    error[wrong-type]: the project file must be a map
    --> gatewright.yaml:1:1
     = help: begin the file with `gatewright: 1`
    "##);
    assert_snapshot!(project(&[("gatewright.yaml", "gatewright: 2\n"), ("a.yaml", "teams: { a: { name: A } }")]).said(), @r##"
    error[unsupported-version]: format version 2 is not supported
     --> gatewright.yaml:1:13
      |
    1 | gatewright: 2
      |             ^ this program reads version 1
      |
      = help: use a release of gatewright that knows this version
    "##);
    let wrong = "manifest: [x]\nmanifests: [\"org/*.yaml\", \"../x\", \"{\"]\nsystems: { portkye: {}, portkey: { key: x } }\nenvironments: { staging: {} }\n";
    assert_snapshot!(project(&[("gatewright.yaml", wrong)]).environment("stagin").said(), @r##"
    error[missing-field]: missing field `gatewright`
     --> gatewright.yaml:1:1
      |
    1 | manifest: [x]
      | ^ a project needs `gatewright`
      |
      = note: `gatewright` is `1`

    error[unknown-field]: unknown field `manifest`
     --> gatewright.yaml:1:1
      |
    1 | manifest: [x]
      | ^^^^^^^^ a project has no such field
      |
      = help: did you mean `manifests`?

    error[no-manifests]: no file matches `org/*.yaml`
     --> gatewright.yaml:2:13
      |
    2 | manifests: ["org/*.yaml", "../x", "{"]
      |             ^^^^^^^^^^^^ matches nothing
      |
      = note: patterns are relative to the folder of the project file; folders whose name begins with a dot are skipped

    error[bad-glob]: invalid pattern `../x`
     --> gatewright.yaml:2:27
      |
    2 | manifests: ["org/*.yaml", "../x", "{"]
      |                           ^^^^^^ must stay below the folder of the project file

    error[bad-glob]: invalid pattern `{`
     --> gatewright.yaml:2:35
      |
    2 | manifests: ["org/*.yaml", "../x", "{"]
      |                                   ^^^ unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)

    error[unknown-system]: unknown system `portkye`
     --> gatewright.yaml:3:12
      |
    3 | systems: { portkye: {}, portkey: { key: **** } }
      |            ^^^^^^^
      |
      = note: the systems are `portkey` and `other`
      = help: did you mean `portkey`?

    error[unknown-field]: unknown field `key`
     --> gatewright.yaml:3:36
      |
    3 | systems: { portkye: {}, portkey: { key: **** } }
      |                                    ^^^ `portkey` has no such field
      |
      = note: also allowed here: `api_key`, `base_url`, `region`

    error[unknown-environment]: unknown environment `stagin`
     --> gatewright.yaml:4:1
      |
    4 | environments: { staging: {} }
      | ^^^^^^^^^^^^ declared here
      |
      = note: there are `staging`
      = help: did you mean `staging`?
    "##);
    let missing = project(&[]);
    std::fs::remove_file(missing.root().join("gatewright.yaml")).unwrap();
    assert_snapshot!(missing.said(), @r##"
    error[no-project]: no `gatewright.yaml` in `[ROOT]`
     |
     = note: this file says which files are manifests and where the API is
     = help: write one that begins with `gatewright: 1`, or name another folder with `-C DIR`
    "##);
}

#[test]
fn manifests_of_the_wrong_shape() {
    let project = project(&[
        ("a.yaml", "- boxes\n"),
        ("b.yaml", "boxs: {}\nsystem: portkye\n"),
        ("c.yaml", "boxs: {}\nboxes: [a]\nteams: { a: , b: text }\n"),
        ("d.yaml", "system: other\nboxes: {}\n"),
    ]);
    assert_snapshot!(project.said(), @r##"
    error[wrong-type]: a manifest must be a map
     --> a.yaml:1:1
      |
    1 | - boxes
      | ^ expected kinds, found a list
      |
      = help: write a kind such as `integrations:`, and entries below it

    error[unknown-system]: unknown system `portkye`
     --> b.yaml:2:9
      |
    2 | system: portkye
      |         ^^^^^^^
      |
      = note: the systems are `portkey` and `other`
      = help: did you mean `portkey`?

    error[unknown-kind]: unknown kind `boxs`
     --> c.yaml:1:1
      |
    1 | boxs: {}
      | ^^^^ portkey has no such kind
      |
      = help: did you mean `boxes`?

    error[wrong-type]: `boxes` must be a map
     --> c.yaml:2:1
      |
    2 | boxes: [a]
      | ^^^^^ expected entries by their keys, found a list

    error[wrong-type]: `teams.a` must be a map
     --> c.yaml:3:10
      |
    3 | teams: { a: , b: **** }
      |          ^ expected fields, found null

    error[wrong-type]: `teams.b` must be a map
     --> c.yaml:3:15
      |
    3 | teams: { a: , b: **** }
      |               ^ expected fields, found a string

    error[unknown-kind]: unknown kind `boxes`
     --> d.yaml:2:1
      |
    2 | boxes: {}
      | ^^^^^ other has no such kind
      |
      = note: it has no kinds at all yet
    "##);
}

#[test]
fn lifecycle() {
    assert_snapshot!(said("teams:\n  a:\n    name: A\n    lifecycle: { protected: true, ignore: [name], adopt: maybe }\n"), @r##"
    error[unknown-field]: unknown field `protected`
     --> a.yaml:4:18
      |
    4 |     lifecycle: { protected: true, ignore: [name], adopt: maybe }
      |                  ^^^^^^^^^ a lifecycle has no such field
      |
      = help: did you mean `protect`?

    error[bad-value]: invalid value for `ignore[0]`
     --> a.yaml:4:44
      |
    4 |     lifecycle: { protected: true, ignore: [name], adopt: maybe }
      |                                            ^^^^ must begin with `/`, such as `/config`

    error[wrong-type]: wrong type for `adopt`
     --> a.yaml:4:58
      |
    4 |     lifecycle: { protected: true, ignore: [name], adopt: maybe }
      |                                                          ^^^^^ expected a boolean, found a string
    "##);
}

#[test]
fn a_kinds_own_check() {
    let project = project(&[(
        "a.yaml",
        "boxes: { a: { name: A, open: true, key: \"${env:K}\" } }\n",
    )]);
    assert_snapshot!(project.set("K", "secret").said(), @r##"
    error[open-with-key]: an open box has no key
     --> a.yaml:1:24
      |
    1 | boxes: { a: { name: A, open: true, key: "${env:K}" } }
      |                        ^^^^
      |
      = help: remove one of them
    "##);
}

#[test]
fn checks_know_the_slug_and_the_name() {
    assert_snapshot!(said("boxes: { lid: { name: Lid }, box: { name: Lid } }\n"), @r"
    error[no-box]: `Lid` cannot be a box
     --> a.yaml:1:10
      |
    1 | boxes: { lid: { name: Lid }, box: { name: Lid } }
      |          ^^^
    ");
}

#[test]
fn syntax() {
    let project = project(&[
        ("a.yaml", "boxes:\n\ta:\n"),
        ("b.yaml", "boxes:\r\n  a:\r\n    name: A\r\n   size: 3\r\n"),
        ("c.yaml", "boxes:\n  a: { name: ${env:X} }\n"),
        ("d.yaml", "teams:\n  a: { name: ü, \"näme\": 日本 }\n"),
    ]);
    assert_snapshot!(project.said(), @r##"
    error[yaml-syntax]: invalid YAML
     --> a.yaml:2:1
      |
    2 |     a:
      | ^^^^ a tab where only spaces may stand
      |
      = help: indent with spaces: YAML does not allow tabs there

    error[yaml-syntax]: invalid YAML
     --> b.yaml:4:4
      |
    4 |    size: 3
      |    ^ expected a key here
      |
      = help: align it with the keys of the map it belongs to

    error[yaml-syntax]: invalid YAML
     --> c.yaml:2:15
      |
    2 |   a: { name: ${env:X} }
      |               ^ expected `,` or `}` here
      |
      = help: quote interpolations inside `{ }` and `[ ]`: "${env:NAME}"

    error[unknown-field]: unknown field `näme`
     --> d.yaml:2:17
      |
    2 |   a: { name: ü, "näme": 日本 }
      |                 ^^^^^^ a team has no such field
      |
      = help: did you mean `name`?
    "##);
}

#[test]
fn same_name_in_one_place() {
    let manifest = "teams:\n  a: { name: Core }\n  b: { name: Core }\n  c: { name: Other }\n";
    assert_snapshot!(said(manifest), @r##"
    error[same-name]: two entries declare a team called `Core` in one place
     --> a.yaml:3:8
      |
    2 |   a: { name: Core }
      |        ---- declared here
    3 |   b: { name: Core }
      |        ^^^^ declared again here
      |
      = note: the team of an entry is found by its name, so both would mean one
      = help: give one of them another `name`; without one, the key is the name
    "##);
}

#[test]
fn a_mention_of_what_nobody_declares_is_pointed_out() {
    let of = |model: &str| {
        said(&format!(
            "teams:\n  core: {{ name: C }}\nboxes:\n  a: {{ name: A, team: core, model: '{model}' }}\n"
        ))
    };
    let unknown = of("@quite-another");
    assert!(
        unknown.contains("warning[unknown-mention]: `@quite-another` is not declared here"),
        "{unknown}"
    );
    assert!(unknown.contains("declare it under `boxes`"), "{unknown}");
    // What a model is called may begin like one.
    for other in ["@cloud/vendor/model", "quite-another"] {
        assert!(!of(other).contains("unknown-mention"), "{}", of(other));
    }
}
