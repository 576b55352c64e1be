//! The HTTP transport against servers that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use galerra_cdn::{
    Cdn, HttpTransport, Nginx, Probe, Purge, Remote, Tag, Transport, TransportError, Varnish, Verdict,
};
use http::{Request, Response};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers each connection with these bytes and then says no more.
async fn server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            // The first byte of a request is enough to answer it.
            stream.read_u8().await.ok();
            stream.write_all(answer.as_bytes()).await.ok();
            open.push(stream);
        }
    });
    port
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).expect("a request")
}

fn edge(port: u16) -> Remote<Varnish> {
    let varnish = Varnish::from_url(&format!("varnish://127.0.0.1:{port}")).expect("a Varnish URL");
    Remote::new(varnish, Arc::new(HttpTransport::new().with_deadline(Duration::from_millis(200))))
}

fn probe() -> Probe {
    Probe { path: "/a".into(), sha256: String::new(), gated: OffsetDateTime::UNIX_EPOCH, successor: None }
}

fn purge() -> Purge {
    Purge::tag(Tag::parse("i-1").expect("a tag"))
}

#[tokio::test]
async fn a_silent_server_times_out() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"] {
        let edge = edge(server(answer).await);
        let start = Instant::now();
        assert!(edge.purge(&purge()).await.is_err_and(|error| error.is_transient()));
        let seen = edge.probe(&probe()).await.expect("a sighting");
        assert_eq!((seen.verdict, seen.status), (Verdict::Inconclusive, 0));
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn nobody_there_is_transient_and_inconclusive() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let edge = edge(listener.local_addr().expect("an address").port());
    drop(listener);
    let error = edge.purge(&purge()).await.expect_err("nobody there");
    assert!(error.is_transient() && error.to_string().contains("refused"), "{error}");
    assert_eq!(edge.probe(&probe()).await.expect("a sighting").verdict, Verdict::Inconclusive);
}

#[tokio::test]
async fn a_server_that_is_no_varnish_refuses_for_good() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n",
    ] {
        let error = edge(server(answer).await).purge(&purge()).await.expect_err("no purge");
        assert!(!error.is_transient(), "{error}");
    }
}

/// A network that forgets in its own time, and counts how many requests are under way at once.
#[derive(Debug, Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Transport for Crowd {
    async fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Response::builder().header("x-purge", "path").body(Bytes::new()).expect("a response"))
    }
}

#[tokio::test]
async fn a_purge_of_many_paths_is_no_flood() {
    let crowd = Arc::new(Crowd::default());
    let nginx = Nginx::from_url("nginx://127.0.0.1:8201").expect("an nginx URL");
    let many = purge().with_paths((0..100).map(|n| format!("/{n}")));
    let ticket = Remote::new(nginx, Arc::clone(&crowd) as Arc<dyn Transport>).purge(&many).await;
    assert_eq!(ticket.expect("accepted").0, "purged-100");
    assert_eq!(crowd.most.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn a_body_is_bounded() {
    let port = server("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789").await;
    let url = format!("http://127.0.0.1:{port}/");
    let exact = HttpTransport::new().with_body_max(10).send(get(&url)).await;
    assert_eq!(exact.expect("an answer").body(), "0123456789");
    let error = HttpTransport::new().with_body_max(9).send(get(&url)).await.expect_err("too long");
    assert_eq!(error, TransportError::TooLarge(9));
}

#[tokio::test]
async fn https_is_refused_clearly() {
    let error = HttpTransport::new().send(get("https://127.0.0.1/")).await.expect_err("no TLS");
    assert_eq!(error, TransportError::Unsupported("https".into()));
}
