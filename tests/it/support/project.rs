//! Repositories in temporary folders.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::OPENAI_KEY;
use super::run::Cli;
use super::server::KEY;

/// One of almost every kind, with a workspace whose defaults live in it.
const SMALL_ORG: &str = r#"workspaces:
  payments:
    name: Payments
    description: Checkout
    defaults:
      metadata: { team: pay }
      input_guardrails: [no-pii]
      user_api_key_config: standard
    usage_limits: [{ type: cost, credit_limit: 100, periodic_reset: monthly }]
secret_references:
  vault:
    name: Vault
    manager_type: aws_sm
    auth_config: { aws_auth_type: serviceRole, aws_region: us-east-1 }
    secret_path: ai/openai
    allow_all_workspaces: true
integrations:
  openai-prod:
    name: OpenAI production
    description: The account of the company
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    models:
      allow_all_models: false
      gpt-5: { enabled: true }
    workspaces:
      payments: { enabled: true, usage_limits: [{ type: cost, credit_limit: 500, periodic_reset: monthly }] }
providers:
  openai-payments:
    name: OpenAI for payments
    workspace_id: payments
    integration_id: openai-prod
    note: Ask before raising the budget
    usage_limits: { type: cost, credit_limit: 50, periodic_reset: monthly }
guardrails:
  no-pii:
    workspace_id: payments
    name: No PII
    checks: [{ id: portkey.pii, parameters: { redact: true, categories: [EMAIL_ADDRESS] } }]
    actions: { deny: true, async: false }
configs:
  standard:
    workspace_id: payments
    name: Standard
    config:
      provider: "@openai-payments"
      retry: { attempts: 3 }
      input_guardrails: ["${ref:guardrails.no-pii.slug}"]
usage_limits_policies:
  monthly:
    workspace_id: payments
    name: Monthly cost
    conditions: [{ key: api_key, value: "*" }]
    group_by: [{ key: api_key }]
    type: cost
    credit_limit: 10
    periodic_reset: monthly
rate_limits_policies:
  per-minute:
    workspace_id: payments
    name: Requests a minute
    conditions: [{ key: api_key, value: "*" }]
    group_by: [{ key: api_key }]
    type: requests
    unit: rpm
    value: 60
"#;

/// Writes a program.
pub(crate) fn program(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

/// A repository of its own.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// A project file that takes every YAML file below `org`, and nothing in it.
    pub(crate) fn new() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.file(
            "gatewright.yaml",
            "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\n",
        );
        project
    }

    /// A project with one manifest, `org/all.yaml`.
    pub(crate) fn of(manifest: &str) -> Self {
        let project = Self::new();
        project.file("org/all.yaml", manifest);
        project
    }

    /// The small organisation.
    pub(crate) fn small() -> Self {
        Self::of(SMALL_ORG)
    }

    /// A copy of `examples/acme`.
    pub(crate) fn acme() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/acme");
        copy(&from, project.path());
        project
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Replaces a text that is there exactly once in `org/all.yaml`.
    #[track_caller]
    pub(crate) fn edit(&self, old: &str, new: &str) -> &Self {
        self.edit_file("org/all.yaml", old, new)
    }

    /// Replaces a text that is there exactly once in a file.
    #[track_caller]
    pub(crate) fn edit_file(&self, name: &str, old: &str, new: &str) -> &Self {
        let text = self.read(name);
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {name}");
        self.file(name, &text.replacen(old, new, 1))
    }

    /// Removes one entry of a kind from `org/all.yaml`, and the kind with its last entry.
    #[track_caller]
    pub(crate) fn remove_entry(&self, kind: &str, key: &str) -> &Self {
        let text = self.read("org/all.yaml");
        let mut kept: Vec<&str> = Vec::new();
        let (mut in_kind, mut in_entry, mut found) = (false, false, false);
        for line in text.lines() {
            if !line.starts_with(' ') {
                in_kind = line == format!("{kind}:");
                in_entry = false;
            } else if !line.starts_with("   ") {
                in_entry = in_kind && line.trim_start().starts_with(&format!("{key}:"));
                found |= in_entry;
            }
            if !in_entry {
                kept.push(line);
            }
        }
        assert!(found, "{kind}.{key} in\n{text}");
        // A kind without entries would be null.
        let mut lines: Vec<&str> = Vec::new();
        for (at, line) in kept.iter().enumerate() {
            let empty = !line.starts_with(' ')
                && line.ends_with(':')
                && kept.get(at + 1).is_none_or(|next| !next.starts_with(' '));
            if !empty {
                lines.push(line);
            }
        }
        self.file("org/all.yaml", &(lines.join("\n") + "\n"))
    }

    /// The files in `.gatewright` whose names end like this.
    pub(crate) fn state_files(&self, ending: &str) -> Vec<PathBuf> {
        let files = walkdir::WalkDir::new(self.path().join(".gatewright")).sort_by_file_name();
        let files = files.into_iter().filter_map(Result::ok);
        files
            .filter(|file| file.file_type().is_file())
            .map(walkdir::DirEntry::into_path)
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect()
    }

    /// The text of all ledgers.
    pub(crate) fn ledger(&self) -> String {
        let ledgers = self.state_files(".ledger");
        ledgers
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    /// Everything that gatewright wrote into the repository.
    pub(crate) fn state(&self) -> String {
        let files = self.state_files("");
        files
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap_or_default())
            .collect()
    }

    /// Loses the ledgers and the journals.
    pub(crate) fn forget(&self) -> &Self {
        std::fs::remove_dir_all(self.path().join(".gatewright")).unwrap();
        self
    }

    /// A run of the program in this repository, with the variables of the small organisation.
    pub(crate) fn cli<const N: usize>(&self, arguments: [&str; N]) -> Cli {
        Cli::new(arguments)
            .folder(self.path())
            .env("PORTKEY_API_KEY", KEY)
            .env("OPENAI_API_KEY", OPENAI_KEY)
    }

    /// A run against a server.
    pub(crate) fn at<const N: usize>(&self, base_url: &str, arguments: [&str; N]) -> Cli {
        self.cli(arguments).arg("--base-url").arg(base_url)
    }

    /// A run in which every system is at one address, each below the path that its public service
    /// has.
    pub(crate) fn on<const N: usize>(&self, address: SocketAddr, arguments: [&str; N]) -> Cli {
        let systems = gatewright::systems::SYSTEMS.iter();
        systems.fold(self.cli(arguments), |cli, system| {
            let public: reqwest::Url = system.default_base_url.parse().unwrap();
            let path = public.path().trim_end_matches('/');
            let place = format!("{}=http://{address}{path}", system.name);
            let cli = cli.env(system.api_key_variable, super::KEY);
            cli.arg("--base-url").arg(&place)
        })
    }

    /// Applies and wants it done.
    #[track_caller]
    pub(crate) fn apply(&self, base_url: &str) -> super::Run {
        self.at(base_url, ["apply", "--yes"]).run().expect(0)
    }

    /// Plans as JSON and returns the plan.
    #[track_caller]
    pub(crate) fn plan(&self, base_url: &str) -> serde_json::Value {
        self.at(base_url, ["plan", "--format", "json"]).run().json()["plan"].clone()
    }

    /// Asserts what must hold after every apply: a second run finds nothing and writes nothing.
    #[track_caller]
    pub(crate) fn assert_converged(&self, server: &super::Server, base_url: &str) {
        server.clear();
        let plan = self.at(base_url, ["plan", "--detailed-exitcode"]).run();
        assert_eq!(plan.code, 0, "a second plan is not empty\n{plan}");
        self.at(base_url, ["drift"]).run().expect(0);
        assert_eq!(server.writes(), [""; 0], "reading commands wrote");
        assert!(self.state_files(".journal").is_empty(), "a journal is left");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            // What a run against a server left is not part of the example.
            if entry.file_name() != ".gatewright" {
                copy(&entry.path(), &target);
            }
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
