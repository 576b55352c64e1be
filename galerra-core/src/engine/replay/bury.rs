//! What a tombstone tells and the records have forgotten: it is hidden again, and its erasure begins anew.

use super::super::gate::Cause;
use super::super::ledger::Tombstone;
use super::super::records::{Change, Stored};
use super::super::trash::Trashed;
use super::super::{Engine, Result};
use crate::erasure::Ledgered;
use crate::plan::PlanPage;
use crate::{
    Account, Erasure, ErasureId, Gallery, Image, Life, Narrowed, Shares, Subject, Tally, Visibility, layout,
};

impl Engine {
    /// Begins an erasure anew of which nothing but the tombstone is left.
    pub(super) async fn bury(&self, stone: &Tombstone) -> Result<()> {
        let cause = Cause { id: stone.erasure, lane: stone.lane, ledger: Ledgered::Entombed };
        // First: as long as there is no erasure, all of this is done anew.
        if let Some(trashed) = &stone.trashed {
            self.settle(|| self.trash_again(trashed)).await?;
        }
        self.settle(|| async {
            let mut change = Change::default();
            let hidden = self.hide_again(&mut change, cause, stone).await?;
            let erasure = hidden.unwrap_or_else(|| self.plan(cause, stone.owner, stone.subject.clone(), ""));
            // Asked for when it was, whenever the records were put back.
            let (accepted, not_before) = (stone.buried, stone.not_before);
            let due = stone.due.unwrap_or_else(|| stone.lane.due(accepted, not_before, &self.parts.policy));
            let mut erasure = Erasure { accepted, not_before, buried: accepted, due, ..erasure };
            for name in &stone.networks {
                if !erasure.edges.iter().any(|edge| edge.name == *name) {
                    erasure.edges.push(self.edge(name, erasure.accepted));
                }
            }
            self.accept_into(&mut change, &erasure);
            match self.commit(change).await {
                // Another process has begun the same.
                Err(error) if error.is_conflict() && self.is_known(stone.erasure).await? => Ok(()),
                done => done.map(|_| ()),
            }
        })
        .await
    }

    async fn is_known(&self, id: ErasureId) -> Result<bool> {
        Ok(self.read::<serde_json::Value>(layout::erasure(id)).await?.is_some())
    }

    /// Adds to a change that what was to be forgotten is hidden again, if there is anything to hide.
    async fn hide_again(
        &self,
        change: &mut Change,
        cause: Cause,
        stone: &Tombstone,
    ) -> Result<Option<Erasure>> {
        let owner = stone.owner;
        Ok(match stone.subject {
            Subject::Image { gallery, image } => {
                let found: Option<Stored<Image>> = self.read(layout::image(owner, gallery, image)).await?;
                match found.filter(|found| found.value.life.is_there()) {
                    Some(found) => Some(self.hide_image(change, cause, found).await?),
                    None => None,
                }
            }
            Subject::Gallery { gallery } => {
                let found: Option<Stored<Gallery>> = self.read(layout::gallery(owner, gallery)).await?;
                match found.filter(|found| found.value.life.is_there()) {
                    Some(found) => Some(self.hide_gallery(change, cause, found).await?),
                    None => None,
                }
            }
            Subject::Account => {
                let found: Option<Stored<Account>> = self.read(layout::account(owner)).await?;
                let found = found.filter(|found| found.value.life.is_there());
                found.map(|found| self.hide_account(change, cause, found))
            }
            Subject::Copies { gallery, image: Some(image) } => {
                let Some(found) = self.read::<Image>(layout::image(owner, gallery, image)).await? else {
                    return Ok(None);
                };
                let mut erasure = self.plan(cause, owner, stone.subject.clone(), "");
                let mut page = PlanPage::default();
                page.add_served(&found.value);
                change.create(layout::plan_page(erasure.id, 0), &page);
                erasure.pages = 1;
                self.narrow_image(change, found, Narrowed::Image { image }).await?;
                Some(erasure)
            }
            Subject::Copies { gallery, image: None } => {
                let key = layout::gallery(owner, gallery);
                if let Some(found) = self.read::<Gallery>(key.clone()).await?
                    && found.value.visibility.is_open()
                {
                    // Whatever the plan: a restore never shows more than was shown before.
                    let visibility = Visibility::Private(Shares { links: 0 });
                    let epoch = found.value.epoch + 1;
                    change.replace(key, found.version, &Gallery { visibility, epoch, ..found.value });
                }
                None
            }
            Subject::Access { gallery, narrowed } => {
                match narrowed {
                    Narrowed::Links { share } => self.end_links_again(change, owner, gallery, share).await?,
                    Narrowed::Image { image } | Narrowed::Facts { image } => {
                        let found: Option<Stored<Image>> =
                            self.read(layout::image(owner, gallery, image)).await?;
                        if let Some(found) = found {
                            self.narrow_image(change, found, narrowed).await?;
                        }
                    }
                }
                None
            }
            Subject::Renditions { .. } => None,
        })
    }

    /// Adds to a change that others see less of an image again.
    async fn narrow_image(
        &self,
        change: &mut Change,
        found: Stored<Image>,
        narrowed: Narrowed,
    ) -> Result<()> {
        let before = found.value;
        let Image { owner, gallery, id, .. } = before;
        if !before.life.is_there() {
            return Ok(());
        }
        let after = before.clone().narrowed(narrowed);
        let key = layout::tally(owner, gallery);
        if !matches!(before.life, Life::Trashed { .. })
            && let Some(Stored { version, value }) = self.read::<Tally>(key.clone()).await?
        {
            change.replace(key, version, &value.without(&before).with(&after));
        }
        change.replace(layout::image(owner, gallery, id), found.version, &after);
        Ok(())
    }

    /// Puts something into the trash, if it is there at all; who put it there last says until when.
    async fn trash_again(&self, trashed: &Trashed) -> Result<()> {
        let mut change = Change::default();
        let (owner, gallery) = (trashed.owner, trashed.gallery);
        let later = |life| match life {
            Life::Live | Life::Held { .. } => true,
            Life::Trashed { since, .. } => since < trashed.since,
            Life::Gated { .. } => false,
        };
        if let Some(image) = trashed.image {
            let found: Option<Stored<Image>> = self.read(layout::image(owner, gallery, image)).await?;
            let Some(found) = found.filter(|found| later(found.value.life)) else { return Ok(()) };
            self.throw_image(&mut change, found, trashed).await?;
        } else {
            let found: Option<Stored<Gallery>> = self.read(layout::gallery(owner, gallery)).await?;
            let Some(found) = found.filter(|found| later(found.value.life)) else { return Ok(()) };
            self.throw_gallery(&mut change, found, trashed).await?;
        }
        self.commit(change).await.map(|_| ())
    }
}
