use std::collections::BTreeSet;

use super::develop::LOOKS;
use super::records::{Change, Stored};
use super::view::{Seen, SeenImage};
use super::{Engine, Result};
use crate::plan::PlanPage;
use crate::{
    AccountId, Description, Erasure, ErasureId, Error, Fact, Focal, Gallery, GalleryId, Happened, Image,
    ImageId, Life, Narrowed, Subject, Tally, Title, Viewer, Visibility, VisibilityKind, layout,
};

/// What its owner changes about an image; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ImageEdit {
    /// A new title.
    pub title: Option<Title>,
    /// A new text alternative.
    pub alt: Option<Description>,
    /// What crops are to keep in sight.
    pub focal: Option<Focal>,
    /// The facts that every viewer is to be shown; all others are hidden.
    pub shown: Option<BTreeSet<Fact>>,
    /// Whether to keep it from everyone else.
    pub hidden: Option<bool>,
    /// Whether to take it in, if a guest has sent it.
    pub taken: bool,
}

/// What its owner changes about a gallery; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct GalleryEdit {
    /// A new title.
    pub title: Option<Title>,
    /// A longer text.
    pub description: Option<Description>,
    /// Who may see it.
    pub visibility: Option<VisibilityKind>,
}

/// What was changed, as its owner sees it now.
#[derive(Debug, Clone)]
pub struct Edited<T> {
    /// It.
    pub seen: T,
    /// The erasure of what fewer people may see now.
    pub tightened: Option<ErasureId>,
}

impl Engine {
    /// Changes what its owner says about an image. A new focal point makes its renditions anew; hiding it takes it
    /// out of networks.
    pub async fn edit_image(
        &self,
        viewer: &Viewer,
        id: ImageId,
        edit: &ImageEdit,
    ) -> Result<Edited<SeenImage>> {
        let (image, tightened) = self
            .settle(|| async {
                let seen = self.image(viewer, id).await?;
                if !seen.grant.is_owner() {
                    return Err(Error::NotFound);
                }
                let (owner, gallery) = (seen.image.owner, seen.image.gallery);
                let key = layout::image(owner, gallery, id);
                let now: Stored<Image> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
                if !now.value.life.is_there() {
                    return Err(Error::NotFound);
                }
                let after = edited(&now.value, edit);
                let mut change = Change::default();
                change.replace(key, now.version, &after);
                let before = (now.value.is_kept(), now.value.is_held());
                let mut tightened = None;
                if (after.is_kept(), after.is_held()) != before {
                    tightened = self.hide(&mut change, viewer, &now.value, &after).await?;
                }
                if tightened.is_none() && !after.shown.is_superset(&now.value.shown) {
                    let subject = Subject::Access { gallery, narrowed: Narrowed::Facts { image: id } };
                    tightened = Some(self.tighten(&mut change, owner, subject, None));
                }
                let told = self.tell(&mut change, Happened::ImageEdited { image: id, gallery });
                let widened = before.0 && !after.is_kept();
                self.commit_edited(change, tightened.as_ref(), widened.then(|| told.into()).as_ref()).await?;
                if tightened.is_none() && (edit.hidden == Some(true) || edit.shown.is_some()) {
                    self.entomb_narrowed(owner, gallery).await?;
                }
                Ok((after, tightened.map(|erasure| erasure.id)))
            })
            .await?;
        if edit.focal.is_some() {
            self.follow_focal(&image).await?;
        }
        Ok(Edited { seen: self.image(viewer, id).await?, tightened })
    }

    /// Makes renditions follow the focal point, which others may be moving at the same time: whoever is last makes
    /// them last.
    async fn follow_focal(&self, image: &Image) -> Result<()> {
        for _ in 0..LOOKS {
            match self.redevelop_image(image.owner, image.gallery, image.id).await {
                Err(Error::Contended) => {}
                settled => return settled,
            }
        }
        Err(Error::Contended)
    }

    /// Adds to a change what follows from keeping an image from everyone else, or from showing it to them.
    async fn hide(
        &self,
        change: &mut Change,
        viewer: &Viewer,
        before: &Image,
        after: &Image,
    ) -> Result<Option<Erasure>> {
        let (owner, id) = (after.owner, after.gallery);
        let tally: Option<Stored<Tally>> = self.read(layout::tally(owner, id)).await?;
        if let Some(Stored { version, value }) = tally {
            change.replace(layout::tally(owner, id), version, &value.without(before).with(after));
        }
        if !after.is_kept() {
            let gallery = self.own_gallery(viewer, id).await?;
            change.expect(layout::gallery(owner, id), gallery.version);
            return Ok(None);
        }
        self.tighten_around(change, viewer, before).await
    }

    /// Adds to a change that nobody else may see an image any more: the gallery's epoch moves, and networks lose what
    /// they may have of it.
    pub(super) async fn tighten_around(
        &self,
        change: &mut Change,
        viewer: &Viewer,
        image: &Image,
    ) -> Result<Option<Erasure>> {
        let gallery = self.own_gallery(viewer, image.gallery).await?;
        let open = gallery.value.visibility.is_open()
            || self.is_leaving_networks(image.owner, image.gallery).await?;
        let tighter = Gallery { epoch: gallery.value.epoch + 1, ..gallery.value };
        change.replace(layout::gallery(image.owner, image.gallery), gallery.version, &tighter);
        if image.is_kept() {
            return Ok(None);
        }
        let (gallery, owner, image_id) = (image.gallery, image.owner, image.id);
        if !open {
            let subject = Subject::Access { gallery, narrowed: Narrowed::Image { image: image_id } };
            return Ok(Some(self.tighten(change, owner, subject, None)));
        }
        let mut page = PlanPage::default();
        page.add_served(image);
        let subject = Subject::Copies { gallery, image: Some(image_id) };
        Ok(Some(self.tighten(change, owner, subject, Some(&page))))
    }

    /// Whether copies of a gallery that was open may still be in networks. Their erasure ends without proof once the
    /// gallery is open again, so an image that is kept from everyone meanwhile needs one of its own.
    async fn is_leaving_networks(&self, owner: AccountId, id: GalleryId) -> Result<bool> {
        let whole = Subject::Copies { gallery: id, image: None };
        self.is_any_under(&layout::parts_of(owner, id), |part| *part == whole).await
    }

    /// Changes what its owner says about a gallery and who may see it. Making an open one private takes it out of
    /// networks; opening a private one ends its links, which lead nowhere any more.
    pub async fn edit_gallery(
        &self,
        viewer: &Viewer,
        id: GalleryId,
        edit: &GalleryEdit,
    ) -> Result<Edited<Seen>> {
        let tightened = self
            .settle(|| async {
                let account = self.account_of(viewer).await?;
                let before = self.own_gallery(viewer, id).await?;
                let owner = before.value.owner;
                let kind = edit.visibility.filter(|kind| *kind != before.value.visibility.kind());
                let visibility =
                    kind.map(|kind| Visibility::on_plan(kind, account.value.plan)).transpose()?;
                let mut after = Gallery {
                    title: edit.title.clone().unwrap_or_else(|| before.value.title.clone()),
                    description: edit.description.clone().unwrap_or_else(|| before.value.description.clone()),
                    ..before.value.clone()
                };
                let mut change = Change::default();
                let mut tightened = None;
                if let Some(visibility) = visibility {
                    let was_open = after.visibility.is_open();
                    after.visibility = visibility;
                    after.epoch += 1;
                    match (was_open, after.visibility.is_open()) {
                        (true, false) => {
                            let subject = Subject::Copies { gallery: id, image: None };
                            tightened = Some(self.tighten(&mut change, owner, subject, None));
                        }
                        (false, true) => {
                            let shares = self.shares_of(owner, id).await?;
                            self.drop_shares(&mut change, owner, &shares).await?;
                            let narrowed = Narrowed::Links { share: None };
                            let subject = Subject::Access { gallery: id, narrowed };
                            tightened =
                                (!shares.is_empty()).then(|| self.tighten(&mut change, owner, subject, None));
                        }
                        _ => {}
                    }
                }
                change.expect(layout::account(owner), account.version);
                change.replace(layout::gallery(owner, id), before.version, &after);
                let told = self.tell(&mut change, Happened::GalleryEdited { gallery: id });
                let widened = after.visibility.is_open() && !before.value.visibility.is_open();
                self.commit_edited(change, tightened.as_ref(), widened.then(|| told.into()).as_ref()).await?;
                if tightened.is_none() && edit.visibility.is_some() {
                    self.entomb_narrowed(owner, id).await?;
                }
                Ok(tightened.map(|erasure| erasure.id))
            })
            .await?;
        Ok(Edited { seen: self.gallery(viewer, id).await?, tightened })
    }

    /// Adds to a change the erasure of what fewer people may see from now on.
    pub(super) fn tighten(
        &self,
        change: &mut Change,
        owner: AccountId,
        subject: Subject,
        page: Option<&PlanPage>,
    ) -> Erasure {
        let mut erasure = self.consequence(owner, subject);
        if let Some(page) = page {
            change.create(layout::plan_page(erasure.id, 0), page);
            erasure.pages = 1;
        }
        self.accept_into(change, &erasure);
        erasure
    }
}

fn edited(image: &Image, edit: &ImageEdit) -> Image {
    let focal = edit.focal.unwrap_or(image.focal);
    // Renditions follow the focal point: those of another one follow no recipe any more.
    let recipe = if focal == image.focal { image.recipe.clone() } else { String::new() };
    Image {
        title: edit.title.clone().unwrap_or_else(|| image.title.clone()),
        alt: edit.alt.clone().unwrap_or_else(|| image.alt.clone()),
        shown: edit.shown.clone().unwrap_or_else(|| image.shown.clone()),
        hidden: edit.hidden.unwrap_or(image.hidden),
        life: if edit.taken && image.is_held() { Life::Live } else { image.life },
        focal,
        recipe,
        ..image.clone()
    }
}
