//! Clauses about probes.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use time::Duration;

use super::{Bench, bodies, forget, probe_of, public, publish, purge, tag, verdict, warm, withdraw};
use crate::Verdict;

/// A page that visitors get is present.
pub async fn what_is_served_is_present(bench: &dyn Bench) {
    warm(bench, "/served", "secret", &["served"]).await;
    let seen = verdict(bench, &probe_of(bench, "/served", "secret")).await;
    assert!(matches!(seen, None | Some(Verdict::Present)), "{seen:?}");
}

/// Withdrawn at the origin and purged: visitors get nothing any more, and the probe says so.
pub async fn done_means_gone(bench: &dyn Bench) {
    warm(bench, "/gone", "secret", &["gone"]).await;
    withdraw(bench, "/gone");
    let probe = probe_of(bench, "/gone", "secret");
    forget(bench, purge(bench, "gone", &["/gone"])).await;
    let seen = verdict(bench, &probe).await;
    assert_eq!(bodies(bench, "/gone").await, [""], "nobody gets it any more");
    assert!(matches!(seen, None | Some(Verdict::Absent)), "{seen:?}");
}

/// Withdrawn but not purged is present: only a look at the network counts.
pub async fn acceptance_is_no_evidence(bench: &dyn Bench) {
    warm(bench, "/kept", "secret", &["kept"]).await;
    withdraw(bench, "/kept");
    let probe = probe_of(bench, "/kept", "secret");
    forget(bench, purge(bench, "not-kept", &["/not-kept"])).await;
    let seen = verdict(bench, &probe).await;
    assert!(matches!(seen, None | Some(Verdict::Present)), "{seen:?}");
    assert_eq!(bodies(bench, "/kept").await, ["secret"]);
}

/// A copy that was stored before the gate is present, whatever its bytes are.
pub async fn a_copy_from_before_the_gate_is_present(bench: &dyn Bench) {
    warm(bench, "/aged", "other bytes", &["aged"]).await;
    let mut probe = probe_of(bench, "/aged", "secret");
    probe.gated += Duration::hours(1);
    let seen = verdict(bench, &probe).await;
    assert!(matches!(seen, None | Some(Verdict::Present)), "{seen:?}");
}

/// A page with other bytes does not prove that the bytes are gone.
pub async fn another_page_is_not_absence(bench: &dyn Bench) {
    let probe = probe_of(bench, "/page", "secret");
    publish(bench, "/page", public(bench, "this image was removed", &["page"]));
    let seen = verdict(bench, &probe).await;
    assert!(matches!(seen, None | Some(Verdict::Inconclusive)), "{seen:?}");
}

/// A network that is down, even in part, is never absent.
pub async fn nothing_is_absent_while_down(bench: &dyn Bench) {
    warm(bench, "/down", "secret", &["down"]).await;
    withdraw(bench, "/down");
    let probe = probe_of(bench, "/down", "secret");
    if !bench.take_down().await || !bench.cdn().capabilities().probes {
        return;
    }
    // A network that is wholly down refuses the purge, one that is partly down accepts it.
    bench.cdn().purge(&purge(bench, "down", &["/down"])).await.ok();
    bench.settle().await;
    match bench.cdn().probe(&probe).await {
        Ok(seen) => assert_eq!(seen.verdict, Verdict::Inconclusive),
        Err(error) => assert!(error.is_transient(), "{error}"),
    }
}

/// A probe brings no cookie and no authorization to the origin.
pub async fn a_probe_carries_no_credential(bench: &dyn Bench) {
    let before = bench.shelf().asked().len();
    verdict(bench, &probe_of(bench, "/credential", "secret")).await;
    for headers in bench.shelf().asked().iter().skip(before) {
        assert!(!headers.contains_key(header::COOKIE), "{headers:?}");
        assert!(!headers.contains_key(header::AUTHORIZATION), "{headers:?}");
    }
}

/// Probing what is gone does not make the network store anything.
pub async fn a_probe_leaves_no_copy(bench: &dyn Bench) {
    withdraw(bench, "/trace");
    let probe = probe_of(bench, "/trace", "secret");
    let first = verdict(bench, &probe).await;
    assert!(matches!(first, None | Some(Verdict::Absent)), "{first:?}");
    publish(bench, "/trace", public(bench, "new", &["trace"]));
    assert_eq!(bodies(bench, "/trace").await, ["new"]);
}

/// What is private, not to be stored, or sets a cookie in private is asked of the origin each time.
pub async fn private_answers_are_never_stored(bench: &dyn Bench) {
    for (path, cache_control) in [
        ("/private/1", "private, no-store"),
        ("/private/2", "private, max-age=300"),
        ("/private/3", "no-store"),
        ("/private/4", "private"),
    ] {
        for body in ["of one visitor", "of another visitor"] {
            let mut page = Response::new(Bytes::from_static(body.as_bytes()));
            page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
            page.headers_mut().extend(bench.cdn().headers(&[tag("private")]));
            publish(bench, path, page);
            assert_eq!(bodies(bench, path).await, [body], "{cache_control}");
        }
    }
}
