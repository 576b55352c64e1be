//! What a history is like: how much happens, how much goes wrong, and which times are promised.

use std::time::Duration;

use super::dice::Dice;
use crate::Policy;

/// A network in front of the service.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own, and any go together")]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Shape {
    /// How many caches visitors come to.
    pub edges: usize,
    /// Whether they fill through one more cache.
    pub shield: bool,
    /// Whether it can be asked what it holds.
    pub probes: bool,
    /// Whether it tells how far a purge has come; otherwise every purge is said to be complete at once.
    pub follows: bool,
    /// Whether it does what it says: no purge is lost or forgotten, no cache is ever down.
    pub honest: bool,
}

/// What is under way when a backup of the records is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Occasion {
    /// Whatever happens to be.
    #[default]
    Any,
    /// An upload, if there is one soon.
    Upload,
    /// An erasure that networks are through with, if there is one soon.
    HalfErased,
}

/// How much happens in a history, how much goes wrong, and which times are promised.
///
/// Chances are in a thousand. [`Weather::of`] draws them from a seed such that histories differ in kind: in some stores
/// fail all the time, in others they never do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Weather {
    /// Owners.
    pub accounts: u64,
    /// Galleries of each.
    pub galleries: u64,
    /// Images that are uploaded to each gallery.
    pub images: u64,
    /// Looks at edges that have nothing to do with what owners do.
    pub looks: u64,
    /// What each owner does.
    pub deeds: u64,
    /// Workers that call `tick`, all over the same stores.
    pub workers: u64,
    /// How long owners and faults go on.
    pub storm: Duration,
    /// How often a store call fails; half of them have done what they were asked.
    pub fails: u32,
    /// How often a store call takes long.
    pub slow: u32,
    /// How long it takes then.
    pub slowest: Duration,
    /// How often a blob takes long to be written, as long as it may.
    pub slow_puts: u32,
    /// How often a commit that closes a gate takes long before it does so.
    pub late_gates: u32,
    /// How often a request is cut off where it is.
    pub cuts: u32,
    /// How often a worker is killed, an hour; and in a thousand ticks, in the middle of one.
    pub kills: u32,
    /// The longest pause of a worker that has something to do.
    pub pause: Duration,
    /// How often a process is cut off from everything for a while, an hour.
    pub partitions: u64,
    /// How far the clock of a process may be off, both ways.
    pub skew: Duration,
    /// How often a purge goes wrong.
    pub purge_faults: u32,
    /// How often a cache goes down, or hears no purge, for a while, an hour.
    pub outages: u64,
    /// The networks.
    pub networks: Vec<Shape>,
    /// The promised times, short enough to see their end.
    pub policy: Policy,
    /// Whether networks that are not honest accept every purge and carry out none.
    pub lies: bool,
    /// When a backup is made.
    pub occasion: Occasion,
    /// Whether everybody looks at everything once more before it is put back, and leaves copies in networks.
    pub crowd: bool,
}

impl Weather {
    /// The weather that belongs to a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let dice = &mut Dice::new(seed ^ 0x5ea5_0000);
        let storm = Duration::from_secs(dice.from(10, 30) * 60);
        Self {
            accounts: dice.from(1, 2),
            galleries: dice.from(1, 2),
            images: dice.from(4, 8),
            looks: dice.from(10, 60),
            deeds: dice.from(4, 14),
            workers: dice.from(1, 3),
            storm,
            fails: one_of(dice, &[0, 10, 60, 120]),
            slow: one_of(dice, &[0, 5, 30, 100]),
            slowest: Duration::from_secs(dice.from(10, 100)),
            slow_puts: one_of(dice, &[0, 0, 300]),
            late_gates: one_of(dice, &[0, 0, 500]),
            cuts: one_of(dice, &[0, 50, 200]),
            kills: one_of(dice, &[0, 10, 60]),
            pause: Duration::from_secs(one_of(dice, &[3, 30, 30, 30])),
            partitions: one_of(dice, &[0, 0, 6]),
            skew: Duration::from_secs(one_of(dice, &[0, 0, 1, 3])),
            purge_faults: one_of(dice, &[0, 100, 400]),
            outages: one_of(dice, &[0, 0, 20]),
            networks: networks(dice),
            policy: policy(dice),
            lies: dice.chance(250),
            occasion: one_of(dice, &[Occasion::Any, Occasion::Any, Occasion::Upload, Occasion::HalfErased]),
            crowd: dice.chance(400),
        }
    }

    /// The longest that a fill takes, so that with clocks as far off as they are the policy's bound holds.
    #[must_use]
    pub fn fill(&self) -> Duration {
        Duration::try_from(self.policy.fill_max).unwrap_or_default().saturating_sub(self.skew * 2)
    }

    /// The longest that an accepted purge takes to its last cache.
    #[must_use]
    pub fn spread(&self) -> Duration {
        Duration::try_from(self.policy.purge_max).unwrap_or_default().saturating_sub(self.skew * 2)
    }

    /// The longest that a blob call takes: half a write lease, as the service itself sees to.
    #[must_use]
    pub fn blob_deadline(&self) -> Duration {
        Duration::try_from(self.policy.write_lease).unwrap_or_default() / 2
    }

    /// How long a copy can live that was allowed just before a gate.
    #[must_use]
    pub fn outlived(&self) -> Duration {
        let bound = self.policy.fill_max + self.policy.edge_ttl;
        Duration::try_from(bound).unwrap_or_default() + self.skew * 2 + Duration::from_secs(1)
    }
}

fn one_of<T: Copy + Default>(dice: &mut Dice, of: &[T]) -> T {
    dice.pick(of).copied().unwrap_or_default()
}

fn networks(dice: &mut Dice) -> Vec<Shape> {
    (0..one_of(dice, &[0, 1, 1, 1, 1, 2]))
        .map(|_| Shape {
            edges: dice.place(3) + 1,
            shield: dice.chance(600),
            probes: dice.chance(600),
            follows: dice.chance(600),
            honest: dice.chance(500),
        })
        .collect()
}

fn policy(dice: &mut Dice) -> Policy {
    let seconds = |least, most, dice: &mut Dice| {
        time::Duration::seconds(i64::try_from(dice.from(least, most)).unwrap_or_default())
    };
    let edge_ttl = seconds(600, 3000, dice);
    let fill_max = seconds(12, 60, dice);
    Policy {
        edge_ttl,
        fill_max,
        promise: edge_ttl + fill_max + time::Duration::hours(1),
        purge_max: seconds(8, 30, dice),
        write_lease: seconds(20, 120, dice),
        trash_life: seconds(300, 2400, dice),
        ..Policy::default()
    }
}
