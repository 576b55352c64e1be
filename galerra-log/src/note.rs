//! Signed notes (C2SP signed-note), in their only spelling.

use std::fmt;

use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer};

use crate::key::{KeyId, LogKey, LogVerifier, Verifier, WitnessKey, WitnessVerifier, is_name};

/// Most signatures of a note; the specification wants at least 16.
const MOST_SIGNATURES: usize = 64;

/// Latest time of a cosignature, in seconds since 1970.
pub(crate) const LATEST: u64 = u64::MAX >> 1;

/// A text and the signatures below it, none of which needs to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// Ends with a newline.
    pub(crate) text: String,
    /// One for each key at the most.
    signatures: Vec<Line>,
}

/// A line of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    name: String,
    id: KeyId,
    signature: Vec<u8>,
}

/// Why a text is not a note, or a note not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The only control character of a note is the newline.
    #[error("a control character at byte {at}")]
    Control {
        /// Where it is, in bytes.
        at: usize,
    },
    /// The last line does not end with a newline.
    #[error("no newline at the end")]
    Unterminated,
    /// No empty line parts the text from the signatures.
    #[error("no empty line before the signatures")]
    Unparted,
    /// A signature is not `— <name> <base64>`, in its only spelling.
    #[error("`{line}` is not a signature")]
    Line {
        /// The line.
        line: String,
    },
    /// More signatures than anybody has use for.
    #[error("more than {MOST_SIGNATURES} signatures")]
    TooMany,
    /// Two signatures say to be of the same key.
    #[error("two signatures of {name}")]
    Twice {
        /// Name of the key.
        name: String,
    },
    /// There is no signature of that key.
    #[error("not signed by {name}")]
    Unsigned {
        /// Name of the key.
        name: String,
    },
    /// The signature of that key is wrong.
    #[error("the signature of {name} is wrong")]
    Forged {
        /// Name of the key.
        name: String,
    },
}

impl Note {
    pub(crate) fn new(text: String, signature: Line) -> Self {
        Self { text, signatures: vec![signature] }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, NoteError> {
        refuse_control(text)?;
        let text = text.strip_suffix('\n').ok_or(NoteError::Unterminated)?;
        let (text, lines) = text.rsplit_once("\n\n").ok_or(NoteError::Unparted)?;
        let mut note = Self { text: format!("{text}\n"), signatures: Vec::new() };
        for line in lines.split('\n') {
            note.add(Line::parse(line)?)?;
        }
        Ok(note)
    }

    /// Adds the signature of a key that has not signed yet.
    pub(crate) fn add(&mut self, line: Line) -> Result<(), NoteError> {
        if self.signatures.iter().any(|other| other.name == line.name && other.id == line.id) {
            return Err(NoteError::Twice { name: line.name });
        }
        if self.signatures.len() == MOST_SIGNATURES {
            return Err(NoteError::TooMany);
        }
        self.signatures.push(line);
        Ok(())
    }

    /// Takes away the signature of a key.
    pub(crate) fn remove<P>(&mut self, verifier: &Verifier<P>) {
        self.signatures.retain(|line| !line.is_of(verifier));
    }

    /// Verifies that a log has signed it.
    pub(crate) fn signed(&self, log: &LogVerifier) -> Result<(), NoteError> {
        let line = self.line_of(log)?;
        if verify(log, &self.text, &line.signature) {
            Ok(())
        } else {
            Err(NoteError::Forged { name: line.name.clone() })
        }
    }

    /// Verifies that a witness has cosigned it, and tells when, in seconds since 1970.
    pub(crate) fn cosigned(&self, witness: &WitnessVerifier) -> Result<u64, NoteError> {
        let line = self.line_of(witness)?;
        let time = || {
            let (time, signature) = line.signature.split_first_chunk()?;
            let time = u64::from_be_bytes(*time);
            (time <= LATEST && verify(witness, &timed(time, &self.text), signature)).then_some(time)
        };
        time().ok_or_else(|| NoteError::Forged { name: line.name.clone() })
    }

    fn line_of<P>(&self, verifier: &Verifier<P>) -> Result<&Line, NoteError> {
        let line = self.signatures.iter().find(|line| line.is_of(verifier));
        line.ok_or_else(|| NoteError::Unsigned { name: verifier.name().to_owned() })
    }
}

impl Line {
    pub(crate) fn parse(text: &str) -> Result<Self, NoteError> {
        let read = || {
            let (name, signature) = text.strip_prefix("— ")?.split_once(' ')?;
            let bytes = BASE64.decode(signature.as_bytes()).ok()?;
            let (id, signature) = bytes.split_first_chunk()?;
            let line = Self { name: name.to_owned(), id: *id, signature: signature.to_owned() };
            (is_name(name) && !signature.is_empty() && line.to_string() == text).then_some(line)
        };
        read().ok_or_else(|| NoteError::Line { line: text.to_owned() })
    }

    /// The signature of a log below a text.
    pub(crate) fn sign(key: &LogKey, text: &str) -> Self {
        let signature = key.secret().sign(text.as_bytes()).to_bytes().to_vec();
        Self { name: key.name().to_owned(), id: key.verifier().id(), signature }
    }

    /// The signature of a witness below a text, with the time in seconds since 1970.
    pub(crate) fn cosign(key: &WitnessKey, time: u64, text: &str) -> Self {
        let mut signature = time.to_be_bytes().to_vec();
        signature.extend(key.secret().sign(timed(time, text).as_bytes()).to_bytes());
        Self { name: key.name().to_owned(), id: key.verifier().id(), signature }
    }

    pub(crate) fn is_of<P>(&self, verifier: &Verifier<P>) -> bool {
        self.name == verifier.name() && self.id == verifier.id()
    }
}

/// Fails at the first control character that is not a newline.
pub(crate) fn refuse_control(text: &str) -> Result<(), NoteError> {
    match text.find(|c: char| c.is_control() && c != '\n') {
        Some(at) => Err(NoteError::Control { at }),
        None => Ok(()),
    }
}

/// What a witness signs (C2SP tlog-cosignature).
fn timed(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn verify<P>(verifier: &Verifier<P>, text: &str, signature: &[u8]) -> bool {
    // Strict: a signature cannot be changed to another one that is right, too.
    let right = |signature| verifier.key().verify_strict(text.as_bytes(), &signature).is_ok();
    Signature::from_slice(signature).is_ok_and(right)
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id, self.signature.as_slice()].concat();
        write!(f, "— {} {}", self.name, BASE64.encode(&bytes))
    }
}
