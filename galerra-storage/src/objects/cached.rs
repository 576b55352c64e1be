//! Reads that never wait: what the kernel holds in memory comes without a trip to the blocking pool, which
//! would cost more than the read. Only Linux can be asked for it.

use std::fs::File;
use std::io::IoSliceMut;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{ReadWriteFlags, preadv2};

use super::files::AT_ONCE;
use crate::blobs::clip;

/// The size of a file and the bytes of a short part of it; `None` says only that somebody has to wait for them.
pub(super) fn read(path: &Path, range: Option<Range<u64>>) -> Option<(u64, Bytes)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok()?);
    let metadata = file.metadata().ok()?;
    let part = clip(range, metadata.len()).unwrap_or(0..0);
    let length = part.end - part.start;
    if !metadata.is_file() || length > AT_ONCE {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    let buffer = &mut [IoSliceMut::new(&mut bytes)];
    let read = preadv2(&file, buffer, part.start, ReadWriteFlags::NOWAIT).ok()?;
    (read == bytes.len()).then(|| (metadata.len(), bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_gives_is_the_part_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let long = vec![7; usize::try_from(AT_ONCE).unwrap() + 1];
        std::fs::write(&path, &long).unwrap();
        assert!(read(&path, None).is_none(), "a long file is streamed");
        assert!(read(&folder.path().join("absent"), None).is_none());
        assert!(read(folder.path(), None).is_none());
        // Not every file system can read without waiting, so that `None` is right everywhere.
        let size = long.len() as u64;
        for (range, length) in [(1..3, 2), (size - 1..size + 9, 1), (size..size + 9, 0)] {
            if let Some((whole, part)) = read(&path, Some(range)) {
                assert_eq!((whole, part.as_ref()), (size, &long[..length]));
            }
        }
    }
}
