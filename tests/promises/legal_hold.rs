//! A legal hold keeps originals from being destroyed, and nothing else: what is deleted is out of sight at once.

use serde_json::json;
use time::Duration;

use crate::client::text;
use crate::photos;
use crate::stage::{Stage, erase};

#[tokio::test]
async fn what_is_held_is_gone_for_everyone_and_its_original_is_kept_until_release() {
    let stage = Stage::new().behind(|cdn| cdn);
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let (id, url) = (text(&image, "id"), text(&image["renditions"][0], "url"));
    let hold = json!({"image": id, "authority": "court", "reference": "1 O 2/26", "basis": "legal-claims",
        "placed_by": "counsel", "until": "2026-06-01T00:00:00Z"});
    assert_eq!(ada.post("/api/v1/operator/holds", &hold).await.status, 403);
    let hold = text(&operator.post("/api/v1/operator/holds", &hold).await.expect(201), "id");
    assert_eq!(ada.get(&format!("/api/v1/images/{id}")).await.status, 200, "it changes nothing that is seen");

    let erasure = erase(&ada, &format!("/api/v1/images/{id}")).await;
    let path = format!("/api/v1/erasures/{erasure}");
    for _ in 0..100 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::hours(1));
    }
    let shown = ada.get(&path).await.expect(200);
    assert_eq!((&shown["state"], &shown["receipt"]), (&"restricted".into(), &json!(null)));
    assert_eq!(shown["targets"][2]["state"], "verified", "edges do not wait");
    assert_eq!(stage.stranger().get(&url).await.status, 410);
    assert!(stage.blobs.contains(&photos::small(1)[5000..5100]), "the original is kept");
    assert_eq!(shown["targets"][1]["evidence"]["step"]["kept"], 1, "{shown}");

    let listed = operator.get("/api/v1/operator/holds").await.expect(200);
    assert_eq!(listed["items"][0]["reference"], "1 O 2/26");
    let release = format!("/api/v1/operator/holds/{hold}/release");
    operator.post(&release, &json!({"by": "counsel"})).await.expect(200);
    stage.until_done(&ada, &erasure).await;
    assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]));
    let entry = ada.receipt(&format!("{path}/receipt")).await;
    assert_eq!((&entry["level"], &entry["in_time"]), (&"edges-verified".into(), &true.into()));
    let held_until = text(&entry, "held_until");
    assert!(text(&entry, "requested_at") < held_until && held_until < text(&entry, "deadline"), "{entry}");
}
