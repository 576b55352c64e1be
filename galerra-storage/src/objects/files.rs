use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;

use crate::{Body, whole};

/// Up to this length a file is read at once; longer ones are streamed.
pub(super) const AT_ONCE: u64 = 512 * 1024;
/// Length of a block of a streamed file.
const BLOCK: u64 = 256 * 1024;

/// Runs blocking work off the executor's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// The bytes of a part of an open file.
pub(super) async fn body(mut file: File, part: Range<u64>) -> io::Result<Body> {
    if part.end - part.start <= AT_ONCE {
        return blocking(move || read(&mut file, &part)).await.map(whole);
    }
    Ok(stream(file, part))
}

/// Reads a part of a file that is shorter than memory.
pub(super) fn read(file: &mut File, part: &Range<u64>) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(part.start))?;
    let length = part.end - part.start;
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    if file.take(length).read_to_end(&mut bytes)? as u64 == length {
        Ok(bytes.into())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Opens the bytes of a part of a file: all of them when they are few.
pub(super) enum Opened {
    Whole(Bytes),
    Long(File),
}

/// Reads a short part at once, so that a small file costs one trip to the blocking pool.
pub(super) fn open(mut file: File, part: &Range<u64>) -> io::Result<Opened> {
    if part.end - part.start <= AT_ONCE {
        read(&mut file, part).map(Opened::Whole)
    } else {
        Ok(Opened::Long(file))
    }
}

/// Reads a long part of a file block by block.
pub(super) fn stream(file: File, part: Range<u64>) -> Body {
    futures::stream::try_unfold((file, part), |(mut file, part)| async move {
        if part.start >= part.end {
            return Ok(None);
        }
        blocking(move || {
            let end = part.end.min(part.start + BLOCK);
            let bytes = read(&mut file, &(part.start..end))?;
            Ok(Some((bytes, (file, end..part.end))))
        })
        .await
    })
    .boxed()
}
