use super::unsupported;
use crate::imaging::Refusal;

/// Bits behind the point of the numbers that are calculated with.
const FRACTION: u32 = 18;

/// Samples of more bits would not fit the calculation; no camera writes them.
const MAX_DEPTH: u8 = 12;

/// Black, white and the width of chroma as samples of a depth show them.
struct Range {
    black: f64,
    luma: f64,
    chroma: f64,
}

impl Range {
    fn new(full: bool, depth: u8) -> Result<Self, Refusal> {
        if !(8..=MAX_DEPTH).contains(&depth) {
            return Err(unsupported("a HEIF image of this depth"));
        }
        let unit = f64::from(1_u32 << (depth - 8));
        let whole = f64::from((1_u32 << depth) - 1);
        Ok(if full {
            Self { black: 0.0, luma: whole, chroma: whole }
        } else {
            Self { black: 16.0 * unit, luma: 219.0 * unit, chroma: 224.0 * unit }
        })
    }
}

/// From samples of luma to bytes.
pub(super) struct Scale {
    black: i32,
    factor: i32,
    sixteenth: i32,
}

impl Scale {
    pub(super) fn new(full: bool, depth: u8) -> Result<Self, Refusal> {
        let range = Range::new(full, depth)?;
        let factor = 255.0 / range.luma;
        Ok(Self { black: whole(range.black), factor: fixed(factor), sixteenth: fixed(factor / 16.0) })
    }

    pub(super) fn fixed(&self, sample: u16) -> i32 {
        (i32::from(sample) - self.black) * self.factor
    }

    pub(super) fn byte(&self, sample: u16) -> u8 {
        byte(self.fixed(sample))
    }

    /// The byte of a sample that counts sixteenths.
    pub(super) fn sixteenth(&self, sample: i32) -> u8 {
        byte((sample - 16 * self.black) * self.sixteenth)
    }
}

/// From luma and chroma to red, green and blue.
pub(super) struct Matrix {
    middle: i32,
    red: i32,
    green_of_red: i32,
    green_of_blue: i32,
    blue: i32,
}

impl Matrix {
    /// The matrix of this number (ITU-T H.273 table 4).
    pub(super) fn new(number: u16, full: bool, depth: u8) -> Result<Self, Refusal> {
        let (red, blue) = match number {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            // Unspecified means this one to everybody.
            2 | 5 | 6 => (0.299, 0.114),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            _ => return Err(unsupported("a HEIF image with unusual colours")),
        };
        let green = 1.0 - red - blue;
        let range = Range::new(full, depth)?;
        let unit = 255.0 / range.chroma / 16.0;
        let (of_red, of_blue) = (2.0 * (1.0 - red) * unit, 2.0 * (1.0 - blue) * unit);
        Ok(Self {
            middle: 16 << (depth - 1),
            red: fixed(of_red),
            green_of_red: fixed(of_red * red / green),
            green_of_blue: fixed(of_blue * blue / green),
            blue: fixed(of_blue),
        })
    }

    /// Takes luma as [`Scale::fixed`] gives it and chroma in sixteenths.
    pub(super) fn rgb(&self, luma: i32, blue: i32, red: i32) -> [u8; 3] {
        let (blue, red) = (blue - self.middle, red - self.middle);
        let green = luma - self.green_of_blue * blue - self.green_of_red * red;
        [byte(luma + self.red * red), byte(green), byte(luma + self.blue * blue)]
    }
}

fn byte(fixed: i32) -> u8 {
    let rounded = (fixed + (1 << (FRACTION - 1))) >> FRACTION;
    u8::try_from(rounded.clamp(0, 255)).unwrap_or_default()
}

fn fixed(value: f64) -> i32 {
    whole(value * f64::from(1_u32 << FRACTION))
}

#[allow(clippy::cast_possible_truncation, reason = "the values of this file are far below the limit")]
fn whole(value: f64) -> i32 {
    value.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luma, blue and red of one pixel, as samples.
    fn rgb(matrix: u16, full: bool, depth: u8, [luma, blue, red]: [u16; 3]) -> [u8; 3] {
        let scale = Scale::new(full, depth).unwrap();
        let matrix = Matrix::new(matrix, full, depth).unwrap();
        matrix.rgb(scale.fixed(luma), 16 * i32::from(blue), 16 * i32::from(red))
    }

    #[test]
    fn black_white_and_the_primaries_come_out() {
        for (matrix, full, depth, samples, seen) in [
            (6, true, 8, [0, 128, 128], [0, 0, 0]),
            (6, true, 8, [255, 128, 128], [255, 255, 255]),
            (6, true, 8, [76, 85, 255], [254, 0, 0]),
            (1, false, 8, [16, 128, 128], [0, 0, 0]),
            (1, false, 8, [235, 128, 128], [255, 255, 255]),
            (1, false, 8, [63, 102, 240], [255, 1, 0]),
            (9, false, 10, [64, 512, 512], [0, 0, 0]),
            (9, false, 10, [940, 512, 512], [255, 255, 255]),
            (9, true, 12, [4095, 2048, 2048], [255, 255, 255]),
            (9, true, 12, [2048, 2048, 2048], [128, 128, 128]),
            // Beyond what there is.
            (9, true, 12, [4095, 4095, 4095], [255, 161, 255]),
            (9, true, 12, [0, 0, 0], [0, 94, 0]),
        ] {
            assert_eq!(rgb(matrix, full, depth, samples), seen, "{matrix} {full} {depth} {samples:?}");
        }
    }

    #[test]
    fn what_cannot_be_calculated_is_refused() {
        assert!(Matrix::new(8, true, 8).is_err());
        assert!(Matrix::new(14, true, 8).is_err());
        assert!(Scale::new(true, 16).is_err());
        assert!(Scale::new(true, 7).is_err());
    }
}
