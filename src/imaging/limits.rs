use serde::{Deserialize, Serialize};

use super::Refusal;

/// No setting lifts the pixel limit above this.
const HARD_PIXELS: u64 = 100_000_000;

/// What a file may ask for; checked from its headers, before any decoder runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Width times height; values above 100 million count as 100 million.
    pub pixels: u64,
    /// Longest side in pixels.
    pub side: u32,
    /// Frames of an animation.
    pub frames: u32,
    /// Width times height times frames of an animation.
    pub animation_pixels: u64,
    /// Scans of a progressive JPEG.
    pub scans: u32,
    /// Width times height times scans of a JPEG: what its decoder has to walk over.
    pub scan_pixels: u64,
    /// Bytes that decoding may take by our estimate.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 50_000_000,
            // 64 Mpx in powers of two: the sensors sold as "64 MP" have a few more pixels than 64 million.
            pixels: 64 << 20,
            side: 30_000,
            frames: 300,
            animation_pixels: 50_000_000,
            scans: 64,
            scan_pixels: 1 << 30,
            memory: 512 << 20,
        }
    }
}

impl Limits {
    pub(crate) fn check_bytes(&self, bytes: usize) -> Result<(), Refusal> {
        match bytes {
            0 => Err(Refusal::Empty),
            n if n as u64 > self.bytes => Err(Refusal::TooLarge { limit: self.bytes }),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<(), Refusal> {
        if width == 0 || height == 0 {
            return Err(Refusal::Corrupt);
        }
        within("longest side in pixels", u64::from(width.max(height)), u64::from(self.side))?;
        within("pixels", area(width, height), self.pixels.min(HARD_PIXELS))
    }

    pub(crate) fn check_frames(&self, frames: u32, width: u32, height: u32) -> Result<(), Refusal> {
        if frames < 2 {
            return Ok(());
        }
        within("frames", u64::from(frames), u64::from(self.frames))?;
        let pixels = area(width, height).saturating_mul(u64::from(frames));
        within("pixels over all frames", pixels, self.animation_pixels)
    }

    pub(crate) fn check_scans(&self, scans: u32, width: u32, height: u32) -> Result<(), Refusal> {
        within("scans", u64::from(scans), u64::from(self.scans))?;
        let pixels = area(width, height).saturating_mul(u64::from(scans));
        within("pixels over all scans", pixels, self.scan_pixels)
    }

    pub(crate) fn check_memory(&self, bytes: u64) -> Result<(), Refusal> {
        within("bytes of memory to decode", bytes, self.memory)
    }
}

/// Pixels of a picture of this size.
pub(crate) fn area(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

fn within(what: &str, value: u64, limit: u64) -> Result<(), Refusal> {
    if value > limit {
        return Err(Refusal::TooManyPixels { what: format!("{value} {what}, the limit is {limit}") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_names_itself() {
        let limits = Limits::default();
        assert_eq!(limits.check_bytes(0), Err(Refusal::Empty));
        assert_eq!(limits.check_bytes(50_000_001), Err(Refusal::TooLarge { limit: 50_000_000 }));
        assert_eq!(limits.check_size(0, 5), Err(Refusal::Corrupt));
        assert_eq!(limits.check_size(9248, 6944), Ok(()));
        assert_eq!(limits.check_frames(1, 8000, 8000), Ok(()));
        assert_eq!(limits.check_scans(16, 8192, 8192), Ok(()));
        for (refused, name) in [
            (limits.check_size(30_001, 1), "longest side"),
            (limits.check_size(u32::MAX, u32::MAX), "longest side"),
            (limits.check_size(9000, 9000), "pixels"),
            (limits.check_frames(301, 1, 1), "frames"),
            (limits.check_frames(2, 6000, 6000), "over all frames"),
            (limits.check_scans(65, 1, 1), "scans"),
            (limits.check_scans(64, 8000, 8000), "over all scans"),
            (limits.check_memory(u64::MAX), "memory"),
        ] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn the_hard_cap_holds_whatever_the_setting() {
        let limits: Limits = serde_json::from_str(r#"{"pixels": 900000000}"#).unwrap();
        assert_eq!(limits.side, 30_000);
        assert_eq!(limits.check_size(10_000, 10_000), Ok(()));
        assert!(limits.check_size(10_001, 10_000).is_err());
    }
}
