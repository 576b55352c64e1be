//! Making the renditions of all images anew when the recipe has changed: page by page, with its progress in the
//! records, so that it goes on where it was after a crash.

use galerra_storage::Key;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::records::{Change, Place, Stored, stored};
use super::upload::rendition;
use super::{Engine, Result};
use crate::plan::PlanPage;
use crate::{
    AccountId, Developed, Error, GalleryId, Happened, Image, ImageId, Refusal, Rendition, Subject, Viewer,
    Want, Who, layout,
};

/// References read at once.
const PAGE: usize = 16;
/// Erasures that may be open before more are caused.
const BACKLOG: usize = 500;

/// How far the making anew of renditions has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Redevelopment {
    /// The recipe that all images are to follow.
    pub recipe: String,
    /// The last reference that was looked at.
    after: Key,
    /// Images whose renditions were made anew, or did not have to be.
    pub done: u64,
    /// Images that could not be developed again; their renditions stay as they are.
    pub failed: u64,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// When the last image was done.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished: Option<OffsetDateTime>,
}

impl Redevelopment {
    /// How much of it is done, from 0 to 1. Ids are random, so the place among them tells.
    #[must_use]
    pub fn progress(&self) -> f64 {
        if self.finished.is_some() {
            1.0
        } else {
            layout::referenced_image(&self.after).map_or(0.0, ImageId::share)
        }
    }
}

/// What a look at the work came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeveloped {
    /// There is nothing to do now.
    Idle,
    /// There may be more to do at once.
    More,
}

impl Engine {
    /// Sets all images to follow the recipe of this engine, from the first on; nothing if that is so already.
    /// A host calls it once when it starts, so that of two recipes the one that came last holds.
    pub async fn begin_redevelopment(&self) -> Result<()> {
        self.settle(|| async {
            let recipe = self.parts.imaging.recipe();
            let found: Option<Stored<Redevelopment>> = self.read(layout::redevelopment()).await?;
            if found.as_ref().is_some_and(|found| found.value.recipe == recipe) {
                return Ok(());
            }
            let begun = Redevelopment {
                recipe: recipe.to_owned(),
                after: layout::before_images(),
                done: 0,
                failed: 0,
                started: self.parts.env.now(),
                finished: None,
            };
            let mut change = Change::default();
            change.put(layout::redevelopment(), found.map(|found| found.version), &begun);
            self.commit(change).await.map(|_| ())
        })
        .await
    }

    /// Shows the operator how far it is; `None` before the first beginning.
    pub async fn redevelopment(&self, viewer: &Viewer) -> Result<Option<Redevelopment>> {
        if viewer.who != Who::Operator {
            return Err(Error::OperatorOnly);
        }
        let found: Option<Stored<Redevelopment>> = self.read(layout::redevelopment()).await?;
        Ok(found.map(|found| found.value))
    }

    /// Makes the renditions of the next few images anew. Like `tick` it takes no input and may be dropped and
    /// called again at any point; an image that is done is recognised by its recipe.
    pub async fn redevelop(&self) -> Result<Redeveloped> {
        let found: Option<Stored<Redevelopment>> = self.read(layout::redevelopment()).await?;
        let ours =
            |work: &Redevelopment| work.finished.is_none() && work.recipe == self.parts.imaging.recipe();
        let Some(Stored { version, value: mut work }) = found.filter(|found| ours(&found.value)) else {
            return Ok(Redeveloped::Idle);
        };
        if self.parts.records.scan(&layout::open_erasures(), None, BACKLOG).await?.len() == BACKLOG {
            return Ok(Redeveloped::Idle);
        }
        let rows = self.parts.records.scan(&layout::references(), Some(work.after.clone()), PAGE).await?;
        let images = rows.iter().map_while(|row| Some((row, layout::referenced_image(&row.key)?)));
        let mut seen = 0;
        for (row, id) in images {
            if let Place::Here { owner, gallery } = stored::<Place>(row)?.value {
                match self.redevelop_image(owner, gallery, id).await {
                    Ok(()) => work.done += 1,
                    Err(Error::Refused(Refusal::Busy) | Error::Contended) => return Ok(Redeveloped::Idle),
                    Err(Error::Refused(refusal)) => {
                        tracing::warn!(image = %id, code = refusal.code(), "an image could not be developed again");
                        work.failed += 1;
                    }
                    // It was erased meanwhile.
                    Err(Error::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            work.after = row.key.clone();
            seen += 1;
        }
        if seen < PAGE {
            work.finished = Some(self.parts.env.now());
        }
        let mut change = Change::default();
        change.replace(layout::redevelopment(), version, &work);
        match self.commit(change).await {
            // Another worker looked at the same page.
            Err(error) if error.is_conflict() => Ok(Redeveloped::More),
            committed => {
                committed.map(|_| if work.finished.is_some() { Redeveloped::Idle } else { Redeveloped::More })
            }
        }
    }

    /// Brings one image up to the recipe: new bytes, a record that knows them, and a plan to erase the old ones.
    pub(super) async fn redevelop_image(&self, acc: AccountId, gal: GalleryId, img: ImageId) -> Result<()> {
        let before: Stored<Image> = self.read(layout::image(acc, gal, img)).await?.ok_or(Error::NotFound)?;
        let before = before.value;
        if !before.life.is_there() || before.recipe == self.parts.imaging.recipe() {
            return Ok(());
        }
        let made = before.renditions.iter().filter(|rendition| rendition.made.is_some());
        let developed = self.develop_again(&before, Want::Again(made.map(Rendition::file).collect())).await?;
        let after = self.renewed(&before, &developed);
        let fresh = after.renditions.iter().zip(&developed.renditions);
        let fresh = fresh.filter(|(rendition, _)| rendition.round == after.round);
        let puts = fresh.filter_map(|(rendition, made)| {
            Some((layout::rendition_blob(&after, rendition), made.bytes.clone()?))
        });
        self.add(&before, puts.collect(), |now, change| {
            let fits = now.round == before.round && now.recipe == before.recipe && now.focal == before.focal;
            // What was asked for late meanwhile is made again when it is asked for again.
            let after = fits.then(|| Image {
                title: now.title.clone(),
                alt: now.alt.clone(),
                shown: now.shown.clone(),
                hidden: now.hidden,
                life: now.life,
                ..after.clone()
            })?;
            self.replace(now, &after, change);
            self.tell(change, Happened::ImageRedeveloped { image: img, gallery: gal });
            Some(after)
        })
        .await
    }

    /// The record of an image after it was developed again; bytes that came out the same stay where they are.
    fn renewed(&self, before: &Image, developed: &Developed) -> Image {
        let round = before.round + 1;
        let renditions = developed.renditions.iter().map(|made| {
            let fresh = rendition(made, round);
            let same = |old: &&Rendition| {
                let placed = Rendition { round: old.round, ..fresh.clone() };
                **old == placed && fresh.made.is_some()
            };
            before.renditions.iter().find(same).cloned().unwrap_or(fresh)
        });
        Image {
            width: developed.width,
            height: developed.height,
            placeholder: developed.placeholder.clone(),
            colour: developed.colour.clone(),
            facts: developed.facts.clone(),
            recipe: self.parts.imaging.recipe().to_owned(),
            round,
            renditions: renditions.collect(),
            // The master comes from the same pipeline: it is made anew when it is asked for again.
            master: None,
            ..before.clone()
        }
    }

    /// Adds the plan to erase what `after` does not have any more.
    fn replace(&self, before: &Image, after: &Image, change: &mut Change) {
        let mut page = PlanPage::default();
        page.add_replaced(before, after);
        if page.is_empty() {
            return;
        }
        let subject = Subject::Renditions { gallery: before.gallery, image: before.id };
        let mut erasure = self.consequence(before.owner, subject);
        erasure.pages = 1;
        change.create(layout::plan_page(erasure.id, 0), &page);
        self.accept_into(change, &erasure);
    }
}
