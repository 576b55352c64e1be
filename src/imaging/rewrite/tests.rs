use image::ExtendedColorType;
use libjpeg_turbo_rs::PixelFormat;

use super::*;
use crate::imaging::decode::decode;
use crate::imaging::limits::Limits;
use crate::imaging::raster::Raster;
use crate::imaging::sample;
use crate::imaging::sniff::{Extent, inspect};

const CANARY: &[u8] = b"CANARY";

fn header(file: &[u8]) -> Header {
    inspect(file, Extent::Whole, &Limits::default()).unwrap()
}

fn pixels(file: &[u8]) -> Raster {
    decode(file, &header(file), &Limits::default(), 65_535).unwrap().raster
}

/// Rebuilds a file and checks what holds of everything that is rebuilt.
fn sound(file: &[u8]) -> Vec<u8> {
    let out = rebuilt(file, &header(file)).unwrap().expect("it can be rebuilt");
    assert!(!out.windows(CANARY.len()).any(|window| window == CANARY));
    assert_eq!(pixels(&out).data, pixels(file).data);
    assert_eq!(header(&out).orientation, header(file).orientation);
    assert_eq!(header(&out).end, out.len());
    assert_eq!(rebuilt(&out, &header(&out)).unwrap().unwrap(), out, "rebuilding it again changes nothing");
    out
}

fn jpeg(progressive: bool) -> Vec<u8> {
    let rgb = sample::rgb(60, 40);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let exif = [sample::exif(6, true), CANARY.to_vec()].concat();
    let encoder = sample::encoder(&rgb, 60, 40, PixelFormat::Rgb).progressive(progressive).restart_blocks(3);
    encoder.icc_profile(&profile).exif_data(&exif).comment("CANARY").xmp_data(CANARY).encode().unwrap()
}

#[test]
fn a_jpeg_keeps_its_pixels_and_nothing_else() {
    for progressive in [false, true] {
        let mut file = jpeg(progressive);
        file.extend(CANARY);
        let out = sound(&file);
        assert!(out.windows(11).any(|window| window == b"ICC_PROFILE"));
    }
    let cmyk = sample::encoder(&[50; 64 * 48 * 4], 64, 48, PixelFormat::Cmyk).write_adobe_marker(true);
    let cmyk = cmyk.comment("CANARY").encode().unwrap();
    sound(&cmyk);
}

/// Five pixels of the second and fourth of four colours.
fn tiny_gif(colours: [[u8; 3]; 4], behind: &[u8]) -> Vec<u8> {
    let head = b"GIF89a\x05\0\x01\0\x81\0\0";
    let frame = b",\0\0\0\0\x05\0\x01\0\0\x02\x03\x4c\x3c\x05";
    [&head[..], colours.as_flattened(), frame, behind, b"\0;"].concat()
}

#[test]
fn nothing_hides_behind_the_pixels_of_a_gif_or_in_its_colours() {
    let colours = [[0; 3], [200, 0, 0], *b"CAN", [0, 200, 0]];
    let plain = tiny_gif([[0; 3], [200, 0, 0], [0; 3], [0, 200, 0]], b"");
    assert_eq!(sound(&plain), plain);
    assert_eq!(sound(&tiny_gif(colours, b"")), plain, "a colour that no pixel has");
    assert_eq!(sound(&tiny_gif(colours, b"\x06CANARY")), plain, "data behind the last pixel");
    // A screen that shows a part of the frame, or a frame with fewer pixels than there are.
    for (at, smaller) in [(6, 3), (30, 3)] {
        let mut leaky = plain.clone();
        assert_eq!(leaky[at], 5, "{at}");
        leaky[at] = smaller;
        assert_eq!(rebuilt(&leaky, &header(&leaky)).unwrap(), None, "{at}");
    }
}

#[test]
fn a_picture_behind_clear_colours_of_a_png_is_not_kept() {
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let mut sum = crc32fast::Hasher::new();
        sum.update(kind);
        sum.update(body);
        let length = u32::try_from(body.len()).unwrap();
        [&length.to_be_bytes()[..], kind, body, &sum.finalize().to_be_bytes()].concat()
    };
    // Two pixels of two colours.
    let palette = |opacity: &[u8]| {
        let pixels = miniz_oxide::deflate::compress_to_vec_zlib(&[0, 0, 1], 6);
        let head = chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0]);
        let parts = [chunk(b"PLTE", &[9, 9, 9, 200, 0, 0]), chunk(b"tRNS", opacity), chunk(b"IDAT", &pixels)];
        [b"\x89PNG\r\n\x1a\n".to_vec(), head, parts.concat(), chunk(b"IEND", &[])].concat()
    };
    let one = palette(&[0, 255]);
    assert!(rebuilt(&one, &header(&one)).unwrap().is_some());
    let two = palette(&[0, 0]);
    assert_eq!(rebuilt(&two, &header(&two)).unwrap(), None);
}

#[test]
fn a_jpeg_with_something_between_its_segments_is_encoded_anew() {
    let file = sample::jpeg(60, 40);
    let at = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    for stray in [&b"CANARY"[..], &[0], &[0xff, 0xd0], &[0xff, 0x01]] {
        let leaky = [&file[..at], stray, &file[at..]].concat();
        assert_eq!(rebuilt(&leaky, &header(&leaky)).unwrap(), None, "{stray:?}");
    }
}

#[test]
fn nothing_hides_behind_the_tables_of_a_jpeg() {
    let file = sample::jpeg(60, 40);
    let at = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let length = usize::from(file[at + 3]);
    let grown = u8::try_from(length + CANARY.len()).unwrap();
    let frame = [&file[at..at + 3], &[grown], &file[at + 4..at + 2 + length], CANARY].concat();
    let leaky = [&file[..at], &frame, &file[at + 2 + length..]].concat();
    // Our own walk may refuse it; what is not refused is encoded anew.
    if let Ok(header) = inspect(&leaky, Extent::Whole, &Limits::default()) {
        assert_eq!(rebuilt(&leaky, &header).unwrap(), None);
    }
}

#[test]
fn a_png_keeps_its_pixels_and_nothing_else() {
    let plain = sample::png(60, 40);
    let text = sample::with_chunk(&plain, *b"tEXt", b"Comment\0CANARY");
    sound(&sample::with_chunk(&text, *b"vpAg", CANARY));
    sound(&sample::with_chunk(&plain, *b"eXIf", &sample::exif(3, false)));
    for (colour, bytes) in
        [(ExtendedColorType::L8, 1), (ExtendedColorType::L16, 2), (ExtendedColorType::Rgb16, 6)]
    {
        sound(&sample::png_of(&vec![90; 20 * 10 * bytes], 20, 10, colour));
    }
    // Opacity is encoded anew, so that no colour hides under it.
    let clear = sample::png_of(&[7; 64], 4, 4, ExtendedColorType::Rgba8);
    assert_eq!(rebuilt(&clear, &header(&clear)).unwrap(), None);
}

#[test]
fn nothing_hides_behind_the_pixels_of_a_png() {
    let png = sample::png(60, 40);
    let at = png.windows(4).position(|window| window == b"IDAT").unwrap();
    let length = usize::try_from(u32::from_be_bytes(png[at - 4..at].try_into().unwrap())).unwrap();
    let grown = u32::try_from(length + CANARY.len()).unwrap().to_be_bytes();
    let end = at + 4 + length;
    let leaky = [&png[..at - 4], &grown, &png[at..end], CANARY, &[0; 4], &png[end + 4..]].concat();
    let out = rebuilt(&leaky, &header(&leaky)).unwrap().unwrap();
    assert_eq!(out, sound(&png));
}

#[test]
fn a_webp_keeps_its_pixels_and_nothing_else() {
    let plain = sample::webp(60, 40);
    let canvas = [0x0c, 0, 0, 0, 59, 0, 0, 39, 0, 0];
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&kind[..], &length, body, if body.len() % 2 == 1 { &[0] } else { &[] }].concat()
    };
    let exif = [sample::exif(8, true), CANARY.to_vec()].concat();
    let body = [
        chunk(b"VP8X", &canvas),
        plain[12..].to_vec(),
        chunk(b"EXIF", &exif),
        chunk(b"XMP ", CANARY),
        chunk(b"abcd", CANARY),
    ];
    let mut file = sample::riff(&body.concat());
    file.extend(CANARY);
    sound(&file);
    let clear = sample::webp_of(&[7; 64], 4, 4, ExtendedColorType::Rgba8);
    assert_eq!(rebuilt(&clear, &header(&clear)).unwrap(), None);
}

#[test]
fn animations_keep_their_frames_and_nothing_else() {
    let file = sample::animated_webp(40, 40, 20, 10, 3);
    let chunk = [b"XMP ", &6_u32.to_le_bytes()[..], CANARY].concat();
    let out = sound(&sample::riff(&[&file[12..], &chunk].concat()));
    assert_eq!(header(&out).frames, 3);
    let gif = sample::gif(40, 30, 3);
    let comment = [&b"!\xfe\x06"[..], CANARY, &[0]].concat();
    let after = 13 + if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) };
    let mut leaky = [&gif[..after], &comment, &gif[after..]].concat();
    leaky.extend(CANARY);
    let out = sound(&leaky);
    assert_eq!(header(&out).frames, 3);
}

#[test]
fn a_profile_means_the_same_and_says_nothing() {
    let wide = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let out = icc::canonical(&wide).unwrap();
    assert_eq!(icc::canonical(&out).unwrap(), out);
    assert!(!out.windows(7).any(|window| window == b"Display" || window == b"D\0i\0s\0p"));
    for green in [[10, 250, 10], [200, 40, 90]] {
        let picture =
            || Raster { width: 1, height: 1, kind: crate::imaging::raster::Kind::Rgb, data: green.to_vec() };
        let seen = |profile: &[u8]| {
            crate::imaging::colour::converted(picture(), Some(profile), crate::imaging::Gamut::Srgb).data
        };
        assert_eq!(seen(&out), seen(&wide));
        assert_ne!(seen(&out), green);
    }
    for broken in [&wide[..100], &wide[..300], &[0; 200], b""] {
        assert_eq!(icc::canonical(broken), None);
    }
}

#[test]
fn broken_files_never_panic() {
    let files =
        [jpeg(false), sample::png(60, 40), sample::gif(60, 40, 2), sample::animated_webp(60, 40, 4, 4, 2)];
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    for file in files {
        let whole = header(&file);
        for at in 0..file.len() {
            let mut broken = file.clone();
            broken[at] ^= u8::try_from(1 + at % 255).unwrap();
            drop(rebuilt(&broken, &whole));
            drop(rebuilt(&file[..at], &Header { end: at, ..whole.clone() }));
        }
    }
    for at in 0..profile.len() {
        let mut broken = profile.clone();
        broken[at] ^= 0x55;
        drop(icc::canonical(&broken));
    }
}
