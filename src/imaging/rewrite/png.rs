use miniz_oxide::DataFormat;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{MZFlush, MZStatus};

use super::icc;
use crate::imaging::Refusal;
use crate::imaging::colour::MAX_PROFILE;
use crate::imaging::sniff::{Cursor, Header, Stop};

/// Most bytes of compressed pixels in one chunk.
const PART: usize = 1 << 20;

pub(super) fn rebuilt(bytes: &[u8], header: &Header) -> Result<Option<Vec<u8>>, Refusal> {
    match rebuild(bytes, header) {
        Ok(file) => Ok(file),
        Err(Stop::Cut) => Err(Refusal::Truncated),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

fn rebuild(bytes: &[u8], header: &Header) -> Result<Option<Vec<u8>>, Stop> {
    let mut cursor = Cursor::new(bytes);
    let mut file = cursor.take(8)?.to_vec();
    let mut picture: Option<[u8; 13]> = None;
    let mut data = Vec::new();
    // Of chunks that may be there once, the first one counts.
    let mut seen: Vec<[u8; 4]> = Vec::new();
    loop {
        let Chunk { kind, body, whole } = chunk(&mut cursor)?;
        // What can be done without is passed over by decoders when its sum is wrong.
        if !whole && kind.first().is_some_and(u8::is_ascii_lowercase) {
            continue;
        }
        if &kind == b"IDAT" {
            data.extend_from_slice(body);
            continue;
        }
        if &kind == b"IEND" {
            break;
        }
        if !data.is_empty() || seen.contains(&kind) {
            continue;
        }
        seen.push(kind);
        match &kind {
            b"IHDR" => {
                picture = body.first_chunk().copied();
                // Colours may hide where nothing can be seen, and an animation is more than its first picture.
                if matches!(body.get(9), Some(4 | 6)) || header.frames > 1 {
                    return Ok(None);
                }
                push(&mut file, kind, body);
                if let Some(exif) = header.orientation.as_exif() {
                    push(&mut file, *b"eXIf", &exif);
                }
            }
            b"iCCP" => match profile(body) {
                Some(profile) => push(&mut file, kind, &profile),
                None => return Ok(None),
            },
            // More colours than one that cannot be seen can be a picture behind the picture.
            b"tRNS"
                if picture.is_some_and(|[.., colour, _, _, _]| colour == 3)
                    && body.iter().filter(|opacity| **opacity == 0).nth(1).is_some() =>
            {
                return Ok(None);
            }
            _ if picture.is_some_and(|[.., colour, _, _, _]| fits(kind, body.len(), colour)) => {
                push(&mut file, kind, body);
            }
            // Opacity that is not as long as it should be means something to one decoder or another.
            b"tRNS" => return Ok(None),
            _ => {}
        }
    }
    let picture = picture.ok_or(Refusal::Corrupt)?;
    let Some(end) = end_of_pixels(&data, &picture) else { return Ok(None) };
    for part in data.get(..end).unwrap_or_default().chunks(PART) {
        push(&mut file, *b"IDAT", part);
    }
    push(&mut file, *b"IEND", &[]);
    Ok(Some(file))
}

struct Chunk<'a> {
    kind: [u8; 4],
    body: &'a [u8],
    /// Whether its checksum is right.
    whole: bool,
}

fn chunk<'a>(cursor: &mut Cursor<'a>) -> Result<Chunk<'a>, Stop> {
    let length = usize::try_from(cursor.u32_be()?).map_err(|_| Refusal::Corrupt)?;
    let kind = cursor.array()?;
    let body = cursor.take(length)?;
    // Decoders that are built for fuzzing overlook sums, and what they see is what is compared.
    let whole = cursor.u32_be()? == sum(kind, body) || cfg!(fuzzing);
    Ok(Chunk { kind, body, whole })
}

fn sum(kind: [u8; 4], body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&kind);
    sum.update(body);
    sum.finalize()
}

fn push(file: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    file.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend(kind);
    file.extend(body);
    file.extend(sum(kind, body).to_be_bytes());
}

/// Whether a chunk is one that decides how the picture looks, and no longer than such a chunk is.
fn fits(kind: [u8; 4], length: usize, colour: u8) -> bool {
    match &kind {
        b"PLTE" => colour == 3 && length <= 768,
        b"tRNS" => match colour {
            0 => length == 2,
            2 => length == 6,
            _ => length <= 256,
        },
        b"gAMA" | b"cICP" => length == 4,
        b"cHRM" => length == 32,
        b"sRGB" => length == 1,
        b"sBIT" => length <= 4,
        _ => false,
    }
}

/// A profile chunk written anew, under a name that says nothing.
fn profile(body: &[u8]) -> Option<Vec<u8>> {
    let name = body.iter().take(80).position(|&byte| byte == 0)?;
    let packed = body.get(name + 2..)?;
    let profile = decompress_to_vec_zlib_with_limit(packed, MAX_PROFILE).ok()?;
    let packed = compress_to_vec_zlib(&icc::canonical(&profile)?, 6);
    Some([b"icc\0\0", &packed[..]].concat())
}

/// Where the compressed pixels end; `None` when there are more or fewer of them than the picture has.
fn end_of_pixels(data: &[u8], picture: &[u8; 13]) -> Option<usize> {
    let expected = raw_length(picture)?;
    let mut state = InflateState::new_boxed(DataFormat::Zlib);
    let mut window = vec![0; 1 << 16];
    let (mut taken, mut made) = (0, 0_u64);
    loop {
        let step = inflate(&mut state, data.get(taken..)?, &mut window, MZFlush::None);
        taken += step.bytes_consumed;
        made += step.bytes_written as u64;
        match step.status {
            Ok(MZStatus::StreamEnd) => return (made == expected).then_some(taken),
            Ok(_) if made <= expected && step.bytes_consumed + step.bytes_written > 0 => {}
            _ => return None,
        }
    }
}

/// Bytes of all rows with their filter bytes (W3C PNG §7).
fn raw_length(picture: &[u8; 13]) -> Option<u64> {
    let [w3, w2, w1, w0, h3, h2, h1, h0, depth, colour, _, _, interlaced] = *picture;
    let (width, height) =
        (u64::from(u32::from_be_bytes([w3, w2, w1, w0])), u64::from(u32::from_be_bytes([h3, h2, h1, h0])));
    let channels = match colour {
        0 | 3 => 1,
        2 => 3,
        _ => return None,
    };
    let rows = |width: u64, height: u64| {
        let row = (width * channels * u64::from(depth)).div_ceil(8) + 1;
        if width == 0 || height == 0 { 0 } else { row * height }
    };
    if interlaced == 0 {
        return Some(rows(width, height));
    }
    // Start and step of each pass of Adam7.
    let passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let part = |length: u64, start: u64, step: u64| length.saturating_sub(start).div_ceil(step);
    Some(passes.iter().map(|&(x, y, dx, dy)| rows(part(width, x, dx), part(height, y, dy))).sum())
}
