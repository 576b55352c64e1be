use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;

use crate::{CdnError, Probe, Progress, Purge, Sighting, Tag, Ticket};

/// What a network can do; what it cannot do answers [`CdnError::Unsupported`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether [`Cdn::probe`] can tell present from absent on every edge of the network.
    pub probes: bool,
    /// Whether [`Cdn::sign`] makes URLs that the network itself verifies.
    pub signs: bool,
    /// By what [`Cdn::purge`] finds the responses to forget.
    #[serde(default)]
    pub selects: Selects,
    /// The longest time a purge takes to reach the last edge after it was accepted.
    pub purge_max: Duration,
}

/// By what a network finds the responses that it shall forget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selects {
    /// By the tags of a [`Purge`]; it ignores the paths.
    #[default]
    Tags,
    /// By the paths of a [`Purge`] alone; tags mean nothing to it.
    Paths,
}

/// A cache or CDN in front of a service.
///
/// # Contract
/// - `purge` returns once the network has accepted to forget every response that carries one of the tags,
///   whatever its host, query or variant. One that [selects](Capabilities::selects) by paths forgets every
///   response at one of the paths instead, whatever its host, query or variant, and nothing else: without
///   paths it accepts the purge and forgets nothing. Purging what is not cached succeeds; purging twice is
///   harmless. An accepted purge is never evidence of absence.
/// - `progress` of a ticket is `Complete` no earlier than the network itself says so.
/// - `probe` asks the network, not the origin, and carries no credential. It answers `Absent` only when
///   the cache was consulted and did not have the response, `Present` when it served the bytes asked for or
///   a copy older than the gate, `Inconclusive` in every other case, a network that is down included.
/// - `headers` makes a response purgeable by each of the tags; no tags, no header. What selects by paths needs
///   none. The network removes these headers before visitors see them, or the tags are opaque enough for
///   visitors to see.
/// - `url` says where the network serves a path (starting with `/`).
/// - `sign` makes a URL for a path that the network serves until the time given and refuses afterwards.
/// - Errors, `name` and `Debug` carry no credential.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Cdn: fmt::Debug + Send + Sync {
    /// Name of the network in receipts and errors, such as `varnish-127.0.0.1:6081`; the same after a restart.
    fn name(&self) -> &str;
    /// What the network can do.
    fn capabilities(&self) -> Capabilities;
    /// Asks the network to forget.
    async fn purge(&self, purge: &Purge) -> Result<Ticket, CdnError>;
    /// Asks how far an accepted purge has come.
    async fn progress(&self, ticket: &Ticket) -> Result<Progress, CdnError>;
    /// Looks whether the network still serves a response.
    async fn probe(&self, probe: &Probe) -> Result<Sighting, CdnError>;
    /// The headers that make a response purgeable by these tags.
    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)>;
    /// Where the network serves this path.
    fn url(&self, path: &str) -> Url;
    /// A URL for the path that dies at the given time.
    fn sign(&self, path: &str, until: OffsetDateTime) -> Result<Url, CdnError>;
}
