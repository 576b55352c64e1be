//! Images are developed in child processes with limits of their own.
//!
//! An allocation that fails ends a process even in safe Rust; so do an overflowing stack and a limit on its
//! time. In a child that costs one image. `pool` keeps children, `child` talks to one of them, `frames` is what
//! is said, `answer` what is believed; `worker` is the other end, and `confine` its limits.

mod answer;
mod child;
mod confine;
mod frames;
mod pool;
mod worker;

use std::process::ExitCode;

pub(super) use pool::{Allowance, Pool};

/// The first argument of a child.
const ARGUMENT: &str = "galerra-imaging-worker";

/// Leave to start child processes, which [`role`] gives to a host.
#[derive(Debug, Clone)]
pub struct Processes(());

/// What this process is.
#[derive(Debug)]
pub enum Role {
    /// The host itself.
    Host(Processes),
    /// A child that has done its work: the host's `main` returns this at once.
    Worker(ExitCode),
}

/// Tells the host from the children that develop its images, which are the same program started again.
///
/// Call it first in `main`, before settings are read, threads start or files are opened. In a child it returns
/// when the parent is done with it.
///
/// ```no_run
/// use galerra::imaging::{Developer, Limits, Recipe, Role, role};
///
/// fn main() -> std::process::ExitCode {
///     let processes = match role() {
///         Role::Host(processes) => processes,
///         Role::Worker(code) => return code,
///     };
///     let developer = Developer::new(Limits::default(), Recipe::standard()).in_processes(processes);
///     // … start a runtime, and hand the developer to `Galerra::open_with`.
/// #   drop(developer);
///     std::process::ExitCode::SUCCESS
/// }
/// ```
#[must_use]
pub fn role() -> Role {
    match std::env::args_os().nth(1) {
        Some(argument) if argument == ARGUMENT => Role::Worker(worker::main()),
        _ => Role::Host(Processes(())),
    }
}
