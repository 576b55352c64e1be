use data_encoding::HEXLOWER;
use galerra_core::Audience;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[cfg(all(feature = "processes", unix))]
use super::Rendered;
use super::preset::{Gamut, Preset, Size};
use super::watermark::Stamp;
use super::{Format, encode};

/// Version of the pipeline: it rises when the same original would get better, or cleaner, renditions.
const VERSION: u32 = 3;

/// Most renditions of one image.
const MOST: usize = 64;
/// Longest edge of a rendition.
const LONGEST: u32 = 8192;
/// Names that stand for something else.
const RESERVED: [&str; 3] = ["original", "master", ANIMATION];

/// Name of the rendition that moves.
pub(crate) const ANIMATION: &str = "animation";

/// What is made of every original: the presets, checked against each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Recipe {
    presets: Vec<Preset>,
    stamp: Option<Stamp>,
}

/// A recipe as somebody wrote it, which is nothing to rely on.
#[derive(Deserialize)]
struct Written {
    presets: Vec<Preset>,
    stamp: Option<Stamp>,
}

impl TryFrom<Written> for Recipe {
    type Error = RecipeError;

    fn try_from(written: Written) -> Result<Self, RecipeError> {
        Self::checked(written.presets, written.stamp)
    }
}

/// Why presets make no recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("preset `{name}`: {wrong}")]
pub struct RecipeError {
    name: String,
    wrong: &'static str,
}

impl Recipe {
    /// A recipe of these presets, none of them with a watermark.
    pub fn new(presets: Vec<Preset>) -> Result<Self, RecipeError> {
        Self::checked(presets, None)
    }

    /// A recipe of these presets, some of them with this watermark.
    pub fn with_watermark(presets: Vec<Preset>, stamp: Stamp) -> Result<Self, RecipeError> {
        Self::checked(presets, Some(stamp))
    }

    fn checked(presets: Vec<Preset>, stamp: Option<Stamp>) -> Result<Self, RecipeError> {
        let mut files = std::collections::BTreeSet::new();
        for preset in &presets {
            let refuse = |wrong| Err(RecipeError { name: preset.name.clone(), wrong });
            if let Some(wrong) = fault(preset) {
                return refuse(wrong);
            }
            if preset.marked && stamp.is_none() {
                return refuse("it is to have a watermark, and there is none");
            }
            for format in &preset.formats {
                if !files.insert((preset.name.as_str(), format.extension())) {
                    return refuse("another preset of this name has the same format");
                }
            }
        }
        match presets.last() {
            None => Err(RecipeError { name: String::new(), wrong: "there has to be one at least" }),
            Some(last) if files.len() > MOST => {
                Err(RecipeError { name: last.name.clone(), wrong: "there are more than 64 renditions" })
            }
            Some(_) => Ok(Self { presets, stamp }),
        }
    }

    /// The default presets.
    #[must_use]
    pub fn standard() -> Self {
        Self { presets: Preset::standard(), stamp: None }
    }

    /// The presets.
    #[must_use]
    pub fn presets(&self) -> &[Preset] {
        &self.presets
    }

    /// The watermark.
    pub(crate) fn stamp(&self) -> Option<&Stamp> {
        self.stamp.as_ref()
    }

    /// Who is shown an animation as it moves: the owner alone where guests see watermarks, which it has not.
    pub(crate) fn audience_of_animations(&self) -> Audience {
        if self.presets.iter().any(|preset| preset.marked) { Audience::Owner } else { Audience::Everyone }
    }

    /// Whether a rendition can come of this recipe.
    #[cfg(all(feature = "processes", unix))]
    pub(crate) fn holds(&self, made: &Rendered) -> bool {
        let moving = matches!(made.format, Format::Gif | Format::Webp);
        if made.name == ANIMATION && moving {
            return made.audience == self.audience_of_animations();
        }
        self.presets.iter().any(|preset| {
            preset.name == made.name
                && preset.audience == made.audience
                && preset.formats.contains(&made.format)
        })
    }

    /// Names the version and everything else that changes the bytes of renditions.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let written = serde_json::to_vec(self).unwrap_or_default();
        let digest = HEXLOWER.encode(&Sha256::digest(written));
        format!("{VERSION}-{}", digest.get(..16).unwrap_or_default())
    }
}

fn fault(preset: &Preset) -> Option<&'static str> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = preset.name.as_bytes();
    let sides = match preset.size {
        Size::Edge(edge) => [edge, edge],
        Size::Inside(width, height) | Size::Cover(width, height) => [width, height],
    };
    if name.is_empty() || name.len() > 32 || !name.iter().all(|&byte| letter(byte)) || name.starts_with(b"-")
    {
        return Some("its name has to be 1 to 32 of a-z, 0-9 and `-`");
    }
    if RESERVED.contains(&preset.name.as_str()) {
        return Some("this name stands for something else");
    }
    if sides.iter().any(|side| !(1..=LONGEST).contains(side)) {
        return Some("its sides have to be from 1 to 8192 pixels");
    }
    if preset.quality.is_some_and(|quality| !(1..=100).contains(&quality)) {
        return Some("its quality has to be from 1 to 100");
    }
    if preset.formats.is_empty() {
        return Some("it has no format");
    }
    if preset.gamut == Gamut::P3 && preset.formats.contains(&Format::Avif) {
        return Some("AVIF is encoded in sRGB alone");
    }
    let unknown = preset.formats.iter().find(|format| !encode::knows(**format))?;
    Some(match unknown {
        Format::Webp => "this build does not encode WebP (feature `webp`)",
        Format::Avif => "this build does not encode AVIF (feature `avif`)",
        _ => "renditions are JPEG, WebP or AVIF",
    })
}
