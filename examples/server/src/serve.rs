use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use galerra::{Address, Galerra};
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceBuilder;

/// Most connections at once; more wait in the listener's queue.
const CONNECTIONS: usize = 4096;
/// Longest time for a request's headers, also between two requests of one connection.
const HEADERS: Duration = Duration::from_secs(15);
/// Longest wait for open connections after the signal to stop.
const PARTING: Duration = Duration::from_secs(20);

/// Serves until SIGINT or SIGTERM; then lets requests and the background work finish what they are in.
pub(crate) async fn serve(listener: TcpListener, router: Router, galerra: &Galerra, proxies: usize) {
    let (stop, mut stopped) = watch::channel(());
    let ticking = tokio::spawn({
        let (galerra, mut stopped) = (galerra.clone(), stopped.clone());
        async move { galerra.run(async { stopped.changed().await.unwrap_or(()) }).await }
    });
    tokio::spawn(async move {
        asked_to_stop().await;
        drop(stop);
    });
    let room = Arc::new(Semaphore::new(connections()));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopped.changed() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let connection = graceful.watch(connection(stream, router.clone(), proxies));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(PARTING, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
    if let Err(error) = ticking.await {
        tracing::error!(%error, "the background work ended badly");
    }
}

/// The next connection, once there is room for it.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(500)).await;
            None
        }
    }
}

/// As many connections as there may be files, less what the stores need.
fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    (files / 2).clamp(16, CONNECTIONS)
}

/// One connection; each of its requests says where it comes from, through so many proxies.
fn connection(
    stream: TcpStream,
    router: Router,
    proxies: usize,
) -> impl GracefulConnection<Error = hyper::Error> {
    // Without it a body of several chunks meets the 40 ms of a delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays without TCP_NODELAY");
    }
    let peer = stream.peer_addr().map(|peer| peer.ip()).ok();
    let locate = move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            let address = Address::behind(proxies, peer, request.headers());
            request.extensions_mut().insert(address);
        }
        request
    };
    let service = ServiceBuilder::new().map_request(locate).service(router);
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
}

async fn asked_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals cannot be heard; the server stops only by force");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
