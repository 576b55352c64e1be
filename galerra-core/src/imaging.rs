use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A file format, told by its content, never by its name or declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// PNG (W3C).
    Png,
    /// GIF, `87a` and `89a`.
    Gif,
    /// WebP (RFC 9649).
    Webp,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// Its file name extension, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }
}

/// What the pipeline made of an original: pixels only, nothing the file said about its maker.
#[derive(Debug, Clone)]
pub struct Developed {
    /// Format of the original.
    pub format: Format,
    /// Width in pixels, orientation applied.
    pub width: u32,
    /// Height in pixels, orientation applied.
    pub height: u32,
    /// `ThumbHash` of the picture, base64.
    pub placeholder: String,
    /// The renditions, smallest first; none larger than the original.
    pub renditions: Vec<Rendered>,
}

/// One encoded rendition.
#[derive(Clone)]
pub struct Rendered {
    /// Name of its preset, such as `thumb`.
    pub name: String,
    /// Its format.
    pub format: Format,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The encoded bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, width, height, bytes } = self;
        write!(f, "{name} {format:?} {width}x{height} ({} bytes)", bytes.len())
    }
}

/// Why a file is not taken. The text is meant for the person who uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The content is not an image of a format that is taken.
    #[error("the content is not a JPEG, PNG, GIF or WebP image")]
    Unsupported,
    /// An image of a format that is taken, in a coding that is not.
    #[error("{what} cannot be decoded; save it as an ordinary 8-bit image and try again")]
    UnsupportedCoding {
        /// The coding.
        what: &'static str,
    },
    /// More bytes than the limit.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// More pixels, a longer side, or more frames or scans than the limits.
    #[error("the image is too large to decode: {what}")]
    TooManyPixels {
        /// What is above which limit.
        what: String,
    },
    /// The file ends before the image does.
    #[error("the file is cut short")]
    Truncated,
    /// The file breaks its format.
    #[error("the file is damaged and cannot be decoded")]
    Corrupt,
    /// It took longer than an image may take.
    #[error("the image takes too long to decode")]
    TooSlow,
    /// The pipeline has no room now; try again later.
    #[error("too many images are being processed; try again shortly")]
    Busy,
}

impl Refusal {
    /// Stable kebab-case code for clients.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty-file",
            Self::Unsupported => "unsupported-image",
            Self::UnsupportedCoding { .. } => "unsupported-coding",
            Self::TooLarge { .. } => "file-too-large",
            Self::TooManyPixels { .. } => "image-too-large",
            Self::Truncated => "image-truncated",
            Self::Corrupt => "image-corrupt",
            Self::TooSlow => "image-too-slow",
            Self::Busy => "busy",
        }
    }
}

/// The port through which core has pictures developed.
///
/// # Contract
/// - `admit` is quick and allocates nothing that grows with the image: it tells from the first bytes of a
///   file (up to 64 KiB) whether it may be taken at all, so that an upload can be refused before it ends.
/// - `develop` never panics, never blocks the caller's thread, and takes bounded memory and time whatever
///   the bytes are. What it returns was encoded from pixels: no metadata of the original is in it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Imaging: fmt::Debug + Send + Sync {
    /// Largest file taken, in bytes.
    fn max_bytes(&self) -> u64;
    /// Looks at the first bytes of a file.
    fn admit(&self, head: &[u8]) -> Result<Format, Refusal>;
    /// Decodes the original and makes its renditions and placeholder.
    async fn develop(&self, original: Bytes) -> Result<Developed, Refusal>;
}
