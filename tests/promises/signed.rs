//! Addresses of private images that a network verifies itself: good for minutes, and dead with the gallery's epoch.

use galerra::cdn::SecureLink;
use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::client::{Client, text};
use crate::nginx::Nginx;
use crate::photos;
use crate::server::{Server, free_port};
use crate::stage::{OPERATOR, Stage};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The operator of a process in front of which a network verifies addresses.
fn operator(stage: &Stage) -> Client {
    let galerra = stage.boot().with_cdn_url("https://cdn.example".parse().unwrap());
    Client::here(galerra.with_signer(SecureLink::new(SECRET).unwrap()).router()).as_bearer(OPERATOR)
}

/// A private gallery with one image, a guest of it, and the link they came by.
async fn shared(operator: &Client) -> (Client, String, String, Client, String) {
    let ada = operator.account("ada", "pro").await;
    let gallery = ada.gallery("for my friends", "private").await;
    let image = text(&ada.upload(&gallery, photos::small(1)).await, "id");
    let share = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &json!({})).await.expect(201);
    let link = text(&share, "url");
    let path = link.find("/s/").map_or("", |at| &link[at..]);
    let program = operator.stranger().with("accept", "application/json");
    let told = program.send(Method::POST, path, "", "").await.expect(200);
    (ada, gallery, image, operator.stranger().as_bearer(&text(&told, "pass")), text(&share, "id"))
}

/// The address of the first image's first rendition, as this viewer is told it.
async fn address(viewer: &Client, gallery: &str) -> String {
    let images = viewer.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    text(&images["items"][0]["renditions"][0], "url")
}

fn path(address: &str) -> String {
    address.strip_prefix("https://cdn.example").unwrap_or_else(|| panic!("{address}")).to_owned()
}

#[tokio::test]
async fn a_signed_address_opens_one_rendition_for_some_minutes() {
    let stage = Stage::new();
    let operator = operator(&stage);
    let (ada, gallery, image, guest, _) = shared(&operator).await;
    let stranger = operator.stranger();
    let signed = path(&address(&guest, &gallery).await);
    let answer = stranger.get(&signed).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "private, no-store"));
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(stranger.with("range", "bytes=0-9").get(&signed).await.body.len(), 10);
    // Whoever looks twice within a minute has it already.
    assert_eq!(path(&address(&guest, &gallery).await), signed);
    let (bare, query) = signed.split_once('?').unwrap();
    let large = bare.replace("thumb", "large");
    for forged in [
        bare.to_owned(),
        format!("{large}?{query}"),
        format!("{bare}?{}", query.replace("epoch=1", "epoch=2")),
        format!("{bare}?{}", query.replacen("until=1", "until=2", 1)),
        format!("{bare}?{}", &query[..query.len() - 1]),
        format!("/api/v1/images/{image}?{query}"),
        format!("/api/v1/images/{image}/master?{query}"),
        format!("/g/{gallery}?{query}"),
    ] {
        assert_eq!(stranger.get(&forged).await.status, 404, "{forged}");
    }
    // Its owner has a key, and no need of an address that others could use.
    assert!(!address(&ada, &gallery).await.contains("sig="));
    stage.advance(Duration::minutes(5));
    assert_eq!(stranger.get(&signed).await.status, 404);
    let lives: Vec<&str> = query.split(['=', '&']).collect();
    assert_eq!(lives[3], "1772366700", "five minutes at the most, to a whole minute");
}

#[tokio::test]
async fn a_signed_address_dies_with_what_it_was_given_for() {
    type Tightening = (&'static str, Method, &'static str, Value);
    let patch = Method::PATCH;
    let tightenings: [Tightening; 6] = [
        ("revoked", Method::DELETE, "/api/v1/shares/SHARE", json!({})),
        ("less allowed", patch.clone(), "/api/v1/shares/SHARE", json!({"password": "b"})),
        ("hidden", patch.clone(), "/api/v1/images/IMAGE", json!({"hidden": true})),
        ("deleted", Method::DELETE, "/api/v1/images/IMAGE?permanent=true", json!({})),
        ("gallery deleted", Method::DELETE, "/api/v1/galleries/GALLERY?permanent=true", json!({})),
        ("account deleted", Method::DELETE, "/api/v1/account", json!({})),
    ];
    for (what, method, at, body) in tightenings {
        let stage = Stage::new();
        let operator = operator(&stage);
        let (ada, gallery, image, guest, share) = shared(&operator).await;
        let signed = path(&address(&guest, &gallery).await);
        assert_eq!(operator.stranger().get(&signed).await.status, 200, "{what}");
        let at = at.replace("SHARE", &share).replace("IMAGE", &image).replace("GALLERY", &gallery);
        assert!(
            ada.send(method, &at, "application/json", body.to_string()).await.status.is_success(),
            "{what}"
        );
        assert_eq!(operator.stranger().get(&signed).await.status, 404, "{what}");
    }
    let stage = Stage::new();
    let operator = operator(&stage);
    let (ada, gallery, _, guest, _) = shared(&operator).await;
    let signed = path(&address(&guest, &gallery).await);
    let account = text(&ada.get("/api/v1/account").await.expect(200), "id");
    let free = json!({"plan": "free"}).to_string();
    operator.send(patch, &format!("/api/v1/accounts/{account}"), "application/json", free).await.expect(200);
    assert_eq!(operator.stranger().get(&signed).await.status, 404, "frozen");
}

/// A real nginx lets signed addresses through, and no others; stores nothing of them, and logs no secret.
#[tokio::test(flavor = "multi_thread")]
async fn nginx_verifies_signed_addresses() {
    let port = free_port();
    let Some(edge) = Nginx::start(port, SECRET) else { return };
    let data = tempfile::tempdir().unwrap();
    let at = format!("http://127.0.0.1:{}", edge.port());
    let settings = [
        ("GALERRA_SIGNING_KEY", SECRET.to_owned()),
        ("GALERRA_CDN_URL", at.clone()),
        ("GALERRA_PUBLIC_URL", at.clone()),
    ];
    let server = Server::start(data.path(), port, &settings);
    let operator = server.operator().at(edge.port());
    let (ada, gallery, image, guest, share) = shared(&operator).await;
    let stranger = operator.stranger();
    let signed = address(&guest, &gallery).await;
    assert!(signed.starts_with(&format!("{at}/i/{image}/thumb.jpg?epoch=1&until=")), "{signed}");
    let bytes = stranger.get(&signed).await;
    assert_eq!(bytes.status, 200);
    for forged in
        [signed.replace("until=1", "until=2"), signed[..signed.len() - 1].to_owned(), format!("{signed}x")]
    {
        let answer = stranger.get(&forged).await;
        // Refused before the origin is asked.
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "text/html"), "{forged}");
    }
    // What is public is stored, what is private is not.
    let open = ada.gallery("open", "public").await;
    ada.upload(&open, photos::small(2)).await;
    let public = address(&stranger, &open).await;
    let shown = stranger.get(&public).await;
    assert_eq!(stranger.get(&public).await.header("x-cache"), "HIT");
    assert!(crate::walk::found(edge.folder(), &shown.body[shown.body.len() / 2..][..48]));
    let needle = &bytes.body[bytes.body.len() / 2..][..48];
    assert!(!crate::walk::found(edge.folder(), needle), "nginx has stored private bytes");
    ada.delete(&format!("/api/v1/shares/{share}")).await.expect(204);
    assert_eq!(stranger.get(&signed).await.problem(404), "not-found");
    for secret in [signed.rsplit('=').next().unwrap(), &guest.bearer(), &ada.bearer(), SECRET, "gs_"] {
        let found = ["access.log", "error.log"].iter().any(|log| {
            let log = std::fs::read(edge.folder().join(log)).unwrap();
            memchr::memmem::find(&log, secret.as_bytes()).is_some()
        });
        assert!(!found, "a secret is in a log");
    }
}
