use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Refusal;

/// What the bytes of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One byte of grey.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and a byte that says nothing.
    Rgbx,
    /// Four inks, 255 is full ink.
    Cmyk,
    /// Four inks, 255 is no ink (as Adobe writes them).
    InvertedCmyk,
}

impl Kind {
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Rgbx | Self::Cmyk | Self::InvertedCmyk => 4,
        }
    }

    fn pixel_type(self) -> PixelType {
        match self {
            Self::Grey => PixelType::U8,
            Self::Rgb => PixelType::U8x3,
            Self::Rgbx | Self::Cmyk | Self::InvertedCmyk => PixelType::U8x4,
        }
    }
}

/// Pixels in memory, rows from the top, without padding.
#[derive(Debug)]
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

impl Raster {
    /// The picture at another size, Lanczos3; the same picture when the size is the same.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Result<Self, Refusal> {
        let pixel_type = self.kind.pixel_type();
        let source =
            ImageRef::new(self.width, self.height, &self.data, pixel_type).map_err(|_| Refusal::Corrupt)?;
        let mut target = Image::new(width, height, pixel_type);
        // The fourth byte is ink or nothing, never alpha: pictures are flattened when they are decoded.
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
        Resizer::new().resize(&source, &mut target, &options).map_err(|_| Refusal::Corrupt)?;
        Ok(Self { width, height, kind: self.kind, data: target.into_vec() })
    }

    /// Like [`Self::resized`], giving the larger picture's memory back.
    pub(crate) fn into_resized(self, width: u32, height: u32) -> Result<Self, Refusal> {
        if (self.width, self.height) == (width, height) { Ok(self) } else { self.resized(width, height) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_flat() {
        for kind in [Kind::Grey, Kind::Rgb, Kind::Rgbx, Kind::Cmyk] {
            let data = vec![77; 40 * 30 * kind.channels()];
            let raster = Raster { width: 40, height: 30, kind, data };
            let small = raster.into_resized(20, 15).unwrap();
            assert_eq!(small.data, vec![77; 20 * 15 * kind.channels()]);
        }
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_refused() {
        let raster = Raster { width: 40, height: 30, kind: Kind::Rgb, data: vec![0; 5] };
        assert_eq!(raster.resized(4, 3).unwrap_err(), Refusal::Corrupt);
    }
}
