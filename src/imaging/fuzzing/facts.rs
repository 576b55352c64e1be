use galerra_core::{Facts, Location};

use super::limits;
use crate::imaging::facts::{of_exif, read};
use crate::imaging::sniff::{Extent, inspect};
use crate::imaging::tiff::Tiff;

/// Reads the facts of an image, and of the bytes as an EXIF block.
pub fn facts(bytes: &[u8]) {
    if let Ok(header) = inspect(bytes, Extent::Whole, &limits()) {
        sensible(&read(bytes, header.format));
    }
    if let Some(tiff) = Tiff::of_exif(bytes) {
        sensible(&of_exif(tiff));
    }
}

/// Short texts that can be shown, and places on earth.
fn sensible(facts: &Facts) {
    let texts = [&facts.taken, &facts.camera, &facts.lens, &facts.exposure];
    for text in texts.into_iter().flatten() {
        assert!(!text.is_empty() && text.chars().count() <= 250 && !text.chars().any(char::is_control));
    }
    if let Some(Location { latitude, longitude, altitude }) = facts.location {
        assert!((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude));
        assert!(altitude.is_none_or(f64::is_finite));
    }
}
