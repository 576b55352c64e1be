//! The stores' track: write leases out, records into plan pages, blobs by manifest, then by sweep.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use galerra_storage::{Erased, Key, Prefix, Row};

use super::super::hold::Held;
use super::super::records::{Change, Place, Stored, stored};
use super::{Engine, Moved, Result, Work};
use crate::erasure::StoreStep;
use crate::layout::Kind;
use crate::plan::PlanPage;
use crate::{Account, AccountId, Gallery, GalleryId, Image, ImageId, Life, Outcome, Share, Subject, layout};

/// Pointers to remove with a page of records, and for what is seen the gallery it is in.
type Pointers = BTreeMap<Key, Option<Part>>;

/// A part of a gallery, which was public if the gallery was and its owner did not hide it.
#[derive(Debug, Clone, Copy)]
struct Part {
    gallery: GalleryId,
    hidden: bool,
}

/// Records removed by one commit; each may bring three pointers along.
const PAGE: usize = 50;
/// Blobs listed at once, and erased side by side.
const SWEEP: usize = 500;
const AT_ONCE: usize = 8;

impl Engine {
    /// Moves the stores' track on by one step. A store that fails is noted, not propagated.
    pub(super) async fn step_stores(&self, work: &mut Work) -> Result<Moved> {
        let now = self.parts.env.now();
        if work.erasure.is_in_grace(now) {
            return Ok(Moved::Not);
        }
        if !work.erasure.records.step.is_absent() {
            return self.step_records(work).await;
        }
        if work.erasure.blobs.step.is_absent() || !work.erasure.blobs.attempts.is_due(now) {
            return Ok(Moved::Not);
        }
        let was_held = work.erasure.blobs.step.is_held();
        match self.step_blobs(work).await {
            // It is still held.
            Ok(StoreStep::Held { .. }) if was_held => return Ok(Moved::Not),
            Ok(step) => {
                if was_held {
                    // The promise starts anew when the law lets go, and the receipt says so.
                    work.erasure.held_until = Some(now);
                    work.erasure.due =
                        work.erasure.due.max(now + work.erasure.lane.promise(&self.parts.policy));
                }
                work.erasure.blobs.step = step;
            }
            Err(error) => {
                tracing::warn!(erasure = %work.erasure.id, code = error.code(), "a store could not be emptied yet");
                let outcome = Outcome::Failed { error: error.code().to_owned() };
                work.erasure.blobs.attempts.failed(now, outcome, self.parts.env.as_ref());
                self.save(work, Change::default()).await?;
                return Ok(Moved::Not);
            }
        }
        work.erasure.blobs.attempts.recovered();
        self.save(work, Change::default()).await?;
        Ok(Moved::On)
    }

    /// Takes one page of records out of the subject's ranges and writes what has to be proven into the plan.
    async fn step_records(&self, work: &mut Work) -> Result<Moved> {
        let (owner, subject) = (work.erasure.owner, work.erasure.subject.clone());
        if let Subject::Copies { gallery, image } = subject {
            return self.survey(work, gallery, image).await;
        }
        if self.is_awaited(&subject, owner).await? {
            return Ok(Moved::Not);
        }
        self.memo.forget_all();
        let rows = self.next_rows(work).await?;
        let removed = work.erasure.records.step.removed() + rows.len() as u64;
        let mut change = Change::default();
        if rows.is_empty() {
            let at = self.parts.env.now();
            work.erasure.records.step = StoreStep::Absent { removed, at };
        } else {
            if self.remove_rows(work, &rows, &mut change).await? == Moved::Not {
                return Ok(Moved::Not);
            }
            work.erasure.records.step = StoreStep::Erasing { removed, page: 0 };
        }
        self.save(work, change).await?;
        Ok(Moved::On)
    }

    /// Writes one more page of what networks may have of a gallery. The one image was noted with its gate.
    async fn survey(&self, work: &mut Work, gallery: GalleryId, image: Option<ImageId>) -> Result<Moved> {
        let (id, pages) = (work.erasure.id, work.erasure.pages);
        let mut rows = Vec::new();
        if image.is_none() {
            let before: Option<Stored<PlanPage>> = match pages.checked_sub(1) {
                Some(before) => self.read(layout::plan_page(id, before)).await?,
                None => None,
            };
            let after = before.and_then(|page| page.value.last);
            let range = layout::image_records(work.erasure.owner, gallery);
            rows = self.parts.records.scan(&range, after, PAGE).await?;
        }
        let mut change = Change::default();
        if let Some(last) = rows.last() {
            let mut page = PlanPage { last: Some(last.key.clone()), ..PlanPage::default() };
            for row in &rows {
                page.add_served(&stored::<Image>(row)?.value);
            }
            change.create(layout::plan_page(id, pages), &page);
            work.erasure.pages += 1;
        } else {
            work.erasure.records.step = StoreStep::Absent { removed: 0, at: self.parts.env.now() };
        }
        self.save(work, change).await?;
        Ok(Moved::On)
    }

    /// Whether somebody who began before the gate may still write bytes of the subject.
    async fn is_awaited(&self, subject: &Subject, owner: AccountId) -> Result<bool> {
        if let Subject::Image { gallery, image } = subject {
            return self.is_written(owner, *gallery, *image).await;
        }
        match layout::intents(subject, owner) {
            Some(intents) => Ok(!self.parts.records.scan(&intents, None, 1).await?.is_empty()),
            None => Ok(false),
        }
    }

    /// The next records to remove; none when every range and every single record was read back absent.
    async fn next_rows(&self, work: &Work) -> Result<Vec<Row>> {
        let (owner, subject) = (work.erasure.owner, &work.erasure.subject);
        for range in layout::ranges(subject, owner) {
            let rows = self.parts.records.scan(&range, None, PAGE).await?;
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        let singles = self.parts.records.get(&layout::singles(subject, owner, &work.erasure.rank)).await?;
        Ok(singles.into_iter().flatten().collect())
    }

    /// Adds the removal of these rows, of what points to them, and their page of the plan to `change`.
    async fn remove_rows(&self, work: &mut Work, rows: &[Row], change: &mut Change) -> Result<Moved> {
        let mut page = PlanPage::default();
        let mut pointers = Pointers::new();
        for row in rows {
            change.remove_row(row);
            match Kind::of(&row.key) {
                Some(Kind::Image) => {
                    let image: Image = stored(row)?.value;
                    page.add(&image);
                    let part = Part { gallery: image.gallery, hidden: image.is_kept() };
                    pointers.insert(layout::reference(image.id), Some(part));
                }
                Some(Kind::Gallery) => {
                    let gallery: Gallery = stored(row)?.value;
                    let part = Part { gallery: gallery.id, hidden: false };
                    pointers.insert(layout::reference(gallery.id), Some(part));
                }
                Some(Kind::Share) => {
                    let share: Share = stored(row)?.value;
                    pointers.insert(layout::share_key(&share.digest), None);
                    pointers.insert(layout::reference(share.id), None);
                }
                Some(Kind::Account) => {
                    let account: Account = stored(row)?.value;
                    pointers.insert(layout::api_key(&account.key_digest), None);
                    pointers.insert(layout::claim("username", account.username.as_str()), None);
                    pointers.insert(layout::claim("email", account.email.as_str()), None);
                }
                _ => {}
            }
        }
        if self.remove_pointers(work, pointers, change).await? == Moved::Not {
            return Ok(Moved::Not);
        }
        // The plan of a single image was written with its gate.
        if !page.blobs.is_empty() && !matches!(work.erasure.subject, Subject::Image { .. }) {
            change.create(layout::plan_page(work.erasure.id, work.erasure.pages), &page);
            work.erasure.pages += 1;
        }
        Ok(Moved::On)
    }

    /// Turns references into tombstones that say whether the thing was public, and removes other pointers.
    ///
    /// A gallery that an earlier erasure has gated is left to it: its plan has to name every image itself.
    async fn remove_pointers(&self, work: &Work, pointers: Pointers, change: &mut Change) -> Result<Moved> {
        let mut open = BTreeMap::new();
        for gallery in pointers.values().flatten().map(|part| part.gallery).collect::<BTreeSet<_>>() {
            let found: Option<Stored<Gallery>> =
                self.read(layout::gallery(work.erasure.owner, gallery)).await?;
            let Some(Stored { value: found, .. }) = found else { continue };
            match found.life {
                Life::Gated { by } if by != work.erasure.id => return Ok(Moved::Not),
                _ => open.insert(gallery, found.visibility.is_open()),
            };
        }
        let keys: Vec<Key> = pointers.keys().cloned().collect();
        for row in self.parts.records.get(&keys).await?.into_iter().flatten() {
            if row.key.as_str().starts_with("ref/") {
                let part = pointers.get(&row.key).copied().flatten();
                let public = part
                    .is_some_and(|part| !part.hidden && open.get(&part.gallery).copied().unwrap_or_default());
                change.replace(row.key, row.version, &Place::Gone { public });
            } else {
                change.remove_row(&row);
            }
        }
        Ok(Moved::On)
    }

    /// Erases one page of the plan, or, after the last, sweeps the prefix; an empty listing is the proof. What a legal hold
    /// keeps stays, and so does the proof, until it is released.
    async fn step_blobs(&self, work: &mut Work) -> Result<StoreStep> {
        let held = self.kept_of(work.erasure.owner).await?;
        let now = self.parts.env.now();
        let (removed, page) = match work.erasure.blobs.step {
            StoreStep::Erasing { removed, page } => (removed, page),
            StoreStep::Held { removed, .. } => (removed, work.erasure.pages),
            StoreStep::Absent { .. } => return Ok(work.erasure.blobs.step.clone()),
        };
        if page < work.erasure.pages {
            let plan: Option<Stored<PlanPage>> = self.read(layout::plan_page(work.erasure.id, page)).await?;
            let mut keys = plan.map(|plan| plan.value.blobs).unwrap_or_default();
            keys.retain(|key| !held.keeps(key));
            let removed = removed + self.erase_blobs(keys).await?;
            return Ok(StoreStep::Erasing { removed, page: page + 1 });
        }
        let Some(folder) = layout::blobs(&work.erasure.subject, work.erasure.owner) else {
            // Each blob was read back when it was erased; what lies beside it stays.
            return Ok(StoreStep::Absent { removed, at: now });
        };
        let Leftovers { loose, kept } = self.leftovers(&folder, &held).await?;
        Ok(match (loose.is_empty(), kept) {
            (true, 0) => StoreStep::Absent { removed, at: now },
            (true, kept) => StoreStep::Held { removed, kept, at: now },
            (false, _) => {
                let page = self.plan_found(work, loose).await?;
                StoreStep::Erasing { removed, page }
            }
        })
    }

    /// Makes what a sweep has found a page of the plan, before it is erased: networks have to be asked for it, too.
    /// Answers that page; what is found again is in it.
    async fn plan_found(&self, work: &mut Work, found: Vec<Key>) -> Result<u32> {
        let pages = work.erasure.pages;
        if let Some(last) = pages.checked_sub(1)
            && let Some(plan) = self.read::<PlanPage>(layout::plan_page(work.erasure.id, last)).await?
            && found.iter().all(|key| plan.value.blobs.contains(key))
        {
            return Ok(last);
        }
        let mut page = PlanPage::default();
        page.add_found(found);
        let mut change = Change::default();
        change.create(layout::plan_page(work.erasure.id, pages), &page);
        if !page.served.is_empty() {
            let now = self.parts.env.now();
            work.erasure.edges.iter_mut().for_each(|edge| edge.ask_again(pages, now));
        }
        work.erasure.pages += 1;
        self.save(work, change).await?;
        Ok(pages)
    }

    /// The first of what lies in a folder and has to go, and how much lies there that has to stay.
    async fn leftovers(&self, folder: &Prefix, held: &Held) -> Result<Leftovers> {
        let mut left = Leftovers::default();
        let mut after = None;
        loop {
            let found = self.parts.blobs.list(folder, after, SWEEP).await?;
            let full = found.len() == SWEEP;
            after = found.last().map(|entry| entry.key.clone());
            let all = found.len();
            left.loose.extend(found.into_iter().map(|entry| entry.key).filter(|key| !held.keeps(key)));
            left.kept += (all - left.loose.len()) as u64;
            if !full || !left.loose.is_empty() {
                return Ok(left);
            }
        }
    }

    /// Erases blobs, each read back absent; answers how many were there.
    pub(in crate::engine) async fn erase_blobs(&self, keys: Vec<Key>) -> Result<u64> {
        let blobs = &self.parts.blobs;
        let erased = futures::stream::iter(keys).map(|key| async move { blobs.erase(&key).await });
        let erased: Vec<Erased> = erased.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(erased.iter().filter(|erased| **erased == Erased::Removed).count() as u64)
    }
}

/// What lies in a folder that is being erased.
#[derive(Debug, Default)]
struct Leftovers {
    loose: Vec<Key>,
    kept: u64,
}
