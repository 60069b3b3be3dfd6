//! Benchmarks of what a user waits for. Run them with `cargo bench`.
//!
//! Figures in the README come from here. They depend on the machine; tests assert request counts
//! instead, which do not.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has to stop"
)]

#[path = "../tests/it/organisation/manifest.rs"]
mod organisation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use gatewright::apply::{self, Session};
use gatewright::client::{Client, Target};
use gatewright::diagnostic::Position;
use gatewright::diff::{self, Context};
use gatewright::ledger::{Journal, Ledger};
use gatewright::live::{self, Live, Wanted};
use gatewright::manifest::{self, Loaded, Options, Repository};
use gatewright::model::{Gates, Map, Pointer, Secret, SecretSet, Value};
use gatewright::plan::{self, Declared, Plan, Side};
use gatewright::systems::portkey;
use gatewright_mock::{Latency, MockPortkey};

fn main() {
    divan::main();
}

/// A repository with `count` resources in the proportions of a real one: ten resources for each
/// workspace, fifty to a file.
fn repository(folder: &Path, count: usize) {
    std::fs::write(
        folder.join("gatewright.yaml"),
        "gatewright: 1\nmanifests: ['org/*.yaml']\n",
    )
    .expect("a temporary folder can be written to");
    std::fs::create_dir_all(folder.join("org")).expect("a temporary folder can be written to");
    let teams = count.div_ceil(10);
    for (file, teams) in (0..teams).collect::<Vec<_>>().chunks(5).enumerate() {
        let mut kinds: BTreeMap<&str, String> = BTreeMap::new();
        let mut add = |kind: &'static str, text: std::fmt::Arguments<'_>| {
            let _ = writeln!(kinds.entry(kind).or_default(), "{text}");
        };
        for team in teams {
            let t = format!("t{team:05}");
            add(
                "workspaces",
                format_args!("  {t}: {{ name: Team {t}, description: Of {t} }}"),
            );
            add(
                "integrations",
                format_args!(
                    "  openai-{t}:\n    name: OpenAI {t}\n    ai_provider_id: openai\n    \
                 key: ${{env:OPENAI_API_KEY}}\n    workspaces: {{ {t}: {{ enabled: true }} }}"
                ),
            );
            for n in 0..2 {
                add(
                    "providers",
                    format_args!(
                        "  openai-{t}-{n}:\n    name: OpenAI {n}\n    workspace_id: {t}\n    \
                     integration_id: openai-{t}\n    note: Number {n}"
                    ),
                );
                add(
                    "guardrails",
                    format_args!(
                        "  pii-{t}-{n}:\n    name: PII {n}\n    workspace_id: {t}\n    checks:\n    \
                     - {{ id: portkey.pii, parameters: {{ redact: true, categories: [EMAIL_ADDRESS] }} }}\n    \
                     actions:\n      deny: true\n      async: false\n      \
                     on_success: {{ feedback: {{ value: 5, weight: 1, metadata: '' }} }}\n      \
                     on_fail: {{ feedback: {{ value: -5, weight: 1, metadata: '' }} }}"
                    ),
                );
                add(
                    "configs",
                    format_args!(
                        "  main-{t}-{n}:\n    name: Main {n}\n    workspace_id: {t}\n    config:\n      \
                     retry: {{ attempts: 3 }}\n      strategy: {{ mode: fallback }}\n      \
                     input_guardrails: ['${{ref:guardrails.pii-{t}-{n}.slug}}']\n      targets:\n      \
                     - {{ provider: '@openai-{t}-0' }}\n      - {{ provider: '@openai-{t}-1' }}"
                    ),
                );
            }
            add(
                "usage_limits_policies",
                format_args!(
                    "  budget-{t}:\n    name: Budget\n    workspace_id: {t}\n    type: cost\n    \
                 credit_limit: 100\n    conditions: [{{ key: workspace_id, value: '${{ref:workspaces.{t}.id}}' }}]\n    \
                 group_by: [{{ key: api_key }}]"
                ),
            );
            add(
                "rate_limits_policies",
                format_args!(
                    "  rate-{t}:\n    name: Rate\n    workspace_id: {t}\n    type: requests\n    unit: rpm\n    \
                 value: 60\n    conditions: [{{ key: workspace_id, value: '${{ref:workspaces.{t}.id}}' }}]\n    \
                 group_by: [{{ key: api_key }}]"
                ),
            );
        }
        let text: String = kinds
            .iter()
            .map(|(kind, text)| format!("{kind}:\n{text}"))
            .collect();
        std::fs::write(folder.join(format!("org/f{file:04}.yaml")), text)
            .expect("a temporary folder can be written to");
    }
}

fn load(folder: &Path) -> Loaded {
    manifest::load(&Options {
        root: folder,
        environment: None,
        variables: &|_| Some("sk-0123456789abcdef".to_owned()),
        placeholders: false,
        may_be_empty: false,
        systems: gatewright::systems::SYSTEMS,
        texts: &Default::default(),
        defer_secrets: false,
    })
}

fn loaded(folder: &Path) -> Repository {
    let loaded = load(folder);
    assert!(
        loaded.diagnostics.is_empty(),
        "{:?}",
        loaded.diagnostics.first()
    );
    loaded
        .repository
        .expect("a repository without problems is loaded")
}

#[divan::bench(sample_count = 10)]
fn load_and_validate_5000_resources(bencher: divan::Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    repository(folder.path(), 5_000);
    assert_eq!(loaded(folder.path()).entries.len(), 5_000);
    bencher.bench_local(|| load(folder.path()));
}

#[divan::bench(sample_count = 20)]
fn diff_10000_resources(bencher: divan::Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    repository(folder.path(), 10_000);
    let repository = loaded(folder.path());
    // The live side as the API would have it: the same, with what servers add.
    let live: Vec<Map> = repository
        .entries
        .iter()
        .map(|entry| {
            let mut fields = entry.fields.clone();
            fields.insert("id".to_owned(), Value::text(&entry.address.key));
            fields.insert(
                "created_at".to_owned(),
                Value::text("2026-01-01T00:00:00.000Z"),
            );
            if fields.contains_key("key") {
                fields.insert(
                    "key".to_owned(),
                    Value::Secret(Secret::live("sk-0*****cdef")),
                );
            }
            fields
        })
        .collect();
    let count = || {
        let changes = repository.entries.iter().zip(&live).map(|(entry, live)| {
            let resolve =
                |reference: &gatewright::model::Reference| Some(reference.address.key.clone());
            let context = Context {
                address: &entry.address,
                record: None,
                fingerprint_key: None,
                resolve: &resolve,
            };
            diff::diff(entry.kind, &entry.fields, live, context).len()
        });
        changes.sum::<usize>()
    };
    assert_eq!(count(), 0);
    bencher.bench_local(count);
}

/// What a plan needs, as the command line has it.
struct World {
    repository: Repository,
    client: Client,
    ledger: Mutex<Ledger>,
}

impl World {
    async fn read(&self, ledger: &Ledger) -> Live {
        let wanted: Vec<Wanted<'_>> = self
            .repository
            .entries
            .iter()
            .map(|entry| Wanted {
                address: &entry.address,
                kind: entry.kind,
                fields: Some(&entry.fields),
                record: ledger.records.get(&entry.address),
            })
            .collect();
        live::read(
            &self.client,
            &portkey::SYSTEM,
            &wanted,
            &[],
            &live::Cache::none(),
        )
        .await
        .expect("the mock can be read")
    }

    async fn plan(&self) -> Plan {
        let ledger = self.ledger.lock().expect("nobody panics").clone();
        let live = self.read(&ledger).await;
        let locate = |_: &Pointer| Position {
            file: "org.yaml".to_owned(),
            line: 1,
            column: 1,
        };
        let declared = self
            .repository
            .entries
            .iter()
            .map(|entry| Declared {
                sink: None,
                rotate: std::collections::BTreeSet::new(),
                impulses: Vec::new(),
                address: &entry.address,
                kind: entry.kind,
                fields: &entry.fields,
                protect: false,
                replace: true,
                adopt: true,
                ignore: &[],
                unset: Vec::new(),
                sealed: &entry.sealed,
                mentions: entry.links().iter().map(|link| link.to.clone()).collect(),
                locate: &locate,
            })
            .collect();
        let side = Side {
            system: &portkey::SYSTEM,
            base_url: "http://127.0.0.1/v1",
            declared,
            ledger: &ledger,
            live: &live,
            fingerprint_key: None,
        };
        plan::build(None, &[side], &Gates::default())
    }
}

#[divan::bench(sample_count = 10)]
fn plan_noop_1000_resources_over_loopback(bencher: divan::Bencher<'_, '_>) {
    let runtime = tokio::runtime::Runtime::new().expect("there is a runtime");
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    repository(folder.path(), 1_000);
    let mock = runtime
        .block_on(MockPortkey::start())
        .expect("the mock starts");
    let target = Target {
        system: &portkey::SYSTEM,
        base_url: mock.base_url(),
        api_key: Secret::declared(mock.api_key(), Vec::new()),
    };
    let world = World {
        repository: loaded(folder.path()),
        client: Client::new(target, SecretSet::default(), 16).expect("the client can be made"),
        ledger: Mutex::default(),
    };
    runtime.block_on(async {
        let plan = world.plan().await;
        assert_eq!(plan.summary.create, 1_000);
        let journal = Journal::in_memory();
        let delivery = gatewright::apply::Delivery {
            root: folder.path().to_owned(),
            discard: true,
            secrets: SecretSet::default(),
        };
        let session = Session {
            system: &portkey::SYSTEM,
            client: &world.client,
            ledger: &world.ledger,
            journal: &journal,
            delivery: &delivery,
        };
        let sessions = BTreeMap::from([("portkey".to_owned(), session)]);
        let (_keep, stop) = tokio::sync::watch::channel(false);
        let report = apply::apply(&plan, &sessions, 16, stop, &|_| {}).await;
        assert!(report.is_complete(), "{:?}", report.tally());
    });
    let before = world.client.requests_sent();
    let plan = runtime.block_on(world.plan());
    assert!(plan.is_empty(), "{:?}", plan.changes.first());
    let requests = world.client.requests_sent() - before;
    bencher
        .counter(divan::counter::ItemsCount::new(requests))
        .bench_local(|| runtime.block_on(world.plan()));
}

/// How long the mock takes for every answer, as in the measurement of the official Terraform
/// provider that these figures are to be compared with: 6.3 s for 403 objects.
const LATENCY: Duration = Duration::from_millis(50);

/// Plans nothing for an organisation, as a user runs it: the program, its files, a server.
fn plan_of_organisation(bencher: divan::Bencher<'_, '_>, workspaces: usize, cold: bool) {
    let runtime = tokio::runtime::Runtime::new().expect("there is a runtime");
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary folder can be written");
    };
    std::fs::create_dir(folder.path().join("org")).expect("a temporary folder can be written");
    write("gatewright.yaml", organisation::PROJECT);
    write("org/all.yaml", &organisation::manifest(workspaces));
    let mock = runtime
        .block_on(MockPortkey::start())
        .expect("the mock starts");
    let run = |arguments: &[&str]| {
        let status = Command::new(env!("CARGO_BIN_EXE_gatewright"))
            .arg("-C")
            .arg(folder.path())
            .args(["--base-url", &mock.base_url()])
            .args(arguments)
            .env("PORTKEY_API_KEY", mock.api_key())
            .env("OPENAI_API_KEY", "sk-0123456789abcdef")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{arguments:?}");
    };
    run(&["apply", "--yes"]);
    // What was read is believed once the objects are some seconds old.
    std::thread::sleep(Duration::from_secs(4));
    let mut plan = vec!["plan", "--detailed-exitcode"];
    plan.extend(cold.then_some("--no-cache"));
    run(&plan);
    mock.clear_journal();
    mock.set_latency(Some(Latency::Fixed(LATENCY)));
    run(&plan);
    let requests = mock.journal().len();
    bencher
        .counter(divan::counter::ItemsCount::new(requests))
        .bench_local(|| run(&plan));
}

#[divan::bench(sample_count = 10)]
fn organisation_of_403_cold(bencher: divan::Bencher<'_, '_>) {
    plan_of_organisation(bencher, 50, true);
}

#[divan::bench(sample_count = 10)]
fn organisation_of_403_warm(bencher: divan::Bencher<'_, '_>) {
    plan_of_organisation(bencher, 50, false);
}

#[divan::bench(sample_count = 3)]
fn organisation_of_5003_cold(bencher: divan::Bencher<'_, '_>) {
    plan_of_organisation(bencher, 625, true);
}

#[divan::bench(sample_count = 3)]
fn organisation_of_5003_warm(bencher: divan::Bencher<'_, '_>) {
    plan_of_organisation(bencher, 625, false);
}
