use galerra_core::{Developed, Focal, Format, Order, Rendered, Want};

use super::limits;
use crate::imaging::limits::Limits;
use crate::imaging::orientation::Orientation;
use crate::imaging::preset::{Gamut, Preset, Size, When};
use crate::imaging::recipe::Recipe;
use crate::imaging::sniff::{Extent, inspect};
use crate::imaging::{average_colour, decode};

/// Any bytes are refused, or become sound renditions of the sizes that were planned.
pub fn develop(bytes: &[u8]) {
    let (recipe, focal) = (recipe(), focal(bytes));
    let eager = Order { focal, want: Want::Eager };
    let Ok(made) = crate::imaging::develop(bytes, &limits(), &recipe, &eager) else { return };
    check(&made);
    let lazy = made.renditions.iter().filter(|rendered| rendered.bytes.is_none());
    let files: Vec<String> = lazy.map(file).collect();
    assert!(files.iter().all(|file| file.starts_with("lazy")), "what is eager was made");
    later(bytes, &recipe, &made, &Order { focal, want: Want::Files(files) });
}

/// One preset of every kind, so that each path is walked.
fn recipe() -> Recipe {
    let preset = |name: &str, size| Preset { size, ..Preset::new(name, 1) };
    let presets = vec![
        preset("thumb", Size::Edge(64)),
        preset("square", Size::Cover(48, 48)),
        Preset { gamut: Gamut::P3, ..preset("wide", Size::Cover(200, 20)) },
        preset("inside", Size::Inside(300, 100)),
        Preset { when: When::Lazy, ..preset("lazy", Size::Edge(600)) },
        Preset { when: When::Lazy, ..preset("lazy-tall", Size::Cover(30, 500)) },
    ];
    Recipe::new(presets).expect("the presets fit together")
}

/// A focal point that the input decides on.
fn focal(bytes: &[u8]) -> Focal {
    let share = |byte: Option<&u8>| f32::from(byte.copied().unwrap_or(128)) / 255.0;
    let near_end = bytes.len().checked_sub(2).and_then(|at| bytes.get(at));
    Focal::at(share(bytes.last()), share(near_end)).expect("a byte's share is from 0 to 1")
}

fn file(rendered: &Rendered) -> String {
    format!("{}.{}", rendered.name, rendered.format.extension())
}

fn check(made: &Developed) {
    let bounds = limits();
    assert!(bounds.check_size(made.width, made.height).is_ok(), "{}x{}", made.width, made.height);
    assert!(average_colour(&made.placeholder).is_some(), "{}", made.placeholder);
    assert!(made.colour.len() == 7 && made.colour.starts_with('#'), "{}", made.colour);
    assert!(!made.renditions.is_empty());
    let areas = made.renditions.iter().map(|rendered| u64::from(rendered.width) * u64::from(rendered.height));
    assert!(areas.is_sorted(), "smallest first: {:?}", made.renditions);
    for rendered in &made.renditions {
        assert!(rendered.width <= made.width && rendered.height <= made.height, "{rendered:?}");
        sound(rendered);
    }
}

/// Bytes that were made are an upright image of the size that was said, with nothing after it.
fn sound(rendered: &Rendered) {
    let Some(bytes) = &rendered.bytes else { return };
    let limits = Limits::default();
    let header = inspect(bytes, Extent::Whole, &limits).expect("a rendition is a sound image");
    let moving = rendered.name == "animation";
    assert!(moving || rendered.format == Format::Jpeg);
    let said = (rendered.format, rendered.width, rendered.height);
    assert_eq!((header.format, header.width, header.height), said);
    if moving {
        return;
    }
    assert_eq!((header.orientation, header.end), (Orientation::default(), bytes.len()));
    let raster =
        decode::decode(bytes, &header, &limits, u32::MAX).expect("a rendition can be decoded").raster;
    assert_eq!((raster.width, raster.height), (rendered.width, rendered.height));
}

/// What was planned can be made later: the plan is the same, and all that is ordered gets made.
fn later(bytes: &[u8], recipe: &Recipe, first: &Developed, order: &Order) {
    let sizes = |made: &Developed| -> Vec<_> {
        made.renditions.iter().map(|rendered| (file(rendered), rendered.width, rendered.height)).collect()
    };
    match crate::imaging::develop(bytes, &limits(), recipe, order) {
        Ok(second) => {
            check(&second);
            assert_eq!(sizes(first), sizes(&second));
            let made = |made: &Developed, file: &Rendered| {
                made.renditions.iter().any(|one| one.name == file.name && one.bytes.is_some())
            };
            assert!(first.renditions.iter().all(|rendered| made(first, rendered) != made(&second, rendered)));
        }
        // The larger renditions may take more memory than there is, and damage that one scale hides shows at another.
        Err(refusal) => {
            let known = ["image-too-large", "image-corrupt", "image-truncated"];
            assert!(known.contains(&refusal.code()), "{refusal:?}");
        }
    }
}
