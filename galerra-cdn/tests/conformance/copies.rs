//! What a real nginx with our configuration stores, shows, forgets and refuses.

use bytes::Bytes;
use galerra_cdn::conformance::Bench;
use galerra_cdn::{CdnError, Probe, Purge, SecureLink, Tag, Ticket, Verdict};
use http::{Method, Response, StatusCode};

use crate::benches::{Real, SECRET};
use crate::nginx::Nginx;

const PUBLIC: &[(&str, &str)] = &[("cache-control", "public, max-age=300")];
/// SHA-256 of `image`.
const IMAGE: &str = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";

/// How many files its cache has on the disk.
fn files(bench: &Real<Nginx>) -> usize {
    std::fs::read_dir(bench.server().folder().join("cache")).expect("a cache").count()
}

async fn get(bench: &Real<Nginx>, path: &str) -> Response<Bytes> {
    bench.ask(Method::GET, path, &[]).await
}

async fn purge(bench: &Real<Nginx>, paths: &[String]) -> Result<Ticket, CdnError> {
    let tag = Tag::parse("i-1").expect("a tag");
    bench.cdn().purge(&Purge::tag(tag).with_paths(paths)).await
}

async fn verdict(bench: &Real<Nginx>, path: &str) -> Verdict {
    let probe = Probe { path: path.into(), sha256: IMAGE.into(), gated: bench.now(), successor: None };
    bench.cdn().probe(&probe).await.expect("a sighting").verdict
}

fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).and_then(|value| value.to_str().ok())
}

#[tokio::test]
async fn an_nginx_that_was_down_comes_back_with_its_copies() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    let paths = ["/i/down".to_owned()];
    bench.publish("/i/down", PUBLIC, "image");
    get(&bench, "/i/down").await;
    bench.shelf().withdraw("/i/down");
    bench.server().stop();
    assert!(purge(&bench, &paths).await.is_err_and(|error| error.is_transient()));
    assert_eq!(verdict(&bench, "/i/down").await, Verdict::Inconclusive);
    bench.server().run().expect("nginx starts again");
    let answer = get(&bench, "/i/down").await;
    assert_eq!(
        (answer.body().as_ref(), header(&answer, "cache-status")),
        (&b"image"[..], Some("nginx; hit"))
    );
    assert_eq!(verdict(&bench, "/i/down").await, Verdict::Present);
    assert_eq!(files(&bench), 1);
    assert_eq!(purge(&bench, &paths).await.expect("accepted"), Ticket("purged-1".into()));
    assert_eq!(verdict(&bench, "/i/down").await, Verdict::Absent);
    assert_eq!(files(&bench), 0);
    assert_eq!(get(&bench, "/i/down").await.status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_purge_is_the_first_thing_it_can_be_asked_after_a_start() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    bench.publish("/i/cold", PUBLIC, "image");
    get(&bench, "/i/cold").await;
    bench.shelf().withdraw("/i/cold");
    bench.server().stop();
    bench.server().run().expect("nginx starts again");
    let ticket = purge(&bench, &["/i/cold".to_owned()]).await.expect("accepted");
    assert_eq!(ticket, Ticket("purged-1".into()));
    assert_eq!(verdict(&bench, "/i/cold").await, Verdict::Absent);
}

#[tokio::test]
async fn one_path_has_one_copy_however_it_is_spelled() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    let spellings = ["/i/a.png", "/i/%61.png", "/i//a.png", "/i/b/../a.png", "/i/a.png?v=1", "/%69/a.png"];
    for purged in ["/i/a.png", "/i/%61.png"] {
        for stored in spellings {
            bench.publish("/i/a.png", PUBLIC, "image");
            get(&bench, stored).await;
            bench.shelf().withdraw("/i/a.png");
            purge(&bench, &[purged.to_owned()]).await.expect("accepted");
            for asked in spellings {
                assert_eq!(
                    get(&bench, asked).await.status(),
                    StatusCode::GONE,
                    "{stored} is still at {asked}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_a_purge_could_miss_is_not_stored() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    let with = |name: &'static str, value: &'static str| [PUBLIC, &[(name, value)]].concat();
    for (path, answered, asked, stored) in [
        ("/i/1", PUBLIC.to_vec(), &[][..], true),
        ("/i/2?token=1", PUBLIC.to_vec(), &[], false),
        ("/i/3", with("vary", "accept"), &[], false),
        ("/i/4", with("vary", "accept-encoding"), &[], false),
        ("/i/5", with("set-cookie", "a=b"), &[], false),
        ("/i/6", PUBLIC.to_vec(), &[("cookie", "a=b")], false),
        ("/i/7", PUBLIC.to_vec(), &[("authorization", "Bearer a")], false),
        ("/i/8", Vec::new(), &[], false),
        ("/elsewhere", PUBLIC.to_vec(), &[], false),
    ] {
        let plain = path.split('?').next().expect("a path");
        bench.publish(plain, &answered, "first");
        bench.ask(Method::GET, path, asked).await;
        bench.publish(plain, &answered, "second");
        assert_eq!(get(&bench, plain).await.body() == "first", stored, "{path} {answered:?} {asked:?}");
    }
}

#[tokio::test]
async fn a_signed_address_is_asked_of_the_origin_each_time() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    let link = SecureLink::new(SECRET).expect("a secret");
    let until = bench.now() + time::Duration::minutes(5);
    let signed = format!("/i/a?{}", link.sign("/i/a", 1, until));
    for body in ["first", "second"] {
        bench.publish("/i/a", PUBLIC, body);
        let answer = get(&bench, &signed).await;
        assert_eq!((answer.status(), answer.body().as_ref()), (StatusCode::OK, body.as_bytes()));
    }
    assert_eq!(files(&bench), 0);
    get(&bench, "/i/a").await;
    bench.publish("/i/a", PUBLIC, "third");
    assert_eq!(get(&bench, &signed).await.body(), "third", "not even what is stored for everyone");
}

#[tokio::test]
async fn it_says_what_it_did_and_when_the_copy_was_made() {
    const MADE: &str = "Sun, 01 Mar 2026 12:00:00 GMT";
    let Some(bench) = Real::<Nginx>::start().await else { return };
    bench.publish("/i/a", &[PUBLIC, &[("date", MADE)]].concat(), "image");
    for said in ["nginx; fwd=uri-miss; fwd-status=200", "nginx; hit"] {
        let answer = get(&bench, "/i/a").await;
        assert_eq!(header(&answer, "cache-status"), Some(said));
        assert_eq!(header(&answer, "date"), Some(MADE));
    }
    let answer = bench.ask(Method::GET, "/i/a", &[("cookie", "a=b")]).await;
    assert_eq!(header(&answer, "cache-status"), Some("nginx; fwd=bypass; fwd-status=200"));
    // Refused before the cache was asked, whatever is in it.
    let answer = get(&bench, "/i/a?sig=forged&until=1").await;
    assert_eq!((answer.status(), header(&answer, "cache-status")), (StatusCode::NOT_FOUND, None));
}

#[tokio::test]
async fn what_expired_is_present_until_it_is_purged() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    bench.publish("/i/old", &[("cache-control", "public, max-age=1")], "image");
    get(&bench, "/i/old").await;
    bench.shelf().withdraw("/i/old");
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert_eq!(verdict(&bench, "/i/old").await, Verdict::Present, "the bytes are on its disk");
    purge(&bench, &["/i/old".to_owned()]).await.expect("accepted");
    assert_eq!(verdict(&bench, "/i/old").await, Verdict::Absent);
}

#[tokio::test]
async fn a_purge_takes_many_paths() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    let paths: Vec<_> = (0..100).map(|n| format!("/i/many/{n}")).collect();
    for path in &paths {
        bench.publish(path, PUBLIC, "image");
        get(&bench, path).await;
        bench.shelf().withdraw(path);
    }
    assert_eq!(purge(&bench, &paths).await.expect("accepted"), Ticket("purged-100".into()));
    assert_eq!(purge(&bench, &paths).await.expect("accepted"), Ticket("purged-0".into()));
    for path in &paths {
        assert_eq!(verdict(&bench, path).await, Verdict::Absent);
    }
}

#[tokio::test]
async fn a_purge_of_everything_is_refused() {
    let Some(bench) = Real::<Nginx>::start().await else { return };
    bench.publish("/i/a", PUBLIC, "image");
    get(&bench, "/i/a").await;
    for all in ["/*", "/i/*", "/i/%2a", "/.."] {
        let answer = purge(&bench, &[all.to_owned()]).await;
        assert!(answer.is_err_and(|error| !error.is_transient()), "{all}");
    }
    assert_eq!(verdict(&bench, "/i/a").await, Verdict::Present);
}
