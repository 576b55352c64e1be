//! The part of a path that tiles and bundles have in common: `x001/x234/067[.p/8]` (C2SP tlog-tiles).

use crate::tile::TILE_WIDTH;

/// The index in groups of three digits, all but the last behind an `x`, and the width unless it is full.
pub(crate) fn place(index: u64, width: u64) -> String {
    let mut place = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        place = format!("x{:03}/{place}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH { format!("{place}.p/{width}") } else { place }
}

/// Index and width that a place spells; the caller compares with [`place`], so that other spellings are refused.
pub(crate) fn read_place(text: &str) -> Option<(u64, u64)> {
    let (groups, width) = match text.split_once(".p/") {
        Some((groups, width)) => {
            (groups, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?)
        }
        None => (text, TILE_WIDTH),
    };
    let digits = groups.split('/').map(|group| group.strip_prefix('x').unwrap_or(group));
    let index = digits.map(str::parse::<u64>).try_fold(0_u64, |index, group| {
        index.checked_mul(1000)?.checked_add(group.ok().filter(|group| *group < 1000)?)
    })?;
    Some((index, width))
}
