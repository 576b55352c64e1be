use super::icc;
use crate::imaging::Refusal;
use crate::imaging::sniff::{Cursor, Header, Stop, jpeg_marker, jpeg_profile, jpeg_segment};

/// Most bytes of a profile in one segment.
const PART: usize = 65_519;

pub(super) fn rebuilt(bytes: &[u8], header: &Header) -> Result<Option<Vec<u8>>, Refusal> {
    let profile = match jpeg_profile(bytes) {
        // One that is there but too long decides how the picture looks all the same.
        None if memchr::memmem::find(bytes, b"ICC_PROFILE\0").is_some() => return Ok(None),
        None => None,
        Some(profile) => match icc::canonical(&profile) {
            Some(profile) => Some(profile),
            None => return Ok(None),
        },
    };
    let mut file = Vec::with_capacity(bytes.len());
    file.extend([0xff, 0xd8]);
    if jfif(bytes) {
        // Version 1.1, no density, no thumbnail.
        push(&mut file, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    }
    if let Some(exif) = header.orientation.as_exif() {
        push(&mut file, 0xe1, &[b"Exif\0\0", &exif[..]].concat());
    }
    push_profile(&mut file, profile.as_deref().unwrap_or_default());
    match push_picture(&mut file, bytes) {
        Ok(()) => Ok(Some(file)),
        Err(Stop::Cut) => Err(Refusal::Truncated),
        // Decoders disagree about what is malformed: the pixels that one of them sees are encoded anew.
        Err(Stop::Refused(_)) => Ok(None),
    }
}

/// Whether the file says that its colours are those of JFIF.
fn jfif(bytes: &[u8]) -> bool {
    bytes.get(2..11).is_some_and(|start| start.starts_with(&[0xff, 0xe0]) && start.ends_with(b"JFIF\0"))
}

fn push(file: &mut Vec<u8>, marker: u8, body: &[u8]) {
    let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend(body);
}

fn push_profile(file: &mut Vec<u8>, profile: &[u8]) {
    let count = u8::try_from(profile.len().div_ceil(PART)).unwrap_or(u8::MAX);
    for (nth, part) in (1..=count).zip(profile.chunks(PART)) {
        push(file, 0xe2, &[b"ICC_PROFILE\0", &[nth, count][..], part].concat());
    }
}

/// Tables, frame and scans up to the end of the image, each no longer than what is in it.
fn push_picture(file: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Stop> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(2)?;
    loop {
        let follows = cursor.rest().first() == Some(&0xff);
        let marker = jpeg_marker(&mut cursor)?;
        match marker {
            // What lies between segments, or marks nothing there, is passed over by one decoder and read by another.
            _ if !follows => return Err(Refusal::Corrupt.into()),
            0x00 | 0x01 | 0xd0..=0xd8 => return Err(Refusal::Corrupt.into()),
            0xd9 => break,
            _ => {}
        }
        let segment = jpeg_segment(&mut cursor)?;
        match marker {
            0xc0..=0xc2 => push(file, marker, exact(segment, 6 + 3 * at(segment, 5)?)?),
            0xc4 => push(file, marker, tables(segment, huffman)?),
            0xdb => push(file, marker, tables(segment, quantisation)?),
            0xdd => push(file, marker, exact(segment, 2)?),
            // Only the last byte says something: how colours are transformed.
            0xee if segment.starts_with(b"Adobe") => {
                let transform = u8::try_from(at(segment, 11)?).unwrap_or(0);
                push(file, marker, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat());
            }
            0xda => {
                push(file, marker, exact(segment, 4 + 2 * at(segment, 0)?)?);
                file.extend(entropy(&mut cursor)?);
            }
            _ => {}
        }
    }
    file.extend([0xff, 0xd9]);
    Ok(())
}

/// The byte at a place, as a number.
fn at(segment: &[u8], place: usize) -> Result<usize, Refusal> {
    segment.get(place).map(|&byte| usize::from(byte)).ok_or(Refusal::Corrupt)
}

/// A segment that is as long as its content needs, and no longer.
fn exact(segment: &[u8], length: usize) -> Result<&[u8], Refusal> {
    if segment.len() == length { Ok(segment) } else { Err(Refusal::Corrupt) }
}

/// All tables of a segment; `length` tells that of the next one.
fn tables(segment: &[u8], length: fn(&[u8]) -> Result<usize, Refusal>) -> Result<&[u8], Refusal> {
    let mut end = 0;
    while let Some(rest) = segment.get(end..).filter(|rest| !rest.is_empty()) {
        end += length(rest)?;
    }
    exact(segment, end)
}

fn huffman(rest: &[u8]) -> Result<usize, Refusal> {
    let counts = rest.get(1..17).ok_or(Refusal::Corrupt)?;
    Ok(17 + counts.iter().map(|&count| usize::from(count)).sum::<usize>())
}

fn quantisation(rest: &[u8]) -> Result<usize, Refusal> {
    Ok(if at(rest, 0)? >> 4 == 0 { 65 } else { 129 })
}

/// The entropy-coded data of a scan with its restart markers.
fn entropy<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Stop> {
    let rest = cursor.rest();
    let mut end = 0;
    loop {
        let more = rest.get(end..).unwrap_or_default();
        end += memchr::memchr(0xff, more).ok_or(Stop::Cut)?;
        match rest.get(end + 1) {
            Some(0x00 | 0xd0..=0xd7) => end += 2,
            // Filling, before a marker or before what was stuffed.
            Some(0xff) => end += 1,
            Some(_) => return cursor.take(end),
            None => return Err(Stop::Cut),
        }
    }
}
