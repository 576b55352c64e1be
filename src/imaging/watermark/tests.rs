use super::*;

fn text(text: &str) -> Watermark {
    Watermark { text: Some(text.to_owned()), png: None, place: Place::default(), opacity: 0.5, size: 0.1 }
}

fn grey(width: u32, height: u32, kind: Kind) -> Raster {
    Raster { width, height, kind, data: vec![100; (width * height) as usize * kind.channels()] }
}

/// Where pixels have changed: left, top, right and bottom.
fn changed(picture: &Raster) -> Option<(usize, usize, usize, usize)> {
    let channels = picture.kind.channels();
    let places =
        picture.data.chunks(channels).enumerate().filter(|(_, pixel)| pixel.iter().any(|v| *v != 100));
    let width = picture.width as usize;
    places.map(|(at, _)| (at % width, at / width)).fold(None, |bounds, (x, y)| {
        let (l, t, r, b) = bounds.unwrap_or((x, y, x, y));
        Some((l.min(x), t.min(y), r.max(x), b.max(y)))
    })
}

#[test]
fn a_text_lies_where_it_should() {
    for (place, right, bottom) in [
        (Place::BottomRight, true, true),
        (Place::BottomLeft, false, true),
        (Place::TopRight, true, false),
        (Place::TopLeft, false, false),
    ] {
        let stamp = Watermark { place, ..text("© Ada") }.prepared().unwrap();
        let marked = stamp.applied(grey(800, 600, Kind::Rgb)).unwrap();
        let (l, t, r, b) = changed(&marked).unwrap();
        assert_eq!((l > 400, t > 300), (right, bottom), "{place:?}");
        assert!(r - l > 80 && b - t > 30 && b - t < 70, "{place:?}");
        // Light and dark at once.
        assert!(marked.data.iter().any(|v| *v > 160) && marked.data.iter().any(|v| *v < 85), "{place:?}");
    }
    let tiled = Watermark { place: Place::Tiled, ..text("© Ada") }.prepared().unwrap();
    let (l, t, r, b) = changed(&tiled.applied(grey(800, 600, Kind::Rgb)).unwrap()).unwrap();
    assert!(l < 60 && t < 60 && r > 700 && b > 450);
}

#[test]
fn opacity_goes_from_nothing_to_all() {
    let none = Watermark { opacity: 0.0, ..text("Ada") }.prepared().unwrap();
    assert_eq!(changed(&none.applied(grey(400, 300, Kind::Rgb)).unwrap()), None);
    let all = Watermark { opacity: 1.0, ..text("Ada") }.prepared().unwrap();
    assert!(all.applied(grey(400, 300, Kind::Rgb)).unwrap().data.contains(&255));
    let clear = Raster { data: vec![0; 400 * 300 * 4], ..grey(400, 300, Kind::Rgba) };
    let marked = all.applied(clear).unwrap();
    assert!(marked.data.chunks(4).any(|pixel| pixel == [255; 4]));
}

#[test]
fn every_picture_is_marked_however_small() {
    for (width, height) in [(1, 1), (3, 2000), (2000, 3), (20, 20)] {
        for kind in [Kind::Rgb, Kind::Rgba] {
            let stamp =
                Watermark { opacity: 1.0, ..text("A long text for a small picture") }.prepared().unwrap();
            let marked = stamp.applied(grey(width, height, kind)).unwrap();
            assert!(changed(&marked).is_some(), "{width} x {height}");
        }
    }
}

#[test]
fn a_png_is_drawn_with_its_transparency() {
    use image::ImageEncoder;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mark.png");
    let pixels: Vec<u8> =
        (0..40 * 20).flat_map(|at| [255, 0, 0, if at % 40 < 20 { 255 } else { 0 }]).collect();
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(&pixels, 40, 20, image::ExtendedColorType::Rgba8).unwrap();
    std::fs::write(&path, file).unwrap();
    let mark =
        Watermark { text: None, png: Some(path.clone()), opacity: 1.0, place: Place::TopLeft, size: 0.2 };
    let stamp = mark.prepared().unwrap();
    let marked = stamp.applied(grey(400, 200, Kind::Rgb)).unwrap();
    let (l, t, r, b) = changed(&marked).unwrap();
    assert!((b - t).abs_diff(40) < 4 && (r - l).abs_diff(42) < 6, "{l} {t} {r} {b}");
    let copy: Stamp = serde_json::from_str(&serde_json::to_string(&stamp).unwrap()).unwrap();
    assert_eq!(copy, stamp);
    std::fs::write(&path, b"no png").unwrap();
    assert!(mark.prepared().unwrap_err().to_string().contains("no PNG"));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    for (mark, wrong) in [
        (text(""), "1 to 80"),
        (text(&"x".repeat(81)), "1 to 80"),
        (text("a\tb"), "'\\t'"),
        (text("日本"), "'日'"),
        (Watermark { opacity: 1.5, ..text("a") }, "from 0 to 1"),
        (Watermark { size: f32::NAN, ..text("a") }, "from 0.01 to 1"),
        (Watermark { size: 0.0, ..text("a") }, "from 0.01 to 1"),
        (Watermark { text: None, ..text("a") }, "either"),
        (Watermark { png: Some("x.png".into()), ..text("a") }, "either"),
        (Watermark { text: None, png: Some("nowhere.png".into()), ..text("a") }, "cannot be read"),
    ] {
        let error = mark.prepared().unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
}
