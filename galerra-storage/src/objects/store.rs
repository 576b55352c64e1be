use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt};

use super::files;
use super::upload::{UploadError, upload};
use crate::blobs::clip;
use crate::{Blob, Blobs, Body, Entry, Erased, Key, Prefix, Semantics, StorageError, whole};

/// Blobs through an object store client.
pub(super) struct Store {
    pub(super) client: Arc<dyn ObjectStore>,
    /// Whether listings come in byte order.
    pub(super) ordered: bool,
    pub(super) semantics: Semantics,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own `Debug` may show where and as whom it signs in.
        f.debug_struct("Store").field("name", &self.semantics.store).finish_non_exhaustive()
    }
}

impl Store {
    fn error(&self, operation: &'static str, error: Error) -> StorageError {
        let broken = matches!(
            error,
            Error::PermissionDenied { .. }
                | Error::Unauthenticated { .. }
                | Error::NotSupported { .. }
                | Error::NotImplemented { .. }
                | Error::InvalidPath { .. }
                | Error::UnknownConfigurationKey { .. }
        );
        let (store, source) = (self.semantics.store.clone(), Box::new(Cause::from(error)));
        if broken {
            StorageError::Permanent { store, operation, source }
        } else {
            StorageError::Transient { store, operation, source }
        }
    }

    async fn size(&self, path: &Path, operation: &'static str) -> Result<Option<u64>, StorageError> {
        match self.client.head(path).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error(operation, error)),
        }
    }

    /// Reads a range that is not empty; stores refuse one that starts past the end, each in its own words.
    async fn read(&self, path: &Path, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError> {
        let options = GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let error = match self.client.get_opts(path, options).await {
            Ok(found) => return self.blob(found).await.map(Some),
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => error,
        };
        match (range, self.size(path, "get").await?) {
            (_, None) => Ok(None),
            (Some(range), Some(size)) if range.start >= size => Ok(Some(empty(size))),
            _ => Err(self.error("get", error)),
        }
    }

    async fn blob(&self, found: GetResult) -> Result<Blob, StorageError> {
        let size = found.meta.size;
        let body = match found.payload {
            GetResultPayload::File(file, _) => files::body(file, found.range).await.map_err(|source| {
                self.error("get", Error::Generic { store: "file", source: Box::new(source) })
            })?,
            GetResultPayload::Stream(stream) => {
                stream.map_err(|error| std::io::Error::other(Cause::from(error))).boxed()
            }
        };
        Ok(Blob { size, body })
    }
}

fn empty(size: u64) -> Blob {
    Blob { size, body: whole(Bytes::new()) }
}

#[async_trait]
impl Blobs for Store {
    async fn put(&self, key: &Key, body: Body) -> Result<(), StorageError> {
        match upload(&*self.client, &Path::from(key.as_str()), body).await {
            Ok(()) => Ok(()),
            Err(UploadError::Store(error)) => Err(self.error("put", error)),
            Err(error @ UploadError::Body(_)) => {
                let (store, source) = (self.semantics.store.clone(), Box::new(error));
                Err(StorageError::Transient { store, operation: "put", source })
            }
        }
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError> {
        let path = Path::from(key.as_str());
        match range {
            Some(range) if clip(Some(range.clone()), u64::MAX).is_none() => {
                Ok(self.size(&path, "get").await?.map(empty))
            }
            range => self.read(&path, range).await,
        }
    }

    async fn erase(&self, key: &Key) -> Result<Erased, StorageError> {
        let path = Path::from(key.as_str());
        if self.size(&path, "erase").await?.is_none() {
            return Ok(Erased::Absent);
        }
        match self.client.delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(self.error("erase", error)),
        }
        if self.size(&path, "erase").await?.is_some() {
            let source = "the blob is still there after it was deleted".into();
            return Err(StorageError::Transient {
                store: self.semantics.store.clone(),
                operation: "erase",
                source,
            });
        }
        Ok(Erased::Removed)
    }

    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let folder = Path::from(prefix.as_str());
        let folder = (!folder.as_ref().is_empty()).then_some(&folder);
        let mut found = match &after {
            Some(after) => self.client.list_with_offset(folder, &Path::from(after.as_str())),
            None => self.client.list(folder),
        };
        let mut page = BTreeMap::new();
        while limit > 0
            && let Some(meta) = found.try_next().await.map_err(|error| self.error("list", error))?
        {
            // What is not a key was not put here by this store.
            let Ok(key) = Key::parse(meta.location.as_ref()) else { continue };
            if !prefix.holds(&key) || after.as_ref().is_some_and(|after| key <= *after) {
                continue;
            }
            page.insert(key, meta.size);
            if page.len() > limit {
                page.pop_last();
            } else if self.ordered && page.len() == limit {
                break;
            }
        }
        Ok(page.into_iter().map(|(key, size)| Entry { key, size }).collect())
    }

    fn semantics(&self) -> Semantics {
        self.semantics.clone()
    }
}

/// A client's error as text, without the query of any URL: signatures and tokens travel there.
#[derive(Debug)]
pub(super) struct Cause(String);

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self(without_queries(&error.to_string()))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

fn without_queries(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        inside = if inside { !c.is_whitespace() && !"\"'`)>".contains(c) } else { c == '?' };
        if !inside {
            kept.push(c);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_shows_no_query() {
        let text = "Error performing GET https://a.example/b?sig=SECRET&x=1 in 3s (at `https://c?t=SECRET`)";
        assert_eq!(without_queries(text), "Error performing GET https://a.example/b in 3s (at `https://c`)");
    }
}
