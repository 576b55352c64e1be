//! An HTTP/1.1 origin on loopback that serves a shelf.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use galerra_cdn::conformance::Shelf;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Serves until the runtime ends; answers the port.
pub(crate) async fn serve(shelf: Arc<Shelf>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, Arc::clone(&shelf)));
        }
    });
    port
}

async fn connection(stream: TcpStream, shelf: Arc<Shelf>) {
    stream.set_nodelay(true).ok();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let answer = shelf.answer(&request.map(|_| Bytes::new())).map(Full::new);
        async { Ok::<_, Infallible>(answer) }
    });
    // A visitor who hangs up is no failure of the origin.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}
