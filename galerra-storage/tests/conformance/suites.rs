#[cfg(feature = "objects")]
use galerra_storage::Objects;
#[cfg(feature = "sqlite")]
use galerra_storage::Sqlite;
use galerra_storage::{Memory, blobs_conformance, records_conformance};

blobs_conformance!(memory_blobs, async { ((), Memory::new()) });
records_conformance!(memory_records, async { ((), Memory::new()) });

#[cfg(feature = "objects")]
blobs_conformance!(object_store_in_memory, async { ((), Objects::memory()) });
#[cfg(feature = "objects")]
blobs_conformance!(object_store_of_unknown_order, async {
    ((), Objects::new(std::sync::Arc::new(object_store::memory::InMemory::new()), "test"))
});
#[cfg(feature = "objects")]
blobs_conformance!(disk, async {
    let folder = tempfile::tempdir().unwrap();
    let store = Objects::disk(folder.path().join("blobs")).unwrap();
    (folder, store)
});

#[cfg(feature = "sqlite")]
records_conformance!(sqlite, async {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("records.sqlite"), &[]).unwrap();
    (folder, store)
});
