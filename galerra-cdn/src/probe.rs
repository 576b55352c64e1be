use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A question to a network: do you still serve this?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Path and query of the response, starting with `/`.
    pub path: String,
    /// SHA-256 of the body that must be gone, in lower-case hex.
    pub sha256: String,
    /// When the origin stopped serving it: an older copy is a copy.
    pub gated: OffsetDateTime,
    /// SHA-256 of the body that took its place, in lower-case hex, if one did.
    pub successor: Option<String>,
}

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// What it means.
    pub verdict: Verdict,
    /// HTTP status of the answer; 0 when there was none.
    pub status: u16,
    /// The header that decided it, such as a `Cache-Status` value; empty when there was none.
    pub witness: String,
}

/// Whether a network still holds a response.
///
/// When several observations differ, `Present` beats `Inconclusive`, and `Inconclusive` beats `Absent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The cache was asked and does not have it.
    Absent,
    /// The answer does not tell; it never counts as absent.
    Inconclusive,
    /// The bytes, or a copy from before the gate, are still served.
    Present,
}
