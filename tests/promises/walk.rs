//! The whole way of real photographs through the real server, behind a real Varnish where there is one: in,
//! seen, shared, erased; and afterwards no byte of them anywhere.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use memchr::memmem;
use serde_json::json;

use crate::client::{Client, text};
use crate::photos;
use crate::server::{Server, eventually, free_port};
use crate::varnish::Varnishd;

const TITLE: &str = "CANARY-TITLE-6f1d";
const NAME: &str = "CANARY-NAME-6f1d";

#[tokio::test(flavor = "multi_thread")]
async fn twenty_photographs_on_sqlite() {
    let data = tempfile::tempdir().unwrap();
    walk(data.path(), Vec::new(), Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_photographs_on_postgresql() {
    let Some(url) = std::env::var("GALERRA_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
        assert!(std::env::var_os("CI").is_none(), "GALERRA_TEST_POSTGRES is not set");
        println!("skipped: GALERRA_TEST_POSTGRES is not set");
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let database = format!("walk_{}", std::process::id());
    execute(&url, &format!("CREATE DATABASE {database}")).await;
    let mut own: url::Url = url.parse().unwrap();
    own.set_path(&database);
    walk(data.path(), vec![("GALERRA_RECORDS", own.to_string())], Database::Postgres(own.to_string())).await;
    execute(&url, &format!("DROP DATABASE {database}")).await;
}

enum Database {
    Sqlite,
    Postgres(String),
}

impl Database {
    /// Whether a text is in any file of the folder, or in any row.
    async fn holds(&self, data: &Path, text: &str) -> bool {
        match self {
            Self::Sqlite => found(data, text.as_bytes()),
            Self::Postgres(url) => {
                let rows = format!("SELECT count(*) FROM galerra.records WHERE value::text LIKE '%{text}%'");
                query(url, &rows).await > 0
            }
        }
    }
}

async fn walk(data: &Path, mut settings: Vec<(&'static str, String)>, database: Database) {
    let port = free_port();
    let edge = Varnishd::start(port);
    if let Some(edge) = &edge {
        settings.push(("GALERRA_CDN", format!("varnish://127.0.0.1:{}", edge.port())));
        settings.push(("GALERRA_CDN_URL", format!("http://127.0.0.1:{}", edge.port())));
    }
    let server = Server::start(data, port, &settings);
    let operator = server.operator();
    let ada = operator.account("ada", "pro").await;
    let stranger = Client::net(&format!("http://127.0.0.1:{port}"));

    let pictures = photos::twenty(NAME);
    let public = ada.gallery(TITLE, "public").await;
    let made = ada.form(&public, &pictures).await.expect(201);
    assert_eq!((made["images"].as_array().unwrap().len(), &made["refused"]), (20, &json!([])));
    let private = ada.gallery(TITLE, "private").await;
    let secret = ada.upload(&private, pictures[0].1.clone()).await;

    let listed = stranger.get(&format!("/api/v1/galleries/{public}/images?limit=50")).await.expect(200);
    let listed = listed["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 20);
    let mut needles = vec![Bytes::from_static(TITLE.as_bytes()), Bytes::from_static(NAME.as_bytes())];
    needles.extend(pictures.iter().map(|(_, bytes)| middle(bytes)));
    let mut urls = Vec::new();
    for image in &listed {
        for rendition in image["renditions"].as_array().unwrap() {
            let url = text(rendition, "url");
            let answer = stranger.get(&url).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.len() as u64),
                (200, rendition["bytes"].as_u64().unwrap())
            );
            needles.push(middle(&answer.body));
            urls.push(url);
        }
    }
    if let Some(url) = urls.first().filter(|_| edge.is_some()) {
        assert!(stranger.get(url).await.header("cache-status").contains("; hit"), "Varnish holds the image");
    }
    assert!(
        needles.iter().skip(2).all(|needle| found(data, needle)),
        "every byte is there before it is erased"
    );
    for canary in [TITLE, NAME] {
        assert!(database.holds(data, canary).await, "{canary} is there before it is erased");
    }

    share_and_revoke(&ada, &stranger, &private, &secret).await;

    let first = text(&listed[0], "id");
    let image = crate::stage::erase(&ada, &format!("/api/v1/images/{first}")).await;
    assert_eq!(stranger.get(&format!("/i/{first}/thumb.jpg")).await.problem(410), "gone");
    let gallery = crate::stage::erase(&ada, &format!("/api/v1/galleries/{public}")).await;
    let other = crate::stage::erase(&ada, &format!("/api/v1/galleries/{private}")).await;
    for erasure in [&image, &gallery, &other] {
        let receipt = format!("/api/v1/erasures/{erasure}/receipt");
        eventually("a receipt", async || ada.get(&receipt).await.status == 200).await;
        let receipt = ada.receipt(&receipt).await;
        let level = if edge.is_some() { "edges-verified" } else { "stores-empty" };
        assert_eq!(receipt["level"], level, "{receipt}");
    }
    for url in &urls {
        assert_eq!(stranger.get(url).await.status, 410, "{url}");
    }
    for canary in [TITLE, NAME] {
        eventually("no text is left", async || !database.holds(data, canary).await).await;
    }
    eventually("no byte is left in the folder", async || !needles.iter().any(|needle| found(data, needle)))
        .await;
    assert!(server.stop(), "the server stops well when it is asked to");
    assert!(!needles.iter().any(|needle| found(data, needle)));
}

/// A link opens the private gallery and its bytes, and is dead at once when it is revoked.
async fn share_and_revoke(ada: &Client, stranger: &Client, gallery: &str, image: &serde_json::Value) {
    let share = ada
        .post(&format!("/api/v1/galleries/{gallery}/shares"), &json!({"label": "friends"}))
        .await
        .expect(201);
    let opened = stranger.get(&text(&share, "url")).await;
    assert_eq!(opened.status, 303);
    let guest = stranger.with("cookie", opened.header("set-cookie").split(';').next().unwrap());
    let thumb = text(&image["renditions"][0], "url");
    assert_eq!(stranger.get(&thumb).await.status, 404);
    assert_eq!(guest.get(opened.header("location")).await.status, 200);
    assert_eq!(guest.get(&thumb).await.status, 200);
    ada.delete(&format!("/api/v1/shares/{}", text(&share, "id"))).await.expect(204);
    assert_eq!(guest.get(&thumb).await.status, 404);
    assert_eq!(stranger.get(&text(&share, "url")).await.status, 404);
}

/// Some bytes from the middle of a file: where no header makes files alike.
fn middle(bytes: &Bytes) -> Bytes {
    let at = bytes.len() / 2;
    bytes.slice(at..(at + 48).min(bytes.len()))
}

/// Whether any file of the folder holds the bytes.
pub fn found(folder: &Path, needle: &[u8]) -> bool {
    files(folder)
        .iter()
        .any(|file| std::fs::read(file).is_ok_and(|bytes| memmem::find(&bytes, needle).is_some()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn execute(url: &str, sql: &str) {
    connect(url).await.batch_execute(sql).await.unwrap();
}

async fn query(url: &str, sql: &str) -> i64 {
    connect(url).await.query_one(sql, &[]).await.unwrap().get(0)
}
