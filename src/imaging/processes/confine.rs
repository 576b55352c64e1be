use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::imaging::Limits;

/// Address space beside what is estimated for an image: the program, its libraries and its stack, what is
/// encoded, what an allocator loses between large blocks, and how far an estimate may be wrong.
const BASE: u64 = 256 << 20;

/// Takes from this process, for good, what a decoder has no use for.
///
/// No file and no socket can be opened any more, no file grows, no process or thread starts, nothing is dumped.
pub(super) fn confine(limits: &Limits) -> io::Result<()> {
    let space = BASE.saturating_add(limits.memory).saturating_add(limits.bytes);
    let spaced = lower(Resource::As, space);
    // Elsewhere the address space of every program is too large to be limited.
    if cfg!(target_os = "linux") {
        spaced?;
    }
    #[cfg(target_os = "linux")]
    linux()?;
    for resource in [Resource::Core, Resource::Fsize, Resource::Nproc] {
        lower(resource, 0)?;
    }
    // Input, output and errors are open already.
    lower(Resource::Nofile, 3)
}

/// Allows the next image so many bytes of memory and seconds of processor time. Beyond them an allocation fails,
/// or the kernel ends this process.
pub(super) fn allow(memory: u64, seconds: u64) -> io::Result<()> {
    let spaced = until(Resource::As, BASE.saturating_add(memory));
    if cfg!(target_os = "linux") {
        spaced?;
    }
    let used = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or_default();
    until(Resource::Cpu, used.saturating_add(seconds).saturating_add(1))
}

/// Sets a limit that can be set anew.
fn until(resource: Resource, limit: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(limit, |maximum| limit.min(maximum)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}

/// Lowers a limit, for good; one that is lower already stays.
fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let limit = Some(getrlimit(resource).maximum.map_or(most, |hard| hard.min(most)));
    Ok(setrlimit(resource, Rlimit { current: limit, maximum: limit })?)
}

#[cfg(target_os = "linux")]
fn linux() -> io::Result<()> {
    // When memory runs out, the kernel takes this process and not the server.
    std::fs::write("/proc/self/oom_score_adj", "1000").ok();
    rustix::thread::set_name(c"galerra-imaging")?;
    Ok(rustix::thread::set_no_new_privs(true)?)
}
