//! What the command line accepts. The comments here are the help texts.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::Waits;
use crate::model::Address;
use crate::systems::SYSTEMS;

/// Keeps an AI gateway account in the state that a Git repository declares.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, propagate_version = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes. It has a heading of its own, so that what is particular to a command
/// is read first.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The repository: the folder with gatewright.yaml.
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = ".",
        global = true
    )]
    pub(super) directory: PathBuf,
    /// The environment of the project file to use; `validate`, `plan`, `apply` and `drift` take
    /// several, separated by commas, or `all`.
    #[arg(long = "env", value_name = "NAME", global = true)]
    pub(super) environment: Option<String>,
    /// A file with NAME=VALUE lines, used where the environment has no such variable.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) env_file: Option<PathBuf>,
    /// Where Portkey is, instead of what the project file says; `SYSTEM=URL` for another system.
    #[arg(
        long = "base-url",
        value_name = "URL",
        global = true,
        conflicts_with = "mock",
        value_parser = base_url
    )]
    pub(super) base_urls: Vec<BaseUrl>,
    /// Run against the embedded mock: offline, with placeholders for unset secrets, and without
    /// touching any ledger.
    #[arg(long, global = true)]
    pub(super) mock: bool,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    pub(super) format: Format,
    /// When to use colours.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub(super) color: Color,
    /// How many requests may be under way at once.
    #[arg(long, value_name = "N", default_value_t = crate::client::DEFAULT_PARALLELISM, global = true)]
    pub(super) parallelism: NonZeroUsize,
    /// How long to wait before a failed request is sent again, or an object that should be there is
    /// looked for again; each further wait is twice as long.
    #[arg(long, value_name = "TIME", env = "GATEWRIGHT_RETRY_WAIT", hide_env_values = true, default_value = "250ms", value_parser = wait, global = true)]
    pub(super) retry_wait: Duration,
    /// Read every object anew, also those that have not changed since an earlier run.
    #[arg(long, env = "GATEWRIGHT_NO_CACHE", value_parser = clap::builder::FalseyValueParser::new(), global = true)]
    pub(super) no_cache: bool,
}

/// Where a system is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl {
    /// The system's name.
    pub(super) system: &'static str,
    pub(super) url: String,
}

/// Reads `URL`, which is about the first system, or `SYSTEM=URL`.
fn base_url(text: &str) -> Result<BaseUrl, String> {
    let name = text.split_once('=').filter(|(name, _)| {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        name.chars().all(word)
    });
    let (system, url) = match name {
        None => (SYSTEMS[0], text),
        Some((name, url)) => {
            let named = SYSTEMS.iter().find(|system| system.name == name);
            let system = named.ok_or_else(|| {
                let names: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
                format!(
                    "there is no system `{name}`: there are {}",
                    names.join(", ")
                )
            })?;
            (*system, url)
        }
    };
    Ok(BaseUrl {
        system: system.name,
        url: url.to_owned(),
    })
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for people.
    Human,
    /// Exactly one JSON document, also on error.
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the repository without talking to any server.
    Validate,
    /// Show what would change.
    Plan(PlanArgs),
    /// Change it.
    Apply(ApplyArgs),
    /// Delete everything that gatewright made or adopted.
    Destroy(DestroyArgs),
    /// Tell whether somebody changed what gatewright manages; exits with 2 if so.
    Drift(DriftArgs),
    /// Show what differs between two environments.
    Diff(DiffArgs),
    /// Write manifests for what is live, and take it over.
    Import(ImportArgs),
    /// Write what others changed live into the manifests, and take it over.
    Adopt(AdoptArgs),
    /// Serve the mock of the API.
    Mock(Box<MockArgs>),
    /// Print a JSON Schema, for editors and for readers of plans.
    Schema(SchemaArgs),
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Allow deleting more than the limits of the project file.
    #[arg(long)]
    pub(super) allow_deletes: bool,
    /// Show the fields of new objects as well.
    #[arg(long)]
    pub(super) full: bool,
    #[command(flatten)]
    pub(super) once: OnceArgs,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Do not ask for confirmation.
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Allow deleting more than the limits of the project file.
    #[arg(long)]
    pub(super) allow_deletes: bool,
    /// Show the fields of new objects as well.
    #[arg(long)]
    pub(super) full: bool,
    #[command(flatten)]
    pub(super) once: OnceArgs,
}

/// What a plan does besides bringing about what is declared.
#[derive(Debug, Default, Args)]
pub(super) struct OnceArgs {
    /// Send a secret again, or have the server make a new one: `api_keys/reports`, or
    /// `integrations/openai#key` for one of several.
    #[arg(long, value_name = "KIND/KEY[#FIELD]")]
    pub(super) rotate: Vec<String>,
    /// Begin the count of used budget again: `api_keys/reports`, `integrations/openai#payments` for
    /// one workspace, or `usage_limits_policies/budget#VALUE` for one value of a policy.
    #[arg(long, value_name = "KIND/KEY[#OF]")]
    pub(super) reset_usage: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    /// Do not ask for confirmation; wants --confirm as well.
    #[arg(short, long, requires = "confirm")]
    pub(super) yes: bool,
    /// The environment that is to be destroyed or, without environments, the host of the server.
    #[arg(long, value_name = "NAME")]
    pub(super) confirm: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    /// Show the fields of objects that are gone as well.
    #[arg(long)]
    pub(super) full: bool,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The environment to compare.
    #[arg(long, value_name = "NAME")]
    pub(super) from: String,
    /// The environment to compare it with.
    #[arg(long, value_name = "NAME")]
    pub(super) to: String,
    /// Compare what is live, and not what is declared.
    #[arg(long)]
    pub(super) live: bool,
    /// Exit with 2 when something differs.
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Import objects of this kind alone; can be repeated.
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Vec<String>,
    /// Import this workspace, by name, slug or id, and what is in it; can be
    /// repeated.
    #[arg(long, value_name = "NAME")]
    pub(super) workspace: Vec<String>,
    /// Import this entry alone, by the address that it will have; can be
    /// repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) only: Vec<Address>,
    /// How new entries are spread over files.
    #[arg(long, value_enum, default_value_t = Spread::Kind, conflicts_with = "into")]
    pub(super) layout: Spread,
    /// Put all new entries into this file, relative to the repository.
    #[arg(long, value_name = "FILE")]
    pub(super) into: Option<String>,
    /// Show what would be written, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct AdoptArgs {
    /// Adopt what `drift` shows: what is not as it was applied, because somebody else changed it.
    #[arg(long, required = true)]
    pub(super) drift: bool,
    /// Adopt what is live of these entries alone, such as `configs.standard`, and also where the
    /// manifest changed as well.
    #[arg(value_name = "ENTRY")]
    pub(super) entries: Vec<Address>,
    /// Do not ask for confirmation.
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show what would be written, and write nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(super) dry_run: bool,
}

/// How new entries are spread over files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Spread {
    /// One file per kind.
    Kind,
    /// One file per workspace, and one for what is in none.
    Workspace,
}

#[derive(Debug, Args)]
pub(super) struct MockArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787", value_parser = address)]
    pub(super) listen: SocketAddr,
    /// Whether to follow the live API where it differs from its document.
    #[arg(long, value_enum, default_value_t = Profile::Live)]
    pub(super) profile: Profile,
    /// Follow the document (as --profile documented) and refuse members and parameters that it does not know.
    #[arg(long, conflicts_with = "lenient")]
    pub(super) strict: bool,
    /// Accept whatever can be read and stored, and say in the journal what is wrong with it.
    #[arg(long)]
    pub(super) lenient: bool,
    /// Serve the OpenAPI 3.0 or 3.1 document in this file, and no other API; what is recognised in it as a resource is kept.
    #[arg(long, value_name = "FILE")]
    pub(super) spec: Option<std::path::PathBuf>,
    /// Follow another system's API as it was at a revision, a date or `current`; can be repeated.
    #[arg(long, value_name = "SYSTEM=REVISION")]
    pub(super) revision: Vec<gatewright_mock::Api>,
    /// Whether pages that a cursor leads to may be short or empty, with more to come.
    #[arg(long)]
    pub(super) uneven_pages: bool,
    /// Pass every request on to the API at this base URL, and record what it answers.
    #[arg(long, value_name = "URL", requires = "record")]
    pub(super) proxy: Option<String>,
    /// Where to write the recordings, one file for each request, without secrets.
    #[arg(long, value_name = "DIR", requires = "proxy")]
    pub(super) record: Option<std::path::PathBuf>,
    /// Answer from the recordings in this folder, offline.
    #[arg(long, value_name = "DIR", conflicts_with = "proxy")]
    pub(super) replay: Option<std::path::PathBuf>,
    /// The admin key to accept.
    #[arg(long, value_name = "KEY", default_value = "mock-admin-key")]
    pub(super) api_key: String,
    /// Accept every key: each unknown one gets an organisation of its own.
    #[arg(long)]
    pub(super) open: bool,
    /// Begin with what the manifests of this repository declare (see --env); a reset goes back to it.
    #[arg(long, value_name = "DIR")]
    pub(super) seed_from: Option<PathBuf>,
    /// Keep the state in this file, from one start to the next; nothing that was acknowledged is lost in a crash.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["proxy", "replay"])]
    pub(super) state: Option<PathBuf>,
    /// Make ids, slugs and secrets follow from a number: the same requests get the same answers.
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Stop the clock at this time, such as 2026-01-01T00:00:00Z, until /_mock/clock moves it.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(super) clock: Option<jiff::Timestamp>,
    /// Something that goes wrong, such as operation=createConfig,status=503,times=2; can be given
    /// several times.
    #[arg(long, value_name = "RULE")]
    pub(super) fault: Vec<gatewright_mock::Fault>,
    /// How long answers wait: 50ms, 10ms..200ms, or lognormal:50ms:0.5.
    #[arg(long, value_name = "TIME")]
    pub(super) latency: Option<gatewright_mock::Latency>,
    /// How long it takes until reads see a write, such as 500ms; at once without it.
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub(super) lag: Option<Duration>,
    /// How many requests the journal remembers.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(super) journal: usize,
    /// Leave the bodies of requests out of the journal.
    #[arg(long)]
    pub(super) no_bodies: bool,
}

/// Reads a length of time: `500ms`, `1m 30s`.
fn length(text: &str) -> Result<Duration, String> {
    let length = text.parse::<jiff::SignedDuration>().ok();
    length
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(|| "this is no length of time; write 500ms, 2s or 1m 30s".to_owned())
}

/// Reads a point in time.
fn instant(text: &str) -> Result<jiff::Timestamp, String> {
    let wrong = |_| "this is no point in time; write one such as 2026-01-01T00:00:00Z".to_owned();
    text.parse().map_err(wrong)
}

/// Reads where to listen: `127.0.0.1:8787`, or a name in place of the numbers.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok();
    found
        .and_then(|mut all| all.next())
        .ok_or_else(|| "this is no address; write ADDRESS:PORT, such as 127.0.0.1:8787".to_owned())
}

/// Reads a first wait.
fn wait(text: &str) -> Result<Duration, String> {
    let wait = length(text)?;
    match Waits::ALLOWED.contains(&wait) {
        true => Ok(wait),
        false => Err("this is not between 1ms and 1m".to_owned()),
    }
}

/// What the mock follows where the live API differs from its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Profile {
    /// The live API.
    Live,
    /// The document.
    Documented,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Which schema; without it, the list of them.
    pub(super) name: Option<String>,
}
