use bytes::Bytes;
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::raster::Raster;
use super::{Format, Refusal, Rendered};

const QUALITY: u8 = 80;

/// Encodes an RGB picture as JPEG: from pixels alone, so that nothing else of the original is in it.
pub(crate) fn jpeg(name: String, raster: &Raster) -> Result<Rendered, Refusal> {
    let Raster { width, height, ref data, .. } = *raster;
    let encoded = Encoder::new(data, width as usize, height as usize, PixelFormat::Rgb)
        .quality(QUALITY)
        .subsampling(Subsampling::S420)
        .encode()
        .map_err(|_| Refusal::Corrupt)?;
    Ok(Rendered { name, format: Format::Jpeg, width, height, bytes: Bytes::from(encoded) })
}

#[cfg(test)]
mod tests;
