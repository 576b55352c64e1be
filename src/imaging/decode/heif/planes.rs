use crate::imaging::raster::Raster;
use crate::imaging::sniff::CodePoints;

/// A decoded picture: luma, and two planes of chroma unless it is grey.
pub(super) trait Planes {
    /// Bits of a sample.
    fn depth(&self) -> u8;
    fn chroma(&self) -> Chroma;
    /// The colours as the coded picture itself describes them.
    fn code_points(&self) -> CodePoints;
    /// Copies the beginning of a row; `None` if there are not as many samples.
    fn row(&self, plane: Plane, y: u32, into: &mut [u16]) -> Option<()>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plane {
    Luma,
    Blue,
    Red,
}

/// How many pixels share a sample of chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chroma {
    None,
    /// Two by two, 4:2:0.
    Quarter,
    /// Two beside each other, 4:2:2.
    Half,
    /// 4:4:4.
    Full,
}

/// Where in a picture a tile belongs, without what is beyond its edges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Area {
    /// The rows of the picture that it lies in, each from its left edge to its right one.
    pub(super) fn rows(self, raster: &mut Raster) -> impl Iterator<Item = &mut [u8]> {
        let channels = raster.kind.channels();
        let stride = raster.width as usize * channels;
        let start = self.left as usize * channels;
        let part = start..start + self.width as usize * channels;
        let rows = raster.data.chunks_exact_mut(stride.max(1));
        let rows = rows.skip(self.top as usize).take(self.height as usize);
        rows.map(move |row| row.get_mut(part.clone()).unwrap_or_default())
    }
}
