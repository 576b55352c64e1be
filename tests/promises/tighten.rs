//! "Private galleries are only accessible to you and those you share the link with": from the moment that fewer people
//! may see something the origin refuses it, and what networks hold of it goes, with a receipt.

use bytes::Bytes;
use galerra::cdn::{Fault as CdnFault, Tag};
use galerra::storage::Fault;
use http::{Method, Request};
use serde_json::{Value, json};
use time::Duration;

use crate::client::{Answer, Client, text};
use crate::photos;
use crate::server::{Server, eventually};
use crate::stage::Stage;

/// An open gallery with two images that every edge holds.
struct Scene {
    stage: Stage,
    ada: Client,
    gallery: String,
    images: Vec<Value>,
}

impl Scene {
    async fn open(stage: Stage) -> Self {
        let ada = stage.operator().account("ada", "pro").await;
        let gallery = ada.gallery("g", "public").await;
        let images =
            vec![ada.upload(&gallery, photos::small(1)).await, ada.upload(&gallery, photos::small(2)).await];
        let scene = Self { stage, ada, gallery, images };
        scene.fill().await;
        scene
    }

    /// Asks every edge for both images, as visitors do.
    async fn fill(&self) {
        for cdn in &self.stage.cdns {
            for (edge, image) in cdn.edges().into_iter().flat_map(|edge| [(edge, 0), (edge, 1)]) {
                let request = Request::builder().uri(self.thumb(image)).body(Bytes::new()).unwrap();
                cdn.serve_at(edge, request).await;
            }
        }
    }

    fn thumb(&self, image: usize) -> String {
        text(&self.images[image]["renditions"][0], "url")
    }

    fn held(&self, image: usize) -> usize {
        let tag = Tag::parse(format!("i-{}", &text(&self.images[image], "id")[4..])).unwrap();
        self.stage.cdns.iter().map(|cdn| cdn.held(&tag)).sum()
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ada.send(Method::PATCH, path, "application/json", body.to_string()).await
    }

    async fn show_to(&self, visibility: &str) -> Value {
        let path = format!("/api/v1/galleries/{}", self.gallery);
        self.patch(&path, json!({"visibility": visibility})).await.expect(200)
    }

    async fn hide(&self, image: usize, hidden: bool) -> Value {
        let path = format!("/api/v1/images/{}", text(&self.images[image], "id"));
        self.patch(&path, json!({"hidden": hidden})).await.expect(200)
    }

    async fn receipt(&self, erasure: &str) -> Value {
        self.ada.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await
    }
}

fn networked() -> Stage {
    Stage::new().behind(|cdn| cdn.with_edges(3).with_shield())
}

#[tokio::test]
async fn a_gallery_that_goes_private_goes_from_every_edge() {
    let scene = Scene::open(networked()).await;
    assert!(scene.held(0) > 0 && scene.held(1) > 0);
    let erasure = text(&scene.show_to("private").await, "erasure");
    for image in [0, 1] {
        assert_eq!(scene.stage.stranger().get(&scene.thumb(image)).await.problem(404), "not-found");
        let own = scene.ada.get(&scene.thumb(image)).await;
        assert_eq!((own.status.as_u16(), own.header("cache-control")), (200, "private, no-store"));
    }
    assert_eq!(scene.stage.stranger().get(&format!("/g/{}", scene.gallery)).await.status, 404);
    let took = scene.stage.until_done(&scene.ada, &erasure).await;
    assert!(took < Duration::hours(1), "{took}");
    assert_eq!((scene.held(0), scene.held(1)), (0, 0));
    let receipt = scene.receipt(&erasure).await;
    assert_eq!(receipt["level"], "edges-verified");
    assert_eq!(receipt["subject"], "copies");
    assert_eq!(receipt["evidence"]["stores"], json!([]), "it claims nothing about stores");
    // Every rendition of both images, in two rounds.
    let renditions: usize =
        scene.images.iter().map(|image| image["renditions"].as_array().unwrap().len()).sum();
    assert_eq!(receipt["evidence"]["edges"][0]["step"]["probes"], renditions * 2);
    assert_eq!(scene.ada.get(&scene.thumb(0)).await.status, 200, "its owner keeps it");
    scene.fill().await;
    assert_eq!((scene.held(0), scene.held(1)), (0, 0), "nothing private comes back into a shared cache");
}

/// A list that left gaps would tell how many images are hidden, which, and since when.
#[tokio::test]
async fn a_list_has_no_gaps_where_something_is_hidden() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let mut hidden = Vec::new();
    for nth in 0..9 {
        stage.advance(Duration::seconds(1));
        let id = text(&ada.upload(&gallery, photos::small(nth)).await, "id");
        if nth % 3 != 1 {
            let path = format!("/api/v1/images/{id}");
            let hide = json!({"hidden": true}).to_string();
            ada.send(Method::PATCH, &path, "application/json", hide).await.expect(200);
            hidden.push(id);
        }
    }
    for limit in [1, 2, 3, 4] {
        let mut seen = 0;
        let mut path = format!("/api/v1/galleries/{gallery}/images?limit={limit}");
        loop {
            let page = stage.stranger().get(&path).await.expect(200);
            assert!(hidden.iter().all(|id| !page.to_string().contains(id)), "{page}");
            let count = page["items"].as_array().unwrap().len();
            seen += count;
            let Some(next) = page["next"].as_str() else { break };
            assert_eq!(count, limit, "only the last page is short");
            path = format!("/api/v1/galleries/{gallery}/images?limit={limit}&cursor={next}");
        }
        assert_eq!(seen, 3);
    }
    // Nor does the end of the gallery tell what was hidden in it.
    let erasure = crate::stage::erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
    assert_eq!(stage.stranger().get(&format!("/api/v1/images/{}", hidden[0])).await.status, 404);
    stage.until_done(&ada, &erasure).await;
    assert_eq!(stage.stranger().get(&format!("/api/v1/images/{}", hidden[0])).await.status, 404);
}

#[tokio::test]
async fn a_hidden_image_is_its_owners_alone() {
    let scene = Scene::open(networked()).await;
    let path = format!("/api/v1/galleries/{}", scene.gallery);
    let erasure = text(&scene.hide(0, true).await, "erasure");
    let stranger = scene.stage.stranger();
    assert_eq!(stranger.get(&scene.thumb(0)).await.problem(404), "not-found");
    assert_eq!(stranger.get(&format!("/api/v1/images/{}", text(&scene.images[0], "id"))).await.status, 404);
    let own = scene.ada.get(&scene.thumb(0)).await;
    assert_eq!((own.status.as_u16(), own.header("cache-control")), (200, "private, no-store"));
    for (client, count) in [(&stranger, 1), (&scene.ada, 2)] {
        assert_eq!(client.get(&path).await.expect(200)["image_count"], count);
        let listed = client.get(&format!("{path}/images")).await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), count);
    }
    scene.stage.until_done(&scene.ada, &erasure).await;
    assert_eq!(scene.held(0), 0);
    assert!(scene.held(1) > 0, "the other one stays where it is");
    assert_eq!(scene.receipt(&erasure).await["level"], "edges-verified");

    assert_eq!(scene.hide(0, true).await.get("erasure"), None, "it already is");
    assert_eq!(scene.hide(0, false).await.get("erasure"), None);
    assert_eq!(stranger.get(&path).await.expect(200)["image_count"], 2);
    assert_eq!(stranger.get(&scene.thumb(0)).await.status, 200);
    scene.hide(0, true).await;
    let gone = format!("/api/v1/images/{}", text(&scene.images[0], "id"));
    crate::stage::erase(&scene.ada, &gone).await;
    assert_eq!(stranger.get(&scene.thumb(0)).await.status, 404, "nobody is told that it was there");
    assert_eq!(stranger.get(&path).await.expect(200)["image_count"], 1);
}

#[tokio::test]
async fn what_is_shown_again_has_nothing_to_prove() {
    let scene = Scene::open(networked()).await;
    let erasure = text(&scene.show_to("private").await, "erasure");
    assert_eq!(scene.show_to("public").await.get("erasure"), None);
    for _ in 0..200 {
        scene.stage.boot().engine().tick().await.unwrap();
        scene.stage.advance(Duration::seconds(30));
        scene.fill().await;
    }
    let shown = scene.ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
    assert_eq!((&shown["state"], &shown["receipt"]), (&"withdrawn".into(), &Value::Null));
    assert_eq!(scene.stage.boot().engine().tick().await.unwrap().taken, 0);
    assert!(scene.held(0) > 0);
}

/// Whoever carries that out may die anywhere, and the gate may close again before the next one goes on.
#[tokio::test]
async fn what_was_half_taken_back_proves_nothing() {
    for fault in [Fault::Before, Fault::After] {
        for nth in 1.. {
            let scene = Scene::open(networked()).await;
            let stage = &scene.stage;
            stage.cdns[0].fault_always(CdnFault::Lie);
            let erasure = text(&scene.show_to("private").await, "erasure");
            stage.boot().engine().tick().await.unwrap();
            scene.show_to("public").await;
            // Somebody looks at it when it is due.
            stage.advance(Duration::minutes(3));
            let before = stage.records.calls();
            stage.records.fail_nth(nth, fault);
            drop(stage.boot().engine().tick().await);
            let made = stage.records.calls() - before;
            stage.records.heal();
            let again = text(&scene.show_to("private").await, "erasure");
            for _ in 0..40 {
                stage.boot().engine().tick().await.unwrap();
                stage.advance(Duration::seconds(30));
            }
            assert!(scene.held(0) > 0, "the network lies");
            let shown = scene.ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
            assert_ne!(shown["state"], "done", "call {nth}");
            stage.cdns[0].heal();
            stage.until_done(&scene.ada, &again).await;
            assert_eq!((scene.held(0), scene.held(1)), (0, 0));
            if nth > made {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_gallery_that_is_opened_has_no_links_any_more() {
    let scene = Scene::open(Stage::new()).await;
    let erasure = text(&scene.show_to("private").await, "erasure");
    scene.stage.until_done(&scene.ada, &erasure).await;
    assert_eq!(scene.receipt(&erasure).await["level"], "denied", "there is no network");
    let shares = format!("/api/v1/galleries/{}/shares", scene.gallery);
    let link = text(&scene.ada.post(&shares, &json!({})).await.expect(201), "url");
    scene.show_to("unlisted").await;
    assert_eq!(scene.stage.stranger().get(&link).await.status, 404);
    scene.show_to("private").await;
    assert_eq!(scene.stage.stranger().get(&link).await.status, 404);
    assert_eq!(scene.ada.get(&shares).await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn only_its_owner_changes_a_gallery_and_only_on_its_plan() {
    let stage = Stage::new();
    let (ada, bob) =
        (stage.operator().account("ada", "free").await, stage.operator().account("bob", "pro").await);
    let gallery = ada.gallery("g", "public").await;
    let path = format!("/api/v1/galleries/{gallery}");
    let change = async |client: &Client, body: Value| {
        client.send(Method::PATCH, &path, "application/json", body.to_string()).await
    };
    let shown = change(&ada, json!({"title": "Harbour", "description": "Boats"})).await.expect(200);
    assert_eq!((&shown["title"], &shown["visibility"]), (&"Harbour".into(), &"public".into()));
    assert_eq!(change(&ada, json!({"visibility": "private"})).await.problem(403), "pro-required");
    assert_eq!(change(&ada, json!({"visibility": "secret"})).await.status, 400);
    assert_eq!(change(&ada, json!({"owner": "bob"})).await.status, 400);
    assert_eq!(change(&ada, json!({"title": "x".repeat(5000)})).await.problem(422), "invalid");
    assert_eq!(change(&bob, json!({"title": "Mine"})).await.status, 404);
    assert_eq!(change(&stage.stranger(), json!({"title": "Mine"})).await.status, 401);
    assert_eq!(stage.stranger().get(&path).await.expect(200)["title"], "Harbour");
}

/// Nobody waits for the next look at the work: networks are asked as soon as the origin refuses it.
#[tokio::test]
async fn what_is_tightened_is_taken_up_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), 0, &[("GALERRA_TICK", "3600".to_owned())]);
    let ada = server.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "public").await;
    let mut images = Vec::new();
    for nth in 0..2 {
        images
            .push(format!("/api/v1/images/{}", text(&ada.upload(&gallery, photos::small(nth)).await, "id")));
    }
    let gallery = format!("/api/v1/galleries/{gallery}");
    let deeds = [
        (Method::PATCH, &images[0], json!({"hidden": true}).to_string()),
        (Method::DELETE, &images[1], String::new()),
        (Method::PATCH, &gallery, json!({"visibility": "private"}).to_string()),
        (Method::DELETE, &gallery, String::new()),
    ];
    for (proven, (method, path, body)) in deeds.into_iter().enumerate() {
        assert_eq!(ada.send(method, path, "application/json", body).await.status, 200, "{path}");
        let size = format!("\n{}\n", proven + 1);
        eventually(path, async || {
            std::str::from_utf8(&ada.get("/log/checkpoint").await.body).unwrap().contains(&size)
        })
        .await;
    }
}
