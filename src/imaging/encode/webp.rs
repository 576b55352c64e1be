use bytes::Bytes;
use webpx::{Encoder, EncoderConfig, Unstoppable, YuvPlanesRef};

use super::super::preset::Gamut;
use super::super::raster::{Kind, Raster};
use super::super::{Refusal, colour};

/// The encoder's effort from 0 to 6: at the same score this one takes half the time of 4 and as many bytes.
const EFFORT: u8 = 2;

/// Encodes as lossy WebP, with opacity where there is any, on the caller's thread alone.
pub(super) fn encode(raster: &Raster, quality: u8, gamut: Gamut) -> Result<Bytes, Refusal> {
    let config = EncoderConfig::new().quality(f32::from(quality)).method(EFFORT).thread_level(0);
    let config = match colour::profile_of(gamut) {
        Some(profile) => config.icc_profile(profile),
        None => config,
    };
    let Raster { width, height, kind, data } = raster;
    let encoded = match kind {
        Kind::Rgb => {
            let planes = Planes::of(data, *width, *height);
            Encoder::new_yuv(planes.borrowed()).config(config).encode(Unstoppable)
        }
        Kind::Rgba => config.encode_rgba(data, *width, *height, Unstoppable),
        Kind::Grey | Kind::Cmyk | Kind::InvertedCmyk => return Err(Refusal::Corrupt),
    };
    encoded.map(Bytes::from).map_err(|_| Refusal::Corrupt)
}

/// Brightness, and colours at half the size, as the format has them (ITU-R BT.601 from 16 to 235). The encoder's own
/// conversion takes twice as long and a copy of the picture.
struct Planes {
    width: u32,
    height: u32,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

impl Planes {
    fn of(rgb: &[u8], width: u32, height: u32) -> Self {
        let (across, down) = (width as usize, height as usize);
        let colours = across.div_ceil(2) * down.div_ceil(2);
        let mut luma = Vec::with_capacity(across * down);
        let (mut blue, mut red) = (Vec::with_capacity(colours), Vec::with_capacity(colours));
        let (pixels, _) = rgb.as_chunks::<3>();
        for rows in pixels.chunks(2 * across.max(1)) {
            luma.extend(rows.iter().map(|&pixel| luma_of(pixel)));
            let (upper, lower) = rows.split_at(across.min(rows.len()));
            let lower = if lower.is_empty() { upper } else { lower };
            for (upper, lower) in upper.chunks(2).zip(lower.chunks(2)) {
                let [cb, cr] = colours_of(upper, lower);
                blue.push(cb);
                red.push(cr);
            }
        }
        Self { width, height, luma, blue, red }
    }

    fn borrowed(&self) -> YuvPlanesRef<'_> {
        let half = self.width.div_ceil(2) as usize;
        YuvPlanesRef {
            y: &self.luma,
            y_stride: self.width as usize,
            u: &self.blue,
            u_stride: half,
            v: &self.red,
            v_stride: half,
            a: None,
            a_stride: 0,
            width: self.width,
            height: self.height,
        }
    }
}

/// In 65536ths; the half rounds.
#[allow(clippy::cast_possible_truncation, reason = "at most 235")]
fn luma_of(pixel: [u8; 3]) -> u8 {
    let [red, green, blue] = pixel.map(u32::from);
    ((16_829 * red + 33_039 * green + 6_416 * blue + (16 << 16) + (1 << 15)) >> 16) as u8
}

/// The mean of up to four pixels, of which those missing are as those at the edge.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 16 to 240")]
fn colours_of(upper: &[[u8; 3]], lower: &[[u8; 3]]) -> [u8; 2] {
    let sum = |row: &[[u8; 3]]| match row {
        [left, right] => added(left.map(i32::from), right.map(i32::from)),
        [one, ..] => one.map(|value| 2 * i32::from(value)),
        [] => [0; 3],
    };
    let [red, green, blue] = added(sum(upper), sum(lower));
    // Four pixels, so 65536ths of a quarter.
    [-9_714 * red - 19_070 * green + 28_784 * blue, 28_784 * red - 24_103 * green - 4_681 * blue]
        .map(|sum| ((sum + (128 << 18) + (1 << 17)) >> 18) as u8)
}

fn added([r, g, b]: [i32; 3], [red, green, blue]: [i32; 3]) -> [i32; 3] {
    [r + red, g + green, b + blue]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_the_format() {
        for (rgb, [y, cb, cr]) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [81, 90, 240]),
            ([0, 255, 0], [145, 54, 34]),
            ([0, 0, 255], [41, 240, 110]),
        ] {
            let planes = Planes::of(&rgb.repeat(15), 5, 3);
            assert_eq!(
                (planes.luma, planes.blue, planes.red),
                (vec![y; 15], vec![cb; 6], vec![cr; 6]),
                "{rgb:?}"
            );
        }
    }

    #[test]
    fn colours_at_the_edge_are_means_of_what_is_there() {
        let (black, white) = ([0; 3], [255; 3]);
        let red = [255, 0, 0];
        let planes = Planes::of(&[black, white, red, white, black, red, red, red, black].concat(), 3, 3);
        assert_eq!(planes.red, [128, 240, 240, 128]);
        assert_eq!(planes.luma, [16, 235, 81, 235, 16, 81, 81, 81, 16]);
    }
}
