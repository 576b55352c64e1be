//! Other presets, or a better pipeline: all renditions are made anew in the background, and the old ones are erased
//! like everything else, at every store and every edge.

use bytes::Bytes;
use galerra::imaging::{Preset, Recipe, When};
use galerra::{Galerra, Redeveloped};
use http::Request;
use serde_json::Value;
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::Stage;

fn recipe(presets: &[(&str, u32)]) -> Recipe {
    Recipe::new(presets.iter().map(|(name, edge)| Preset::new(*name, *edge)).collect()).unwrap()
}

/// Works until there is nothing to do, with a fresh process for every step.
async fn redevelop(stage: &Stage) {
    stage.boot().engine().begin_redevelopment().await.unwrap();
    for _ in 0..100 {
        if stage.boot().engine().redevelop().await.unwrap() == Redeveloped::Idle {
            return;
        }
    }
    panic!("it does not finish");
}

async fn prove(stage: &Stage) {
    for _ in 0..60 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::seconds(30));
    }
    assert_eq!(stage.boot().engine().tick().await.unwrap().taken, 0);
}

async fn show(stage: &Stage, id: &str) -> Value {
    stage.stranger().get(&format!("/api/v1/images/{id}")).await.expect(200)
}

fn names(image: &Value) -> Vec<String> {
    image["renditions"].as_array().unwrap().iter().map(|rendition| text(rendition, "name")).collect()
}

async fn progress(stage: &Stage) -> Value {
    stage.operator().get("/api/v1/operator/redevelopment").await.expect(200)
}

#[tokio::test]
async fn changed_presets_take_the_place_of_the_old_ones_everywhere() {
    let mut stage = Stage { recipe: recipe(&[("thumb", 100), ("small", 200)]), ..Stage::new() }
        .behind(|cdn| cdn.with_edges(2).with_shield());
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let mut images = Vec::new();
    for seed in 0..20 {
        images.push(ada.upload(&gallery, photos::small(seed)).await);
    }
    assert_eq!(progress(&stage).await, Value::Null);
    // Visitors have the old thumbs and smalls of the first one at every edge.
    let urls: Vec<String> =
        images[0]["renditions"].as_array().unwrap().iter().map(|rendition| text(rendition, "url")).collect();
    let mut old = Vec::new();
    for url in &urls {
        let ask = || Request::builder().uri(url).body(Bytes::new()).unwrap();
        for edge in stage.cdns[0].edges() {
            assert_eq!(stage.cdns[0].serve_at(edge, ask()).await.status(), 200);
        }
        let bytes = stage.stranger().get(url).await.body;
        assert!(stage.blobs.contains(&bytes[bytes.len() - 200..]));
        old.push(bytes);
    }

    stage.recipe = recipe(&[("thumb", 120), ("large", 300)]);
    redevelop(&stage).await;
    let shown = progress(&stage).await;
    assert_eq!((&shown["done"], &shown["failed"], &shown["progress"]), (&20.into(), &0.into(), &1.0.into()));
    for image in &images {
        let id = text(image, "id");
        let shown = show(&stage, &id).await;
        assert_eq!(names(&shown), ["thumb", "large"]);
        assert_eq!(shown["renditions"][0]["width"], 120);
        let thumb = stage.stranger().get(&text(&shown["renditions"][0], "url")).await;
        assert_eq!(thumb.body.len(), shown["renditions"][0]["bytes"]);
        let original = ada.get(&format!("/api/v1/images/{id}/original")).await;
        assert_eq!(original.status, 200);
    }
    prove(&stage).await;
    assert_eq!(stage.stranger().get(&urls[1]).await.status, 404);
    for (url, bytes) in urls.iter().zip(&old) {
        assert!(!stage.blobs.contains(&bytes[bytes.len() - 200..]), "{url} is left in the store");
        let ask = || Request::builder().uri(url).body(Bytes::new()).unwrap();
        for edge in stage.cdns[0].edges() {
            assert_ne!(stage.cdns[0].serve_at(edge, ask()).await.body(), bytes, "{url} is left at an edge");
        }
    }
    // Nothing is to be done any more.
    assert_eq!(stage.boot().engine().redevelop().await.unwrap(), Redeveloped::Idle);
}

#[tokio::test]
async fn what_comes_out_the_same_stays_where_it_is() {
    let mut stage = Stage { recipe: recipe(&[("thumb", 100)]), ..Stage::new() }.behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let etag = stage.stranger().get(&text(&image["renditions"][0], "url")).await.header("etag").to_owned();
    let lazy = Preset { when: When::Lazy, ..Preset::new("small", 200) };
    stage.recipe = Recipe::new(vec![Preset::new("thumb", 100), lazy]).unwrap();
    redevelop(&stage).await;
    assert_eq!(names(&show(&stage, &text(&image, "id")).await), ["thumb", "small"]);
    let thumb = stage.stranger().get(&text(&image["renditions"][0], "url")).await;
    assert_eq!(thumb.header("etag"), etag);
    assert_eq!(stage.boot().engine().tick().await.unwrap().taken, 0, "there is nothing to erase");
    assert_eq!(stage.cdns[0].purges().len(), 0);
}

#[tokio::test]
async fn it_goes_on_where_a_process_died_and_one_that_is_older_does_nothing() {
    let mut stage = Stage { recipe: recipe(&[("thumb", 100)]), ..Stage::new() };
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    for seed in 0..40 {
        ada.upload(&gallery, photos::small(seed)).await;
    }
    let older = stage.boot();
    stage.recipe = recipe(&[("thumb", 90)]);
    stage.boot().engine().begin_redevelopment().await.unwrap();
    assert_eq!(stage.boot().engine().redevelop().await.unwrap(), Redeveloped::More);
    let first = progress(&stage).await;
    assert!(
        first["progress"].as_f64().unwrap() > 0.0 && first["progress"].as_f64().unwrap() < 1.0,
        "{first}"
    );
    assert_eq!(older.engine().redevelop().await.unwrap(), Redeveloped::Idle);
    assert_eq!(progress(&stage).await, first);
    // Beginning again with the same recipe begins nothing anew.
    redevelop(&stage).await;
    assert_eq!(progress(&stage).await["done"], 40);
}

#[tokio::test]
async fn an_image_that_cannot_be_developed_again_keeps_what_it_has() {
    let mut stage = Stage { recipe: recipe(&[("thumb", 100)]), ..Stage::new() };
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let small = ada.upload(&gallery, photos::generated(1, 50, 50)).await;
    let large = ada.upload(&gallery, photos::generated(2, 500, 500)).await;
    stage.recipe = recipe(&[("thumb", 80)]);
    let limits = galerra::imaging::Limits { pixels: 10_000, ..galerra::imaging::Limits::default() };
    let imaging = galerra::imaging::Developer::new(limits, stage.recipe.clone());
    let parts =
        galerra::Parts { imaging: std::sync::Arc::new(imaging), ..stage.boot().engine().parts().clone() };
    let strict = Galerra::new(parts).unwrap();
    strict.engine().begin_redevelopment().await.unwrap();
    strict.engine().redevelop().await.unwrap();
    let shown = progress(&stage).await;
    assert_eq!((&shown["done"], &shown["failed"]), (&1.into(), &1.into()));
    assert_eq!(show(&stage, &text(&large, "id")).await["renditions"][0]["width"], 100);
    for image in [&small, &large] {
        let url = text(&show(&stage, &text(image, "id")).await["renditions"][0], "url");
        assert_eq!(stage.stranger().get(&url).await.status, 200);
    }
}

#[tokio::test]
async fn two_workers_on_one_image_lose_nothing() {
    let mut stage = Stage { recipe: recipe(&[("thumb", 100)]), ..Stage::new() };
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let mut ids = Vec::new();
    for seed in 0..8 {
        ids.push(text(&ada.upload(&gallery, photos::small(seed)).await, "id"));
    }
    stage.recipe = recipe(&[("thumb", 90), ("small", 150)]);
    let workers: Vec<Galerra> = (0..3).map(|_| stage.boot()).collect();
    workers[0].engine().begin_redevelopment().await.unwrap();
    let work = workers.iter().map(|worker| async {
        for _ in 0..20 {
            drop(worker.engine().redevelop().await);
        }
    });
    futures::future::join_all(work).await;
    prove(&stage).await;
    for id in ids {
        let shown = show(&stage, &id).await;
        assert_eq!(names(&shown), ["thumb", "small"]);
        for rendition in shown["renditions"].as_array().unwrap() {
            let answer = stage.stranger().get(&text(rendition, "url")).await;
            assert_eq!((answer.status.as_u16(), answer.body.len().into()), (200, rendition["bytes"].clone()));
        }
    }
}

#[tokio::test]
async fn only_the_operator_sees_how_far_it_is() {
    let stage = Stage::new();
    let ada: Client = stage.operator().account("ada", "free").await;
    assert_eq!(ada.get("/api/v1/operator/redevelopment").await.problem(403), "operator-only");
    assert_eq!(stage.stranger().get("/api/v1/operator/redevelopment").await.status.as_u16(), 403);
}
