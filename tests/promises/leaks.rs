//! Nothing leaks: everything is asked for as everyone, in every representation, through every door.

use async_trait::async_trait;
use bytes::Bytes;
use galerra::cdn::{HttpTransport, Transport};
use galerra::testkit::{Cast, Door, Matrix, Routed, leak_matrix};
use galerra::{Email, NewAccount, Plan, Username};
use http::{HeaderMap, Request, Response};

use crate::client::Client;
use crate::embed_axum;
use crate::nginx::Nginx;
use crate::server::{Server, free_port};
use crate::stage::Stage;
use crate::varnish::Varnishd;

fn headers(name: &'static str, value: &str) -> HeaderMap {
    [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect()
}

fn bearer(key: &str) -> HeaderMap {
    headers("authorization", &format!("Bearer {key}"))
}

async fn cast(operator: &Client) -> Cast {
    let owner = operator.account("ada", "pro").await;
    let stranger = operator.account("bob", "pro").await;
    Cast {
        mount: String::new(),
        owner: bearer(&owner.bearer()),
        stranger: bearer(&stranger.bearer()),
        operator: Some(bearer(&operator.bearer())),
    }
}

fn assert_tight(matrix: &Matrix) {
    println!("{}", matrix.cells);
    assert!(matrix.leaks.is_empty(), "{matrix}");
    assert!(matrix.cells > 5000, "{}", matrix.cells);
}

#[tokio::test]
async fn nothing_leaks_from_the_router() {
    let stage = Stage::new();
    let door = Routed(stage.boot().with_public_url("https://photos.example".parse().unwrap()).router());
    assert_tight(&leak_matrix(&door, &cast(&stage.operator()).await).await.unwrap());
}

/// The host of the example, with users of its own and a prefix.
#[tokio::test]
async fn nothing_leaks_from_a_host() {
    let galerra = Stage::new().boot().with_mount("/photos");
    let mut users = Vec::new();
    for name in ["ada", "bob"] {
        let new = NewAccount {
            username: Username::parse(name).unwrap(),
            email: Email::parse(&format!("{name}@example.org")).unwrap(),
            plan: Plan::Pro,
        };
        users.push((name.to_owned(), galerra.engine().create_account(&new).await.unwrap().0.id));
    }
    let door = Routed(embed_axum::app(&galerra, users));
    let cast = Cast {
        mount: "/photos".to_owned(),
        owner: headers("x-user", "ada"),
        stranger: headers("x-user", "bob"),
        operator: None,
    };
    assert_tight(&leak_matrix(&door, &cast).await.unwrap());
}

/// A port of this machine.
struct Port(String, HttpTransport);

impl Port {
    fn of(port: u16) -> Self {
        Self(format!("http://127.0.0.1:{port}"), HttpTransport::new())
    }
}

#[async_trait]
impl Door for Port {
    async fn send(&self, mut request: Request<Bytes>) -> Response<Bytes> {
        *request.uri_mut() = format!("{}{}", self.0, request.uri()).parse().unwrap();
        self.1.send(request).await.expect("an answer")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_the_server_nor_through_varnish() {
    let (port, data) = (free_port(), tempfile::tempdir().unwrap());
    let edge = Varnishd::start(port);
    let cdn = edge.as_ref().map_or(String::new(), |edge| format!("varnish://127.0.0.1:{}", edge.port()));
    let server = Server::start(data.path(), port, &[("GALERRA_CDN", cdn)]);
    let through = edge.as_ref().map_or(server.port, Varnishd::port);
    assert_tight(&leak_matrix(&Port::of(through), &cast(&server.operator()).await).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_through_nginx() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let (port, data) = (free_port(), tempfile::tempdir().unwrap());
    let Some(edge) = Nginx::start(port, SECRET) else { return };
    let server = Server::start(data.path(), port, &[("GALERRA_SIGNING_KEY", SECRET.to_owned())]);
    let matrix = leak_matrix(&Port::of(edge.port()), &cast(&server.operator()).await).await.unwrap();
    // Nobody asks it to forget here: what was public stays in it for as long as it was told that it may.
    let stale = |leak: &galerra::testkit::Leak| leak.request.starts_with("GET /i/");
    assert!(matrix.leaks.iter().all(|leak| stale(leak) && leak.what.starts_with("given")), "{matrix}");
    assert!(matrix.cells > 5000);
}
