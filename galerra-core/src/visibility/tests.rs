use std::sync::atomic::{AtomicU8, Ordering};

use time::Duration;
use time::macros::datetime;

use super::*;
use crate::{Email, Env, Focal, Format, NewShare, Original, Plan, Title, Username, Visibility};

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
const LATER: OffsetDateTime = datetime!(2026-03-01 12:01 UTC);

#[derive(Debug, Default)]
struct Dice(AtomicU8);

impl Env for Dice {
    fn now(&self) -> OffsetDateTime {
        NOW
    }

    fn random(&self) -> [u8; 32] {
        [self.0.fetch_add(1, Ordering::Relaxed); 32]
    }
}

/// Everything that decides, each with all the values it can have.
struct World {
    dice: Dice,
    gated: Life,
    other: GalleryId,
}

impl World {
    fn new() -> Self {
        let dice = Dice::default();
        let gated = Life::Gated { by: ErasureId::draw(&dice) };
        let other = GalleryId::draw(&dice);
        Self { dice, gated, other }
    }

    fn account(&self, plan: Plan, life: Life) -> Account {
        Account {
            id: AccountId::draw(&self.dice),
            username: Username::parse("ada").unwrap(),
            email: Email::parse("ada@example.org").unwrap(),
            plan,
            created: NOW,
            life,
            key_digest: String::new(),
        }
    }

    fn gallery(&self, owner: AccountId, visibility: Visibility, life: Life) -> Gallery {
        Gallery {
            id: GalleryId::draw(&self.dice),
            owner,
            title: Title::default(),
            description: crate::Description::default(),
            visibility,
            epoch: 1,
            created: NOW,
            life,
        }
    }

    fn share(&self, gallery: GalleryId, expires: OffsetDateTime, terms: Terms) -> Share {
        let times = (NOW - Duration::HOUR, expires);
        NewShare { terms, ..NewShare::default() }.drawn(&self.dice, gallery, times, None, String::new())
    }

    fn image(&self, gallery: &Gallery, hidden: bool, life: Life) -> Image {
        Image {
            id: crate::ImageId::draw(&self.dice),
            owner: gallery.owner,
            gallery: gallery.id,
            title: Title::default(),
            alt: crate::Description::default(),
            original: Original {
                format: Format::Jpeg,
                bytes: 1,
                sha256: String::new(),
                crc32: None,
                file_name: crate::FileName::default(),
            },
            width: 1,
            height: 1,
            placeholder: String::new(),
            colour: String::new(),
            focal: Focal::default(),
            facts: crate::Facts::default(),
            shown: [Fact::Taken].into(),
            hidden,
            recipe: String::new(),
            round: 0,
            renditions: Vec::new(),
            master: None,
            created: NOW,
            rank: String::new(),
            life,
        }
    }
}

const TERMS: [Terms; 8] = [
    Terms { download: false, show_metadata: false, upload: false },
    Terms { download: true, show_metadata: false, upload: false },
    Terms { download: false, show_metadata: true, upload: false },
    Terms { download: true, show_metadata: true, upload: false },
    Terms { download: false, show_metadata: false, upload: true },
    Terms { download: true, show_metadata: false, upload: true },
    Terms { download: false, show_metadata: true, upload: true },
    Terms { download: true, show_metadata: true, upload: true },
];

/// Proof of a share that was opened an hour ago.
fn opened(share: &Share) -> Option<Opened<'_>> {
    let then = NOW - Duration::HOUR;
    share.opened_by(&share.pass(then), then)
}

fn rendition(name: &str, audience: Audience) -> Rendition {
    Rendition {
        name: name.to_owned(),
        format: Format::Jpeg,
        width: 1,
        height: 1,
        audience,
        round: 0,
        made: None,
    }
}

/// What a row of the table says, written down without `decide`.
#[allow(clippy::struct_excessive_bools, reason = "a row of a truth table")]
struct Row {
    alive: bool,
    pro: bool,
    open: bool,
    owns: bool,
    /// The terms of a share that is good for this gallery now.
    good: Option<Terms>,
}

impl Row {
    /// Whether the viewer is let in at all.
    fn lets_in(&self) -> bool {
        self.alive && (self.owns || self.open || (self.pro && self.good.is_some()))
    }

    /// The terms the viewer is bound to, if a link is all that lets them in.
    fn by_link(&self) -> Option<Terms> {
        self.good.filter(|_| !self.owns && !self.open)
    }

    fn assert_fits(&self, grant: &Grant, image: &Image, what: &str) {
        assert_eq!(grant.is_owner(), self.owns, "{what}");
        let download = self.owns || self.by_link().is_some_and(|terms| terms.download);
        assert_eq!(grant.may_download(), download, "{what}");
        let takes = match (self.owns, grant.takes()) {
            (true, taken) => taken == Some(Life::Live),
            (false, Some(Life::Held { .. })) => self.by_link().is_some_and(|terms| terms.upload),
            (false, taken) => taken.is_none() && self.by_link().is_none_or(|terms| !terms.upload),
        };
        assert!(takes, "{what}: {:?}", grant.takes());
        let opens = match (image.life, image.hidden) {
            (Life::Live, false) => true,
            (Life::Live, true) | (Life::Held { .. } | Life::Trashed { .. }, _) => self.owns,
            (Life::Gated { .. }, _) => false,
        };
        assert_eq!(grant.opens(image), opens, "{what}");
        for (fact, chosen) in [(Fact::Taken, true), (Fact::Camera, false), (Fact::Location, false)] {
            let told = match (self.owns, self.by_link()) {
                (true, _) => true,
                (false, Some(terms)) => terms.show_metadata && (chosen || fact == Fact::Camera),
                (false, None) => chosen,
            };
            assert_eq!(grant.tells(image, fact), told, "{what}: {fact:?}");
        }
        assert_eq!(grant.cache() == CachePolicy::NoStore, !self.open, "{what}");
        let tally = Tally { images: 5, hidden: 2, held: 1 };
        assert_eq!(grant.counts(tally), if self.owns { 5 } else { 3 }, "{what}");
        let until = if self.by_link().is_some() { LATER } else { NOW + Policy::default().grant_life };
        assert_eq!(grant.until(), until, "{what}");
    }
}

/// Every viewer × plan × visibility × share × life, and what the grant then says about an image.
#[test]
fn the_table_of_who_may_see_what() {
    let world = World::new();
    let mut rows = 0;
    for plan in [Plan::Free, Plan::Pro] {
        for (life, gallery_life) in [
            (Life::Live, Life::Live),
            (world.gated, Life::Live),
            (Life::Live, world.gated),
            (world.gated, world.gated),
            (Life::Live, Life::Trashed { since: NOW, until: LATER, held: None }),
        ] {
            for visibility in
                [Visibility::Public, Visibility::Unlisted, Visibility::private(Plan::Pro.pro().unwrap())]
            {
                let owner = world.account(plan, life);
                let gallery = world.gallery(owner.id, visibility.clone(), gallery_life);
                let alive = life == Life::Live && gallery_life == Life::Live;
                let open = matches!(visibility, Visibility::Public | Visibility::Unlisted);
                let row = |owns, good| Row { alive, pro: plan == Plan::Pro, open, owns, good };
                rows += every_viewer(&world, &owner, &gallery, row);
            }
        }
    }
    assert_eq!(rows, 2 * 5 * 3 * 4 * 11);
}

/// Compares all viewers and shares with the row that is true for them; answers how many there were.
fn every_viewer(
    world: &World,
    owner: &Account,
    gallery: &Gallery,
    row: impl Fn(bool, Option<Terms>) -> Row,
) -> usize {
    let good = TERMS.map(|terms| (Some(world.share(gallery.id, LATER, terms)), Some(terms)));
    let bad = [
        (None, None),
        (Some(world.share(gallery.id, NOW, TERMS[7])), None),
        (Some(world.share(world.other, LATER, TERMS[7])), None),
    ];
    let viewers = [
        (Viewer::anonymous(), false),
        (Viewer::operator(), false),
        (Viewer::account(AccountId::draw(&world.dice)), false),
        (Viewer::account(owner.id), true),
    ];
    let mut rows = 0;
    for (viewer, owns) in &viewers {
        for (share, terms) in good.iter().chain(&bad) {
            let row = row(*owns, *terms);
            let opened = share.as_ref().and_then(opened);
            assert_eq!(opened.is_some(), share.is_some());
            let grant = decide(viewer, owner, gallery, opened, &Policy::default(), NOW);
            let what = format!("{viewer:?} {:?} {:?} {terms:?}", gallery.visibility, owner.plan);
            assert_eq!(grant.is_some(), row.lets_in(), "{what}");
            if let Some(grant) = grant {
                let held = Life::Held { by: ShareId::draw(&world.dice) };
                for (hidden, life) in [
                    (false, Life::Live),
                    (true, Life::Live),
                    (false, held),
                    (true, held),
                    (false, Life::Trashed { since: NOW, until: LATER, held: None }),
                    (false, world.gated),
                ] {
                    row.assert_fits(&grant, &world.image(gallery, hidden, life), &what);
                }
            }
            rows += 1;
        }
    }
    rows
}

#[test]
fn a_gallery_is_judged_by_its_own_account_alone() {
    let world = World::new();
    let (owner, other) = (world.account(Plan::Pro, Life::Live), world.account(Plan::Pro, Life::Live));
    let gallery = world.gallery(owner.id, Visibility::Public, Life::Live);
    assert!(decide(&Viewer::account(owner.id), &other, &gallery, None, &Policy::default(), NOW).is_none());
}

#[test]
fn what_is_hidden_or_the_owners_is_for_no_cache() {
    let world = World::new();
    let owner = world.account(Plan::Free, Life::Live);
    let gallery = world.gallery(owner.id, Visibility::Public, Life::Live);
    let grant = decide(&Viewer::account(owner.id), &owner, &gallery, None, &Policy::default(), NOW).unwrap();
    for (hidden, audience, kept) in [
        (false, Audience::Everyone, true),
        (false, Audience::Guests, true),
        (false, Audience::Owner, false),
        (true, Audience::Everyone, false),
    ] {
        let image = world.image(&gallery, hidden, Life::Live);
        let cache = grant.cache_of(&image, &rendition("a", audience));
        assert_eq!(cache != CachePolicy::NoStore, kept, "{hidden} {audience:?}");
    }
}

/// Whatever is done to a gallery and its links, less reach never lets anybody do more.
#[test]
fn tightening_never_widens() {
    let world = World::new();
    let pro = world.account(Plan::Pro, Life::Live);
    let free = Account { plan: Plan::Free, ..pro.clone() };
    let private = world.gallery(pro.id, Visibility::private(Plan::Pro.pro().unwrap()), Life::Live);
    let public = Gallery { visibility: Visibility::Public, ..private.clone() };
    let gated = Gallery { life: world.gated, ..private.clone() };
    let all = world.share(private.id, LATER, TERMS[7]);
    let image = world.image(&private, false, Life::Live);
    let rights = |owner: &Account, gallery: &Gallery, share: Option<&Share>, now| {
        let viewer = Viewer::anonymous();
        let grant = decide(&viewer, owner, gallery, share.and_then(opened), &Policy::default(), now);
        let facts = [Fact::Taken, Fact::Camera, Fact::Location];
        grant.map_or(0, |grant| {
            let told = facts.iter().filter(|fact| grant.tells(&image, **fact)).count();
            1 + usize::from(grant.may_download()) + usize::from(grant.takes().is_some()) + told
        })
    };
    let before = rights(&pro, &private, Some(&all), NOW);
    assert_eq!(before, 5);
    for terms in TERMS {
        assert!(rights(&pro, &private, Some(&Share { terms, ..all.clone() }), NOW) <= before);
    }
    for (owner, gallery, share, now) in [
        (&free, &private, Some(&all), NOW),
        (&pro, &gated, Some(&all), NOW),
        (&pro, &private, None, NOW),
        (&pro, &private, Some(&all), LATER),
        (&pro, &private, Some(&all), NOW + Duration::days(400)),
    ] {
        assert_eq!(rights(owner, gallery, share, now), 0);
    }
    assert!(rights(&free, &public, Some(&all), NOW) <= before, "a link adds nothing to an open gallery");
}

/// A share that is known of opens nothing: proof of having opened it is another type, and comes of its own passes
/// alone, as long as they and it are good.
#[test]
fn only_a_pass_of_its_own_proves_that_a_share_was_opened() {
    let world = World::new();
    let share = world.share(world.other, LATER, TERMS[7]);
    let other = world.share(world.other, LATER, TERMS[7]);
    assert!(share.opened_by(&share.pass(NOW), NOW).is_some());
    assert!(share.opened_by(&other.pass(NOW), NOW).is_none(), "a pass of another share");
    assert!(share.opened_by(&share.pass(NOW), LATER).is_none(), "it has expired");
    let rekeyed = Share { key: crate::PassKey::draw(&world.dice), ..share.clone() };
    assert!(rekeyed.opened_by(&share.pass(NOW), NOW).is_none(), "another password was set");
    let long = world.share(world.other, NOW + Duration::days(30), TERMS[0]);
    assert!(long.opened_by(&long.pass(NOW), NOW + Share::PASS_LIFE).is_none(), "the pass has ended");
}

/// An owner may put on the guise of a guest of their own galleries, and nobody else may.
#[test]
fn an_owner_alone_is_shown_what_a_link_shows() {
    let world = World::new();
    let owner = world.account(Plan::Pro, Life::Live);
    let gallery = world.gallery(owner.id, Visibility::private(Plan::Pro.pro().unwrap()), Life::Live);
    let (share, other) =
        (world.share(gallery.id, LATER, TERMS[1]), world.share(world.other, LATER, TERMS[1]));
    let grant = |viewer: &Viewer, opened| decide(viewer, &owner, &gallery, opened, &Policy::default(), NOW);
    let own = grant(&Viewer::account(owner.id), None).unwrap();
    let guest = grant(&Viewer::anonymous(), opened(&share)).unwrap();
    assert!(Opened::for_its_owner(&guest, &share).is_none());
    assert!(Opened::for_its_owner(&own, &other).is_none(), "a link to another gallery");
    assert_eq!(grant(&Viewer::anonymous(), Opened::for_its_owner(&own, &share)).unwrap(), guest);
}

#[test]
fn a_viewer_carries_what_they_were_given() {
    let world = World::new();
    let share = world.share(world.other, LATER, TERMS[0]);
    let viewer = Viewer::account(AccountId::draw(&world.dice)).with_passes([share.pass(NOW)]);
    assert_eq!((viewer.passes().len(), viewer.guise()), (1, None));
    let viewer = viewer.in_guise(Guise::Guest(share.id));
    assert_eq!((viewer.passes().len(), viewer.guise()), (1, Some(Guise::Guest(share.id))));
    let many = std::iter::repeat_with(|| share.pass(NOW)).take(Viewer::MAX_PASSES + 5);
    assert_eq!(viewer.with_passes(many).passes().len(), Viewer::MAX_PASSES);
}

#[test]
fn what_is_not_gated_is_there_for_its_owner() {
    let world = World::new();
    let held = Life::Held { by: ShareId::draw(&world.dice) };
    let trashed = Life::Trashed { since: NOW, until: LATER, held: None };
    for (life, live, there) in
        [(Life::Live, true, true), (held, false, true), (trashed, false, true), (world.gated, false, false)]
    {
        assert_eq!((life.is_live(), life.is_there()), (live, there), "{life:?}");
    }
}

mod tickets;
