//! Renditions that are made when somebody asks for them: once however many ask, known to every plan before their
//! bytes exist, and each shown only to its audience.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use galerra::imaging::{Developer, Limits, Preset, Recipe, When};
use galerra::storage::Fault;
use galerra::{Audience, Developed, Format, Galerra, Imaging, Order, Parts, Refusal};
use serde_json::Value;
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

/// An eager thumb, and a small that waits until it is asked for.
fn stage() -> Stage {
    let lazy = Preset { when: When::Lazy, ..Preset::new("small", 300) };
    Stage { recipe: Recipe::new(vec![Preset::new("thumb", 100), lazy]).unwrap(), ..Stage::new() }
}

async fn scene(stage: &Stage) -> (Client, String, Value) {
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    (ada, gallery, image)
}

fn rendition<'a>(image: &'a Value, name: &str) -> &'a Value {
    image["renditions"].as_array().unwrap().iter().find(|rendition| rendition["name"] == name).unwrap()
}

#[tokio::test]
async fn a_late_rendition_is_planned_at_once_and_made_when_it_is_asked_for() {
    let stage = stage();
    let (ada, _, image) = scene(&stage).await;
    let small = rendition(&image, "small");
    assert_eq!(
        (&small["width"], &small["height"], &small["bytes"]),
        (&300.into(), &225.into(), &Value::Null)
    );
    assert!(rendition(&image, "thumb")["bytes"].as_u64().unwrap() > 0);
    let url = text(small, "url");
    let made = stage.stranger().get(&url).await;
    assert_eq!((made.status.as_u16(), made.header("content-type")), (200, "image/jpeg"));
    let shown = ada.get(&format!("/api/v1/images/{}", text(&image, "id"))).await.expect(200);
    assert_eq!(rendition(&shown, "small")["bytes"], made.body.len());
    // The same bytes from a fresh process, and nothing is made for a file that was never planned.
    assert_eq!(stage.stranger().get(&url).await.body, made.body);
    assert_eq!(stage.stranger().get(&url.replace("small.jpg", "other.jpg")).await.status, 404);
    assert_eq!(stage.stranger().get(&url.replace("small.jpg", "small.png")).await.status, 404);
}

/// Counts what is developed.
#[derive(Debug)]
struct Counting {
    inner: Developer,
    count: AtomicUsize,
}

#[async_trait]
impl Imaging for Counting {
    fn max_bytes(&self) -> u64 {
        self.inner.max_bytes()
    }

    fn recipe(&self) -> &str {
        self.inner.recipe()
    }

    fn admit(&self, head: &[u8]) -> Result<Format, Refusal> {
        self.inner.admit(head)
    }

    async fn develop(&self, original: Bytes, order: Order) -> Result<Developed, Refusal> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.inner.develop(original, order).await
    }
}

#[tokio::test]
async fn many_who_ask_at_once_have_it_made_once() {
    let stage = stage();
    let (_, _, image) = scene(&stage).await;
    let inner = Developer::new(Limits::default(), stage.recipe.clone());
    let counting = Arc::new(Counting { inner, count: AtomicUsize::new(0) });
    let parts = Parts { imaging: counting.clone(), ..stage.boot().engine().parts().clone() };
    let stranger = Client::here(Galerra::new(parts).unwrap().router());
    let url = text(rendition(&image, "small"), "url");
    let answers = join_all((0..40).map(|_| stranger.get(&url))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(counting.count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_erasure_takes_late_renditions_along_made_or_not() {
    for ask in [true, false] {
        let stage = stage().behind(|cdn| cdn.with_edges(2));
        let (ada, _, image) = scene(&stage).await;
        let url = text(rendition(&image, "small"), "url");
        let bytes = if ask { stage.stranger().get(&url).await.body } else { Bytes::new() };
        if ask {
            assert!(stage.blobs.contains(&bytes[500..600]));
        }
        let erasure = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
        assert_eq!(stage.stranger().get(&url).await.problem(410), "gone");
        stage.until_done(&ada, &erasure).await;
        let receipt = ada.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await;
        assert_eq!(receipt["evidence"]["stores"][1]["step"]["removed"], if ask { 3 } else { 2 });
        assert!(!ask || !stage.blobs.contains(&bytes[500..600]));
        assert_eq!(stage.stranger().get(&url).await.problem(410), "gone");
    }
}

#[tokio::test]
async fn a_late_rendition_is_whole_or_absent_wherever_a_store_fails() {
    for fault in [Fault::Before, Fault::After] {
        for nth in 1.. {
            let stage = stage();
            let (ada, gallery, image) = scene(&stage).await;
            let url = text(rendition(&image, "small"), "url");
            let stranger = stage.stranger();
            let before = (stage.records.calls(), stage.blobs.calls());
            stage.records.fail_nth(nth, fault);
            stage.blobs.fail_nth(nth, fault);
            let answer = stranger.get(&url).await;
            let made = (stage.records.calls() - before.0, stage.blobs.calls() - before.1);
            stage.records.heal();
            stage.blobs.heal();
            assert!(answer.status == 200 || answer.status.is_server_error(), "call {nth}: {}", answer.status);
            for _ in 0..5 {
                stage.boot().engine().tick().await.unwrap();
                stage.advance(Duration::seconds(30));
            }
            let again = stage.stranger().get(&url).await;
            assert_eq!(again.status, 200, "call {nth}");
            let thumb = text(rendition(&image, "thumb"), "url");
            assert_eq!(stage.stranger().get(&thumb).await.status, 200, "call {nth}: nothing else is swept");
            let erasure = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
            stage.until_done(&ada, &erasure).await;
            assert!(!stage.blobs.contains(&again.body[500..600]), "call {nth}");
            if nth > made.0.max(made.1) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_rendition_is_shown_to_its_audience_alone() {
    let clean = Preset { audience: Audience::Owner, ..Preset::new("clean", 200) };
    let guests = Preset { audience: Audience::Guests, ..Preset::new("guests", 200) };
    let recipe = Recipe::new(vec![Preset::new("thumb", 100), clean, guests]).unwrap();
    let stage = Stage { recipe, ..Stage::new() };
    let (ada, gallery, image) = scene(&stage).await;
    let names = |image: &Value| -> Vec<String> {
        image["renditions"].as_array().unwrap().iter().map(|rendition| text(rendition, "name")).collect()
    };
    assert_eq!(names(&image), ["thumb", "clean", "guests"]);
    let stranger = stage.stranger();
    let listed = stranger.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    assert_eq!(names(&listed["items"][0]), ["thumb", "guests"]);
    let page = stranger.get(&format!("/g/{gallery}")).await;
    assert!(memchr::memmem::find(&page.body, b"clean").is_none());
    let url = text(rendition(&image, "clean"), "url");
    assert_eq!(stranger.get(&url).await.problem(404), "not-found");
    assert_eq!(stranger.with("if-none-match", "*").get(&url).await.status, 404);
    let own = ada.get(&url).await;
    assert_eq!((own.status.as_u16(), own.header("cache-control")), (200, "private, no-store"));
    let seen = stranger.get(&text(rendition(&image, "guests"), "url")).await;
    assert!(seen.header("cache-control").starts_with("public"));
}
