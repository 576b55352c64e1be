use std::io::Cursor;

use image::codecs::webp::WebPDecoder;

use super::{Decoded, pixels, refusal, usable};
use crate::imaging::Refusal;
use crate::imaging::raster::{Kind, Raster};
use crate::imaging::riff::{self, Riff};
use crate::imaging::sniff::{Chunks, Frame, Header};

/// Decodes the picture, or the first frame of an animation laid on a transparent canvas.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Decoded, Refusal> {
    let bytes = bytes.get(..header.end).ok_or(Refusal::Truncated)?;
    let profile = Chunks::of_file(bytes).find(|(kind, _)| kind == b"ICCP").map(|(_, body)| body.to_vec());
    let frame = Chunks::of_file(bytes).find(|(kind, _)| kind == b"ANMF").map(|(_, body)| body);
    let raster = match frame {
        None => picture(Chunks::of_file(bytes), header)?,
        Some(body) => {
            let frame = Frame::read(body).ok_or(Refusal::Corrupt)?;
            let size = Header { width: frame.size.width, height: frame.size.height, ..header.clone() };
            let raster = picture(Chunks::of_slice(frame.chunks), &size)?;
            on_canvas(raster, &frame, header)
        }
    };
    Ok(Decoded { raster, profile: profile.and_then(usable) })
}

/// Decodes one picture from a file written anew around it, which holds nothing else.
fn picture(chunks: Chunks<'_>, size: &Header) -> Result<Raster, Refusal> {
    let (mut alpha, mut stream) = (None, None);
    for (kind, body) in chunks {
        match &kind {
            b"ALPH" if alpha.is_none() => alpha = Some(body),
            b"VP8 " | b"VP8L" if stream.is_none() => stream = Some((kind, body)),
            _ => {}
        }
    }
    let (kind, body) = stream.ok_or(Refusal::Truncated)?;
    let mut file = Riff::new();
    if let Some(alpha) = alpha.filter(|_| &kind == b"VP8 ") {
        file.push_extended(riff::ALPHA, size.width, size.height);
        file.push(*b"ALPH", alpha);
    }
    file.push(kind, body);
    let file = file.finished()?;
    // This decoder knows no limits; `sniff` has checked the size that the bit stream states.
    pixels(WebPDecoder::new(Cursor::new(file)).map_err(refusal)?, size)
}

/// Lays a frame on a canvas that is transparent everywhere else.
fn on_canvas(raster: Raster, frame: &Frame<'_>, header: &Header) -> Raster {
    if (raster.width, raster.height) == (header.width, header.height) {
        return raster;
    }
    let pixels: Vec<[u8; 4]> = match raster.kind {
        Kind::Rgba => raster.data.as_chunks::<4>().0.to_vec(),
        _ => raster.data.as_chunks::<3>().0.iter().map(|&[r, g, b]| [r, g, b, u8::MAX]).collect(),
    };
    let stride = header.width as usize;
    let mut canvas = vec![[0; 4]; stride * header.height as usize];
    let rows = canvas.chunks_exact_mut(stride).skip(frame.y as usize);
    for (row, source) in rows.zip(pixels.chunks_exact(raster.width as usize)) {
        let place = row.iter_mut().skip(frame.x as usize);
        place.zip(source).for_each(|(to, from)| *to = *from);
    }
    Raster { width: header.width, height: header.height, kind: Kind::Rgba, data: canvas.into_flattened() }
}
