use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galerra_storage::{Blob, Blobs, Body, Entry, Erased, Key, Prefix, Semantics, StorageError};

/// A blob store whose calls end in bounded time: what makes a write lease longer than any write under it.
#[derive(Debug)]
pub(crate) struct Deadline {
    inner: Arc<dyn Blobs>,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn new(inner: Arc<dyn Blobs>, limit: Duration) -> Self {
        Self { inner, limit }
    }

    async fn within<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        match tokio::time::timeout(self.limit, call).await {
            Ok(answer) => answer,
            Err(late) => {
                let store = self.inner.semantics().store;
                Err(StorageError::Transient { store, operation, source: Box::new(late) })
            }
        }
    }
}

#[deny(clippy::missing_trait_methods, reason = "a method that is not wrapped would have no deadline")]
#[async_trait]
impl Blobs for Deadline {
    async fn put(&self, key: &Key, body: Body) -> Result<(), StorageError> {
        self.within("put", self.inner.put(key, body)).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError> {
        self.within("get", self.inner.get(key, range)).await
    }

    async fn erase(&self, key: &Key) -> Result<Erased, StorageError> {
        self.within("erase", self.inner.erase(key)).await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        self.within("list", self.inner.list(prefix, after, limit)).await
    }

    fn semantics(&self) -> Semantics {
        self.inner.semantics()
    }
}
