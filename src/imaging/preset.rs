use galerra_core::{Audience, Focal};
use serde::{Deserialize, Serialize};

use super::Format;
use super::limits::area;

/// A rendition to make of every image: a name, a size, and the formats it is encoded in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Preset {
    /// Name in URLs, such as `thumb`.
    pub name: String,
    /// How large it gets; never larger than the original.
    pub size: Size,
    /// The formats, the one that everything shows first.
    pub formats: Vec<Format>,
    /// Quality from 1 to 100; without one each format has its own.
    pub quality: Option<u8>,
    /// When its bytes are made.
    pub when: When,
    /// Who is shown it.
    pub audience: Audience,
    /// Whether the recipe's watermark is drawn on it.
    pub marked: bool,
    /// Which colours it can show.
    pub gamut: Gamut,
}

/// How large a rendition gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The longest edge in pixels.
    Edge(u32),
    /// The whole picture within a box, in pixels.
    Inside(u32, u32),
    /// A box filled by the part of the picture around its focal point, in pixels.
    Cover(u32, u32),
}

/// When the bytes of a rendition are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// With the upload.
    #[default]
    Eager,
    /// When somebody asks for them.
    Lazy,
}

/// Which colours a rendition can show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gamut {
    /// sRGB (IEC 61966-2-1), which needs no profile.
    #[default]
    Srgb,
    /// Display P3; its profile goes with the bytes.
    P3,
}

impl Preset {
    /// An eager JPEG of this longest edge for everyone.
    pub fn new(name: impl Into<String>, edge: u32) -> Self {
        Self {
            name: name.into(),
            size: Size::Edge(edge),
            formats: vec![Format::Jpeg],
            quality: None,
            when: When::Eager,
            audience: Audience::Everyone,
            marked: false,
            gamut: Gamut::Srgb,
        }
    }

    /// The same preset in these formats.
    #[must_use]
    pub fn with_formats(self, formats: &[Format]) -> Self {
        Self { formats: formats.to_vec(), ..self }
    }

    /// The default set: `thumb` 320, `small` 640, `medium` 1280 and `large` 2048, as JPEG, and as WebP in builds
    /// that can encode it.
    #[must_use]
    pub fn standard() -> Vec<Self> {
        let formats: Vec<Format> =
            [Format::Jpeg, Format::Webp].into_iter().filter(|format| super::encode::knows(*format)).collect();
        [("thumb", 320), ("small", 640), ("medium", 1280), ("large", 2048)]
            .into_iter()
            .map(|(name, edge)| Self::new(name, edge).with_formats(&formats))
            .collect()
    }

    /// The quality of one of its formats: 80, and 60 for AVIF, which looks about the same.
    pub(crate) fn quality(&self, format: Format) -> u8 {
        self.quality.unwrap_or(if format == Format::Avif { 60 } else { 80 })
    }
}

/// A preset as settings spell it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    edge: Option<u32>,
    width: Option<u32>,
    height: Option<u32>,
    fit: Option<Fit>,
    #[serde(default = "jpeg")]
    formats: Vec<Format>,
    quality: Option<u8>,
    #[serde(default)]
    when: When,
    #[serde(default)]
    audience: Audience,
    #[serde(default)]
    watermark: bool,
    #[serde(default)]
    gamut: Gamut,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fit {
    Inside,
    Cover,
}

fn jpeg() -> Vec<Format> {
    vec![Format::Jpeg]
}

impl TryFrom<Written> for Preset {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        let size = match (written.edge, written.width, written.height, written.fit) {
            (Some(edge), None, None, None) => Size::Edge(edge),
            (None, Some(width), Some(height), None | Some(Fit::Inside)) => Size::Inside(width, height),
            (None, Some(width), Some(height), Some(Fit::Cover)) => Size::Cover(width, height),
            _ => return Err("a preset has either `edge`, or `width` and `height` with an optional `fit`"),
        };
        let Written { name, formats, quality, when, audience, watermark: marked, gamut, .. } = written;
        Ok(Self { name, size, formats, quality, when, audience, marked, gamut })
    }
}

impl From<Preset> for Written {
    fn from(preset: Preset) -> Self {
        let (edge, width, height, fit) = match preset.size {
            Size::Edge(edge) => (Some(edge), None, None, None),
            Size::Inside(width, height) => (None, Some(width), Some(height), Some(Fit::Inside)),
            Size::Cover(width, height) => (None, Some(width), Some(height), Some(Fit::Cover)),
        };
        let Preset { name, formats, quality, when, audience, marked: watermark, gamut, .. } = preset;
        Self { name, edge, width, height, fit, formats, quality, when, audience, watermark, gamut }
    }
}

/// A part of a picture, in its own pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Crop {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A rendition that will be made, in pixels as they are seen.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    pub(crate) preset: &'a Preset,
    pub(crate) format: Format,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The size of the whole picture at the scale of this rendition.
    pub(crate) frame: (u32, u32),
    /// The part of that frame which it shows; `None` is all of it.
    pub(crate) crop: Option<Crop>,
}

/// The renditions of a picture, smallest first: none above its size, and of one kind only one at it.
pub(crate) fn plan(presets: &[Preset], (width, height): (u32, u32), focal: Focal) -> Vec<Target<'_>> {
    let mut targets: Vec<Target<'_>> = Vec::new();
    let mut sorted: Vec<&Preset> = presets.iter().collect();
    sorted.sort_by_key(|preset| match preset.size {
        Size::Edge(edge) => u64::from(edge) * u64::from(edge),
        Size::Inside(w, h) | Size::Cover(w, h) => area(w, h),
    });
    for preset in sorted {
        for &format in &preset.formats {
            let target = sized(preset, format, (width, height), focal);
            let same = |known: &Target<'_>| {
                let kinds = |p: &Preset| (p.audience, p.marked, p.gamut);
                known.format == format
                    && kinds(known.preset) == kinds(preset)
                    && (known.width, known.height, known.crop) == (target.width, target.height, target.crop)
            };
            if !targets.iter().any(same) {
                targets.push(target);
            }
        }
    }
    targets.sort_by_key(|target| area(target.width, target.height));
    targets
}

fn sized(preset: &Preset, format: Format, (width, height): (u32, u32), focal: Focal) -> Target<'_> {
    let whole =
        |size: (u32, u32)| Target { preset, format, width: size.0, height: size.1, frame: size, crop: None };
    match preset.size {
        Size::Edge(edge) => whole(fit(width, height, edge)),
        Size::Inside(w, h) => whole(inside((width, height), (w, h))),
        Size::Cover(w, h) => cover(preset, format, (width, height), (w, h), focal),
    }
}

/// The size within a square of `edge`: never larger than given, no side below one pixel.
pub(crate) fn fit(width: u32, height: u32, edge: u32) -> (u32, u32) {
    inside((width, height), (edge, edge))
}

/// The size within a box: never larger than given, no side below one pixel.
fn inside((width, height): (u32, u32), (w, h): (u32, u32)) -> (u32, u32) {
    let (width, height) = (width.max(1), height.max(1));
    if w >= width && h >= height {
        return (width, height);
    }
    // Which side decides: compare w / width with h / height without fractions.
    let by_width = u64::from(w) * u64::from(height) <= u64::from(h) * u64::from(width);
    let (num, den) = if by_width { (w, width) } else { (h, height) };
    let scaled = |side: u32| {
        let rounded = (u64::from(side) * u64::from(num) + u64::from(den) / 2) / u64::from(den);
        u32::try_from(rounded).unwrap_or(num).max(1)
    };
    (scaled(width), scaled(height))
}

/// The largest part with the box's proportions around the focal point, at the box's size or its own.
fn cover(
    preset: &Preset,
    format: Format,
    (width, height): (u32, u32),
    (w, h): (u32, u32),
    focal: Focal,
) -> Target<'_> {
    let (full_w, full_h) = (f64::from(width), f64::from(height));
    let (box_w, box_h) = (f64::from(w.max(1)), f64::from(h.max(1)));
    // How much of the original one pixel of the box covers, at the most.
    let step = (full_w / box_w).min(full_h / box_h);
    let scale = step.max(1.0);
    let size = |length: f64| whole_pixels(length * step.min(1.0));
    let (out_w, out_h) = (size(box_w).min(width), size(box_h).min(height));
    let frame = (whole_pixels(full_w / scale).max(out_w), whole_pixels(full_h / scale).max(out_h));
    let start = |share: f32, whole: u32, part: u32| {
        let (whole, part) = (f64::from(whole), f64::from(part));
        (f64::from(share) * whole - part / 2.0).clamp(0.0, whole - part).round()
    };
    let crop = Crop {
        left: start(focal.x(), frame.0, out_w),
        top: start(focal.y(), frame.1, out_h),
        width: f64::from(out_w),
        height: f64::from(out_h),
    };
    Target { preset, format, width: out_w, height: out_h, frame, crop: Some(crop) }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a side first")]
fn whole_pixels(length: f64) -> u32 {
    length.round().clamp(1.0, 65_535.0) as u32
}

#[cfg(test)]
mod tests;
