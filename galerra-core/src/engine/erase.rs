use super::records::{Change, Mark, Place, Stored};
use super::trash::Trashed;
use super::{Engine, Result};
use crate::erasure::{Attempts, EdgeStep, StoreStep};
use crate::plan::PlanPage;
use crate::{
    Account, AccountId, EdgeTarget, Erasure, ErasureId, Error, Gallery, GalleryId, Happened, Image, ImageId,
    Lane, Life, Stage, StoreTarget, Subject, Tally, Viewer, Who, layout,
};

impl Engine {
    /// Hides an image of the viewer's own for good and commits the plan to erase it.
    pub async fn erase_image(&self, viewer: &Viewer, id: ImageId) -> Result<Erasure> {
        self.settle(|| async {
            let owner = self.account_of(viewer).await?.value.id;
            let gal = self.own_place(owner, id).await?;
            let image: Stored<Image> =
                self.read(layout::image(owner, gal, id)).await?.ok_or(Error::NotFound)?;
            if let Life::Gated { by } = image.value.life {
                return self.begun(by).await;
            }
            let gallery = self.own_gallery_or_trashed(viewer, gal).await?;
            let rank = image.value.rank.clone();
            let mut erasure = self.plan(owner, Subject::Image { gallery: gal, image: id }, &rank);
            let mut change = Change::default();
            let mut page = PlanPage::default();
            page.add(&image.value);
            change.create(layout::plan_page(erasure.id, 0), &page);
            erasure.pages = 1;
            if let Life::Trashed { since, until, .. } = image.value.life {
                let trashed = Trashed { owner, gallery: gal, image: Some(id), since, until };
                self.take_out(&mut change, &trashed).await?;
            } else {
                self.count_down(&mut change, &image.value).await?;
            }
            let hidden = image.value.is_kept();
            let gated = Image { life: Life::Gated { by: erasure.id }, hidden, ..image.value };
            change.expect(layout::gallery(owner, gal), gallery.version);
            change.replace(layout::image(owner, gal, id), image.version, &gated);
            self.unlist(&mut change, layout::image_listed(owner, gal, &rank, id)).await?;
            self.accept(change, erasure).await
        })
        .await
    }

    /// Hides a gallery of the viewer's own for good, with all that is in it, and commits the plan.
    pub async fn erase_gallery(&self, viewer: &Viewer, id: GalleryId) -> Result<Erasure> {
        self.settle(|| async {
            let owner = self.account_of(viewer).await?.value.id;
            self.own_place(owner, id).await?;
            let gallery: Stored<Gallery> =
                self.read(layout::gallery(owner, id)).await?.ok_or(Error::NotFound)?;
            if let Life::Gated { by } = gallery.value.life {
                return self.begun(by).await;
            }
            let mut change = Change::default();
            if let Life::Trashed { since, until, .. } = gallery.value.life {
                let trashed = Trashed { owner, gallery: id, image: None, since, until };
                self.take_out(&mut change, &trashed).await?;
            }
            let rank = layout::rank(gallery.value.created, 0);
            let erasure = self.plan(owner, Subject::Gallery { gallery: id }, &rank);
            let epoch = gallery.value.epoch + 1;
            let gated = Gallery { life: Life::Gated { by: erasure.id }, epoch, ..gallery.value };
            change.replace(layout::gallery(owner, id), gallery.version, &gated);
            self.unlist(&mut change, layout::gallery_listed(owner, id, &rank)).await?;
            self.accept(change, erasure).await
        })
        .await
    }

    /// Hides the viewer's account for good, with all that it owns, and commits the plan.
    pub async fn erase_account(&self, viewer: &Viewer) -> Result<Erasure> {
        self.settle(|| async {
            let account = self.account_of(viewer).await?;
            let owner = account.value.id;
            let erasure = self.plan(owner, Subject::Account, "");
            let gated = Account { life: Life::Gated { by: erasure.id }, ..account.value };
            let mut change = Change::default();
            change.replace(layout::account(owner), account.version, &gated);
            self.accept(change, erasure).await
        })
        .await
    }

    /// Shows an erasure to whose it was and to the operator. When the account itself was erased nobody can
    /// sign in any more: its 128-bit id is then the key, and it names nobody.
    pub async fn erasure(&self, viewer: &Viewer, id: ErasureId) -> Result<Erasure> {
        let erasure = self.begun(id).await?;
        let may_see = match viewer.who {
            Who::Operator => true,
            Who::Account(account) => account == erasure.owner,
            Who::Anonymous => false,
        };
        if may_see || erasure.subject == Subject::Account { Ok(erasure) } else { Err(Error::NotFound) }
    }

    async fn begun(&self, id: ErasureId) -> Result<Erasure> {
        let erasure: Option<Stored<Erasure>> = self.read(layout::erasure(id)).await?;
        erasure.map(|erasure| erasure.value).ok_or(Error::NotFound)
    }

    /// The gallery of something the account owns.
    async fn own_place(&self, account: AccountId, id: impl std::fmt::Display) -> Result<GalleryId> {
        let place: Option<Stored<Place>> = self.read(layout::reference(id)).await?;
        match place.ok_or(Error::NotFound)?.value.here() {
            Ok((owner, gallery)) if owner == account => Ok(gallery),
            Ok(_) => Err(Error::NotFound),
            Err(error) => Err(error),
        }
    }

    /// A plan as it stands when the gate closes: every store and every network there is now.
    pub(super) fn plan(&self, owner: AccountId, subject: Subject, rank: &str) -> Erasure {
        let parts = &self.parts;
        let accepted = parts.env.now();
        let store = |semantics| StoreTarget {
            semantics,
            step: StoreStep::Erasing { removed: 0, page: 0 },
            attempts: Attempts::default(),
        };
        let edges = parts.cdns.iter().map(|cdn| EdgeTarget {
            name: cdn.name().to_owned(),
            step: EdgeStep::start(accepted, &parts.policy),
            attempts: Attempts::default(),
        });
        Erasure {
            id: ErasureId::draw(parts.env.as_ref()),
            owner,
            subject,
            rank: rank.to_owned(),
            lane: Lane::Standard,
            accepted,
            due: accepted + parts.policy.promise,
            breached: None,
            stage: Stage::Gated,
            pages: 0,
            records: store(parts.records.semantics()),
            blobs: store(parts.blobs.semantics()),
            edges: edges.collect(),
            done: None,
            withdrawn: None,
            receipt: None,
        }
    }

    /// The gate: hiding, plan, work item and event in ONE commit.
    async fn accept(&self, mut change: Change, erasure: Erasure) -> Result<Erasure> {
        self.accept_into(&mut change, &erasure);
        self.commit(change).await?;
        Ok(erasure)
    }

    /// Adds what begins an erasure to the change that hides what is erased.
    pub(super) fn accept_into(&self, change: &mut Change, erasure: &Erasure) {
        change.create(layout::erasure(erasure.id), erasure);
        change.create(layout::open_erasure(erasure.id), &Mark {});
        self.tell(change, Happened::ErasureAccepted { erasure: erasure.id });
    }

    pub(super) async fn unlist(&self, change: &mut Change, key: galerra_storage::Key) -> Result<()> {
        if let Some(listed) = self.read::<serde_json::Value>(key.clone()).await? {
            change.remove(key, listed.version);
        }
        Ok(())
    }

    pub(super) async fn count_down(&self, change: &mut Change, image: &Image) -> Result<()> {
        let key = layout::tally(image.owner, image.gallery);
        if let Some(tally) = self.read::<Tally>(key.clone()).await? {
            change.replace(key, tally.version, &tally.value.without(image));
        }
        Ok(())
    }
}
