//! The gate: what hides something for good, in one commit with the plan to erase it and the work item, and the tombstone
//! that follows.

use galerra_log::Salt;
use galerra_storage::Key;
use time::OffsetDateTime;

use super::ledger::Marked;
use super::records::{Change, Open, Part, Stored};
use super::trash::Trashed;
use super::{Engine, Result};
use crate::erasure::{Attempts, EdgeStep, Ledgered, StoreStep};
use crate::plan::PlanPage;
use crate::{
    Account, AccountId, EdgeTarget, Erasure, ErasureId, Gallery, GalleryId, Happened, Image, ImageId, Lane,
    Life, Narrowed, Stage, StoreTarget, Subject, Tally, layout,
};

/// How an erasure comes about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    pub(super) id: ErasureId,
    pub(super) lane: Lane,
    pub(super) ledger: Ledgered,
}

impl Engine {
    pub(super) fn asked(&self, lane: Lane) -> Cause {
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

    /// Adds to a change the erasure of an image of which there are bytes and no record. Nobody can tell that it was never
    /// shown: the record may be younger than a backup that was put back, so networks are asked for it as for any other.
    pub(super) fn disown(
        &self,
        change: &mut Change,
        owner: AccountId,
        image: (GalleryId, ImageId),
        found: Vec<Key>,
    ) -> Erasure {
        let (gallery, image) = image;
        let mut erasure = self.consequence(owner, Subject::Image { gallery, image });
        let mut page = PlanPage::default();
        page.add_found(found);
        change.create(layout::plan_page(erasure.id, 0), &page);
        erasure.pages = 1;
        self.accept_into(change, &erasure);
        erasure
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
        // Networks never had it.
        let cdns: &[_] = if matches!(subject, Subject::Access { .. }) { &[] } else { &parts.cdns };
        let edges = cdns.iter().map(|cdn| self.edge(cdn.name(), accepted));
        Erasure {
            id,
            owner,
            subject,
            rank: rank.to_owned(),
            lane,
            accepted,
            closed: None,
            due: accepted + lane.promise(&parts.policy),
            held_until: None,
            not_before: None,
            breached: None,
            stage: Stage::Gated,
            next: accepted,
            buried: accepted,
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

    /// A network of which nothing is known yet.
    pub(super) fn edge(&self, name: &str, gated: OffsetDateTime) -> EdgeTarget {
        let step = EdgeStep::start(gated, &self.parts.policy);
        EdgeTarget { name: name.to_owned(), step, attempts: Attempts::default() }
    }

    /// The gate: hiding, plan, work item and event in ONE commit. Then the tombstone, outside of the records.
    pub(super) async fn accept(&self, mut change: Change, erasure: Erasure) -> Result<Erasure> {
        self.accept_into(&mut change, &erasure);
        self.commit_gated(change, Some(&erasure)).await?;
        Ok(erasure)
    }

    /// Commits a change that begins an erasure, if it does, and has its tombstone written before anything is answered.
    pub(super) async fn commit_gated(&self, change: Change, erasure: Option<&Erasure>) -> Result<()> {
        self.commit_edited(change, erasure, None).await
    }

    /// The same for a change after which, as a mark may tell, more people see something.
    pub(super) async fn commit_edited(
        &self,
        change: Change,
        tightened: Option<&Erasure>,
        widened: Option<&Marked>,
    ) -> Result<()> {
        match widened {
            Some(marked) => self.commit_marked(change, marked).await?,
            None => self.commit(change).await.map(|_| ())?,
        }
        match tightened {
            // A failure is told, though the gate is closed: what was answered is safe from every restore.
            Some(erasure) => self.entomb(erasure).await,
            None => Ok(()),
        }
    }

    /// Commits a change after which somebody may see less, with a tombstone: no backup that is put back undoes it.
    pub(super) async fn narrow(
        &self,
        change: Change,
        owner: AccountId,
        gallery: GalleryId,
        narrowed: Narrowed,
    ) -> Result<()> {
        let erasure = self.consequence(owner, Subject::Access { gallery, narrowed });
        self.accept(change, erasure).await.map(|_| ())
    }

    /// Adds what begins an erasure to the change that hides what is erased.
    pub(super) fn accept_into(&self, change: &mut Change, erasure: &Erasure) {
        change.create(layout::erasure(erasure.id), erasure);
        change.create(layout::part(erasure), &Part { subject: erasure.subject.clone() });
        Self::open(change, erasure);
        self.tell(change, Happened::ErasureAccepted { erasure: erasure.id });
    }

    /// Adds the work item of an erasure.
    pub(super) fn open(change: &mut Change, erasure: &Erasure) {
        let Erasure { accepted, due, breached, .. } = *erasure;
        let open = Open { accepted, due, breached: breached.is_some(), held: erasure.blobs.step.is_held() };
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
