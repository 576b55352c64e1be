use super::meta::Meta;
use super::traits::Traits;
use super::{Coding, Refusal, unsupported};
use crate::imaging::limits::{Limits, area};

/// What the container says about the picture, without a look at the picture's data.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub(super) coding: Coding,
    /// Of the whole picture.
    pub(super) traits: Traits<'a>,
    /// Of the picture itself, or of its first tile.
    pub(super) first: Traits<'a>,
    pub(super) opacity: Option<Opacity<'a>>,
    /// Bytes of the longest coded picture.
    longest: u64,
}

/// The item that is another's opacity.
#[derive(Debug)]
pub(super) struct Opacity<'a> {
    pub(super) item: u32,
    pub(super) traits: Traits<'a>,
    pub(super) first: Traits<'a>,
}

impl<'a> Outline<'a> {
    pub(super) fn read(meta: &Meta<'a>, limits: &Limits) -> Result<Self, Refusal> {
        let traits = Traits::of(meta.item(meta.primary)?)?;
        let first = first_coded(meta, meta.primary)?;
        let coding = match &meta.item(first)?.kind {
            b"av01" => Coding::Av1,
            b"hvc1" => Coding::Hevc,
            _ => return Err(unsupported("a HEIF image of this coding")),
        };
        let first = Traits::of(meta.item(first)?)?;
        let opacity = opacity(meta)?;
        let sizes = [Some(&traits), Some(&first), opacity.as_ref().map(|opacity| &opacity.first)];
        for traits in sizes.into_iter().flatten() {
            limits.check_size(traits.size.0, traits.size.1)?;
        }
        if opacity.as_ref().is_some_and(|opacity| opacity.traits.size != traits.size) {
            return Err(unsupported("a HEIF image whose opacity has another size"));
        }
        Ok(Self { coding, traits, first, opacity, longest: meta.longest().min(limits.bytes) })
    }

    /// Bytes that decoding takes, at most.
    pub(super) fn memory(&self) -> u64 {
        let channels = if self.opacity.is_some() { 4 } else { 3 };
        let canvas = area(self.traits.size.0, self.traits.size.1) * channels;
        // A picture that is cut exists twice for a moment.
        let cut = self.traits.crop.map_or(0, |crop| area(crop.width, crop.height) * channels);
        let coded = [Some(&self.first), self.opacity.as_ref().map(|opacity| &opacity.first)];
        let decoders = coded.into_iter().flatten().map(|traits| self.decoder(traits));
        canvas + decoders.max().unwrap_or_default().max(cut)
    }

    fn decoder(&self, traits: &Traits<'a>) -> u64 {
        let pixels = area(traits.size.0, traits.size.1) * self.coding.memory(traits.config);
        pixels.saturating_add(self.longest)
    }
}

/// The item itself, or the first tile of it.
fn first_coded(meta: &Meta<'_>, item: u32) -> Result<u32, Refusal> {
    match &meta.item(item)?.kind {
        b"grid" => meta.targets(*b"dimg", item).first().copied().ok_or(Refusal::Corrupt),
        _ => Ok(item),
    }
}

fn opacity<'a>(meta: &Meta<'a>) -> Result<Option<Opacity<'a>>, Refusal> {
    for item in meta.sources(*b"auxl", meta.primary) {
        let traits = Traits::of(meta.item(item)?)?;
        if traits.opacity {
            let first = Traits::of(meta.item(first_coded(meta, item)?)?)?;
            return Ok(Some(Opacity { item, traits, first }));
        }
    }
    Ok(None)
}
