use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::files::{self, Opened, blocking};
use super::upload::next_part;
use super::walk::{self, absent_is_empty, is_absent, staged_for};
use crate::blobs::clip;
use crate::{
    Blob, Blobs, Body, Deletes, Entry, Erased, Key, Prefix, Semantics, StorageError, TornWrites, whole,
};

/// Blobs as files below a folder.
///
/// Written here and not through `object_store`'s `LocalFileSystem`, which hides the staged files of torn
/// writes from its listing, cannot delete them, and does not sync a folder after it removed a file from it.
/// Staged files are named as it names them, `name#number`, so a folder it wrote is read and swept rightly.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    root: Arc<Path>,
}

const NAME: &str = "file";

impl Disk {
    pub(super) fn open(folder: &Path) -> Result<Self, StorageError> {
        let open = || {
            make_folder(folder)?;
            folder.canonicalize()
        };
        open().map(|root| Self { root: root.into() }).map_err(|e| error("open", e))
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }
}

fn error(operation: &'static str, cause: io::Error) -> StorageError {
    use io::ErrorKind::{
        DirectoryNotEmpty, IsADirectory, NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        StorageFull,
    };
    let store = NAME.to_owned();
    match cause.kind() {
        DirectoryNotEmpty | IsADirectory | NotADirectory | PermissionDenied | QuotaExceeded
        | ReadOnlyFilesystem | StorageFull => {
            StorageError::Permanent { store, operation, source: cause.into() }
        }
        _ => StorageError::Transient { store, operation, source: cause.into() },
    }
}

#[async_trait]
impl Blobs for Disk {
    async fn put(&self, key: &Key, body: Body) -> Result<(), StorageError> {
        write(self.path(key), body).await.map_err(|e| error("put", e))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError> {
        let path = self.path(key);
        #[cfg(target_os = "linux")]
        if let Some((size, bytes)) = super::cached::read(&path, range.clone()) {
            return Ok(Some(Blob { size, body: whole(bytes) }));
        }
        let found = blocking(move || read(&path, range)).await.map_err(|e| error("get", e))?;
        Ok(found.map(|(size, part, opened)| {
            let body = match opened {
                Opened::Whole(bytes) => whole(bytes),
                Opened::Long(file) => files::stream(file, part),
            };
            Blob { size, body }
        }))
    }

    async fn erase(&self, key: &Key) -> Result<Erased, StorageError> {
        let (path, root) = (self.path(key), self.root.clone());
        blocking(move || erase(&path, &root)).await.map_err(|e| error("erase", e))
    }

    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let (root, prefix) = (self.root.clone(), prefix.clone());
        let list = move || walk::list(&root, &prefix, after.as_ref(), limit);
        blocking(list).await.map_err(|e| error("list", e))
    }

    fn semantics(&self) -> Semantics {
        Semantics { store: NAME.to_owned(), deletes: Deletes::Unlinks, torn_writes: TornWrites::Listed }
    }
}

fn read(path: &Path, range: Option<Range<u64>>) -> io::Result<Option<(u64, Range<u64>, Opened)>> {
    let Some(file) = absent_is_empty(File::open(path))? else { return Ok(None) };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let part = clip(range, metadata.len()).unwrap_or(0..0);
    let opened = files::open(file, &part)?;
    Ok(Some((metadata.len(), part, opened)))
}

/// Writes a body beside its place and renames it into it once it is whole and synced.
async fn write(path: PathBuf, mut body: Body) -> io::Result<()> {
    let wanted = Wanted(Arc::default());
    let mut staged: Option<Staged> = None;
    loop {
        let part = next_part(&mut body).await?;
        let (path, dropped) = (path.clone(), wanted.0.clone());
        staged = blocking(move || {
            let mut staged = match staged {
                Some(staged) => staged,
                None => Staged::beside(&path)?,
            };
            staged.write(&part.chunks)?;
            if !part.last {
                return Ok(Some(staged));
            }
            staged.publish(&path, &dropped)?;
            Ok(None)
        })
        .await?;
        if staged.is_none() {
            return Ok(());
        }
    }
}

/// Tells work on the blocking pool, which cannot be cancelled, that nobody waits for it any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A file that is not whole yet; removed when it is dropped.
struct Staged {
    file: File,
    path: PathBuf,
}

impl Staged {
    fn beside(target: &Path) -> io::Result<Self> {
        loop {
            let mut path = target.as_os_str().to_owned();
            // INVARIANT: no number is used twice, else an erase between two writes would mix their bytes.
            path.push(format!("#{}", RandomState::new().build_hasher().finish()));
            let path = PathBuf::from(path);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { file, path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // The folder is not there yet, or an erase has just cleared it away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    make_folder(target.parent().ok_or(error)?)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        chunks.iter().try_for_each(|chunk| self.file.write_all(chunk))
    }

    fn publish(self, target: &Path, dropped: &AtomicBool) -> io::Result<()> {
        self.file.sync_all()?;
        if dropped.load(Ordering::Acquire) {
            return Ok(());
        }
        fs::rename(&self.path, target)?;
        sync_folder(target.parent())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What cannot be removed here, `list` shows and `erase` removes.
        drop(fs::remove_file(&self.path));
    }
}

/// Makes a folder and those above it; each is on stable storage afterwards.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|above| !above.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().try_for_each(|made| sync_folder(made.parent()))
}

#[cfg(unix)]
fn sync_folder(folder: Option<&Path>) -> io::Result<()> {
    match folder {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => absent_is_empty(File::open(folder))?.map_or(Ok(()), |folder| folder.sync_all()),
        None => Ok(()),
    }
}

/// Other systems cannot open a folder to sync it.
#[cfg(not(unix))]
fn sync_folder(_: Option<&Path>) -> io::Result<()> {
    Ok(())
}

fn erase(path: &Path, root: &Path) -> io::Result<Erased> {
    let found = files_of(path)?;
    for file in &found {
        match fs::remove_file(file) {
            Err(error) if !is_absent(&error) => return Err(error),
            _ => {}
        }
    }
    // Also when nothing was found: whoever removed it may have died before it was on stable storage.
    sync_folder(path.parent())?;
    if !files_of(path)?.is_empty() {
        return Err(io::Error::other("files are still there after they were removed"));
    }
    let folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
    // Stops at the first folder that is not empty.
    folders.map(fs::remove_dir).take_while(Result::is_ok).for_each(drop);
    Ok(if found.is_empty() { Erased::Absent } else { Erased::Removed })
}

/// The file of a key and the staged files beside it.
fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in absent_is_empty(fs::read_dir(folder))?.into_iter().flatten() {
        let entry = entry?;
        let staged = entry.file_name().to_str().and_then(staged_for).is_some_and(|staged| staged == name);
        if (staged || entry.file_name() == name) && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}
