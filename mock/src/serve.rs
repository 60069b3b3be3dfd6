//! Connections: accepting them, bounding what a slow or hostile client can hold, and ending them.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::http::{self, App};

/// How many connections are served at once; further ones wait until one of them ends.
const CONNECTIONS: usize = 8_192;

/// How much of a request's head is read: the request line and all headers, in bytes.
const HEAD: usize = 64 * 1024;

/// How long to wait before accepting again when the system has no more room for a connection.
const RECOVERY: Duration = Duration::from_millis(50);

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the head of a request, counted from the end of the one before: idle connections are
    /// closed after it.
    pub head: Duration,
    /// For the body of a request; one that takes longer is answered with 408.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            head: Duration::from_secs(75),
            body: Duration::from_secs(30),
        }
    }
}

/// Serves until `stop` says so, and then until the requests in progress are answered.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    // Every connection holds a sender; when the last one is gone, all are closed.
    let (open, mut closed) = tokio::sync::mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                // Too many open files, or a client that left again: neither ends the mock.
                tokio::time::sleep(RECOVERY).await;
                continue;
            }
        };
        let (app, stop, open) = (Arc::clone(&app), stop.clone(), open.clone());
        tokio::spawn(async move {
            connection(stream, app, stop).await;
            drop((permit, open));
        });
    }
    drop((listener, open));
    closed.recv().await;
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // With Nagle's algorithm on, every small write may wait 40 ms for an acknowledgement.
    let _ = stream.set_nodelay(true);
    Ok((stream, permit))
}

async fn connection(stream: TcpStream, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let head = app.timeouts.head;
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        // An error closes the connection without an answer.
        async move { http::handle(&app, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_header_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // What ends a connection is the client's affair.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
