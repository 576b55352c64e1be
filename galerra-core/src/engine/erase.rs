use super::records::{Change, Place, Stored};
use super::{Engine, Result};
use crate::erasure::Ledgered;
use crate::{
    AccountId, Erasure, ErasureId, Error, Gallery, GalleryId, Happened, Image, ImageId, Lane, Life, Subject,
    Viewer, Who, layout,
};

impl Engine {
    /// Hides an image of the viewer's own for good and commits the plan to erase it.
    pub async fn erase_image(&self, viewer: &Viewer, id: ImageId, lane: Lane) -> Result<Erasure> {
        let cause = self.asked(lane);
        self.settle(|| async {
            let owner = self.account_of(viewer).await?.value.id;
            let gal = self.own_place(owner, id).await?;
            let image: Stored<Image> =
                self.read(layout::image(owner, gal, id)).await?.ok_or(Error::NotFound)?;
            if let Life::Gated { by } = image.value.life {
                return self.begun_before(by).await;
            }
            let gallery = self.own_gallery_or_trashed(viewer, gal).await?;
            let mut change = Change::default();
            change.expect(layout::gallery(owner, gal), gallery.version);
            let erasure = self.hide_image(&mut change, cause, image).await?;
            self.accept(change, erasure).await
        })
        .await
    }

    /// Hides a gallery of the viewer's own for good, with all that is in it, and commits the plan.
    pub async fn erase_gallery(&self, viewer: &Viewer, id: GalleryId, lane: Lane) -> Result<Erasure> {
        let cause = self.asked(lane);
        self.settle(|| async {
            let owner = self.account_of(viewer).await?.value.id;
            self.own_place(owner, id).await?;
            let gallery: Stored<Gallery> =
                self.read(layout::gallery(owner, id)).await?.ok_or(Error::NotFound)?;
            if let Life::Gated { by } = gallery.value.life {
                return self.begun_before(by).await;
            }
            let mut change = Change::default();
            let erasure = self.hide_gallery(&mut change, cause, gallery).await?;
            self.accept(change, erasure).await
        })
        .await
    }

    /// Hides the viewer's account for good, with all that it owns, and commits the plan. Its key, its links and what they
    /// were exchanged for are dead with the same commit. The stores wait out the grace, if the operator gives one.
    ///
    /// The viewer has to have proved lately who they are ([`Viewer::proved_at`]).
    pub async fn erase_account(&self, viewer: &Viewer, lane: Lane) -> Result<Erasure> {
        let policy = &self.parts.policy;
        if !viewer.has_proved_since(self.parts.env.now() - policy.reauthentication) {
            self.account_of(viewer).await?;
            return Err(Error::Reauthenticate);
        }
        let cause = self.asked(lane);
        self.settle(|| async {
            let account = self.account_of(viewer).await?;
            let mut change = Change::default();
            let mut erasure = self.hide_account(&mut change, cause, account);
            if policy.account_grace.is_positive() {
                let end = erasure.accepted + policy.account_grace;
                erasure.not_before = Some(end);
                erasure.due = lane.due(erasure.accepted, erasure.not_before, policy);
            }
            self.accept(change, erasure).await
        })
        .await
    }

    /// Moves an erasure that is under way to the expedited lane.
    pub async fn expedite(&self, viewer: &Viewer, id: ErasureId) -> Result<Erasure> {
        self.settle(|| async {
            self.erasure(viewer, id).await?;
            let found: Stored<Erasure> = self.read(layout::erasure(id)).await?.ok_or(Error::NotFound)?;
            let before = found.value;
            if before.lane == Lane::Expedited || before.is_found() || before.withdrawn.is_some() {
                return Ok(before);
            }
            let now = self.parts.env.now();
            let mut change = Change::default();
            self.close(&before, &mut change).await?;
            let due = before.due.min(Lane::Expedited.due(now, before.not_before, &self.parts.policy));
            // Its tombstone is written anew: it says by when.
            let ledger = Ledgered::Unknown;
            let after = Erasure { lane: Lane::Expedited, due, next: now, ledger, ..before };
            Self::open(&mut change, &after);
            change.replace(layout::erasure(id), found.version, &after);
            self.tell(&mut change, Happened::ErasureExpedited { erasure: id });
            self.commit(change).await?;
            Ok(after)
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

    /// An erasure that somebody asks for again, whose tombstone may be missing yet.
    async fn begun_before(&self, id: ErasureId) -> Result<Erasure> {
        let erasure = self.begun(id).await?;
        if erasure.ledger == Ledgered::Unknown {
            self.entomb(&erasure).await?;
        }
        Ok(erasure)
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
}
