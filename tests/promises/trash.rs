//! "… you can take it back for thirty days": the trash hides at once, gives back what it was, and is emptied in time.

use galerra::Policy;
use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

async fn post(client: &Client, path: &str) -> crate::client::Answer {
    client.send(Method::POST, path, "", "").await
}

async fn count(client: &Client, gallery: &str) -> Value {
    client.get(&format!("/api/v1/galleries/{gallery}")).await.expect(200)["image_count"].clone()
}

#[tokio::test]
async fn an_image_comes_back_from_the_trash_as_it_was() {
    let stage = Stage::new().behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let (id, thumb) = (text(&image, "id"), text(&image["renditions"][0], "url"));
    let path = format!("/api/v1/images/{id}");
    let ask = || http::Request::builder().uri(&thumb).body(bytes::Bytes::new()).unwrap();
    assert_eq!(stage.cdns[0].serve(ask()).await.status(), 200);

    let bob = stage.operator().account("bob", "free").await;
    for other in [&bob, &stage.operator()] {
        assert!(other.delete(&path).await.status.is_client_error());
    }
    assert_eq!(stage.stranger().get(&thumb).await.status, 200);
    let trashed = ada.delete(&path).await.expect(200);
    assert_eq!((&trashed["image"], &trashed["until"]), (&json!(id), &json!("2026-03-31T12:00:00Z")));
    assert_eq!(ada.delete(&path).await.expect(200), trashed, "once more changes nothing");
    assert_eq!(stage.stranger().get(&thumb).await.status, 404, "nobody is told that it was there");
    assert_eq!((count(&ada, &gallery).await, count(&stage.stranger(), &gallery).await), (json!(0), json!(0)));
    assert_eq!(ada.get(&path).await.expect(200)["trashed_until"], trashed["until"]);
    assert_eq!(ada.get(&thumb).await.header("cache-control"), "private, no-store");
    let listed = ada.get("/api/v1/trash").await.expect(200);
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["image"]), (1, &json!(id)));
    assert_eq!(bob.get("/api/v1/trash").await.expect(200)["items"], json!([]));
    for _ in 0..100 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::seconds(15));
    }
    assert_eq!(stage.cdns[0].serve(ask()).await.status(), 404, "networks have forgotten it");

    let restore = format!("{path}/restore");
    assert_eq!(post(&bob, &restore).await.status, 404);
    assert_eq!(post(&stage.stranger(), &restore).await.status, 404);
    assert_eq!(post(&ada, &restore).await.expect(200)["id"], id);
    assert_eq!(post(&ada, &restore).await.status, 404, "it is not there any more");
    assert_eq!(stage.stranger().get(&thumb).await.status, 200);
    assert_eq!(count(&stage.stranger(), &gallery).await, 1);
    let images = stage.stranger().get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    assert_eq!(images["items"][0]["id"], id);
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"], json!([]));
    stage.advance(Duration::days(40));
    stage.boot().engine().tick().await.unwrap();
    assert_eq!(stage.stranger().get(&thumb).await.status, 200, "its deadline went with it");
}

#[tokio::test]
async fn the_trash_is_emptied_in_time_and_when_asked() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "unlisted").await;
    let mut ids = Vec::new();
    for nth in 0..3 {
        ids.push(text(&ada.upload(&gallery, photos::small(nth)).await, "id"));
    }
    let path = |nth: usize| format!("/api/v1/images/{}", ids[nth]);
    ada.delete(&path(0)).await.expect(200);
    stage.advance(Duration::days(1));
    ada.delete(&path(1)).await.expect(200);
    // Now, not in a month.
    let erasure = erase(&ada, &path(1)).await;
    stage.until_done(&ada, &erasure).await;
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(count(&ada, &gallery).await, 1);
    stage.advance(Duration::days(28));
    stage.boot().engine().tick().await.unwrap();
    assert_eq!(ada.get(&path(0)).await.status, 200);
    stage.advance(Duration::days(1));
    for _ in 0..200 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::seconds(15));
    }
    assert_eq!(ada.get(&path(0)).await.status, 404);
    assert!(
        !stage.blobs.contains(&photos::small(0)[5000..5100])
            && stage.blobs.contains(&photos::small(2)[5000..5100])
    );
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"], json!([]));
    assert_eq!(count(&ada, &gallery).await, 1);
}

#[tokio::test]
async fn a_gallery_in_the_trash_is_closed_to_everyone() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "private").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let (id, thumb) = (text(&image, "id"), text(&image["renditions"][0], "url"));
    let share = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &json!({})).await.expect(201);
    let program = stage.stranger().with("accept", "application/json");
    let told = program.send(Method::POST, &text(&share, "url"), "", "").await.expect(200);
    let guest = stage.stranger().as_bearer(&text(&told, "pass"));
    let path = format!("/api/v1/galleries/{gallery}");
    ada.delete(&path).await.expect(200);
    for (who, at) in [(&guest, &thumb), (&ada, &thumb), (&ada, &path), (&guest, &path)] {
        assert_eq!(who.get(at).await.status, 404, "{at}");
    }
    assert_eq!(program.send(Method::POST, &text(&share, "url"), "", "").await.status, 404);
    let upload = format!("{path}/images");
    assert_eq!(ada.send(Method::POST, &upload, "image/png", photos::small(2)).await.status, 404);
    assert_eq!(ada.get("/api/v1/galleries").await.expect(200)["items"], json!([]));
    assert_eq!(post(&ada, &format!("/api/v1/images/{id}/restore")).await.status, 404);
    assert_eq!(post(&ada, &format!("{path}/restore")).await.expect(200)["image_count"], 1);
    assert_eq!(guest.get(&thumb).await.status, 200, "its links lead to it again");
    assert_eq!(ada.get("/api/v1/galleries").await.expect(200)["items"][0]["id"], gallery);
    // An image goes with the gallery that it was thrown out of.
    ada.delete(&format!("/api/v1/images/{id}")).await.expect(200);
    ada.delete(&path).await.expect(200);
    let erasure = erase(&ada, &path).await;
    stage.until_done(&ada, &erasure).await;
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"], json!([]));
    assert!(!stage.blobs.contains(format!("/{id}/").as_bytes()), "no folder of it is left");
    stage.advance(Duration::days(31));
    stage.boot().engine().tick().await.unwrap();
    assert!(!stage.records.contains(b"trash/"), "no deadline is left");
}

/// Neither deadline forgets the other, and what leads to a gallery can be ended while it lies there.
#[tokio::test]
async fn an_image_is_erased_in_time_from_a_gallery_that_is_in_the_trash_too() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "private").await;
    let (gone, kept) =
        (ada.upload(&gallery, photos::small(1)).await, ada.upload(&gallery, photos::small(2)).await);
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    let share = text(&ada.post(&shares, &json!({})).await.expect(201), "id");
    ada.delete(&format!("/api/v1/images/{}", text(&gone, "id"))).await.expect(200);
    stage.advance(Duration::days(5));
    ada.delete(&format!("/api/v1/galleries/{gallery}")).await.expect(200);
    ada.delete(&format!("/api/v1/shares/{share}")).await.expect(204);
    stage.advance(Duration::days(26));
    for _ in 0..200 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::seconds(15));
    }
    assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]), "{}", text(&gone, "id"));
    assert_eq!(
        post(&ada, &format!("/api/v1/galleries/{gallery}/restore")).await.expect(200)["image_count"],
        1
    );
    assert_eq!(ada.get(&format!("/api/v1/images/{}", text(&kept, "id"))).await.status, 200);
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"], json!([]));
    assert_eq!(ada.get("/api/v1/shares").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn what_waited_for_its_owner_waits_again() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "private").await;
    let share =
        ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &json!({"upload": true})).await.expect(201);
    let program = stage.stranger().with("accept", "application/json");
    let told = program.send(Method::POST, &text(&share, "url"), "", "").await.expect(200);
    let guest = stage.stranger().as_bearer(&text(&told, "pass"));
    let images = format!("/api/v1/galleries/{gallery}/images");
    guest.send(Method::POST, &images, "image/png", photos::small(1)).await.expect(202);
    let id = text(&ada.get(&images).await.expect(200)["items"][0], "id");
    ada.delete(&format!("/api/v1/images/{id}")).await.expect(200);
    assert_eq!(post(&ada, &format!("/api/v1/images/{id}/restore")).await.expect(200)["held"], true);
    assert_eq!(guest.get(&images).await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_deletion_that_is_misspelled_deletes_nothing() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let paths = [format!("/api/v1/images/{}", text(&image, "id")), format!("/api/v1/galleries/{gallery}")];
    for path in paths {
        for query in ["permanant=true", "permanent=yes", "lane=expedited", "permanent=true&lane=fast"] {
            assert_eq!(ada.delete(&format!("{path}?{query}")).await.problem(400), "invalid-query", "{query}");
        }
        ada.get(&path).await.expect(200);
    }
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"], json!([]));
    assert_eq!(ada.delete("/api/v1/account?lame=expedited").await.problem(400), "invalid-query");
}

#[tokio::test]
async fn what_goes_with_its_gallery_is_not_in_the_trash_any_more() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    ada.delete(&format!("/api/v1/images/{}", text(&image, "id"))).await.expect(200);
    erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn what_was_to_go_while_its_account_was_in_its_grace_goes_when_it_is_back() {
    let policy = Policy { account_grace: Duration::days(14), ..Policy::default() };
    let stage = Stage { policy, ..Stage::new() };
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let id = text(&ada.get("/api/v1/account").await.expect(200), "id");
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    ada.delete(&format!("/api/v1/images/{}", text(&image, "id"))).await.expect(200);
    stage.advance(Duration::days(29));
    ada.delete("/api/v1/account").await.expect(202);
    let tick = async |hours| {
        for _ in 0..hours {
            stage.advance(Duration::hours(1));
            stage.boot().engine().tick().await.unwrap();
        }
    };
    tick(48).await;
    assert!(stage.blobs.contains(&photos::small(1)[5000..5100]), "it may be brought back with all it has");
    operator.send(Method::POST, &format!("/api/v1/operator/accounts/{id}/restore"), "", "").await.expect(200);
    tick(3).await;
    assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]), "its time is over");
    assert_eq!(ada.get("/api/v1/trash").await.expect(200)["items"], json!([]));
}
