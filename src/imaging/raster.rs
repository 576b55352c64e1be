use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Refusal;
use super::preset::Crop;

/// What the bytes of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One byte of grey.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and opacity, not multiplied; what cannot be seen is black.
    Rgba,
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
            Self::Rgba | Self::Cmyk | Self::InvertedCmyk => 4,
        }
    }

    fn pixel_type(self) -> PixelType {
        match self {
            Self::Grey => PixelType::U8,
            Self::Rgb => PixelType::U8x3,
            Self::Rgba | Self::Cmyk | Self::InvertedCmyk => PixelType::U8x4,
        }
    }
}

/// Pixels in memory, rows from the top, without padding.
#[derive(Debug, Clone)]
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

impl Raster {
    /// The picture at another size, Lanczos3 in the encoded values, opacity weighed in.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Result<Self, Refusal> {
        self.convolved(width, height, ResizeOptions::new())
    }

    /// Like [`Self::resized`], giving the larger picture's memory back.
    pub(crate) fn into_resized(self, width: u32, height: u32) -> Result<Self, Refusal> {
        if (self.width, self.height) == (width, height) { Ok(self) } else { self.resized(width, height) }
    }

    /// A part of the picture, given in pixels of `frame`, at another size.
    pub(crate) fn cropped(&self, crop: Crop, frame: (u32, u32), size: (u32, u32)) -> Result<Self, Refusal> {
        let (x, y) = (
            f64::from(self.width) / f64::from(frame.0.max(1)),
            f64::from(self.height) / f64::from(frame.1.max(1)),
        );
        let (left, top) = (crop.left * x, crop.top * y);
        let width = (crop.width * x).min(f64::from(self.width) - left);
        let height = (crop.height * y).min(f64::from(self.height) - top);
        self.convolved(size.0, size.1, ResizeOptions::new().crop(left, top, width, height))
    }

    fn convolved(&self, width: u32, height: u32, options: ResizeOptions) -> Result<Self, Refusal> {
        let pixel_type = self.kind.pixel_type();
        let source =
            ImageRef::new(self.width, self.height, &self.data, pixel_type).map_err(|_| Refusal::Corrupt)?;
        let mut target = Image::new(width, height, pixel_type);
        let options = options
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .use_alpha(self.kind == Kind::Rgba);
        Resizer::new().resize(&source, &mut target, &options).map_err(|_| Refusal::Corrupt)?;
        Ok(Self { width, height, kind: self.kind, data: target.into_vec() })
    }

    /// The picture without transparency, laid on white. Takes RGB, with opacity or without.
    pub(crate) fn flattened(&self) -> Cow<'_, Self> {
        if self.kind != Kind::Rgba {
            return Cow::Borrowed(self);
        }
        let (pixels, _) = self.data.as_chunks::<4>();
        let on_white = |value: u8, alpha: u8| {
            let (value, alpha) = (u16::from(value), u16::from(alpha));
            u8::try_from((value * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
        };
        let data = pixels.iter().flat_map(|&[r, g, b, a]| [r, g, b].map(|value| on_white(value, a)));
        Cow::Owned(Self { kind: Kind::Rgb, data: data.collect(), ..*self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_flat() {
        for kind in [Kind::Grey, Kind::Rgb, Kind::Rgba, Kind::Cmyk] {
            let data = vec![77; 40 * 30 * kind.channels()];
            let raster = Raster { width: 40, height: 30, kind, data };
            let small = raster.into_resized(20, 15).unwrap();
            let off = small.data.iter().filter(|value| value.abs_diff(77) > 1).count();
            assert_eq!((off, small.data.len()), (0, 20 * 15 * kind.channels()));
        }
    }

    #[test]
    fn what_cannot_be_seen_does_not_bleed() {
        // Left half red, right half transparent black.
        let row: Vec<u8> = [[200, 0, 0, 255].repeat(20), [0, 0, 0, 0].repeat(20)].concat();
        let raster = Raster { width: 40, height: 40, kind: Kind::Rgba, data: row.repeat(40) };
        let small = raster.resized(10, 10).unwrap();
        for pixel in small.data.chunks(4).filter(|pixel| pixel[3] > 20) {
            assert!(pixel[0] > 180, "{pixel:?}");
        }
    }

    #[test]
    fn a_part_is_cut_out_where_it_is() {
        let data = (0..40_u8).flat_map(|x| [x, x, x]).collect::<Vec<_>>().repeat(40);
        let raster = Raster { width: 40, height: 40, kind: Kind::Rgb, data };
        let crop = Crop { left: 10.0, top: 0.0, width: 10.0, height: 10.0 };
        let part = raster.cropped(crop, (20, 20), (20, 20)).unwrap();
        assert_eq!((part.data[0], part.data[19 * 3]), (20, 39));
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_refused() {
        let raster = Raster { width: 40, height: 30, kind: Kind::Rgb, data: vec![0; 5] };
        assert_eq!(raster.resized(4, 3).unwrap_err(), Refusal::Corrupt);
    }

    #[test]
    fn white_shows_through() {
        let raster = Raster { width: 1, height: 1, kind: Kind::Rgba, data: vec![0, 100, 255, 128] };
        assert_eq!(raster.flattened().data, [127, 177, 255]);
    }
}
