use std::io::Cursor;

use image::codecs::webp::WebPDecoder;

use super::{Decoded, flattened, refusal, usable};
use crate::imaging::Refusal;
use crate::imaging::raster::{Kind, Raster};
use crate::imaging::sniff::{Chunks, Frame, Header};

/// Decodes the picture, or the first frame of an animation laid on a white canvas.
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
    let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
    if let Some(alpha) = alpha.filter(|_| &kind == b"VP8 ") {
        append(&mut file, *b"VP8X", &extended_header(size.width, size.height));
        append(&mut file, *b"ALPH", alpha);
    }
    append(&mut file, kind, body);
    let length = u32::try_from(file.len() - 8).map_err(|_| Refusal::Corrupt)?;
    if let Some(place) = file.get_mut(4..8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    // This decoder knows no limits; `sniff` has checked the size that the bit stream states.
    flattened(WebPDecoder::new(Cursor::new(file)).map_err(refusal)?, size)
}

/// An extended header that announces alpha and nothing else.
fn extended_header(width: u32, height: u32) -> [u8; 10] {
    let [w0, w1, w2, _] = width.saturating_sub(1).to_le_bytes();
    let [h0, h1, h2, _] = height.saturating_sub(1).to_le_bytes();
    [0x10, 0, 0, 0, w0, w1, w2, h0, h1, h2]
}

fn append(file: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    file.extend(kind);
    file.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(body);
    if body.len() % 2 == 1 {
        file.push(0);
    }
}

fn on_canvas(raster: Raster, frame: &Frame<'_>, header: &Header) -> Raster {
    if (raster.width, raster.height) == (header.width, header.height) {
        return raster;
    }
    let channels = raster.kind.channels();
    let stride = header.width as usize * channels;
    let mut data = vec![u8::MAX; stride * header.height as usize];
    let rows = data.chunks_exact_mut(stride).skip(frame.y as usize);
    for (row, source) in rows.zip(raster.data.chunks_exact(raster.width as usize * channels)) {
        let place = row.iter_mut().skip(frame.x as usize * channels);
        place.zip(source).for_each(|(to, from)| *to = *from);
    }
    debug_assert!(matches!(raster.kind, Kind::Rgb | Kind::Rgbx), "the decoder makes colours");
    Raster { width: header.width, height: header.height, kind: raster.kind, data }
}
