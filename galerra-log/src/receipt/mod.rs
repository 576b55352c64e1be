mod contents;
mod error;

use std::fmt;

use data_encoding::BASE64;
use serde_json::Value;

use crate::checkpoint::{Checkpoint, Cosignature, decimal};
use crate::hash::Hash;
use crate::key::{LogVerifier, WitnessVerifier};
use crate::note::refuse_control;
use crate::proof::verify_inclusion;

pub use contents::{Contents, evidence_hash};
pub use error::ReceiptError;

/// The first line of a receipt.
const KIND: &str = "c2sp.org/tlog-proof@v1";

/// Proof that an entry is in the log, to be kept and verified without the log (C2SP tlog-proof).
///
/// One that exists is right, whether it was made or read. As text it is
/// `c2sp.org/tlog-proof@v1\nextra <contents>\nindex <N>\n<path…>\n\n<checkpoint>`, with each contents and each hash in
/// base64; its media type is [`Receipt::MEDIA_TYPE`], its extension `.tlog-proof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    contents: Contents,
    /// The contents as canonical JSON.
    extra: Redacted,
    index: u64,
    path: Vec<Hash>,
    checkpoint: Checkpoint,
}

/// A text that shows in no `Debug`.
#[derive(Clone, PartialEq, Eq)]
struct Redacted(String);

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The entry of the log.
    pub entry: Value,
    /// The evidence that the entry has the hash of.
    pub evidence: Value,
    /// The object that the entry has a commitment to.
    pub object_id: String,
    /// Where the entry is in the log, from 0.
    pub index: u64,
    /// How many entries the log had when the checkpoint was signed.
    pub size: u64,
    /// Of each witness that was asked for, when it signed.
    pub cosigned: Vec<Cosignature>,
}

impl Receipt {
    /// Media type of the text.
    pub const MEDIA_TYPE: &str = "text/plain; charset=utf-8";

    /// A receipt of an entry, with its path in the tree of a checkpoint (from [`crate::Plan::inclusion`]).
    ///
    /// Fails if the contents do not belong together or the entry is not at `index` (from 0) of that tree.
    pub fn new(
        contents: Contents,
        index: u64,
        path: Vec<Hash>,
        checkpoint: Checkpoint,
    ) -> Result<Self, ReceiptError> {
        verify_inclusion(contents.leaf()?, index, &path, checkpoint.head())?;
        let extra = Redacted(contents.to_json()?);
        Ok(Self { contents, extra, index, path, checkpoint })
    }

    /// Reads a receipt, in its only spelling, and verifies everything but cosignatures.
    pub fn open(text: &str, log: &LogVerifier) -> Result<Self, ReceiptError> {
        refuse_control(text).map_err(ReceiptError::Text)?;
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(ReceiptError::Unparted)?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(KIND) {
            return Err(ReceiptError::Kind);
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or(ReceiptError::Extra)?;
        let extra = BASE64.decode(extra.as_bytes()).map_err(|_| ReceiptError::Extra)?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(ReceiptError::Index)?;
        let index = decimal(index).ok_or(ReceiptError::Index)?;
        let hash = |line: &str| line.parse().map_err(|_| ReceiptError::Path { line: line.to_owned() });
        let path = lines.map(hash).collect::<Result<_, _>>()?;
        Self::new(Contents::from_json(&extra)?, index, path, Checkpoint::open(checkpoint, log)?)
    }

    /// Verifies the text of a receipt without asking anybody: the log has signed, and each of the witnesses cosigned.
    ///
    /// Takes one spelling only, so that no changed bit of a receipt is overlooked. Signatures of others than the log
    /// and these witnesses have to be well-formed, and prove nothing. Times are not compared with any clock.
    pub fn verify(
        text: &str,
        log: &LogVerifier,
        witnesses: &[WitnessVerifier],
    ) -> Result<Verified, ReceiptError> {
        let Self { contents, index, checkpoint, .. } = Self::open(text, log)?;
        let Contents { entry, evidence, object_id, .. } = contents;
        let cosigned = checkpoint.cosigned(witnesses)?;
        Ok(Verified { entry, evidence, object_id, index, size: checkpoint.head().size, cosigned })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = BASE64.encode(self.extra.0.as_bytes());
        writeln!(f, "{KIND}\nextra {extra}\nindex {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
