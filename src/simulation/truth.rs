//! What is true, read off the commits themselves as they take effect: which images there are and who may see them, by
//! rules written once more and independently of the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use galerra_core::{
    Account, AccountId, EdgeStep, Erasure, ErasureId, Gallery, GalleryId, Image, ImageId, Life, Share,
    ShareId, Stage, Subject,
};
use galerra_storage::{Key, Op, Row};
use serde::de::DeserializeOwned;

use super::clockwork::DAWN;
use super::darkroom::Photo;

/// An instant: turns order what happens at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) turn: u64,
    pub(super) at: Duration,
}

/// Whether something is so, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) now: bool,
    pub(super) since: Moment,
}

impl Known {
    fn not(since: Moment) -> Self {
        Self { now: false, since }
    }

    /// Takes in what is so now; answers whether that is new.
    fn set(&mut self, so: bool, now: Moment) -> bool {
        let new = so != self.now;
        if new {
            *self = Self { now: so, since: now };
        }
        new
    }
}

/// An image, and what became of it; it is remembered when its record is gone.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) owner: AccountId,
    pub(super) gallery: GalleryId,
    pub(super) photo: Option<Photo>,
    /// What the record says, while there is one.
    pub(super) record: Option<Record>,
    /// Whether anybody may see it.
    pub(super) open: Known,
    /// Whether its owner may.
    pub(super) there: Known,
    /// Whether guests of its gallery may.
    pub(super) shared: Known,
    /// Whether anybody ever could.
    pub(super) was_open: bool,
    /// Since when nobody may, if an answer has said so.
    pub(super) told: Option<Moment>,
    /// When a receipt said that every copy is gone, and by when it said so of networks that cannot be asked.
    pub(super) proven: Option<Moment>,
    pub(super) bound: Option<Duration>,
    /// Whether the bound is all that the receipt says of any network.
    pub(super) nameless: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) life: Life,
    pub(super) hidden: bool,
    /// Check sums of the bytes that have to be there.
    pub(super) stored: BTreeSet<String>,
}

impl Record {
    fn of(image: &Image) -> Self {
        let made = image.renditions.iter().filter_map(|rendition| rendition.made.as_ref());
        let master = image.master.iter().map(|master| &master.made);
        let stored = made.chain(master).map(|made| made.sha256.clone());
        let stored = stored.chain([image.original.sha256.clone()]).collect();
        Self { life: image.life, hidden: image.hidden, stored }
    }

    pub(super) fn is_gated(&self) -> bool {
        matches!(self.life, Life::Gated { .. })
    }
}

#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) owner: AccountId,
    pub(super) life: Life,
    pub(super) open: bool,
}

/// An erasure on its way.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) owner: AccountId,
    pub(super) subject: Subject,
    pub(super) accepted: Moment,
    /// When the last copy is gone for certain, by its own account, if it names a time.
    pub(super) bound: Option<Duration>,
    pub(super) ended: Option<Stage>,
}

impl Work {
    /// Whether the subject holds this image.
    pub(super) fn covers(&self, id: ImageId, picture: &Picture) -> bool {
        match self.subject {
            Subject::Image { image, .. } | Subject::Copies { image: Some(image), .. } => image == id,
            Subject::Gallery { gallery } | Subject::Copies { gallery, image: None } => {
                gallery == picture.gallery
            }
            Subject::Account => picture.owner == self.owner,
            Subject::Renditions { .. } | Subject::Access { .. } => false,
        }
    }

    /// The folder of its blobs, if all in it have to go.
    pub(super) fn folder(&self) -> Option<String> {
        let owner = self.owner;
        match self.subject {
            Subject::Image { gallery, image } => Some(format!("{owner}/{gallery}/{image}/")),
            Subject::Gallery { gallery } => Some(format!("{owner}/{gallery}/")),
            Subject::Account => Some(format!("{owner}/")),
            Subject::Copies { .. } | Subject::Renditions { .. } | Subject::Access { .. } => None,
        }
    }
}

/// What a commit said that somebody has to look at.
#[derive(Debug, Clone, Copy)]
pub(super) enum News {
    Accepted(ErasureId),
    Ended(ErasureId),
    GivenTwice,
    BornDead(ImageId),
}

#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) accounts: BTreeMap<AccountId, Life>,
    pub(super) galleries: BTreeMap<GalleryId, Room>,
    pub(super) images: BTreeMap<ImageId, Picture>,
    pub(super) shares: BTreeMap<ShareId, GalleryId>,
    pub(super) revoked: BTreeMap<ShareId, Moment>,
    /// Of which an answer has said that they are revoked.
    pub(super) told: BTreeSet<ShareId>,
    pub(super) works: BTreeMap<ErasureId, Work>,
    /// Photographs by the check sum of their file.
    pub(super) photos: BTreeMap<String, Photo>,
    /// When a backup was put back.
    pub(super) restored: Option<Moment>,
    references: BTreeSet<String>,
}

impl Truth {
    /// Takes in a commit that has just taken effect.
    pub(super) fn committed(&mut self, ops: &BTreeMap<Key, Op>, now: Moment) -> Vec<News> {
        let mut news = Vec::new();
        let mut seen_differently = false;
        for (key, op) in ops {
            let mut parts = key.as_str().split('/');
            let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let value = match op {
                Op::Create(value) | Op::Replace(_, value) => Some(value.as_ref()),
                Op::Remove(_) => None,
                Op::Expect(_) => continue,
            };
            match (first, second) {
                ("ref", id) if matches!(op, Op::Create(_)) && !self.references.insert(id.to_owned()) => {
                    news.push(News::GivenTwice);
                }
                ("erasure", id) => news.extend(self.begun_or_ended(id, read(value), now)),
                ("ref" | "event" | "plan" | "lease" | "claim" | "apikey" | "sharekey" | "open", _) => {}
                (owner, "account") => {
                    set(&mut self.accounts, owner, read(value).map(|account: Account| account.life));
                    seen_differently = true;
                }
                (_, "gallery") => {
                    let room = read(value).map(|gallery: Gallery| Room {
                        owner: gallery.owner,
                        life: gallery.life,
                        open: gallery.visibility.is_open(),
                    });
                    set(&mut self.galleries, parts.next().unwrap_or_default(), room);
                    seen_differently = true;
                }
                (_, "image") => {
                    news.extend(self.pictured(parts.nth(1).unwrap_or_default(), read(value), now));
                    seen_differently = true;
                }
                (_, "share") => self.shared(parts.nth(1).unwrap_or_default(), read(value), now),
                _ => {}
            }
        }
        if seen_differently {
            self.look_again(now);
        }
        news
    }

    /// Takes in that the records are those of a backup again; what was gated or proven then is forgotten with them.
    pub(super) fn restored(&mut self, rows: &[Row], now: Moment) {
        self.accounts.clear();
        self.galleries.clear();
        self.shares.clear();
        // What was revoked, but was not said to be, may be forgotten.
        self.revoked.retain(|share, _| self.told.contains(share));
        self.works.retain(|_, work| work.ended.is_some());
        self.restored = Some(now);
        self.references.clear();
        for picture in self.images.values_mut() {
            picture.record = None;
            // What was closed, but was not said to be, may be forgotten: its copies live out their time.
            if !picture.open.now && picture.proven.is_none() && picture.told != Some(picture.open.since) {
                picture.open.since = now;
            }
        }
        let ops = rows.iter().map(|row| (row.key.clone(), Op::Create(row.value.clone())));
        self.committed(&ops.collect(), now);
    }

    fn begun_or_ended(&mut self, id: &str, erasure: Option<Erasure>, now: Moment) -> Option<News> {
        let (id, erasure): (ErasureId, Erasure) = (id.parse().ok()?, erasure?);
        let Some(work) = self.works.get_mut(&id) else {
            let Erasure { owner, subject, .. } = erasure;
            self.works.insert(id, Work { owner, subject, accepted: now, bound: None, ended: None });
            return Some(News::Accepted(id));
        };
        let stage = Some(erasure.stage()).filter(|stage| matches!(stage, Stage::Done | Stage::Withdrawn))?;
        let bounds = erasure.edges.iter().filter_map(|edge| match &edge.step {
            EdgeStep::Bounded { until } => Some((*until - DAWN).try_into().unwrap_or_default()),
            _ => None,
        });
        work.bound = bounds.max();
        work.ended.replace(stage).is_none().then_some(News::Ended(id))
    }

    fn pictured(&mut self, id: &str, image: Option<Image>, now: Moment) -> Option<News> {
        let id: ImageId = id.parse().ok()?;
        let record = image.as_ref().map(Record::of);
        if let Some(picture) = self.images.get_mut(&id) {
            picture.record = record;
            return None;
        }
        let image = image?;
        let account = self.accounts.get(&image.owner).is_some_and(|life| life.is_live());
        let room = self.galleries.get(&image.gallery).is_some_and(|room| room.life.is_live());
        let picture = Picture {
            owner: image.owner,
            gallery: image.gallery,
            photo: self.photos.get(&image.original.sha256).copied(),
            record,
            open: Known::not(now),
            there: Known::not(now),
            shared: Known::not(now),
            was_open: false,
            told: None,
            proven: None,
            bound: None,
            nameless: false,
        };
        self.images.insert(id, picture);
        (!account || !room).then_some(News::BornDead(id))
    }

    fn shared(&mut self, id: &str, share: Option<Share>, now: Moment) {
        let Ok(id) = id.parse::<ShareId>() else { return };
        if let Some(share) = share {
            self.shares.insert(id, share.gallery);
        } else {
            self.shares.remove(&id);
            self.revoked.insert(id, now);
        }
    }

    /// The rule about who sees what, once more.
    fn look_again(&mut self, now: Moment) {
        for picture in self.images.values_mut() {
            let account = self.accounts.get(&picture.owner).is_some_and(|life| life.is_live());
            let room = self.galleries.get(&picture.gallery);
            let record = picture.record.as_ref();
            let there = account
                && room.is_some_and(|room| room.life.is_live())
                && record.is_some_and(|record| !record.is_gated());
            let shared = there && record.is_some_and(|record| record.life.is_live() && !record.hidden);
            let open = shared && room.is_some_and(|room| room.open);
            picture.shared.set(shared, now);
            picture.there.set(there, now);
            if picture.open.set(open, now) {
                picture.was_open |= open;
                picture.proven = None;
            }
        }
    }

    /// Whether a picture has to be kept, so that its owner may see it again.
    pub(super) fn is_kept(&self, picture: &Picture) -> bool {
        let account = self.accounts.get(&picture.owner).is_some_and(|life| life.is_there());
        let room = self.galleries.get(&picture.gallery).is_some_and(|room| room.life.is_there());
        account && room && picture.record.as_ref().is_some_and(|record| !record.is_gated())
    }
}

fn read<T: DeserializeOwned>(value: Option<&str>) -> Option<T> {
    serde_json::from_str(value?).ok()
}

fn set<K: Ord + std::str::FromStr, V>(map: &mut BTreeMap<K, V>, key: &str, value: Option<V>) {
    let Ok(key) = key.parse::<K>() else { return };
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}
