//! Reads pairs of PNG files, a reference and a picture, separated by tabs, one pair a line; says the SSIMULACRA2
//! score of each: 100 is the same, 70 is high quality.

use std::error::Error;
use std::io::{BufRead, stdin};

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let line = line?;
        let (reference, picture) = line.split_once('\t').ok_or("two paths a line")?;
        println!("{:.3}", compute_frame_ssimulacra2(open(reference)?, open(picture)?)?);
    }
    Ok(())
}

fn open(path: &str) -> Result<Rgb, Box<dyn Error>> {
    let picture = image::open(path)?.into_rgb32f();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = picture.pixels().map(|pixel| pixel.0).collect();
    Ok(Rgb::new(pixels, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709)?)
}
