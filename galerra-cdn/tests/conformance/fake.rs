//! What the fake network does beyond the contract: its faults, and that the suite notices them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use galerra_cdn::conformance::{self, Bench};
use galerra_cdn::{Cdn, CdnError, FakeCdn, Fault, Origin, Place, Probe, Progress, Purge, Tag, Verdict};
use http::{Request, Response};
use tokio::sync::Notify;

use crate::benches::Fake;

const PATH: &str = "/i/a.jpg";
/// SHA-256 of `image`.
const IMAGE: &str = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";

fn tag() -> Tag {
    Tag::parse("i-1").expect("a tag")
}

fn purge() -> Purge {
    Purge::tag(tag())
}

fn image(cdn: &FakeCdn) -> Response<Bytes> {
    let mut image = Response::builder().header("cache-control", "public, max-age=300");
    for (name, value) in cdn.headers(&[tag()]) {
        image = image.header(name, value);
    }
    image.body("image".into()).expect("a response")
}

/// A bench whose every edge has the image, withdrawn at the origin.
async fn withdrawn(cdn: FakeCdn) -> Fake {
    let bench = Fake::new(cdn);
    bench.shelf().publish(PATH, image(bench.network()));
    assert!(bodies(&bench).await.iter().all(|body| body == "image"));
    bench.shelf().withdraw(PATH);
    bench
}

async fn bodies(bench: &Fake) -> Vec<Bytes> {
    bench.visit(get()).await.into_iter().map(Response::into_body).collect()
}

fn get() -> Request<Bytes> {
    Request::get(PATH).body(Bytes::new()).expect("a request")
}

async fn verdict(cdn: &FakeCdn) -> Verdict {
    let probe = Probe { path: PATH.into(), sha256: IMAGE.into(), gated: cdn.clock().now(), successor: None };
    cdn.probe(&probe).await.expect("a sighting").verdict
}

/// Whether a clause panics on this network.
async fn fails<F>(clause: F) -> bool
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(clause).await.is_err_and(|error| error.is_panic())
}

#[tokio::test]
async fn a_liar_fails_the_suite() {
    let liar = || {
        let bench = Fake::new(FakeCdn::new());
        bench.network().fault_always(Fault::Lie);
        bench
    };
    assert!(fails(async move { conformance::done_means_gone(&liar()).await }).await);
    assert!(
        fails(async move { conformance::a_purge_forgets_every_response_with_the_tag(&liar()).await }).await
    );
    assert!(fails(async move { conformance::a_purge_takes_several_tags(&liar()).await }).await);
}

#[tokio::test]
async fn one_forgetful_cache_fails_the_suite() {
    for lost in [Place::Edge(1), Place::Shield] {
        let bench = Fake::new(FakeCdn::new().with_edges(2).with_shield());
        bench.network().fault_always(Fault::Lose(vec![lost]));
        assert!(fails(async move { conformance::done_means_gone(&bench).await }).await, "{lost:?}");
    }
}

#[tokio::test]
async fn each_fault_does_what_it_says() {
    let transient = |error: &CdnError| matches!(error, CdnError::Transient { .. });
    for (fault, held) in [
        (Fault::FailBefore, 1),
        (Fault::FailAfter, 0),
        (Fault::Refuse, 1),
        (Fault::RateLimit(Duration::from_secs(7)), 1),
        (Fault::Lie, 1),
        (Fault::Lose(vec![Place::Edge(0)]), 1),
    ] {
        let bench = withdrawn(FakeCdn::new()).await;
        let cdn = bench.network();
        cdn.fault_next(fault.clone());
        let answer = cdn.purge(&purge()).await;
        match &fault {
            Fault::FailBefore | Fault::FailAfter => assert!(answer.is_err_and(|e| transient(&e))),
            Fault::Refuse => assert!(answer.is_err_and(|e| !e.is_transient())),
            Fault::RateLimit(_) => {
                assert!(matches!(answer, Err(CdnError::RateLimited { after: Some(_), .. })));
            }
            Fault::Lie | Fault::Lose(_) => {
                let progress = cdn.progress(&answer.expect("accepted")).await.expect("progress");
                assert_eq!(progress, Progress::Complete);
            }
        }
        assert_eq!(cdn.held(&tag()), held, "{fault:?}");
        assert_eq!(
            verdict(cdn).await,
            if held == 0 { Verdict::Absent } else { Verdict::Present },
            "{fault:?}"
        );
        cdn.purge(&purge()).await.expect("the fault was for one purge");
        assert_eq!(verdict(cdn).await, Verdict::Absent);
    }
}

#[tokio::test]
async fn a_slow_purge_is_underway_until_it_arrives() {
    let bench = withdrawn(FakeCdn::new().with_edges(2).with_delay(Duration::from_secs(30))).await;
    let cdn = bench.network();
    let ticket = cdn.purge(&purge()).await.expect("accepted");
    cdn.clock().advance(Duration::from_secs(29));
    assert_eq!(cdn.progress(&ticket).await.expect("progress"), Progress::Underway);
    assert_eq!(verdict(cdn).await, Verdict::Present);
    cdn.clock().advance(Duration::from_secs(1));
    assert_eq!(cdn.progress(&ticket).await.expect("progress"), Progress::Complete);
    assert_eq!(verdict(cdn).await, Verdict::Absent);
}

#[tokio::test]
async fn a_cache_that_was_down_comes_back_with_its_copies() {
    for place in [Place::Edge(1), Place::Shield] {
        let bench = withdrawn(FakeCdn::new().with_edges(2).with_shield()).await;
        let cdn = bench.network();
        cdn.take_down(place);
        cdn.purge(&purge()).await.expect("the others accept it");
        assert_eq!(verdict(cdn).await, Verdict::Inconclusive);
        cdn.bring_up(place);
        assert_eq!(verdict(cdn).await, Verdict::Present, "{place:?}");
        cdn.purge(&purge()).await.expect("accepted");
        assert_eq!(verdict(cdn).await, Verdict::Absent);
    }
}

#[tokio::test]
async fn a_network_wholly_down_accepts_nothing() {
    let bench = withdrawn(FakeCdn::new()).await;
    bench.network().take_down(Place::Edge(0));
    assert!(bench.network().purge(&purge()).await.is_err_and(|error| error.is_transient()));
    assert_eq!(bodies(&bench).await, [Bytes::new()]);
}

#[tokio::test]
async fn a_copy_dies_of_age_without_a_purge() {
    let bench = withdrawn(FakeCdn::new()).await;
    bench.network().clock().advance(Duration::from_secs(299));
    assert_eq!(verdict(bench.network()).await, Verdict::Present);
    bench.network().clock().advance(Duration::from_secs(1));
    assert_eq!(bodies(&bench).await, [Bytes::new()]);
    assert_eq!(verdict(bench.network()).await, Verdict::Absent);
}

/// An origin that answers when it is told to.
struct Lagging(Arc<Notify>, Response<Bytes>);

#[async_trait]
impl Origin for Lagging {
    async fn fetch(&self, _request: Request<Bytes>) -> Response<Bytes> {
        self.0.notified().await;
        self.1.clone()
    }
}

#[tokio::test]
async fn a_fill_that_began_before_the_purge_is_stored_after_it() {
    let cdn = FakeCdn::new();
    let go = Arc::new(Notify::new());
    cdn.set_origin(Arc::new(Lagging(Arc::clone(&go), image(&cdn))));
    let fill = tokio::spawn({
        let cdn = cdn.clone();
        async move { cdn.serve(get()).await }
    });
    tokio::task::yield_now().await;
    cdn.purge(&purge()).await.expect("accepted");
    go.notify_one();
    assert_eq!(fill.await.expect("served").body(), "image");
    assert_eq!(cdn.held(&tag()), 1, "the first purge came too early");
    cdn.purge(&purge()).await.expect("accepted");
    assert_eq!(cdn.held(&tag()), 0);
}

#[tokio::test]
async fn visitors_see_age_and_status_but_no_tags() {
    let bench = withdrawn(FakeCdn::new().with_edges(1).with_shield()).await;
    bench.network().clock().advance(Duration::from_secs(5));
    let answer = bench.network().serve(get()).await;
    assert_eq!(answer.headers()["cache-status"], "edge-0; hit; ttl=295");
    assert_eq!(answer.headers()["age"], "5");
    assert!(!answer.headers().contains_key("cache-tag"));
    let variant = Request::get("/i/a.jpg?v=2").body(Bytes::new()).expect("a request");
    let answer = bench.network().serve(variant).await;
    let members: Vec<_> = answer.headers().get_all("cache-status").iter().collect();
    assert_eq!(members, ["shield; fwd=uri-miss; fwd-status=410", "edge-0; fwd=uri-miss; fwd-status=410"]);
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }
}

#[tokio::test]
async fn absent_is_never_said_while_some_edge_would_serve() {
    let mut absent = 0;
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let bench = Fake::new(FakeCdn::new().with_edges(3).with_shield());
        bench.shelf().publish(PATH, image(bench.network()));
        for step in 0..40 {
            mishap(&bench, &mut dice).await;
            if step == 15 {
                bench.shelf().withdraw(PATH);
            }
            if verdict(bench.network()).await == Verdict::Absent {
                absent += 1;
                assert!(bodies(&bench).await.iter().all(|body| body != "image"), "seed {seed}, step {step}");
            }
        }
    }
    assert!(absent > 1000, "the dice reach the verdict often enough: {absent}");
}

/// Something happens to the network.
async fn mishap(bench: &Fake, dice: &mut Dice) {
    let cdn = bench.network();
    let place = dice.below(4).checked_sub(1).map_or(Place::Shield, Place::Edge);
    match dice.below(12) {
        0 => drop(cdn.serve_at(place, get()).await),
        1 => cdn.take_down(place),
        2..=4 => {
            cdn.bring_up(Place::Shield);
            cdn.edges().into_iter().for_each(|edge| cdn.bring_up(edge));
        }
        5 => cdn.clock().advance(Duration::from_secs(dice.below(60) as u64)),
        6 => cdn.set_delay(Duration::from_secs(dice.below(3) as u64 * 10)),
        7 => cdn.fault_next(Fault::Lie),
        8 => cdn.fault_next(Fault::Lose(vec![place])),
        // Whether the network accepts it is up to the faults.
        _ => drop(cdn.purge(&purge()).await),
    }
}
