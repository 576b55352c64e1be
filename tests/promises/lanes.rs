//! Who is in a hurry overtakes however many wait, and an account can be deleted only by whoever it is.

use galerra::Viewer;
use time::Duration;

use crate::client::text;
use crate::photos;
use crate::stage::{Stage, erase};

#[tokio::test]
async fn an_expedited_erasure_overtakes_all_that_wait() {
    let stage = Stage::new().behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let mut waiting = Vec::new();
    for nth in 0..12 {
        let image = ada.upload(&gallery, photos::small(nth)).await;
        waiting.push(erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await);
    }
    let image = text(&ada.upload(&gallery, photos::small(20)).await, "id");
    let hurried = format!("/api/v1/images/{image}?permanent=true&lane=expedited");
    let hurried = ada.delete(&hurried).await.expect(202);
    let shown = ada.get(&format!("/api/v1/erasures/{}", text(&hurried, "erasure"))).await.expect(200);
    assert_eq!((&shown["lane"], &shown["due"]), (&"expedited".into(), &"2026-03-01T13:00:00Z".into()));
    stage.boot().engine().tick().await.unwrap();
    let purges = stage.cdns[0].purges();
    let first = purges.first().unwrap().tags().next().unwrap().as_str().to_owned();
    assert_eq!(first, format!("i-{}", image.strip_prefix("img_").unwrap()));
    let last = waiting.last().unwrap();
    let moved =
        ada.post(&format!("/api/v1/erasures/{last}/expedite"), &serde_json::json!({})).await.expect(200);
    assert_eq!(moved["lane"], "expedited");
    let eve = stage.operator().account("eve", "free").await;
    let path = format!("/api/v1/erasures/{}/expedite", waiting[0]);
    assert_eq!(eve.post(&path, &serde_json::json!({})).await.status, 404);
}

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
    operator.post(&back, &serde_json::json!({})).await.expect(200);
    stage.boot().engine().tick().await.unwrap();
    assert_eq!(stage.stranger().get(&url).await.status, 200);
    let erasure = text(&ada.delete("/api/v1/account").await.expect(202), "erasure");
    stage.advance(Duration::days(8));
    stage.boot().engine().tick().await.unwrap();
    assert_ne!(operator.post(&back, &serde_json::json!({})).await.status, 200);
    stage.until_done(&operator, &erasure).await;
    assert!(!stage.records.contains(b"ada@"));
}

#[tokio::test]
async fn the_forecast_tells_what_goes_and_touches_nothing() {
    let stage = Stage::new();
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = text(&ada.upload(&gallery, photos::small(1)).await, "id");
    ada.delete(&format!("/api/v1/images/{image}")).await.expect(200);
    assert_eq!(ada.get("/api/v1/operator/retention").await.status, 403);
    let due = async |days: u16| {
        let shown = operator.get(&format!("/api/v1/operator/retention?days={days}")).await.expect(200);
        let rules = shown["rules"].as_array().unwrap().clone();
        rules.into_iter().find(|rule| rule["name"] == "trash").unwrap()
    };
    assert_eq!(due(7).await["due"], 0);
    let rule = due(31).await;
    assert_eq!((&rule["due"], &rule["first"][0]), (&1.into(), &image.into()));
    stage.advance(Duration::days(100));
    stage.boot().engine().tick().await.unwrap();
    let events = stage.boot().engine().events(None, 200).await.unwrap().items;
    assert!(!format!("{events:?}").contains("AccountCreated"), "events go after their time");
}
