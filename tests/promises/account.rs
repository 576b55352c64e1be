//! An account is deleted only by whoever it is, and can come back only in its grace.

use galerra::{Fate, Kind, Viewer};
use http::Method;
use serde_json::json;
use time::Duration;

use crate::client::text;
use crate::photos;
use crate::stage::Stage;

#[tokio::test]
async fn an_account_is_deleted_only_by_whoever_has_just_proved_who_they_are() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let id = text(&ada.get("/api/v1/account").await.expect(200), "id").parse().unwrap();
    let engine = stage.boot().engine().clone();
    let old = Viewer::account(id);
    let refused = engine.erase_account(&old, galerra::Lane::Standard).await.unwrap_err();
    assert_eq!(refused.code(), "reauthenticate");
    ada.delete("/api/v1/account").await.expect(202);
    assert_eq!(ada.get("/api/v1/account").await.status, 401, "the key is dead with the same commit");
}

#[tokio::test]
async fn a_deleted_account_can_be_brought_back_in_its_grace_and_not_later() {
    let mut stage = Stage::new().behind(|cdn| cdn);
    stage.policy.account_grace = Duration::days(7);
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let id = text(&ada.get("/api/v1/account").await.expect(200), "id");
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let url = text(&image["renditions"][0], "url");
    ada.delete("/api/v1/account").await.expect(202);
    assert_eq!(stage.stranger().get(&url).await.status, 410, "nobody sees anything of it");
    for _ in 0..24 {
        stage.advance(Duration::hours(6));
        stage.boot().engine().tick().await.unwrap();
    }
    let back = format!("/api/v1/operator/accounts/{id}/restore");
    assert!(stage.blobs.contains(b"\"kind\":\"account\""), "the ledger knows of it");
    operator.post(&back, &serde_json::json!({})).await.expect(200);
    stage.boot().engine().tick().await.unwrap();
    assert!(!stage.blobs.contains(b"\"kind\":\"account\""), "no restore can bury it again");
    assert_eq!(stage.stranger().get(&url).await.status, 200);
    let erasure = text(&ada.delete("/api/v1/account").await.expect(202), "erasure");
    stage.advance(Duration::days(8));
    stage.boot().engine().tick().await.unwrap();
    assert_ne!(operator.post(&back, &serde_json::json!({})).await.status, 200);
    stage.until_done(&operator, &erasure).await;
    assert!(!stage.records.contains(b"ada@"));
}

/// The deletion graph, looked at from its end: whatever the account had, and whoever looks.
#[tokio::test]
async fn once_an_account_is_erased_no_record_tells_of_it_but_those_that_may() {
    let stage = Stage::new().behind(|cdn| cdn);
    let operator = stage.operator();
    let ada = operator.account("ada-canary", "pro").await;
    let id = text(&ada.get("/api/v1/account").await.expect(200), "id");
    let eve = operator.account("eve", "pro").await;
    let kept = eve.gallery("eves", "private").await;
    let [open, private, trashed] = [
        ada.gallery("canary open", "public").await,
        ada.gallery("canary private", "private").await,
        ada.gallery("canary trash", "private").await,
    ];
    for gallery in [&open, &private, &trashed] {
        ada.upload(gallery, photos::with_exif(1)).await;
        let image = format!("/api/v1/images/{}", text(&ada.upload(gallery, photos::small(2)).await, "id"));
        let said = json!({"title": "canary", "alt": "canary", "hidden": true});
        ada.send(Method::PATCH, &image, "application/json", said.to_string()).await.expect(200);
        ada.delete(&image).await.expect(200);
    }
    let shares = format!("/api/v1/galleries/{private}/shares");
    let terms = json!({"label": "canary", "password": "canary password", "expires": "2026-03-02T12:00:00Z"});
    ada.post(&shares, &terms).await.expect(201);
    ada.delete(&format!("/api/v1/galleries/{trashed}")).await.expect(200);
    stage.boot().engine().tick().await.unwrap();
    for row in stage.records.snapshot().rows() {
        assert!(Kind::of(&row.key).is_some(), "a record of no kind: {}", row.key);
    }

    let erasure = text(&ada.delete("/api/v1/account").await.expect(202), "erasure");
    stage.until_done(&operator, &erasure).await;
    assert!(!stage.records.contains(b"canary") && !stage.blobs.contains(b"canary"));
    let backup = stage.records.snapshot();
    for row in backup.rows().filter(|row| format!("{} {}", row.key, row.value).contains(&id)) {
        let fate = Kind::of(&row.key).unwrap().fate();
        assert!(matches!(fate, Fate::Evidence | Fate::AtTime), "{fate:?}: {} {}", row.key, row.value);
    }
    // And those that may do so for a time alone.
    stage.advance(Duration::days(2000));
    for _ in 0..10 {
        stage.boot().engine().tick().await.unwrap();
    }
    assert!(!stage.records.contains(id.as_bytes()) && !stage.blobs.contains(id.as_bytes()));
    assert_eq!(eve.get(&format!("/api/v1/galleries/{kept}")).await.status, 200, "others keep what they have");
}
