//! Blobs on the local disk and on every `object_store`.

#[cfg(target_os = "linux")]
mod cached;
mod disk;
mod files;
mod open;
mod store;
mod upload;
mod walk;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::ObjectStore;
use object_store::memory::InMemory;

use self::disk::Disk;
use self::store::Store;
use crate::{Blob, Blobs, Body, Deletes, Entry, Erased, Key, Prefix, Semantics, StorageError, TornWrites};

/// A write that ends within this many bytes is one request; a longer one goes up in parts of this size.
const PART: usize = 8 * 1024 * 1024;

/// Blobs on the local disk, or on anything that [`object_store`] speaks to.
///
/// No promise rests on conditional writes, because not every server that accepts their headers obeys them.
#[derive(Debug)]
pub struct Objects {
    backend: Box<dyn Blobs>,
}

impl Objects {
    /// Blobs on any object store; `name` is what receipts and errors call it.
    ///
    /// Nothing is known of the order in which the store lists its keys, so every page of [`Blobs::list`]
    /// reads the whole listing below the prefix.
    #[must_use]
    pub fn new(client: Arc<dyn ObjectStore>, name: &str) -> Self {
        Self::over(Store { client, ordered: false, semantics: decided_by_provider(name) })
    }

    /// Blobs on an object store that lists its keys in byte order, so that a page is cheap wherever it starts.
    #[must_use]
    pub fn sorted(client: Arc<dyn ObjectStore>, name: &str) -> Self {
        Self::over(Store { client, ordered: true, semantics: decided_by_provider(name) })
    }

    /// Blobs as files below a folder, which is made if it is not there.
    ///
    /// Every write and erase is on stable storage before it returns. Blocks the calling thread for a moment.
    pub fn disk(folder: impl AsRef<Path>) -> Result<Self, StorageError> {
        Ok(Self { backend: Box::new(Disk::open(folder.as_ref())?) })
    }

    /// Blobs in memory, through the object store client.
    #[must_use]
    pub fn memory() -> Self {
        let semantics = Semantics {
            store: "memory".to_owned(),
            deletes: Deletes::Unlinks,
            torn_writes: TornWrites::Nothing,
        };
        Self::over(Store { client: Arc::new(InMemory::new()), ordered: true, semantics })
    }

    fn over(store: Store) -> Self {
        Self { backend: Box::new(store) }
    }
}

fn decided_by_provider(name: &str) -> Semantics {
    Semantics {
        store: name.to_owned(),
        deletes: Deletes::ProviderDecides,
        torn_writes: TornWrites::Lifecycle,
    }
}

#[async_trait]
impl Blobs for Objects {
    async fn put(&self, key: &Key, body: Body) -> Result<(), StorageError> {
        self.backend.put(key, body).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError> {
        self.backend.get(key, range).await
    }

    async fn erase(&self, key: &Key) -> Result<Erased, StorageError> {
        self.backend.erase(key).await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        self.backend.list(prefix, after, limit).await
    }

    fn semantics(&self) -> Semantics {
        self.backend.semantics()
    }
}
