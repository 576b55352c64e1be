use super::limits;
use crate::imaging::limits::{Limits, area};
use crate::imaging::sniff::{Extent, Header, inspect};

/// Headers are read without a panic, and nothing above a limit is accepted.
pub fn sniff(bytes: &[u8]) {
    for limits in [limits(), Limits::default(), boundless()] {
        if let Ok(head) = inspect(bytes, Extent::Head, &limits) {
            bounded(&head, &limits);
        }
        if let Ok(whole) = inspect(bytes, Extent::Whole, &limits) {
            bounded(&whole, &limits);
            complete(bytes, &whole, &limits);
        }
    }
}

/// Settings of an operator who wants no limits.
fn boundless() -> Limits {
    Limits {
        bytes: u64::MAX,
        pixels: u64::MAX,
        side: u32::MAX,
        frames: u32::MAX,
        animation_pixels: u64::MAX,
        scans: u32::MAX,
        scan_pixels: u64::MAX,
        memory: u64::MAX,
    }
}

fn bounded(header: &Header, limits: &Limits) {
    let pixels = area(header.width, header.height);
    assert!(header.width.max(header.height) <= limits.side, "{header:?}");
    assert!(pixels <= limits.pixels.min(100_000_000), "{header:?}");
    assert!(header.frames <= limits.frames.max(1), "{header:?}");
    if header.frames > 1 {
        assert!(pixels.saturating_mul(header.frames.into()) <= limits.animation_pixels, "{header:?}");
    }
    assert!(header.scans <= limits.scans, "{header:?}");
    assert!(pixels.saturating_mul(header.scans.into()) <= limits.scan_pixels, "{header:?}");
    for edge in [1, 320, 2048, u32::MAX] {
        assert!(header.memory(edge) >= pixels / 64, "the least a decoder makes: {header:?}");
    }
}

/// A whole image has a size and an end, what follows the end changes nothing, and its head is accepted too.
fn complete(bytes: &[u8], whole: &Header, limits: &Limits) {
    assert!(area(whole.width, whole.height) > 0, "{whole:?}");
    let image = bytes.get(..whole.end).expect("an image ends within its file");
    assert_eq!(inspect(image, Extent::Whole, limits).as_ref(), Ok(whole));
    let head = inspect(bytes, Extent::Head, limits).expect("what is accepted whole is admitted");
    assert_eq!(head.format, whole.format);
    if head.width != 0 {
        assert_eq!((head.width, head.height), (whole.width, whole.height));
    }
}
