use std::fmt;

use tokio_postgres::error::SqlState;

use super::NAME;
use crate::StorageError;

/// What went wrong, without the details of the server's message: those may quote values.
#[derive(Debug)]
pub(super) struct Cause {
    text: String,
    code: Option<SqlState>,
}

impl Cause {
    pub(super) fn other(cause: impl fmt::Display) -> Self {
        Self { text: cause.to_string(), code: None }
    }

    pub(super) fn permanent(self, operation: &'static str) -> StorageError {
        StorageError::Permanent { store: NAME.to_owned(), operation, source: Box::new(self) }
    }

    pub(super) fn transient(self, operation: &'static str) -> StorageError {
        StorageError::Transient { store: NAME.to_owned(), operation, source: Box::new(self) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Cause {}

/// Sorts an error by what the caller should do next.
pub(super) fn error(operation: &'static str, error: &tokio_postgres::Error) -> StorageError {
    let Some(server) = error.as_db_error() else {
        let inner = std::error::Error::source(error).map(|inner| format!(": {inner}")).unwrap_or_default();
        return Cause { text: format!("{error}{inner}"), code: None }.transient(operation);
    };
    let code = server.code().clone();
    // Connection, rollback, resources, operator's intervention, system: these pass.
    let passes = ["08", "40", "53", "57", "58", "55"].iter().any(|class| code.code().starts_with(class));
    let cause = Cause { text: format!("{} ({})", server.message(), code.code()), code: Some(code) };
    if passes { cause.transient(operation) } else { cause.permanent(operation) }
}

/// Whether the server rolled the commit back for the sake of another: it may simply be tried again.
pub(super) fn lost_to_others(error: &StorageError) -> bool {
    let StorageError::Transient { source, .. } = error else { return false };
    let code = source.downcast_ref::<Cause>().and_then(|cause| cause.code.as_ref());
    code.is_some_and(|code| {
        *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
    })
}
