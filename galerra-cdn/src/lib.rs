//! Networks that can be proven to forget.
//!
//! One trait, [`Cdn`], for every cache or CDN that stands before a service: purge by tag or path, follow the
//! purge, probe what is still served, and say which headers make a response purgeable. Nothing here knows what a
//! gallery is. A provider is a pure [`Protocol`] (request out, response in) over one [`Transport`].
//!
//! A service holds a list of networks. "No network" is the empty list, so there is no type for it.

mod cache_status;
mod cdn;
#[cfg(feature = "conformance")]
pub mod conformance;
mod edge;
mod error;
#[cfg(feature = "fake")]
mod fake;
mod judge;
mod nginx;
mod probe;
mod purge;
mod remote;
mod secure_link;
mod tag;
#[cfg(feature = "client")]
mod transport;
mod varnish;

pub use cdn::{Capabilities, Cdn, Selects};
pub use error::CdnError;
#[cfg(feature = "fake")]
pub use fake::{Clock, FakeCdn, Fault, Origin, Place};
pub use judge::judge;
pub use nginx::Nginx;
pub use probe::{Probe, Sighting, Verdict};
pub use purge::{Progress, Purge, Ticket};
pub use remote::{Accepted, Follow, Protocol, Remote, Transport, TransportError, refusal};
pub use secure_link::SecureLink;
pub use tag::{Tag, TagError, TagHeader};
#[cfg(feature = "client")]
pub use transport::HttpTransport;
pub use varnish::Varnish;

#[cfg(feature = "mock")]
pub use cdn::MockCdn;
