//! What everything in a history has in common: stores, networks, time, chance, and who watches.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use galerra_core::Env;
use galerra_storage::Memory;
use time::OffsetDateTime;

use super::clockwork::{Clockwork, DAWN};
use super::coverage::{Coverage, Sight};
use super::dice::Dice;
use super::fleet::Network;
use super::truth::Moment;
use super::violation::{Account, Stamp, Violation};
use super::watcher::Watcher;
use super::weather::Weather;

/// Where a trace goes, line by line.
pub(super) type Sink = Box<dyn FnMut(&str) + Send>;

/// Where everything happens.
pub(super) struct World {
    pub(super) weather: Weather,
    pub(super) clockwork: Clockwork,
    pub(super) records: Memory,
    pub(super) blobs: Memory,
    pub(super) networks: Vec<Network>,
    dice: Mutex<Dice>,
    watcher: Mutex<Watcher>,
    coverage: Mutex<Coverage>,
    storm: Mutex<bool>,
    busy: Mutex<usize>,
    /// How often all processes were ended at once, and whether the service is closed since.
    ended: Mutex<(u64, bool)>,
    trace: Option<Mutex<Sink>>,
}

impl World {
    pub(super) fn new(seed: u64, weather: Weather, trace: Option<Sink>) -> Arc<Self> {
        let mut dice = Dice::new(seed);
        let clockwork = Clockwork::new(dice.fork());
        let networks = Network::all(&weather, clockwork.clock());
        Arc::new(Self {
            clockwork,
            records: Memory::named("records"),
            blobs: Memory::named("blobs"),
            networks,
            weather,
            dice: Mutex::new(dice),
            watcher: Mutex::default(),
            coverage: Mutex::default(),
            storm: Mutex::new(false),
            busy: Mutex::new(0),
            ended: Mutex::default(),
            trace: trace.map(Mutex::new),
        })
    }

    /// Throws.
    pub(super) fn throw<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(&mut held(&self.dice))
    }

    /// Passes some time up to `most`.
    pub(super) async fn pass(&self, most: Duration) {
        let pause = self.throw(|dice| dice.up_to(most));
        self.clockwork.sleep(pause).await;
    }

    pub(super) fn now(&self) -> Moment {
        Moment { turn: self.clockwork.turns(), at: self.clockwork.now() }
    }

    /// Whether anything goes wrong at the moment.
    pub(super) fn is_stormy(&self) -> bool {
        *held(&self.storm)
    }

    pub(super) fn set_storm(&self, storm: bool) {
        *held(&self.storm) = storm;
    }

    /// Lets somebody be at work; nothing comes to rest before they are through.
    pub(super) fn employ(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        *held(&self.busy) += 1;
        let world = Arc::clone(self);
        self.clockwork.spawn(async move {
            work.await;
            *held(&world.busy) -= 1;
        });
    }

    /// Ends all processes that there are, whatever they are doing, and closes the service.
    pub(super) fn end_all_processes(&self) {
        let mut ended = held(&self.ended);
        *ended = (ended.0 + 1, true);
    }

    pub(super) fn open_again(&self) {
        held(&self.ended).1 = false;
    }

    /// Which generation of processes there is now.
    pub(super) fn generation(&self) -> u64 {
        held(&self.ended).0
    }

    /// Whether the service is closed to everybody.
    pub(super) fn is_closed(&self) -> bool {
        held(&self.ended).1
    }

    /// Whether somebody is at work.
    pub(super) fn is_busy(&self) -> bool {
        *held(&self.busy) > 0
    }

    pub(super) fn saw(&self, sight: Sight) {
        held(&self.coverage).saw(sight);
    }

    pub(super) fn coverage(&self) -> Coverage {
        held(&self.coverage).clone()
    }

    /// Asks or tells who watches, and ends the history if a promise is broken.
    pub(super) fn watch<T>(&self, look: impl FnOnce(&mut Watcher, &Self) -> Result<T, Broken>) -> Option<T> {
        let looked = look(&mut held(&self.watcher), self);
        match looked {
            Ok(seen) => Some(seen),
            Err(Broken(kind, told)) => {
                let violation = kind(Account { at: self.clockwork.now(), told });
                self.tell(|| format!("VIOLATION: {violation}"));
                held(&self.watcher).broken.get_or_insert(violation);
                self.clockwork.stop();
                None
            }
        }
    }

    /// Ends the history with a broken promise.
    pub(super) fn break_off(&self, kind: fn(Account) -> Violation, told: String) {
        self.watch(|_, _| Err::<(), _>(Broken(kind, told)));
    }

    /// Lets go of what holds on to each other, so that nothing outlives the history.
    pub(super) fn part(&self) {
        for network in &self.networks {
            network.fake.set_origin(Arc::new(|_| std::future::ready(http::Response::default())));
        }
    }

    /// Adds a line to the trace, if anybody reads it.
    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let line = format!("{} {}", Stamp(self.clockwork.now()), line());
            held(trace)(&line);
        }
    }
}

/// A promise that was found broken, and how.
#[derive(Debug)]
pub(super) struct Broken(pub(super) fn(Account) -> Violation, pub(super) String);

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("clockwork", &self.clockwork).finish_non_exhaustive()
    }
}

/// Nobody who holds a lock here ever panics.
pub(super) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock and the dice of one process; its clock is a little off, and now and then it is set.
#[derive(Debug)]
pub(super) struct Wits {
    world: Arc<World>,
    off: Mutex<time::Duration>,
}

impl Wits {
    pub(super) fn new(world: &Arc<World>) -> Self {
        let wits = Self { world: Arc::clone(world), off: Mutex::default() };
        wits.step();
        wits
    }

    /// Sets the clock to be off by something else.
    pub(super) fn step(&self) {
        let skew = self.world.weather.skew;
        let off = self.world.throw(|dice| dice.up_to(skew * 2));
        let signed = |time: Duration| time::Duration::try_from(time).unwrap_or_default();
        *held(&self.off) = signed(off) - signed(skew);
    }
}

impl Env for Wits {
    fn now(&self) -> OffsetDateTime {
        DAWN + self.world.clockwork.now() + *held(&self.off)
    }

    fn random(&self) -> [u8; 32] {
        self.world.throw(Dice::bytes)
    }
}
