//! Large repositories load in a time that grows with their size and not with its square.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::{Project, project};

/// How many entries: a debug build has better things to do than all of them.
const COUNT: usize = if cfg!(debug_assertions) { 1000 } else { 5000 };

/// What a debug build on a slow machine may take; a release build takes a small part of it.
const LIMIT: Duration = Duration::from_secs(20);

fn timed(project: &Project, what: &str) -> super::Loaded {
    let start = Instant::now();
    let loaded = project.load();
    let took = start.elapsed();
    assert!(took < LIMIT, "{what} took {took:?}");
    if std::env::var_os("GATEWRIGHT_TIMES").is_some() {
        std::fs::write(std::env::temp_dir().join(what), format!("{took:?}")).unwrap();
    }
    loaded
}

fn boxes(count: usize, team: impl Fn(usize) -> String) -> String {
    let mut text = "boxes:\n".to_owned();
    for number in 0..count {
        let team = team(number);
        write!(
            text,
            "  box-{number}:
    name: Box {number} in ${{var:region}}
    size: {}
    shade: dark
    open: false
    mark: plain
    key: ${{env:KEY}}
    team: {team}
    teams: {{ team-1: {{ enabled: true }}, team-2: {{ enabled: false }} }}
    model: '@box-{number}/gpt'
    headers: {{ one: text, two: \"Bearer ${{env:KEY}}\" }}
    tags: {{ owner: someone, cost_center: \"{number}\" }}
    free:
      text: see ${{ref:teams.team-3.slug}} for more
      list: [1, 2.5, true, null, text]
    parts:
      - {{ type: lid, weight: 3 }}
      - {{ type: wheel, spokes: 12, rim: steel }}
    lifecycle: {{ protect: true }}
",
            number % 10
        )
        .unwrap();
    }
    text
}

#[test]
fn many_entries() {
    let mut teams = "teams:\n".to_owned();
    for number in 0..100 {
        writeln!(teams, "  team-{number}: {{ name: Team {number} }}").unwrap();
    }
    let files: Vec<_> = (0..10)
        .map(|file| {
            let text = boxes((COUNT - 100) / 10, |number| {
                format!("team-{}", number % 100)
            });
            (
                format!("{file}.yaml"),
                text.replace("box-", &format!("box-{file}-")),
            )
        })
        .collect();
    let mut all: Vec<_> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let settings = "gatewright: 1\nvars: { region: us }\n";
    all.extend([
        ("teams.yaml", teams.as_str()),
        ("gatewright.yaml", settings),
    ]);
    let project = project(&all).set("KEY", "secret");
    let loaded = timed(&project, "load-5000");
    assert_eq!(loaded.diagnostics, vec![]);
    assert_eq!(loaded.repository.unwrap().entries.len(), COUNT);
}

#[test]
fn many_mistakes() {
    let wrong = boxes(COUNT, |number| format!("teem-{number}")).replace("size:", "sice:");
    let project = project(&[("a.yaml", &wrong)]);
    let loaded = timed(&project, "load-5000-wrong");
    assert!(loaded.diagnostics.len() > 2 * COUNT);
    let start = Instant::now();
    let style = crate::diagnostic::render::Style::default();
    let text = crate::diagnostic::render::text(&loaded.diagnostics, &loaded.sources, style);
    assert!(text.len() > 200 * COUNT);
    assert!(
        start.elapsed() < LIMIT,
        "rendering took {:?}",
        start.elapsed()
    );
    if std::env::var_os("GATEWRIGHT_TIMES").is_some() {
        std::fs::write(
            std::env::temp_dir().join("render-wrong"),
            format!("{:?}", start.elapsed()),
        )
        .unwrap();
    }
}
