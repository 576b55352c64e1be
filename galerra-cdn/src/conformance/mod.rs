//! The contract of [`Cdn`] as a test suite that any network can run.
//!
//! A [`Bench`] puts a network between an origin in the test and a visitor in the test. Each clause is one
//! sentence of the contract, judged from outside: by the bytes a visitor gets, not by what the network says.
//!
//! ```ignore
//! galerra_cdn::cdn_conformance!(my_network, MyBench::start().await);
//! ```

mod declared;
mod probe;
mod purge;
mod shelf;

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{HeaderValue, Request, Response, header};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

pub use declared::*;
pub use probe::*;
pub use purge::*;
pub use shelf::Shelf;

use crate::{Cdn, Probe, Progress, Purge, Tag, Verdict};

/// A network under test, with an origin behind it and visitors before it.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The network.
    fn cdn(&self) -> &dyn Cdn;
    /// What its origin serves; the network must have been empty at the start.
    fn shelf(&self) -> &Shelf;
    /// The time by which the network counts ages.
    fn now(&self) -> OffsetDateTime;
    /// A second host name that the network serves from the same origin, if it does.
    fn other_host(&self) -> Option<String>;
    /// What must not show up in names, errors and `Debug`.
    fn secrets(&self) -> Vec<String>;
    /// Below which path the network stores pages; empty when it does so everywhere.
    fn root(&self) -> &'static str {
        ""
    }
    /// What visitors get for this request (with an absolute URI): one answer from each edge.
    async fn visit(&self, request: Request<Bytes>) -> Vec<Response<Bytes>>;
    /// Waits as long as the network says that a purge takes at most.
    async fn settle(&self);
    /// Takes the network, or a part of it, down with all it holds; `false` when the bench cannot.
    async fn take_down(&self) -> bool;
}

/// Makes one test of each clause of the contract, in a module of this name.
///
/// The expression makes a fresh [`Bench`] for each; it may `.await`. With `maybe` before it, it makes an
/// `Option`, and `None` (not available on this machine) passes. The crate needs `tokio` with `macros`.
#[macro_export]
macro_rules! cdn_conformance {
    ($name:ident, maybe $bench:expr) => {
        mod $name {
            use super::*;
            $crate::__cdn_clauses! { $bench;
                a_purge_forgets_every_response_with_the_tag
                a_purge_reaches_every_query_and_host
                a_purge_leaves_the_rest_alone
                a_purge_takes_several_tags
                any_tag_of_a_response_purges_it
                a_purge_goes_by_what_the_network_selects_by
                purging_what_is_not_cached_succeeds
                purging_twice_is_harmless
                a_purge_completes
                a_ticket_of_nobody_is_not_complete
                what_is_served_is_present
                done_means_gone
                acceptance_is_no_evidence
                a_copy_from_before_the_gate_is_present
                another_page_is_not_absence
                nothing_is_absent_while_down
                a_probe_carries_no_credential
                a_probe_leaves_no_copy
                tags_become_headers_and_no_tags_none
                private_answers_are_never_stored
                what_is_not_declared_is_unsupported
                urls_keep_path_and_query
                the_name_is_stable
                nothing_tells_a_secret
            }
        }
    };
    ($name:ident, $bench:expr) => {
        $crate::cdn_conformance!($name, maybe::core::option::Option::Some($bench));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cdn_clauses {
    ($bench:expr; $($clause:ident)*) => {
        $(
            #[::tokio::test]
            async fn $clause() {
                if let ::core::option::Option::Some(bench) = $bench {
                    $crate::conformance::$clause(&bench).await;
                }
            }
        )*
    };
}

fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a tag of the suite")
}

/// A public page that the network may store for five minutes, with these tags.
fn public(bench: &dyn Bench, body: &'static str, tags: &[&str]) -> Response<Bytes> {
    let tags: Vec<_> = tags.iter().map(|t| tag(t)).collect();
    let mut page = Response::new(Bytes::from_static(body.as_bytes()));
    page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    page.headers_mut().extend(bench.cdn().headers(&tags));
    page
}

/// Where the network stores a page of the suite.
fn at(bench: &dyn Bench, path: &str) -> String {
    format!("{}{path}", bench.root())
}

fn publish(bench: &dyn Bench, path: &str, page: Response<Bytes>) {
    bench.shelf().publish(&at(bench, path), page);
}

fn withdraw(bench: &dyn Bench, path: &str) {
    bench.shelf().withdraw(&at(bench, path));
}

/// A purge of a tag that says which pages carry it: networks of either kind forget them.
fn purge(bench: &dyn Bench, name: &str, paths: &[&str]) -> Purge {
    Purge::tag(tag(name)).with_paths(paths.iter().map(|path| at(bench, path)))
}

/// Publishes a page and lets visitors fetch it, so that every edge has it.
async fn warm(bench: &dyn Bench, path: &str, body: &'static str, tags: &[&str]) {
    publish(bench, path, public(bench, body, tags));
    assert_eq!(bodies(bench, path).await, [body], "the bench serves what its origin has");
}

/// The bodies that visitors get for a path (with a query), each once.
async fn bodies(bench: &dyn Bench, path: &str) -> Vec<String> {
    fetch(bench, path, None).await
}

async fn fetch(bench: &dyn Bench, path: &str, host: Option<&str>) -> Vec<String> {
    let mut url = bench.cdn().url(&at(bench, path));
    if host.is_some() {
        url.set_host(host).expect("a host name");
    }
    let request = Request::get(url.as_str()).body(Bytes::new()).expect("a request");
    let mut bodies: Vec<_> =
        bench.visit(request).await.iter().map(|a| String::from_utf8_lossy(a.body()).into_owned()).collect();
    bodies.sort();
    bodies.dedup();
    bodies
}

/// Purges and waits until the network says that it is done.
async fn forget(bench: &dyn Bench, purge: Purge) {
    let ticket = bench.cdn().purge(&purge).await.expect("the purge is accepted");
    for _ in 0..60 {
        bench.settle().await;
        if bench.cdn().progress(&ticket).await.expect("progress") == Progress::Complete {
            return;
        }
    }
    assert!(bench.cdn().progress(&ticket).await.is_ok_and(|p| p == Progress::Complete), "never complete");
}

/// A probe for this body, gated now.
fn probe_of(bench: &dyn Bench, path: &str, body: &str) -> Probe {
    let sha256 = HEXLOWER.encode(&Sha256::digest(body));
    Probe { path: at(bench, path), sha256, gated: bench.now(), successor: None }
}

/// The verdict of a probe, or `None` when the network does not declare probes.
async fn verdict(bench: &dyn Bench, probe: &Probe) -> Option<Verdict> {
    if !bench.cdn().capabilities().probes {
        return None;
    }
    Some(bench.cdn().probe(probe).await.expect("the probe ends with a sighting").verdict)
}
