use std::time::Duration;

/// Why a network did not do what it was asked, by what the caller should do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CdnError {
    /// The network wants fewer calls: try again after the pause.
    #[error("{cdn}: {operation} was rate limited")]
    RateLimited {
        /// Name of the network.
        cdn: String,
        /// The method that failed.
        operation: &'static str,
        /// How long to wait; `None` when the network did not say.
        after: Option<Duration>,
    },
    /// The network could not be reached or failed; the call may or may not have taken effect.
    #[error("{cdn}: {operation} failed for now: {reason}")]
    Transient {
        /// Name of the network.
        cdn: String,
        /// The method that failed.
        operation: &'static str,
        /// What happened, without credentials.
        reason: String,
    },
    /// The network refuses; an operator has to look.
    #[error("{cdn}: {operation} was refused: {reason}")]
    Permanent {
        /// Name of the network.
        cdn: String,
        /// The method that failed.
        operation: &'static str,
        /// What happened, without credentials.
        reason: String,
    },
    /// The network has no such capability; [`crate::Cdn::capabilities`] says so, too.
    #[error("{cdn} does not support {operation}")]
    Unsupported {
        /// Name of the network.
        cdn: String,
        /// The method that was called.
        operation: &'static str,
    },
}

impl CdnError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Transient { .. })
    }
}
