//! Clauses about what a network says of itself.

#![expect(clippy::unused_async, reason = "the suite awaits every clause alike")]

use super::{Bench, probe_of, tag};
use crate::{CdnError, Selects};

/// Tags become headers that name each of them, where they are what is selected by; without tags there is no header.
pub async fn tags_become_headers_and_no_tags_none(bench: &dyn Bench) {
    assert!(bench.cdn().headers(&[]).is_empty());
    let headers = bench.cdn().headers(&[tag("one"), tag("two")]);
    if bench.cdn().capabilities().selects == Selects::Paths {
        return;
    }
    let values: Vec<_> = headers.iter().filter_map(|(_, value)| value.to_str().ok()).collect();
    for tag in ["one", "two"] {
        assert!(values.iter().any(|value| value.contains(tag)), "{headers:?}");
    }
}

/// A capability that is not declared answers `Unsupported`, and a declared one does not.
pub async fn what_is_not_declared_is_unsupported(bench: &dyn Bench) {
    let (cdn, declared) = (bench.cdn(), bench.cdn().capabilities());
    let unsupported = |error: &CdnError| matches!(error, CdnError::Unsupported { .. });
    let signed = cdn.sign("/signed", bench.now());
    assert_eq!(signed.is_err_and(|e| unsupported(&e)), !declared.signs, "sign");
    let probed = cdn.probe(&probe_of(bench, "/probed", "secret")).await;
    assert_eq!(probed.is_err_and(|e| unsupported(&e)), !declared.probes, "probe");
}

/// The URL of a path is on the network and keeps path and query, even a path that looks like a host.
pub async fn urls_keep_path_and_query(bench: &dyn Bench) {
    let root = bench.cdn().url("/");
    for path in ["/", "/a/b.jpg", "/a?b=c&d", "//evil.example/a"] {
        let url = bench.cdn().url(path);
        let suffix = url.query().map_or_else(String::new, |query| format!("?{query}"));
        assert_eq!(format!("{}{suffix}", url.path()), path);
        assert_eq!(url.origin(), root.origin());
        assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    }
}

/// The name is one word that stays the same.
pub async fn the_name_is_stable(bench: &dyn Bench) {
    let name = bench.cdn().name().to_owned();
    assert!(!name.is_empty() && !name.contains(char::is_whitespace), "{name:?}");
    bench.settle().await;
    assert_eq!(bench.cdn().name(), name);
}

/// Name, `Debug` and errors tell no secret.
pub async fn nothing_tells_a_secret(bench: &dyn Bench) {
    let cdn = bench.cdn();
    let mut told = vec![cdn.name().to_owned(), format!("{cdn:?}"), cdn.url("/").to_string()];
    let mut malformed = probe_of(bench, "", "secret");
    malformed.path = "not a path".into();
    told.extend(cdn.probe(&malformed).await.err().map(|error| format!("{error} {error:?}")));
    told.extend(cdn.sign("/a", bench.now()).err().map(|error| format!("{error} {error:?}")));
    for secret in bench.secrets() {
        assert!(told.iter().all(|text| !text.contains(&secret)), "a secret is in {told:?}");
    }
}
