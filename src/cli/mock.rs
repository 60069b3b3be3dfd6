//! `gatewright mock`: the mock as a server.

use gatewright_mock::MockPortkey;

use super::args::{MockArgs, Profile};
use super::exit::Exit;
use super::output::{Finish, Printer};
use crate::diagnostic::{Diagnostic, Sources};

pub(super) async fn run(args: &MockArgs, printer: &Printer) -> Finish {
    let profile = match args.profile {
        Profile::Live => gatewright_mock::Profile::Live,
        Profile::Documented => gatewright_mock::Profile::Documented,
    };
    let mock = match MockPortkey::builder()
        .listen(args.listen)
        .profile(profile)
        .start()
        .await
    {
        Ok(mock) => mock,
        Err(error) => {
            let message = format!("cannot start the mock on {}: {error}", args.listen);
            let problem = Diagnostic::error("mock", message)
                .help("choose another address with `--listen`; port 0 takes any free one");
            return Finish::failed(Exit::Error, Sources::default(), vec![problem]);
        }
    };
    // Whoever reads that it listens may stop it at once.
    let stopped = stopped();
    printer.result(&format!(
        "The mock listens on {}\n\
         API key: {}\n\
         Its description: http://{}/_mock/openapi.json\n\
         Stop it with Ctrl-C.\n",
        mock.base_url(),
        mock.api_key(),
        mock.address(),
    ));
    stopped.await;
    mock.shutdown().await;
    Finish::new(Exit::Done, Sources::default())
}

/// Waits for Ctrl-C, or for the signal with which service managers and containers stop programs.
/// Listens for both from the moment of the call.
fn stopped() -> impl Future<Output = ()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = signal(SignalKind::interrupt()).and_then(|interrupt| {
            signal(SignalKind::terminate()).map(|terminate| (interrupt, terminate))
        });
        async {
            match signals {
                Ok((mut interrupt, mut terminate)) => tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                },
                // Without handlers the signals end the process by themselves.
                Err(_) => std::future::pending().await,
            }
        }
    }
    #[cfg(not(unix))]
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}
