use super::planes::{Area, Chroma, Plane, Planes};

/// The samples of one row of a tile, one for each pixel.
pub(super) struct Lines<'p> {
    picture: &'p dyn Planes,
    pub(super) luma: Vec<u16>,
    pub(super) blue: ChromaLine,
    pub(super) red: ChromaLine,
}

/// Chroma in sixteenths of its unit, brought to every pixel.
pub(super) struct ChromaLine {
    plane: Plane,
    chroma: Chroma,
    /// Rows of chroma that are to be seen.
    height: u32,
    near: Vec<u16>,
    far: Vec<u16>,
    /// Both weighed, in quarters, with one more sample before the first and after the last.
    blended: Vec<i32>,
    pub(super) line: Vec<i32>,
}

impl<'p> Lines<'p> {
    pub(super) fn new(picture: &'p dyn Planes, place: Area) -> Self {
        let chroma = |plane| ChromaLine::new(plane, picture.chroma(), place);
        Self {
            picture,
            luma: vec![0; place.width as usize],
            blue: chroma(Plane::Blue),
            red: chroma(Plane::Red),
        }
    }

    pub(super) fn read_luma(&mut self, y: u32) -> Option<()> {
        self.picture.row(Plane::Luma, y, &mut self.luma)
    }

    pub(super) fn read_chroma(&mut self, y: u32) -> Option<()> {
        self.blue.read(self.picture, y)?;
        self.red.read(self.picture, y)
    }
}

impl ChromaLine {
    fn new(plane: Plane, chroma: Chroma, area: Area) -> Self {
        let width = match chroma {
            Chroma::None => 0,
            Chroma::Quarter | Chroma::Half => area.width.div_ceil(2) as usize,
            Chroma::Full => area.width as usize,
        };
        let height = if chroma == Chroma::Quarter { area.height.div_ceil(2) } else { area.height };
        let line = vec![0; area.width as usize];
        let (near, far) = (vec![0; width], vec![0; width]);
        Self { plane, chroma, height, near, far, blended: vec![0; width + 2], line }
    }

    /// Reads what belongs to a row of pixels, weighing the nearer sample three times as much as the next.
    fn read(&mut self, picture: &dyn Planes, y: u32) -> Option<()> {
        let (near, far) = match self.chroma {
            Chroma::Quarter if y.is_multiple_of(2) => (y / 2, (y / 2).saturating_sub(1)),
            Chroma::Quarter => (y / 2, (y / 2 + 1).min(self.height.saturating_sub(1))),
            _ => (y, y),
        };
        picture.row(self.plane, near, &mut self.near)?;
        picture.row(self.plane, far, &mut self.far)?;
        let [first, inner @ .., last] = &mut self.blended[..] else { return None };
        for (blended, (&near, &far)) in inner.iter_mut().zip(self.near.iter().zip(&self.far)) {
            *blended = 3 * i32::from(near) + i32::from(far);
        }
        (*first, *last) = (*inner.first()?, *inner.last()?);
        self.widen();
        Some(())
    }

    fn widen(&mut self) {
        let blended = &self.blended;
        if self.chroma == Chroma::Full {
            let inner = blended.iter().skip(1);
            self.line.iter_mut().zip(inner).for_each(|(sample, blended)| *sample = 4 * blended);
            return;
        }
        let around = || blended.windows(3).filter_map(<[_]>::first_chunk::<3>);
        let (pairs, odd) = self.line.as_chunks_mut::<2>();
        for ([left, right], [before, here, after]) in pairs.iter_mut().zip(around()) {
            (*left, *right) = (3 * here + before, 3 * here + after);
        }
        if let (Some(sample), Some([before, here, _])) = (odd.first_mut(), around().next_back()) {
            *sample = 3 * here + before;
        }
    }
}
