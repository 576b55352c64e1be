use crate::Key;

/// Why a store did not do what it was asked, by what the caller should do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A belief about this key was wrong: read again and decide again. Nothing was written.
    #[error("the record `{key}` is not what the batch believed")]
    Conflict {
        /// The first key whose belief was wrong, as far as the store can tell.
        key: Key,
    },
    /// The request breaks a limit or the grammar and will never succeed. Nothing was written.
    #[error("{store}: {reason}")]
    Invalid {
        /// Name of the store.
        store: String,
        /// What is wrong, without any value.
        reason: String,
    },
    /// The store could not be reached or did not answer in time: the call may or may not have taken effect.
    #[error("{store}: {operation} failed for now")]
    Transient {
        /// Name of the store.
        store: String,
        /// The method that failed.
        operation: &'static str,
        /// The backend's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store refuses or is broken; an operator has to look.
    #[error("{store}: {operation} failed")]
    Permanent {
        /// Name of the store.
        store: String,
        /// The method that failed.
        operation: &'static str,
        /// The backend's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StorageError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. })
    }

    /// Whether a belief was wrong.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
