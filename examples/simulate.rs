//! Runs histories of the simulation: many at once, or one of them with its trace.
//!
//! ```sh
//! cargo run --release --example simulate --no-default-features --features simulation -- --seeds 0..10000
//! cargo run --release --example simulate --no-default-features --features simulation -- --seed 7 --trace
//! ```

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use galerra::simulation::{Coverage, Report, Simulation, Violation};

/// What was asked for.
struct Asked {
    first: u64,
    end: u64,
    trace: bool,
}

fn main() -> ExitCode {
    let Some(asked) = asked(std::env::args().skip(1)) else {
        eprintln!("usage: simulate [--seeds FIRST..END | --seed N] [--trace]");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let sum = run(&asked);
    sum.tell(began.elapsed());
    if sum.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn asked(mut arguments: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked = Asked { first: 0, end: 1000, trace: false };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => {
                asked.first = arguments.next()?.parse().ok()?;
                asked.end = asked.first + 1;
            }
            "--seeds" => {
                let range = arguments.next()?;
                let (first, end) = range.split_once("..")?;
                (asked.first, asked.end) = (first.parse().ok()?, end.parse().ok()?);
            }
            "--trace" => asked.trace = true,
            _ => return None,
        }
    }
    Some(asked)
}

/// All histories that were run, added up.
#[derive(Default)]
struct Sum {
    histories: u64,
    lasted: Duration,
    turns: u64,
    coverage: Coverage,
    took: Vec<Duration>,
    broken: Vec<(u64, Violation)>,
}

/// Runs the seeds on all processors; ends early once a promise is broken.
fn run(asked: &Asked) -> Sum {
    let (next, over) = (AtomicU64::new(asked.first), AtomicBool::new(false));
    let sum = Mutex::new(Sum::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= asked.end {
                        return;
                    }
                    let simulation = Simulation::new(seed);
                    let simulation = if asked.trace {
                        // Whoever reads may have had enough.
                        simulation.with_trace(|line| drop(writeln!(std::io::stdout(), "{line}")))
                    } else {
                        simulation
                    };
                    let outcome = simulation.run();
                    over.fetch_or(outcome.is_err(), Ordering::Relaxed);
                    sum.lock().unwrap_or_else(PoisonError::into_inner).add(seed, outcome);
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: Result<Report, Violation>) {
        self.histories += 1;
        match outcome {
            Ok(report) => {
                self.lasted += report.lasted;
                self.turns += report.turns;
                self.coverage.add(&report.coverage);
                self.took.extend(report.took);
            }
            Err(violation) => self.broken.push((seed, violation)),
        }
    }

    fn tell(&self, elapsed: Duration) {
        drop(write!(std::io::stdout(), "{}", self.coverage));
        let speed = u128::from(self.histories) * 1000 / elapsed.as_millis().max(1);
        println!("{} histories in {elapsed:.1?}, {speed} a second", self.histories);
        println!("{} hours of virtual time in {} turns", self.lasted.as_secs() / 3600, self.turns);
        let mut took = self.took.clone();
        took.sort_unstable();
        let share = |percent: usize| {
            let nth = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(nth).copied().unwrap_or_default().as_secs()
        };
        let (half, most, nearly, all) = (share(50), share(90), share(99), share(100));
        println!(
            "from request to receipt, {} times: p50 {half} s, p90 {most} s, p99 {nearly} s, max {all} s",
            took.len()
        );
        for (seed, violation) in &self.broken {
            println!("seed {seed}: {violation}\n  {}", Simulation::replay(*seed));
        }
    }
}
