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
