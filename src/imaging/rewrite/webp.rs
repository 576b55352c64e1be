use super::icc;
use crate::imaging::Refusal;
use crate::imaging::riff::{self, Riff};
use crate::imaging::sniff::{Chunks, Frame, Header};

pub(super) fn rebuilt(bytes: &[u8], header: &Header) -> Result<Option<Vec<u8>>, Refusal> {
    let chunks = || Chunks::of_file(bytes);
    let find = |wanted: [u8; 4]| chunks().find(|(kind, _)| *kind == wanted).map(|(_, body)| body);
    let animated = find(*b"ANMF").is_some();
    // Colours may hide where nothing can be seen. An animation is kept: its frames are drawn over each other.
    if !animated && (find(*b"ALPH").is_some() || find(*b"VP8L").is_some_and(lossless_alpha)) {
        return Ok(None);
    }
    let profile = match find(*b"ICCP") {
        None => None,
        Some(profile) => match icc::canonical(profile) {
            Some(profile) => Some(profile),
            None => return Ok(None),
        },
    };
    let exif = header.orientation.as_exif();
    let mut flags = if animated { riff::ANIMATION | riff::ALPHA } else { 0 };
    flags |= if profile.is_some() { riff::PROFILE } else { 0 };
    flags |= if exif.is_some() { riff::EXIF } else { 0 };
    let mut file = Riff::new();
    if flags != 0 {
        file.push_extended(flags, header.width, header.height);
    }
    if let Some(profile) = profile {
        file.push(*b"ICCP", &profile);
    }
    let mut pictures = 0;
    for (kind, body) in chunks() {
        match &kind {
            b"ANIM" if animated => file.push(kind, body.get(..6).ok_or(Refusal::Corrupt)?),
            b"ANMF" => file.push(kind, &frame(body)?),
            b"VP8 " | b"VP8L" if !animated && pictures == 0 => {
                pictures += 1;
                file.push(kind, body);
            }
            _ => {}
        }
    }
    if let Some(exif) = exif {
        file.push(*b"EXIF", &exif);
    }
    file.finished().map(Some)
}

/// A frame with its place and time, and the chunks of its picture.
fn frame(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let place = body.get(..16).ok_or(Refusal::Corrupt)?;
    let frame = Frame::read(body).ok_or(Refusal::Corrupt)?;
    let mut rebuilt = Riff::bare(place);
    let mut alpha = None;
    for (kind, body) in Chunks::of_slice(frame.chunks) {
        match &kind {
            b"ALPH" if alpha.is_none() => alpha = Some(body),
            b"VP8 " | b"VP8L" => {
                if let Some(alpha) = alpha.filter(|_| &kind == b"VP8 ") {
                    rebuilt.push(*b"ALPH", alpha);
                }
                rebuilt.push(kind, body);
                return Ok(rebuilt.into_bytes());
            }
            _ => {}
        }
    }
    Err(Refusal::Truncated)
}

/// Whether a lossless picture says that it has opacity.
fn lossless_alpha(body: &[u8]) -> bool {
    body.get(4).is_some_and(|byte| byte & 0x10 != 0)
}
