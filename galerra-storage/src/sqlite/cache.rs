use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Key, Row};

const SHARDS: usize = 16;
/// What an entry costs beside its key and its value, roughly.
const OVERHEAD: usize = 128;

/// Records as the database holds them, and keys it is known not to hold.
///
/// INVARIANT: an entry equals what a reader of the database finds at that moment. The one writer takes the
/// entries of a group out *before* it commits ([`Cache::begin`]) and puts the new ones in after
/// ([`Cache::end`]); meanwhile nobody else may put anything into the shards concerned. A reader that
/// looked before such a change and comes back after it puts nothing in: the shard counts its changes.
pub(super) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    /// How many groups have begun.
    groups: AtomicU64,
    /// Bytes for each of the two generations of a shard.
    share: usize,
}

#[derive(Default)]
struct Shard {
    changes: u64,
    changing: bool,
    /// Entries used since the generations last changed places.
    young: HashMap<Key, Option<Row>>,
    /// The others: found here, an entry moves over; never found, it goes when the young are too many.
    old: HashMap<Key, Option<Row>>,
    bytes: usize,
}

/// The state of the shards a reader looked at, for [`Cache::fill`].
pub(super) struct Seen(Vec<Option<u64>>);

/// The key is not in the cache.
struct Unknown;

impl Cache {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            groups: AtomicU64::new(0),
            share: bytes / SHARDS / 2,
        }
    }

    /// All records from one state of the database, or what to give to `fill` once they are read.
    pub(super) fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, Seen> {
        let groups = self.groups.load(Ordering::Acquire);
        let found: Result<Vec<_>, Unknown> =
            keys.iter().map(|key| self.shard(key).ok_or(Unknown)?.get(key, self.share)).collect();
        match found {
            // A group that began between two keys could have been seen by the second alone.
            Ok(found) if self.groups.load(Ordering::Acquire) == groups => Ok(found),
            _ => Err(Seen(keys.iter().map(|key| self.shard(key)?.open()).collect())),
        }
    }

    /// Keeps what a reader found, unless it may be outdated.
    pub(super) fn fill(&self, keys: &[Key], found: &[Option<Row>], seen: Seen) {
        for ((key, row), seen) in keys.iter().zip(found).zip(seen.0) {
            let Some(mut shard) = self.shard(key) else { continue };
            if seen.is_some() && seen == shard.open() {
                shard.put(key.clone(), row.clone(), self.share);
            }
        }
    }

    /// Takes out what is about to change.
    pub(super) fn begin<'a>(&self, keys: impl Iterator<Item = &'a Key>) {
        self.groups.fetch_add(1, Ordering::AcqRel);
        for key in keys {
            let Some(mut shard) = self.shard(key) else { continue };
            shard.changing = true;
            shard.changes += 1;
            shard.remove(key);
        }
    }

    /// Puts in what has changed; all shards are open again.
    pub(super) fn end(&self, changed: Vec<(Key, Option<Row>)>) {
        for (key, row) in changed {
            let Some(mut shard) = self.shard(&key) else { continue };
            shard.put(key, row, self.share);
        }
        for shard in &self.shards {
            lock(shard).changing = false;
        }
    }

    fn shard(&self, key: &Key) -> Option<MutexGuard<'_, Shard>> {
        let at = self.hasher.hash_one(key) % SHARDS as u64;
        usize::try_from(at).ok().and_then(|at| self.shards.get(at)).map(lock)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cost(key: &Key, row: Option<&Row>) -> usize {
    OVERHEAD + 2 * key.as_str().len() + row.map_or(0, |row| row.value.len())
}

impl Shard {
    fn open(&self) -> Option<u64> {
        (!self.changing).then_some(self.changes)
    }

    /// Answers what is known of the key, if anything is.
    fn get(&mut self, key: &Key, share: usize) -> Result<Option<Row>, Unknown> {
        if let Some(found) = self.young.get(key) {
            return Ok(found.clone());
        }
        let found = self.old.remove(key).ok_or(Unknown)?;
        self.put(key.clone(), found.clone(), share);
        Ok(found)
    }

    fn put(&mut self, key: Key, row: Option<Row>, share: usize) {
        let cost = cost(&key, row.as_ref());
        if self.bytes + cost > share {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.old.remove(&key);
        // The bytes of an entry it replaces are counted until the generations change places.
        self.bytes += cost;
        self.young.insert(key, row);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(row) = self.young.remove(key) {
            self.bytes = self.bytes.saturating_sub(cost(key, row.as_ref()));
        }
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Version;

    fn row(key: &Key, version: i64) -> Row {
        Row { key: key.clone(), version: Version(version), value: Arc::from("1") }
    }

    #[test]
    fn a_reader_that_was_overtaken_keeps_nothing() {
        let (cache, key) = (Cache::new(1 << 20), Key::parse("a/b").unwrap());
        let keys = std::slice::from_ref(&key);
        let Err(before) = cache.get(keys) else { panic!("the cache was empty") };
        cache.begin(keys.iter());
        let Err(during) = cache.get(keys) else { panic!("the entry was taken out") };
        cache.fill(keys, &[Some(row(&key, 1))], during);
        assert!(cache.get(keys).is_err(), "filled while the group was open");
        cache.end(vec![(key.clone(), Some(row(&key, 2)))]);
        cache.fill(keys, &[Some(row(&key, 1))], before);
        assert_eq!(cache.get(keys).ok().unwrap(), [Some(row(&key, 2))]);
    }

    #[test]
    fn the_limit_holds_and_what_is_used_stays() {
        let cache = Cache::new(SHARDS * 64 * 1024);
        let hot = Key::parse("hot").unwrap();
        cache.end(vec![(hot.clone(), Some(row(&hot, 1)))]);
        for n in 0..50_000 {
            let key = Key::parse(format!("cold/{n}")).unwrap();
            cache.end(vec![(key, None)]);
            assert!(cache.get(std::slice::from_ref(&hot)).is_ok());
        }
        let count = |shard: MutexGuard<'_, Shard>| shard.young.len() + shard.old.len();
        let kept: usize = cache.shards.iter().map(|shard| count(lock(shard))).sum();
        assert!(kept < SHARDS * 64 * 1024 / OVERHEAD, "{kept}");
    }
}
