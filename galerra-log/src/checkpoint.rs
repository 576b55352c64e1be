use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::head::{MAX_SIZE, TreeHead};
use crate::key::{LogKey, LogVerifier, WitnessVerifier};
use crate::note::{Line, Note, NoteError, refuse_control};

/// What a log has signed: how many entries it has, and the root of its tree (C2SP tlog-checkpoint).
///
/// One that exists was verified or has just been signed. Its text is `origin\nsize\nroot\n\n` and the signatures;
/// lines of extension are refused, as nobody can audit them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    head: TreeHead,
    note: Note,
}

/// That a witness has seen a log grow up to a checkpoint, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cosignature {
    /// Name of the witness.
    pub name: String,
    /// When it signed, in seconds since 1970.
    pub time: u64,
}

/// Why a text is not a checkpoint of that log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The text is not a note, or its signatures are not what they should be.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note does not have three lines: origin, size and root.
    #[error("a checkpoint has three lines: origin, size and root")]
    Lines,
    /// It is a checkpoint of another log.
    #[error("the checkpoint is of `{found}`, not `{wanted}`")]
    Origin {
        /// The origin that it says.
        found: String,
        /// The name of the log's key.
        wanted: String,
    },
    /// The size is not a decimal number in its only spelling, or larger than any tree.
    #[error("`{text}` is not the size of a tree")]
    Size {
        /// What stands in its place.
        text: String,
    },
    /// The root is not a hash, or not that of a tree without leaves, which is known.
    #[error("`{text}` is not the root of a tree")]
    Root {
        /// What stands in its place.
        text: String,
    },
}

impl CheckpointError {
    /// Whether the text is a checkpoint, but no signature below it is of the log.
    pub(crate) const fn is_unsigned(&self) -> bool {
        matches!(self, Self::Note(NoteError::Unsigned { .. } | NoteError::Forged { .. }))
    }
}

impl TreeHead {
    /// The checkpoint of the tree, with the signature of its log.
    #[must_use]
    pub fn sign(self, key: &LogKey) -> Checkpoint {
        let text = format!("{}\n{}\n{}\n", key.name(), self.size, self.root);
        let line = Line::sign(key, &text);
        Checkpoint { head: self, note: Note::new(text, line) }
    }
}

impl Checkpoint {
    /// Reads a checkpoint of a log and verifies the signature of the log.
    ///
    /// Other signatures are kept and only have to be well-formed: they are of witnesses, or of keys yet to come.
    pub fn open(text: &str, log: &LogVerifier) -> Result<Self, CheckpointError> {
        let note = Note::parse(text)?;
        let (origin, head) = read(&note.text)?;
        if origin != log.name() {
            return Err(CheckpointError::Origin { found: origin.to_owned(), wanted: log.name().to_owned() });
        }
        note.signed(log)?;
        Ok(Self { head, note })
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.note.text.split('\n').next().unwrap_or_default()
    }

    /// Size and root of its tree.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// What is signed.
    pub(crate) fn text(&self) -> &str {
        &self.note.text
    }

    /// Verifies that each of the witnesses has cosigned, and tells when.
    pub fn cosigned(&self, witnesses: &[WitnessVerifier]) -> Result<Vec<Cosignature>, CheckpointError> {
        let one = |witness: &WitnessVerifier| {
            let time = self.note.cosigned(witness)?;
            Ok(Cosignature { name: witness.name().to_owned(), time })
        };
        witnesses.iter().map(one).collect()
    }

    /// The checkpoint with what a witness answered: lines of signatures, of which only its own is taken, and only if it
    /// is right. It replaces an earlier one.
    pub fn with_answer(&self, answer: &str, witness: &WitnessVerifier) -> Result<Self, CheckpointError> {
        refuse_control(answer)?;
        let lines = answer.strip_suffix('\n').ok_or(NoteError::Unterminated)?;
        let mut note = self.note.clone();
        note.remove(witness);
        for line in lines.split('\n').map(Line::parse) {
            let line = line?;
            if line.is_of(witness) {
                note.add(line)?;
            }
        }
        note.cosigned(witness)?;
        Ok(Self { head: self.head, note })
    }
}

/// Origin, size and root.
fn read(text: &str) -> Result<(&str, TreeHead), CheckpointError> {
    let mut lines = text.split_terminator('\n');
    let (Some(origin), Some(size), Some(root), None) =
        (lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return Err(CheckpointError::Lines);
    };
    let size = decimal(size)
        .filter(|size| *size <= MAX_SIZE)
        .ok_or_else(|| CheckpointError::Size { text: size.to_owned() })?;
    let hash = root.parse().ok().filter(|root| size > 0 || *root == Hash::EMPTY);
    let root = hash.ok_or_else(|| CheckpointError::Root { text: root.to_owned() })?;
    Ok((origin, TreeHead { size, root }))
}

/// A number in its only spelling: no sign, no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.note, f)
    }
}
