//! Rebuilding a file by allow-list, with the very pixels it has: what is not needed to show the picture is not
//! carried over, whatever it is. What can hide inside the compressed pixels of JPEG and WebP is out of its reach.

mod gif;
mod icc;
mod jpeg;
mod lzw;
mod png;
mod webp;

use super::sniff::Header;
use super::{Format, Refusal};

/// The file without anything but its picture; `None` when that takes encoding it anew: formats that are not
/// rebuilt, colours hidden behind transparency, profiles that cannot be rebuilt.
pub(crate) fn rebuilt(bytes: &[u8], header: &Header) -> Result<Option<Vec<u8>>, Refusal> {
    let bytes = bytes.get(..header.end).ok_or(Refusal::Truncated)?;
    match header.format {
        Format::Jpeg => jpeg::rebuilt(bytes, header),
        Format::Png => png::rebuilt(bytes, header),
        Format::Gif => gif::rebuilt(bytes),
        Format::Webp => webp::rebuilt(bytes, header),
        Format::Avif | Format::Heic => Ok(None),
    }
}

#[cfg(test)]
mod tests;
