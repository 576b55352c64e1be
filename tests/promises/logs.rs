//! Secrets are in no log, however much is logged.

use std::io::{Read, Write};
use std::path::Path;

use http::Method;
use serde_json::json;

use crate::client::{Client, text};
use crate::photos;
use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_log() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = Server::start_logging(data.path(), &log, &[("GALERRA_LOG", "trace".to_owned())]);
    let operator = server.operator();
    let ada = operator.account("ada", "pro").await;
    let gallery = ada.gallery("CANARY-TITLE", "private").await;
    let path = format!("/api/v1/galleries/{gallery}/images?title=CANARY-TITLE&name=CANARY-NAME");
    let image = ada.send(Method::POST, &path, "image/png", photos::small(1)).await.expect(201);
    let terms = json!({"password": "CANARY-PASSWORD", "recipient": "CANARY-NAME", "label": "CANARY-TITLE"});
    let share = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &terms).await.expect(201);
    let link = text(&share, "url");
    let link = &link[link.find("/s/").unwrap()..];
    let stranger = operator.stranger();
    for password in ["CANARY-WRONG", "CANARY-PASSWORD"] {
        let said = json!({"password": password}).to_string();
        stranger.send(Method::POST, link, "application/json", said).await;
    }
    let said = json!({"password": "CANARY-PASSWORD"}).to_string();
    let program = stranger.with("accept", "application/json");
    let told = program.send(Method::POST, link, "application/json", said).await.expect(200);
    let pass = text(&told, "pass");
    let thumb = text(&image["renditions"][0], "url");
    assert_eq!(stranger.get(&format!("{thumb}?pass={pass}")).await.status, 200);
    assert_eq!(stranger.with("cookie", &format!("galerra-x={pass}")).get(&thumb).await.status, 200);
    // What fails is logged most of all.
    for wrong in [format!("/s/{}x", &link[3..]), format!("/api/v1/images/{pass}"), format!("/nowhere/{pass}")]
    {
        stranger.get(&wrong).await;
        ada.post(&wrong, &terms).await;
    }
    broken(&stranger, link).await;
    cut_off(server.port, link);
    let (key, token) = (ada.bearer(), link[3..].to_owned());
    assert!(server.stop());
    let logged = std::fs::read(&log).unwrap();
    assert!(memchr::memmem::find(&logged, b"a connection broke off").is_some(), "there is a log");
    for secret in [key.as_str(), &token, &pass, &operator.bearer(), "CANARY", "ada@example.org"] {
        assert!(memchr::memmem::find(&logged, secret.as_bytes()).is_none(), "{secret} is in the log");
    }
    assert!(!crate::walk::found(&data.path().join("blobs"), token.as_bytes()));
    for secret in [key.as_str(), &token, &pass, "CANARY-PASSWORD"] {
        assert!(!stored(data.path(), secret), "{secret} is stored");
    }
}

/// Bodies that cannot be read.
async fn broken(client: &Client, link: &str) {
    for body in ["{", "{\"password\": 7}", "\u{0}"] {
        client.send(Method::POST, link, "application/json", body).await;
    }
}

/// A request that breaks off: what becomes of its connection is logged.
fn cut_off(port: u16, link: &str) {
    let mut connection = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(connection, "GET {link} HTTP/7.3\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
}

fn stored(folder: &Path, secret: &str) -> bool {
    ["records.sqlite", "records.sqlite-wal"].iter().any(|file| {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_default();
        memchr::memmem::find(&bytes, secret.as_bytes()).is_some()
    })
}
