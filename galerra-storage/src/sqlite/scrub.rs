//! What SQLite itself leaves behind. When it splits or joins pages, it lays the values of a page out anew and does not
//! clear what it frees by that, whatever `secure_delete` says: the unused middle of a page can hold copies of values that
//! have moved to another page and were removed there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// How much of the file is read at once; a multiple of every page size.
const CHUNK: usize = 1024 * 1024;
/// Up to this many pages no overflow page begins as a page of a tree does: it begins with the number of another page.
const MOST_PAGES: u64 = 1 << 25;

/// Overwrites the unused middle of every page with zeros, and syncs the file if there was anything.
///
/// The log must be empty and nobody may write; readers never look there.
pub(super) fn scrub(mut file: &File) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let (mut at, mut size, mut changed) = (0_u64, None, false);
    loop {
        file.seek(SeekFrom::Start(at))?;
        let read = fill(file, &mut chunk)?;
        let Some(pages) = chunk.get_mut(..read).filter(|pages| !pages.is_empty()) else { break };
        let size = match size {
            Some(size) => size,
            None => *size.insert(page_size(pages).ok_or_else(strange)?),
        };
        if file.metadata()?.len() / size as u64 >= MOST_PAGES {
            return Err(io::Error::other("the file is too large to be scrubbed"));
        }
        for (nth, page) in pages.chunks_exact(size).enumerate() {
            let start = at + (nth * size) as u64;
            let Some(unused) = unused(page, if start == 0 { 100 } else { 0 }) else { continue };
            if page.get(unused.clone()).is_some_and(|unused| unused.iter().any(|byte| *byte != 0)) {
                file.seek(SeekFrom::Start(start + unused.start as u64))?;
                file.write_all(&vec![0; unused.len()])?;
                changed = true;
            }
        }
        at += read as u64;
    }
    if changed { file.sync_data() } else { Ok(()) }
}

/// Reads until the buffer is full or the file ends.
fn fill(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

fn strange() -> io::Error {
    io::Error::other("the file is not laid out as this program lays it out")
}

/// The size of pages, as the header of the file says; `None` if it has pages that could be taken for pages of a tree
/// (with `auto_vacuum`, maps begin with bytes like theirs).
fn page_size(file: &[u8]) -> Option<usize> {
    let size = match number(file, 16)? {
        1 => 65_536,
        size => size,
    };
    let mapped = file.get(52..56)?.iter().any(|byte| *byte != 0);
    (size.is_power_of_two() && size >= 512 && !mapped).then_some(size)
}

/// What lies between the list of cells and the cells of a page of a tree whose header begins at `header`; `None` for
/// every other page.
fn unused(page: &[u8], header: usize) -> Option<Range<usize>> {
    let list = match page.get(header)? {
        2 | 5 => header + 12,
        10 | 13 => header + 8,
        _ => return None,
    };
    let start = list + 2 * number(page, header + 3)?;
    let end = match number(page, header + 5)? {
        0 => 65_536,
        end => end,
    };
    (start <= end && end <= page.len()).then_some(start..end)
}

/// Two bytes, the greater one first.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of 512 bytes that is not cleared anywhere.
    fn page(header: usize, kind: u8, cells: u16, content: u16) -> Vec<u8> {
        let mut page = vec![0xff; 512];
        page[header] = kind;
        page[header + 3..header + 5].copy_from_slice(&cells.to_be_bytes());
        page[header + 5..header + 7].copy_from_slice(&content.to_be_bytes());
        page
    }

    #[test]
    fn the_middle_of_a_page_lies_between_its_list_and_its_cells() {
        assert_eq!(unused(&page(0, 10, 3, 400), 0), Some(14..400));
        assert_eq!(unused(&page(100, 13, 0, 512), 100), Some(108..512));
        assert_eq!(unused(&page(0, 2, 3, 400), 0), Some(18..400));
        assert_eq!(unused(&page(0, 5, 0, 12), 0), Some(12..12));
        for broken in [page(0, 10, 300, 400), page(0, 10, 3, 513), page(0, 10, 3, 0), page(0, 0, 3, 400)] {
            assert_eq!(unused(&broken, 0), None);
        }
        assert_eq!(unused(&[], 0), None);
    }

    #[test]
    fn a_page_has_a_size_that_sqlite_knows() {
        let header = |size: u16| [vec![0; 16], size.to_be_bytes().to_vec(), vec![0; 82]].concat();
        assert_eq!(page_size(&header(4096)), Some(4096));
        assert_eq!(page_size(&header(1)), Some(65_536));
        assert_eq!(page_size(&header(1000)), None);
        assert_eq!(page_size(&header(0)), None);
        let mut vacuumed = header(4096);
        vacuumed[55] = 4;
        assert_eq!(page_size(&vacuumed), None);
    }
}
