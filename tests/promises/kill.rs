//! `kill -9` at random moments of uploads and erasures: after the restart every upload is whole or absent,
//! and every erasure that was promised finishes.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::client::{Client, text};
use crate::photos;
use crate::server::{Server, eventually};

const ROUNDS: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_and_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("GALERRA_WRITE_LEASE", "1".to_owned())];
    let mut server = Server::start(data.path(), 0, &settings);
    let ada = server.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let mut promised = BTreeSet::new();
    for round in 0..ROUNDS {
        let client = ada.at(server.port);
        let pictures: Vec<Bytes> =
            (0..4).map(|nth| photos::generated(u32::try_from(round * 10 + nth).unwrap(), 900, 600)).collect();
        let work = tokio::spawn(upload_and_erase(client, gallery.clone(), pictures));
        tokio::time::sleep(moment(round)).await;
        server.kill();
        promised.extend(work.await.unwrap());
        server = Server::start(data.path(), 0, &settings);
        check_whole(&ada.at(server.port), &gallery).await;
    }
    let client = ada.at(server.port);
    for erasure in &promised {
        let path = format!("/api/v1/erasures/{erasure}/receipt");
        eventually("an erasure finishes", async || client.get(&path).await.status == 200).await;
    }
    println!("{} erasures were promised and all have receipts", promised.len());
    let expected = check_whole(&client, &gallery).await;
    eventually("only bytes of whole images are left", async || count(&data.path().join("blobs")) == expected)
        .await;
}

/// When to kill: spread over the work of a round, another one every time.
fn moment(round: u64) -> Duration {
    let spread = std::collections::hash_map::RandomState::new();
    let dice = std::hash::BuildHasher::hash_one(&spread, round);
    let millis = 5 + dice % 700;
    println!("round {round}: killed after {millis} ms");
    Duration::from_millis(millis)
}

/// Uploads, and erases every other image, until the server is gone; answers the erasures it promised.
async fn upload_and_erase(client: Client, gallery: String, pictures: Vec<Bytes>) -> Vec<String> {
    let mut promised = Vec::new();
    for nth in 0.. {
        let path = format!("/api/v1/galleries/{gallery}/images");
        let picture = pictures[nth % pictures.len()].clone();
        let Ok(answer) = client.try_send(Method::POST, &path, "image/png", picture).await else { break };
        if nth % 2 == 0 {
            continue;
        }
        let path = format!("/api/v1/images/{}?permanent=true", text(&answer.expect(201), "id"));
        let Ok(answer) = client.try_send(Method::DELETE, &path, "", Bytes::new()).await else { break };
        promised.push(text(&answer.expect(202), "erasure"));
    }
    promised
}

/// Every image that is listed is whole; answers how many files whole images have.
async fn check_whole(client: &Client, gallery: &str) -> usize {
    let listed = client.get(&format!("/api/v1/galleries/{gallery}/images?limit=200")).await.expect(200);
    let mut files = 0;
    for image in listed["items"].as_array().unwrap() {
        let renditions = image["renditions"].as_array().unwrap();
        files += renditions.len() + 1;
        for rendition in renditions {
            let answer = client.get(&text(rendition, "url")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.len() as u64),
                (200, rendition["bytes"].as_u64().unwrap())
            );
        }
        let original = client.get(&format!("/api/v1/images/{}/original", text(image, "id"))).await;
        assert_eq!(
            (original.status.as_u16(), original.body.len() as u64),
            (200, image["bytes"].as_u64().unwrap())
        );
    }
    files
}

/// How many files are in a folder of blobs; the ledger and the log are the service's own.
fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let own = |name: &std::ffi::OsStr| name == "ledger" || name == "log";
    entries
        .flatten()
        .filter(|entry| !own(&entry.file_name()))
        .map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 })
        .sum()
}
