//! Help texts, as they stand on a terminal of 80 columns.

use crate::support::Cli;

fn help(command: &str) -> String {
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
    insta::assert_snapshot!(help(""), @r#"
    Keeps an AI gateway account in the state that a Git repository declares

    Usage: gatewright [OPTIONS] <COMMAND>

    Commands:
      validate  Check the repository without talking to any server
      plan      Show what would change
      apply     Change it
      drift     Tell whether somebody changed what gatewright manages; exits with 2
                if so
      mock      Serve the mock of the API
      schema    Print a JSON Schema, for editors and for readers of plans
      help      Print this message or the help of the given subcommand(s)

    Options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

          --env <NAME>
              The environment of the project file to use

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says

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

              [default: 10]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
}

#[test]
fn of_validate() {
    insta::assert_snapshot!(help("validate"), @r#"
    Check the repository without talking to any server

    Usage: gatewright validate [OPTIONS]

    Options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

          --env <NAME>
              The environment of the project file to use

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says

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

              [default: 10]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
}

#[test]
fn of_plan() {
    insta::assert_snapshot!(help("plan"), @r#"
    Show what would change

    Usage: gatewright plan [OPTIONS]

    Options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

          --detailed-exitcode
              Exit with 2 when there are changes

          --env <NAME>
              The environment of the project file to use

          --full
              Show the fields of new objects as well

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says

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

              [default: 10]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
}

#[test]
fn of_apply() {
    insta::assert_snapshot!(help("apply"), @r#"
    Change it

    Usage: gatewright apply [OPTIONS]

    Options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

      -y, --yes
              Do not ask for confirmation

          --env <NAME>
              The environment of the project file to use

          --full
              Show the fields of new objects as well

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says

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

              [default: 10]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
}

#[test]
fn of_drift() {
    insta::assert_snapshot!(help("drift"), @r#"
    Tell whether somebody changed what gatewright manages; exits with 2 if so

    Usage: gatewright drift [OPTIONS]

    Options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

          --full
              Show the fields of objects that are gone as well

          --env <NAME>
              The environment of the project file to use

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says

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

              [default: 10]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
}

#[test]
fn of_mock() {
    insta::assert_snapshot!(help("mock"), @r#"
    Serve the mock of the API

    Usage: gatewright mock [OPTIONS]

    Options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

          --listen <ADDRESS>
              Where to listen

              [default: 127.0.0.1:8787]

          --env <NAME>
              The environment of the project file to use

          --profile <PROFILE>
              Whether to follow the live API where it differs from its document

              Possible values:
              - live:       The live API
              - documented: The document

              [default: live]

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says

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

              [default: 10]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
}

#[test]
fn of_schema() {
    insta::assert_snapshot!(help("schema"), @r#"
    Print a JSON Schema, for editors and for readers of plans

    Usage: gatewright schema [OPTIONS] [NAME]

    Arguments:
      [NAME]
              Which schema; without it, the list of them

    Options:
      -C, --directory <DIR>
              The repository: the folder with gatewright.yaml

              [default: .]

          --env <NAME>
              The environment of the project file to use

          --env-file <FILE>
              A file with NAME=VALUE lines, used where the environment has no such
              variable

          --base-url <URL>
              Where Portkey is, instead of what the project file says

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

              [default: 10]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
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
fn every_command_has_a_help_that_is_tested_here() {
    let program = help("");
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
            "validate", "plan", "apply", "drift", "mock", "schema", "help"
        ]
    );
}
