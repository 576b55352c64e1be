//! Small images of every format, made for tests.

use image::codecs::gif::GifEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, Frame, ImageEncoder, RgbaImage};
use libjpeg_turbo_rs::{Encoder, PixelFormat};

/// A picture whose corners can be told apart: red grows rightwards, green downwards.
pub(crate) fn rgb(width: u32, height: u32) -> Vec<u8> {
    let share = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap();
    (0..height).flat_map(|y| (0..width).flat_map(move |x| [share(x, width), share(y, height), 40])).collect()
}

pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoder(&rgb(width, height), width, height, PixelFormat::Rgb).encode().unwrap()
}

/// An encoder to which a test adds what it needs.
pub(crate) fn encoder(data: &[u8], width: u32, height: u32, format: PixelFormat) -> Encoder<'_> {
    Encoder::new(data, width as usize, height as usize, format).quality(90)
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    png_of(&rgb(width, height), width, height, ExtendedColorType::Rgb8)
}

pub(crate) fn png_of(data: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(data, width, height, colour).unwrap();
    file
}

/// Puts a chunk behind the header of a PNG; its checksum is wrong, which only its reader could mind.
pub(crate) fn with_chunk(png: &[u8], kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&png[..33], &length, &kind, body, &[0; 4], &png[33..]].concat()
}

pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    webp_of(&rgb(width, height), width, height, ExtendedColorType::Rgb8)
}

pub(crate) fn webp_of(data: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    WebPEncoder::new_lossless(&mut file).encode(data, width, height, colour).unwrap();
    file
}

/// An animation of frames of half the canvas's size, the first one at the given place.
pub(crate) fn animated_webp(width: u32, height: u32, x: u32, y: u32, frames: usize) -> Vec<u8> {
    let still = webp(width / 2, height / 2);
    let u24 = |value: u32| value.to_le_bytes()[..3].to_vec();
    let canvas = [vec![0x02, 0, 0, 0], u24(width - 1), u24(height - 1)].concat();
    let place = [u24(x / 2), u24(y / 2), u24(width / 2 - 1), u24(height / 2 - 1), vec![0; 4]].concat();
    let frame = chunk(*b"ANMF", &[&place, &still[12..]].concat());
    let body = [chunk(*b"VP8X", &canvas), chunk(*b"ANIM", &[0; 6]), frame.repeat(frames)].concat();
    riff(&body)
}

pub(crate) fn riff(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", body].concat()
}

fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let padding = if body.len() % 2 == 1 { &[0][..] } else { &[] };
    [&kind, &u32::try_from(body.len()).unwrap().to_le_bytes()[..], body, padding].concat()
}

pub(crate) fn gif(width: u32, height: u32, frames: usize) -> Vec<u8> {
    let pixels = rgb(width, height).chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    let picture = RgbaImage::from_raw(width, height, pixels).unwrap();
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut file, 30);
    encoder.encode_frames((0..frames).map(|_| Frame::new(picture.clone()))).unwrap();
    drop(encoder);
    file
}

/// A TIFF block that holds an orientation and nothing else.
pub(crate) fn exif(orientation: u8, big: bool) -> Vec<u8> {
    let u16 = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let head = if big { *b"MM\0*" } else { *b"II*\0" };
    let entry = [&u16(0x0112)[..], &u16(3), &u32(1), &u16(u16::from(orientation)), &[0; 2]].concat();
    [&head[..], &u32(8), &u16(1), &entry, &u32(0)].concat()
}

/// Red, green and blue of one pixel of an encoded rendition.
pub(crate) fn pixel(jpeg: &[u8], x: usize, y: usize) -> [u8; 3] {
    let image = libjpeg_turbo_rs::decompress_to(jpeg, PixelFormat::Rgb).unwrap();
    let at = (y * image.width + x) * 3;
    image.data[at..at + 3].try_into().unwrap()
}
