//! "… nobody else sees it before its owner has taken it": what guests send waits for the owner.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

/// A private gallery, and a guest whose link has these terms.
async fn invited(stage: &Stage, terms: Value) -> (Client, String, Client, String) {
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("our wedding", "private").await;
    let share = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &terms).await.expect(201);
    let stranger = stage.stranger().with("accept", "application/json");
    let told = stranger.send(Method::POST, &text(&share, "url"), "", "").await.expect(200);
    (ada, gallery, stage.stranger().as_bearer(&text(&told, "pass")), text(&share, "id"))
}

fn images(gallery: &str) -> String {
    format!("/api/v1/galleries/{gallery}/images")
}

async fn patch(client: &Client, image: &str, edit: Value) -> crate::client::Answer {
    let path = format!("/api/v1/images/{image}");
    client.send(Method::PATCH, &path, "application/json", edit.to_string()).await
}

#[tokio::test]
async fn what_a_guest_sends_waits_for_its_owner() {
    let stage = Stage::new();
    let (ada, gallery, guest, _) = invited(&stage, json!({"upload": true, "download": true})).await;
    let sent = guest.send(Method::POST, &images(&gallery), "image/jpeg", photos::small(1)).await;
    assert_eq!(sent.expect(202), json!({"held": 1}));
    let sent = guest.form(&gallery, &[("a.jpg".to_owned(), photos::small(2))]).await.expect(202);
    assert_eq!(sent, json!({"images": [], "held": 1, "refused": []}));
    let page = format!("/g/{gallery}");
    for (who, count) in [(&ada, 2), (&guest, 0)] {
        let listed = who.get(&images(&gallery)).await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), count);
        assert_eq!(who.get(&format!("/api/v1/galleries/{gallery}")).await.expect(200)["image_count"], count);
        assert_eq!(String::from_utf8_lossy(&who.get(&page).await.body).matches("<img").count(), count);
    }
    let held = ada.get(&images(&gallery)).await.expect(200)["items"][0].clone();
    assert_eq!((&held["held"], &held["hidden"]), (&json!(true), &json!(false)));
    let (id, thumb) = (text(&held, "id"), text(&held["renditions"][0], "url"));
    let answer = ada.get(&thumb).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "private, no-store"));
    for path in [&thumb, &format!("/api/v1/images/{id}"), &format!("/api/v1/images/{id}/master")] {
        assert_eq!(guest.get(path).await.status, 404, "{path}");
    }
    assert_eq!(patch(&guest, &id, json!({"held": false})).await.status, 404);
    assert_eq!(patch(&ada, &id, json!({"held": true})).await.problem(422), "invalid");
    assert_eq!(patch(&ada, &id, json!({"held": false})).await.expect(200)["held"], false);
    assert_eq!(guest.get(&thumb).await.status, 200);
    assert_eq!(guest.get(&format!("/api/v1/galleries/{gallery}")).await.expect(200)["image_count"], 1);
    // What is declined is erased like everything else.
    let other = text(&ada.get(&images(&gallery)).await.expect(200)["items"][1], "id");
    let erasure = erase(&ada, &format!("/api/v1/images/{other}")).await;
    stage.until_done(&ada, &erasure).await;
    assert_eq!(ada.get(&format!("/api/v1/galleries/{gallery}")).await.expect(200)["image_count"], 1);
}

#[tokio::test]
async fn guests_send_only_where_their_link_says_so() {
    let stage = Stage::new();
    let (ada, gallery, guest, share) = invited(&stage, json!({})).await;
    let send = async |who: &Client| {
        who.send(Method::POST, &images(&gallery), "image/jpeg", photos::small(1)).await.status.as_u16()
    };
    assert_eq!(send(&guest).await, 401);
    assert_eq!(send(&stage.stranger()).await, 401);
    assert_eq!(send(&stage.operator().account("bob", "pro").await).await, 404);
    let edit = async |edit: Value| {
        let path = format!("/api/v1/shares/{share}");
        ada.send(Method::PATCH, &path, "application/json", edit.to_string()).await.expect(200)
    };
    edit(json!({"upload": true})).await;
    assert_eq!(send(&guest).await, 202);
    edit(json!({"upload": false})).await;
    assert_eq!(send(&guest).await, 401);
    edit(json!({"upload": true})).await;
    ada.delete(&format!("/api/v1/shares/{share}")).await.expect(204);
    assert_eq!(send(&guest).await, 401);
    assert_eq!(ada.get(&images(&gallery)).await.expect(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn guests_cannot_fill_a_gallery_without_end() {
    let mut stage = Stage::new();
    stage.policy.max_held = 2;
    let (ada, gallery, guest, _) = invited(&stage, json!({"upload": true})).await;
    let send = async || guest.send(Method::POST, &images(&gallery), "image/jpeg", photos::small(1)).await;
    send().await.expect(202);
    send().await.expect(202);
    assert_eq!(send().await.problem(409), "too-many-held");
    // Neither do those who send at the same time.
    let first = text(&ada.get(&images(&gallery)).await.expect(200)["items"][0], "id");
    patch(&ada, &first, json!({"held": false})).await.expect(200);
    let answers = futures::future::join_all((0..4).map(|_| send())).await;
    assert_eq!(answers.iter().filter(|sent| sent.status == 202).count(), 1);
    assert_eq!(ada.get(&images(&gallery)).await.expect(200)["items"].as_array().unwrap().len(), 3);
    // The owner's own are not counted.
    ada.upload(&gallery, photos::small(2)).await;
}
