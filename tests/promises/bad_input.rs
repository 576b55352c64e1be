//! Every bad input has a clear answer with a stable code, and leaves nothing behind.

use std::path::Path;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, text};
use crate::photos;
use crate::stage::Stage;

struct Scene {
    stage: Stage,
    ada: Client,
    images: String,
}

async fn scene() -> Scene {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "public").await;
    Scene { stage, ada, images: format!("/api/v1/galleries/{gallery}/images") }
}

impl Scene {
    async fn send(&self, kind: &str, body: impl Into<Bytes>) -> crate::client::Answer {
        self.ada.send(Method::POST, &self.images, kind, body).await
    }
}

#[tokio::test]
async fn files_that_are_no_whole_pictures_are_refused() {
    let scene = scene().await;
    let png = photos::small(1);
    let huge = {
        let mut header = png[..33].to_vec();
        header.splice(16..24, [0, 0, 0xC3, 0x50, 0, 0, 0xC3, 0x50]);
        Bytes::from(header)
    };
    let cases = [
        ("image/jpeg", Bytes::new(), 422, "empty-file"),
        (
            "image/png",
            Bytes::from_static(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            415,
            "unsupported-image",
        ),
        ("image/jpeg", Bytes::from_static(b"%PDF-1.7"), 415, "unsupported-image"),
        ("image/png", png.slice(..png.len() / 2), 422, "image-truncated"),
        ("image/png", huge, 422, "image-too-large"),
        ("text/plain", png.clone(), 415, "unsupported-content-type"),
        ("", png.clone(), 415, "unsupported-content-type"),
        ("multipart/form-data", png.clone(), 400, "invalid-form"),
        ("multipart/form-data; boundary=x", png.clone(), 400, "invalid-form"),
        ("multipart/form-data; boundary=x", Bytes::from_static(b"--x--\r\n"), 422, "no-file"),
    ];
    for (kind, body, status, code) in cases {
        assert_eq!(scene.send(kind, body).await.problem(status), code, "{kind}");
    }
    let listed = scene.ada.get(&scene.images).await.expect(200);
    assert_eq!(listed["items"], json!([]));
    assert!(!scene.stage.records.contains(b"intent") && !scene.stage.blobs.contains(&png[5000..5100]));
    scene.send("image/jpeg", png).await.expect(201);
}

#[tokio::test]
async fn a_declared_length_above_the_limit_is_refused_unread() {
    let scene = scene().await;
    let client = scene.ada.with("content-length", "10000000000");
    let answer =
        client.send(Method::POST, &scene.images, "image/jpeg", Bytes::from_static(b"\xFF\xD8\xFF")).await;
    assert_eq!(answer.problem(413), "file-too-large");
}

#[tokio::test]
async fn a_body_that_no_picture_has_is_refused_at_its_head() {
    let scene = scene().await;
    let answer = scene.send("image/jpeg", vec![0; 60 << 20]).await;
    assert_eq!(answer.problem(413), "file-too-large");
    let answer = scene.send("image/jpeg", vec![0; 1 << 20]).await;
    assert_eq!(answer.problem(415), "unsupported-image");
}

#[tokio::test]
async fn file_names_reach_no_path_and_no_header() {
    let scene = scene().await;
    let gallery = scene.images.split('/').nth(4).unwrap().to_owned();
    let names = [
        "../../../etc/passwd",
        "..\\..\\x.png",
        "/dev/null",
        "a\u{202e}gnp.exe",
        "<script>.png",
        "%2e%2e%2f",
    ];
    for name in names {
        let made = scene.ada.form(&gallery, &[(name.to_owned(), photos::small(1))]).await.expect(201);
        let image = &made["images"][0];
        let shown = text(image, "file_name");
        assert!(!shown.contains('/') && !shown.contains('\\') && !shown.contains('\u{202e}'), "{shown}");
        let answer = scene.ada.get(&text(&image["renditions"][0], "url")).await;
        assert!(answer.header("content-disposition").starts_with("inline; filename=\"img_"));
    }
}

#[tokio::test]
async fn broken_json_and_arguments_are_named() {
    let scene = scene().await;
    let galleries = "/api/v1/galleries";
    for body in [
        "",
        "{",
        "[]",
        "{\"title\":1}",
        "{\"title\":\"t\",\"visbility\":\"public\"}",
        "{\"title\":\"t\",\"visibility\":\"secret\"}",
    ] {
        let answer = scene.ada.send(Method::POST, galleries, "application/json", body.to_owned()).await;
        assert_eq!(answer.problem(400), "invalid-json", "{body}");
    }
    let answer = scene.ada.send(Method::POST, galleries, "text/plain", "{}").await;
    assert_eq!(answer.problem(415), "unsupported-content-type");
    let long = json!({"title": "x".repeat(300)});
    assert_eq!(scene.ada.post(galleries, &long).await.problem(422), "invalid");
    let vast = json!({"title": "x".repeat(100_000)});
    assert_eq!(scene.ada.post(galleries, &vast).await.problem(413), "body-too-large");
    for query in ["?limit=x", "?limit=-1"] {
        assert_eq!(scene.ada.get(&format!("{galleries}{query}")).await.problem(400), "invalid-query");
    }
    for cursor in ["..", "a/b", "%00", "A"] {
        assert_eq!(
            scene.ada.get(&format!("{galleries}?cursor={cursor}")).await.problem(422),
            "invalid",
            "{cursor}"
        );
    }
    for (limit, expected) in [("0", 1), ("99999", 1)] {
        let page = scene.ada.get(&format!("{galleries}?limit={limit}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), expected);
    }
    let past = json!({"expires": "2001-01-01T00:00:00Z"});
    let private = scene.ada.gallery("p", "private").await;
    for body in [past, json!({"expires": "tomorrow"})] {
        assert_eq!(
            scene.ada.post(&format!("{galleries}/{private}/shares"), &body).await.problem(422),
            "invalid"
        );
    }
}

#[tokio::test]
async fn accounts_are_made_by_the_operator_and_once() {
    let operator = Stage::new().operator();
    let ada = operator.account("Ada", "free").await;
    let new = |name: &str, mail: &str| json!({"username": name, "email": mail, "plan": "free"});
    assert_eq!(operator.post("/api/v1/accounts", &new("ADA", "new@example.org")).await.problem(409), "taken");
    assert_eq!(operator.post("/api/v1/accounts", &new("new", "Ada@Example.org")).await.problem(409), "taken");
    assert_eq!(
        operator.post("/api/v1/accounts", &new("no spaces", "new@example.org")).await.problem(422),
        "invalid"
    );
    assert_eq!(operator.post("/api/v1/accounts", &new("new", "no address")).await.problem(422), "invalid");
    assert_eq!(
        ada.post("/api/v1/accounts", &new("new", "new@example.org")).await.problem(403),
        "operator-only"
    );
    for bearer in ["", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer gk_", "bearer \u{e9}"] {
        let stranger = ada.with("authorization", bearer);
        assert_eq!(stranger.get("/api/v1/account").await.problem(401), "unauthenticated", "{bearer}");
    }
    let unset = Client::here(Stage::new().boot().with_operator_token("").router());
    for bearer in ["Bearer ", "Bearer", ""] {
        let answer = unset
            .with("authorization", bearer)
            .post("/api/v1/accounts", &new("eve", "eve@example.org"))
            .await;
        assert_eq!(answer.problem(401), "unauthenticated");
    }
    assert_eq!(operator.get("/api/v1/account").await.problem(401), "unauthenticated");
}

#[tokio::test]
async fn addresses_that_name_nothing_have_one_answer() {
    let scene = scene().await;
    let ids = [
        "img_",
        "img_x",
        "gal_00000000000000000000000000",
        "..",
        "%2e%2e",
        "%00",
        "img_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "💥",
    ];
    for id in ids {
        for path in [
            format!("/api/v1/images/{id}"),
            format!("/i/{id}/thumb.jpg"),
            format!("/s/{id}"),
            format!("/api/v1/erasures/{id}"),
        ] {
            let path: String = path.chars().filter(char::is_ascii).collect();
            let answer = scene.ada.get(&path).await;
            assert_eq!(answer.problem(404), "not-found", "{path}");
        }
    }
    let answer = scene.ada.send(Method::PUT, "/api/v1/galleries", "application/json", "{}").await;
    assert_eq!(answer.problem(405), "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET, POST, HEAD");
}

/// The folder of hostile files: each is taken or refused as its manifest says, by content and under its name.
#[tokio::test]
async fn hostile_files_are_taken_or_refused_as_they_should_be() {
    let Some(folder) = std::env::var_os("GALERRA_HOSTILE") else {
        println!("skipped: GALERRA_HOSTILE names no folder");
        return;
    };
    let folder = Path::new(&folder);
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let cases = manifest.as_array().or_else(|| manifest["cases"].as_array()).unwrap();
    let scene = scene().await;
    let gallery = scene.images.split('/').nth(4).unwrap().to_owned();
    for case in cases.iter().filter(|case| case["file"].is_string()) {
        let bytes = std::fs::read(folder.join(text(case, "file"))).unwrap();
        let name = case["name"].as_str().unwrap_or("x").replace(['"', '\r', '\n', '\0'], "_");
        let answer = scene.ada.form(&gallery, &[(name, bytes.into())]).await;
        let status = answer.status.as_u16();
        match text(case, "expect").as_str() {
            "accept" => assert_eq!(status, 201, "{case}"),
            "refuse" => assert!([413, 415, 422].contains(&status), "{status} {case}"),
            _ => assert!([201, 413, 415, 422].contains(&status), "{status} {case}"),
        }
        let canaries: Vec<String> = case["canaries"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| c.as_str().map(str::to_owned))
            .collect();
        for rendition in answer.json()["images"][0]["renditions"].as_array().into_iter().flatten() {
            let served = scene.ada.get(&text(rendition, "url")).await.body;
            assert!(
                canaries.iter().all(|canary| memchr::memmem::find(&served, canary.as_bytes()).is_none()),
                "{case}"
            );
        }
    }
}
