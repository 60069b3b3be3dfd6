//! The `gatewright` program. Everything it does is in the library's [`gatewright::cli`].

fn main() -> std::process::ExitCode {
    gatewright::cli::main()
}
