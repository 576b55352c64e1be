//! "Delete your account and data", "standard cache purge procedures complete within 24 to 48 hours": gone from
//! every store and every edge, in time, with a receipt that exists only when that was seen.

use bytes::Bytes;
use galerra::cdn::{Fault, Place, Tag};
use galerra::storage::{Call, Fault as StoreFault};
use http::Request;
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

/// A public gallery with one image that every edge holds.
struct Scene {
    stage: Stage,
    ada: Client,
    gallery: String,
    image: String,
    thumb: String,
}

async fn scene(stage: Stage) -> Scene {
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("CANARY-TITLE", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let thumb = text(&image["renditions"][0], "url");
    let scene = Scene { image: text(&image, "id"), stage, ada, gallery, thumb };
    for cdn in &scene.stage.cdns {
        for edge in cdn.edges() {
            assert_eq!(cdn.serve_at(edge, ask(&scene.thumb)).await.status(), 200);
        }
        assert!(cdn.held(&scene.tag()) > 0, "the edges hold the image before it is erased");
    }
    scene
}

impl Scene {
    fn tag(&self) -> Tag {
        Tag::parse(format!("i-{}", &self.image[4..])).unwrap()
    }

    fn held(&self) -> usize {
        self.stage.cdns.iter().map(|cdn| cdn.held(&self.tag())).sum()
    }

    async fn receipt(&self, erasure: &str) -> serde_json::Value {
        self.ada.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await
    }
}

fn ask(path: &str) -> Request<Bytes> {
    Request::builder().uri(path).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn an_erased_image_is_gone_from_stores_and_edges() {
    let scene = scene(Stage::new().behind(|cdn| cdn.with_edges(3).with_shield())).await;
    let path = format!("/api/v1/images/{}", scene.image);
    let erasure = erase(&scene.ada, &path).await;
    assert_eq!(scene.ada.get(&scene.thumb).await.problem(410), "gone");
    assert_eq!(scene.ada.get(&scene.thumb).await.header("cache-control"), "private, no-store");
    assert_eq!(scene.ada.with("if-none-match", "*").get(&scene.thumb).await.status, 410);
    let listed = scene.ada.get(&format!("/api/v1/galleries/{}/images", scene.gallery)).await.expect(200);
    assert_eq!(listed["items"], serde_json::json!([]));

    let took = scene.stage.until_done(&scene.ada, &erasure).await;
    assert!(took < Duration::hours(1), "{took}");
    assert_eq!(scene.held(), 0);
    assert!(!scene.stage.blobs.contains(&photos::small(1)[5000..5100]));
    let receipt = scene.receipt(&erasure).await;
    assert_eq!(receipt["level"], "edges-verified");
    assert_eq!(receipt["in_time"], true);
    assert_eq!(receipt["evidence"]["stores"][1]["step"]["removed"], 3);
    assert_eq!(receipt["evidence"]["edges"][0]["step"]["step"], "verified");
    assert_eq!(receipt["evidence"]["edges"][0]["step"]["probes"], 4);
    assert_eq!(scene.ada.get(&scene.thumb).await.status, 410);
}

#[tokio::test]
async fn deleting_twice_is_one_erasure() {
    let scene = scene(Stage::new()).await;
    let path = format!("/api/v1/images/{}", scene.image);
    let erasure = erase(&scene.ada, &path).await;
    assert_eq!(erase(&scene.ada, &path).await, erasure);
    scene.stage.until_done(&scene.ada, &erasure).await;
    assert_eq!(scene.ada.delete(&format!("{path}?permanent=true")).await.status, 410);
    assert_eq!(scene.receipt(&erasure).await["level"], "stores-empty");
}

#[tokio::test]
async fn a_gallery_goes_with_everything_in_it() {
    let scene = scene(Stage::new().behind(|cdn| cdn)).await;
    for seed in 2..8 {
        scene.ada.upload(&scene.gallery, photos::small(seed)).await;
    }
    let erasure = erase(&scene.ada, &format!("/api/v1/galleries/{}", scene.gallery)).await;
    assert_eq!(scene.ada.get(&scene.thumb).await.status, 410);
    assert_eq!(scene.ada.get(&format!("/g/{}", scene.gallery)).await.status, 410);
    assert_eq!(scene.ada.get("/api/v1/galleries").await.expect(200)["items"], serde_json::json!([]));
    scene.stage.until_done(&scene.ada, &erasure).await;
    assert_eq!(scene.held(), 0);
    assert!(!scene.stage.records.contains(b"CANARY"));
    assert!(!scene.stage.blobs.contains(&photos::small(5)[5000..5100]));
    assert_eq!(scene.stage.cdns[0].purges().len(), 3, "an early purge and two counted ones, each by one tag");
    assert_eq!(scene.receipt(&erasure).await["evidence"]["edges"][0]["step"]["probes"], 7 * 2 * 2);
}

#[tokio::test]
async fn an_account_goes_with_everything_it_owns() {
    let stage = Stage::new();
    let (ada, bob) =
        (stage.operator().account("ada", "pro").await, stage.operator().account("bob", "pro").await);
    for (client, seed) in [(&ada, 1), (&bob, 2)] {
        let gallery = client.gallery("CANARY-TITLE", "private").await;
        client.upload(&gallery, photos::small(seed)).await;
        client
            .post(
                &format!("/api/v1/galleries/{gallery}/shares"),
                &serde_json::json!({"label": "CANARY-LABEL"}),
            )
            .await
            .expect(201);
    }
    let gone = ada.delete("/api/v1/account").await.expect(202);
    for path in ["/api/v1/account", "/api/v1/galleries"] {
        assert_eq!(ada.get(path).await.problem(401), "unauthenticated");
    }
    let stranger = stage.stranger();
    stage.until_done(&stranger, &text(&gone, "erasure")).await;
    let photo = |seed| photos::small(seed).slice(5000..5100);
    assert!(!stage.records.contains(b"ada@example.org"));
    assert!(!stage.blobs.contains(&photo(1)));
    assert!(stage.records.contains(b"bob@example.org") && stage.blobs.contains(&photo(2)));
    stage.operator().account("ada", "free").await;
}

#[tokio::test]
async fn a_gallery_and_its_image_and_its_account_are_erased_side_by_side() {
    let scene = scene(Stage::new().behind(|cdn| cdn)).await;
    scene.ada.upload(&scene.gallery, photos::small(2)).await;
    let image = erase(&scene.ada, &format!("/api/v1/images/{}", scene.image)).await;
    let gallery = erase(&scene.ada, &format!("/api/v1/galleries/{}", scene.gallery)).await;
    let account = text(&scene.ada.delete("/api/v1/account").await.expect(202), "erasure");
    let operator = scene.stage.operator();
    for erasure in [&account, &gallery, &image] {
        scene.stage.until_done(&operator, erasure).await;
    }
    let receipt = |erasure: String| {
        let operator = operator.clone();
        async move { operator.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await }
    };
    assert_eq!(
        receipt(image).await["evidence"]["edges"][0]["step"]["probes"],
        4,
        "a plan names its images itself"
    );
    assert!(receipt(gallery).await["evidence"]["edges"][0]["step"]["probes"].as_u64().unwrap() >= 4);
    assert_eq!(scene.held(), 0);
    assert!(!scene.stage.records.contains(b"CANARY"));
}

#[tokio::test]
async fn a_network_that_lies_never_gets_a_receipt() {
    let scene = scene(Stage::new().behind(|cdn| cdn)).await;
    scene.stage.cdns[0].fault_always(Fault::Lie);
    let erasure = erase(&scene.ada, &format!("/api/v1/images/{}", scene.image)).await;
    for _ in 0..100 {
        scene.stage.boot().engine().tick().await.unwrap();
        scene.stage.advance(Duration::minutes(5));
    }
    let shown = scene.ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
    assert_eq!(shown["state"], "edges");
    assert_eq!(shown["targets"][2]["evidence"]["attempts"]["latest"][31]["outcome"], "not-clean");
    assert!(scene.held() > 0);
    scene.stage.cdns[0].heal();
    scene.stage.until_done(&scene.ada, &erasure).await;
    assert_eq!(scene.held(), 0);
}

#[tokio::test]
async fn an_edge_that_was_down_is_not_forgotten() {
    let scene = scene(Stage::new().behind(|cdn| cdn.with_edges(2))).await;
    scene.stage.cdns[0].take_down(Place::Edge(1));
    let erasure = erase(&scene.ada, &format!("/api/v1/images/{}", scene.image)).await;
    for _ in 0..200 {
        scene.stage.boot().engine().tick().await.unwrap();
        scene.stage.advance(Duration::minutes(1));
    }
    assert_eq!(scene.ada.get(&format!("/api/v1/erasures/{erasure}/receipt")).await.status, 404);
    scene.stage.cdns[0].bring_up(Place::Edge(1));
    scene.stage.until_done(&scene.ada, &erasure).await;
    assert_eq!(scene.held(), 0);
}

#[tokio::test]
async fn a_store_that_fails_does_not_hold_the_edges() {
    let scene = scene(Stage::new().behind(|cdn| cdn)).await;
    scene.stage.blobs.fail(Call::Erase, StoreFault::Before);
    let erasure = erase(&scene.ada, &format!("/api/v1/images/{}", scene.image)).await;
    for _ in 0..100 {
        scene.stage.boot().engine().tick().await.unwrap();
        scene.stage.advance(Duration::minutes(1));
    }
    let shown = scene.ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
    assert_eq!(shown["targets"][2]["state"], "verified");
    assert_eq!(
        (&shown["targets"][1]["state"], &shown["receipt"]),
        (&"erasing".into(), &serde_json::Value::Null)
    );
    scene.stage.blobs.heal();
    scene.stage.until_done(&scene.ada, &erasure).await;
}

#[tokio::test]
async fn a_late_erasure_says_so_and_goes_on() {
    let scene = scene(Stage::new()).await;
    scene.stage.blobs.fail(Call::List, StoreFault::Before);
    let erasure = erase(&scene.ada, &format!("/api/v1/images/{}", scene.image)).await;
    scene.stage.advance(Duration::hours(49));
    scene.stage.boot().engine().tick().await.unwrap();
    let shown = scene.ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
    assert_eq!(shown["state"], "breached");
    scene.stage.blobs.heal();
    scene.stage.until_done(&scene.ada, &erasure).await;
    assert_eq!(scene.receipt(&erasure).await["in_time"], false);
    let events = scene.stage.boot().engine().events(None, 200).await.unwrap().items;
    let events = events.iter().map(|event| serde_json::to_value(event).unwrap());
    assert_eq!(events.filter(|event| event["event"] == "erasure-breached").count(), 1);
}

#[tokio::test]
async fn a_network_that_cannot_be_probed_is_bounded_by_time() {
    let scene = scene(Stage::new().behind(galerra::cdn::FakeCdn::without_probes)).await;
    let erasure = erase(&scene.ada, &format!("/api/v1/images/{}", scene.image)).await;
    scene.stage.until_done(&scene.ada, &erasure).await;
    let receipt = scene.receipt(&erasure).await;
    assert_eq!(receipt["level"], "ttl-bounded");
    assert_eq!(receipt["until"], "2026-03-02T12:02:00Z");
}

#[tokio::test]
async fn an_erasure_is_shown_to_whose_it_is() {
    let scene = scene(Stage::new()).await;
    let bob = scene.stage.operator().account("bob", "free").await;
    let erasure = erase(&scene.ada, &format!("/api/v1/images/{}", scene.image)).await;
    let path = format!("/api/v1/erasures/{erasure}");
    for (viewer, status) in
        [(&scene.ada, 200), (&scene.stage.operator(), 200), (&bob, 404), (&scene.stage.stranger(), 404)]
    {
        assert_eq!(viewer.get(&path).await.status, status);
    }
}

#[tokio::test]
async fn two_workers_on_one_erasure_do_no_harm() {
    let scene = scene(Stage::new().behind(|cdn| cdn)).await;
    let erasure = erase(&scene.ada, &format!("/api/v1/galleries/{}", scene.gallery)).await;
    let (one, two) = (scene.stage.boot(), scene.stage.boot());
    for _ in 0..60 {
        let (first, second) = tokio::join!(one.engine().tick(), two.engine().tick());
        first.and(second).unwrap();
        scene.stage.advance(Duration::seconds(15));
    }
    assert_eq!(scene.receipt(&erasure).await["level"], "edges-verified");
    assert_eq!(scene.held(), 0);
}
