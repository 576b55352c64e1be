//! What a backup that is put back has forgotten though nothing was erased by it yet: what lies in the trash, and what a
//! legal hold keeps.

use galerra::Policy;
use galerra::storage::{Call, Fault};
use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

async fn scene() -> (Stage, Client, String) {
    let stage = Stage::new().behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "public").await;
    (stage, ada, gallery)
}

/// The same client at a process that has just started.
fn started(stage: &Stage, client: &Client) -> Client {
    Client::here(stage.boot().router()).as_bearer(&client.bearer())
}

async fn restore(client: &Client, path: &str) -> Value {
    client.send(Method::POST, &format!("{path}/restore"), "", "").await.expect(200)
}

async fn trash(client: &Client) -> Vec<Value> {
    client.get("/api/v1/trash").await.expect(200)["items"].as_array().unwrap().clone()
}

async fn work(stage: &Stage, hours: i64) {
    for _ in 0..hours {
        stage.advance(Duration::hours(1));
        stage.boot().engine().tick().await.unwrap();
    }
}

#[tokio::test]
async fn what_went_into_the_trash_is_in_it_again_and_erased_when_it_was_to_be() {
    let (stage, ada, gallery) = scene().await;
    let (shown, kept) =
        (ada.upload(&gallery, photos::small(1)).await, ada.upload(&gallery, photos::small(2)).await);
    let [shown_path, kept_path] =
        [&shown, &kept].map(|image| format!("/api/v1/images/{}", text(image, "id")));
    let hide = json!({"hidden": true}).to_string();
    ada.send(Method::PATCH, &kept_path, "application/json", hide).await.expect(200);
    let other = ada.gallery("other", "public").await;
    let inside = ada.upload(&other, photos::small(3)).await;
    let backup = stage.records.snapshot();
    // One that everybody saw, one that nobody else did, and a gallery with what is in it.
    for path in [&shown_path, &kept_path, &format!("/api/v1/galleries/{other}")] {
        stage.advance(Duration::hours(1));
        ada.delete(path).await.expect(200);
    }
    let before = trash(&ada).await;
    assert_eq!(before.len(), 3);
    stage.advance(Duration::days(2));
    stage.records.restore(&backup);

    let ada = started(&stage, &ada);
    assert_eq!(trash(&ada).await, before, "until then, as it was");
    let listed = ada.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    assert_eq!(listed["items"], json!([]));
    assert_eq!(ada.get(&format!("/api/v1/galleries/{gallery}")).await.expect(200)["image_count"], 0);
    for image in [&shown, &kept, &inside] {
        assert_eq!(stage.stranger().get(&text(&image["renditions"][0], "url")).await.status, 404);
    }
    restore(&ada, &shown_path).await;
    assert_eq!(ada.get(&shown_path).await.expect(200)["hidden"], true, "its owner has it, and shows it anew");
    work(&stage, 24 * 29).await;
    assert_eq!(ada.get(&kept_path).await.status, 404);
    assert_eq!(ada.get(&format!("/api/v1/galleries/{other}")).await.status, 404);
    for nth in [2, 3] {
        assert!(!stage.blobs.contains(&photos::small(nth)[5000..5100]), "{nth} is erased in its time");
    }
    assert_eq!(ada.get(&shown_path).await.status, 200);
    assert_eq!(trash(&ada).await, [] as [Value; 0]);
}

#[tokio::test]
async fn what_was_taken_out_of_the_trash_is_not_erased_by_an_older_backup() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let (path, thumb) =
        (format!("/api/v1/images/{}", text(&image, "id")), text(&image["renditions"][0], "url"));
    let other = format!("/api/v1/galleries/{}", ada.gallery("other", "public").await);
    for there_before in [true, false] {
        let mut backup = stage.records.snapshot();
        ada.delete(&path).await.expect(200);
        ada.delete(&other).await.expect(200);
        if there_before {
            backup = stage.records.snapshot();
        }
        stage.advance(Duration::hours(1));
        restore(&ada, &path).await;
        restore(&ada, &other).await;
        stage.records.restore(&backup);
        let ada = started(&stage, &ada);
        assert_eq!(trash(&ada).await, [] as [Value; 0]);
        assert_eq!(ada.get(&other).await.expect(200)["visibility"], "private");
        assert_eq!(stage.stranger().get(&thumb).await.status, 404, "its owner says anew who sees it");
        work(&stage, 24 * 31).await;
        assert_eq!(ada.get(&path).await.status, 200);
        assert_eq!(ada.get(&other).await.status, 200);
        let listed = ada.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_was_put_into_the_trash_anew_stays_in_it() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let path = format!("/api/v1/images/{}", text(&image, "id"));
    ada.delete(&path).await.expect(200);
    let backup = stage.records.snapshot();
    restore(&ada, &path).await;
    stage.advance(Duration::days(1));
    let anew = ada.delete(&path).await.expect(200);
    stage.records.restore(&backup);
    let ada = started(&stage, &ada);
    let there = trash(&ada).await;
    assert_eq!((there.len(), &there[0]["until"]), (1, &anew["until"]));
}

#[tokio::test]
async fn what_could_not_be_put_into_the_trash_at_the_first_try_is_there_once() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let path = format!("/api/v1/images/{}", text(&image, "id"));
    let backup = stage.records.snapshot();
    stage.records.fail(Call::Commit, Fault::Before);
    assert_eq!(ada.delete(&path).await.status, 503);
    stage.records.heal();
    stage.advance(Duration::hours(1));
    let trashed = ada.delete(&path).await.expect(200);
    stage.records.restore(&backup);
    let ada = started(&stage, &ada);
    let there = trash(&ada).await;
    assert_eq!((there.len(), &there[0]["until"]), (1, &trashed["until"]));
}

/// A hold on an image; answers its path.
async fn hold(operator: &Client, image: &Value) -> String {
    let hold = json!({"image": image["id"], "authority": "court", "reference": "1 O 2/26", "basis": "legal-claims",
        "placed_by": "counsel", "until": "2026-06-01T00:00:00Z"});
    format!(
        "/api/v1/operator/holds/{}",
        text(&operator.post("/api/v1/operator/holds", &hold).await.expect(201), "id")
    )
}

#[tokio::test]
async fn a_hold_keeps_originals_over_a_restore_of_a_backup_from_before_it() {
    let (stage, ada, gallery) = scene().await;
    let operator = stage.operator();
    let image = ada.upload(&gallery, photos::small(1)).await;
    let backup = stage.records.snapshot();
    let hold = hold(&operator, &image).await;
    let before = operator.get("/api/v1/operator/holds").await.expect(200);
    let erasure = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    work(&stage, 30).await;
    stage.records.restore(&backup);

    let operator = started(&stage, &operator);
    let ada = started(&stage, &ada);
    assert_eq!(operator.get("/api/v1/operator/holds").await.expect(200), before, "who, why and until when");
    work(&stage, 30).await;
    let path = format!("/api/v1/erasures/{erasure}");
    assert_eq!(ada.get(&path).await.expect(200)["state"], "restricted");
    assert!(stage.blobs.contains(&photos::small(1)[5000..5100]), "the original is kept");
    operator.post(&format!("{hold}/release"), &json!({"by": "counsel"})).await.expect(200);
    stage.until_done(&ada, &erasure).await;
    assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]));
}

#[tokio::test]
async fn a_hold_that_was_released_keeps_nothing_after_a_restore() {
    let (stage, ada, gallery) = scene().await;
    let operator = stage.operator();
    let image = ada.upload(&gallery, photos::small(1)).await;
    let hold = hold(&operator, &image).await;
    let backup = stage.records.snapshot();
    operator.post(&format!("{hold}/release"), &json!({"by": "counsel"})).await.expect(200);
    stage.records.restore(&backup);
    let operator = started(&stage, &operator);
    let holds = operator.get("/api/v1/operator/holds").await.expect(200);
    assert_eq!(holds["items"][0]["released"]["by"], "counsel", "{holds}");
    let ada = started(&stage, &ada);
    let erasure = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    stage.until_done(&ada, &erasure).await;
    assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]));
}

#[tokio::test]
async fn a_hold_is_known_to_the_ledger_before_it_is_in_force_and_its_release_before_it_is_told() {
    let (stage, ada, gallery) = scene().await;
    let operator = stage.operator();
    let image = ada.upload(&gallery, photos::small(1)).await;
    let wish = json!({"image": image["id"], "authority": "court", "reference": "1", "basis": "legal-claims",
        "placed_by": "counsel", "until": "2026-06-01T00:00:00Z"});
    stage.blobs.fail(Call::Put, Fault::Before);
    assert_eq!(operator.post("/api/v1/operator/holds", &wish).await.status, 503);
    stage.blobs.heal();
    assert_eq!(operator.get("/api/v1/operator/holds").await.expect(200)["items"], json!([]));
    let release = format!("{}/release", hold(&operator, &image).await);
    let backup = stage.records.snapshot();
    let by = json!({"by": "counsel"});
    stage.blobs.fail(Call::Put, Fault::Before);
    for _ in 0..2 {
        assert_eq!(operator.post(&release, &by).await.status, 503);
    }
    stage.blobs.heal();
    let told = operator.post(&release, &by).await.expect(200);
    stage.records.restore(&backup);
    let holds = started(&stage, &operator).get("/api/v1/operator/holds").await.expect(200);
    assert_eq!(holds["items"][0]["released"], told["released"]);
}

#[tokio::test]
async fn the_doctor_heals_nothing_away_that_is_under_a_hold() {
    let (stage, ada, gallery) = scene().await;
    let operator = stage.operator();
    let backup = stage.records.snapshot();
    let image = ada.upload(&gallery, photos::small(1)).await;
    let hold = hold(&operator, &image).await;
    stage.records.restore(&backup);
    let operator = started(&stage, &operator);
    operator.get("/api/v1/operator/holds").await.expect(200);
    stage.boot().engine().examine(true).await.unwrap();
    work(&stage, 30).await;
    let original = &photos::small(1)[5000..5100];
    assert!(stage.blobs.contains(original), "no record knows the image, and the hold keeps its original");
    operator.post(&format!("{hold}/release"), &json!({"by": "counsel"})).await.expect(200);
    work(&stage, 30).await;
    assert!(!stage.blobs.contains(original));
}

#[tokio::test]
async fn an_account_that_was_brought_back_is_not_erased_by_a_backup_from_its_grace() {
    let policy = Policy { account_grace: Duration::days(14), ..Policy::default() };
    let stage = Stage { policy, ..Stage::new() };
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let id = text(&ada.get("/api/v1/account").await.expect(200), "id");
    ada.delete("/api/v1/account").await.expect(202);
    let backup = stage.records.snapshot();
    let back = format!("/api/v1/operator/accounts/{id}/restore");
    operator.send(Method::POST, &back, "", "").await.expect(200);
    work(&stage, 1).await;
    stage.advance(Duration::days(20));
    stage.records.restore(&backup);
    let ada = started(&stage, &ada);
    assert_eq!(ada.get(&text(&image["renditions"][0], "url")).await.status, 200);
    work(&stage, 24 * 16).await;
    assert_eq!(ada.get(&format!("/api/v1/images/{}", text(&image, "id"))).await.status, 200);
    assert!(stage.blobs.contains(&photos::small(1)[5000..5100]));
}

#[tokio::test]
async fn links_of_a_gallery_outlive_a_process_that_died_while_taking_it_out_of_the_trash() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let path = format!("/api/v1/galleries/{}", ada.gallery("g", "private").await);
    ada.post(&format!("{path}/shares"), &json!({})).await.expect(201);
    ada.delete(&path).await.expect(200);
    stage.records.fail(Call::Commit, Fault::Before);
    assert_eq!(ada.send(Method::POST, &format!("{path}/restore"), "", "").await.status, 503);
    stage.records.heal();
    let ada = started(&stage, &ada);
    assert_eq!(ada.get(&path).await.status, 200, "it was asked for");
    let shares = ada.get(&format!("{path}/shares")).await.expect(200);
    assert_eq!(shares["items"].as_array().unwrap().len(), 1);
}
