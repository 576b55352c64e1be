use galerra_log::Salt;

use super::records::{Change, Open, Place, Stored};
use super::trash::Trashed;
use super::{Engine, Result};
use crate::erasure::{Attempts, EdgeStep, Ledgered, StoreStep};
use crate::plan::PlanPage;
use crate::{
    Account, AccountId, EdgeTarget, Erasure, ErasureId, Error, Gallery, GalleryId, Happened, Image, ImageId,
    Lane, Life, Stage, StoreTarget, Subject, Tally, Viewer, Who, layout,
};

/// How an erasure comes about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    pub(super) id: ErasureId,
    pub(super) lane: Lane,
    pub(super) ledger: Ledgered,
}

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
                erasure.due = end + lane.promise(policy);
            }
            self.accept(change, erasure).await
        })
        .await
    }

    /// Brings an account back that its owner has deleted, within its grace, as it was.
    ///
    /// Who may do so is the caller's to decide, as for [`Engine::create_account`].
    pub async fn bring_back_account(&self, id: AccountId) -> Result<Account> {
        self.settle(|| async {
            let found: Stored<Account> = self.read(layout::account(id)).await?.ok_or(Error::NotFound)?;
            let Life::Gated { by } = found.value.life else { return Err(Error::NotFound) };
            let erasure: Stored<Erasure> = self.read(layout::erasure(by)).await?.ok_or(Error::NotFound)?;
            if !erasure.value.is_in_grace(self.parts.env.now()) {
                return Err(Error::Gone);
            }
            let account = Account { life: Life::Live, ..found.value };
            let withdrawn = Some(self.parts.env.now());
            let mut change = Change::default();
            change.replace(layout::account(id), found.version, &account);
            change.replace(
                layout::erasure(by),
                erasure.version,
                &Erasure { withdrawn, ..erasure.value }.restaged(),
            );
            self.tell(&mut change, Happened::AccountBroughtBack { account: id });
            self.commit(change).await?;
            // What is left of the erasure, its tombstone too, is for the next tick to clear away.
            Ok(account)
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
            let due = before.due.min(now + Lane::Expedited.promise(&self.parts.policy));
            let due = before.not_before.map_or(due, |end| due.max(end));
            let after = Erasure { lane: Lane::Expedited, due, next: now, ..before };
            Self::open(&mut change, &after);
            change.replace(layout::erasure(id), found.version, &after);
            self.tell(&mut change, Happened::ErasureExpedited { erasure: id });
            self.commit(change).await?;
            Ok(after)
        })
        .await
    }

    fn asked(&self, lane: Lane) -> Cause {
        Cause { id: ErasureId::draw(self.parts.env.as_ref()), lane, ledger: Ledgered::Unknown }
    }

    /// Adds to a change that an image is hidden for good; answers its erasure.
    pub(super) async fn hide_image(
        &self,
        change: &mut Change,
        cause: Cause,
        found: Stored<Image>,
    ) -> Result<Erasure> {
        let Image { owner, gallery, id, .. } = found.value;
        let rank = found.value.rank.clone();
        let mut erasure = self.plan(cause, owner, Subject::Image { gallery, image: id }, &rank);
        let mut page = PlanPage::default();
        page.add(&found.value);
        change.create(layout::plan_page(erasure.id, 0), &page);
        erasure.pages = 1;
        if let Life::Trashed { since, until, .. } = found.value.life {
            self.take_out(change, &Trashed { owner, gallery, image: Some(id), since, until }).await?;
        } else {
            self.count_down(change, &found.value).await?;
        }
        let hidden = found.value.is_kept();
        let gated = Image { life: Life::Gated { by: erasure.id }, hidden, ..found.value };
        change.replace(layout::image(owner, gallery, id), found.version, &gated);
        self.unlist(change, layout::image_listed(owner, gallery, &rank, id)).await?;
        Ok(erasure)
    }

    /// Adds to a change that a gallery is hidden for good; answers its erasure.
    pub(super) async fn hide_gallery(
        &self,
        change: &mut Change,
        cause: Cause,
        found: Stored<Gallery>,
    ) -> Result<Erasure> {
        let Gallery { owner, id, .. } = found.value;
        if let Life::Trashed { since, until, .. } = found.value.life {
            self.take_out(change, &Trashed { owner, gallery: id, image: None, since, until }).await?;
        }
        let rank = layout::rank(found.value.created, 0);
        let erasure = self.plan(cause, owner, Subject::Gallery { gallery: id }, &rank);
        let epoch = found.value.epoch + 1;
        let gated = Gallery { life: Life::Gated { by: erasure.id }, epoch, ..found.value };
        change.replace(layout::gallery(owner, id), found.version, &gated);
        self.unlist(change, layout::gallery_listed(owner, id, &rank)).await?;
        Ok(erasure)
    }

    /// Adds to a change that an account is hidden for good; answers its erasure.
    pub(super) fn hide_account(&self, change: &mut Change, cause: Cause, found: Stored<Account>) -> Erasure {
        let owner = found.value.id;
        let erasure = self.plan(cause, owner, Subject::Account, "");
        let gated = Account { life: Life::Gated { by: erasure.id }, ..found.value };
        change.replace(layout::account(owner), found.version, &gated);
        erasure
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

    /// A plan that follows from a change of the owner's, not from a wish to erase.
    pub(super) fn consequence(&self, owner: AccountId, subject: Subject) -> Erasure {
        self.plan(self.asked(Lane::Standard), owner, subject, "")
    }

    /// A plan as it stands when the gate closes: every store and every network there is now.
    pub(super) fn plan(&self, cause: Cause, owner: AccountId, subject: Subject, rank: &str) -> Erasure {
        let Cause { id, lane, ledger } = cause;
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
            id,
            owner,
            subject,
            rank: rank.to_owned(),
            lane,
            accepted,
            closed: None,
            due: accepted + lane.promise(&parts.policy),
            not_before: None,
            breached: None,
            stage: Stage::Gated,
            next: accepted,
            ledger,
            salt: Salt::new(parts.env.random()),
            pages: 0,
            records: store(parts.records.semantics()),
            blobs: store(parts.blobs.semantics()),
            edges: edges.collect(),
            done: None,
            withdrawn: None,
            finding: None,
            receipt: None,
        }
    }

    /// The gate: hiding, plan, work item and event in ONE commit. Then the tombstone, outside of the records.
    async fn accept(&self, mut change: Change, erasure: Erasure) -> Result<Erasure> {
        self.accept_into(&mut change, &erasure);
        self.commit(change).await?;
        // A failure is told, though the gate is closed: what was answered is safe from every restore.
        self.entomb(&erasure).await?;
        Ok(erasure)
    }

    /// Adds what begins an erasure to the change that hides what is erased.
    pub(super) fn accept_into(&self, change: &mut Change, erasure: &Erasure) {
        change.create(layout::erasure(erasure.id), erasure);
        Self::open(change, erasure);
        self.tell(change, Happened::ErasureAccepted { erasure: erasure.id });
    }

    /// Adds the work item of an erasure.
    pub(super) fn open(change: &mut Change, erasure: &Erasure) {
        let Erasure { accepted, due, breached, .. } = *erasure;
        let (owner, subject) = (erasure.owner, erasure.subject.clone());
        let (breached, held) = (breached.is_some(), erasure.blobs.step.is_held());
        let open = Open { owner, subject, accepted, due, breached, held };
        change.create(layout::open_erasure(erasure), &open);
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
