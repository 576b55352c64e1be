use super::{Cursor, Extent, Header, Stop};
use crate::imaging::Refusal;
use crate::imaging::limits::{Limits, area};

pub(super) fn walk(
    cursor: &mut Cursor<'_>,
    extent: Extent,
    limits: &Limits,
    header: &mut Header,
) -> Result<(), Stop> {
    cursor.take(6)?;
    let (width, height) = (u32::from(cursor.u16_le()?), u32::from(cursor.u16_le()?));
    limits.check_size(width, height)?;
    (header.width, header.height) = (width, height);
    header.pixel_cost = 4;
    let [flags, _, _] = cursor.array()?;
    colour_table(cursor, flags)?;
    loop {
        match cursor.u8()? {
            b';' if header.frames > 0 => break,
            b'!' => {
                cursor.u8()?;
                sub_blocks(cursor)?;
            }
            b',' => {
                frame(cursor, limits, header)?;
                if extent == Extent::Head {
                    return Ok(());
                }
                sub_blocks(cursor)?;
            }
            _ => return Err(Refusal::Corrupt.into()),
        }
    }
    header.end = cursor.at();
    Ok(())
}

/// An image descriptor, its colour table and its code size.
fn frame(cursor: &mut Cursor<'_>, limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    let (left, top) = (u32::from(cursor.u16_le()?), u32::from(cursor.u16_le()?));
    let (width, height) = (u32::from(cursor.u16_le()?), u32::from(cursor.u16_le()?));
    limits.check_size(width, height)?;
    let flags = cursor.u8()?;
    colour_table(cursor, flags)?;
    cursor.u8()?;
    header.frames += 1;
    limits.check_frames(header.frames, header.width, header.height)?;
    // A first frame that is not as wide as the screen is decoded apart and copied into it.
    if header.frames == 1 && (left, top, width, height) != (0, 0, header.width, header.height) {
        let both = area(width, height) + area(header.width, header.height);
        header.pixel_cost = 4 * both.div_ceil(area(header.width, header.height));
    }
    Ok(())
}

fn colour_table(cursor: &mut Cursor<'_>, flags: u8) -> Result<(), Stop> {
    if flags & 0x80 != 0 {
        cursor.take(3 << ((flags & 7) + 1))?;
    }
    Ok(())
}

fn sub_blocks(cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    loop {
        match cursor.u8()? {
            0 => return Ok(()),
            length => cursor.take(usize::from(length))?,
        };
    }
}
