use super::lzw;
use crate::imaging::Refusal;
use crate::imaging::sniff::{Cursor, Stop};

/// Colours that pixels use.
type Used = [bool; 256];

pub(super) fn rebuilt(bytes: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    match rebuild(bytes) {
        Ok(file) => Ok(file),
        Err(Stop::Cut) => Err(Refusal::Truncated),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

fn rebuild(bytes: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    let mut cursor = Cursor::new(bytes);
    let mut file = Vec::with_capacity(bytes.len());
    let head: [u8; 13] = cursor.array()?;
    file.extend(head);
    let [_, _, _, _, _, _, w0, w1, h0, h1, flags, background, _] = head;
    let screen = (number(w0, w1), number(h0, h1));
    let table = colour_table(&mut cursor, flags)?.to_vec();
    let place = file.len();
    file.extend(&table);
    let mut used: Used = [false; 256];
    // What is shown where there is no frame.
    used.iter_mut().skip(usize::from(background)).take(1).for_each(|used| *used = true);
    loop {
        match cursor.u8()? {
            b';' => break,
            b'!' => extension(&mut cursor, &mut file)?,
            b',' => match frame(&mut cursor, screen, &mut used)? {
                Some(frame) => file.extend(frame),
                None => return Ok(None),
            },
            _ => return Err(Refusal::Corrupt.into()),
        }
    }
    file.push(b';');
    if let Some(written) = file.get_mut(place..place + table.len()) {
        written.copy_from_slice(&blanked(&table, &used));
    }
    Ok(Some(file))
}

/// A frame with nothing but its pixels; `None` when it reaches over the screen, or has more pixels than it shows, or
/// fewer.
fn frame(cursor: &mut Cursor<'_>, screen: (u32, u32), used: &mut Used) -> Result<Option<Vec<u8>>, Stop> {
    let descriptor: [u8; 9] = cursor.array()?;
    let [x0, x1, y0, y1, w0, w1, h0, h1, flags] = descriptor;
    let table = colour_table(cursor, flags)?;
    let size = cursor.u8()?;
    let mut data = Vec::new();
    sub_blocks(cursor, |block| data.extend(block))?;
    let (width, height) = (number(w0, w1), number(h0, h1));
    let fits = number(x0, x1) + width <= screen.0 && number(y0, y1) + height <= screen.1;
    let pixels = lzw::cut(&data, size, u64::from(width) * u64::from(height));
    let Some(pixels) = pixels.filter(|_| fits) else { return Ok(None) };
    let mut frame = vec![b','];
    frame.extend(descriptor);
    if table.is_empty() {
        used.iter_mut().zip(pixels.used).for_each(|(used, here)| *used |= here);
    } else {
        frame.extend(blanked(table, &pixels.used));
    }
    frame.push(size);
    for block in pixels.data.chunks(255) {
        frame.push(u8::try_from(block.len()).unwrap_or(u8::MAX));
        frame.extend(block);
    }
    frame.push(0);
    Ok(Some(frame))
}

fn number(low: u8, high: u8) -> u32 {
    u32::from(u16::from_le_bytes([low, high]))
}

/// The colours that are used; all others are black.
fn blanked(table: &[u8], used: &Used) -> Vec<u8> {
    let colours = table.as_chunks::<3>().0.iter().zip(used);
    colours.flat_map(|(colour, used)| if *used { *colour } else { [0; 3] }).collect()
}

/// Keeps how a frame is drawn and how often an animation is repeated, and nothing else.
fn extension(cursor: &mut Cursor<'_>, file: &mut Vec<u8>) -> Result<(), Stop> {
    let kind = cursor.u8()?;
    let mut blocks: Vec<&[u8]> = Vec::new();
    sub_blocks(cursor, |block| {
        if blocks.len() < 2 {
            blocks.push(block);
        }
    })?;
    match (kind, blocks.as_slice()) {
        (0xf9, [control, ..]) if control.len() == 4 => {
            file.extend(b"!\xf9\x04");
            file.extend(*control);
            file.push(0);
        }
        (0xff, [b"NETSCAPE2.0" | b"ANIMEXTS1.0", [1, low, high]]) => {
            file.extend(b"!\xff\x0bNETSCAPE2.0\x03\x01");
            file.extend([*low, *high, 0]);
        }
        _ => {}
    }
    Ok(())
}

fn colour_table<'a>(cursor: &mut Cursor<'a>, flags: u8) -> Result<&'a [u8], Stop> {
    if flags & 0x80 == 0 { Ok(&[]) } else { cursor.take(3 << ((flags & 7) + 1)) }
}

fn sub_blocks<'a>(cursor: &mut Cursor<'a>, mut each: impl FnMut(&'a [u8])) -> Result<(), Stop> {
    loop {
        match cursor.u8()? {
            0 => return Ok(()),
            length => each(cursor.take(usize::from(length))?),
        }
    }
}
