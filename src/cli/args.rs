//! What the command line accepts. The comments here are the help texts.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps an AI gateway account in the state that a Git repository declares.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, propagate_version = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
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
    /// The environment of the project file to use.
    #[arg(long = "env", value_name = "NAME", global = true)]
    pub(super) environment: Option<String>,
    /// A file with NAME=VALUE lines, used where the environment has no such variable.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) env_file: Option<PathBuf>,
    /// Where Portkey is, instead of what the project file says.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "mock")]
    pub(super) base_url: Option<String>,
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
    /// Tell whether somebody changed what gatewright manages; exits with 2 if so.
    Drift(DriftArgs),
    /// Serve the mock of the API.
    Mock(MockArgs),
    /// Print a JSON Schema, for editors and for readers of plans.
    Schema(SchemaArgs),
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Show the fields of new objects as well.
    #[arg(long)]
    pub(super) full: bool,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Do not ask for confirmation.
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show the fields of new objects as well.
    #[arg(long)]
    pub(super) full: bool,
}

#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    /// Show the fields of objects that are gone as well.
    #[arg(long)]
    pub(super) full: bool,
}

#[derive(Debug, Args)]
pub(super) struct MockArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub(super) listen: std::net::SocketAddr,
    /// Whether to follow the live API where it differs from its document.
    #[arg(long, value_enum, default_value_t = Profile::Live)]
    pub(super) profile: Profile,
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
