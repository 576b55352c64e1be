use heifer_hevc_dec::Error;
use heifer_hevc_dec::nal::{NalUnit, NalUnitType};
use heifer_hevc_dec::params::{ParameterSets, Sps, Vui};
use heifer_hevc_dec::recon::{Frame, Reconstructor};
use heifer_hevc_dec::slice::SliceHeader;
use heifer_hevc_dec::syntax::{Picture, decode_slice_segment};

use super::planes::{Chroma, Plane, Planes};
use super::unsupported;
use crate::imaging::Refusal;
use crate::imaging::sniff::{CodePoints, Cursor, Piece, Stop};

/// Pixels on a side of the largest block: a coded picture is larger than what is seen by less than that.
const BLOCK: u32 = 64;

/// A picture as the decoder has left it.
pub(super) struct Hevc {
    frame: Frame,
    points: CodePoints,
}

/// Decodes one coded picture of this size.
///
/// This is the loop of the decoder's own `decode_picture`, but for two things: the size is checked before
/// anything is calculated with it, and no part of the picture is decoded twice, however often it is sent.
pub(super) fn decode(piece: &Piece<'_>, size: (u32, u32)) -> Result<Hevc, Refusal> {
    let config = Config::read(piece.config).map_err(|_| Refusal::Corrupt)?;
    let sets = parameter_sets(&config, size)?;
    let bytes = piece.bytes();
    let units = slices(&bytes, config.prefix)?;
    let first = units.first().ok_or(Refusal::Corrupt)?;
    let first = SliceHeader::parse(&first.rbsp, &first.header, &sets, None).map_err(refusal)?;
    let (pps, sps) = sets.get(usize::from(first.slice_pic_parameter_set_id)).map_err(refusal)?;
    let mut picture = Picture::new(sps, pps);
    let mut pixels = Reconstructor::new(sps, pps);
    let mut previous = None;
    for unit in &units {
        if picture.is_complete() {
            break;
        }
        let header =
            SliceHeader::parse(&unit.rbsp, &unit.header, &sets, previous.as_ref()).map_err(refusal)?;
        let place = picture.layout.rs_to_ts.get(header.slice_segment_address as usize);
        let same = header.slice_pic_parameter_set_id == first.slice_pic_parameter_set_id;
        if place != Some(&picture.decoded_ctbs) || !same {
            return Err(Refusal::Corrupt);
        }
        let data = unit.rbsp.get(header.header_size..).ok_or(Refusal::Corrupt)?;
        let quantiser = header.slice_qp_y(&sets).map_err(refusal)?;
        pixels.start_slice(&header);
        decode_slice_segment(&mut picture, &header, quantiser, data, &mut pixels).map_err(refusal)?;
        if let Some(error) = pixels.error.take() {
            return Err(refusal(error));
        }
        if !header.dependent_slice_segment_flag {
            previous = Some(header);
        }
    }
    if !picture.is_complete() {
        return Err(Refusal::Corrupt);
    }
    let points = sps.vui.as_ref().map_or(CodePoints::UNSPECIFIED, code_points);
    Ok(Hevc { frame: pixels.finish(false), points })
}

/// The body of `hvcC`.
struct Config<'a> {
    /// Bytes of the length before each unit of the data.
    prefix: usize,
    units: Vec<&'a [u8]>,
}

impl<'a> Config<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Stop> {
        let mut body = Cursor::new(body);
        body.take(21)?;
        let prefix = usize::from(body.u8()? & 3) + 1;
        let mut units = Vec::new();
        for _ in 0..body.u8()? {
            body.u8()?;
            for _ in 0..body.u16_be()? {
                let length = body.u16_be()?;
                units.push(body.take(usize::from(length))?);
            }
        }
        Ok(Self { prefix, units })
    }
}

/// What the configuration says about the picture, as far as the picture is of this size.
fn parameter_sets(config: &Config<'_>, size: (u32, u32)) -> Result<ParameterSets, Refusal> {
    let mut sets = ParameterSets::default();
    let mut settled = false;
    for unit in &config.units {
        let unit = NalUnit::parse(unit).map_err(refusal)?;
        match unit.header.unit_type {
            // What was calculated from the one before must not meet another.
            NalUnitType::Sps if settled => return Err(Refusal::Corrupt),
            NalUnitType::Pps => settled = true,
            _ => {}
        }
        if unit.header.unit_type == NalUnitType::Sps {
            check(&Sps::parse(&unit.rbsp).map_err(refusal)?, size)?;
        }
        sets.add(&unit).map_err(refusal)?;
    }
    Ok(sets)
}

fn check(sps: &Sps, (width, height): (u32, u32)) -> Result<(), Refusal> {
    let fits = |coded: u32, seen: u32| coded >= seen && coded - seen < BLOCK;
    if !fits(sps.pic_width_in_luma_samples, width) || !fits(sps.pic_height_in_luma_samples, height) {
        return Err(Refusal::Corrupt);
    }
    let [left, _, top, _] = sps.conf_win_offsets;
    let depths = sps.bit_depth_luma == sps.bit_depth_chroma || sps.chroma_format_idc == 0;
    if (left, top) != (0, 0) || !depths || sps.separate_colour_plane_flag {
        return Err(unsupported("a HEIC image of this coding"));
    }
    Ok(())
}

/// The units of the data that hold parts of the picture.
fn slices(bytes: &[u8], prefix: usize) -> Result<Vec<NalUnit<'_>>, Refusal> {
    let mut cursor = Cursor::new(bytes);
    let mut units = Vec::new();
    let mut next = || {
        let length = cursor.take(prefix)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        cursor.take(length).map(|unit| (unit, cursor.rest().is_empty()))
    };
    loop {
        let (unit, last) = next().map_err(|_: Stop| Refusal::Corrupt)?;
        let unit = NalUnit::parse(unit).map_err(refusal)?;
        if unit.header.unit_type.is_slice() {
            units.push(unit);
        }
        if last {
            return Ok(units);
        }
    }
}

fn code_points(vui: &Vui) -> CodePoints {
    CodePoints {
        primaries: vui.colour_primaries.into(),
        transfer: vui.transfer_characteristics.into(),
        matrix: vui.matrix_coeffs.into(),
        full_range: vui.video_full_range_flag,
    }
}

impl Planes for Hevc {
    fn depth(&self) -> u8 {
        let [luma, _] = self.frame.bit_depth;
        luma
    }

    fn chroma(&self) -> Chroma {
        match self.frame.chroma_format {
            0 => Chroma::None,
            1 => Chroma::Quarter,
            2 => Chroma::Half,
            _ => Chroma::Full,
        }
    }

    fn code_points(&self) -> CodePoints {
        self.points
    }

    fn row(&self, plane: Plane, y: u32, into: &mut [u16]) -> Option<()> {
        let nth = plane as usize;
        let width = *self.frame.widths.get(nth)? as usize;
        let row = self.frame.planes.get(nth)?.chunks_exact(width.max(1)).nth(y as usize)?;
        into.copy_from_slice(row.get(..into.len())?);
        Some(())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn refusal(error: Error) -> Refusal {
    match error {
        Error::Unimplemented(_) => unsupported("a HEIC image of this coding"),
        _ => Refusal::Corrupt,
    }
}
