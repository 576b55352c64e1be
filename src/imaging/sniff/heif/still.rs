use super::meta::Meta;
use super::outline::Outline;
use super::traits::{CodePoints, Crop, Traits};
use super::{Boxed, Coding, Cursor, Refusal, unsupported};
use crate::imaging::limits::Limits;
use crate::imaging::orientation::Orientation;

/// Tiles that a picture may consist of.
const MAX_TILES: usize = 4096;

/// What of a file makes the picture that is to be seen.
#[derive(Debug)]
pub(crate) struct Still<'a> {
    pub(crate) coding: Coding,
    pub(crate) crop: Option<Crop>,
    pub(crate) colour: Tiles<'a>,
    pub(crate) opacity: Option<Tiles<'a>>,
    /// That the colours are multiplied with the opacity.
    pub(crate) multiplied: bool,
    pub(crate) profile: Option<&'a [u8]>,
    pub(crate) code_points: Option<CodePoints>,
}

/// A picture made of equal pieces, or of a single one.
#[derive(Debug)]
pub(crate) struct Tiles<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) columns: u32,
    /// Width and height of each.
    pub(crate) tile: (u32, u32),
    /// Rows from the top.
    pub(crate) pieces: Vec<Piece<'a>>,
}

/// A coded picture.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    /// The body of `av1C` or `hvcC`.
    pub(crate) config: &'a [u8],
    data: Vec<&'a [u8]>,
}

impl Piece<'_> {
    /// The coded bytes, put together.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.data.concat()
    }

    fn length(&self) -> u64 {
        self.data.iter().map(|part| part.len() as u64).sum()
    }
}

impl<'a> Still<'a> {
    /// Reads a file that was walked over.
    pub(crate) fn read(file: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut boxes = Boxed::all(file).filter_map(Result::ok);
        let meta = boxes.find(|boxed| &boxed.kind == b"meta").ok_or(Refusal::Corrupt)?;
        Self::find(&Meta::read(meta.body).map_err(super::broken)?, file, limits)
    }

    /// Finds the picture in a whole file and checks all that a decoder will be told against the limits.
    pub(super) fn find(meta: &Meta<'a>, file: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let outline = Outline::read(meta, limits)?;
        let finder = Finder { meta, file, limits, coding: outline.coding };
        let colour = finder.tiles(meta.primary, &outline.traits, &outline.first)?;
        let (mut opacity, mut multiplied) = (None, false);
        if let Some(alpha) = &outline.opacity {
            opacity = Some(finder.tiles(alpha.item, &alpha.traits, &alpha.first)?);
            multiplied = meta.targets(*b"prem", meta.primary).contains(&alpha.item);
        }
        // A piece that is used again and again is decoded again and again.
        let pieces = colour.pieces.iter().chain(opacity.iter().flat_map(|tiles| &tiles.pieces));
        if pieces.map(Piece::length).sum::<u64>() > limits.bytes {
            return Err(Refusal::TooLarge { limit: limits.bytes });
        }
        Ok(Self {
            coding: outline.coding,
            crop: outline.traits.crop,
            colour,
            opacity,
            multiplied,
            profile: outline.traits.profile.or(outline.first.profile),
            code_points: outline.traits.code_points.or(outline.first.code_points),
        })
    }
}

/// Looks for what makes a picture.
struct Finder<'m, 'a> {
    meta: &'m Meta<'a>,
    file: &'a [u8],
    limits: &'m Limits,
    coding: Coding,
}

impl<'a> Finder<'_, 'a> {
    fn tiles(&self, item: u32, whole: &Traits<'a>, first: &Traits<'a>) -> Result<Tiles<'a>, Refusal> {
        let (width, height) = whole.size;
        if &self.meta.item(item)?.kind != b"grid" {
            let pieces = vec![self.piece(item, whole)?];
            return Ok(Tiles { width, height, columns: 1, tile: whole.size, pieces });
        }
        let grid = Grid::read(&self.meta.data(item, self.file)?.concat())?;
        let items = self.meta.targets(*b"dimg", item);
        if grid.size != whole.size || items.len() as u64 != u64::from(grid.rows) * u64::from(grid.columns) {
            return Err(Refusal::Corrupt);
        }
        if items.len() > MAX_TILES {
            let what = format!("{} tiles, the limit is {MAX_TILES}", items.len());
            return Err(Refusal::TooManyPixels { what });
        }
        grid.covers(first.size, self.limits)?;
        let pieces = items.iter().map(|&item| self.tile(item, first)).collect::<Result<_, _>>()?;
        Ok(Tiles { width, height, columns: grid.columns, tile: first.size, pieces })
    }

    /// A tile, which has to be like the first.
    fn tile(&self, item: u32, first: &Traits<'a>) -> Result<Piece<'a>, Refusal> {
        let traits = Traits::of(self.meta.item(item)?)?;
        let memory = |traits: &Traits<'_>| self.coding.memory(traits.config);
        if traits.size != first.size || memory(&traits) != memory(first) {
            return Err(unsupported("a HEIF image of unequal tiles"));
        }
        if traits.crop.is_some() || traits.orientation != Orientation::default() {
            return Err(unsupported("a HEIF image whose tiles are turned or cut"));
        }
        self.piece(item, &traits)
    }

    fn piece(&self, item: u32, traits: &Traits<'a>) -> Result<Piece<'a>, Refusal> {
        let found = self.meta.item(item)?;
        if found.kind != self.coding.item() {
            return Err(unsupported("a HEIF image of several codings"));
        }
        let piece = Piece { config: traits.config, data: self.meta.data(item, self.file)? };
        if piece.length() == 0 || piece.config.is_empty() {
            return Err(Refusal::Corrupt);
        }
        Ok(piece)
    }
}

/// How a picture is made of tiles.
struct Grid {
    rows: u32,
    columns: u32,
    size: (u32, u32),
}

impl Grid {
    fn read(data: &[u8]) -> Result<Self, Refusal> {
        let mut data = Cursor::new(data);
        let mut read = || {
            let [version, flags, rows, columns] = data.array()?;
            let size = match flags & 1 {
                0 => (u32::from(data.u16_be()?), u32::from(data.u16_be()?)),
                _ => (data.u32_be()?, data.u32_be()?),
            };
            Ok((version, Self { rows: u32::from(rows) + 1, columns: u32::from(columns) + 1, size }))
        };
        match read().map_err(super::broken)? {
            (0, grid) => Ok(grid),
            _ => Err(Refusal::Corrupt),
        }
    }

    /// Refuses more tiles than the picture needs, or fewer.
    fn covers(&self, tile: (u32, u32), limits: &Limits) -> Result<(), Refusal> {
        let fits = |side: u32, tile: u32, count: u32| side.div_ceil(tile.max(1)) == count;
        if !fits(self.size.0, tile.0, self.columns) || !fits(self.size.1, tile.1, self.rows) {
            return Err(Refusal::Corrupt);
        }
        limits.check_size(self.columns.saturating_mul(tile.0), self.rows.saturating_mul(tile.1))
    }
}
