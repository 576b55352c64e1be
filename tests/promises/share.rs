//! "… and those you share the link with": a link is a secret shown once, hashed at rest, and dead at once
//! when it is revoked.

use http::Method;
use serde_json::{Value, json};
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

/// Makes a link; answers it with its address.
async fn share(ada: &Client, gallery: &str, new: &Value) -> (Value, String) {
    let share = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), new).await.expect(201);
    let link = text(&share, "url");
    (share, link)
}

#[tokio::test]
async fn what_a_guest_may_do_is_what_the_link_says() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "private").await;
    let image = ada.upload(&gallery, photos::with_exif(1)).await;
    let path = format!("/api/v1/images/{}", text(&image, "id"));
    for (download, show_metadata) in [(false, false), (true, false), (false, true), (true, true)] {
        let terms = json!({"download": download, "show_metadata": show_metadata});
        let (made, link) = share(&ada, &gallery, &terms).await;
        assert_eq!((&made["download"], &made["show_metadata"]), (&download.into(), &show_metadata.into()));
        let (guest, _) = open(&stage, &link).await;
        let shown = guest.get(&path).await.expect(200);
        assert_eq!(shown["facts"].get("camera").is_some(), show_metadata);
        assert_eq!(shown["facts"].get("location"), None, "where is a choice of its own");
        assert_eq!(shown.get("master").is_some(), download);
        let master = guest.get(&format!("{path}/master")).await;
        assert_eq!(master.status, if download { 200 } else { 404 });
        for secret in ["file_name", "original", "facts_shown", "hidden"] {
            assert_eq!(shown.get(secret), None);
        }
        assert_eq!(guest.get(&format!("{path}/original")).await.status, 404);
    }
    let shown = json!({"facts_shown": ["location"]});
    ada.send(Method::PATCH, &path, "application/json", shown.to_string()).await.expect(200);
    let facts = async |terms: Value| {
        let (guest, _) = open(&stage, &share(&ada, &gallery, &terms).await.1).await;
        guest.get(&path).await.expect(200)["facts"].clone()
    };
    assert!(facts(json!({"show_metadata": true})).await.get("location").is_some());
    assert_eq!(facts(json!({})).await, json!({}), "a link tells no more than it says");
}

#[tokio::test]
async fn a_link_can_be_opened_as_often_as_it_says() {
    let stage = Stage::new();
    let (ada, gallery, thumb) = private(&stage).await;
    let (_, link) = share(&ada, &gallery, &json!({"max_views": 2, "recipient": "Aunt Bea"})).await;
    for _ in 0..5 {
        // What previews a link does not use it up.
        let preview = stage.stranger().get(&link).await;
        assert_eq!((preview.status.as_u16(), preview.header("set-cookie")), (200, ""));
        assert!(!String::from_utf8_lossy(&preview.body).contains("Aunt Bea"));
    }
    let knock = async || stage.stranger().send(Method::POST, &link, "text/plain", "").await;
    let cookie = knock().await.header("set-cookie").split(';').next().unwrap().to_owned();
    let guest = stage.stranger().with("cookie", &cookie);
    assert_eq!(knock().await.status, 303);
    assert_eq!(knock().await.status, 404);
    assert_eq!(stage.stranger().get(&link).await.status, 404);
    assert_eq!(guest.get(&thumb).await.status, 200, "whoever has opened it may look around");
    let listed = ada.get(&format!("/api/v1/galleries/{gallery}/shares")).await.expect(200);
    let listed = &listed["items"][0];
    assert_eq!(
        (&listed["views"], &listed["max_views"], &listed["recipient"]),
        (&2.into(), &2.into(), &"Aunt Bea".into())
    );
    stage.advance(Duration::hours(12));
    assert_eq!(guest.get(&thumb).await.status, 404, "a pass ends");
    for wrong in [json!({"max_views": 0}), json!({"recipient": "x".repeat(5000)})] {
        let answer = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &wrong).await;
        assert_eq!(answer.problem(422), "invalid");
    }
}

#[tokio::test]
async fn many_who_open_one_link_at_once_are_counted_each() {
    let stage = Stage::new();
    let (ada, gallery, _) = private(&stage).await;
    let (_, link) = share(&ada, &gallery, &json!({"max_views": 5})).await;
    let knocks =
        (0..12).map(async |_| stage.stranger().send(Method::POST, &link, "text/plain", "").await.status);
    let seen = futures::future::join_all(knocks).await;
    assert_eq!(seen.iter().filter(|status| status.as_u16() == 303).count(), 5);
}

#[tokio::test]
async fn without_the_plan_links_are_frozen_and_nothing_opens() {
    let stage = Stage::new();
    let operator = stage.operator();
    let (ada, gallery, thumb) = private(&stage).await;
    let (_, link) = share(&ada, &gallery, &json!({})).await;
    let (guest, page) = open(&stage, &link).await;
    let account = text(&ada.get("/api/v1/account").await.expect(200), "id");
    let plan = async |client: &Client, plan: &str| {
        let path = format!("/api/v1/accounts/{account}");
        client.send(Method::PATCH, &path, "application/json", json!({"plan": plan}).to_string()).await
    };
    assert_eq!(plan(&ada, "pro").await.problem(403), "operator-only");
    assert_eq!(plan(&stage.stranger(), "pro").await.status, 401);
    assert_eq!(plan(&operator, "free").await.expect(200)["plan"], "free");
    for path in [&page, &thumb, &link] {
        assert_eq!(guest.get(path).await.status, 404, "{path}");
        assert_eq!(stage.stranger().get(path).await.status, 404, "{path}");
    }
    assert_eq!(ada.get(&thumb).await.status, 200, "its owner loses nothing");
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    assert_eq!(ada.post(&shares, &json!({})).await.problem(403), "pro-required");
    assert_eq!(ada.get(&shares).await.expect(200)["items"].as_array().unwrap().len(), 1);
    plan(&operator, "pro").await.expect(200);
    assert_eq!(guest.get(&thumb).await.status, 200);
}

#[tokio::test]
async fn all_links_of_an_account_are_listed_and_can_be_revoked_together() {
    let stage = Stage::new();
    let (ada, gallery, thumb) = private(&stage).await;
    let other = ada.gallery("two", "private").await;
    let mut links = Vec::new();
    for nth in 0..5 {
        links.push(share(&ada, if nth % 2 == 0 { &gallery } else { &other }, &json!({})).await);
    }
    let (guest, _) = open(&stage, &links[0].1).await;
    let mut seen = Vec::new();
    let mut path = "/api/v1/shares?limit=2".to_owned();
    loop {
        let page = ada.get(&path).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|share| text(share, "id")));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/shares?limit=2&cursor={next}");
    }
    let mut made: Vec<String> = links.iter().map(|(share, _)| text(share, "id")).collect();
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
    assert_eq!(ada.get("/api/v1/shares?cursor=a/b").await.problem(422), "invalid");
    assert_eq!(stage.stranger().get("/api/v1/shares").await.status, 401);
    let bob = stage.operator().account("bob", "pro").await;
    assert_eq!(bob.get("/api/v1/shares").await.expect(200)["items"], json!([]));
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    assert_eq!(bob.delete(&shares).await.status, 404);
    assert_eq!(ada.delete(&shares).await.expect(200)["revoked"], 3);
    assert_eq!(ada.delete(&shares).await.expect(200)["revoked"], 0);
    assert_eq!(guest.get(&thumb).await.status, 404);
    for (nth, (_, link)) in links.iter().enumerate() {
        assert_eq!(stage.stranger().get(link).await.status, if nth % 2 == 0 { 404 } else { 303 });
    }
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
    let (guest, _) = open(&stage, &link).await;
    assert_eq!(guest.get(&thumb).await.status, 200);
    let pass =
        stage.stranger().get(&link).await.header("set-cookie").split([';', '=']).nth(1).unwrap().to_owned();
    let (other, _) = share(&ada, &gallery, &json!({})).await;
    let foreign = pass.replace(pass.split(['_', '.']).nth(1).unwrap(), &text(&other, "id")[4..]);
    // The link itself is no pass: what a link may do is told when it is exchanged.
    let token = link.rsplit('/').next().unwrap();
    let long = "x".repeat(4000);
    for value in ["", "gp_", "gp_a.b.c", token, &foreign, &format!("{pass}x"), &pass[..pass.len() - 1], &long]
    {
        let guest = stage.stranger().with("cookie", &format!("{name}={value}"));
        assert_eq!(guest.get(&thumb).await.status, 404, "{value}");
    }
    // Under whatever name it comes, it opens its own gallery and no other.
    let stray = stage.stranger().with("cookie", &format!("galerra-x={pass}"));
    assert_eq!(stray.get(&thumb).await.status, 200);
}
