//! A network in memory that behaves by the book until it is told not to.

mod cdn;
mod clock;
mod serve;
mod store;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, Request, Response};
use time::OffsetDateTime;

pub use clock::Clock;
use store::Store;

use crate::{Purge, Selects, Tag};

const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const HOST: &str = "cdn.test";

/// Where a [`FakeCdn`] gets what it does not have.
///
/// An async closure over a request is one.
#[async_trait]
pub trait Origin: Send + Sync {
    /// Answers a request in origin form, with a `Host` header.
    async fn fetch(&self, request: Request<Bytes>) -> Response<Bytes>;
}

#[async_trait]
impl<F, A> Origin for F
where
    F: Fn(Request<Bytes>) -> A + Send + Sync,
    A: Future<Output = Response<Bytes>> + Send,
{
    async fn fetch(&self, request: Request<Bytes>) -> Response<Bytes> {
        self(request).await
    }
}

/// What goes wrong with a purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A transient error; nothing was purged.
    FailBefore,
    /// A transient error; the purge was carried out all the same.
    FailAfter,
    /// A permanent error; nothing was purged.
    Refuse,
    /// "Too many requests"; nothing was purged.
    RateLimit(Duration),
    /// Accepted, reported complete, never carried out.
    Lie,
    /// Accepted, reported complete, never heard of at these places.
    Lose(Vec<Place>),
}

/// One cache of a [`FakeCdn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The tier between the origin and all edges.
    Shield,
    /// A cache that visitors come to, counted from 0.
    Edge(usize),
}

/// A shared cache or a whole network of them, in memory, with faults on demand; clones are the same network.
///
/// It stores and serves as RFC 9111 says (by `http-cache-semantics`, as a shared cache), says so in `Age` and
/// `Cache-Status`, and removes its tag header before visitors see it. A fill is stored when it ends, even when
/// a purge came in the meantime: exactly the race that real edges have. Time stands still until its [`Clock`]
/// is moved.
///
/// ```
/// # use galerra_cdn::{Cdn, FakeCdn, Purge, Tag};
/// # use http::{Request, Response};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cdn = FakeCdn::new().with_edges(2).with_shield();
/// let tag = Tag::parse("i-01j9")?;
/// let [(name, value)] = &cdn.headers(&[tag.clone()])[..] else { return Err("one header".into()) };
/// let page = Response::builder().header("cache-control", "public, max-age=60").header(name, value);
/// let page = page.body("image".into())?;
/// cdn.set_origin(std::sync::Arc::new(move |_| std::future::ready(page.clone())));
///
/// let answer = cdn.serve(Request::get("/i/a.jpg").body("".into())?).await;
/// assert_eq!(answer.body(), "image");
/// assert_eq!(cdn.held(&tag), 2, "at the edge and in the shield");
/// cdn.purge(&Purge::tag(tag.clone())).await?;
/// assert_eq!(cdn.held(&tag), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FakeCdn {
    name: String,
    clock: Clock,
    probes: bool,
    selects: Selects,
    state: Arc<Mutex<State>>,
}

struct State {
    origin: Option<Arc<dyn Origin>>,
    stores: BTreeMap<Place, Store>,
    delay: Duration,
    lags: BTreeMap<Place, Duration>,
    next: VecDeque<Fault>,
    always: Option<Fault>,
    accepted: Vec<(OffsetDateTime, Purge)>,
}

impl FakeCdn {
    /// One edge, no origin yet, at the start of 2026.
    #[must_use]
    pub fn new() -> Self {
        let state = State {
            origin: None,
            stores: BTreeMap::new(),
            delay: Duration::ZERO,
            lags: BTreeMap::new(),
            next: VecDeque::new(),
            always: None,
            accepted: Vec::new(),
        };
        let clock = Clock::at(time::macros::datetime!(2026-01-01 00:00 UTC));
        let state = Arc::new(Mutex::new(state));
        Self { name: "fake".into(), clock, probes: true, selects: Selects::Tags, state }.with_edges(1)
    }

    /// A network of this name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// A network that goes by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// A network with this many edges, all of them empty.
    #[must_use]
    pub fn with_edges(self, edges: usize) -> Self {
        let mut state = self.state();
        state.stores.retain(|place, _| *place == Place::Shield);
        state.stores.extend((0..edges).map(|i| (Place::Edge(i), Store::new(format!("edge-{i}")))));
        drop(state);
        self
    }

    /// A network whose edges fill through one more cache.
    #[must_use]
    pub fn with_shield(self) -> Self {
        self.state().stores.insert(Place::Shield, Store::new("shield".into()));
        self
    }

    /// A network that cannot be probed.
    #[must_use]
    pub fn without_probes(mut self) -> Self {
        self.probes = false;
        self
    }

    /// A network that goes by the paths of a purge alone.
    #[must_use]
    pub fn by_paths(mut self) -> Self {
        self.selects = Selects::Paths;
        self
    }

    /// A network whose purges arrive this much later than they are accepted.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        self.set_delay(delay);
        self
    }

    /// From now on, purges arrive this much later than they are accepted.
    pub fn set_delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// From now on, purges arrive at this place so much later still: in between, an edge may refill from a parent that
    /// has not heard of the purge.
    pub fn set_lag(&self, place: Place, lag: Duration) {
        self.state().lags.insert(place, lag);
    }

    /// Where to fill from; until then there is nobody (503).
    pub fn set_origin(&self, origin: Arc<dyn Origin>) {
        self.state().origin = Some(origin);
    }

    /// The clock that this network goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The next purge that has no fault planned yet gets this one; then all is well again.
    pub fn fault_next(&self, fault: Fault) {
        self.state().next.push_back(fault);
    }

    /// Every purge has this fault until [`FakeCdn::heal`].
    pub fn fault_always(&self, fault: Fault) {
        self.state().always = Some(fault);
    }

    /// No more faults. What is down stays down.
    pub fn heal(&self) {
        let mut state = self.state();
        state.next.clear();
        state.always = None;
    }

    /// Takes a cache off the network: it answers nobody, misses purges and keeps its copies.
    pub fn take_down(&self, place: Place) {
        self.turn(place, false);
    }

    /// Brings a cache back, with all that it held.
    pub fn bring_up(&self, place: Place) {
        self.turn(place, true);
    }

    fn turn(&self, place: Place, up: bool) {
        if let Some(store) = self.state().stores.get_mut(&place) {
            store.turn(up);
        }
    }

    /// The edges, up or down.
    #[must_use]
    pub fn edges(&self) -> Vec<Place> {
        self.state().stores.keys().copied().filter(|place| *place != Place::Shield).collect()
    }

    /// How many copies with this tag are stored anywhere: the truth that no real network tells.
    #[must_use]
    pub fn held(&self, tag: &Tag) -> usize {
        self.state().stores.values().map(|store| store.count(tag)).sum()
    }

    /// How many of them have not outlived themselves: no other is served without the origin being asked.
    #[must_use]
    pub fn fresh(&self, tag: &Tag) -> usize {
        let now = self.clock.now();
        self.state().stores.values().map(|store| store.fresh(tag, now)).sum()
    }

    /// The purges accepted so far, lies included.
    #[must_use]
    pub fn purges(&self) -> Vec<Purge> {
        self.state().accepted.iter().map(|(_, purge)| purge.clone()).collect()
    }

    /// The state, with every purge carried out that is due.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        state.stores.values_mut().for_each(|store| store.settle(now));
        state
    }
}

impl Default for FakeCdn {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FakeCdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCdn").field("name", &self.name).finish_non_exhaustive()
    }
}
