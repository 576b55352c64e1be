//! "… and those you share the link with": a link is a secret shown once, hashed at rest, and dead at once
//! when it is revoked.

use serde_json::json;
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::Stage;

/// A private gallery with one image; answers its owner, its id and the image's thumbnail.
async fn private(stage: &Stage) -> (Client, String, String) {
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("for my friends", "private").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let url = text(&image["renditions"][0], "url");
    (ada, gallery, url)
}

/// Follows a link; answers a client with the cookie, and where the link led.
async fn open(stage: &Stage, link: &str) -> (Client, String) {
    let answer = stage.stranger().get(link).await;
    assert_eq!(answer.status, 303);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(answer.header("set-cookie").contains("HttpOnly; SameSite=Lax"));
    (stage.stranger().with("cookie", &cookie), answer.header("location").to_owned())
}

#[tokio::test]
async fn a_link_opens_one_gallery_until_it_is_revoked() {
    let stage = Stage::new();
    let (ada, gallery, thumb) = private(&stage).await;
    let other = ada.gallery("for me", "private").await;
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    let share = ada.post(&shares, &json!({"label": "family"})).await.expect(201);
    let (guest, page) = open(&stage, &text(&share, "url")).await;
    assert_eq!(page, format!("/g/{gallery}"));
    assert!(!page.contains("gs_"));
    for path in [&page, &thumb, &format!("/api/v1/galleries/{gallery}/images")] {
        let answer = guest.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    assert_eq!(guest.get(&format!("/g/{other}")).await.status, 404);
    assert_eq!(guest.get(&shares).await.status, 401);

    ada.delete(&format!("/api/v1/shares/{}", text(&share, "id"))).await.expect(204);
    for path in [&page, &thumb, &text(&share, "url")] {
        assert_eq!(guest.get(path).await.status, 404, "{path}");
    }
    assert_eq!(ada.get(&shares).await.expect(200)["items"], json!([]));
    assert_eq!(ada.get(&page).await.status, 200);
}

#[tokio::test]
async fn a_token_is_shown_once_and_stored_nowhere() {
    let stage = Stage::new();
    let (ada, gallery, _) = private(&stage).await;
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    let link = text(&ada.post(&shares, &json!({})).await.expect(201), "url");
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(token.len(), 46);
    assert!(!stage.records.contains(token.as_bytes()));
    assert!(memchr::memmem::find(&ada.get(&shares).await.body, token.as_bytes()).is_none());
}

#[tokio::test]
async fn a_link_expires_when_it_said() {
    let stage = Stage::new();
    let (ada, gallery, thumb) = private(&stage).await;
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    let share = ada.post(&shares, &json!({"expires": "2026-03-01T13:00:00Z"})).await.expect(201);
    let (guest, _) = open(&stage, &text(&share, "url")).await;
    stage.advance(Duration::minutes(59));
    assert_eq!(guest.get(&thumb).await.status, 200);
    stage.advance(Duration::minutes(1));
    assert_eq!(guest.get(&thumb).await.status, 404);
    assert_eq!(stage.stranger().get(&text(&share, "url")).await.status, 404);
}

#[tokio::test]
async fn only_a_private_gallery_has_links() {
    let ada = Stage::new().operator().account("ada", "pro").await;
    let gallery = ada.gallery("open", "public").await;
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    assert_eq!(ada.post(&shares, &json!({})).await.problem(409), "gallery-not-private");
}

#[tokio::test]
async fn forged_links_open_nothing() {
    let stage = Stage::new();
    let (ada, gallery, thumb) = private(&stage).await;
    let link =
        text(&ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &json!({})).await.expect(201), "url");
    let forged =
        [format!("{link}x"), link[..link.len() - 1].to_owned(), link.to_uppercase(), "/s/gs_".to_owned()];
    for link in forged {
        assert_eq!(stage.stranger().get(&link).await.status, 404, "{link}");
    }
    let name = format!("galerra-{}", &gallery[4..]);
    for value in ["", "gs_", &format!("gs_{}", "A".repeat(43)), &"x".repeat(4000)] {
        let guest = stage.stranger().with("cookie", &format!("{name}={value}"));
        assert_eq!(guest.get(&thumb).await.status, 404);
    }
}
