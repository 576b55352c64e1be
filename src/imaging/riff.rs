//! Writing WebP containers (RFC 9649 §2.3).

use super::Refusal;

/// A file that chunks are put into one after the other.
#[derive(Debug)]
pub(crate) struct Riff(Vec<u8>);

/// What an extended header announces: a profile, opacity, an EXIF block, an animation.
pub(crate) const PROFILE: u8 = 0x20;
pub(crate) const ALPHA: u8 = 0x10;
pub(crate) const EXIF: u8 = 0x08;
pub(crate) const ANIMATION: u8 = 0x02;

impl Riff {
    pub(crate) fn new() -> Self {
        Self(b"RIFF\0\0\0\0WEBP".to_vec())
    }

    /// Chunks inside of another, behind what that begins with.
    pub(crate) fn bare(start: &[u8]) -> Self {
        Self(start.to_vec())
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn push(&mut self, kind: [u8; 4], body: &[u8]) {
        self.0.extend(kind);
        self.0.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.0.extend(body);
        if body.len() % 2 == 1 {
            self.0.push(0);
        }
    }

    /// The extended header: which chunks there are beside the picture, and the canvas.
    pub(crate) fn push_extended(&mut self, flags: u8, width: u32, height: u32) {
        let [w0, w1, w2, _] = width.saturating_sub(1).to_le_bytes();
        let [h0, h1, h2, _] = height.saturating_sub(1).to_le_bytes();
        self.push(*b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
    }

    /// The file, once its length is known.
    pub(crate) fn finished(mut self) -> Result<Vec<u8>, Refusal> {
        let length = u32::try_from(self.0.len() - 8).map_err(|_| Refusal::Corrupt)?;
        if let Some(place) = self.0.get_mut(4..8) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(self.0)
    }
}
