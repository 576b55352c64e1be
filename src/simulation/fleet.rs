//! The networks in front: caches by the book that lose, forget, repeat, delay and refuse purges, and are down at times.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use galerra_cdn::{
    Capabilities, Cdn, CdnError, Clock, FakeCdn, Fault, Place, Probe, Progress, Purge, Sighting, Tag, Ticket,
    Verdict,
};
use http::{HeaderName, HeaderValue};
use time::OffsetDateTime;
use url::Url;

use super::actors::at_edge;
use super::coverage::Sight;
use super::darkroom::THUMB;
use super::dice::Dice;
use super::stores::Line;
use super::weather::{Shape, Weather};
use super::world::{World, held};

/// A network, as it really is.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) fake: FakeCdn,
    /// Caches that hear no purge, though they serve.
    deaf: Mutex<Vec<Place>>,
}

impl Network {
    pub(super) fn all(weather: &Weather, clock: &Clock) -> Vec<Self> {
        weather.networks.iter().enumerate().map(|(nth, shape)| Self::new(nth, shape, clock)).collect()
    }

    fn new(nth: usize, shape: &Shape, clock: &Clock) -> Self {
        let name = format!("network-{nth}");
        let mut fake = FakeCdn::new().with_name(&name).with_clock(clock.clone()).with_edges(shape.edges);
        if shape.shield {
            fake = fake.with_shield();
        }
        if !shape.probes {
            fake = fake.without_probes();
        }
        Self { name, shape: shape.clone(), fake, deaf: Mutex::default() }
    }

    /// Every cache it has.
    pub(super) fn places(&self) -> Vec<Place> {
        let shield = self.shape.shield.then_some(Place::Shield);
        self.fake.edges().into_iter().chain(shield).collect()
    }

    /// Makes a cache deaf to purges, or lets it hear again.
    pub(super) fn deafen(&self, place: Place, deaf: bool) {
        let mut places = held(&self.deaf);
        places.retain(|other| *other != place);
        if deaf {
            places.push(place);
        }
    }

    /// Lets everything be as it should.
    pub(super) fn heal(&self) {
        self.fake.heal();
        held(&self.deaf).clear();
        self.places().into_iter().for_each(|place| self.fake.bring_up(place));
    }

    /// A cache that visitors come to.
    pub(super) fn edge(&self, dice: &mut Dice) -> Place {
        Place::Edge(dice.place(self.shape.edges))
    }
}

/// A network as one process reaches it.
#[derive(Debug)]
pub(super) struct Reach {
    line: Arc<Line>,
    nth: usize,
    fake: FakeCdn,
}

impl Reach {
    pub(super) fn all(line: &Arc<Line>) -> Vec<Arc<dyn Cdn>> {
        let networks = line.world.networks.iter().enumerate();
        networks
            .map(|(nth, network)| {
                let reach = Self { line: Arc::clone(line), nth, fake: network.fake.clone() };
                Arc::new(reach) as Arc<dyn Cdn>
            })
            .collect()
    }

    /// What goes wrong with the next purge.
    fn fault(&self) -> Option<Fault> {
        let world = &self.line.world;
        let network = world.networks.get(self.nth)?;
        if !world.is_stormy() {
            return None;
        }
        if world.weather.lies && !network.shape.honest {
            world.saw(Sight::PurgeLied);
            return Some(Fault::Lie);
        }
        let deaf = held(&network.deaf).clone();
        if !deaf.is_empty() {
            world.saw(Sight::PurgeUnheard);
            return Some(Fault::Lose(deaf));
        }
        let kind = world.throw(|dice| {
            let sides = if network.shape.honest { 3 } else { 6 };
            dice.chance(world.weather.purge_faults).then(|| dice.below(sides))
        })?;
        let (sight, fault) = match kind {
            0 => (Sight::PurgeFailed, Fault::FailBefore),
            1 => (Sight::PurgeFailed, Fault::FailAfter),
            2 => (Sight::PurgeLimited, Fault::RateLimit(Duration::from_secs(10))),
            3 => (Sight::PurgeLied, Fault::Lie),
            _ => {
                let places = network.places();
                let lost = world.throw(|dice| places.into_iter().filter(|_| dice.chance(500)).collect());
                (Sight::PurgeLost, Fault::Lose(lost))
            }
        };
        world.saw(sight);
        Some(fault)
    }

    /// Spreads the next purge over the time that it may take, to each cache at another moment.
    fn scatter(&self) {
        let world = &self.line.world;
        let Some(network) = world.networks.get(self.nth) else { return };
        let spread = world.weather.spread();
        let delay = world.throw(|dice| dice.up_to(spread / 2));
        self.fake.set_delay(delay);
        for place in network.places() {
            let lag = world.throw(|dice| dice.up_to(spread / 2));
            self.fake.set_lag(place, lag);
        }
    }

    /// A purge may arrive once more, much later.
    fn repeat(&self, world: &Arc<World>, purge: &Purge) {
        if !world.is_stormy() || !world.throw(|dice| dice.chance(world.weather.purge_faults / 4)) {
            return;
        }
        let (again, fake, purge) = (Arc::clone(world), self.fake.clone(), purge.clone());
        world.clockwork.spawn(async move {
            again.pass(Duration::from_secs(120)).await;
            again.saw(Sight::PurgeRepeated);
            drop(fake.purge(&purge).await);
        });
    }

    /// Visitors come while a purge is on its way: an edge that has heard of it may refill from a parent that has not.
    fn tempt(&self, world: &Arc<World>, purge: &Purge) {
        let tags: Vec<&str> = purge.tags().map(Tag::as_str).collect();
        let images = world.watch(|watcher, _| Ok(watcher.tagged(&tags))).unwrap_or_default();
        for _ in 0..2 {
            let Some(image) = world.throw(|dice| dice.pick(&images).copied()) else { return };
            let (visit, nth) = (Arc::clone(world), self.nth);
            world.clockwork.spawn(async move {
                visit.pass(visit.weather.spread()).await;
                at_edge(&visit, nth, image, THUMB, None).await;
            });
        }
    }

    fn unreachable(&self, operation: &'static str) -> CdnError {
        CdnError::Transient { cdn: self.fake.name().to_owned(), operation, reason: "cut off".to_owned() }
    }
}

#[async_trait]
impl Cdn for Reach {
    fn name(&self) -> &str {
        self.fake.name()
    }

    fn capabilities(&self) -> Capabilities {
        let purge_max = self.line.world.weather.spread();
        Capabilities { purge_max, ..self.fake.capabilities() }
    }

    async fn purge(&self, purge: &Purge) -> Result<Ticket, CdnError> {
        let world = &self.line.world;
        if !self.line.cross().await {
            return Err(self.unreachable("purge"));
        }
        if let Some(fault) = self.fault() {
            self.fake.fault_next(fault);
        }
        self.scatter();
        let accepted = self.fake.purge(purge).await;
        world.tell(|| format!("{} purge {purge:?}: {accepted:?}", self.fake.name()));
        self.repeat(world, purge);
        self.tempt(world, purge);
        if self.line.cross().await { accepted } else { Err(self.unreachable("purge")) }
    }

    async fn progress(&self, ticket: &Ticket) -> Result<Progress, CdnError> {
        if !self.line.cross().await {
            return Err(self.unreachable("progress"));
        }
        let follows = self.line.world.networks.get(self.nth).is_some_and(|network| network.shape.follows);
        if follows { self.fake.progress(ticket).await } else { Ok(Progress::Complete) }
    }

    async fn probe(&self, probe: &Probe) -> Result<Sighting, CdnError> {
        let world = &self.line.world;
        if !self.line.cross().await {
            return Err(self.unreachable("probe"));
        }
        let probed = world.clockwork.within(world.weather.fill(), self.fake.probe(probe)).await;
        let seen = probed.unwrap_or_else(|| Err(self.unreachable("probe")));
        if seen.as_ref().is_ok_and(|seen| seen.verdict == Verdict::Present) {
            world.saw(Sight::StartedOver);
        }
        world.tell(|| format!("{} probe {}: {seen:?}", self.fake.name(), probe.path));
        seen
    }

    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)> {
        self.fake.headers(tags)
    }

    fn url(&self, path: &str) -> Url {
        self.fake.url(path)
    }

    fn sign(&self, path: &str, until: OffsetDateTime) -> Result<Url, CdnError> {
        self.fake.sign(path, until)
    }
}
