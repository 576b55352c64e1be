//! Clauses about purges and their progress.

use super::{Bench, bodies, fetch, forget, public, tag, warm};
use crate::{Progress, Purge, Ticket};

/// After a purge, no response with the tag is served any more.
pub async fn a_purge_forgets_every_response_with_the_tag(bench: &dyn Bench) {
    for path in ["/all/1", "/all/2", "/all/3"] {
        warm(bench, path, "old", &["all"]).await;
        bench.shelf().publish(path, public(bench, "new", &["all"]));
        assert_eq!(bodies(bench, path).await, ["old"], "the network stores public pages");
    }
    forget(bench, Purge::tag(tag("all"))).await;
    for path in ["/all/1", "/all/2", "/all/3"] {
        assert_eq!(bodies(bench, path).await, ["new"], "{path} was purged");
    }
}

/// A tag is purged whatever the host and the query of the request that stored it.
pub async fn a_purge_reaches_every_query_and_host(bench: &dyn Bench) {
    let host = bench.other_host();
    warm(bench, "/keys", "old", &["keys"]).await;
    assert_eq!(bodies(bench, "/keys?token=1").await, ["old"]);
    assert_eq!(fetch(bench, "/keys", host.as_deref()).await, ["old"]);
    bench.shelf().publish("/keys", public(bench, "new", &["keys"]));
    forget(bench, Purge::tag(tag("keys"))).await;
    assert_eq!(bodies(bench, "/keys?token=1").await, ["new"], "with a query");
    assert_eq!(fetch(bench, "/keys", host.as_deref()).await, ["new"], "on another host");
    assert_eq!(bodies(bench, "/keys").await, ["new"]);
}

/// What does not carry the tag stays cached, even when one tag begins with the other.
pub async fn a_purge_leaves_other_tags_alone(bench: &dyn Bench) {
    warm(bench, "/other", "old", &["other"]).await;
    warm(bench, "/other/2", "old", &["other-2"]).await;
    bench.shelf().withdraw("/other/2");
    forget(bench, Purge::tag(tag("other"))).await;
    assert_eq!(bodies(bench, "/other/2").await, ["old"], "`other-2` is not `other`");
}

/// One purge names several tags; each of them is forgotten.
pub async fn a_purge_takes_several_tags(bench: &dyn Bench) {
    for (path, own) in [("/several/a", "sev-a"), ("/several/b", "sev-b"), ("/several/c", "sev-c")] {
        warm(bench, path, "old", &[own]).await;
        bench.shelf().publish(path, public(bench, "new", &[own]));
    }
    forget(bench, Purge::tag(tag("sev-a")).and(tag("sev-b"))).await;
    assert_eq!(bodies(bench, "/several/a").await, ["new"]);
    assert_eq!(bodies(bench, "/several/b").await, ["new"]);
    assert_eq!(bodies(bench, "/several/c").await, ["old"]);
}

/// A response with several tags is purged by each of them, first or last.
pub async fn any_tag_of_a_response_purges_it(bench: &dyn Bench) {
    for (path, purged) in [("/any/1", "any-a"), ("/any/2", "any-b"), ("/any/3", "any-c")] {
        warm(bench, path, "old", &["any-a", "any-b", "any-c"]).await;
        bench.shelf().publish(path, public(bench, "new", &[]));
        forget(bench, Purge::tag(tag(purged))).await;
        assert_eq!(bodies(bench, path).await, ["new"], "by `{purged}`");
    }
}

/// Purging a tag that nothing carries succeeds.
pub async fn purging_what_is_not_cached_succeeds(bench: &dyn Bench) {
    forget(bench, Purge::tag(tag("nobody"))).await;
}

/// A second purge of the same succeeds and does no harm.
pub async fn purging_twice_is_harmless(bench: &dyn Bench) {
    warm(bench, "/twice", "old", &["twice"]).await;
    bench.shelf().publish("/twice", public(bench, "new", &["twice"]));
    forget(bench, Purge::tag(tag("twice"))).await;
    forget(bench, Purge::tag(tag("twice"))).await;
    assert_eq!(bodies(bench, "/twice").await, ["new"]);
}

/// Within the declared time an accepted purge is complete, and it stays so.
pub async fn a_purge_completes(bench: &dyn Bench) {
    let ticket = bench.cdn().purge(&Purge::tag(tag("done"))).await.expect("accepted");
    bench.settle().await;
    for _ in 0..2 {
        let progress = bench.cdn().progress(&ticket).await.expect("progress");
        assert_eq!(progress, Progress::Complete);
    }
}

/// A ticket that the network never gave is no proof of a purge.
pub async fn a_ticket_of_nobody_is_not_complete(bench: &dyn Bench) {
    for forged in ["", "forged"] {
        let progress = bench.cdn().progress(&Ticket(forged.into())).await;
        assert!(!matches!(progress, Ok(Progress::Complete)), "{progress:?}");
    }
}
