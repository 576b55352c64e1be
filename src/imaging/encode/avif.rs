use bytes::Bytes;
use ravif::{Encoder, Img};
use rgb::{RGB8, RGBA8};

use super::super::Refusal;
use super::super::raster::{Kind, Raster};

/// The encoder's haste from 1 to 10: slower ones take several times as long for a few per cent.
const SPEED: u8 = 9;

/// Encodes as AVIF in sRGB, with opacity where there is any, on the caller's thread alone.
pub(super) fn encode(raster: &Raster, quality: u8) -> Result<Bytes, Refusal> {
    let encoder = Encoder::new()
        .with_quality(f32::from(quality))
        .with_alpha_quality(f32::from(quality))
        .with_speed(SPEED)
        .with_num_threads(Some(1));
    let (width, height) = (raster.width as usize, raster.height as usize);
    let made = match raster.kind {
        Kind::Rgb => {
            let pixels: Vec<RGB8> =
                raster.data.as_chunks::<3>().0.iter().map(|&pixel| pixel.into()).collect();
            encoder.encode_rgb(Img::new(&pixels, width, height))
        }
        Kind::Rgba => {
            let pixels: Vec<RGBA8> =
                raster.data.as_chunks::<4>().0.iter().map(|&pixel| pixel.into()).collect();
            encoder.encode_rgba(Img::new(&pixels, width, height))
        }
        Kind::Grey | Kind::Cmyk | Kind::InvertedCmyk => return Err(Refusal::Corrupt),
    };
    made.map(|made| Bytes::from(made.avif_file)).map_err(|_| Refusal::Corrupt)
}
