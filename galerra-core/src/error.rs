use galerra_storage::StorageError;

use crate::{IdError, Refusal};

/// What [`crate::Engine`] answers when it cannot do what was asked.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done. Texts carry no personal data and no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Absent, or not the viewer's: the two are one answer.
    #[error("there is nothing here for you")]
    NotFound,
    /// It was public and has been erased.
    #[error("this has been deleted")]
    Gone,
    /// Nobody in particular is asking for something that needs an account.
    #[error("sign in first: send `Authorization: Bearer KEY`")]
    Unauthenticated,
    /// Only the operator may do this.
    #[error("only the operator may do this")]
    OperatorOnly,
    /// Who they are was proved too long ago for something that cannot be undone.
    #[error("prove again who you are: send `Authorization: Bearer KEY`")]
    Reauthenticate,
    /// The records come from a backup that is older than the oldest tombstone.
    #[error("the records are older than the oldest tombstone: what was deleted since is not known any more")]
    TooOld,
    /// The log beside the blobs is not the one that the records go on with.
    #[error("the log beside the blobs was signed with another key, or is damaged")]
    LogForked,
    /// Private galleries need the Pro plan.
    #[error("private galleries need the Pro plan")]
    ProRequired,
    /// Only a private gallery has shares.
    #[error("only a private gallery has share links; this one is open to anyone with its address")]
    NotPrivate,
    /// A gallery has as many links as it may have.
    #[error("this gallery has as many share links as it may have; revoke one first")]
    TooManyLinks,
    /// A link asks for a password.
    #[error("this link asks for a password")]
    PasswordRequired,
    /// The password is another one.
    #[error("this is not the password of this link")]
    WrongPassword,
    /// Passwords are guessed too fast; whether this one is right was not looked at.
    #[error("too many wrong passwords were tried; try again in {wait} seconds")]
    TooManyGuesses {
        /// Seconds until one more may be tried.
        wait: u32,
    },
    /// Guests have sent as many images as wait for an owner at once.
    #[error("as many photos as may wait for the owner of this gallery do so already")]
    TooManyHeld,
    /// A unique name or address belongs to someone else.
    #[error("this {field} is taken")]
    Taken {
        /// `username` or `email`.
        field: &'static str,
    },
    /// An argument is not what it should be.
    #[error("{field} {reason}")]
    Invalid {
        /// Name of the argument.
        field: &'static str,
        /// What it must be.
        reason: String,
    },
    /// The file is not taken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others kept changing the same thing.
    #[error("others are changing the same thing; try again")]
    Contended,
    /// A store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A stored record cannot be read: written by a newer version, or damaged.
    #[error("a stored {0} record cannot be read")]
    Unreadable(&'static str),
}

impl Error {
    /// Stable kebab-case code for clients and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Gone => "gone",
            Self::Unauthenticated => "unauthenticated",
            Self::OperatorOnly => "operator-only",
            Self::Reauthenticate => "reauthenticate",
            Self::TooOld => "records-too-old",
            Self::LogForked => "log-forked",
            Self::ProRequired => "pro-required",
            Self::NotPrivate => "gallery-not-private",
            Self::TooManyLinks => "too-many-links",
            Self::PasswordRequired => "password-required",
            Self::WrongPassword => "wrong-password",
            Self::TooManyGuesses { .. } => "too-many-guesses",
            Self::TooManyHeld => "too-many-held",
            Self::Taken { .. } => "taken",
            Self::Invalid { .. } => "invalid",
            Self::Refused(refusal) => refusal.code(),
            Self::Contended => "contended",
            Self::Storage(error) if error.is_transient() => "storage-unavailable",
            Self::Storage(_) => "storage-failed",
            Self::Unreadable(_) => "record-unreadable",
        }
    }

    pub(crate) fn forged_cursor() -> Self {
        Self::Invalid { field: "cursor", reason: "must come from an earlier answer".to_owned() }
    }

    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_conflict())
    }
}

/// An id that is no id names nothing.
impl From<IdError> for Error {
    fn from(_: IdError) -> Self {
        Self::NotFound
    }
}
