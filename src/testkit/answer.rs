//! Whether an answer is as it has to be.

use bytes::Bytes;
use http::{Response, StatusCode, header};

use super::scene::{Viewer, canary};

/// What an answer has to be.
#[derive(Clone, Copy)]
pub(super) enum Due<'a> {
    /// Good, and for this viewer alone unless anyone may see it.
    Given { private: bool, secrets: &'a [&'a str] },
    /// As if it had never been.
    Refused { gone: bool },
}

pub(super) const REFUSED: Due<'static> = Due::Refused { gone: false };
pub(super) const ALL: &[&str] =
    &[canary::TITLE, canary::ALT, canary::ABOUT, canary::FILE, canary::CAMERA, canary::TAKEN, canary::PLACE];

/// What is given to a viewer holds no more than is theirs.
pub(super) fn given(viewer: &Viewer, private: bool) -> Due<'static> {
    let secrets: &[&str] = match (viewer.owner, viewer.reads_facts()) {
        (true, _) => &[],
        (false, true) => &[canary::FILE, canary::PLACE],
        (false, false) => &[canary::FILE, canary::PLACE, canary::CAMERA, canary::TAKEN],
    };
    Due::Given { private, secrets }
}

pub(super) fn wrongly_given(answer: &Response<Bytes>, private: bool, secrets: &[&str]) -> Option<String> {
    let status = answer.status();
    let good = status.is_success() || status == StatusCode::NOT_MODIFIED;
    if !good {
        return Some(format!("refused with {status}"));
    }
    let kept = answer.headers().get(header::CACHE_CONTROL).and_then(|policy| policy.to_str().ok());
    let kept = kept.unwrap_or("nothing");
    if private && !kept.contains("no-store") {
        return Some(format!("left to caches: {kept}"));
    }
    tells(answer, secrets)
}

pub(super) fn wrongly_refused(answer: &Response<Bytes>, never: &Response<Bytes>) -> Option<String> {
    if answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED {
        return Some(format!("given with {}", answer.status()));
    }
    let same = answer.status() == never.status()
        && answer.body() == never.body()
        && headers(answer) == headers(never);
    if !same {
        return Some(format!("refused with {} in other words than what never was", answer.status()));
    }
    tells(answer, ALL)
}

/// The headers that are not the time or the way.
fn headers(answer: &Response<Bytes>) -> Vec<(String, Vec<u8>)> {
    let way = ["date", "age", "via", "x-varnish", "x-cache", "cache-status", "connection", "keep-alive"];
    let kept = answer.headers().iter().filter(|(name, _)| !way.contains(&name.as_str()));
    let mut kept: Vec<_> = kept.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    kept.sort();
    kept
}

/// The first of these that an answer holds.
pub(super) fn tells(answer: &Response<Bytes>, secrets: &[&str]) -> Option<String> {
    let told = |text: &str| {
        let found = |hay: &[u8]| hay.windows(text.len()).any(|window| window == text.as_bytes());
        found(answer.body()) || answer.headers().values().any(|value| found(value.as_bytes()))
    };
    secrets.iter().find(|secret| told(secret)).map(|secret| format!("tells {secret}"))
}
