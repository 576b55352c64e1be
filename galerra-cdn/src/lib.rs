//! Networks that can be proven to forget.
//!
//! One trait, [`Cdn`], for every cache or CDN that stands before a service: purge by tag, follow the purge,
//! probe what is still served, and say which headers make a response purgeable. Nothing here knows what a
//! gallery is. A provider is a pure [`Protocol`] (request out, response in) over one [`Transport`].

mod cdn;
mod error;
mod probe;
mod purge;
mod tag;

pub use cdn::{Capabilities, Cdn};
pub use error::CdnError;
pub use probe::{Probe, Sighting, Verdict};
pub use purge::{Progress, Purge, Ticket};
pub use tag::{Tag, TagError};

#[cfg(feature = "mock")]
pub use cdn::MockCdn;
