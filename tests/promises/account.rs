//! An account is deleted only by whoever it is, and can come back only in its grace.

use galerra::Viewer;
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
