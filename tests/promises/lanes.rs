//! Who is in a hurry overtakes however many wait.

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
async fn an_account_in_its_grace_is_expedited_from_its_end_on() {
    let mut stage = Stage::new();
    stage.policy.account_grace = Duration::days(1);
    let ada = stage.operator().account("ada", "free").await;
    let erasure = text(&ada.delete("/api/v1/account").await.expect(202), "erasure");
    let path = format!("/api/v1/erasures/{erasure}");
    let moved = stage.operator().post(&format!("{path}/expedite"), &serde_json::json!({})).await.expect(200);
    assert_eq!(moved["due"], "2026-03-02T13:00:00Z", "{moved}");
    stage.advance(Duration::days(1));
    stage.until_done(&stage.operator(), &erasure).await;
    let entry = stage.operator().receipt(&format!("{path}/receipt")).await;
    assert_eq!(entry["in_time"], true, "{entry}");
}
