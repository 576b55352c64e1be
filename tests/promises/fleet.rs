//! A real fleet: three Varnish and two nginx in front of a real server. One edge is off while things are deleted and comes
//! back with its copies on its disk; the server is killed twice meanwhile. `GALERRA_FLEET` says how many pictures the
//! gallery has that is deleted, `GALERRA_FLEET_ACCOUNT` how many the account has.

mod doomed;
mod edges;
mod purge_log;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::nginx::Nginx;
use crate::server::{Server, free_port, within};
use crate::walk::found;
use doomed::Doomed;
use edges::Fleet;

/// An early purge, and the two that count.
const PURGES: usize = 3;
/// How often the server is killed while it deletes. What it was about to note of a purge is lost, and it purges again.
const KILLS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn no_edge_of_a_real_fleet_serves_what_was_deleted() {
    let port = free_port();
    let Some(fleet) = Fleet::start(port).await else { return };
    let data = tempfile::tempdir().unwrap();
    let settings = [("GALERRA_CDN", fleet.setting())];
    let server = Server::start(data.path(), port, &settings);
    let (ada, bob) =
        (server.operator().account("ada", "free").await, server.operator().account("bob", "free").await);
    let mut gallery = Doomed::gallery(&ada, size("GALERRA_FLEET", 24)).await;
    let account = Doomed::account(&bob, size("GALERRA_FLEET_ACCOUNT", 40)).await;
    let image = gallery.take_one();
    let doomed = [&image, &gallery, &account];
    let paths: Vec<String> = doomed.iter().flat_map(|doomed| doomed.paths()).collect();
    println!("{} addresses are visited at each edge", paths.len());
    assert_eq!(fleet.serves(&paths).await, paths.len() * fleet.len());
    assert!(fleet.nginx.iter().all(keeps_a_copy));

    fleet.nginx[1].stop();
    let began = Instant::now();
    let one = image.delete(&ada).await;
    let all = gallery.delete(&ada).await;
    let whole = account.delete(&bob).await;
    println!("three deletions were answered within {:?}", began.elapsed());
    server.kill();
    let server = Server::start(data.path(), port, &settings);
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.kill();
    let server = Server::start(data.path(), port, &settings);
    for erasure in [&one, &all] {
        waits_for_the_last_edge(&ada, erasure).await;
    }
    fleet.nginx[1].run().unwrap();

    // Nobody can sign in to an account that is gone: the erasure's id is the key to its receipt.
    for (doomed, erasure, owner) in
        [(&image, &one, &ada), (&gallery, &all, &ada), (&account, &whole, &ada.stranger())]
    {
        has_receipt(owner, erasure, doomed.count()).await;
        println!("{}: proven gone within {:?}", doomed.what, began.elapsed());
    }
    assert_eq!(bob.get("/api/v1/account").await.status, 401);
    assert_eq!(fleet.serves(&paths).await, 0);
    assert!(!fleet.nginx.iter().any(keeps_a_copy), "nor is there one on a disk");
    costs(&fleet, &doomed, PURGES + KILLS).await;
    assert!(server.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_costs_a_varnish_the_same_however_much_goes() {
    let port = free_port();
    let Some(fleet) = Fleet::start(port).await else { return };
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), port, &[("GALERRA_CDN", fleet.setting())]);
    let (ada, bob) =
        (server.operator().account("ada", "free").await, server.operator().account("bob", "free").await);
    let galleries = [Doomed::gallery(&ada, 1).await, Doomed::gallery(&ada, 16).await];
    let account = Doomed::account(&bob, 12).await;
    for gallery in &galleries {
        let erasure = gallery.delete(&ada).await;
        has_receipt(&ada, &erasure, gallery.count()).await;
    }
    let erasure = account.delete(&bob).await;
    has_receipt(&ada.stranger(), &erasure, account.count()).await;
    costs(&fleet, &[&galleries[0], &galleries[1], &account], PURGES).await;
    assert!(server.stop());
}

/// Whether there is a file in the cache of an nginx.
fn keeps_a_copy(edge: &Nginx) -> bool {
    found(&edge.folder().join("cache"), b"KEY: ")
}

/// A number that the environment names.
fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|count| count.parse().ok()).unwrap_or(default)
}

/// Waits until every edge is proven clean but the last, without which there is no receipt.
async fn waits_for_the_last_edge(client: &Client, erasure: &str) {
    let path = format!("/api/v1/erasures/{erasure}");
    let are_clean = |shown: &Value| {
        let edges = shown["targets"].as_array().unwrap()[2..].iter();
        edges.map(|edge| edge["state"] == "verified").collect::<Vec<_>>() == [true, true, true, true, false]
    };
    within(10, "the other edges are clean", async || are_clean(&client.get(&path).await.expect(200))).await;
    assert_eq!(client.get(&format!("{path}/receipt")).await.status, 404, "an edge is off");
}

/// Waits for a receipt that verifies offline and says that every edge is clean.
async fn has_receipt(client: &Client, erasure: &str, images: usize) {
    let path = format!("/api/v1/erasures/{erasure}/receipt");
    within(10 + images / 100, "a receipt", async || client.get(&path).await.status == 200).await;
    assert_eq!(client.receipt(&path).await["level"], "edges-verified");
}

/// What was deleted cost each Varnish so many requests at the most, and each nginx two for each image at the least.
async fn costs(fleet: &Fleet, deleted: &[&Doomed], most: usize) {
    for (nth, told) in fleet.told().await.iter().enumerate() {
        let kind = if fleet.is_varnish(nth) { "Varnish" } else { "nginx" };
        for doomed in deleted {
            let purges = told.iter().filter(|line| doomed.is_meant_by(line)).count();
            let images = u32::try_from(doomed.count()).unwrap();
            let each = f64::from(u32::try_from(purges).unwrap()) / f64::from(images);
            println!("edge {nth}, {kind}: {}: {purges} purges, {each:.3} for each image", doomed.what);
            let range = if fleet.is_varnish(nth) { 2..=most } else { 2 * doomed.count()..=usize::MAX };
            assert!(range.contains(&purges), "edge {nth}, {kind}: {purges} purges for {}", doomed.what);
        }
    }
}
