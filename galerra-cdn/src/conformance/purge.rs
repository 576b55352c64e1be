//! Clauses about purges and their progress.

use super::{Bench, bodies, fetch, forget, public, publish, purge, tag, warm, withdraw};
use crate::{Progress, Purge, Selects, Ticket};

/// After a purge, no response with the tag is served any more.
pub async fn a_purge_forgets_every_response_with_the_tag(bench: &dyn Bench) {
    for path in ["/all/1", "/all/2", "/all/3"] {
        warm(bench, path, "old", &["all"]).await;
        publish(bench, path, public(bench, "new", &["all"]));
        assert_eq!(bodies(bench, path).await, ["old"], "the network stores public pages");
    }
    forget(bench, purge(bench, "all", &["/all/1", "/all/2", "/all/3"])).await;
    for path in ["/all/1", "/all/2", "/all/3"] {
        assert_eq!(bodies(bench, path).await, ["new"], "{path} was purged");
    }
}

/// A page is purged whatever the host and the query of the request that stored it.
pub async fn a_purge_reaches_every_query_and_host(bench: &dyn Bench) {
    let host = bench.other_host();
    warm(bench, "/keys", "old", &["keys"]).await;
    assert_eq!(bodies(bench, "/keys?token=1").await, ["old"]);
    assert_eq!(fetch(bench, "/keys", host.as_deref()).await, ["old"]);
    publish(bench, "/keys", public(bench, "new", &["keys"]));
    forget(bench, purge(bench, "keys", &["/keys"])).await;
    assert_eq!(bodies(bench, "/keys?token=1").await, ["new"], "with a query");
    assert_eq!(fetch(bench, "/keys", host.as_deref()).await, ["new"], "on another host");
    assert_eq!(bodies(bench, "/keys").await, ["new"]);
}

/// What was not named stays cached, even when its tag or its path begins like the one that was.
pub async fn a_purge_leaves_the_rest_alone(bench: &dyn Bench) {
    warm(bench, "/other", "old", &["other"]).await;
    warm(bench, "/other/2", "old", &["other-2"]).await;
    withdraw(bench, "/other/2");
    forget(bench, purge(bench, "other", &["/other"])).await;
    assert_eq!(bodies(bench, "/other/2").await, ["old"], "`other-2` is not `other`");
}

/// One purge names several tags; each of them is forgotten.
pub async fn a_purge_takes_several_tags(bench: &dyn Bench) {
    for (path, own) in [("/several/a", "sev-a"), ("/several/b", "sev-b"), ("/several/c", "sev-c")] {
        warm(bench, path, "old", &[own]).await;
        publish(bench, path, public(bench, "new", &[own]));
    }
    forget(bench, purge(bench, "sev-a", &["/several/a", "/several/b"]).and(tag("sev-b"))).await;
    assert_eq!(bodies(bench, "/several/a").await, ["new"]);
    assert_eq!(bodies(bench, "/several/b").await, ["new"]);
    assert_eq!(bodies(bench, "/several/c").await, ["old"]);
}

/// A response with several tags is purged by each of them, first or last.
pub async fn any_tag_of_a_response_purges_it(bench: &dyn Bench) {
    for (path, purged) in [("/any/1", "any-a"), ("/any/2", "any-b"), ("/any/3", "any-c")] {
        warm(bench, path, "old", &["any-a", "any-b", "any-c"]).await;
        publish(bench, path, public(bench, "new", &[]));
        forget(bench, purge(bench, purged, &[path])).await;
        assert_eq!(bodies(bench, path).await, ["new"], "by `{purged}`");
    }
}

/// A network that selects by tags forgets nothing for a path, and one that selects by paths nothing for a tag.
pub async fn a_purge_goes_by_what_the_network_selects_by(bench: &dyn Bench) {
    warm(bench, "/selected", "old", &["selected"]).await;
    withdraw(bench, "/selected");
    let beside = match bench.cdn().capabilities().selects {
        Selects::Tags => purge(bench, "not-selected", &["/selected"]),
        Selects::Paths => Purge::tag(tag("selected")),
    };
    forget(bench, beside).await;
    assert_eq!(bodies(bench, "/selected").await, ["old"]);
    forget(bench, purge(bench, "selected", &["/selected"])).await;
    assert_eq!(bodies(bench, "/selected").await, [""]);
}

/// Purging what is not there succeeds.
pub async fn purging_what_is_not_cached_succeeds(bench: &dyn Bench) {
    forget(bench, purge(bench, "nobody", &["/nobody"])).await;
}

/// A second purge of the same succeeds and does no harm.
pub async fn purging_twice_is_harmless(bench: &dyn Bench) {
    warm(bench, "/twice", "old", &["twice"]).await;
    publish(bench, "/twice", public(bench, "new", &["twice"]));
    forget(bench, purge(bench, "twice", &["/twice"])).await;
    forget(bench, purge(bench, "twice", &["/twice"])).await;
    assert_eq!(bodies(bench, "/twice").await, ["new"]);
}

/// Within the declared time an accepted purge is complete, and it stays so.
pub async fn a_purge_completes(bench: &dyn Bench) {
    let ticket = bench.cdn().purge(&purge(bench, "done", &["/done"])).await.expect("accepted");
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
