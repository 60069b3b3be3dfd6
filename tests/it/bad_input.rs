//! Bad input: where it is, what is wrong with it, and that nothing is written.

use std::fmt::Write as _;

use crate::support::{Project, Run, Server};

/// One mistake.
struct Mistake {
    name: &'static str,
    /// The manifest, `org/all.yaml`.
    manifest: String,
    code: &'static str,
    line: usize,
    column: usize,
    /// What the human message has to say.
    says: &'static [&'static str],
}

fn mistake(
    name: &'static str,
    manifest: impl Into<String>,
    code: &'static str,
    (line, column): (usize, usize),
    says: &'static [&'static str],
) -> Mistake {
    Mistake {
        name,
        manifest: manifest.into(),
        code,
        line,
        column,
        says,
    }
}

fn mistakes() -> Vec<Mistake> {
    let ws = "workspaces:\n  w: { name: W }\n";
    let both = "workspaces:\n  a: { name: A }\n  b: { name: B }\n";
    let config = "configs:\n  c: { workspace_id: b, config: { retry: { attempts: 1 } } }\n";
    vec![
        mistake(
            "label of another workspace",
            format!(
                "{both}labels:\n  l: {{ workspace_id: b }}\ncollections:\n  c: {{ workspace_id: a }}\n\
                 prompts:\n  p: {{ collection_id: c, string: Hi, model: m, virtual_key: v, parameters: {{}},\n\
                 \x20      label_id: l }}\n"
            ),
            "out-of-reach",
            (10, 18),
            &[
                "`labels.l` lives in workspaces.b, and this prompt in workspaces.a",
                "this label cannot be used here",
                "declared here",
                "name one that lives in workspaces.a or belongs to everybody",
            ],
        ),
        mistake(
            "config of another workspace",
            format!(
                "{both}{config}api_keys:\n  k:\n    type: workspace\n    sub_type: service\n    \
                 workspace_id: a\n    scopes: [logs.list]\n    defaults: {{ config_id: c }}\n    \
                 lifecycle: {{ sink: {{ file: k }} }}\n"
            ),
            "out-of-reach",
            (12, 28),
            &["`configs.c` lives in workspaces.b, and this API key in workspaces.a"],
        ),
        mistake(
            "integration of another workspace",
            format!(
                "{both}integrations:\n  i: {{ ai_provider_id: openai, workspace_id: b }}\nproviders:\n  \
                 p: {{ workspace_id: a, integration_id: i }}\n"
            ),
            "out-of-reach",
            (7, 41),
            &["`integrations.i` lives in workspaces.b, and this provider in workspaces.a"],
        ),
        mistake(
            "folder of another workspace",
            format!(
                "{both}collections:\n  top: {{ workspace_id: b }}\n  \
                 c: {{ workspace_id: a, parent_collection_id: top }}\n"
            ),
            "out-of-reach",
            (6, 47),
            &["`collections.top` lives in workspaces.b, and this collection in workspaces.a"],
        ),
        mistake(
            "unknown field",
            "workspaces:\n  w:\n    name: W\n    descripton: D\n",
            "unknown-field",
            (4, 5),
            &["unknown field `descripton`", "did you mean `description`?"],
        ),
        mistake(
            "unknown kind",
            "workspace:\n  w: { name: W }\n",
            "unknown-kind",
            (1, 1),
            &["unknown kind `workspace`", "did you mean `workspaces`?"],
        ),
        mistake(
            "wrong type",
            "workspaces:\n  w:\n    name: W\n    usage_limits: 5\n",
            "wrong-type",
            (4, 19),
            &[
                "wrong type for `usage_limits`",
                "expected a list, found a number",
            ],
        ),
        mistake(
            "missing field",
            "integrations:\n  i:\n    name: I\n",
            "missing-field",
            (2, 3),
            &["missing field `ai_provider_id`"],
        ),
        mistake(
            "missing field deep inside",
            format!(
                "{ws}usage_limits_policies:\n  p:\n    workspace_id: w\n    type: cost\n    \
            credit_limit: 5\n    group_by: [{{ key: api_key }}]\n    conditions: [{{ key: api_key }}]\n"
            ),
            "missing-field",
            (9, 18),
            &["missing field `value`"],
        ),
        mistake(
            "bad enum",
            "workspaces:\n  w:\n    usage_limits: [{ credit_limit: 5, periodic_reset: montly }]\n",
            "bad-value",
            (3, 55),
            &["invalid value", "did you mean `monthly`?"],
        ),
        mistake(
            "duplicate key",
            "workspaces:\n  w:\n    name: A\n    name: B\n",
            "duplicate-key",
            (4, 5),
            &["duplicate key `name`", "first said here"],
        ),
        mistake(
            "duplicate entry",
            "workspaces:\n  w: { name: A }\n  w: { name: B }\n",
            "duplicate-key",
            (3, 3),
            &["duplicate key `w`"],
        ),
        mistake(
            "unset variable",
            "integrations:\n  i:\n    ai_provider_id: openai\n    key: ${env:NO_SUCH_VARIABLE}\n",
            "unset-variable",
            (4, 10),
            &[
                "environment variable `NO_SUCH_VARIABLE` is not set",
                "--env-file",
            ],
        ),
        mistake(
            "unknown variable",
            "workspaces:\n  w: { name: \"${var:regoin}\" }\n",
            "unknown-variable",
            (2, 15),
            &["unknown variable `regoin`", "did you mean `region`?"],
        ),
        mistake(
            "dangling reference",
            format!(
                "{ws}guardrails:\n  g:\n    workspace_id: ww\n    checks: [{{ id: default.jwt }}]\n    \
            actions: {{ deny: true, async: false }}\n"
            ),
            "dangling-reference",
            (5, 19),
            &["no workspace `ww`", "did you mean `w`?"],
        ),
        mistake(
            "dangling reference in a text",
            format!(
                "{ws}configs:\n  c:\n    workspace_id: w\n    config: {{ input_guardrails: [\"${{ref:guardrails.no.slug}}\"] }}\n"
            ),
            "dangling-reference",
            (6, 35),
            &["no guardrail `no`"],
        ),
        mistake(
            "reference cycle",
            format!(
                "{ws}configs:\n  a:\n    workspace_id: w\n    config: {{ metadata: {{ x: \"${{ref:configs.b.slug}}\" }} }}\n  \
            b:\n    workspace_id: w\n    config: {{ metadata: {{ x: \"${{ref:configs.a.slug}}\" }} }}\n"
            ),
            "reference-cycle",
            (6, 30),
            &["references that go in a circle"],
        ),
        mistake(
            "literal secret",
            "integrations:\n  i:\n    ai_provider_id: openai\n    key: sk-live-1234567890\n",
            "literal-secret",
            (4, 10),
            &["a secret stands in the repository", "${env:NAME}"],
        ),
        mistake(
            "invalid slug",
            "integrations:\n  \"not a slug!\":\n    ai_provider_id: openai\n",
            "invalid-slug",
            (2, 3),
            &["is not a valid slug"],
        ),
        mistake(
            "tab",
            "workspaces:\n\tw: { name: W }\n",
            "yaml-syntax",
            (2, 1),
            &["invalid YAML"],
        ),
        mistake(
            "broken flow",
            "workspaces:\n  w: { name: W\n  v: { name: V }\n",
            "yaml-syntax",
            (3, 4),
            &["invalid YAML"],
        ),
        mistake(
            "a list",
            "- workspaces\n",
            "wrong-type",
            (1, 1),
            &["a manifest must be a map"],
        ),
        mistake(
            "unknown system",
            "system: portkye\nworkspaces:\n  w: { name: W }\n",
            "unknown-system",
            (1, 9),
            &["unknown system `portkye`", "did you mean `portkey`?"],
        ),
        mistake(
            "unknown lifecycle option",
            "workspaces:\n  w:\n    lifecycle: { protected: true }\n",
            "unknown-field",
            (3, 18),
            &["unknown field `protected`", "did you mean `protect`?"],
        ),
        mistake(
            "a kind's own rule",
            "workspaces:\n  w:\n    usage_limits: [{ credit_limit: 5, alert_threshold: 80 }]\n",
            "invalid-value",
            (3, 39),
            &["`alert_threshold` must be below `credit_limit`"],
        ),
        mistake(
            "no number",
            "workspaces:\n  w:\n    usage_limits: [{ credit_limit: .inf }]\n",
            "number-range",
            (3, 36),
            &["number out of range"],
        ),
    ]
}

#[track_caller]
fn check_place(run: &Run, mistake: &Mistake) {
    let document = run.json();
    let diagnostics = document["diagnostics"].as_array().unwrap();
    let found = diagnostics.iter().find(|d| d["code"] == mistake.code);
    let found = found.unwrap_or_else(|| panic!("{}: no {}\n{run}", mistake.name, mistake.code));
    let location = &found["location"];
    assert_eq!(location["file"], "org/all.yaml", "{}\n{run}", mistake.name);
    let place = (location["line"].as_u64(), location["column"].as_u64());
    let wanted = (Some(mistake.line as u64), Some(mistake.column as u64));
    assert_eq!(
        place, wanted,
        "{}\n{}\n{run}",
        mistake.name, mistake.manifest
    );
}

#[test]
fn every_mistake_has_its_place_its_words_and_no_effect() {
    let server = Server::start();
    for mistake in mistakes() {
        let project = Project::of(&mistake.manifest);
        project.file(
            "gatewright.yaml",
            "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nvars: { region: us }\n",
        );
        let human = project.at(&server.url(), ["apply", "--yes"]).run();
        assert_eq!(human.code, 1, "{}\n{human}", mistake.name);
        assert_eq!(human.stdout, "", "{}\n{human}", mistake.name);
        assert!(
            human.stderr.contains(&format!("error[{}]", mistake.code)),
            "{}\n{human}",
            mistake.name
        );
        let place = format!("--> org/all.yaml:{}:{}\n", mistake.line, mistake.column);
        assert!(
            human.stderr.contains(&place),
            "{}: {place}\n{human}",
            mistake.name
        );
        for words in mistake.says {
            assert!(
                human.stderr.contains(words),
                "{}: `{words}`\n{human}",
                mistake.name
            );
        }
        if mistake.code != "literal-secret" {
            let line = mistake
                .manifest
                .lines()
                .nth(mistake.line - 1)
                .unwrap()
                .replace('\t', "    ");
            assert!(
                human.stderr.contains(line.trim()),
                "{}: no snippet\n{human}",
                mistake.name
            );
        }
        assert!(!human.output().contains("sk-live-1234567890"), "{human}");
        for command in ["plan", "validate"] {
            let json = project
                .at(&server.url(), [command, "--format", "json"])
                .run()
                .expect(1);
            check_place(&json, &mistake);
            assert!(!json.output().contains("sk-live-1234567890"), "{json}");
        }
        assert!(project.state_files("").is_empty(), "{}", mistake.name);
    }
    assert_eq!(
        server.total(),
        0,
        "a broken repository is nobody's business"
    );
}

#[test]
fn all_problems_are_reported_together() {
    let project = Project::of(
        "workspaces:\n  w: { nmae: W, usage_limits: 5 }\nintegrations:\n  i: { key: sk-literal-key }\n",
    );
    project.file("org/two.yaml", "workspaces:\n  v: { name: [x] }\n  v: {}\n");
    project.file(
        "org/three.yaml",
        "guardrails:\n  g: { workspace_id: nowhere, checks: [{ id: x.y }], actions: {} }\n",
    );
    project.file("org/four.yaml", "a: [\n");
    let server = Server::start();
    let run = project
        .at(&server.url(), ["plan", "--format", "json"])
        .run()
        .expect(1);
    let mut codes = run.codes();
    codes.sort();
    codes.dedup();
    for code in [
        "dangling-reference",
        "duplicate-key",
        "literal-secret",
        "missing-field",
        "unknown-field",
        "wrong-type",
        "yaml-syntax",
    ] {
        assert!(
            codes.iter().any(|found| found == code),
            "{code} is not among {codes:?}\n{run}"
        );
    }
    let document = run.json();
    let files: std::collections::BTreeSet<&str> = document["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["location"]["file"].as_str())
        .collect();
    assert_eq!(files.len(), 4, "{files:?}");
    assert_eq!(server.total(), 0);
}

#[test]
fn the_same_object_in_two_files_names_both() {
    let project = Project::of("workspaces:\n  w: { name: W }\n");
    project.file("org/other.yaml", "# more\nworkspaces:\n  w: { name: W }\n");
    let server = Server::start();
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(1);
    assert!(
        run.stderr.contains("`workspaces.w` is declared twice"),
        "{run}"
    );
    assert!(run.stderr.contains("org/all.yaml:2:3"), "{run}");
    assert!(run.stderr.contains("org/other.yaml:3:3"), "{run}");
    assert_eq!(server.total(), 0);
}

#[test]
fn two_keys_for_one_live_object_are_an_error() {
    // Names identify workspaces: two entries of one name would fight over one object.
    let project = Project::of("workspaces:\n  one: { name: Same }\n  two: { name: Same }\n");
    let server = Server::start();
    server.make_workspace("Same");
    server.clear();
    let run = project.at(&server.url(), ["apply", "--yes"]).run();
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.stderr.contains("org/all.yaml:2:") || run.stderr.contains("org/all.yaml:3:"),
        "{run}"
    );
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn projects_without_anything_in_them() {
    let server = Server::start();
    let empty = Project::new();
    let run = empty.at(&server.url(), ["apply", "--yes"]).run().expect(1);
    assert!(
        run.stderr.contains("no file matches `org/**/*.yaml`"),
        "{run}"
    );
    assert!(run.stderr.contains("gatewright.yaml:2:"), "{run}");
    empty.file("org/all.yaml", "");
    let run = empty.at(&server.url(), ["apply", "--yes"]).run().expect(1);
    assert!(run.stderr.contains("nothing is declared"), "{run}");
    empty.file("org/all.yaml", "# only a comment\n---\n");
    empty.at(&server.url(), ["apply", "--yes"]).run().expect(1);
    assert_eq!(server.total(), 0);
}

#[test]
fn an_emptied_repository_deletes_nothing_in_silence() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let before = server.inventory();
    server.clear();
    project.file("org/all.yaml", "");
    project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(1);
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"elsewhere/*.yaml\"]\n",
    );
    project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(1);
    assert_eq!(server.writes(), [""; 0]);
    assert_eq!(server.inventory(), before);
}

#[test]
fn files_that_cannot_be_read() {
    let server = Server::start();
    let project = Project::small();
    std::fs::write(
        project.path().join("org/latin.yaml"),
        b"workspaces:\n  w: { name: Caf\xe9 }\n",
    )
    .unwrap();
    std::os::unix::fs::symlink("nowhere.yaml", project.path().join("org/link.yaml")).unwrap();
    std::fs::create_dir(project.path().join("org/folder.yaml")).unwrap();
    let run = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(1);
    for words in [
        "org/latin.yaml",
        "line 2 has the byte 0xe9",
        "org/link.yaml",
        "there is no such file",
    ] {
        assert!(run.stderr.contains(words), "{words}\n{run}");
    }
    assert_eq!(server.total(), 0);
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_no_mistakes() {
    let server = Server::start();
    let project =
        Project::of("\u{feff}workspaces:\r\n  w:\r\n    name: W\r\n    description: D\r\n");
    project.apply(&server.url());
    assert_eq!(server.workspace("W")["description"], "D");
    project.assert_converged(&server, &server.url());
    project.edit("description: D", "descripton: D");
    let run = project.at(&server.url(), ["plan"]).run().expect(1);
    assert!(run.stderr.contains("org/all.yaml:4:5"), "{run}");
}

/// Inputs that are small and want to be large.
#[test]
fn bombs_and_deep_nesting_end_soon_and_with_an_error() {
    let server = Server::start();
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let below = level - 1;
        let more = vec![format!("*a{below}"); 9].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{more}]").unwrap();
    }
    let deep_flow = format!(
        "workspaces: {}{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let deep_block: String = (0..3000)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    let deep_maps = format!(
        "workspaces: {}1{}\n",
        "{a: ".repeat(50_000),
        "}".repeat(50_000)
    );
    let own = "a: &a [*a]\n".to_owned();
    let merge = "a: &a { b: 1 }\nworkspaces:\n  w: { <<: [*a, *a, *b] }\n".to_owned();
    let wide = format!(
        "workspaces:\n  w: {{ name: \"{}\" }}\n",
        "x".repeat(3_000_000)
    );
    for (name, text) in [
        ("laughs", laughs),
        ("deep lists", deep_flow),
        ("deep block maps", deep_block),
        ("deep maps", deep_maps),
        ("an alias to itself", own),
        ("an alias to nothing", merge),
        ("a long text", wide),
    ] {
        let project = Project::of(&text);
        let begun = std::time::Instant::now();
        let run = project.at(&server.url(), ["apply", "--yes"]).run();
        assert_eq!(
            run.code,
            1,
            "{name}: exit code {}\n{}",
            run.code,
            &run.stderr.chars().take(2000).collect::<String>()
        );
        assert!(run.exited, "{name}: a crash");
        assert!(
            begun.elapsed().as_secs() < 20,
            "{name}: {:?}",
            begun.elapsed()
        );
        assert!(
            run.stderr.contains("org/all.yaml"),
            "{name}: no place\n{}",
            run.stderr.chars().take(2000).collect::<String>()
        );
        assert!(
            run.stderr.len() < 100_000,
            "{name}: {} bytes of errors",
            run.stderr.len()
        );
    }
    assert_eq!(server.total(), 0);
}

#[test]
fn a_bomb_of_variables_ends_soon_as_well() {
    let server = Server::start();
    let project = Project::of("workspaces:\n  w: { name: W, description: \"${var:v20}\" }\n");
    let mut vars = String::from("  v0: lolololololololololol\n");
    for level in 1..=20 {
        let below = level - 1;
        let eight = format!("${{var:v{below}}}").repeat(8);
        writeln!(vars, "  v{level}: \"{eight}\"").unwrap();
    }
    project.file(
        "gatewright.yaml",
        &format!("gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nvars:\n{vars}"),
    );
    let mut process = project.at(&server.url(), ["plan"]).start();
    // Not longer than this, or it fills the memory of the machine.
    let begun = std::time::Instant::now();
    while !process.has_ended() {
        assert!(begun.elapsed().as_secs() < 5, "it still expands variables");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let run = process.wait();
    assert_eq!(
        run.code,
        1,
        "{}",
        run.stderr.chars().take(1000).collect::<String>()
    );
    assert!(run.exited);
    assert_eq!(server.total(), 0);
}

#[test]
fn project_files_with_mistakes() {
    let server = Server::start();
    for (text, place, words) in [
        (
            "gatewright: 2\n",
            "gatewright.yaml:1:13",
            "format version 2 is not supported",
        ),
        (
            "manifests: [\"org/*.yaml\"]\n",
            "gatewright.yaml:1:1",
            "missing field `gatewright`",
        ),
        (
            "gatewright: 1\nmanifest: []\n",
            "gatewright.yaml:2:1",
            "did you mean `manifests`?",
        ),
        (
            "gatewright: 1\nsystems: { portkye: {} }\n",
            "gatewright.yaml:2:12",
            "did you mean `portkey`?",
        ),
        (
            "gatewright: 1\nsystems: { portkey: { api_key: pk-literal-key } }\n",
            "gatewright.yaml:2:32",
            "a secret stands in the repository",
        ),
        (
            "gatewright: 1\nvars: { a: \"${var:a}\" }\n",
            "gatewright.yaml:2:",
            "refers to itself",
        ),
        ("- x\n", "gatewright.yaml:1:1", "must be a map"),
    ] {
        let project = Project::small();
        project.file("gatewright.yaml", text);
        let run = project.at(&server.url(), ["plan"]).run().expect(1);
        assert!(run.stderr.contains(place), "{text}: {place}\n{run}");
        assert!(run.stderr.contains(words), "{text}: {words}\n{run}");
        assert!(!run.output().contains("pk-literal-key"), "{run}");
    }
    let project = Project::small();
    std::fs::remove_file(project.path().join("gatewright.yaml")).unwrap();
    let run = project.at(&server.url(), ["plan"]).run().expect(1);
    assert!(run.stderr.contains("no `gatewright.yaml`"), "{run}");
    assert_eq!(server.total(), 0);
}

#[test]
fn files_outside_of_the_repository_are_not_read_by_patterns() {
    let server = Server::start();
    let project = Project::small();
    for pattern in ["../*.yaml", "/etc/*.yaml"] {
        project.file(
            "gatewright.yaml",
            &format!("gatewright: 1\nmanifests: [\"{pattern}\"]\n"),
        );
        let run = project.at(&server.url(), ["plan"]).run().expect(1);
        assert!(run.stderr.contains("gatewright.yaml:2:13"), "{run}");
    }
}
