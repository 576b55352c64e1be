//! The imaging pipeline from outside: real photographs, hostile files, and what the renditions must not hold.
//!
//! `GALERRA_PHOTOS`, `GALERRA_HOSTILE` and `GALERRA_BOMBS` name folders of files; what is not set is not run.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use galerra::imaging::{Limits, Preset, average_colour, develop};
use galerra_core::{Developed, Format, Refusal};
use libjpeg_turbo_rs::PixelFormat;
use serde_json::Value;

fn developed(bytes: &[u8]) -> Result<Developed, Refusal> {
    develop(bytes, &Limits::default(), &Preset::standard())
}

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The files of the folder of photographs that this pipeline takes.
fn photos() -> Vec<PathBuf> {
    let all = folder("GALERRA_PHOTOS").map(|folder| files(&folder)).unwrap_or_default();
    all.into_iter().filter(|path| path.extension().is_some_and(|e| e == "jpg" || e == "png")).collect()
}

/// Only the segments that a decoder needs, and nothing behind the end.
fn assert_clean(jpeg: &[u8]) {
    assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    let mut at = 2;
    loop {
        let marker = jpeg[at + 1];
        assert!(matches!(marker, 0xe0 | 0xdb | 0xc0 | 0xc4 | 0xda), "segment {marker:x}");
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if marker == 0xda {
            break;
        }
    }
    let end = jpeg[at..].windows(2).position(|pair| pair[0] == 0xff && pair[1] != 0).unwrap();
    assert_eq!(at + end + 2, jpeg.len(), "bytes behind the end");
}

/// What holds of everything that is accepted.
fn assert_sound(made: &Developed) {
    let longest = made.width.max(made.height);
    assert_eq!(made.renditions[0].name, "thumb");
    assert!(average_colour(&made.placeholder).is_some());
    for (rendition, preset) in made.renditions.iter().zip(Preset::standard()) {
        assert_eq!(rendition.name, preset.name);
        assert_eq!(rendition.format, Format::Jpeg);
        assert_eq!(rendition.width.max(rendition.height), preset.edge.min(longest));
        assert_eq!(rendition.width >= rendition.height, made.width >= made.height);
        let image = libjpeg_turbo_rs::decompress(&rendition.bytes).unwrap();
        assert_eq!((image.width, image.height), (rendition.width as usize, rendition.height as usize));
        assert_clean(&rendition.bytes);
    }
    let full = made.renditions.iter().filter(|r| r.width.max(r.height) == longest).count();
    assert!(full <= 1, "two renditions of the same size");
}

/// Mean difference of two thumbs, in steps of 255.
fn distance(a: &Developed, b: &Developed) -> f64 {
    let pixels = |made: &Developed| libjpeg_turbo_rs::decompress(&made.renditions[0].bytes).unwrap().data;
    let (a, b) = (pixels(a), pixels(b));
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(&b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    f64::from(u32::try_from(sum).unwrap()) / f64::from(u32::try_from(a.len()).unwrap())
}

#[test]
fn a_made_image_becomes_clean_renditions() {
    let pixels: Vec<u8> = (0..1500 * 1000 * 3)
        .map(|n: u32| u8::try_from(n.wrapping_mul(2_654_435_761) >> 26).unwrap())
        .collect();
    let file = libjpeg_turbo_rs::Encoder::new(&pixels, 1500, 1000, PixelFormat::Rgb)
        .exif_data(b"II*\0\x08\0\0\0\0\0secret")
        .xmp_data(b"secret")
        .comment("secret")
        .icc_profile(b"secret")
        .encode()
        .unwrap();
    let made = developed(&file).unwrap();
    assert_sound(&made);
    assert_eq!(made.renditions.len(), 4);
    assert!(made.renditions.iter().all(|rendition| !contains(&rendition.bytes, b"secret")));
}

#[test]
fn photographs_are_developed() {
    for path in photos() {
        let bytes = std::fs::read(&path).unwrap();
        let made = developed(&bytes).unwrap_or_else(|refusal| panic!("{}: {refusal}", path.display()));
        assert_sound(&made);
        for share in [10, 50, 90, 99] {
            let cut = &bytes[..bytes.len() * share / 100];
            let refused = developed(cut).expect_err(&format!("{} cut at {share} %", path.display()));
            assert_eq!(refused, Refusal::Truncated, "{} cut at {share} %", path.display());
        }
    }
}

#[test]
fn the_eight_orientations_are_one_picture() {
    let turned: Vec<_> =
        photos().into_iter().filter(|path| path.to_string_lossy().contains("orient-")).collect();
    let made: Vec<_> = turned.iter().map(|path| developed(&std::fs::read(path).unwrap()).unwrap()).collect();
    for (path, other) in turned.iter().zip(&made) {
        assert_eq!((other.width, other.height), (made[0].width, made[0].height), "{}", path.display());
        let distance = distance(&made[0], other);
        assert!(distance < 3.0, "{}: {distance}", path.display());
    }
}

#[test]
fn profiles_are_brought_to_one_colour_space() {
    let Some(folder) = folder("GALERRA_PHOTOS") else { return };
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    let Some(plain) = open("seeding-16mp-420-progressive.jpg") else { return };
    let plain = developed(&plain).unwrap();
    for name in
        ["seeding-p3-icc.jpg", "seeding-adobergb-icc.jpg", "seeding-cmyk-icc.jpg", "seeding-16bit.png"]
    {
        let Some(bytes) = open(name) else { continue };
        let distance = distance(&plain, &developed(&bytes).unwrap());
        println!("{name}: {distance:.2}");
        // Inks cannot show all colours, and their black is not quite black.
        assert!(distance < if name.contains("cmyk") { 16.0 } else { 4.0 }, "{name}: {distance}");
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn assert_no_canary(made: &Developed, canaries: &[Value]) {
    for canary in canaries.iter().map(|canary| canary.as_str().unwrap()) {
        let wide: Vec<u8> = canary.bytes().flat_map(|byte| [byte, 0]).collect();
        for rendition in &made.renditions {
            assert!(!contains(&rendition.bytes, canary.as_bytes()), "{canary}");
            assert!(!contains(&rendition.bytes, &wide), "{canary} in UTF-16");
        }
    }
}

#[test]
fn hostile_files_are_answered_as_they_should() {
    let Some(folder) = folder("GALERRA_HOSTILE") else { return };
    let bombs = self::folder("GALERRA_BOMBS");
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let mut asked = 0;
    for case in &cases {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let path = match (text("file"), &bombs) {
            ("", None) => continue,
            ("", Some(bombs)) => bombs.join(text("name")),
            (file, _) => folder.join(file),
        };
        let bytes = std::fs::read(&path).unwrap();
        let start = Instant::now();
        let answer = developed(&bytes);
        let (id, time) = (text("id"), start.elapsed());
        let shown = answer.as_ref().map(|made| (made.width, made.height));
        println!("{:>6} ms {id}: {shown:?}", time.as_millis());
        assert!(time < Duration::from_secs(10), "{id} took {time:?}");
        match (text("expect"), text("prefer"), &answer) {
            ("accept", _, Err(_)) | ("refuse", _, Ok(_)) | (_, "refuse", Ok(_)) => panic!("{id}: {shown:?}"),
            (_, _, Ok(made)) => {
                assert_sound(made);
                assert_no_canary(made, case["canaries"].as_array().unwrap());
            }
            _ => {}
        }
        asked += 1;
    }
    println!("{asked} of {} cases", cases.len());
}
