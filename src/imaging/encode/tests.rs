use super::*;

#[test]
fn nothing_but_the_picture_is_written() {
    let raster = Raster { width: 33, height: 17, kind: Kind::Rgb, data: vec![128; 33 * 17 * 3] };
    let file = jpeg(&raster, 80, Gamut::Srgb).unwrap();
    let mut at = 2;
    let mut markers = Vec::new();
    while markers.last() != Some(&0xda) {
        markers.push(file[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
    }
    assert!(markers.iter().all(|marker| matches!(marker, 0xe0 | 0xdb | 0xc0 | 0xc4 | 0xda)), "{markers:x?}");
    assert!(file.ends_with(&[0xff, 0xd9]));
}

/// Red to the left and blue to the right, clear at the top where there is opacity.
#[cfg(all(feature = "avif", feature = "heif"))]
fn halves(kind: Kind) -> Raster {
    let (width, height) = (50_u32, 30_u32);
    let pixel = |x: u32, y: u32| {
        let colour: [u8; 3] = if x < 25 { [220, 20, 20] } else { [20, 20, 220] };
        let opacity = (kind == Kind::Rgba).then_some(if y < 15 { 0 } else { 255 });
        colour.into_iter().chain(opacity)
    };
    let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Raster { width, height, kind, data }
}

#[cfg(all(feature = "avif", feature = "heif"))]
#[test]
fn an_avif_is_the_picture_and_nothing_else() {
    use crate::imaging::decode;
    use crate::imaging::limits::Limits;
    use crate::imaging::sniff::{Extent, inspect};

    let limits = Limits::default();
    for kind in [Kind::Rgb, Kind::Rgba] {
        let file = encode(&halves(kind), Format::Avif, 80, Gamut::Srgb).unwrap();
        let header = inspect(&file, Extent::Whole, &limits).unwrap();
        assert_eq!((header.format, header.width, header.height), (Format::Avif, 50, 30));
        let raster = decode::decode(&file, &header, &limits, 50).unwrap().raster;
        assert_eq!(raster.kind, kind);
        for (x, wanted) in [(3, [220, 20, 20]), (46, [20, 20, 220])] {
            let at = (25 * 50 + x) * kind.channels();
            let near = |(seen, wanted): (&u8, u8)| seen.abs_diff(wanted) < 16;
            assert!(
                raster.data[at..].iter().zip(wanted).all(near),
                "{kind:?}: {:?}",
                &raster.data[at..at + 3]
            );
        }
        if kind == Kind::Rgba {
            assert_eq!((raster.data[3], raster.data[(25 * 50 + 3) * 4 + 3]), (0, 255));
        }
        for other in ["Exif", "mime", "xml", "prof", "uuid", "udta", "http"] {
            assert_eq!(memchr::memmem::find(&file, other.as_bytes()), None, "{other}");
        }
    }
}
