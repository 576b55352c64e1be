use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::gif::GifDecoder;

use super::{Decoded, exact_limits, pixels, refusal};
use crate::imaging::Refusal;
use crate::imaging::sniff::Header;

/// Decodes the first frame, laid on the screen.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Decoded, Refusal> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    decoder.set_limits(exact_limits(header)).map_err(refusal)?;
    Ok(Decoded { raster: pixels(decoder, header)?, profile: None })
}
