//! Typed reads and writes over `Records`.

use std::sync::Arc;

use galerra_storage::{Batch, Belief, Key, Op, Row, Version};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::json;
use super::kept::Kept;
use crate::layout::Kind;
use crate::{AccountId, Error, GalleryId, Result, Subject};

/// A record as it was read: its value and which writing of it this is.
#[derive(Debug, Clone)]
pub(super) struct Stored<T> {
    pub(super) version: Version,
    pub(super) value: T,
}

pub(super) fn stored<T: DeserializeOwned>(row: &Row) -> Result<Stored<T>> {
    match serde_json::from_str(&row.value) {
        Ok(value) => Ok(Stored { version: row.version, value }),
        Err(_) => Err(Error::Unreadable(std::any::type_name::<T>().rsplit("::").next().unwrap_or_default())),
    }
}

/// Changes that happen together or not at all.
#[derive(Debug, Default)]
pub(super) struct Change {
    batch: Batch,
    unwritable: Option<Error>,
}

impl Change {
    pub(super) fn create<T: Kept + ?Sized>(&mut self, key: Key, value: &T) {
        self.write(key, value, Op::Create);
    }

    pub(super) fn replace<T: Kept + ?Sized>(&mut self, key: Key, at: Version, value: &T) {
        self.write(key, value, |value| Op::Replace(at, value));
    }

    fn write<T: Kept + ?Sized>(&mut self, key: Key, value: &T, op: impl FnOnce(Arc<str>) -> Op) {
        debug_assert!(
            Kind::of(&key).is_some_and(|kind| T::KINDS.contains(&kind)),
            "{key} is of another kind"
        );
        match json(value) {
            Ok(value) => self.batch.push(key, op(value)),
            Err(error) => self.unwritable = Some(error),
        }
    }

    /// Writes a record that was read before, or found absent.
    pub(super) fn put<T: Kept + ?Sized>(&mut self, key: Key, at: Option<Version>, value: &T) {
        match at {
            Some(at) => self.replace(key, at, value),
            None => self.create(key, value),
        }
    }

    pub(super) fn remove(&mut self, key: Key, at: Version) {
        self.batch.push(key, Op::Remove(at));
    }

    pub(super) fn remove_row(&mut self, row: &Row) {
        self.remove(row.key.clone(), row.version);
    }

    /// Makes the change depend on a record that it does not write.
    pub(super) fn expect(&mut self, key: Key, at: Version) {
        self.batch.push(key, Op::Expect(Belief::At(at)));
    }

    pub(super) fn into_batch(self) -> Result<Batch> {
        self.unwritable.map_or(Ok(self.batch), Err)
    }
}

/// Where the thing behind an id is, or that it is gone for good.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "lowercase")]
pub(super) enum Place {
    /// It is in this gallery of this account.
    Here { owner: AccountId, gallery: GalleryId },
    /// It was erased; `public` says whether anyone could see it. The tombstone names nobody.
    Gone { public: bool },
}

impl Place {
    pub(super) fn here(self) -> Result<(AccountId, GalleryId)> {
        match self {
            Self::Here { owner, gallery } => Ok((owner, gallery)),
            Self::Gone { public: true } => Err(Error::Gone),
            Self::Gone { public: false } => Err(Error::NotFound),
        }
    }
}

/// How a share's token finds the share.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct ShareAt {
    pub(super) owner: AccountId,
    pub(super) gallery: GalleryId,
    pub(super) share: crate::ShareId,
}

/// Whose API key it is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct KeyOf {
    pub(super) account: AccountId,
}

/// The operator's token, hashed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OperatorAt {
    pub(super) digest: String,
}

/// What is seen of an erasure under way without reading it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Open {
    #[serde(with = "time::serde::rfc3339")]
    pub(super) accepted: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) due: OffsetDateTime,
    pub(super) breached: bool,
    pub(super) held: bool,
}

/// What of an account, or of a gallery, is under an erasure that is not finished.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) subject: Subject,
}

/// A record whose key says everything.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Mark {}
