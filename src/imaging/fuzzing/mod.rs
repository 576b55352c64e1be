//! What has to hold for any bytes: one function for each fuzz target, which panics when it does not.
//!
//! `fuzz/run` feeds them with libFuzzer, the tests of this module with seeds and fixed mutations of them.

mod develop;
mod facts;
mod keys;
mod rewrite;
mod sniff;

pub use develop::develop;
pub use facts::facts;
pub use keys::keys;
pub use rewrite::rewrite;
pub use sniff::sniff;

use super::limits::Limits;

/// Limits under which every input is done in well under a second.
fn limits() -> Limits {
    Limits {
        bytes: 1 << 20,
        pixels: 4_000_000,
        side: 20_000,
        frames: 20,
        animation_pixels: 8_000_000,
        scans: 20,
        scan_pixels: 20_000_000,
        memory: 64 << 20,
    }
}

#[cfg(test)]
mod mutate;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;
