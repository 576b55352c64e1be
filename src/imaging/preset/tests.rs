use super::*;

fn sizes(width: u32, height: u32) -> Vec<(String, u32, u32)> {
    let presets: Vec<Preset> =
        Preset::standard().into_iter().map(|p| p.with_formats(&[Format::Jpeg])).collect();
    let targets = plan(&presets, (width, height), Focal::default());
    targets.iter().map(|t| (t.preset.name.clone(), t.width, t.height)).collect()
}

#[test]
fn renditions_are_never_upscaled_and_never_twice_the_same() {
    assert_eq!(sizes(500, 250), [("thumb".into(), 320, 160), ("small".into(), 500, 250)]);
    assert_eq!(sizes(640, 480), [("thumb".into(), 320, 240), ("small".into(), 640, 480)]);
    assert_eq!(sizes(100, 50), [("thumb".into(), 100, 50)]);
    assert_eq!(sizes(6000, 4000).last(), Some(&("large".into(), 2048, 1365)));
    assert_eq!(sizes(6000, 4000).len(), 4);
}

#[test]
fn each_format_and_audience_is_a_rendition_of_its_own() {
    let both = Preset::new("a", 300).with_formats(&[Format::Jpeg, Format::Webp]);
    let marked = Preset { marked: true, audience: Audience::Guests, ..Preset::new("b", 300) };
    let presets = [both, marked];
    let targets = plan(&presets, (100, 100), Focal::default());
    assert_eq!(targets.len(), 3);
}

#[test]
fn no_side_is_ever_zero() {
    assert_eq!(fit(1, 20_000, 320), (1, 320));
    assert_eq!(fit(1, 1, 320), (1, 1));
    assert_eq!(fit(30_000, 1, 0), (1, 1));
    assert_eq!(inside((3000, 2000), (600, 200)), (300, 200));
}

#[test]
fn a_cover_keeps_the_focal_point_in_sight() {
    let square = Preset { size: Size::Cover(200, 200), ..Preset::new("square", 1) };
    let presets = [square];
    let one = |size, focal: (f32, f32)| {
        let focal = Focal::at(focal.0, focal.1).unwrap();
        plan(&presets, size, focal).remove(0)
    };
    let middle = one((600, 400), (0.5, 0.5));
    assert_eq!((middle.width, middle.height, middle.frame), (200, 200, (300, 200)));
    for (x, left) in [(0.5, 50.0), (0.0, 0.0), (1.0, 100.0)] {
        assert!((one((600, 400), (x, 0.5)).crop.unwrap().left - left).abs() < 0.1);
    }
    // Smaller than the box: the largest part with its proportions.
    let small = one((150, 100), (0.5, 0.5));
    assert_eq!((small.width, small.height, small.frame), (100, 100, (150, 100)));
    for strip in [(1, 20_000), (20_000, 1), (1, 1)] {
        let target = one(strip, (0.9, 0.1));
        let crop = target.crop.unwrap();
        assert!(crop.left + crop.width <= f64::from(target.frame.0), "{target:?}");
        assert!(crop.top + crop.height <= f64::from(target.frame.1), "{target:?}");
    }
}

#[test]
fn settings_spell_presets() {
    let preset = |json: &str| serde_json::from_str::<Preset>(json);
    assert_eq!(preset(r#"{"name":"a","edge":320}"#).unwrap(), Preset::new("a", 320));
    let square =
        preset(r#"{"name":"s","width":4,"height":5,"fit":"cover","formats":["webp"],"when":"lazy"}"#);
    let square = square.unwrap();
    assert_eq!((square.size, square.when), (Size::Cover(4, 5), When::Lazy));
    assert_eq!(serde_json::from_value::<Preset>(serde_json::to_value(&square).unwrap()).unwrap(), square);
    for bad in [
        r#"{"name":"a"}"#,
        r#"{"name":"a","edge":1,"width":2}"#,
        r#"{"name":"a","width":2}"#,
        r#"{"name":"a","edge":1,"colour":2}"#,
        r#"{"name":"a","edge":1,"formats":["bmp"]}"#,
    ] {
        assert!(preset(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_recipe_in_a_file_is_checked_like_one_in_code() {
    use crate::imaging::Recipe;

    let written = serde_json::to_value(Recipe::standard()).unwrap();
    let read: Recipe = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(read.fingerprint(), Recipe::standard().fingerprint());
    let mut twice = written.clone();
    let presets = twice["presets"].as_array_mut().unwrap();
    presets.push(presets[0].clone());
    let mut none = written;
    none["presets"] = serde_json::json!([]);
    for wrong in [twice, none] {
        assert!(serde_json::from_value::<Recipe>(wrong).unwrap_err().to_string().starts_with("preset"));
    }
}
