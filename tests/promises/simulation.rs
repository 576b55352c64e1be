//! Every promise at once, in whole histories of the engine in virtual time: `GALERRA_SEEDS` says how many.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use galerra::simulation::{Coverage, Simulation};

/// Runs the histories of these seeds on all processors; answers what happened in them.
fn run(seeds: u64) -> Coverage {
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Coverage::default()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    match Simulation::new(seed).run() {
                        Ok(report) => sum.lock().unwrap().add(&report.coverage),
                        Err(broken) => panic!("{broken}\n{}", Simulation::replay(seed)),
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

#[test]
fn every_promise_holds_in_every_history() {
    let seeds = std::env::var("GALERRA_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1000);
    let coverage = run(seeds);
    // What never happens is not proven.
    let missing: Vec<_> = coverage.missing().collect();
    assert!(missing.is_empty(), "{seeds} histories without {missing:?}");
}
