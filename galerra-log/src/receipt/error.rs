use crate::canonical::CanonicalError;
use crate::checkpoint::CheckpointError;
use crate::note::NoteError;
use crate::proof::ProofError;

/// Which rule a receipt breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// There is a control character other than the newline.
    #[error("the receipt has {0}")]
    Text(NoteError),
    /// The first line is not `c2sp.org/tlog-proof@v1`.
    #[error("the receipt does not begin with `{}`", super::KIND)]
    Kind,
    /// The second line is not `extra` with base64 in its only spelling.
    #[error("the second line is not `extra` with base64")]
    Extra,
    /// The contents are not JSON with exactly the members `entry`, `evidence`, `object_id` and `salt`.
    #[error("the contents are not those of a receipt: {reason}")]
    Contents {
        /// What is wrong with them.
        reason: String,
    },
    /// A number of the contents is not whole, or too large to be exact everywhere.
    #[error("the contents have a number without canonical form: {0}")]
    Number(#[from] CanonicalError),
    /// The contents are not spelled as canonical JSON (RFC 8785).
    #[error("the contents are not canonical JSON")]
    Spelling,
    /// The third line is not `index` with a decimal number in its only spelling.
    #[error("the third line is not `index` with a number")]
    Index,
    /// A line of the inclusion path is not a hash.
    #[error("`{line}` is not a hash of the inclusion path")]
    Path {
        /// The line.
        line: String,
    },
    /// No empty line parts the proof from the checkpoint.
    #[error("no empty line before the checkpoint")]
    Unparted,
    /// The checkpoint is malformed, of another log, not signed by it, or lacks a cosignature that was asked for.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The entry is of no known version.
    #[error("the entry is not of version `{}`", super::Contents::VERSION)]
    Version,
    /// The entry is not about the object that the contents name.
    #[error("the entry is about another object")]
    Object,
    /// The entry is not about the evidence of the contents.
    #[error("the entry is about other evidence")]
    Evidence,
    /// The entry is not in the log at this index.
    #[error("the log does not have the entry: {0}")]
    Inclusion(#[from] ProofError),
}
