//! An owner is told who sees what, before and after they share it; nobody else is.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{OPERATOR, Stage};

async fn patch(client: &Client, path: &str, edit: Value) {
    client.send(Method::PATCH, path, "application/json", edit.to_string()).await.expect(200);
}

/// A private gallery with three images, one of them hidden and one whose place is shown.
async fn gallery(ada: &Client) -> String {
    let gallery = ada.gallery("for my friends", "private").await;
    for nth in 0..3 {
        let path = format!("/api/v1/galleries/{gallery}/images?title=Day%20{nth}");
        let image = ada.send(Method::POST, &path, "image/jpeg", photos::with_exif(nth)).await.expect(201);
        let path = format!("/api/v1/images/{}", text(&image, "id"));
        match nth {
            0 => patch(ada, &path, json!({"facts_shown": ["location"]})).await,
            1 => patch(ada, &path, json!({"hidden": true})).await,
            _ => {}
        }
    }
    gallery
}

#[tokio::test]
async fn an_owner_is_told_who_sees_what() {
    let stage = Stage::new().behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = gallery(&ada).await;
    let path = format!("/api/v1/galleries/{gallery}/audience");
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    ada.post(&shares, &json!({"label": "family", "download": true, "show_metadata": true})).await.expect(201);
    let told = ada.get(&path).await.expect(200);
    assert_eq!(
        (&told["visibility"], &told["hidden"], &told["caches"]),
        (&json!("private"), &json!(1), &json!([]))
    );
    let [owner, link] = told["who"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!(
        owner["sees"],
        json!({"images": 3, "forms": ["renditions", "master", "original"], "metadata": "all", "may_upload": true})
    );
    assert_eq!((&link["link"]["label"], &link["link"]["url"]), (&json!("family"), &Value::Null));
    let guest = json!({"images": 2, "forms": ["renditions", "master"], "metadata": "all-but-places-not-shown", "may_upload": false});
    assert_eq!(link["sees"], guest);
    // Without the plan it is frozen, and its owner is told so.
    let account = text(&ada.get("/api/v1/account").await.expect(200), "id");
    patch(&stage.operator(), &format!("/api/v1/accounts/{account}"), json!({"plan": "free"})).await;
    assert_eq!(ada.get(&path).await.expect(200)["who"][1]["sees"], Value::Null);
    patch(&ada, &format!("/api/v1/galleries/{gallery}"), json!({"visibility": "public"})).await;
    let told = ada.get(&path).await.expect(200);
    assert_eq!(told["who"][1]["who"], "anyone");
    assert_eq!(
        told["who"][1]["sees"],
        json!({"images": 2, "forms": ["renditions"], "metadata": "as-shown", "may_upload": false})
    );
    let caches: Vec<&str> =
        told["caches"].as_array().unwrap().iter().map(|cache| cache["who"].as_str().unwrap()).collect();
    assert_eq!(caches, ["browsers", "edge-0"]);
    assert_eq!(stage.stranger().get(&path).await.status, 401);
    assert_eq!(stage.operator().account("bob", "pro").await.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_link_is_explained_before_there_is_one() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = gallery(&ada).await;
    let path = format!("/api/v1/galleries/{gallery}/shares?dry_run=true");
    let told = ada.post(&path, &json!({})).await.expect(200);
    assert_eq!((&told["images"], &told["kept"], &told["texts"]), (&json!(2), &json!(1), &json!(2)));
    assert_eq!(
        (&told["full_size"], &told["facts"]["location"]),
        (&Value::Null, &json!({"told": 0, "kept": 2}))
    );
    let told = ada.post(&path, &json!({"show_metadata": true, "download": true})).await.expect(200);
    assert_eq!(told["facts"]["camera"], json!({"told": 2, "kept": 0}));
    assert_eq!(told["facts"]["location"], json!({"told": 1, "kept": 1}));
    let bytes = photos::with_exif(0).len() + photos::with_exif(2).len();
    assert_eq!(told["full_size"], json!({"images": 2, "bytes": bytes}));
    // It is what a guest is told then, and there is no link yet.
    let shares = format!("/api/v1/galleries/{gallery}/shares");
    assert_eq!(ada.get(&shares).await.expect(200)["items"], json!([]));
    let made = ada.post(&shares, &json!({"show_metadata": true, "download": true})).await.expect(201);
    let program = stage.stranger().with("accept", "application/json");
    let pass = program.send(Method::POST, &text(&made, "url"), "", "").await.expect(200);
    let guest = stage.stranger().as_bearer(&text(&pass, "pass"));
    let images = guest.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    let images = images["items"].as_array().unwrap();
    let placed = images.iter().filter(|image| image["facts"]["location"].is_object()).count();
    assert_eq!((images.len(), placed), (2, 1));
    for (wrong, status) in [(json!({"expires": "2020-01-01T00:00:00Z"}), 422), (json!({"max_views": 0}), 422)]
    {
        assert_eq!(ada.post(&path, &wrong).await.status, status);
    }
    assert_eq!(stage.operator().account("bob", "pro").await.post(&path, &json!({})).await.status, 404);
    let open = ada.gallery("open", "public").await;
    let path = format!("/api/v1/galleries/{open}/shares?dry_run=true");
    assert_eq!(ada.post(&path, &json!({})).await.problem(409), "gallery-not-private");
}

#[tokio::test]
async fn cards_are_of_open_galleries_alone() {
    let stage = Stage::new();
    let galerra = stage.boot().with_public_url("https://photos.example".parse().unwrap());
    let operator = Client::here(galerra.router()).as_bearer(OPERATOR);
    let ada = operator.account("ada", "pro").await;
    let stranger = operator.stranger();
    let oembed = async |gallery: &str, more: &str| {
        let path = format!("/oembed?url=https%3A%2F%2Fphotos.example%2Fg%2F{gallery}{more}");
        stranger.get(&path).await
    };
    for (kind, robots) in [("public", "all"), ("unlisted", "noindex, noimageindex")] {
        let gallery = ada.gallery("A \"day\" <b>", kind).await;
        let hidden = ada.upload(&gallery, photos::small(1)).await;
        patch(&ada, &format!("/api/v1/images/{}", text(&hidden, "id")), json!({"hidden": true})).await;
        let image = text(&ada.upload(&gallery, photos::generated(2, 3000, 2000)).await, "id");
        let page = stranger.get(&format!("/g/{gallery}")).await;
        let html = String::from_utf8_lossy(&page.body);
        assert_eq!(page.header("x-robots-tag"), robots);
        assert!(html.contains(&format!(
            "<meta property=\"og:image\" content=\"https://photos.example/i/{image}/medium.jpg\">"
        )));
        assert!(
            html.contains("<meta property=\"og:title\" content=\"A &#34;day&#34; &#60;b&#62;\">"),
            "{html}"
        );
        let told = oembed(&gallery, "").await.expect(200);
        assert_eq!((&told["type"], &told["title"]), (&json!("link"), &json!("A \"day\" <b>")));
        assert_eq!(told["thumbnail_url"], format!("https://photos.example/i/{image}/medium.jpg"));
        let small = oembed(&gallery, "&maxwidth=400").await.expect(200);
        assert_eq!((&small["thumbnail_width"], &small["thumbnail_height"]), (&json!(320), &json!(213)));
        assert!(oembed(&gallery, "&maxwidth=10").await.expect(200)["thumbnail_url"].is_null());
        assert_eq!(oembed(&gallery, "&format=xml").await.problem(501), "format-not-implemented");
        let bytes = stranger.get(&format!("/i/{image}/thumb.jpg")).await;
        assert_eq!(bytes.header("x-robots-tag"), robots);
    }
    let private = ada.gallery("secret", "private").await;
    ada.upload(&private, photos::small(1)).await;
    let page = String::from_utf8_lossy(&ada.get(&format!("/g/{private}")).await.body).into_owned();
    assert!(!page.contains("og:") && !page.contains("oembed") && page.contains("noindex"));
    assert_eq!(ada.get(&format!("/oembed?url=https://photos.example/g/{private}")).await.status, 404);
    for foreign in
        ["https://elsewhere.example/g/", "https://photos.example/i/", "https://photos.example:444/g/"]
    {
        assert_eq!(stranger.get(&format!("/oembed?url={foreign}{private}")).await.status, 404);
    }
    assert_eq!(stranger.get("/oembed").await.problem(400), "invalid-query");
}
