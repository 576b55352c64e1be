//! A link opens what it says to whoever it was given to: with a password where it asks for one, and with or without
//! cookies.

use std::time::Instant;

use galerra::Address;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::client::{Answer, Client, text};
use crate::photos;
use crate::stage::Stage;

/// A private gallery with one image and a link to it; answers its owner, its id, the image's thumbnail and the link.
async fn shared(stage: &Stage, terms: Value) -> (Client, String, String, Value) {
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("for my friends", "private").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let share = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &terms).await.expect(201);
    (ada, gallery, text(&image["renditions"][0], "url"), share)
}

/// Sends a password as the form of a link does.
async fn guess(client: &Client, link: &str, password: &str) -> Answer {
    let form = format!("password={password}");
    client.send(Method::POST, link, "application/x-www-form-urlencoded", form).await
}

#[tokio::test]
async fn a_password_guards_everything_behind_a_link() {
    let stage = Stage::new();
    let (ada, gallery, thumb, share) = shared(&stage, json!({"password": "correct horse"})).await;
    assert_eq!((&share["password"], share.to_string().contains("horse")), (&json!(true), false));
    assert!(!stage.records.contains(b"correct horse"));
    let link = text(&share, "url");
    let stranger = stage.stranger();
    let asked = stranger.get(&link).await;
    assert_eq!(asked.status, 200);
    assert!(String::from_utf8_lossy(&asked.body).contains("type=\"password\""));
    assert_eq!((asked.header("set-cookie"), asked.header("cache-control")), ("", "private, no-store"));
    assert_eq!(stranger.send(Method::POST, &link, "text/plain", "").await.problem(403), "password-required");
    assert_eq!(guess(&stranger, &link, "correct+horsf").await.problem(403), "wrong-password");
    // A password in an address would end up in logs: it opens nothing.
    assert_eq!(stranger.get(&format!("{link}?password=correct+horse")).await.status, 200);
    let page = guess(&stranger.with("accept", "text/html"), &link, "wrong").await;
    assert_eq!((page.status, page.header("set-cookie")), (StatusCode::FORBIDDEN, ""));
    assert!(String::from_utf8_lossy(&page.body).contains("not the password"));
    let opened = guess(&stranger, &link, "correct+horse").await;
    assert_eq!(opened.status, 303);
    let cookie = opened.header("set-cookie").split(';').next().unwrap();
    let guest = stranger.with("cookie", cookie);
    for path in [&format!("/g/{gallery}"), &thumb] {
        assert_eq!(guest.get(path).await.status, 200, "{path}");
        assert_eq!(stranger.get(path).await.status, 404, "{path}");
    }
    // Another password ends what the first one opened; so does taking the link away, but not taking the lock off.
    let path = format!("/api/v1/shares/{}", text(&share, "id"));
    let edit = async |edit: Value| {
        ada.send(Method::PATCH, &path, "application/json", edit.to_string()).await.expect(200)
    };
    edit(json!({"label": "mine"})).await;
    assert_eq!(guest.get(&thumb).await.status, 200);
    edit(json!({"password": "another one"})).await;
    assert_eq!(guest.get(&thumb).await.status, 404);
    assert_eq!(guess(&stranger, &link, "correct+horse").await.problem(403), "wrong-password");
    let opened = guess(&stranger, &link, "another+one").await;
    let guest = stranger.with("cookie", opened.header("set-cookie").split(';').next().unwrap());
    assert_eq!(edit(json!({"password": null})).await["password"], false);
    assert_eq!(guest.get(&thumb).await.status, 200);
    assert_eq!(stranger.get(&link).await.status, 303);
    for wrong in [json!({"password": ""}), json!({"password": "x".repeat(257)})] {
        let answer = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &wrong).await;
        assert_eq!(answer.problem(422), "invalid");
    }
}

/// A client that comes from an address, as a host would tell.
fn from(stage: &Stage, address: &str) -> Client {
    let address = Address(address.parse().unwrap());
    Client::here(stage.boot().router().layer(axum::Extension(address)))
}

#[tokio::test]
async fn ten_thousand_guesses_get_nowhere_and_lock_nobody_out() {
    let stage = Stage::new();
    let (ada, gallery, _, share) = shared(&stage, json!({"password": "correct horse"})).await;
    let link = text(&share, "url");
    let attacker = from(&stage, "203.0.113.7");
    let began = Instant::now();
    let mut weighed = 0;
    for nth in 0..10_000 {
        match guess(&attacker, &link, &format!("guess{nth}")).await {
            answer if answer.status == 403 => weighed += 1,
            answer => {
                assert_eq!(answer.problem(429), "too-many-guesses");
                assert_eq!(answer.header("retry-after"), "10");
            }
        }
    }
    assert_eq!(weighed, 10);
    println!("10 000 guesses: {weighed} weighed, {:?}", began.elapsed());
    // The right one is not told from others while it is not looked at.
    assert_eq!(guess(&attacker, &link, "correct+horse").await.problem(429), "too-many-guesses");
    // Other people open the link meanwhile, and whoever lives at the same address opens other links.
    assert_eq!(guess(&from(&stage, "198.51.100.1"), &link, "correct+horse").await.status, 303);
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    let other = text(&ada.post(&shares, &json!({"password": "b"})).await.expect(201), "url");
    assert_eq!(guess(&attacker, &other, "b").await.status, 303);
    // Nobody waits longer than for one guess.
    stage.advance(Duration::seconds(10));
    assert_eq!(guess(&attacker, &link, "correct+horse").await.status, 303);
    assert_eq!(guess(&attacker, &link, "correct+horse").await.status, 303, "a right one costs nothing");
}

#[tokio::test]
async fn a_wedding_opens_a_link_from_one_address() {
    let stage = Stage::new();
    let (_, _, _, share) = shared(&stage, json!({"password": "b"})).await;
    let (link, venue) = (text(&share, "url"), from(&stage, "198.51.100.1"));
    for _ in 0..150 {
        assert_eq!(guess(&venue, &link, "b").await.status, 303);
    }
}

#[tokio::test]
async fn many_addresses_have_one_budget_for_a_link() {
    let stage = Stage::new();
    let (_, _, _, share) = shared(&stage, json!({"password": "b"})).await;
    let link = text(&share, "url");
    let mut weighed = 0;
    for nth in 0..150 {
        let guesser = from(&stage, &format!("203.0.113.{nth}"));
        weighed += usize::from(guess(&guesser, &link, "wrong").await.status == 403);
    }
    assert_eq!(weighed, 100);
    // It is kept with the link: another process over the same stores knows of it.
    assert_eq!(guess(&stage.stranger(), &link, "b").await.problem(429), "too-many-guesses");
    stage.advance(Duration::seconds(10));
    assert_eq!(guess(&stage.stranger(), &link, "b").await.status, 303);
}

#[tokio::test]
async fn a_link_is_opened_without_cookies() {
    let stage = Stage::new();
    let (ada, gallery, thumb, share) = shared(&stage, json!({"download": true})).await;
    let (link, stranger) = (text(&share, "url"), stage.stranger());
    assert_eq!(stranger.send(Method::HEAD, &link, "", "").await.header("set-cookie"), "");
    // A browser carries the pass on, from address to address.
    let opened = stranger.get(&format!("{link}?cookies=no")).await;
    assert_eq!((opened.status, opened.header("set-cookie")), (StatusCode::SEE_OTHER, ""));
    let page = opened.header("location").to_owned();
    assert!(page.starts_with(&format!("/g/{gallery}?pass=gp_")));
    let shown = stranger.get(&page).await;
    assert_eq!(shown.status, 200);
    let html = String::from_utf8_lossy(&shown.body).into_owned();
    let addresses: Vec<&str> = html.split(['"', ' ', ',']).filter(|part| part.starts_with("/i/")).collect();
    assert!(addresses.len() > 2);
    for address in addresses {
        assert_eq!(stranger.get(address).await.status, 200, "{address}");
    }
    assert_eq!(stranger.get(&thumb).await.status, 404);
    // A program shows it like a key.
    let told =
        stranger.with("accept", "application/json").send(Method::POST, &link, "", "").await.expect(200);
    let guest = stranger.as_bearer(&text(&told, "pass"));
    assert_eq!((&told["gallery"], &told["url"]), (&json!(gallery), &json!(format!("/g/{gallery}"))));
    let images = guest.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    assert_eq!(guest.get(&text(&images["items"][0], "master")).await.status, 200);
    ada.delete(&format!("/api/v1/shares/{}", text(&share, "id"))).await.expect(204);
    for (client, path) in [(&stranger, &page), (&guest, &thumb)] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_owner_sees_what_each_of_their_guests_would() {
    let stage = Stage::new();
    let (ada, gallery, thumb, share) = shared(&stage, json!({"download": true})).await;
    let hidden = text(&ada.upload(&gallery, photos::small(2)).await, "id");
    let path = format!("/api/v1/images/{hidden}");
    ada.send(Method::PATCH, &path, "application/json", json!({"hidden": true}).to_string()).await.expect(200);
    let images = format!("/api/v1/galleries/{gallery}/images");
    let shown = async |client: &Client, guise: &str| client.get(&format!("{images}?as={guise}")).await;
    assert_eq!(ada.get(&images).await.expect(200)["items"].as_array().unwrap().len(), 2);
    let guise = text(&share, "id");
    let seen = shown(&ada, &guise).await.expect(200);
    let [image] = seen["items"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert!(image["master"].is_string() && image["original"].is_null() && image["file_name"].is_null());
    assert_eq!(ada.get(&format!("{path}?as={guise}")).await.status, 404);
    assert_eq!(ada.get(&format!("/g/{gallery}?as={guise}")).await.status, 200);
    assert_eq!(ada.get(&format!("{thumb}?as={guise}")).await.status, 200);
    // Anyone who comes by sees nothing of it; and a guise opens nothing to others.
    assert_eq!(shown(&ada, "guest").await.status, 404);
    let bob = stage.operator().account("bob", "pro").await;
    for other in [&stage.stranger(), &bob, &stage.operator()] {
        for guise in [&guise, "guest", "shr_x", ""] {
            assert_eq!(shown(other, guise).await.status, 404, "{guise}");
        }
    }
    ada.delete(&format!("/api/v1/shares/{guise}")).await.expect(204);
    assert_eq!(shown(&ada, &guise).await.status, 404);
}
