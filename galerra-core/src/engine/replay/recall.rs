//! What a mark tells and the records have forgotten: it is known again, and what no backup may undo is so again.

use super::super::ledger::{Again, Marked};
use super::super::records::{Change, Stored};
use super::super::trash::Trashed;
use super::super::{Engine, Result};
use crate::{Gallery, Image, Life, Narrowed, Shares, Visibility, layout};

impl Engine {
    /// Carries a mark out again, and tells again what happened, in one commit.
    pub(super) async fn recall(&self, Marked { told, again }: &Marked) -> Result<()> {
        let event = layout::event(told.at, told.id);
        self.settle(|| async {
            if self.read::<serde_json::Value>(event.clone()).await?.is_some() {
                return Ok(());
            }
            let mut change = Change::default();
            change.create(event.clone(), told);
            match again {
                Some(Again::TakenOut(trashed)) => self.take_out_again(&mut change, trashed).await?,
                Some(Again::Hold(hold)) => self.hold_again(&mut change, hold).await?,
                Some(Again::BroughtBack(account)) => self.bring_back_again(&mut change, *account).await?,
                None => {}
            }
            self.commit(change).await.map(|_| ())
        })
        .await
    }

    /// Adds to a change that something is out of the trash, unless it was put there anew. Its owner says anew who else
    /// sees it.
    async fn take_out_again(&self, change: &mut Change, trashed: &Trashed) -> Result<()> {
        let (owner, gallery) = (trashed.owner, trashed.gallery);
        let same = |life| matches!(life, Life::Trashed { since, .. } if since == trashed.since);
        if let Some(image) = trashed.image {
            let found: Option<Stored<Image>> = self.read(layout::image(owner, gallery, image)).await?;
            if let Some(Stored { version, value }) = found.filter(|found| same(found.value.life)) {
                let value = value.narrowed(Narrowed::Image { image });
                self.fetch_image(change, Stored { version, value }, trashed).await?;
            }
        } else {
            let found: Option<Stored<Gallery>> = self.read(layout::gallery(owner, gallery)).await?;
            if let Some(Stored { version, mut value }) = found.filter(|found| same(found.value.life)) {
                if value.visibility.is_open() {
                    value.visibility = Visibility::Private(Shares { links: 0 });
                    value.epoch += 1;
                }
                self.fetch_gallery(change, Stored { version, value }, trashed).await?;
            }
        }
        Ok(())
    }
}
