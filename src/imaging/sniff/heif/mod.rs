//! The container of AVIF and HEIC (ISO/IEC 14496-12 and 23008-12), as far as it leads to the picture.
//!
//! Boxes are read to a fixed depth, within what holds them. Whatever a decoder is going to be told — which bytes,
//! how many tiles, of which size — is known and within the limits before there is a decoder.

mod boxes;
mod meta;
mod outline;
mod still;
mod traits;

pub(crate) use still::{Piece, Still, Tiles};
pub(crate) use traits::{CodePoints, Crop};

use self::boxes::Boxed;
use self::meta::Meta;
use self::outline::Outline;
use super::{Cursor, Extent, Header, Stop};
use crate::imaging::limits::{Limits, area};
use crate::imaging::{Format, Refusal};

pub(super) fn walk(
    cursor: &mut Cursor<'_>,
    extent: Extent,
    limits: &Limits,
    header: &mut Header,
) -> Result<(), Stop> {
    let file = cursor.rest();
    let mut meta: Option<Meta<'_>> = None;
    // What lies behind the last byte of the last item is not part of the image.
    while meta.as_ref().is_none_or(|meta| (cursor.at() as u64) < meta.end()) {
        let (kind, length) = boxes::head(cursor)?;
        if extent == Extent::Head && &kind == b"mdat" {
            return Ok(());
        }
        let body = cursor.take(length.unwrap_or(cursor.rest().len()))?;
        if &kind == b"meta" && meta.is_none() {
            let read = Meta::read(body).map_err(broken)?;
            describe(&Outline::read(&read, limits)?, header);
            if extent == Extent::Head {
                return Ok(());
            }
            meta = Some(read);
        }
    }
    header.end = cursor.at();
    if let Some(meta) = meta {
        Still::find(&meta, file, limits)?;
    }
    Ok(())
}

fn describe(outline: &Outline<'_>, header: &mut Header) {
    let (width, height) = outline.traits.shown();
    (header.width, header.height) = (width, height);
    header.format = outline.coding.format();
    header.orientation = outline.traits.orientation;
    header.pixel_cost = outline.memory().div_ceil(area(width, height).max(1));
}

/// How the pixels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Av1,
    Hevc,
}

impl Coding {
    fn item(self) -> [u8; 4] {
        match self {
            Self::Av1 => *b"av01",
            Self::Hevc => *b"hvc1",
        }
    }

    fn format(self) -> Format {
        match self {
            Self::Av1 => Format::Avif,
            Self::Hevc => Format::Heic,
        }
    }

    /// Bytes a pixel that its decoder takes for a picture of this configuration; measured.
    fn memory(self, config: &[u8]) -> u64 {
        let at = |index: usize| config.get(index).copied().unwrap_or_default();
        // Whether there are colours, and whether there are fewer of them than pixels.
        let samples = match (self, at(2) & 0x1c, at(16) & 3) {
            (Self::Av1, 0x1c, _) | (Self::Hevc, _, 0) => 2,
            (Self::Av1, 0x0c, _) | (Self::Hevc, _, 1) => 3,
            (Self::Av1, 0x08, _) | (Self::Hevc, _, 2) => 4,
            _ => 6,
        };
        match self {
            Self::Av1 if at(2) & 0x40 == 0 => samples,
            Self::Av1 => samples * 2,
            Self::Hevc => samples * 2 + 3,
        }
    }
}

/// What has no end within what holds it breaks the format.
fn broken(stop: Stop) -> Refusal {
    match stop {
        Stop::Cut => Refusal::Corrupt,
        Stop::Refused(refusal) => refusal,
    }
}

fn unsupported(what: &'static str) -> Refusal {
    Refusal::UnsupportedCoding { what: what.into() }
}

#[cfg(test)]
mod tests;
