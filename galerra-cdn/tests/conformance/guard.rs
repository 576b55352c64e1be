//! What a real Varnish with our configuration stores, shows and refuses.

use bytes::Bytes;
use galerra_cdn::Tag;
use galerra_cdn::conformance::Bench;
use http::{Method, Response, StatusCode};

use crate::benches::Real;
use crate::varnish::Varnishd;

/// The answer to the second of two visits, between which the origin changes its mind.
async fn second(bench: &Real<Varnishd>, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    bench.publish(path, headers, "first");
    bench.ask(Method::GET, path, &[]).await;
    bench.publish(path, headers, "second");
    bench.ask(Method::GET, path, &[]).await
}

#[tokio::test]
async fn only_explicitly_public_answers_are_stored() {
    let Some(bench) = Real::<Varnishd>::start().await else { return };
    for (path, headers, stored) in [
        ("/1", &[("cache-control", "public, max-age=300")][..], true),
        ("/2", &[("cache-control", "max-age=0, s-maxage=300")], true),
        ("/3", &[("cache-control", "private, no-store"), ("surrogate-control", "max-age=600")], false),
        ("/4", &[("cache-control", "private, no-store"), ("cdn-cache-control", "max-age=600")], false),
        ("/5", &[("cache-control", "PRIVATE, max-age=300")], false),
        ("/6", &[("cache-control", "no-cache")], false),
        ("/7", &[], false),
        ("/8", &[("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT")], false),
        ("/9", &[("expires", "Fri, 01 Jan 2100 00:00:00 GMT")], false),
        ("/10", &[("cache-control", "public, max-age=300"), ("set-cookie", "a=b")], false),
        ("/11", &[("cache-control", "public, max-age=300"), ("vary", "accept")], false),
        ("/12", &[("cache-control", "public, max-age=300"), ("vary", "*")], false),
        ("/13", &[("cache-control", "public, max-age=300"), ("vary", "accept-encoding")], true),
    ] {
        let body = second(&bench, path, headers).await.into_body();
        assert_eq!(body == "first", stored, "{headers:?}");
    }
}

#[tokio::test]
async fn visitors_see_what_the_cache_did_but_no_tags() {
    let Some(bench) = Real::<Varnishd>::start().await else { return };
    let tags = bench.cdn().headers(&[Tag::parse("i-1").expect("a tag")]);
    let tags: Vec<_> =
        tags.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII"))).collect();
    let headers = [&tags[..], &[("cache-control", "public, max-age=300")]].concat();
    let answer = second(&bench, "/seen", &headers).await;
    assert!(!answer.headers().contains_key("xkey"));
    let status = answer.headers().get("cache-status").and_then(|value| value.to_str().ok());
    assert!(status.is_some_and(|status| status.starts_with("edge; hit; ttl=")), "{status:?}");
}

#[tokio::test]
async fn a_purge_without_proper_tags_is_refused() {
    let Some(bench) = Real::<Varnishd>::start().await else { return };
    let purge = Method::from_bytes(b"PURGE").expect("a method");
    for headers in [&[][..], &[("xkey-purge", "")], &[("xkey-purge", "a,b")], &[("xkey-purge", "*")]] {
        let answer = bench.ask(purge.clone(), "/", headers).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{headers:?}");
    }
}

#[tokio::test]
async fn what_an_account_may_see_does_not_come_from_the_cache() {
    let Some(bench) = Real::<Varnishd>::start().await else { return };
    second(&bench, "/who", &[("cache-control", "public, max-age=300")]).await;
    let answer = bench.ask(Method::GET, "/who", &[("authorization", "Bearer a")]).await;
    assert_eq!(answer.body(), "second", "an authorised request is asked of the origin");
    let answer = bench.ask(Method::GET, "/who", &[("cookie", "a=b")]).await;
    assert_eq!(answer.body(), "first", "a public page is the same with a cookie");
}
