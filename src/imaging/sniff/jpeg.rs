use super::{Cursor, Extent, Header, Stop};
use crate::imaging::Refusal;
use crate::imaging::colour::MAX_PROFILE;
use crate::imaging::limits::{Limits, area};
use crate::imaging::orientation::Orientation;

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// The scales for which the library has fast paths, in eighths.
pub(crate) const LIBRARY_SCALES: [u32; 4] = [1, 2, 3, 4];

/// What of a JPEG decides its decoder's memory and colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sampling {
    pub(crate) components: u8,
    /// Whether an Adobe segment was seen: then CMYK is stored inverted.
    pub(crate) adobe: bool,
    progressive: bool,
    /// Samples for each pixel in sixteenths, over all components.
    samples: u64,
}

impl Sampling {
    /// Eighths at which to decode: the smallest of these scales that still covers `edge`, or all of it.
    pub(crate) fn eighths(scales: &[u32], width: u32, height: u32, edge: u32) -> u32 {
        let longest = u64::from(width.max(height));
        let covers = |step: &u32| (longest * u64::from(*step)).div_ceil(8) >= u64::from(edge);
        scales.iter().copied().find(covers).unwrap_or(8)
    }

    pub(super) fn memory(&self, width: u32, height: u32, edge: u32) -> u64 {
        let step = u64::from(Self::eighths(&LIBRARY_SCALES, width, height, edge));
        let scaled = area(width, height) * step * step / 64;
        // A plane and an upsampled plane for each component, and the output.
        let planes = scaled * u64::from(self.components) * 3;
        let coefficients = if self.progressive { area(width, height) * self.samples / 16 * 2 } else { 0 };
        planes + coefficients
    }
}

pub(super) fn walk(
    cursor: &mut Cursor<'_>,
    extent: Extent,
    limits: &Limits,
    header: &mut Header,
) -> Result<(), Stop> {
    cursor.take(2)?;
    loop {
        match next_marker(cursor)? {
            END_OF_IMAGE => break,
            // Markers without a segment.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            marker => {
                let segment = next_segment(cursor)?;
                read(marker, segment, limits, header)?;
                if marker == START_OF_SCAN && extent == Extent::Head {
                    return Ok(());
                }
            }
        }
    }
    header.end = cursor.at();
    if header.scans == 0 { Err(Refusal::Corrupt.into()) } else { Ok(()) }
}

/// The ICC profile, put together from its parts; `None` when there is none or it is too long.
pub(crate) fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(2).ok()?;
    let mut parts: Vec<(u8, &[u8])> = Vec::new();
    let mut total = 0;
    while let Ok(marker) = next_marker(&mut cursor) {
        let Ok(segment) = next_segment(&mut cursor) else { break };
        if marker == START_OF_SCAN {
            break;
        }
        if marker == 0xe2
            && let Some([number, _, part @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0")
        {
            total += part.len();
            parts.push((*number, part));
        }
        if total > MAX_PROFILE || parts.len() > 255 {
            return None;
        }
    }
    parts.sort_by_key(|&(number, _)| number);
    let profile: Vec<u8> = parts.into_iter().flat_map(|(_, part)| part).copied().collect();
    Some(profile).filter(|profile| !profile.is_empty())
}

/// Finds the next marker, over fill bytes and entropy-coded data; zero is a stuffed byte, not a marker.
pub(crate) fn next_marker(cursor: &mut Cursor<'_>) -> Result<u8, Stop> {
    cursor.past(0xff)?;
    loop {
        match cursor.u8()? {
            0xff => {}
            marker => return Ok(marker),
        }
    }
}

pub(crate) fn next_segment<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Stop> {
    let length = usize::from(cursor.u16_be()?);
    cursor.take(length.checked_sub(2).ok_or(Refusal::Corrupt)?)
}

fn read(marker: u8, segment: &[u8], limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    match marker {
        0xc0..=0xc2 => frame(segment, marker == 0xc2, limits, header),
        // Lossless, hierarchical and arithmetic coding: no browser shows them.
        0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
            Err(uncommon("a lossless or arithmetic-coded JPEG"))
        }
        START_OF_SCAN if header.width == 0 => Err(Refusal::Corrupt.into()),
        START_OF_SCAN => {
            header.scans += 1;
            Ok(limits.check_scans(header.scans, header.width, header.height)?)
        }
        0xe1 if segment.starts_with(b"Exif\0\0") => {
            if header.orientation == Orientation::default() {
                header.orientation = Orientation::from_exif(segment).unwrap_or_default();
            }
            Ok(())
        }
        0xee if segment.starts_with(b"Adobe") => {
            header.sampling.adobe = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn uncommon(what: &'static str) -> Stop {
    Refusal::UnsupportedCoding { what: what.into() }.into()
}

/// The frame header: precision, size and how each component is sampled.
fn frame(segment: &[u8], progressive: bool, limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    let [precision, h1, h0, w1, w0, components, factors @ ..] = segment else {
        return Err(Refusal::Corrupt.into());
    };
    if header.width != 0 {
        return Err(Refusal::Corrupt.into());
    }
    if *precision != 8 {
        return Err(uncommon("a JPEG of more than 8 bits a sample"));
    }
    let (width, height) =
        (u32::from(u16::from_be_bytes([*w1, *w0])), u32::from(u16::from_be_bytes([*h1, *h0])));
    limits.check_size(width, height)?;
    let (factors, _) = factors.as_chunks::<3>();
    if !matches!(components, 1 | 3 | 4) || factors.len() != usize::from(*components) {
        return Err(Refusal::Corrupt.into());
    }
    header.sampling.samples = samples(factors).ok_or(Refusal::Corrupt)?;
    header.sampling.components = *components;
    header.sampling.progressive = progressive;
    (header.width, header.height) = (width, height);
    Ok(())
}

/// Samples for each pixel in sixteenths; `None` when a factor is out of range.
fn samples(factors: &[[u8; 3]]) -> Option<u64> {
    let pairs = || factors.iter().map(|&[_, packed, _]| (u64::from(packed >> 4), u64::from(packed & 15)));
    if !pairs().all(|(h, v)| (1..=4).contains(&h) && (1..=4).contains(&v)) {
        return None;
    }
    let widest = pairs().map(|(h, _)| h).max()?;
    let tallest = pairs().map(|(_, v)| v).max()?;
    Some(pairs().map(|(h, v)| (16 * h * v).div_ceil(widest * tallest)).sum())
}
