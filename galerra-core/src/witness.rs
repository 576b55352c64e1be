use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use galerra_log::{AddCheckpoint, CheckpointError, LogVerifier, WitnessVerifier};

/// Who watches the log of this service grow, and whose logs it watches itself. The default is nobody.
#[derive(Debug, Clone, Default)]
pub struct Witnessing {
    /// Those that are asked to cosign every checkpoint.
    pub by: Vec<Arc<dyn Witness>>,
    /// The logs whose checkpoints are cosigned here, if they have only grown.
    pub of: Vec<LogVerifier>,
}

/// A port: somebody else who remembers how far a log has grown, and signs nothing that contradicts it (C2SP tlog-witness).
///
/// # Contract
/// - `add_checkpoint` ends within a deadline of its own.
/// - What it answers is not believed: a cosignature is verified by whoever asked.
#[async_trait]
pub trait Witness: fmt::Debug + Send + Sync {
    /// Name and key of the witness.
    fn verifier(&self) -> &WitnessVerifier;
    /// Asks for a cosignature.
    async fn add_checkpoint(&self, asked: &AddCheckpoint) -> Result<Testimony, WitnessError>;
}

/// What a witness says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Testimony {
    /// It cosigns: lines of signatures.
    Cosigned(String),
    /// It knows the log at another size than the one it was asked from.
    Knows(u64),
}

/// Why a witness has not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// No answer came.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is a status that says nothing of the log.
    #[error("it answers {0}")]
    Status(u16),
    /// It has seen a log under this key that is not how this one began: one of them was put back.
    #[error("it knows another log of {known} entries; this one has {size}")]
    Contradicts {
        /// The size it knows.
        known: u64,
        /// The size it was asked to cosign.
        size: u64,
    },
    /// What it sent is no cosignature of it.
    #[error("its answer does not hold: {0}")]
    Answer(#[from] CheckpointError),
}
