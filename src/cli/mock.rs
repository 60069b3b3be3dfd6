//! `gatewright mock`: the mock as a server.

use std::path::Path;

use gatewright_mock::{Api, JournalLimits, MockPortkey, StartError, Validation};

use super::apply;
use super::args::{Global, MockArgs, Profile};
use super::exit::Exit;
use super::output::{Finish, Printer};
use super::world::{World, organisation_of};
use crate::diagnostic::{Diagnostic, Sources};

pub(super) async fn run(global: &Global, args: &MockArgs, printer: &Printer) -> Finish {
    let profile = match args.profile {
        Profile::Live => gatewright_mock::Profile::Live,
        Profile::Documented => gatewright_mock::Profile::Documented,
    };
    let validation = match (args.strict, args.lenient) {
        (true, _) => Validation::Strict,
        (_, true) => Validation::Lenient,
        _ => Validation::Normal,
    };
    let mut builder = MockPortkey::builder()
        .listen(args.listen)
        .profile(profile)
        .validation(validation)
        .uneven_pages(args.uneven_pages)
        .api_key(&args.api_key)
        .open(args.open)
        .journal(JournalLimits {
            requests: args.journal,
            bodies: !args.no_bodies,
            ..JournalLimits::default()
        });
    for api in Api::BESIDE.iter().chain(&args.revision) {
        builder = builder.api(*api);
    }
    for fault in &args.fault {
        builder = builder.fault(fault.clone());
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    let sown = args
        .seed_from
        .as_deref()
        .map(|folder| seeding(folder, global));
    if let Some(id) = sown.as_ref().and_then(organisation_of) {
        builder = builder.organisation(id);
    }
    if let Some(clock) = args.clock {
        builder = builder.clock(clock);
    }
    if let Some(latency) = args.latency {
        builder = builder.latency(latency);
    }
    if let Some(lag) = args.lag {
        builder = builder.lag(lag);
    }
    if let Some(file) = &args.state {
        builder = builder.state(file);
    }
    if let (Some(upstream), Some(folder)) = (&args.proxy, &args.record) {
        builder = builder.record(upstream, folder);
    }
    if let Some(document) = &args.spec {
        builder = builder.spec(document);
    }
    if let Some(folder) = &args.replay {
        builder = builder.replay(folder);
    }
    let mock = match builder.start().await {
        Ok(mock) => mock,
        Err(StartError::Recordings(reason)) => {
            let message = format!("cannot start the mock with these recordings: {reason}");
            let problem = Diagnostic::error("mock", message).help(
                "`--proxy URL --record DIR` makes recordings, `--replay DIR` answers from them",
            );
            return Finish::failed(Exit::Error, Sources::default(), vec![problem]);
        }
        Err(StartError::State(reason)) => {
            let message = format!("cannot keep the state in this file: {reason}");
            let problem = Diagnostic::error("mock", message).help(
                "`--state FILE` takes a file that `gatewright mock` has made, or makes it; one mock at a time",
            );
            return Finish::failed(Exit::Error, Sources::default(), vec![problem]);
        }
        Err(StartError::Description(reason)) if args.spec.is_some() => {
            let message = format!("cannot serve this document: {reason}");
            let problem = Diagnostic::error("mock", message)
                .help("`--spec` takes an OpenAPI 3.0 or 3.1 document, as YAML or JSON");
            return Finish::failed(Exit::Error, Sources::default(), vec![problem]);
        }
        Err(error) => {
            let message = match error {
                StartError::Listen { address, source } => {
                    format!("cannot listen on {address}: {source}")
                }
                other => format!("cannot start the mock on {}: {other}", args.listen),
            };
            let problem = Diagnostic::error("mock", message)
                .help("choose another address with `--listen`; port 0 takes any free one");
            return Finish::failed(Exit::Error, Sources::default(), vec![problem]);
        }
    };
    let restored = mock.restored();
    let seeded = restored.is_some_and(|restored| restored.seeded);
    let (mock, sown) = match &args.seed_from {
        None => (mock, None),
        // What has grown since then goes on.
        Some(_) if seeded => (mock, None),
        Some(folder) => match sow(mock, folder, global, printer).await {
            Ok((mock, count)) => (mock, Some((folder, count))),
            Err(finish) => return *finish,
        },
    };
    // Whoever reads that it listens may stop it at once.
    let stopped = stopped();
    let served = match args.spec {
        Some(_) => recognised(&mock.resources()),
        None => beside(&mock.beside()),
    };
    printer.result(&format!(
        "The mock listens on {}\n\
         {served}\
         API key: {}\n\
         Its description: http://{}/_mock/openapi.json\n\
         Stop it with Ctrl-C.\n",
        mock.base_url(),
        mock.api_key(),
        mock.address(),
    ));
    if let (Some(restored), Some(file)) = (restored, &args.state) {
        let file = file.display();
        printer.message(&format!("Goes on with the state of {file}\n"));
        if seeded && args.seed_from.is_some() {
            printer.message("It was seeded before, and is not seeded again\n");
        }
        if restored.unfinished {
            printer.message(&format!(
                "The last line of {file} was not finished, and is dropped: its change was never acknowledged\n"
            ));
        }
    }
    if let Some((folder, count)) = sown {
        printer.message(&format!(
            "Seeded with {count} resources from {}\n",
            folder.display()
        ));
    }
    stopped.await;
    mock.shutdown().await;
    Finish::new(Exit::Done, Sources::default())
}

/// Where the other APIs are, a line for each.
fn beside(apis: &[(String, String)]) -> String {
    let lines = apis.iter().map(|(title, url)| format!("{title}: {url}\n"));
    lines.collect()
}

/// What the mock keeps of a document's resources, a line for each.
fn recognised(summary: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let list = |field: &str| summary.get(field).and_then(|list| list.as_array());
    let resources = list("resources").into_iter().flatten().map(|resource| {
        let links = resource["links"].as_array().into_iter().flatten();
        let links: Vec<String> = links
            .map(|link| format!("{} -> {}", text(&link["field"]), text(&link["to"])))
            .collect();
        let (name, identity) = (text(&resource["name"]), text(&resource["identity"]));
        let inside = match resource["inside"].as_str() {
            Some(owner) => format!(", inside {owner}"),
            None => String::new(),
        };
        match links.is_empty() {
            true => format!("Keeps {name} by {identity}{inside}\n"),
            false => format!(
                "Keeps {name} by {identity}{inside} ({})\n",
                links.join(", ")
            ),
        }
    });
    let problems = list("not_served").into_iter().flatten();
    let problems = problems.map(|problem| format!("Does not serve {}\n", text(problem)));
    resources.chain(problems).collect()
}

/// How the repository in a folder is opened to be applied to the mock.
fn seeding(folder: &Path, global: &Global) -> Global {
    Global {
        directory: folder.to_owned(),
        base_urls: Vec::new(),
        mock: true,
        ..global.clone()
    }
}

/// Applies a repository to the mock, as `apply --mock` would, and makes that the mock's start.
async fn sow(
    mock: MockPortkey,
    folder: &Path,
    global: &Global,
    printer: &Printer,
) -> Result<(MockPortkey, usize), Box<Finish>> {
    // What is to go wrong goes wrong for clients.
    mock.clear_faults();
    mock.set_latency(None);
    let global = seeding(folder, global);
    // The mock's own key is there to be told.
    let mut world = World::open_on(mock, &global, &printer.apart()).await?;
    let sown = apply::quietly(&world).await;
    let mock = world.take_mock();
    match (sown, mock) {
        (Ok(count), Some(mock)) => {
            mock.start_here();
            Ok((mock, count))
        }
        (sown, _) => {
            let (sources, mut diagnostics) = world.close().await;
            diagnostics.extend(sown.err().unwrap_or_default());
            Err(Box::new(Finish::failed(Exit::Error, sources, diagnostics)))
        }
    }
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
