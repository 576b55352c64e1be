use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ReceiptError;
use crate::canonical::{CanonicalError, canonical};
use crate::commitment::{Salt, commitment};
use crate::hash::{Hash, leaf_hash};

/// What a receipt tells beside the proof: the entry of the log, and what the entry only has hashes of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// The entry: an object whose `v` is [`Contents::VERSION`], `object` the [`commitment`] and `evidence_sha256` the
    /// [`evidence_hash`], both in hexadecimal; what else it says is for its maker to define.
    pub entry: Value,
    /// What was found when it was looked whether the object is gone.
    pub evidence: Value,
    /// Id of the object.
    pub object_id: String,
    /// Salt of the commitment to the object.
    pub salt: Salt,
}

/// SHA-256 of the canonical JSON of evidence, as entries have it in `evidence_sha256`.
pub fn evidence_hash(evidence: &Value) -> Result<Hash, CanonicalError> {
    Ok(Hash::of(&[canonical(evidence)?.as_bytes()]))
}

impl Contents {
    /// The version of entries that receipts are made of.
    pub const VERSION: &str = "galerra-erasure-1";

    /// Verifies that the entry is about this object and this evidence; tells the hash of its leaf.
    pub(super) fn leaf(&self) -> Result<Hash, ReceiptError> {
        let says = |member: &str| self.entry.get(member).and_then(Value::as_str);
        match () {
            () if says("v") != Some(Self::VERSION) => Err(ReceiptError::Version),
            () if says("object") != Some(&commitment(&self.salt, &self.object_id).to_hex()) => {
                Err(ReceiptError::Object)
            }
            () if says("evidence_sha256") != Some(&evidence_hash(&self.evidence)?.to_hex()) => {
                Err(ReceiptError::Evidence)
            }
            () => Ok(leaf_hash(canonical(&self.entry)?.as_bytes())),
        }
    }

    /// The contents as canonical JSON.
    pub(super) fn to_json(&self) -> Result<String, CanonicalError> {
        let Self { entry, evidence, object_id, salt } = self;
        canonical(
            &json!({ "entry": entry, "evidence": evidence, "object_id": object_id, "salt": salt.to_hex() }),
        )
    }

    /// Reads [`Contents::to_json`], in its only spelling.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let read: Self = serde_json::from_slice(bytes)
            .map_err(|error| ReceiptError::Contents { reason: error.to_string() })?;
        // Members that stand twice, white space and other spellings of texts are all found by this.
        if read.to_json()?.as_bytes() == bytes { Ok(read) } else { Err(ReceiptError::Spelling) }
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whatever is printed may end in a log file, and this links the entry to the object.
        f.write_str("Contents(…)")
    }
}
