//! Starting and stopping a mock.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::apis::{Api, Profile, Served, check_operation};
use crate::control::seed::{SeedError, sow};
use crate::description::spec;
use crate::engine::departure::Validation;
use crate::engine::identity::Ids;
use crate::faults::Faults;
use crate::faults::latency::Latency;
use crate::faults::rule::Fault;
use crate::http::App;
use crate::journal::expectation::{Expectation, Unmet};
use crate::journal::{Journal, JournalLimits, RequestRecord};
use crate::relay::{Player, Recorder, Relay};
use crate::serve::{self, Timeouts};
use crate::store::clock::Time;
use crate::store::lag::Lag;
use crate::worlds::{Restored, Worlds};

/// The key a mock accepts when none is chosen.
const DEFAULT_API_KEY: &str = "mock-admin-key";

/// How long a shutdown waits for requests in progress.
const GRACE: Duration = Duration::from_secs(2);

/// Why a mock could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address could not be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A fault contradicts itself.
    #[error("{0}")]
    Fault(String),
    /// The embedded description or its annotations are wrong.
    #[error("failed to read the mock's description of the API: {0}")]
    Description(String),
    /// The recordings cannot be written or read, or the server to record has no usable URL.
    #[error("failed to prepare the recordings: {0}")]
    Recordings(String),
    /// The state file is in use, damaged, of another version or another API, or cannot be read or written.
    #[error("failed to open the state file: {0}")]
    State(String),
}

/// Where answers come from instead of the mock's own state.
#[derive(Clone, Debug)]
enum Source {
    /// Another server, whose answers are written down.
    Record { upstream: String, folder: PathBuf },
    /// What was written down.
    Replay { folder: PathBuf },
}

impl Source {
    fn open(&self) -> Result<Relay, String> {
        match self {
            Source::Record { upstream, folder } => {
                Recorder::new(upstream, folder).map(Relay::Record)
            }
            Source::Replay { folder } => Player::new(folder).map(Relay::Replay),
        }
    }
}

/// What a mock is started with, beside where and as what it is served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) faults: Vec<Fault>,
    pub(crate) latency: Option<Latency>,
    pub(crate) clock: Option<Timestamp>,
    pub(crate) seed: Option<u64>,
    pub(crate) organisation: Option<String>,
    pub(crate) open: bool,
    pub(crate) lag: Option<Duration>,
}

/// What a mock is started with.
#[derive(Clone, Debug)]
#[must_use]
pub struct MockPortkeyBuilder {
    listen: SocketAddr,
    profile: Profile,
    apis: Vec<Api>,
    spec: Option<PathBuf>,
    state: Option<PathBuf>,
    validation: Validation,
    uneven_pages: bool,
    api_key: String,
    journal: JournalLimits,
    timeouts: Timeouts,
    settings: Settings,
    source: Option<Source>,
}

impl Default for MockPortkeyBuilder {
    fn default() -> Self {
        MockPortkeyBuilder {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            profile: Profile::default(),
            apis: Vec::new(),
            spec: None,
            state: None,
            validation: Validation::default(),
            uneven_pages: false,
            api_key: DEFAULT_API_KEY.to_owned(),
            journal: JournalLimits::default(),
            timeouts: Timeouts::default(),
            settings: Settings::default(),
            source: None,
        }
    }
}

impl MockPortkeyBuilder {
    /// The address to listen on; a free port on 127.0.0.1 when not set.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// The description to follow; [`Profile::Live`] when not set.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Serves another API beside Portkey's; the last that is said of each counts.
    pub fn api(mut self, api: Api) -> Self {
        self.apis.retain(|other| !other.is_like(api));
        self.apis.push(api);
        self
    }

    /// Serves the OpenAPI 3.0 or 3.1 document in a file, and no other API. What is recognised in
    /// it as a resource is kept; [`MockPortkey::resources`] tells what that is.
    pub fn spec(mut self, document: impl Into<PathBuf>) -> Self {
        self.spec = Some(document.into());
        self
    }

    /// How strictly requests are judged; as the profile does when not set. [`Validation::Strict`] chooses
    /// [`Profile::Documented`].
    pub fn validation(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// Whether pages that a cursor leads to are shorter than they could be, or empty, with more to
    /// come: a client has to go on until it is told that there is no more.
    pub fn uneven_pages(mut self, uneven: bool) -> Self {
        self.uneven_pages = uneven;
        self
    }

    /// The admin key to accept.
    pub fn api_key(mut self, api_key: impl Into<String>) -> Self {
        self.api_key = api_key.into();
        self
    }

    /// Passes every request on to the API at `upstream`, a base URL as clients have it, and writes each request with its
    /// answer into `folder`, without secrets.
    ///
    /// The key in a request goes to `upstream` as it is. The mock itself keeps no state then.
    pub fn record(mut self, upstream: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        self.source = Some(Source::Record {
            upstream: upstream.into(),
            folder: folder.into(),
        });
        self
    }

    /// Answers from the recordings in `folder`, whatever the key: a request is answered by the recording with the
    /// same method, path, query and body. Of several the first answers first, and the last one for ever.
    pub fn replay(mut self, folder: impl Into<PathBuf>) -> Self {
        self.source = Some(Source::Replay {
            folder: folder.into(),
        });
        self
    }

    /// How much the journal remembers.
    pub fn journal(mut self, limits: JournalLimits) -> Self {
        self.journal = limits;
        self
    }

    /// How long a client may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The same seed and the same requests in the same order give the same answers, byte by byte if
    /// the clock is fixed, too. Without a seed, ids and secrets are others every time.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// The id of the organisation that the built-in key belongs to, for clients that name it. Without
    /// one, the mock makes it up.
    pub fn organisation(mut self, id: impl Into<String>) -> Self {
        self.settings.organisation = Some(id.into());
        self
    }

    /// The clock stands still at this time until it is told to go on.
    pub fn clock(mut self, time: Timestamp) -> Self {
        self.settings.clock = Some(time);
        self
    }

    /// Every key is accepted: one that nobody knows gets an organisation of its own, which no other
    /// key sees.
    pub fn open(mut self, open: bool) -> Self {
        self.settings.open = open;
        self
    }

    /// Keeps the state in a file, from one start to the next: objects with their versions, keys, audit logs and logs,
    /// what was used of limits, all organisations of [`MockPortkeyBuilder::open`], snapshots, branches and the clock.
    /// The journal of requests, faults, latency and lag are not in it.
    ///
    /// A change is handed to the operating system before it is answered for: what was acknowledged is there again
    /// after a crash of the mock. It is not forced to the disk, so that a crash of the machine may lose the last
    /// changes. The file holds what clients wrote, and nobody else may read it (mode 0600). Seed and clock say how a
    /// new file begins; an old one goes on.
    pub fn state(mut self, file: impl Into<PathBuf>) -> Self {
        self.state = Some(file.into());
        self
    }

    /// How long it takes until reads see a write, by the mock's clock: what the API's own replicas are to its clients.
    /// A write answers for itself at once, and what a read names is found as soon as it is made, as it was first.
    pub fn lag(mut self, lag: Duration) -> Self {
        self.settings.lag = Some(lag);
        self
    }

    /// Something that goes wrong from the beginning.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.settings.faults.push(fault);
        self
    }

    /// How long all answers wait.
    pub fn latency(mut self, latency: Latency) -> Self {
        self.settings.latency = Some(latency);
        self
    }

    /// Starts the mock.
    pub async fn start(self) -> Result<MockPortkey, StartError> {
        let settings = self.settings;
        for fault in &settings.faults {
            fault.check().map_err(StartError::Fault)?;
        }
        // What is judged by the document is answered by it, too.
        let profile = match self.validation {
            Validation::Strict => Profile::Documented,
            Validation::Normal | Validation::Lenient => self.profile,
        };
        let apis: Vec<Served> = match &self.spec {
            Some(path) => {
                let read = spec::load(path).map_err(StartError::Description)?;
                vec![Served::Read(read)]
            }
            None => std::iter::once(Api::Portkey(profile))
                .chain(self.apis)
                .map(Served::Known)
                .collect(),
        };
        for fault in &settings.faults {
            check_operation(&apis, fault.operation()).map_err(StartError::Fault)?;
        }
        // Mistakes in what is asked for first show at the start; the others are read when used.
        let first = apis
            .first()
            .ok_or_else(|| StartError::Description("no API".to_owned()))?;
        let first = first.description().map_err(StartError::Description)?;
        let lag = Lag::new(settings.lag);
        let worlds = Worlds::new(
            first,
            settings.clock,
            settings.seed,
            settings.organisation.as_deref(),
            settings.open,
            lag,
        )
        .map_err(|error| StartError::Description(error.message))?;
        let restored = match &self.state {
            Some(path) => worlds.keep(path).map_err(StartError::State)?,
            None => None,
        };
        // Requests of another run have other ids.
        let request_ids = settings.seed.map(|seed| match restored {
            Some(restored) => {
                BuildHasherDefault::<DefaultHasher>::default().hash_one((seed, restored.objects))
            }
            None => seed,
        });
        let relay = self.source.as_ref().map(Source::open).transpose();
        let app = Arc::new(App {
            relay: relay.map_err(StartError::Recordings)?,
            apis,
            time: Arc::clone(worlds.time()),
            worlds,
            journal: Journal::new(self.journal),
            faults: Faults::new(&settings.faults, settings.latency, settings.seed),
            api_key: self.api_key,
            timeouts: self.timeouts,
            validation: self.validation,
            uneven_pages: self.uneven_pages,
            request_ids: Mutex::new(Ids::new(request_ids)),
            salt: RandomState::new(),
            settings,
        });
        let listen_error = |source| StartError::Listen {
            address: self.listen,
            source,
        };
        let listener = TcpListener::bind(self.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(keep_short(Arc::clone(&app), stopped.clone()));
        let server = tokio::spawn(serve::serve(listener, Arc::clone(&app), stopped));
        Ok(MockPortkey {
            app,
            address,
            stop,
            server: Some(server),
            restored,
            expectations: Mutex::default(),
        })
    }
}

/// Writes the state file anew whenever it has grown long.
async fn keep_short(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = app.worlds.long() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let app = Arc::clone(&app);
        // What cannot be written anew goes on growing; changes themselves say when they cannot be written.
        let _ = tokio::task::spawn_blocking(move || app.worlds.rewrite()).await;
    }
}

/// A running mock of the Portkey API. It stops when it is dropped, and then complains about
/// expectations that do not hold.
#[derive(Debug)]
pub struct MockPortkey {
    app: Arc<App>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    restored: Option<Restored>,
    /// What is expected, and the number of the last request before it was.
    expectations: Mutex<Vec<(Expectation, u64)>>,
}

impl MockPortkey {
    /// Starts a mock of the live API on a free port of 127.0.0.1.
    pub async fn start() -> Result<MockPortkey, StartError> {
        MockPortkey::builder().start().await
    }

    /// Sets up a mock before starting it.
    pub fn builder() -> MockPortkeyBuilder {
        MockPortkeyBuilder::default()
    }

    /// Where the mock listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for clients. It ends as the API's own does: Portkey's in `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        let first = self.app.apis.first().and_then(|api| api.description().ok());
        let base = first.and_then(|first| first.api.base_paths.first());
        format!("http://{}{}", self.address, base.map_or("", String::as_str))
    }

    /// The kinds of object that the mock keeps for its first API, with what names them, what they
    /// are inside of, what they link to and which operations work on them: `/_mock/resources`.
    #[must_use]
    pub fn resources(&self) -> serde_json::Value {
        let description = self.app.apis.first().and_then(|api| api.description().ok());
        description.map(spec::summary).unwrap_or_default()
    }

    /// The other APIs that the mock serves: what each is called, and the base URL for its clients,
    /// which ends as the API's own does.
    #[must_use]
    pub fn beside(&self) -> Vec<(String, String)> {
        let signposts = self.app.apis.iter().skip(1).map(|api| api.signpost());
        let named =
            signposts.map(|(title, base)| (title, format!("http://{}{base}", self.address)));
        named.collect()
    }

    /// The admin key that the mock accepts.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.app.api_key
    }

    /// What was in the state file; none without one or if it is new.
    #[must_use]
    pub fn restored(&self) -> Option<Restored> {
        self.restored
    }

    /// The last requests, the oldest first, as many as the journal's limits allow.
    #[must_use]
    pub fn journal(&self) -> Vec<RequestRecord> {
        let entries = self.app.journal.entries();
        entries.iter().map(|entry| entry.record()).collect()
    }

    /// Forgets the requests so far.
    pub fn clear_journal(&self) {
        self.app.journal.clear();
    }

    /// Expects requests from now on. Whether they came is checked by [`MockPortkey::verify`], and
    /// when the mock is dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use gatewright_mock::{MockPortkey, operation};
    /// use serde_json::json;
    ///
    /// let mock = MockPortkey::start().await?;
    /// mock.expect(operation("createConfig").body_contains(json!({ "name": "x" })).times(2));
    /// let unmet = mock.verify().unwrap_err();
    /// assert!(unmet.to_string().contains("2 times, and it came never"));
    /// mock.forget_expectations();
    /// # Ok(())
    /// # }
    /// ```
    pub fn expect(&self, expectation: impl Into<Expectation>) {
        let (now, _) = self.app.journal.count();
        let mut expectations = self.expectations();
        expectations.push((expectation.into(), now));
    }

    /// Checks all expectations.
    ///
    /// # Errors
    /// Names every expectation that does not hold, with the requests that came nearest to it.
    pub fn verify(&self) -> Result<(), Unmet> {
        let expectations = self.expectations();
        let findings = expectations
            .iter()
            .map(|(expectation, since)| expectation.check(&self.app.journal, *since));
        let unmet = findings.filter(|finding| !finding.holds);
        let messages: Vec<String> = unmet.map(|finding| finding.message).collect();
        match messages.is_empty() {
            true => Ok(()),
            false => Err(Unmet { messages }),
        }
    }

    /// Expects nothing any more.
    pub fn forget_expectations(&self) {
        self.expectations().clear();
    }

    fn expectations(&self) -> std::sync::MutexGuard<'_, Vec<(Expectation, u64)>> {
        let expectations = self.expectations.lock();
        expectations.unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes something go wrong from now on, and says under which number it can be taken away.
    ///
    /// # Errors
    /// If the fault contradicts itself or would do nothing.
    pub fn add_fault(&self, fault: Fault) -> Result<u64, String> {
        fault.check()?;
        check_operation(&self.app.apis, fault.operation())?;
        Ok(self.app.faults.add(fault))
    }

    /// Takes a fault away.
    pub fn remove_fault(&self, number: u64) -> bool {
        self.app.faults.remove(number)
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// Makes all answers wait from now on, or none.
    pub fn set_latency(&self, latency: Option<Latency>) {
        self.app.faults.set_latency(latency);
    }

    /// How long it takes until reads see a write from now on, or that they see it at once.
    pub fn set_lag(&self, lag: Option<Duration>) {
        self.app.worlds.lag.set(lag);
    }

    /// The mock's clock.
    #[must_use]
    pub fn clock(&self) -> MockClock<'_> {
        MockClock(&self.app.time)
    }

    /// Makes objects by plain requests to the API: `PATH` (a POST) or `METHOD PATH`, and a body. They
    /// are answered as ever, but no fault strikes them and the journal does not have them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use gatewright_mock::MockPortkey;
    /// use serde_json::json;
    ///
    /// let mock = MockPortkey::start().await?;
    /// let made = mock
    ///     .seed([("/integrations", json!({ "name": "OpenAI", "slug": "openai", "ai_provider_id": "openai" }))])
    ///     .await?;
    /// assert_eq!(made[0]["slug"], "openai");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// With the first request that is refused; what was made before it stays.
    pub async fn seed<R: AsRef<str>>(
        &self,
        requests: impl IntoIterator<Item = (R, Value)>,
    ) -> Result<Vec<Value>, SeedError> {
        let mut answers = Vec::new();
        for (request, body) in requests {
            let headers = HeaderMap::new();
            answers.push(sow(&self.app, request.as_ref(), &headers, &body).await?);
        }
        // What a test begins with was always there.
        self.app.worlds.main.settle();
        Ok(answers)
    }

    /// Makes what there is now what a reset goes back to, and begins the journal and the faults anew.
    pub fn start_here(&self) {
        // Where it cannot be written to the state file, the next write says so.
        let _ = self.app.worlds.start_here();
        self.app.begin();
    }

    /// Puts everything back to what it was at the start.
    pub fn reset(&self) {
        // The state at the start is always there.
        let _ = self.app.reset();
    }

    /// Stops the mock: no new connections, and a moment for the requests in progress.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            let abort = server.abort_handle();
            if tokio::time::timeout(GRACE, server).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl Drop for MockPortkey {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.app.worlds.close();
        if std::thread::panicking() {
            return;
        }
        #[expect(
            clippy::panic,
            reason = "a test whose expectations do not hold has to fail, and nothing is called after this"
        )]
        if let Err(unmet) = self.verify() {
            panic!("{unmet}");
        }
    }
}

/// The clock of a mock. With a state file, the next write says if the clock could not be written to it.
#[derive(Clone, Copy, Debug)]
pub struct MockClock<'m>(&'m Time);

impl MockClock<'_> {
    /// What time it is for the mock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.timestamp()
    }

    /// Makes the clock stand still at a time.
    pub fn set(&self, time: Timestamp) {
        let _ = self.0.stop_at(time);
    }

    /// Moves the clock, whether it runs or stands still.
    pub fn advance(&self, by: Duration) {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let _ = self.0.advance(milliseconds);
    }

    /// Lets the clock run on from where it stands.
    pub fn resume(&self) {
        let _ = self.0.resume();
    }

    /// Goes back to the system's time.
    pub fn reset(&self) {
        let _ = self.0.reset();
    }
}
