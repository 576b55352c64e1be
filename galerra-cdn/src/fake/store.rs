//! One tier of the fake network: a shared cache by the book (RFC 9111), and what is wrong with it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use time::OffsetDateTime;
use time::macros::format_description;

use super::CACHE_TAG;
use crate::{Purge, Selects, Tag};

/// One cache: stored responses and the purges on their way to it.
#[derive(Debug)]
pub(super) struct Store {
    name: String,
    up: bool,
    entries: BTreeMap<Key, Vec<Entry>>,
    pending: Vec<(OffsetDateTime, Wanted)>,
}

/// Host, path and query.
type Key = (String, String);

#[derive(Debug)]
struct Entry {
    policy: CachePolicy,
    body: Bytes,
    tags: Vec<String>,
}

/// What a purge wants forgotten.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Tags(Vec<Tag>),
    Paths(Vec<String>),
}

/// What a cache found for a request.
pub(super) enum Look {
    Hit(Response<Bytes>),
    /// Ask further in, for this reason.
    Forward(&'static str),
}

impl Store {
    pub(super) fn new(name: String) -> Self {
        Self { name, up: true, entries: BTreeMap::new(), pending: Vec::new() }
    }

    pub(super) fn is_up(&self) -> bool {
        self.up
    }

    pub(super) fn turn(&mut self, up: bool) {
        self.up = up;
    }

    /// Notes a purge that arrives at the time given.
    pub(super) fn expect(&mut self, due: OffsetDateTime, wanted: Wanted) {
        self.pending.push((due, wanted));
    }

    /// Lets purges arrive that are due; a cache that is down misses them.
    pub(super) fn settle(&mut self, now: OffsetDateTime) {
        for (_, wanted) in self.pending.extract_if(.., |(due, _)| *due <= now) {
            if self.up {
                forget(&mut self.entries, &wanted);
            }
        }
    }

    /// How many stored responses carry the tag.
    pub(super) fn count(&self, tag: &Tag) -> usize {
        self.entries.values().flatten().filter(|entry| entry.carries(tag)).count()
    }

    /// How many of them have not outlived themselves.
    pub(super) fn fresh(&self, tag: &Tag, now: OffsetDateTime) -> usize {
        let carrying = self.entries.values().flatten().filter(|entry| entry.carries(tag));
        carrying.filter(|entry| !entry.policy.is_stale(now.into())).count()
    }

    pub(super) fn look(&mut self, request: &Request<Bytes>, now: OffsetDateTime) -> Look {
        if request.method() != Method::GET {
            return Look::Forward("method");
        }
        let Some(entries) = self.entries.get(&key(request)) else { return Look::Forward("uri-miss") };
        let mut reason = "vary-miss";
        for entry in entries {
            match entry.policy.before_request(request, now.into()) {
                BeforeRequest::Fresh(mut parts) => {
                    // Delivery must not touch `Date`; it is part of the stored head.
                    parts.headers.remove(header::DATE);
                    return Look::Hit(self.hit(entry, Response::from_parts(parts, entry.body.clone()), now));
                }
                BeforeRequest::Stale { matches: true, .. } => {
                    reason = if entry.policy.is_stale(now.into()) { "stale" } else { "request" };
                }
                BeforeRequest::Stale { .. } => {}
            }
        }
        Look::Forward(reason)
    }

    fn hit(&self, entry: &Entry, mut answer: Response<Bytes>, now: OffsetDateTime) -> Response<Bytes> {
        let ttl = entry.policy.time_to_live(now.into()).as_secs();
        let made = now - entry.policy.age(now.into());
        answer.headers_mut().insert(header::DATE, http_date(made));
        self.say(&mut answer, &format!("hit; ttl={ttl}"));
        answer
    }

    /// Passes an answer from further in outwards, and stores it if it may.
    pub(super) fn pass(
        &mut self,
        request: &Request<Bytes>,
        reason: &str,
        mut answer: Response<Bytes>,
        now: OffsetDateTime,
    ) -> Response<Bytes> {
        let status = answer.status().as_u16();
        if !request.method().is_safe() && status < 400 {
            self.entries.remove(&key(request));
        }
        let stored = reason != "method" && self.store(request, &answer, now);
        let stored = if stored { "; stored" } else { "" };
        self.say(&mut answer, &format!("fwd={reason}; fwd-status={status}{stored}"));
        answer
    }

    fn store(&mut self, request: &Request<Bytes>, answer: &Response<Bytes>, now: OffsetDateTime) -> bool {
        // An answer takes the place of every stored one that it could be selected for.
        if answer.status() < StatusCode::INTERNAL_SERVER_ERROR {
            self.replace(request, now);
        }
        let mut head = Response::new(());
        *head.status_mut() = answer.status();
        *head.headers_mut() = answer.headers().clone();
        // What the caches behind said belongs to that answer, not to the stored one.
        head.headers_mut().remove("cache-status");
        let policy = CachePolicy::new_options(request, &head, now.into(), CacheOptions::default());
        if !policy.is_storable() || policy.time_to_live(now.into()).is_zero() {
            return false;
        }
        let entry = Entry { policy, body: answer.body().clone(), tags: tags(answer) };
        self.entries.entry(key(request)).or_default().push(entry);
        true
    }

    fn replace(&mut self, request: &Request<Bytes>, now: OffsetDateTime) {
        let selected = |entry: &Entry| match entry.policy.before_request(request, now.into()) {
            BeforeRequest::Fresh(_) => true,
            BeforeRequest::Stale { matches, .. } => matches,
        };
        if let Some(entries) = self.entries.get_mut(&key(request)) {
            entries.retain(|entry| !selected(entry));
        }
        self.entries.retain(|_, entries| !entries.is_empty());
    }

    /// Appends this cache's own member to `Cache-Status`.
    fn say(&self, answer: &mut Response<Bytes>, what: &str) {
        if let Ok(value) = HeaderValue::try_from(format!("{}; {what}", self.name)) {
            answer.headers_mut().append("cache-status", value);
        }
    }
}

impl Entry {
    fn carries(&self, tag: &Tag) -> bool {
        self.tags.iter().any(|t| t == tag.as_str())
    }
}

impl Wanted {
    pub(super) fn of(purge: &Purge, selects: Selects) -> Self {
        match selects {
            Selects::Tags => Self::Tags(purge.tags().cloned().collect()),
            Selects::Paths => Self::Paths(purge.paths().to_vec()),
        }
    }

    fn covers(&self, (_, target): &Key, entry: &Entry) -> bool {
        match self {
            Self::Tags(tags) => tags.iter().any(|tag| entry.carries(tag)),
            Self::Paths(paths) => {
                let path = target.split_once('?').map_or(target.as_str(), |(path, _)| path);
                paths.iter().any(|wanted| wanted == path)
            }
        }
    }
}

fn forget(entries: &mut BTreeMap<Key, Vec<Entry>>, wanted: &Wanted) {
    for (key, variants) in entries.iter_mut() {
        variants.retain(|entry| !wanted.covers(key, entry));
    }
    entries.retain(|_, variants| !variants.is_empty());
}

fn key(request: &Request<Bytes>) -> Key {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    (host.unwrap_or_default().to_owned(), request.uri().to_string())
}

fn tags(answer: &Response<Bytes>) -> Vec<String> {
    let values = answer.headers().get_all(CACHE_TAG).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect()
}

/// The time as HTTP writes it.
pub(super) fn http_date(at: OffsetDateTime) -> HeaderValue {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let text = at.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default();
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
