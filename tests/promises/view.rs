//! "Public galleries are viewable by anyone with the link. Private galleries are only accessible to you and
//! those you share the link with": one answer for absent and forbidden, and headers that follow the grant.

use http::Method;

use crate::client::{Answer, Client, text};
use crate::photos;
use crate::stage::Stage;

/// What a stranger could tell apart: status, headers but the date, and body.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status.as_u16(), headers.collect(), answer.body.to_vec())
}

#[tokio::test]
async fn absent_and_forbidden_are_one_answer() {
    let stage = Stage::new();
    let operator = stage.operator();
    let (ada, bob) = (operator.account("ada", "pro").await, operator.account("bob", "pro").await);
    let gallery = ada.gallery("mine alone", "private").await;
    let image = text(&ada.upload(&gallery, photos::small(1)).await, "id");
    let share = text(
        &ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &serde_json::json!({})).await.expect(201),
        "id",
    );
    let absent = |id: &str| format!("{}{}", &id[..4], "0".repeat(26));
    let addresses = [
        ("GET", format!("/api/v1/galleries/{gallery}"), format!("/api/v1/galleries/{}", absent(&gallery))),
        (
            "GET",
            format!("/api/v1/galleries/{gallery}/images"),
            format!("/api/v1/galleries/{}/images", absent(&gallery)),
        ),
        (
            "GET",
            format!("/api/v1/galleries/{gallery}/shares"),
            format!("/api/v1/galleries/{}/shares", absent(&gallery)),
        ),
        ("GET", format!("/g/{gallery}"), format!("/g/{}", absent(&gallery))),
        ("GET", format!("/api/v1/images/{image}"), format!("/api/v1/images/{}", absent(&image))),
        (
            "GET",
            format!("/api/v1/images/{image}/original"),
            format!("/api/v1/images/{}/original", absent(&image)),
        ),
        ("GET", format!("/i/{image}/thumb.jpg"), format!("/i/{}/thumb.jpg", absent(&image))),
        ("GET", format!("/i/{image}/nothing.jpg"), format!("/i/{}/nothing.jpg", absent(&image))),
        ("DELETE", format!("/api/v1/images/{image}"), format!("/api/v1/images/{}", absent(&image))),
        (
            "DELETE",
            format!("/api/v1/images/{image}?permanent=true"),
            format!("/api/v1/images/{}?permanent=true", absent(&image)),
        ),
        (
            "DELETE",
            format!("/api/v1/galleries/{gallery}?permanent=true"),
            format!("/api/v1/galleries/{}?permanent=true", absent(&gallery)),
        ),
        ("DELETE", format!("/api/v1/shares/{share}"), format!("/api/v1/shares/{}", absent(&share))),
        (
            "POST",
            format!("/api/v1/galleries/{gallery}/images"),
            format!("/api/v1/galleries/{}/images", absent(&gallery)),
        ),
        (
            "POST",
            format!("/api/v1/galleries/{gallery}/shares"),
            format!("/api/v1/galleries/{}/shares", absent(&gallery)),
        ),
    ];
    for viewer in [&bob, &operator, &stage.stranger()] {
        for (method, forbidden, missing) in &addresses {
            let method = || method.parse::<http::Method>().unwrap();
            let forbidden = viewer.send(method(), forbidden, "application/json", "{}").await;
            let missing = viewer.send(method(), missing, "application/json", "{}").await;
            assert!(forbidden.status.is_client_error());
            assert_eq!(seen(&forbidden), seen(&missing), "{:?} {missing:?}", method());
        }
    }
}

#[tokio::test]
async fn a_conditional_request_is_authorised_first() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("mine alone", "private").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let url = text(&image["renditions"][0], "url");
    let etag = ada.get(&url).await.header("etag").to_owned();
    assert_eq!(ada.with("if-none-match", &etag).get(&url).await.status, 304);
    assert_eq!(ada.with("if-none-match", "\"other\"").get(&url).await.status, 200);
    for condition in [etag.as_str(), "*"] {
        assert_eq!(stage.stranger().with("if-none-match", condition).get(&url).await.status, 404);
    }
}

#[tokio::test]
async fn bytes_come_in_parts_and_to_nobody_else() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("g", "private").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let of = |kind: &str| format!("/api/v1/images/{}/{kind}", text(&image, "id"));
    for url in [text(&image["renditions"][0], "url"), of("original"), of("master")] {
        let whole = ada.get(&url).await;
        assert_eq!(whole.header("accept-ranges"), "bytes", "{url}");
        let (total, etag) = (whole.body.len(), whole.header("etag").to_owned());
        let ask = async |range: &str| ada.with("range", range).get(&url).await;
        for (range, bytes) in [("bytes=0-0", 0..1), ("bytes=10-19", 10..20), ("bytes=-7", total - 7..total)] {
            let part = ask(range).await;
            assert_eq!(part.status, 206, "{url} {range}");
            assert_eq!(
                part.header("content-range"),
                format!("bytes {}-{}/{total}", bytes.start, bytes.end - 1)
            );
            assert_eq!(part.header("content-length"), bytes.len().to_string());
            assert_eq!((part.header("etag"), part.header("cache-control")), (&*etag, "private, no-store"));
            assert_eq!(part.body, whole.body.slice(bytes));
        }
        let beyond = ask(&format!("bytes={total}-")).await;
        assert_eq!(beyond.header("content-range"), format!("bytes */{total}"));
        assert_eq!(beyond.problem(416), "range-not-satisfiable");
        for whole in ["bytes=0-1,4-5", "bytes=9-1", "lines=1-2", "nonsense"] {
            assert_eq!(ask(whole).await.body.len(), total, "{whole}");
        }
        let other = ada.with("range", "bytes=0-0").with("if-range", "\"other\"").get(&url).await;
        assert_eq!((other.status.as_u16(), other.body.len()), (200, total));
        let head = ada.with("range", "bytes=0-0").send(Method::HEAD, &url, "text/plain", "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), total.to_string());
        for range in ["bytes=0-0", "bytes=99999999-"] {
            let denied = stage.stranger().with("range", range).with("if-range", &etag).get(&url).await;
            assert_eq!((denied.header("content-range"), denied.header("etag")), ("", ""));
            assert_eq!(denied.problem(404), "not-found");
        }
    }
}

#[tokio::test]
async fn a_grant_that_has_ended_opens_nothing() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("open", "public").await;
    let image = text(&ada.upload(&gallery, photos::small(1)).await, "id");
    let engine = stage.boot().engine().clone();
    let seen = engine.image(&galerra::Viewer::anonymous(), image.parse().unwrap()).await.unwrap();
    assert!(engine.rendition(&seen, "thumb.jpg", None).await.is_ok());
    stage.advance(time::Duration::minutes(5));
    assert!(engine.rendition(&seen, "thumb.jpg", None).await.is_err());
    assert!(engine.images(&seen.grant, None, 10).await.is_err());
}

#[tokio::test]
async fn what_one_process_hides_every_process_hides() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let (one, two) = (ada.gallery("one", "public").await, ada.gallery("two", "public").await);
    let first = ada.upload(&one, photos::small(1)).await;
    let second = ada.upload(&two, photos::small(2)).await;
    let urls = [&first, &second].map(|image| text(&image["renditions"][0], "url"));
    let elsewhere = stage.stranger();
    for url in &urls {
        assert_eq!(elsewhere.get(url).await.status, 200);
        assert_eq!(elsewhere.get(url).await.status, 200);
    }
    crate::stage::erase(&ada, &format!("/api/v1/images/{}", text(&first, "id"))).await;
    assert_eq!(elsewhere.get(&urls[0]).await.status, 410);
    assert_eq!(elsewhere.get(&urls[1]).await.status, 200);
    ada.delete("/api/v1/account").await.expect(202);
    assert_eq!(elsewhere.get(&urls[1]).await.status, 410);
}

/// The tag of the image behind a rendition's address.
fn tag(url: &str) -> String {
    format!("i-{}", &url.split('/').nth(2).unwrap()[4..])
}

/// Whether any header holds the text.
fn tells(answer: &Answer, text: &str) -> bool {
    answer.headers.values().any(|value| value.to_str().unwrap().contains(text))
}

#[tokio::test]
async fn cache_headers_follow_the_grant() {
    let stage = Stage::new().behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "pro").await;
    let (open, closed) = (ada.gallery("open", "public").await, ada.gallery("closed", "private").await);
    let open = text(&ada.upload(&open, photos::small(1)).await["renditions"][0], "url");
    let closed = text(&ada.upload(&closed, photos::small(2)).await["renditions"][0], "url");
    let public = stage.stranger().get(&open).await;
    assert_eq!(public.header("cache-control"), "public, max-age=300, s-maxage=86400, must-revalidate");
    assert_eq!(public.header("vary"), "");
    assert!(tells(&public, &tag(&open)), "a public response can be purged by its tag");
    let private = ada.get(&closed).await;
    assert_eq!(private.header("cache-control"), "private, no-store");
    assert!(!tells(&private, &tag(&closed)), "a private response carries no tag");
    for answer in [public, private] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(answer.header("content-type"), "image/jpeg");
        assert!(answer.header("content-disposition").starts_with("inline; filename=\"img_"));
    }
}

#[tokio::test]
async fn a_gallery_has_a_page_without_scripts_or_third_parties() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("<script>alert(1)</script> & friends", "unlisted").await;
    ada.upload(&gallery, photos::small(1)).await;
    let page = stage.stranger().get(&format!("/g/{gallery}")).await;
    assert_eq!(page.status, 200);
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(!html.contains("<script") && !html.contains("<form"));
    assert!(html.contains("&#60;script&#62;alert(1)"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(page.header("x-robots-tag"), "noindex, noimageindex");
    let own = ada.get(&format!("/g/{gallery}")).await;
    assert!(String::from_utf8(own.body.to_vec()).unwrap().contains("multipart/form-data"));
}

#[tokio::test]
async fn people_are_answered_with_pages() {
    let stage = Stage::new();
    let browser = stage.stranger().with("accept", "text/html,application/xhtml+xml");
    let answer = browser.get("/g/gal_00000000000000000000000000").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert!(String::from_utf8(answer.body.to_vec()).unwrap().contains("there is nothing here for you"));
}

#[tokio::test]
async fn a_free_account_has_no_private_gallery() {
    let ada: Client = Stage::new().operator().account("ada", "free").await;
    let new = serde_json::json!({"title": "t", "visibility": "private"});
    assert_eq!(ada.post("/api/v1/galleries", &new).await.problem(403), "pro-required");
}
