use libjpeg_turbo_rs::PixelFormat;

use super::*;
use crate::imaging::sample;

/// Writes a block: entries of each directory as (tag, kind, count, value bytes).
fn block(
    big: bool,
    main: &[(u16, u16, u32, Vec<u8>)],
    photo: &[(u16, u16, u32, Vec<u8>)],
    place: &[(u16, u16, u32, Vec<u8>)],
) -> Vec<u8> {
    let u16 = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let size = |entries: usize| 2 + entries * 12 + 4;
    let starts = [8, 8 + size(main.len() + 2), 8 + size(main.len() + 2) + size(photo.len())];
    let mut heap = Vec::new();
    let heap_start = starts[2] + size(place.len());
    let links = [(0x8769, starts[1]), (0x8825, starts[2])];
    let links = links.map(|(tag, at)| (tag, 4, 1, u32(u32::try_from(at).unwrap()).to_vec()));
    let mut out = [if big { &b"MM\0*"[..] } else { b"II*\0" }, &u32(8)].concat();
    for entries in [[main, &links].concat(), photo.to_vec(), place.to_vec()] {
        out.extend(u16(u16::try_from(entries.len()).unwrap()));
        for (tag, kind, count, value) in entries {
            out.extend([&u16(tag)[..], &u16(kind), &u32(count)].concat());
            let mut field = value.clone();
            if value.len() > 4 {
                field = u32(u32::try_from(heap_start + heap.len()).unwrap()).to_vec();
                heap.extend(value);
            }
            field.resize(4, 0);
            out.extend(field);
        }
        out.extend(u32(0));
    }
    [out, heap].concat()
}

fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

fn fractions(big: bool, parts: &[(u32, u32)]) -> Vec<u8> {
    let u32 = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    parts.iter().flat_map(|&(over, under)| [u32(over), u32(under)].concat()).collect()
}

fn full(big: bool) -> Vec<u8> {
    let short = |value: u16| if big { value.to_be_bytes().to_vec() } else { value.to_le_bytes().to_vec() };
    let main = [(0x010f, 2, 6, text("Canon")), (0x0110, 2, 13, text("Canon EOS R5"))];
    let photo = [
        (0x829a, 5, 1, fractions(big, &[(1, 250)])),
        (0x829d, 5, 1, fractions(big, &[(28, 10)])),
        (0x8827, 3, 1, short(400)),
        (0x9003, 2, 20, text("2024:05:03 12:00:01")),
        (0x9011, 2, 7, text("+02:00")),
        (0x920a, 5, 1, fractions(big, &[(35, 1)])),
        (0xa434, 2, 9, text("RF35\x07 mm ")),
    ];
    let place = [
        (0x0001, 2, 2, text("S")),
        (0x0002, 5, 3, fractions(big, &[(33, 1), (30, 1), (36, 1)])),
        (0x0003, 2, 2, text("E")),
        (0x0004, 5, 3, fractions(big, &[(151, 1), (15, 1), (0, 1)])),
        (0x0005, 1, 1, vec![1]),
        (0x0006, 5, 1, fractions(big, &[(25, 2)])),
    ];
    block(big, &main, &photo, &place)
}

#[test]
fn everything_is_read_in_both_byte_orders_and_every_format() {
    for big in [true, false] {
        let exif = full(big);
        let rgb = sample::rgb(20, 10);
        let jpeg = sample::encoder(&rgb, 20, 10, PixelFormat::Rgb).exif_data(&exif).encode().unwrap();
        let png = sample::with_chunk(&sample::png(20, 10), *b"eXIf", &exif);
        let length = u32::try_from(exif.len()).unwrap().to_le_bytes();
        let webp = sample::riff(&[&sample::webp(20, 10)[12..], b"EXIF", &length, &exif].concat());
        for (file, format) in [(jpeg, Format::Jpeg), (png, Format::Png), (webp, Format::Webp)] {
            let facts = read(&file, format);
            assert_eq!(facts.taken.as_deref(), Some("2024-05-03T12:00:01+02:00"));
            assert_eq!(facts.camera.as_deref(), Some("Canon EOS R5"));
            assert_eq!(facts.lens.as_deref(), Some("RF35 mm"));
            assert_eq!(facts.exposure.as_deref(), Some("1/250 s f/2.8 ISO 400 35 mm"));
            let place = facts.location.unwrap();
            assert!((place.latitude + 33.51).abs() < 1e-9 && (place.longitude - 151.25).abs() < 1e-9);
            assert_eq!(place.altitude, Some(-12.5));
            assert!(!format!("{facts:?}").contains("33"));
        }
    }
}

#[test]
fn nonsense_says_nothing() {
    let zero =
        block(true, &[], &[], &[(0x0002, 5, 3, fractions(true, &[(0, 0); 3])), (0x0004, 5, 1, vec![0; 8])]);
    assert_eq!(of_exif(Tiff::of_exif(&zero).unwrap()), Facts::default());
    let far = [(0x0002, 5, 1, fractions(true, &[(91, 1)])), (0x0004, 5, 1, fractions(true, &[(10, 1)]))];
    assert_eq!(of_exif(Tiff::of_exif(&block(true, &[], &[], &far)).unwrap()).location, None);
    for date in ["0000:00:00 00:00:00", "2024:13:01 00:00:00", "yesterday", "2024-05-03 12:00:00"] {
        let photo = [(0x9003, 2, 20, text(date))];
        assert_eq!(of_exif(Tiff::of_exif(&block(true, &[], &photo, &[])).unwrap()).taken, None, "{date}");
    }
}

#[test]
fn broken_blocks_never_panic() {
    let whole = full(false);
    for at in 0..whole.len() {
        drop(Tiff::of_exif(&whole[..at]).map(of_exif));
        for change in [1, 0x80, 0xff] {
            let mut broken = whole.clone();
            broken[at] ^= change;
            drop(Tiff::of_exif(&broken).map(of_exif));
        }
    }
}
