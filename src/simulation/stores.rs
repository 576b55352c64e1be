//! The stores as processes reach them: over lines that take time, fail before or after the effect, are cut off for a
//! while, and on which a write may still take effect when its writer is long dead.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use futures::FutureExt;
use galerra_storage::{
    Batch, Blob, Blobs, Body, Entry, Erased, Key, Op, Prefix, Records, Row, Semantics, StorageError, Version,
    collect, whole,
};
use sha2::{Digest, Sha256};

use super::clockwork::Clockwork;
use super::coverage::Sight;
use super::world::{World, held};

/// How long a call takes that is not slow, each way.
const QUICK: Duration = Duration::from_millis(20);

/// What connects one process with everything else.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) world: Arc<World>,
    /// Whether it is a worker's.
    worker: bool,
    cut_until: Mutex<Duration>,
    generation: u64,
}

/// How a call goes.
struct Trip {
    there: Duration,
    back: Duration,
    fails: bool,
    fails_after: bool,
}

impl Line {
    pub(super) fn new(world: &Arc<World>, worker: bool) -> Arc<Self> {
        let generation = world.generation();
        Arc::new(Self { world: Arc::clone(world), worker, cut_until: Mutex::default(), generation })
    }

    /// Cuts the process off for so long.
    pub(super) fn cut(&self, pause: Duration) {
        *held(&self.cut_until) = self.world.clockwork.now() + pause;
    }

    fn is_cut(&self) -> bool {
        let ended = self.generation != self.world.generation();
        ended || (self.world.is_stormy() && self.world.clockwork.now() < *held(&self.cut_until))
    }

    fn trip(&self) -> Trip {
        let (world, weather) = (&self.world, &self.world.weather);
        let stormy = world.is_stormy();
        let cut = self.is_cut();
        let (trip, slow) = world.throw(|dice| {
            let mut quick = || if dice.chance(600) { Duration::ZERO } else { dice.up_to(QUICK) };
            let (there, back) = (quick(), quick());
            let slow = stormy && dice.chance(weather.slow);
            let fault = stormy && dice.chance(weather.fails);
            let after = dice.chance(500);
            let mut trip = Trip { there, back, fails: cut || (fault && !after), fails_after: fault && after };
            if slow {
                let long = dice.up_to(weather.slowest);
                if dice.chance(500) { trip.there += long } else { trip.back += long }
            }
            (trip, slow)
        });
        if slow {
            world.saw(Sight::StoreSlow);
        }
        trip
    }

    /// How much longer a commit takes that closes a gate.
    fn late_gate(&self) -> Duration {
        let (world, weather) = (&self.world, &self.world.weather);
        let late = world.is_stormy() && world.throw(|dice| dice.chance(weather.late_gates));
        if !late {
            return Duration::ZERO;
        }
        world.saw(Sight::GateLate);
        world.throw(|dice| dice.up_to(weather.slowest))
    }

    /// How much longer a blob takes to be written: bodies are large, and a put may take all the time it has.
    fn slow_put(&self) -> Duration {
        let (world, weather) = (&self.world, &self.world.weather);
        if !(world.is_stormy() && world.throw(|dice| dice.chance(weather.slow_puts))) {
            return Duration::ZERO;
        }
        world.saw(Sight::PutSlow);
        world.throw(|dice| dice.up_to(weather.blob_deadline()))
    }

    async fn pause(&self, pause: Duration) {
        if pause.is_zero() {
            Clockwork::give_way().await;
        } else {
            self.world.clockwork.sleep(pause).await;
        }
    }

    /// A call that changes nothing, or whose change does no harm when it comes late.
    async fn call<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let trip = self.trip();
        self.pause(trip.there).await;
        if trip.fails || self.is_cut() {
            self.world.saw(Sight::StoreFailed);
            return Err(failed(name));
        }
        let done = effect();
        self.pause(trip.back).await;
        self.answer(name, &trip, done)
    }

    /// A call that changes something: when the caller goes away it may take effect all the same.
    async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        trip: Trip,
        effect: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        if trip.fails {
            self.pause(trip.there).await;
            self.world.saw(Sight::StoreFailed);
            return Err(failed(name));
        }
        let due = self.world.clockwork.now() + trip.there;
        let (world, generation) = (Arc::clone(&self.world), self.generation);
        // What was sent to records that have been put back since is lost.
        let effect = move || if generation == world.generation() { effect() } else { Err(failed(name)) };
        // What a store has not done within the deadline of its callers it never does.
        let late = trip.there < self.world.weather.blob_deadline();
        let mut adrift = Adrift { world: Arc::clone(&self.world), due, late, effect: Some(effect) };
        self.pause(trip.there).await;
        let done = match adrift.effect.take() {
            Some(effect) => effect(),
            None => Err(failed(name)),
        };
        self.pause(trip.back).await;
        self.answer(name, &trip, done)
    }

    fn answer<T>(
        &self,
        name: &'static str,
        trip: &Trip,
        done: Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if done.is_ok() && (trip.fails_after || self.is_cut()) {
            self.world.saw(Sight::StoreFailedAfter);
            return Err(failed(name));
        }
        done
    }

    /// The line to a network: time passes, and nothing comes through a line that is cut.
    pub(super) async fn cross(&self) -> bool {
        let trip = self.trip();
        self.pause(trip.there).await;
        !self.is_cut()
    }
}

/// A write on its way.
struct Adrift<E: FnOnce() -> Result<T, StorageError> + Send + 'static, T: Send + 'static> {
    world: Arc<World>,
    due: Duration,
    /// Whether it may take effect when its caller is gone.
    late: bool,
    effect: Option<E>,
}

impl<E: FnOnce() -> Result<T, StorageError> + Send + 'static, T: Send + 'static> Drop for Adrift<E, T> {
    fn drop(&mut self) {
        let Some(effect) = self.effect.take() else { return };
        if self.late && self.world.throw(|dice| dice.chance(500)) {
            let (world, due) = (Arc::clone(&self.world), self.due);
            self.world.clockwork.spawn(async move {
                world.clockwork.sleep(due.saturating_sub(world.clockwork.now())).await;
                world.saw(Sight::LateEffect);
                drop(effect());
            });
        }
    }
}

fn failed(operation: &'static str) -> StorageError {
    StorageError::Transient { store: "store".to_owned(), operation, source: "the simulation says so".into() }
}

/// Nothing in memory ever waits.
fn at_once<T>(call: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    call.now_or_never().unwrap_or_else(|| Err(failed("wait")))
}

/// Records behind a line.
#[derive(Debug)]
pub(super) struct Ledger(pub(super) Arc<Line>);

#[async_trait]
impl Records for Ledger {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError> {
        self.0.call("get", || at_once(Records::get(&self.0.world.records, keys))).await
    }

    async fn scan(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        self.0.call("scan", || at_once(self.0.world.records.scan(prefix, after, limit))).await
    }

    async fn commit(&self, batch: Batch) -> Result<Version, StorageError> {
        let (world, worker) = (Arc::clone(&self.0.world), self.0.worker);
        let ops = batch.clone().checked("records")?;
        let mut trip = self.0.trip();
        if ops.iter().any(|(key, op)| matches!(op, Op::Create(_)) && key.as_str().starts_with("open/")) {
            trip.there += self.0.late_gate();
        }
        let effect = move || commit(&world, worker, batch, &ops);
        self.0.write("commit", trip, effect).await
    }

    fn semantics(&self) -> Semantics {
        Records::semantics(&self.0.world.records)
    }
}

/// A commit takes effect, and who watches hears of it in the same instant.
fn commit(
    world: &World,
    worker: bool,
    batch: Batch,
    ops: &BTreeMap<Key, Op>,
) -> Result<Version, StorageError> {
    let done = at_once(world.records.commit(batch));
    match &done {
        Ok(_) => {
            world.watch(|watcher, world| watcher.committed(ops, worker, world));
        }
        Err(error) if error.is_conflict() && ops.keys().any(|key| key.as_str().starts_with("erasure/")) => {
            world.saw(Sight::ErasureRaced);
        }
        Err(_) => {}
    }
    done
}

/// Blobs behind a line. Their calls end in bounded time, as the service sees to that of every store.
#[derive(Debug)]
pub(super) struct Shelves(pub(super) Arc<Line>);

impl Shelves {
    async fn bounded<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let world = &self.0.world;
        let done = world.clockwork.within(world.weather.blob_deadline(), call).await;
        done.unwrap_or_else(|| {
            world.saw(Sight::StoreTimedOut);
            Err(failed(name))
        })
    }
}

#[async_trait]
impl Blobs for Shelves {
    async fn put(&self, key: &Key, body: Body) -> Result<(), StorageError> {
        let bytes = collect(body).await.map_err(|_| failed("put"))?;
        let (world, key) = (Arc::clone(&self.0.world), key.clone());
        let effect = move || {
            let sha256 = HEXLOWER.encode(&Sha256::digest(&bytes));
            at_once(world.blobs.put(&key, whole(bytes)))?;
            world.tell(|| format!("put {key}"));
            world.watch(|watcher, _| watcher.put(&key, sha256));
            Ok(())
        };
        let mut trip = self.0.trip();
        trip.there += self.0.slow_put();
        self.bounded("put", self.0.write("put", trip, effect)).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError> {
        let read = || at_once(Blobs::get(&self.0.world.blobs, key, range));
        self.bounded("get", self.0.call("get", read)).await
    }

    async fn erase(&self, key: &Key) -> Result<Erased, StorageError> {
        let erase = || {
            let world = &self.0.world;
            let erased = at_once(world.blobs.erase(key))?;
            world.tell(|| format!("erased {key}: {erased:?}"));
            world.watch(|watcher, _| watcher.erased(key));
            Ok(erased)
        };
        self.bounded("erase", self.0.call("erase", erase)).await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let list = || at_once(self.0.world.blobs.list(prefix, after, limit));
        self.bounded("list", self.0.call("list", list)).await
    }

    fn semantics(&self) -> Semantics {
        Blobs::semantics(&self.0.world.blobs)
    }
}
