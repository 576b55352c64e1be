use std::fmt;

use time::OffsetDateTime;

/// The port through which core learns the time and draws randomness.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Env: fmt::Debug + Send + Sync {
    /// The time in UTC. It may step back a little; nothing in core relies on it being monotonic.
    fn now(&self) -> OffsetDateTime;
    /// 32 bytes from a cryptographically secure source.
    fn random(&self) -> [u8; 32];
}
