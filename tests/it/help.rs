//! Help texts, as they stand on a terminal of 80 columns.
//!
//! What every command takes stands in the snapshot of the program alone.

use crate::support::Cli;

const GLOBAL: &str = "\nGlobal options:\n";

/// What is particular to a command; the rest is what the program's help says.
fn help(command: &str) -> String {
    let all = whole(command);
    let (own, global) = all.split_once(GLOBAL).expect("global options");
    assert_eq!(whole("").split_once(GLOBAL).unwrap().1, global, "{command}");
    own.to_owned()
}

fn whole(command: &str) -> String {
    let run = if command.is_empty() {
        Cli::new(["--help"])
    } else {
        Cli::new([command, "--help"])
    }
    .run()
    .expect(0);
    assert_eq!(run.stderr, "", "{run}");
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
    }
    run.stdout
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn of_the_program() {
    insta::assert_snapshot!(whole(""), @"
    Keeps an AI gateway account in the state that a Git repository declares

    Usage: gatewright [OPTIONS] <COMMAND>

    Commands:
      validate  Check the repository without talking to any server
      plan      Show what would change
      apply     Change it
      destroy   Delete everything that gatewright made or adopted
      drift     Tell whether somebody changed what gatewright manages; exits with 2
                if so
      diff      Show what differs between two environments
      import    Write manifests for what is live, and take it over
      adopt     Write what others changed live into the manifests, and take it over
      mock      Serve the mock of the API
      schema    Print a JSON Schema, for editors and for readers of plans
      help      Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

          --env <NAME>
              The environment of the project file to use; `validate`, `plan`,
              `apply` and `drift` take several, separated by commas, or `all`

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says; `SYSTEM=URL`
              for another system

          --mock
              Run against the embedded mock: offline, with placeholders for unset
              secrets, and without touching any ledger

          --format <FORMAT>
              How results are written to standard output

              Possible values:
              - human: Text for people
              - json:  Exactly one JSON document, also on error

              [default: human]

          --color <COLOR>
              When to use colours

              Possible values:
              - auto:   On a terminal, unless NO_COLOR is set
              - always: Always
              - never:  Never

              [default: auto]

          --parallelism <N>
              How many requests may be under way at once

              [default: 16]

          --retry-wait <TIME>
              How long to wait before a failed request is sent again, or an object
              that should be there is looked for again; each further wait is twice
              as long

              [env: GATEWRIGHT_RETRY_WAIT]
              [default: 250ms]

          --no-cache
              Read every object anew, also those that have not changed since an
              earlier run

              [env: GATEWRIGHT_NO_CACHE=]
    ");
}

#[test]
fn of_validate() {
    insta::assert_snapshot!(help("validate"), @"
    Check the repository without talking to any server

    Usage: gatewright validate [OPTIONS]

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_plan() {
    insta::assert_snapshot!(help("plan"), @"
    Show what would change

    Usage: gatewright plan [OPTIONS]

    Options:
          --detailed-exitcode
              Exit with 2 when there are changes

          --allow-deletes
              Allow deleting more than the limits of the project file

          --full
              Show the fields of new objects as well

          --rotate <KIND/KEY[#FIELD]>
              Send a secret again, or have the server make a new one:
              `api_keys/reports`, or `integrations/openai#key` for one of several

          --reset-usage <KIND/KEY[#OF]>
              Begin the count of used budget again: `api_keys/reports`,
              `integrations/openai#payments` for one workspace, or
              `usage_limits_policies/budget#VALUE` for one value of a policy

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_apply() {
    insta::assert_snapshot!(help("apply"), @"
    Change it

    Usage: gatewright apply [OPTIONS]

    Options:
      -y, --yes
              Do not ask for confirmation

          --allow-deletes
              Allow deleting more than the limits of the project file

          --full
              Show the fields of new objects as well

          --rotate <KIND/KEY[#FIELD]>
              Send a secret again, or have the server make a new one:
              `api_keys/reports`, or `integrations/openai#key` for one of several

          --reset-usage <KIND/KEY[#OF]>
              Begin the count of used budget again: `api_keys/reports`,
              `integrations/openai#payments` for one workspace, or
              `usage_limits_policies/budget#VALUE` for one value of a policy

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_destroy() {
    insta::assert_snapshot!(help("destroy"), @"
    Delete everything that gatewright made or adopted

    Usage: gatewright destroy [OPTIONS]

    Options:
      -y, --yes
              Do not ask for confirmation; wants --confirm as well

          --confirm <NAME>
              The environment that is to be destroyed or, without environments, the
              host of the server

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_drift() {
    insta::assert_snapshot!(help("drift"), @"
    Tell whether somebody changed what gatewright manages; exits with 2 if so

    Usage: gatewright drift [OPTIONS]

    Options:
          --full
              Show the fields of objects that are gone as well

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_adopt() {
    insta::assert_snapshot!(help("adopt"), @"
    Write what others changed live into the manifests, and take it over

    Usage: gatewright adopt [OPTIONS] --drift [ENTRY]...

    Arguments:
      [ENTRY]...
              Adopt what is live of these entries alone, such as `configs.standard`,
              and also where the manifest changed as well

    Options:
          --drift
              Adopt what `drift` shows: what is not as it was applied, because
              somebody else changed it

      -y, --yes
              Do not ask for confirmation

          --dry-run
              Show what would be written, and write nothing

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_diff() {
    insta::assert_snapshot!(help("diff"), @"
    Show what differs between two environments

    Usage: gatewright diff [OPTIONS] --from <NAME> --to <NAME>

    Options:
          --from <NAME>
              The environment to compare

          --to <NAME>
              The environment to compare it with

          --live
              Compare what is live, and not what is declared

          --detailed-exitcode
              Exit with 2 when something differs

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_mock() {
    insta::assert_snapshot!(help("mock"), @"
    Serve the mock of the API

    Usage: gatewright mock [OPTIONS]

    Options:
          --listen <ADDRESS>
              Where to listen

              [default: 127.0.0.1:8787]

          --profile <PROFILE>
              Whether to follow the live API where it differs from its document

              Possible values:
              - live:       The live API
              - documented: The document

              [default: live]

          --strict
              Follow the document (as --profile documented) and refuse members and
              parameters that it does not know

          --lenient
              Accept whatever can be read and stored, and say in the journal what is
              wrong with it

          --spec <FILE>
              Serve the OpenAPI 3.0 or 3.1 document in this file, and no other API;
              what is recognised in it as a resource is kept

          --revision <SYSTEM=REVISION>
              Follow another system's API as it was at a revision, a date or
              `current`; can be repeated

          --uneven-pages
              Whether pages that a cursor leads to may be short or empty, with more
              to come

          --proxy <URL>
              Pass every request on to the API at this base URL, and record what it
              answers

          --record <DIR>
              Where to write the recordings, one file for each request, without
              secrets

          --replay <DIR>
              Answer from the recordings in this folder, offline

          --api-key <KEY>
              The admin key to accept

              [default: mock-admin-key]

          --open
              Accept every key: each unknown one gets an organisation of its own

          --seed-from <DIR>
              Begin with what the manifests of this repository declare (see --env);
              a reset goes back to it

          --state <FILE>
              Keep the state in this file, from one start to the next; nothing that
              was acknowledged is lost in a crash

          --seed <N>
              Make ids, slugs and secrets follow from a number: the same requests
              get the same answers

          --clock <TIME>
              Stop the clock at this time, such as 2026-01-01T00:00:00Z, until
              /_mock/clock moves it

          --fault <RULE>
              Something that goes wrong, such as
              operation=createConfig,status=503,times=2; can be given several times

          --latency <TIME>
              How long answers wait: 50ms, 10ms..200ms, or lognormal:50ms:0.5

          --lag <TIME>
              How long it takes until reads see a write, such as 500ms; at once
              without it

          --journal <N>
              How many requests the journal remembers

              [default: 10000]

          --no-bodies
              Leave the bodies of requests out of the journal

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn of_schema() {
    insta::assert_snapshot!(help("schema"), @"
    Print a JSON Schema, for editors and for readers of plans

    Usage: gatewright schema [OPTIONS] [NAME]

    Arguments:
      [NAME]
              Which schema; without it, the list of them

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn the_version_is_the_package_s() {
    let run = Cli::new(["--version"]).run().expect(0);
    assert_eq!(
        run.stdout,
        format!("gatewright {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn of_import() {
    insta::assert_snapshot!(help("import"), @"
    Write manifests for what is live, and take it over

    Usage: gatewright import [OPTIONS]

    Options:
          --kind <KIND>
              Import objects of this kind alone; can be repeated

          --workspace <NAME>
              Import this workspace, by name, slug or id, and what is in it; can be
              repeated

          --only <ADDRESS>
              Import this entry alone, by the address that it will have; can be
              repeated

          --layout <LAYOUT>
              How new entries are spread over files

              Possible values:
              - kind:      One file per kind
              - workspace: One file per workspace, and one for what is in none

              [default: kind]

          --into <FILE>
              Put all new entries into this file, relative to the repository

          --dry-run
              Show what would be written, and write nothing

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    ");
}

#[test]
fn every_command_has_a_help_that_is_tested_here() {
    let program = whole("");
    let commands = program
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let commands: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(
        commands,
        [
            "validate", "plan", "apply", "destroy", "drift", "diff", "import", "adopt", "mock",
            "schema", "help"
        ]
    );
}
