use std::borrow::Cow;

use galerra_core::{Facts, Order, Want};

use super::limits::Limits;
use super::preset::{Gamut, Target, When, plan};
use super::raster::Raster;
use super::recipe::{ANIMATION, Recipe};
use super::sniff::{Extent, Header, inspect};
use super::{Developed, Refusal, Rendered};
use super::{colour, decode, encode, facts, master, placeholder};

/// Makes of an image what is ordered, or says why not.
///
/// Pure and synchronous: the same bytes, recipe and order give the same answer. Headers are checked against
/// the limits before any decoder runs, and renditions are encoded from pixels, so that they say nothing else.
pub fn develop(bytes: &[u8], limits: &Limits, recipe: &Recipe, order: &Order) -> Result<Developed, Refusal> {
    let header = inspect(bytes, Extent::Whole, limits)?;
    let work = Work::new(&header, recipe, order);
    if order.want == Want::Master {
        return Ok(Developed { master: Some(master::of(bytes, &header, limits)?), ..work.developed() });
    }
    limits.check_memory(work.memory())?;
    let decode::Decoded { raster, profile } = decode::decode(bytes, &header, limits, work.edge())?;
    let (width, height) = work.top();
    let (width, height) = if header.orientation.swaps() { (height, width) } else { (width, height) };
    let top = raster.into_resized(width, height)?;
    let turned =
        |top: Raster, gamut| header.orientation.applied(colour::converted(top, profile.as_deref(), gamut));
    let mut developed = work.developed();
    if work.wants(Gamut::P3) {
        work.cascade(turned(top.clone(), Gamut::P3), Gamut::P3, &mut developed.renditions)?;
    }
    let smallest = work.cascade(turned(top, Gamut::Srgb), Gamut::Srgb, &mut developed.renditions)?;
    (developed.placeholder, developed.colour) = placeholder::of(&smallest)?;
    developed.facts = facts::read(bytes, header.format);
    developed.renditions.extend(work.animation(bytes)?);
    Ok(developed)
}

/// What a recipe and an order come to for one picture.
pub(super) struct Work<'a> {
    header: &'a Header,
    /// Smallest first.
    targets: Vec<Target<'a>>,
    recipe: &'a Recipe,
    want: &'a Want,
}

impl<'a> Work<'a> {
    pub(super) fn new(header: &'a Header, recipe: &'a Recipe, order: &'a Order) -> Self {
        let targets = plan(recipe.presets(), header.seen_size(), order.focal);
        Self { header, targets, recipe, want: &order.want }
    }

    /// Estimated bytes that it takes.
    pub(super) fn memory(&self) -> u64 {
        self.header.memory(self.edge())
    }

    /// The longest edge that is needed of the picture.
    fn edge(&self) -> u32 {
        let (width, height) = self.top();
        width.max(height)
    }

    /// The size, as seen, of the largest picture that is needed.
    fn top(&self) -> (u32, u32) {
        let (width, height) = self.header.seen_size();
        let frames = self.wanted().map(|(_, target)| target.frame);
        let least = super::preset::fit(width, height, placeholder::EDGE);
        frames.max_by_key(|frame| super::limits::area(frame.0, frame.1)).unwrap_or(least)
    }

    fn wanted(&self) -> impl Iterator<Item = (usize, &Target<'a>)> {
        self.targets.iter().enumerate().filter(|(_, target)| match self.want {
            Want::Eager => target.preset.when == When::Eager,
            Want::Again(files) => target.preset.when == When::Eager || files.contains(&file(target)),
            Want::Files(files) => files.contains(&file(target)),
            Want::Master => false,
        })
    }

    fn wants(&self, gamut: Gamut) -> bool {
        self.wanted().any(|(_, target)| target.preset.gamut == gamut)
    }

    /// What is known before anything is made.
    fn developed(&self) -> Developed {
        let (width, height) = self.header.seen_size();
        Developed {
            format: self.header.format,
            width,
            height,
            placeholder: String::new(),
            colour: String::new(),
            facts: Facts::default(),
            renditions: self.planned(),
            master: None,
        }
    }

    /// The animation as a rendition of its own: the owner's alone where guests see watermarks.
    fn animation(&self, bytes: &[u8]) -> Result<Option<Rendered>, Refusal> {
        let (width, height) = self.header.seen_size();
        let format = self.header.format;
        let wanted = match self.want {
            Want::Eager | Want::Again(_) => true,
            Want::Files(files) => files.contains(&format!("{ANIMATION}.{}", format.extension())),
            Want::Master => false,
        };
        Ok(master::animation(bytes, self.header)?.map(|file| Rendered {
            name: ANIMATION.to_owned(),
            format,
            width,
            height,
            audience: self.recipe.audience_of_animations(),
            bytes: wanted.then(|| file.into()),
        }))
    }

    /// Every rendition there is to be, smallest first, without bytes.
    fn planned(&self) -> Vec<Rendered> {
        let rendered = |target: &Target<'_>| Rendered {
            name: target.preset.name.clone(),
            format: target.format,
            width: target.width,
            height: target.height,
            audience: target.preset.audience,
            bytes: None,
        };
        self.targets.iter().map(rendered).collect()
    }

    /// Encodes what is wanted in this gamut, each from the next larger picture; gives the smallest picture.
    fn cascade(&self, top: Raster, gamut: Gamut, renditions: &mut [Rendered]) -> Result<Raster, Refusal> {
        let mut wanted: Vec<_> = self.wanted().filter(|(_, target)| target.preset.gamut == gamut).collect();
        wanted.sort_by_key(|(_, target)| {
            std::cmp::Reverse(super::limits::area(target.frame.0, target.frame.1))
        });
        let mut picture = top;
        for (nth, target) in wanted {
            let quality = target.preset.quality(target.format);
            let bytes = match target.crop {
                None => {
                    picture = picture.into_resized(target.width, target.height)?;
                    let marked = self.marked(&picture, target)?;
                    encode::encode(&marked, target.format, quality, gamut)?
                }
                Some(crop) => {
                    let part = picture.cropped(crop, target.frame, (target.width, target.height))?;
                    let marked = self.marked(&part, target)?;
                    encode::encode(&marked, target.format, quality, gamut)?
                }
            };
            if let Some(rendition) = renditions.get_mut(nth) {
                rendition.bytes = Some(bytes);
            }
        }
        Ok(picture)
    }
}

impl Work<'_> {
    /// The picture with the watermark, on renditions that are to have it.
    fn marked<'p>(&self, picture: &'p Raster, target: &Target<'_>) -> Result<Cow<'p, Raster>, Refusal> {
        match self.recipe.stamp().filter(|_| target.preset.marked) {
            Some(stamp) => stamp.applied(picture.clone()).map(Cow::Owned),
            None => Ok(Cow::Borrowed(picture)),
        }
    }
}

/// The file name of a rendition.
fn file(target: &Target<'_>) -> String {
    format!("{}.{}", target.preset.name, target.format.extension())
}

#[cfg(test)]
mod tests;
