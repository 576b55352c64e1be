//! Whole histories of a service in virtual time, with everything that can go wrong, drawn from a seed.
//!
//! A [`Simulation`] runs the real engine over stores, networks and a clock that are made up: uploads, visits, deletions and
//! restores happen while stores fail, workers are killed in the middle of a step, caches go down and come back with all that
//! they held, purges are lost, and clocks are wrong. Who goes on next is decided by chance, and all chance comes from the
//! seed, so that a history can be had again. Every commit, every blob and every answer is held against what the service
//! promises, at the moment it happens; the first promise that is broken ends the history as a [`Violation`].
//!
//! ```
//! use galerra::simulation::Simulation;
//!
//! let report = Simulation::new(7).run()?;
//! assert!(report.lasted.as_secs() > 600);
//! # Ok::<(), galerra::simulation::Violation>(())
//! ```

mod actors;
mod clockwork;
mod coverage;
mod darkroom;
mod dice;
mod fleet;
mod history;
mod process;
mod stores;
mod truth;
mod violation;
mod watcher;
mod weather;
mod world;

use std::fmt;
use std::time::Duration;

pub use coverage::{Coverage, Sight};
pub use violation::{Account, Violation};
pub use weather::{Occasion, Shape, Weather};

use world::{Sink, World};

/// One history, to be run.
pub struct Simulation {
    seed: u64,
    weather: Weather,
    trace: Option<Sink>,
}

/// A history that came to its end with every promise kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// How long it lasted, in virtual time.
    pub lasted: Duration,
    /// How many turns its tasks took.
    pub turns: u64,
    /// What happened in it.
    pub coverage: Coverage,
    /// How long each erasure took from its gate to its receipt, in virtual time.
    pub took: Vec<Duration>,
}

impl Simulation {
    /// The history of this seed, in the weather of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, weather: Weather::of(seed), trace: None }
    }

    /// The same history in another weather.
    #[must_use]
    pub fn with_weather(self, weather: Weather) -> Self {
        Self { weather, ..self }
    }

    /// The same history, told line by line as it happens.
    #[must_use]
    pub fn with_trace(self, line: impl FnMut(&str) + Send + 'static) -> Self {
        Self { trace: Some(Box::new(line)), ..self }
    }

    /// The command that runs the history of a seed again and tells it.
    #[must_use]
    pub fn replay(seed: u64) -> String {
        format!(
            "cargo run --release --example simulate --no-default-features --features simulation -- --seed {seed} --trace"
        )
    }

    /// Runs it to its end, or to the first promise that is broken.
    pub fn run(self) -> Result<Report, Violation> {
        let world = World::new(self.seed, self.weather, self.trace);
        world.tell(|| format!("{:?}", world.weather));
        history::begin(&world);
        world.clockwork.run();
        world.part();
        let (broken, took) =
            world.watch(|watcher, _| Ok((watcher.broken.take(), watcher.took.clone()))).unwrap_or_default();
        match broken {
            Some(violation) => Err(violation),
            None => Ok(Report {
                lasted: world.clockwork.now(),
                turns: world.clockwork.turns(),
                coverage: world.coverage(),
                took,
            }),
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.seed)
            .field("weather", &self.weather)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
