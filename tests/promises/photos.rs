//! Pictures to upload: real photographs from the folder `GALERRA_PHOTOS` names, else generated ones.

use std::io::Cursor;
use std::path::PathBuf;

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};

/// A picture that compresses badly, different for every seed.
pub fn generated(seed: u32, width: u32, height: u32) -> Bytes {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ seed.wrapping_mul(97)) >> 7;
        Rgb([x * 255 / width, y * 255 / height, noise % 256].map(|part| u8::try_from(part).unwrap()))
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner().into()
}

/// A small picture.
pub fn small(seed: u32) -> Bytes {
    generated(seed, 400, 300)
}

/// A JPEG that says with what and where it was taken (EXIF, little-endian).
pub fn with_exif(seed: u32) -> Bytes {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let at = |offset: u32| offset.to_le_bytes();
    let degrees = |degrees: u32| [degrees, 1, 0, 1, 0, 1].map(u32::to_le_bytes).concat();
    let tiff = [
        b"II*\0\x08\0\0\0\x02\0".to_vec(),
        entry(0x010f, 2, 4, *b"CAM\0"),
        entry(0x8825, 4, 1, at(38)),
        vec![0; 4],
        vec![4, 0],
        entry(1, 2, 2, *b"N\0\0\0"),
        entry(2, 5, 3, at(92)),
        entry(3, 2, 2, *b"E\0\0\0"),
        entry(4, 5, 3, at(116)),
        vec![0; 4],
        degrees(43),
        degrees(5),
    ]
    .concat();
    let picture = image::load_from_memory(&small(seed)).unwrap();
    let mut plain = Vec::new();
    picture.write_to(&mut std::io::Cursor::new(&mut plain), image::ImageFormat::Jpeg).unwrap();
    let length = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length, b"Exif\0\0", &tiff, &plain[2..]].concat().into()
}

/// The photographs of the folder that can be taken, by name: JPEG and PNG.
pub fn real() -> Vec<(String, Bytes)> {
    let Some(folder) = std::env::var_os("GALERRA_PHOTOS") else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let taken = |path: &&PathBuf| path.extension().is_some_and(|kind| kind == "jpg" || kind == "png");
    paths.iter().filter(taken).map(|path| (name(path), std::fs::read(path).unwrap().into())).collect()
}

/// Twenty pictures under names that hold `canary`, as a person's file names hold things.
pub fn twenty(canary: &str) -> Vec<(String, Bytes)> {
    let mut pictures = real();
    if pictures.len() < 20 {
        println!("GALERRA_PHOTOS names no folder of twenty photographs: pictures are generated");
        pictures = (0..20).map(|seed| (format!("{seed}.png"), generated(seed, 1500, 1000))).collect();
    }
    pictures.truncate(20);
    pictures.into_iter().map(|(name, bytes)| (format!("{canary} {name}"), bytes)).collect()
}

fn name(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
