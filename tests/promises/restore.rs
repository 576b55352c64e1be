//! A backup that is put back brings nothing back that was deleted since: the ledger beside the blobs is replayed before
//! the first request.

use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

async fn scene() -> (Stage, Client, String) {
    let stage = Stage::new().behind(|cdn| cdn.with_edges(2));
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("CANARY", "public").await;
    (stage, ada, gallery)
}

#[tokio::test]
async fn what_was_erased_is_not_served_or_listed_after_a_restore_not_even_once() {
    let (stage, ada, gallery) = scene().await;
    let kept = ada.upload(&gallery, photos::small(1)).await;
    let image = ada.upload(&gallery, photos::small(2)).await;
    let other = ada.gallery("other", "public").await;
    let url = text(&image["renditions"][0], "url");
    let backup = stage.records.snapshot();

    let erased = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    let gone = erase(&ada, &format!("/api/v1/galleries/{other}")).await;
    stage.until_done(&ada, &erased).await;
    stage.until_done(&ada, &gone).await;
    stage.advance(Duration::hours(5));
    stage.records.restore(&backup);

    // The first request of a fresh process is for what was erased.
    let ada = Client::here(stage.boot().router()).as_bearer(&ada.bearer());
    assert_eq!(ada.get(&url).await.status, 410);
    let ada = Client::here(stage.boot().router()).as_bearer(&ada.bearer());
    let listed = ada.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["id"], kept["id"]);
    assert_eq!(ada.get(&format!("/api/v1/galleries/{other}")).await.status, 410);
    let upload = format!("/api/v1/galleries/{other}/images");
    let again = ada.send(http::Method::POST, &upload, "image/png", photos::small(3)).await;
    assert_eq!(again.status, 410, "nothing can be written to it");
    // What was erased is erased once more, with a receipt, and the log goes on where it was.
    stage.until_done(&ada, &erased).await;
    stage.until_done(&ada, &gone).await;
    let entry = ada.receipt(&format!("/api/v1/erasures/{erased}/receipt")).await;
    assert_eq!(entry["event"], "completed");
}

#[tokio::test]
async fn an_account_that_was_erased_stays_erased_and_an_image_that_was_hidden_stays_hidden() {
    let (stage, ada, gallery) = scene().await;
    let eve = stage.operator().account("eve", "free").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let path = format!("/api/v1/images/{}", text(&image, "id"));
    let backup = stage.records.snapshot();
    eve.delete("/api/v1/account").await.expect(202);
    let hide = serde_json::json!({"hidden": true});
    assert_eq!(ada.send(http::Method::PATCH, &path, "application/json", hide.to_string()).await.status, 200);
    stage.boot().engine().tick().await.unwrap();
    stage.records.restore(&backup);
    let stranger = stage.stranger();
    assert_eq!(stranger.as_bearer(&eve.bearer()).get("/api/v1/account").await.status, 401);
    assert_eq!(stranger.get(&text(&image["renditions"][0], "url")).await.status, 404);
    assert_eq!(ada.get(&path).await.status, 200, "nothing is lost");
}

#[tokio::test]
async fn a_backup_that_is_older_than_the_ledger_is_refused() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let backup = stage.records.snapshot();
    let erased = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    stage.until_done(&ada, &erased).await;
    stage.advance(Duration::days(90));
    stage.boot().engine().tick().await.unwrap();
    stage.records.restore(&backup);
    assert_eq!(stage.stranger().get("/openapi.json").await.problem(500), "records-too-old");
}

#[tokio::test]
async fn the_doctor_finds_and_heals_what_a_restore_left() {
    let (stage, ada, gallery) = scene().await;
    let backup = stage.records.snapshot();
    ada.upload(&gallery, photos::small(1)).await;
    stage.records.restore(&backup);
    let engine = stage.boot().engine().clone();
    let found = engine.examine(false).await.unwrap();
    assert!(found.orphans.len() >= 2, "{found:?}");
    engine.examine(true).await.unwrap();
    assert!(engine.examine(false).await.unwrap().orphans.is_empty());
    assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]));
}
