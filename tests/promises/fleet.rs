//! A real fleet: three Varnish and two nginx in front of a real server. One edge is off while things are deleted and comes
//! back with its copies on its disk; the server is killed twice meanwhile. `GALERRA_FLEET` says how many pictures there are.

use std::time::{Duration, Instant};

use crate::client::{Client, text};
use crate::nginx::Nginx;
use crate::photos;
use crate::server::{Server, eventually, free_port};
use crate::stage::erase;
use crate::varnish::Varnishd;

#[tokio::test(flavor = "multi_thread")]
async fn no_edge_of_a_real_fleet_serves_what_was_deleted() {
    let count: usize = std::env::var("GALERRA_FLEET").ok().and_then(|count| count.parse().ok()).unwrap_or(30);
    let port = free_port();
    let varnish: Option<Vec<_>> = (0..3).map(|_| Varnishd::start(port)).collect();
    let nginx: Option<Vec<_>> = (0..2).map(|_| Nginx::start(port, "a secret of the fleet")).collect();
    let (Some(varnish), Some(nginx)) = (varnish, nginx) else { return };
    let mut cdns: Vec<String> =
        varnish.iter().map(|edge| format!("varnish://127.0.0.1:{}", edge.port())).collect();
    cdns.extend(nginx.iter().map(|edge| format!("nginx://127.0.0.1:{}", edge.port())));
    let mut edges: Vec<u16> = varnish.iter().map(Varnishd::port).collect();
    edges.extend(nginx.iter().map(Nginx::port));
    let settings = [("GALERRA_CDN", cdns.join(","))];
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), port, &settings);
    let ada = server.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let mut images = Vec::new();
    for nth in 0..count {
        let picture = photos::generated(u32::try_from(nth).unwrap(), 320, 240);
        images.push(ada.upload(&gallery, picture).await);
    }
    let mut paths = Vec::new();
    for image in &images {
        for rendition in image["renditions"].as_array().unwrap() {
            paths.push(
                url::Url::parse(&text(rendition, "url"))
                    .map_or_else(|_| text(rendition, "url"), |url| url.path().to_owned()),
            );
        }
    }
    let clients: Vec<Client> =
        edges.iter().map(|port| Client::net(&format!("http://127.0.0.1:{port}"))).collect();
    for client in &clients {
        for path in &paths {
            assert_eq!(client.get(path).await.status, 200, "{path}");
        }
    }

    nginx[1].stop();
    let image = text(&images[0], "id");
    let gate = Instant::now();
    let one = erase(&ada, &format!("/api/v1/images/{image}")).await;
    let gated = gate.elapsed();
    let began = Instant::now();
    let all = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
    server.kill();
    let server = Server::start(data.path(), port, &settings);
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.kill();
    let server = Server::start(data.path(), port, &settings);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(ada.get(&format!("/api/v1/erasures/{all}/receipt")).await.status, 404, "an edge is off");
    nginx[1].run().unwrap();

    for erasure in [&one, &all] {
        let receipt = format!("/api/v1/erasures/{erasure}/receipt");
        eventually("a receipt", async || ada.get(&receipt).await.status == 200).await;
        assert_eq!(ada.receipt(&receipt).await["level"], "edges-verified");
    }
    println!(
        "{count} pictures, {} addresses: gated in {gated:?}, proven gone in {:?}",
        paths.len(),
        began.elapsed()
    );
    for (client, port) in clients.iter().zip(&edges) {
        for path in &paths {
            assert_ne!(client.get(path).await.status, 200, "{port} {path}");
        }
    }
    assert!(server.stop());
}
