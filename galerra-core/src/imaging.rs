use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Audience, Facts, Focal};

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
    /// AVIF (AV1 in a HEIF container).
    Avif,
    /// HEIC (HEVC in a HEIF container), as phones take it.
    Heic,
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
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
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
            Self::Avif => "avif",
            Self::Heic => "heic",
        }
    }
}

/// What is to be made of an original.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What crops keep in sight.
    pub focal: Focal,
    /// Which of it.
    pub want: Want,
}

/// Which of the files that can be made of an original are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Want {
    /// The renditions that are made with every upload.
    #[default]
    Eager,
    /// Those, and the renditions with these file names besides.
    Again(Vec<String>),
    /// The renditions with these file names, such as `large.avif`, and no others.
    Files(Vec<String>),
    /// The master, and no rendition.
    Master,
}

/// What the pipeline made of an original: nothing in it says who took it, where or with what, but the facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Developed {
    /// Format of the original.
    pub format: Format,
    /// Width in pixels, orientation applied.
    pub width: u32,
    /// Height in pixels, orientation applied.
    pub height: u32,
    /// `ThumbHash` of the picture, base64.
    pub placeholder: String,
    /// Dominant colour of the picture as CSS, such as `#aabbcc`.
    pub colour: String,
    /// What the file said about how it was taken; never part of any other bytes.
    pub facts: Facts,
    /// Every rendition there is to be, smallest first; those that were wanted have bytes.
    pub renditions: Vec<Rendered>,
    /// The master, if it was wanted.
    pub master: Option<Master>,
}

/// A rendition as planned, or as made.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rendered {
    /// Name of its preset, such as `thumb`.
    pub name: String,
    /// Its format.
    pub format: Format,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Who is shown it.
    pub audience: Audience,
    /// The encoded bytes; `None` while it is only planned.
    #[serde(skip)]
    pub bytes: Option<Bytes>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, width, height, audience, bytes } = self;
        let length = bytes.as_ref().map(Bytes::len);
        write!(f, "{name} {format:?} {width}x{height} for {audience:?} ({length:?} bytes)")
    }
}

/// The picture at its full size without anything but pixels.
#[derive(Clone, Serialize, Deserialize)]
pub struct Master {
    /// Its format.
    pub format: Format,
    /// Whether its pixels are those of the original bit for bit; otherwise they were encoded anew.
    pub exact: bool,
    /// The encoded bytes.
    #[serde(skip)]
    pub bytes: Bytes,
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, exact, bytes } = self;
        write!(f, "master {format:?} exact={exact} ({} bytes)", bytes.len())
    }
}

/// Why a file is not taken. The text is meant for the person who uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refused", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Refusal {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The content is not an image of a format that is taken.
    #[error("the content is not a JPEG, PNG, GIF, WebP, AVIF or HEIC image")]
    Unsupported,
    /// An image of a format that is taken, in a coding that is not.
    #[error("{what} cannot be decoded; save it as an ordinary 8-bit JPEG and try again")]
    UnsupportedCoding {
        /// The coding.
        what: Cow<'static, str>,
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
    /// The decoder died of the image: it asked for more memory or time than it may have.
    #[error("the image takes more memory or time to decode than it may")]
    TooHeavy,
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
            Self::TooHeavy => "image-too-heavy",
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
///   the bytes are. What it returns was encoded from pixels or rebuilt by allow-list.
/// - The names and sizes of all renditions follow from the recipe, the original and the focal point, whatever
///   is wanted of them: what is planned today can be made later.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Imaging: fmt::Debug + Send + Sync {
    /// Largest file taken, in bytes.
    fn max_bytes(&self) -> u64;
    /// Names the pipeline's version and presets: another recipe makes other bytes of the same original.
    fn recipe(&self) -> &str;
    /// Looks at the first bytes of a file.
    fn admit(&self, head: &[u8]) -> Result<Format, Refusal>;
    /// Decodes the original and makes of it what is ordered.
    async fn develop(&self, original: Bytes, order: Order) -> Result<Developed, Refusal>;
}
