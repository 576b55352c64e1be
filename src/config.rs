use galerra_cdn::SecureLink;
use galerra_core::Policy;
use galerra_log::LogVerifier;
use serde::Deserialize;
use time::Duration;
use url::Url;

use crate::{OpenError, Retention};

/// Settings of a Galerra that is opened from URLs. Every field has a default, so `Config::default()` is a
/// complete answer: everything in memory, nothing in front.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where records lie: `memory:`, `sqlite:PATH`, `postgres://…`.
    pub records: Location,
    /// Where bytes lie: `memory:`, `file:PATH`, `s3://BUCKET/PREFIX`, …
    pub blobs: Location,
    /// The networks in front: `varnish://HOST:PORT` or `nginx://HOST:PORT`, each edge by itself. None is a valid answer.
    pub cdn: Vec<Location>,
    /// Where people reach this service, such as `https://photos.example`; share links start with it.
    pub public_url: Option<Url>,
    /// The path below which the router is mounted: empty, or such as `/photos`.
    pub mount: String,
    /// What image URLs of open galleries start with, such as `https://cdn.example`.
    pub cdn_url: Option<Url>,
    /// The secret by which image URLs of private galleries are signed for an nginx at `cdn_url`. Without it they come
    /// from here.
    pub signing_key: Option<SecureLink>,
    /// Longest time a copy authorised before a deletion may take to land in the last cache, in seconds.
    pub fill_max: f64,
    /// Longest time a purge takes to spread, in seconds, where the network does not know better.
    pub purge_max: f64,
    /// Life of a write lease, in seconds.
    pub write_lease: f64,
    /// Pause between two ticks, in seconds.
    pub tick: f64,
    /// What is promised, and how long everything is kept.
    pub retention: Retention,
    /// Who is asked to cosign the log, over plain HTTP.
    #[cfg(feature = "varnish")]
    pub witnesses: Vec<crate::HttpWitness>,
    /// The logs of others that are cosigned here.
    pub witnessed: Vec<LogVerifier>,
    /// What an image may ask for.
    #[cfg(feature = "imaging")]
    pub limits: crate::imaging::Limits,
    /// The renditions to make of every image; none means the default ones.
    #[cfg(feature = "imaging")]
    pub presets: Vec<crate::imaging::Preset>,
    /// The mark on renditions whose preset asks for it.
    #[cfg(feature = "imaging")]
    pub watermark: Option<crate::imaging::Watermark>,
}

/// Text of a URL that may hold a password: `Debug` shows its scheme only.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Location(String);

impl Location {
    /// The URL's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `:`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

impl From<&str> for Location {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:…", self.scheme())
    }
}

impl Default for Config {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            records: "memory:".into(),
            blobs: "memory:".into(),
            cdn: Vec::new(),
            public_url: None,
            cdn_url: None,
            signing_key: None,
            mount: String::new(),
            fill_max: policy.fill_max.as_seconds_f64(),
            purge_max: policy.purge_max.as_seconds_f64(),
            write_lease: policy.write_lease.as_seconds_f64(),
            tick: 1.0,
            retention: Retention::default(),
            #[cfg(feature = "varnish")]
            witnesses: Vec::new(),
            witnessed: Vec::new(),
            #[cfg(feature = "imaging")]
            limits: crate::imaging::Limits::default(),
            #[cfg(feature = "imaging")]
            presets: Vec::new(),
            #[cfg(feature = "imaging")]
            watermark: None,
        }
    }
}

impl Config {
    /// The policy these settings ask for; an error names the number that is no sensible count of seconds, hours or days.
    pub fn policy(&self) -> Result<Policy, OpenError> {
        let seconds = |what, count| seconds(count).ok_or(OpenError::Unreadable { what });
        Ok(Policy {
            fill_max: seconds("fill_max", self.fill_max)?,
            purge_max: seconds("purge_max", self.purge_max)?,
            write_lease: seconds("write_lease", self.write_lease)?,
            ..self.retention.policy()?
        })
    }

    /// What is made of every image; an error names the preset that is wrong.
    #[cfg(feature = "imaging")]
    pub fn recipe(&self) -> Result<crate::imaging::Recipe, OpenError> {
        use crate::imaging::{Preset, Recipe};
        let presets = if self.presets.is_empty() { Preset::standard() } else { self.presets.clone() };
        Ok(match &self.watermark {
            Some(watermark) => Recipe::with_watermark(presets, watermark.prepared()?)?,
            None => Recipe::new(presets)?,
        })
    }

    /// The pause between two ticks; `None` when it is not a sensible count of seconds.
    #[must_use]
    pub fn pause(&self) -> Option<std::time::Duration> {
        seconds(self.tick).filter(|pause| pause.is_positive()).and_then(|pause| pause.try_into().ok())
    }
}

fn seconds(count: f64) -> Option<Duration> {
    (0.0..=31_536_000.0).contains(&count).then(|| Duration::seconds_f64(count))
}
