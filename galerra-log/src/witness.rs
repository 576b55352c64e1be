use std::fmt;

use crate::checkpoint::{Checkpoint, CheckpointError, decimal};
use crate::hash::Hash;
use crate::head::TreeHead;
use crate::key::{LogVerifier, WitnessKey};
use crate::note::{LATEST, Line};
use crate::proof::{ProofError, verify_consistency};

/// Most hashes of a consistency proof (C2SP tlog-witness).
const MOST_HASHES: usize = 63;

/// What a log asks of a witness, the body of `POST <prefix>/add-checkpoint` (C2SP tlog-witness): that it cosigns a
/// checkpoint, since the log has only grown since the size that the witness knows.
///
/// As text it is `old <N>\n<proof…>\n\n<checkpoint>`, one hash a line in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    checkpoint: String,
}

/// Why a body is not [`AddCheckpoint`]; the status is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddCheckpointError {
    /// The first line is not `old` with a decimal number in its only spelling.
    #[error("the first line is not `old` with a size")]
    Old,
    /// A line of the proof is not a hash.
    #[error("`{line}` is not a hash of the proof")]
    Proof {
        /// The line.
        line: String,
    },
    /// The proof is longer than any there is.
    #[error("a proof has {MOST_HASHES} hashes at the most")]
    LongProof,
    /// No empty line parts the proof from the checkpoint.
    #[error("no empty line before the checkpoint")]
    Unparted,
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The log has grown, or is as it was: status 200 with the line as body.
    Cosigned {
        /// What the witness has seen now. To be stored before the answer is given, and only if what was stored is still
        /// what the decision was made upon.
        seen: TreeHead,
        /// The signature, with a newline at the end.
        line: String,
    },
    /// The witness knows another size, or another tree of the same size: status 409 with the size and a newline as
    /// body, of the type [`Answer::SIZE_TYPE`].
    Conflict {
        /// The size that the witness knows.
        size: u64,
    },
    /// The witness does not sign.
    Refused(Refusal),
}

/// Why a witness does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The checkpoint is not one that this log has signed.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The log has not been shown to have only grown.
    #[error("the log has not been shown to have grown: {0}")]
    Proof(#[from] ProofError),
    /// The clock of the witness is later than a cosignature can say.
    #[error("{time} is no time of a cosignature")]
    Time {
        /// The time, in seconds since 1970.
        time: u64,
    },
}

impl AddCheckpoint {
    /// Asks for a cosignature of a witness that knows the log at `old` entries; `proof` shows that it has only grown
    /// since (from [`crate::Plan::consistency`]), and is empty if `old` is 0 or the size of the checkpoint.
    ///
    /// What a witness knows is in its [`Answer::Conflict`], so a log may start with 0.
    #[must_use]
    pub fn new(old: u64, proof: Vec<Hash>, checkpoint: &Checkpoint) -> Self {
        Self { old, proof, checkpoint: checkpoint.to_string() }
    }

    /// Reads a body; the checkpoint is looked at by [`WitnessKey::answer`].
    pub fn parse(body: &str) -> Result<Self, AddCheckpointError> {
        let (asked, checkpoint) = body.split_once("\n\n").ok_or(AddCheckpointError::Unparted)?;
        let mut lines = asked.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let hash = |line: &str| line.parse().map_err(|_| AddCheckpointError::Proof { line: line.to_owned() });
        let proof: Vec<_> = lines.map(hash).collect::<Result<_, _>>()?;
        if proof.len() > MOST_HASHES {
            return Err(AddCheckpointError::LongProof);
        }
        Ok(Self { old: old.ok_or(AddCheckpointError::Old)?, proof, checkpoint: checkpoint.to_owned() })
    }

    /// The log that the checkpoint says to be of, by which a witness finds its verifier; if it knows none, the status
    /// is 404.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.checkpoint.split('\n').next().unwrap_or_default()
    }
}

impl WitnessKey {
    /// Decides whether to cosign, as C2SP tlog-witness wants it.
    ///
    /// `seen` is what this witness last cosigned of this log, [`TreeHead::EMPTY`] if nothing; `time` is now, in seconds
    /// since 1970.
    #[must_use]
    pub fn answer(&self, asked: &AddCheckpoint, log: &LogVerifier, seen: TreeHead, time: u64) -> Answer {
        self.decide(asked, log, seen, time).unwrap_or_else(Answer::Refused)
    }

    fn decide(
        &self,
        asked: &AddCheckpoint,
        log: &LogVerifier,
        seen: TreeHead,
        time: u64,
    ) -> Result<Answer, Refusal> {
        let checkpoint = Checkpoint::open(&asked.checkpoint, log)?;
        let head = checkpoint.head();
        if asked.old > head.size {
            return Err(ProofError::Beyond { wanted: asked.old, size: head.size }.into());
        }
        if asked.old != seen.size || (head.size == seen.size && head.root != seen.root) {
            return Ok(Answer::Conflict { size: seen.size });
        }
        verify_consistency(seen, head, &asked.proof)?;
        if time > LATEST {
            return Err(Refusal::Time { time });
        }
        let line = format!("{}\n", Line::cosign(self, time, checkpoint.text()));
        Ok(Answer::Cosigned { seen: head, line })
    }
}

impl Answer {
    /// Media type of the size in [`Answer::Conflict`].
    pub const SIZE_TYPE: &str = "text/x.tlog.size";

    /// The status of the answer in HTTP.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Cosigned { .. } => 200,
            Self::Conflict { .. } => 409,
            Self::Refused(refusal) => refusal.status(),
        }
    }

    /// The body of the answer in HTTP.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned { line, .. } => line.clone(),
            Self::Conflict { size } => format!("{size}\n"),
            Self::Refused(refusal) => format!("{refusal}\n"),
        }
    }

    /// What a log learns of the body of [`Answer::Conflict`]: the size that the witness knows; `None` if it is not in
    /// its only spelling.
    #[must_use]
    pub fn known_size(body: &str) -> Option<u64> {
        body.strip_suffix('\n').and_then(decimal)
    }
}

impl Refusal {
    /// The status of the answer in HTTP.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Checkpoint(error) if error.is_unsigned() => 403,
            Self::Checkpoint(_) | Self::Proof(ProofError::Beyond { .. }) => 400,
            Self::Proof(_) => 422,
            Self::Time { .. } => 500,
        }
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
