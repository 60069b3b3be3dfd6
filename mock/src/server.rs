//! Starting and stopping a mock.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::description::Description;
use crate::http::{self, App};
use crate::journal::{Journal, RequestRecord};
use crate::seed;
use crate::store::Store;

/// The key a mock accepts when none is chosen.
const DEFAULT_API_KEY: &str = "mock-admin-key";

/// How long a shutdown waits for requests in progress.
const GRACE: Duration = Duration::from_secs(2);

/// Which of the two descriptions of the API a mock follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The vendor's published document, to the letter.
    Documented,
    /// The document with the corrections that make it what the API does.
    #[default]
    Live,
}

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
    /// The embedded description or its annotations are wrong.
    #[error("failed to read the mock's description of the API: {0}")]
    Description(String),
}

/// What a mock is started with.
#[derive(Clone, Debug)]
#[must_use]
pub struct MockPortkeyBuilder {
    listen: SocketAddr,
    profile: Profile,
    api_key: String,
}

impl Default for MockPortkeyBuilder {
    fn default() -> Self {
        MockPortkeyBuilder {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            profile: Profile::default(),
            api_key: DEFAULT_API_KEY.to_owned(),
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

    /// The admin key to accept.
    pub fn api_key(mut self, api_key: impl Into<String>) -> Self {
        self.api_key = api_key.into();
        self
    }

    /// Starts the mock.
    pub async fn start(self) -> Result<MockPortkey, StartError> {
        let description = Description::embedded(self.profile).map_err(StartError::Description)?;
        let state =
            seed::state(description).map_err(|error| StartError::Description(error.message))?;
        let app = Arc::new(App {
            description,
            store: Store::new(state),
            journal: Journal::default(),
            api_key: self.api_key,
        });
        let listen_error = |source| StartError::Listen {
            address: self.listen,
            source,
        };
        let listener = TcpListener::bind(self.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        // With Nagle's algorithm on, every small write may wait 40 ms for an acknowledgement.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let router = Router::new()
            .fallback(http::handle)
            .with_state(Arc::clone(&app));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let serving = axum::serve(listener, router).with_graceful_shutdown(async {
                // Dropping the handle stops the mock as well.
                let _ = stopped.await;
            });
            let _ = serving.await;
        });
        Ok(MockPortkey {
            app,
            address,
            stop,
            server,
        })
    }
}

/// A running mock of the Portkey API. It stops when it is dropped.
#[derive(Debug)]
pub struct MockPortkey {
    app: Arc<App>,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
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

    /// The base URL for clients. It ends in `/v1`, as the API's own does.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The admin key that the mock accepts.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.app.api_key
    }

    /// The last requests, the oldest first; at most 10,000 are kept.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.journal.entries()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.app.journal.clear();
    }

    /// Stops the mock: no new connections, and a moment for the requests in progress.
    pub async fn shutdown(self) {
        let MockPortkey { stop, server, .. } = self;
        let _ = stop.send(());
        let abort = server.abort_handle();
        if tokio::time::timeout(GRACE, server).await.is_err() {
            abort.abort();
        }
    }
}
