use std::fmt;
use std::io;
use std::ops::Range;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::{Key, Prefix, Semantics, StorageError};

/// A stream of bytes on its way into or out of a store.
pub type Body = BoxStream<'static, io::Result<Bytes>>;

/// A body of bytes that are already here.
#[must_use]
pub fn whole(bytes: Bytes) -> Body {
    futures::stream::once(async move { Ok(bytes) }).boxed()
}

/// Reads a body to its end; a body of one chunk is not copied.
pub async fn collect(mut body: Body) -> io::Result<Bytes> {
    let Some(first) = body.try_next().await? else { return Ok(Bytes::new()) };
    let Some(second) = body.try_next().await? else { return Ok(first) };
    let mut all = BytesMut::from(first.as_ref());
    all.extend_from_slice(&second);
    while let Some(chunk) = body.try_next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// Bytes found under a key.
pub struct Blob {
    /// Length of the whole blob in bytes, also when a range was asked for.
    pub size: u64,
    /// The bytes asked for.
    pub body: Body,
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("size", &self.size).finish_non_exhaustive()
    }
}

/// The part of a blob that a range asks for, clipped to its size; `None` when nothing is left.
pub(crate) fn clip(range: Option<Range<u64>>, size: u64) -> Option<Range<u64>> {
    let asked = range.unwrap_or(0..size);
    let part = asked.start..asked.end.min(size);
    (part.start < part.end).then_some(part)
}

/// The blob of these bytes, cut to the range.
pub(crate) fn cut(bytes: &Bytes, range: Option<Range<u64>>) -> Blob {
    let size = bytes.len() as u64;
    let index = |at: u64| usize::try_from(at).unwrap_or(bytes.len());
    let part =
        clip(range, size).map_or_else(Bytes::new, |part| bytes.slice(index(part.start)..index(part.end)));
    Blob { size, body: whole(part) }
}

/// What an erase found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// Bytes were there; they have been removed and read back absent.
    Removed,
    /// Nothing was there.
    Absent,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, or the key a torn write was meant for.
    pub key: Key,
    /// Length in bytes of everything stored for the key.
    pub size: u64,
}

/// A place for bytes that can be proven to have forgotten them.
///
/// # Contract
/// - `put` is atomic: until it returns `Ok`, `get` finds what was there before. It replaces what was there.
/// - A `put` that fails, or is dropped while its body is still being read, leaves nothing that `get` finds;
///   dropped later it is whole or absent. What it leaves besides is
///   either shown by `list` or named by [`Semantics::torn_writes`].
/// - `get` of an absent key is `Ok(None)`. Its range is clipped to the blob's length; a range that starts
///   at or past the end yields an empty body.
/// - `erase` answers [`Erased::Removed`] or [`Erased::Absent`] only after it has read the key back absent,
///   the leftovers of torn writes of that key included. Erasing twice is harmless.
/// - `list` shows every key below the prefix in byte order, after `after`, at most `limit` of them; a page
///   shorter than `limit` is the last. It sees every `put` and `erase` that returned before it was called.
/// - Calls may be dropped at any await point and made from many tasks at once.
/// - Errors and `Debug` carry no credential.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Blobs: fmt::Debug + Send + Sync {
    /// Stores the body under the key, replacing what was there.
    async fn put(&self, key: &Key, body: Body) -> Result<(), StorageError>;
    /// Reads the bytes under the key, or a half-open range of them.
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError>;
    /// Removes the bytes under the key and reads back that they are gone.
    async fn erase(&self, key: &Key) -> Result<Erased, StorageError>;
    /// Lists what is stored below the prefix.
    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError>;
    /// What a delete really does here.
    fn semantics(&self) -> Semantics;
}
