use std::io::{self, ErrorKind, Read};

use galerra_core::Order;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::imaging::{Limits, Recipe};

/// Longest frame; bytes of images are not in frames.
const LONGEST: usize = 1 << 20;

/// What a child says when its limits hold.
pub(super) const READY: &str = "ready";

/// The first frame to a child.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) limits: Limits,
    pub(super) recipe: Recipe,
}

/// The frame before an original.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) order: Order,
    /// Bytes of memory that it may take.
    pub(super) memory: u64,
    /// Seconds of processor time that it may take.
    pub(super) seconds: u64,
    /// Length of the original, which follows.
    pub(super) bytes: usize,
}

/// A frame: JSON, and its length in four bytes before it.
pub(super) fn frame(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value)?;
    let length = frame.len() - 4;
    let prefix = u32::try_from(length).ok().filter(|_| length <= LONGEST).ok_or_else(too_long)?;
    frame.splice(..4, prefix.to_be_bytes());
    Ok(frame)
}

/// The next frame; `None` at the end of the input.
pub(super) fn read<T: DeserializeOwned>(mut input: impl Read) -> io::Result<Option<T>> {
    let mut prefix = [0; 4];
    match input.read_exact(&mut prefix) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut body = vec![0; length(prefix)?];
    input.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// The next frame of a child, which is not trusted.
pub(super) async fn receive<T: DeserializeOwned>(output: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    let mut prefix = [0; 4];
    output.read_exact(&mut prefix).await?;
    let body = receive_bytes(output, length(prefix)?).await?;
    serde_json::from_slice(&body).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// So many bytes of a child; memory is taken as they come.
pub(super) async fn receive_bytes(
    output: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(length.min(LONGEST));
    output.take(length as u64).read_to_end(&mut body).await?;
    if body.len() == length { Ok(body) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

fn length(prefix: [u8; 4]) -> io::Result<usize> {
    usize::try_from(u32::from_be_bytes(prefix)).ok().filter(|length| *length <= LONGEST).ok_or_else(too_long)
}

fn too_long() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a frame is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request { order: Order::default(), memory: 5, seconds: 7, bytes: 9 }
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let setup = Setup { limits: Limits::default(), recipe: Recipe::standard() };
        let said = [frame(&setup).unwrap(), frame(&request()).unwrap()].concat();
        let mut input = &said[..];
        let heard: Setup = read(&mut input).unwrap().unwrap();
        assert_eq!(heard.limits, setup.limits);
        assert_eq!(heard.recipe.fingerprint(), setup.recipe.fingerprint());
        let heard: Request = read(&mut input).unwrap().unwrap();
        assert_eq!((heard.order, heard.memory, heard.seconds, heard.bytes), (Order::default(), 5, 7, 9));
        assert!(read::<Request>(&mut input).unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_cut_or_garbage_is_an_error_on_both_sides() {
        let whole = frame(&request()).unwrap();
        assert!(receive::<Request>(&mut &whole[..]).await.is_ok());
        for cut in 1..whole.len() {
            assert!(receive::<Request>(&mut &whole[..cut]).await.is_err(), "{cut}");
            let read = read::<Request>(&whole[..cut]);
            assert!(if cut < 4 { matches!(read, Ok(None)) } else { read.is_err() }, "{cut}");
        }
        for garbage in [&b"HTTP/1.1 200 OK"[..], b"\0\0\0\x02{}", b"\0\0\0\0", b"\0\0\0\x03{]}"] {
            assert_eq!(
                receive::<Request>(&mut &garbage[..]).await.unwrap_err().kind(),
                ErrorKind::InvalidData
            );
            assert!(read::<Request>(garbage).is_err());
        }
    }

    #[tokio::test]
    async fn a_long_frame_is_neither_written_nor_read() {
        assert!(frame(&"x".repeat(LONGEST)).is_err());
        let endless = [&[0xff; 4][..], &vec![b' '; 2 * LONGEST]].concat();
        assert!(read::<Request>(&endless[..]).is_err());
        let mut output = &endless[..];
        assert!(receive::<Request>(&mut output).await.is_err());
        assert_eq!(output.len(), endless.len() - 4, "nothing was read of it");
    }

    #[tokio::test]
    async fn announced_bytes_take_no_memory_before_they_come() {
        let lacking = receive_bytes(&mut &b"few"[..], usize::MAX).await;
        assert_eq!(lacking.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
