use std::io::{BufRead, Error, ErrorKind, Read, Result as IoResult, Seek, SeekFrom};

use image::ImageDecoder;
use image::codecs::png::PngDecoder;

use super::{Decoded, SIDE_MEMORY, exact_limits, pixels, refusal, usable};
use crate::imaging::Refusal;
use crate::imaging::colour::MAX_PROFILE;
use crate::imaging::sniff::{Cursor, Header};

/// Decodes the still picture; of an animation that is its default image.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Decoded, Refusal> {
    let mut limits = exact_limits(header);
    // The pixels go into a buffer of ours; this bounds everything else, a profile's inflation too.
    limits.max_alloc = Some(SIDE_MEMORY);
    let mut decoder = PngDecoder::with_limits(Needed::new(bytes), limits).map_err(refusal)?;
    let profile = decoder.icc_profile().ok().flatten().and_then(usable);
    Ok(Decoded { raster: pixels(decoder, header)?, profile })
}

/// The chunks that make the picture; the decoder never sees any other.
struct Needed<'a> {
    rest: Cursor<'a>,
    piece: &'a [u8],
    wants_profile: bool,
}

impl<'a> Needed<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut rest = Cursor::new(bytes);
        let piece = rest.take(8).unwrap_or_default();
        Self { rest, piece, wants_profile: true }
    }

    /// The next chunk with its length and checksum, and whether it is needed.
    fn chunk(&mut self) -> Option<(&'a [u8], bool)> {
        let mut head = self.rest.clone();
        let length = usize::try_from(head.u32_be().ok()?).ok()?;
        let kind: [u8; 4] = head.array().ok()?;
        let chunk = self.rest.take(length.checked_add(12)?).ok()?;
        let needed = match &kind {
            b"iCCP" => length <= MAX_PROFILE && std::mem::take(&mut self.wants_profile),
            b"IDAT" => {
                self.wants_profile = false;
                true
            }
            b"IHDR" | b"PLTE" | b"tRNS" | b"IEND" => true,
            _ => false,
        };
        Some((chunk, needed))
    }
}

impl BufRead for Needed<'_> {
    fn fill_buf(&mut self) -> IoResult<&[u8]> {
        while self.piece.is_empty() {
            match self.chunk() {
                Some((chunk, true)) => self.piece = chunk,
                Some((_, false)) => {}
                None => break,
            }
        }
        Ok(self.piece)
    }

    fn consume(&mut self, amount: usize) {
        self.piece = self.piece.get(amount..).unwrap_or_default();
    }
}

impl Read for Needed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Demanded by the decoder's signature, never used by it.
impl Seek for Needed<'_> {
    fn seek(&mut self, _: SeekFrom) -> IoResult<u64> {
        Err(Error::from(ErrorKind::Unsupported))
    }
}
