use std::io::Read;
use std::path::{Path, PathBuf};

use galerra_core::Refusal;
use image::{ImageDecoder, ImageReader, Limits as DecodeLimits};
use serde::{Deserialize, Serialize};

use super::raster::{Kind, Raster};

mod draw;
mod text;

/// Largest picture of a mark, in bytes and on a side.
const FILE: u64 = 1_000_000;
const SIDE: u32 = 384;
/// Least height at which letters are drawn, in pixels.
const LEGIBLE: f32 = 16.0;
/// Longest text of a mark, in characters.
const LETTERS: usize = 80;

/// A mark on renditions, as settings spell it: either a text or the path of a PNG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// What is written.
    #[serde(default)]
    pub text: Option<String>,
    /// What is drawn; its transparency is kept. At most 384 pixels a side.
    #[serde(default)]
    pub png: Option<PathBuf>,
    /// Where.
    #[serde(default)]
    pub place: Place,
    /// From 0, which nobody sees, to 1.
    #[serde(default = "half")]
    pub opacity: f32,
    /// Its height as a share of the picture's shorter edge.
    #[serde(default = "small")]
    pub size: f32,
}

fn half() -> f32 {
    0.5
}

fn small() -> f32 {
    0.06
}

/// Where a mark lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// At the bottom right.
    #[default]
    BottomRight,
    /// At the bottom left.
    BottomLeft,
    /// At the top right.
    TopRight,
    /// At the top left.
    TopLeft,
    /// In the middle.
    Centre,
    /// All over the picture.
    Tiled,
}

/// Why a mark cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the watermark cannot be used: {0}")]
pub struct WatermarkError(String);

/// A mark that can be drawn: checked, and with everything it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    look: Look,
    place: Place,
    opacity: f32,
    size: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Look {
    Text(String),
    Picture {
        width: u32,
        height: u32,
        #[serde(with = "base64")]
        rgba: Vec<u8>,
    },
}

/// Bytes as text, so that a mark stays short when it is sent to a child process.
mod base64 {
    use data_encoding::BASE64;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        BASE64.decode(String::deserialize(from)?.as_bytes()).map_err(D::Error::custom)
    }
}

impl Watermark {
    /// Reads and checks what the mark needs.
    pub fn prepared(&self) -> Result<Stamp, WatermarkError> {
        if !(0.0..=1.0).contains(&self.opacity) || !(0.01..=1.0).contains(&self.size) {
            return Err(wrong("its opacity is a number from 0 to 1, and its size from 0.01 to 1"));
        }
        let look = match (&self.text, &self.png) {
            (Some(text), None) => Look::Text(text::checked(text)?),
            (None, Some(path)) => picture(path)?,
            _ => return Err(wrong("it is either a `text` or a `png`")),
        };
        Ok(Stamp { look, place: self.place, opacity: self.opacity, size: self.size })
    }
}

impl Stamp {
    /// The picture with the mark on it. Takes RGB, with opacity or without.
    pub(crate) fn applied(&self, mut picture: Raster) -> Result<Raster, Refusal> {
        let shorter = picture.width.min(picture.height);
        let (width, height) = self.proportions();
        // Never higher than asked for, never wider than nine tenths of the picture, never nothing.
        let scale = (share_of(shorter, self.size) / height).min(share_of(picture.width, 0.9) / width);
        let mark = match &self.look {
            Look::Text(text) => {
                // Letters that are drawn too small fade away; shrunk ones stay.
                let line = (height * scale).max(1.0);
                let drawn = text::drawn(text, line.max(LEGIBLE));
                let smaller = (line / LEGIBLE).min(1.0);
                let (width, height) =
                    (at_least_one(drawn.width, smaller), at_least_one(drawn.height, smaller));
                drawn.into_resized(width, height)?
            }
            Look::Picture { width, height, rgba } => {
                let mark = Raster { width: *width, height: *height, kind: Kind::Rgba, data: rgba.clone() };
                mark.into_resized(at_least_one(*width, scale), at_least_one(*height, scale))?
            }
        };
        draw::at(&mut picture, &mark, self.place, self.opacity);
        Ok(picture)
    }

    /// Width and height before scaling.
    fn proportions(&self) -> (f32, f32) {
        match &self.look {
            Look::Text(text) => text::proportions(text),
            Look::Picture { width, height, .. } => (share_of(*width, 1.0), share_of(*height, 1.0)),
        }
    }
}

fn wrong(what: impl Into<String>) -> WatermarkError {
    WatermarkError(what.into())
}

fn picture(path: &Path) -> Result<Look, WatermarkError> {
    let unreadable = |_| wrong(format!("`{}` cannot be read", path.display()));
    let mut file = Vec::new();
    let opened = std::fs::File::open(path).map_err(unreadable)?;
    opened.take(FILE + 1).read_to_end(&mut file).map_err(unreadable)?;
    let length = file.len() as u64;
    let broken = || wrong(format!("`{}` is no PNG of at most 384 pixels a side and 1 MB", path.display()));
    let mut limits = DecodeLimits::no_limits();
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE), Some(SIDE));
    limits.max_alloc = Some(u64::from(SIDE * SIDE) * 16);
    let mut reader = ImageReader::with_format(std::io::Cursor::new(file), image::ImageFormat::Png);
    reader.limits(limits);
    let decoder = reader.into_decoder().ok().filter(|_| length <= FILE).ok_or_else(broken)?;
    let (width, height) = decoder.dimensions();
    let rgba = image::DynamicImage::from_decoder(decoder).map_err(|_| broken())?.into_rgba8().into_raw();
    if rgba.as_chunks::<4>().0.iter().all(|[.., alpha]| *alpha == 0) {
        return Err(wrong(format!("nothing of `{}` can be seen", path.display())));
    }
    Ok(Look::Picture { width, height, rgba })
}

#[allow(clippy::cast_precision_loss, reason = "sides of pictures")]
fn share_of(length: u32, share: f32) -> f32 {
    length as f32 * share
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides of pictures")]
fn at_least_one(length: u32, scale: f32) -> u32 {
    share_of(length, scale).round().max(1.0) as u32
}

#[cfg(test)]
mod tests;
