use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Audience, ErasureId, Gallery, GalleryId, Policy, Rendition, Share, ShareToken};

/// Whether something may still be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Life {
    /// It may, by whoever has a grant.
    Live,
    /// An erasure hides it; nothing opens it again.
    Gated {
        /// The erasure.
        by: ErasureId,
    },
}

impl Life {
    /// Whether it is live.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Live)
    }
}

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular.
    Anonymous,
    /// The holder of an account.
    Account(AccountId),
    /// The operator: runs the service, but owns nobody's pictures.
    Operator,
}

/// Who is asking, and the share links in their hand. A host makes it; Galerra believes it.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who is asking.
    pub who: Who,
    /// The links they came by, at most [`Viewer::MAX_TOKENS`].
    tokens: Vec<ShareToken>,
}

impl Viewer {
    /// Most links that are looked at; a browser that came by more shows the first ones.
    pub const MAX_TOKENS: usize = 64;

    /// Nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { who: Who::Anonymous, tokens: Vec::new() }
    }

    /// The holder of an account.
    #[must_use]
    pub fn account(id: AccountId) -> Self {
        Self { who: Who::Account(id), tokens: Vec::new() }
    }

    /// The operator.
    #[must_use]
    pub fn operator() -> Self {
        Self { who: Who::Operator, tokens: Vec::new() }
    }

    /// The same viewer with share links in hand.
    #[must_use]
    pub fn with_tokens(self, tokens: impl IntoIterator<Item = ShareToken>) -> Self {
        Self { tokens: tokens.into_iter().take(Self::MAX_TOKENS).collect(), ..self }
    }

    /// The links in hand.
    #[must_use]
    pub fn tokens(&self) -> &[ShareToken] {
        &self.tokens
    }
}

/// Proof that a viewer may see a gallery and what is in it; the only key to bytes, names and counts.
///
/// It has no public constructor but [`decide`], and is worth nothing after `until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    gallery: GalleryId,
    owner: AccountId,
    reach: Reach,
    epoch: u64,
    until: OffsetDateTime,
    cache: CachePolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Owner,
    Guest,
}

impl Grant {
    /// The gallery it opens.
    #[must_use]
    pub fn gallery(&self) -> GalleryId {
        self.gallery
    }

    /// Whose gallery it is.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.owner
    }

    /// Whether the viewer owns the gallery: the original, file names and shares are theirs to see.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.reach == Reach::Owner
    }

    /// Whether the viewer may have the master, which is the picture at its full size: so far its owner alone.
    #[must_use]
    pub fn may_download(&self) -> bool {
        self.is_owner()
    }

    /// Whether the viewer is shown a rendition.
    #[must_use]
    pub fn shows(&self, rendition: &Rendition) -> bool {
        match rendition.audience {
            // An owner may look at what guests see.
            Audience::Everyone | Audience::Guests => true,
            Audience::Owner => self.is_owner(),
        }
    }

    /// What caches may do with a rendition: what is the owner's alone is for no cache, even of an open gallery.
    #[must_use]
    pub fn cache_of(&self, rendition: &Rendition) -> CachePolicy {
        if rendition.audience == Audience::Owner { CachePolicy::NoStore } else { self.cache }
    }

    /// The epoch it was given under.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> OffsetDateTime {
        self.until
    }

    /// What caches may do with a response that it opened.
    #[must_use]
    pub fn cache(&self) -> CachePolicy {
        self.cache
    }
}

/// What caches may do with a response. The default is to keep nothing; only a public grant widens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CachePolicy {
    /// `private, no-store`.
    #[default]
    NoStore,
    /// Browsers for five minutes, shared caches until the ceiling; both must ask again afterwards.
    Public {
        /// Life in shared caches, in seconds.
        shared: u32,
    },
}

/// Decides whether `viewer` may see `gallery`, given the share their token names, if it names one.
///
/// A pure function, and the only place that makes a [`Grant`].
#[must_use]
pub fn decide(
    viewer: &Viewer,
    gallery: &Gallery,
    share: Option<&Share>,
    policy: &Policy,
    now: OffsetDateTime,
) -> Option<Grant> {
    if !gallery.life.is_live() {
        return None;
    }
    let grant = |reach, until, cache| Grant {
        gallery: gallery.id,
        owner: gallery.owner,
        reach,
        epoch: gallery.epoch,
        until,
        cache,
    };
    let soon = now + policy.grant_life;
    let open = CachePolicy::Public { shared: policy.edge_ttl.whole_seconds().try_into().unwrap_or(0) };
    let cache = if gallery.visibility.is_open() { open } else { CachePolicy::NoStore };
    if viewer.who == Who::Account(gallery.owner) {
        return Some(grant(Reach::Owner, soon, cache));
    }
    if gallery.visibility.is_open() {
        return Some(grant(Reach::Guest, soon, cache));
    }
    let share = share.filter(|share| share.gallery == gallery.id && share.is_open(now))?;
    Some(grant(Reach::Guest, soon.min(share.expires), cache))
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::{Env, Plan, ShareId, Title, Visibility};

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    #[derive(Debug, Default)]
    struct Dice(std::sync::atomic::AtomicU8);

    impl Env for Dice {
        fn now(&self) -> OffsetDateTime {
            NOW
        }

        fn random(&self) -> [u8; 32] {
            [self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed); 32]
        }
    }

    fn gallery(dice: &Dice, visibility: Visibility, life: Life) -> Gallery {
        Gallery {
            id: GalleryId::draw(dice),
            owner: AccountId::draw(dice),
            title: Title::default(),
            description: crate::Description::default(),
            visibility,
            epoch: 1,
            created: NOW,
            life,
        }
    }

    fn share(dice: &Dice, gallery: GalleryId, expires: OffsetDateTime) -> Share {
        let (id, label) = (ShareId::draw(dice), Title::default());
        Share { id, gallery, label, created: NOW, expires, digest: String::new() }
    }

    /// Every viewer × visibility × share × life, against an expectation written without `decide`.
    #[test]
    fn the_table_of_who_may_see_what() {
        let dice = Dice::default();
        let policy = Policy::default();
        let visibilities =
            [Visibility::Public, Visibility::Unlisted, Visibility::private(Plan::Pro.pro().unwrap())];
        for visibility in visibilities {
            for life in [Life::Live, Life::Gated { by: ErasureId::draw(&dice) }] {
                let gallery = gallery(&dice, visibility.clone(), life);
                let other = GalleryId::draw(&dice);
                let later = NOW + Duration::minutes(1);
                let shares = [
                    (None, false),
                    (Some(share(&dice, gallery.id, later)), true),
                    (Some(share(&dice, gallery.id, NOW)), false),
                    (Some(share(&dice, other, later)), false),
                ];
                let viewers = [
                    (Viewer::anonymous(), false),
                    (Viewer::operator(), false),
                    (Viewer::account(AccountId::draw(&dice)), false),
                    (Viewer::account(gallery.owner), true),
                ];
                for (viewer, owns) in &viewers {
                    for (share, opens) in &shares {
                        let grant = decide(viewer, &gallery, share.as_ref(), &policy, NOW);
                        let open = matches!(visibility, Visibility::Public | Visibility::Unlisted);
                        let expected = life == Life::Live && (*owns || open || *opens);
                        assert_eq!(grant.is_some(), expected, "{viewer:?} {visibility:?} {share:?} {life:?}");
                        let Some(grant) = grant else { continue };
                        assert_eq!(grant.is_owner(), *owns);
                        assert_eq!(grant.cache() == CachePolicy::NoStore, !open);
                        let guest = !owns && !open;
                        assert_eq!(grant.until(), if guest { later } else { NOW + policy.grant_life });
                    }
                }
            }
        }
    }
}
