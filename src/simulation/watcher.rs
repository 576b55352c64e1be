//! Who watches: every commit, every blob and every answer is held against what is promised, at the moment it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::FutureExt;
use galerra_cdn::{FakeCdn, Tag};
use galerra_core::{ErasureId, GalleryId, ImageId, Life, ShareId, Stage, Subject};
use galerra_storage::{Blobs, Key, Op, Prefix, Records, Row};

use super::coverage::Sight;
use super::darkroom::Photo;
use super::truth::{Moment, News, Picture, Truth, Work};
use super::violation::Violation;
use super::world::{Broken, World};

/// For whom something was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eye {
    Stranger,
    Owner,
    Guest(ShareId),
}

#[derive(Debug, Default)]
pub(super) struct Watcher {
    pub(super) truth: Truth,
    pub(super) broken: Option<Violation>,
    /// How long erasures of things, not of copies, took.
    pub(super) took: Vec<Duration>,
    /// Check sums of the blobs there are.
    shelf: BTreeMap<String, String>,
    /// Folders of what was erased, and said to be by an answer.
    answered: Vec<String>,
    /// What an answer has said is in the trash, or out of it, by id.
    thrown: BTreeMap<String, bool>,
    /// Blobs that were put after a backup which has been put back since: no record can know them.
    forgotten: BTreeSet<String>,
    /// Folders of which a receipt says that they are empty.
    emptied: Vec<String>,
}

/// How bytes are called that nobody knows of, in the folder of an image.
pub(super) const STRAY: &str = "/stray";

type Look = Result<(), Broken>;

impl Watcher {
    /// A commit has taken effect.
    pub(super) fn committed(&mut self, ops: &BTreeMap<Key, Op>, by_worker: bool, world: &World) -> Look {
        for news in self.truth.committed(ops, world.now()) {
            match news {
                News::Accepted(id) => self.accepted(id, by_worker, world),
                News::Ended(id) => self.ended(id, world)?,
                News::BornDead(image) => {
                    return Err(Broken(Violation::BornDead, format!("{image} was created")));
                }
                News::GivenTwice => {
                    return Err(Broken(Violation::Reissued, format!("{:?}", ops.keys().collect::<Vec<_>>())));
                }
            }
        }
        Ok(())
    }

    fn accepted(&self, id: ErasureId, by_worker: bool, world: &World) {
        let Some(work) = self.truth.works.get(&id) else { return };
        world.saw(match work.subject {
            Subject::Image { .. } => Sight::ImageErased,
            Subject::Gallery { .. } => Sight::GalleryErased,
            Subject::Account => Sight::AccountErased,
            Subject::Copies { .. } | Subject::Renditions { .. } => Sight::CopiesErased,
            Subject::Access { .. } => Sight::Narrowed,
        });
        if by_worker {
            world.saw(Sight::TrashEmptied);
        }
        let open = self.truth.works.iter().filter(|(other, work)| **other != id && work.ended.is_none());
        let covered = |picture: (&ImageId, &Picture)| work.covers(*picture.0, picture.1);
        for (_, other) in open {
            let mut images = self.truth.images.iter();
            if images.any(|(image, picture)| covered((image, picture)) && other.covers(*image, picture)) {
                world.saw(Sight::OverlappingErasures);
                break;
            }
        }
        world.tell(|| format!("accepted {id}: {:?}", work.subject));
    }

    fn ended(&mut self, id: ErasureId, world: &World) -> Look {
        let Some(work) = self.truth.works.get(&id).cloned() else { return Ok(()) };
        world.tell(|| format!("ended {id}: {:?}", work.ended));
        if work.ended == Some(Stage::Withdrawn) {
            world.saw(Sight::Withdrawn);
            return Ok(());
        }
        world.saw(Sight::Receipt);
        if let Some(folder) = work.folder() {
            self.took.push(world.now().at.saturating_sub(work.accepted.at));
            self.is_empty(id, &work, &folder, world)?;
            self.emptied.push(folder);
        }
        self.is_clean(id, &work, world)
    }

    /// No store holds anything of what a receipt says is gone.
    fn is_empty(&self, id: ErasureId, work: &Work, folder: &str, world: &World) -> Look {
        let too_early =
            |left: String| Err(Broken(Violation::ReceiptTooEarly, format!("{id}: {left} is left")));
        let Ok(folder) = Prefix::parse(folder) else { return Ok(()) };
        let blobs =
            world.blobs.list(&folder, None, 1).now_or_never().and_then(Result::ok).unwrap_or_default();
        if let Some(left) = blobs.first() {
            return too_early(format!("the blob {}", left.key));
        }
        let mut images = self.truth.images.iter();
        let image = images.find(|(image, picture)| work.covers(**image, picture) && picture.record.is_some());
        if let Some((image, _)) = image {
            return too_early(format!("the record of {image}"));
        }
        let rooms = self.truth.galleries.iter().find(|(gallery, room)| match work.subject {
            Subject::Gallery { gallery: erased } => **gallery == erased,
            Subject::Account => room.owner == work.owner,
            _ => false,
        });
        if let Some((gallery, _)) = rooms {
            return too_early(format!("the record of {gallery}"));
        }
        let rows = match work.subject {
            Subject::Account => world.records.scan(&folder, None, 1).now_or_never().and_then(Result::ok),
            _ => None,
        };
        match rows.unwrap_or_default().first() {
            Some(row) => too_early(format!("the record {}", row.key)),
            None => Ok(()),
        }
    }

    /// No network that can be asked, or that did as it was told, holds a copy.
    fn is_clean(&mut self, id: ErasureId, work: &Work, world: &World) -> Look {
        // What was replayed after a restore may have lost the names of what networks hold: then only time proves it.
        let nameless = work.bound.is_some() && self.truth.restored.is_some();
        let copies = work.folder().is_none();
        for (image, picture) in &mut self.truth.images {
            if !work.covers(*image, picture) {
                continue;
            }
            // A receipt about copies is about what was closed then; what was gated since has an erasure of its own.
            let since = picture.open.now || picture.open.since.turn > work.accepted.turn;
            if copies && (since || picture.record.as_ref().is_none_or(super::truth::Record::is_gated)) {
                continue;
            }
            if let Some(network) = (!nameless).then(|| holder(*image, world, FakeCdn::held)).flatten() {
                let told = format!("{id}: a copy of {image} is left in {network}");
                return Err(Broken(Violation::ReceiptTooEarly, told));
            }
            picture.proven = Some(world.now());
            picture.nameless = nameless;
            // Clocks are off, and caches count in whole seconds.
            picture.bound = work.bound.map(|bound| bound + world.weather.skew + Duration::from_secs(1));
        }
        Ok(())
    }

    /// A blob was put.
    pub(super) fn put(&mut self, key: &Key, sha256: String) -> Look {
        if let Some(folder) = self.emptied.iter().find(|folder| key.as_str().starts_with(folder.as_str())) {
            let told = format!("{key} was put below {folder}, of which there is a receipt");
            return Err(Broken(Violation::ReceiptTooEarly, told));
        }
        self.shelf.insert(key.as_str().to_owned(), sha256);
        Ok(())
    }

    /// A blob was erased.
    pub(super) fn erased(&mut self, key: &Key) -> Look {
        let Some(sha256) = self.shelf.remove(key.as_str()) else { return Ok(()) };
        let image = key.as_str().split('/').nth(2).and_then(|image| image.parse::<ImageId>().ok());
        let kept = image.and_then(|image| self.truth.images.get(&image));
        let record = kept.filter(|kept| self.truth.is_kept(kept)).and_then(|kept| kept.record.as_ref());
        if record.is_some_and(|record| record.stored.contains(&sha256)) {
            return Err(Broken(Violation::Lost, format!("{key} was erased, and its image is there")));
        }
        Ok(())
    }

    /// An answer said that what lies in this folder is erased.
    pub(super) fn answered(&mut self, folder: String) {
        self.answered.push(folder);
    }

    /// An answer said that something is in the trash, or out of it; nothing if somebody has asked and has no answer yet.
    pub(super) fn thrown(&mut self, id: String, so: Option<bool>) {
        match so {
            Some(so) => self.thrown.insert(id, so),
            None => self.thrown.remove(&id),
        };
    }

    /// An answer said that nobody may see these any more.
    pub(super) fn closed(&mut self, these: impl Fn(ImageId, &Picture) -> bool) {
        let images = self.truth.images.iter_mut();
        for (_, picture) in images.filter(|(image, picture)| !picture.open.now && these(**image, picture)) {
            picture.told = Some(picture.open.since);
        }
    }

    fn is_answered(&self, image: ImageId, picture: &Picture) -> bool {
        let folder = format!("{}/{}/{image}/", picture.owner, picture.gallery);
        self.answered.iter().any(|answered| folder.starts_with(answered.as_str()))
    }

    /// A backup was put back.
    pub(super) fn restored(&mut self, rows: &[Row], now: Moment) {
        self.truth.restored(rows, now);
        let unknown = self.shelf.iter().filter(|(key, sha256)| !self.is_known(key, sha256));
        self.forgotten = unknown.map(|(key, _)| key.clone()).collect();
    }

    /// Whether there is a record of the image in whose folder this lies.
    fn is_live(&self, key: &str) -> bool {
        let image = key.split('/').nth(2).and_then(|image| image.parse::<ImageId>().ok());
        image.and_then(|image| self.truth.images.get(&image)).is_some_and(|picture| picture.record.is_some())
    }

    /// Whether a record knows these bytes.
    fn is_known(&self, key: &str, sha256: &String) -> bool {
        let image = key.split('/').nth(2).and_then(|image| image.parse::<ImageId>().ok());
        let record = image.and_then(|image| self.truth.images.get(&image)?.record.as_ref());
        record.is_some_and(|record| record.stored.contains(sha256))
    }

    /// A backup was put back and the ledger replayed: nothing that was erased is there again.
    pub(super) fn replayed(&self) -> Look {
        let mut images = self.truth.images.iter();
        match images.find(|(image, picture)| picture.there.now && self.is_answered(**image, picture)) {
            Some((image, _)) => {
                Err(Broken(Violation::Resurrected, format!("{image} is there again after a restore")))
            }
            None => self.lies_where_it_lay(),
        }
    }

    /// What was in the trash is in it, to be erased in its time, and what was taken out of it is not.
    fn lies_where_it_lay(&self) -> Look {
        let kept = self.truth.images.iter().filter(|(_, picture)| self.truth.is_kept(picture));
        let images = kept.filter_map(|(id, picture)| Some((id.to_string(), picture.record.as_ref()?.life)));
        let there = |owner| self.truth.accounts.get(owner).is_some_and(|life: &Life| life.is_there());
        let rooms = self.truth.galleries.iter().filter(|(_, room)| there(&room.owner));
        let galleries = rooms.map(|(id, room)| (id.to_string(), room.life));
        for (id, life) in images.chain(galleries).filter(|(_, life)| life.is_there()) {
            let there = matches!(life, Life::Trashed { .. });
            match self.thrown.get(&id) {
                Some(true) if !there => {
                    let told = format!("{id} is out of the trash again after a restore");
                    return Err(Broken(Violation::Resurrected, told));
                }
                Some(false) if there => {
                    let told = format!("{id} is in the trash again after a restore");
                    return Err(Broken(Violation::Lost, told));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The origin showed an image, whose request came in at `since`.
    pub(super) fn shown(&self, what: &str, image: ImageId, eye: Eye, since: Moment) -> Look {
        let Some(picture) = self.truth.images.get(&image) else {
            return Err(Broken(Violation::Widened, format!("{image}, which never was, was {what}")));
        };
        let (may, changed) = match eye {
            Eye::Stranger => (picture.open.now, picture.open.since),
            Eye::Owner => (picture.there.now, picture.there.since),
            Eye::Guest(_) if picture.open.now => (true, picture.open.since),
            Eye::Guest(share) => match self.truth.revoked.get(&share) {
                Some(revoked) => (false, picture.open.since.max(*revoked)),
                None => (picture.shared.now, picture.open.since.max(picture.shared.since)),
            },
        };
        // What closes while a request is under way may still be shown.
        if may || changed.turn >= since.turn {
            return Ok(());
        }
        let gone = picture.record.as_ref().is_none_or(super::truth::Record::is_gated);
        let kind = if gone { Violation::ServedAfterGate } else { Violation::Widened };
        Err(Broken(kind, format!("{image} was {what} for {eye:?}, gone since turn {}", changed.turn)))
    }

    /// A visitor without any right got an image from an edge; they had asked at `since`.
    pub(super) fn seen(
        &self,
        network: usize,
        (image, photo): (ImageId, Photo),
        since: Moment,
        world: &World,
    ) -> Look {
        let Some(picture) = self.truth.images.get(&image) else { return Ok(()) };
        if picture.photo != Some(photo) {
            let told = format!("{image} was asked for, and network {network} served {photo:?}");
            return Err(Broken(Violation::Widened, told));
        }
        if picture.open.now || picture.open.since.turn >= since.turn {
            return Ok(());
        }
        let told = |why: &str| format!("{image} was served by network {network}, {why}");
        if !picture.was_open {
            return Err(Broken(Violation::Widened, told("and never was open")));
        }
        let bound = picture.open.since.at + world.weather.outlived();
        if since.at > bound {
            return Err(Broken(Violation::Outlived, told("after its time")));
        }
        let shape = world.networks.get(network).map(|network| &network.shape);
        let sure = shape.is_some_and(|shape| shape.probes || shape.honest);
        if sure && !picture.nameless && picture.proven.is_some_and(|proven| proven.turn < since.turn) {
            return Err(Broken(Violation::ReceiptTooEarly, told("after its receipt")));
        }
        if picture.proven.is_some_and(|proven| proven.turn < since.turn)
            && picture.bound.is_some_and(|bound| since.at > bound)
        {
            return Err(Broken(Violation::ReceiptTooEarly, told("after the bound that its receipt names")));
        }
        world.saw(Sight::CopyAfterGate);
        Ok(())
    }

    /// A fill has landed: what is proven gone must not be back.
    pub(super) fn landed(&self, image: ImageId, world: &World) -> Look {
        let picture = self.truth.images.get(&image);
        let proven = picture.is_some_and(|picture| picture.proven.is_some() && !picture.nameless);
        match proven.then(|| holder(image, world, FakeCdn::held)).flatten() {
            Some(network) => {
                let told = format!("a copy of {image} came to {network} after its receipt");
                Err(Broken(Violation::ReceiptTooEarly, told))
            }
            None => Ok(()),
        }
    }

    /// Everything has come to rest: nothing is lost, nothing is left over, no copy is where it should not be.
    pub(super) fn at_rest(&self, world: &World) -> Look {
        for (image, picture) in &self.truth.images {
            let Some(record) = &picture.record else { continue };
            let folder = format!("{}/{}/{image}/", picture.owner, picture.gallery);
            let below = self.shelf.range(folder.clone()..).take_while(|(key, _)| key.starts_with(&folder));
            let kept: Vec<&String> = below.map(|(_, sha256)| sha256).collect();
            if let Some(lost) = record.stored.iter().find(|sha256| !kept.contains(sha256)) {
                return Err(Broken(Violation::Lost, format!("{image} has no bytes {lost} any more")));
            }
        }
        for (key, sha256) in &self.shelf {
            // What lies beside the folders of accounts is the service's own.
            let stray = key.ends_with(STRAY) && self.is_live(key);
            if key.starts_with("acc_")
                && !stray
                && !self.is_known(key, sha256)
                && !self.forgotten.contains(key)
            {
                return Err(Broken(Violation::Orphaned, format!("no record knows {key}")));
            }
        }
        for (image, picture) in &self.truth.images {
            // What only a restore has forgotten or closed is nobody's wish; its copies live out their time.
            let forgotten = picture.record.is_none() && picture.proven.is_none();
            let forgotten = forgotten || self.truth.restored == Some(picture.open.since);
            let left = match picture.bound {
                _ if picture.open.now || forgotten => None,
                Some(bound) if world.now().at <= bound => None,
                // Where only time can prove anything, copies that have outlived themselves may lie about.
                Some(_) => holder(*image, world, FakeCdn::fresh),
                None => holder(*image, world, FakeCdn::held),
            };
            if let Some(network) = left {
                return Err(Broken(Violation::Widened, format!("a copy of {image} is left in {network}")));
            }
        }
        Ok(())
    }

    /// Images that could be looked at, the latest last.
    pub(super) fn images(&self) -> Vec<ImageId> {
        self.truth.images.keys().copied().collect()
    }

    /// Images that carry one of these tags.
    pub(super) fn tagged(&self, tags: &[&str]) -> Vec<ImageId> {
        let carries = |image: &ImageId, picture: &Picture| {
            let own = [('i', image.bare()), ('g', picture.gallery.bare()), ('u', picture.owner.bare())];
            own.into_iter().any(|(kind, bare)| tags.contains(&format!("{kind}-{bare}").as_str()))
        };
        let images = self.truth.images.iter().filter(|(image, picture)| carries(image, picture));
        images.map(|(image, _)| *image).collect()
    }

    /// The galleries of which there are records.
    pub(super) fn galleries(&self) -> Vec<GalleryId> {
        self.truth.galleries.keys().copied().collect()
    }

    /// Erasures that have not ended.
    pub(super) fn open_works(&self) -> impl Iterator<Item = (&ErasureId, &Work)> {
        self.truth.works.iter().filter(|(_, work)| work.ended.is_none())
    }
}

/// A network that holds such copies of an image, and can be asked for it or did as it was told.
fn holder(image: ImageId, world: &World, copies: fn(&FakeCdn, &Tag) -> usize) -> Option<&str> {
    let tag = Tag::parse(format!("i-{}", image.bare())).ok()?;
    let sure = world.networks.iter().filter(|network| network.shape.probes || network.shape.honest);
    sure.into_iter().find(|network| copies(&network.fake, &tag) > 0).map(|network| network.name.as_str())
}
