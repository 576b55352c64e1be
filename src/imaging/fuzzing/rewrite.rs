use super::limits;
use crate::imaging::sniff::{Extent, Header, inspect};
use crate::imaging::{Refusal, decode};

/// Rebuilds a file from what its picture needs; `None` when that cannot be done.
pub(super) type Rebuild = fn(&[u8], &Header) -> Result<Option<Vec<u8>>, Refusal>;

/// Rebuilds an image by allow-list.
pub fn rewrite(bytes: &[u8]) {
    rebuilds(bytes, crate::imaging::rewrite::rebuilt);
}

/// What is rebuilt is a sound image of the same pixels, and stays as it is when it is rebuilt again.
pub(super) fn rebuilds(bytes: &[u8], rebuilt: Rebuild) {
    let Ok(header) = inspect(bytes, Extent::Whole, &limits()) else { return };
    let Ok(Some(once)) = rebuilt(bytes, &header) else { return };
    let after = inspect(&once, Extent::Whole, &roomy()).expect("what was rebuilt is a sound image");
    assert_eq!(after.end, once.len(), "nothing follows the image");
    assert_eq!(
        (after.format, after.width, after.height, after.orientation),
        (header.format, header.width, header.height, header.orientation)
    );
    let twice = rebuilt(&once, &after).expect("what was rebuilt can be rebuilt");
    assert_eq!(twice.as_deref(), Some(&*once));
    if let Some(before) = pixels(bytes, &header) {
        assert!(pixels(&once, &after) == Some(before), "the pixels are the same");
    }
}

fn pixels(bytes: &[u8], header: &Header) -> Option<(u32, u32, Vec<u8>)> {
    roomy().check_memory(header.memory(u32::MAX)).ok()?;
    let raster = decode::decode(bytes, header, &roomy(), u32::MAX).ok()?.raster;
    Some((raster.width, raster.height, raster.data))
}

/// Room for the few bytes by which a file may grow.
fn roomy() -> crate::imaging::Limits {
    let limits = limits();
    crate::imaging::Limits { bytes: limits.bytes + 4096, memory: limits.memory * 2, ..limits }
}
