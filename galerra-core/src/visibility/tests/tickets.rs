//! What a signed address opens: the one rendition that it was signed for, as long as nothing was tightened.

use galerra_cdn::SecureLink;

use super::*;
use crate::Signed;

struct Case {
    world: World,
    owner: Account,
    gallery: Gallery,
    image: Image,
    grant: Grant,
    signer: SecureLink,
}

impl Case {
    fn new() -> Self {
        let world = World::new();
        let owner = world.account(Plan::Pro, Life::Live);
        let gallery = world.gallery(owner.id, Visibility::private(Plan::Pro.pro().unwrap()), Life::Live);
        let image = world.image(&gallery, false, Life::Live);
        let share = world.share(gallery.id, NOW + Duration::days(1), TERMS[7]);
        let viewer = Viewer::anonymous();
        let grant = decide(&viewer, &owner, &gallery, opened(&share), &Policy::default(), NOW).unwrap();
        let signer = SecureLink::new("0123456789abcdef").unwrap();
        Self { world, owner, gallery, image, grant, signer }
    }

    fn address(&self, grant: &Grant, image: &Image, rendition: &Rendition) -> Option<String> {
        Ticket::address(&self.signer, "/p", grant, image, rendition, NOW)
    }

    fn ticket(&self) -> Ticket {
        let address =
            self.address(&self.grant, &self.image, &rendition("thumb", Audience::Everyone)).unwrap();
        let (path, query) = address.split_once('?').unwrap();
        assert_eq!(path, format!("/p/i/{}/thumb.jpg", self.image.id));
        let parts: Vec<&str> = query.split(['=', '&']).collect();
        let [_, epoch, _, until, _, sig] = parts.as_slice() else { panic!("{query}") };
        let signed = serde_json::json!({
            "epoch": epoch.parse::<u64>().unwrap(),
            "until": until.parse::<i64>().unwrap(),
            "sig": sig,
        });
        let signed: Signed = serde_json::from_value(signed).unwrap();
        assert!(Ticket::read(&self.signer, "/q", self.image.id, "thumb.jpg", &signed).is_none());
        Ticket::read(&self.signer, "/p", self.image.id, "thumb.jpg", &signed).unwrap()
    }
}

#[test]
fn a_ticket_opens_one_rendition_and_tells_nothing() {
    let case = Case::new();
    let grant = honours(case.ticket(), &case.owner, &case.gallery, NOW).unwrap();
    let everyone = rendition("thumb", Audience::Everyone);
    assert!(grant.opens(&case.image) && grant.shows(&everyone));
    assert!(grant.shows(&rendition("thumb", Audience::Guests)));
    assert!(
        !grant.shows(&rendition("thumb", Audience::Owner))
            && !grant.shows(&rendition("large", Audience::Everyone))
    );
    assert!(!grant.opens(&case.world.image(&case.gallery, false, Life::Live)), "another image");
    for (hidden, life) in [(true, Life::Live), (false, case.world.gated)] {
        assert!(!grant.opens(&Image { hidden, life, ..case.image.clone() }));
    }
    let held = Life::Held { by: ShareId::draw(&case.world.dice) };
    assert!(!grant.opens(&Image { life: held, ..case.image.clone() }));
    assert!(Fact::ALL.iter().all(|fact| !grant.tells(&case.image, *fact)));
    assert_eq!(grant.counts(Tally { images: 5, hidden: 1, held: 0 }), 0);
    assert_eq!((grant.takes(), grant.may_download(), grant.is_owner()), (None, false, false));
    assert_eq!((grant.is_guest(), grant.is_listed(), grant.may_read_facts()), (false, false, false));
    assert_eq!(
        (grant.cache(), grant.epoch(), grant.until()),
        (CachePolicy::NoStore, 1, NOW + Duration::minutes(5))
    );
    assert_eq!((grant.gallery(), grant.owner()), (case.gallery.id, case.owner.id));
}

#[test]
fn a_ticket_dies_with_what_it_was_given_for() {
    let case = Case::new();
    let ticket = case.ticket();
    let honoured =
        |owner: &Account, gallery: &Gallery, now| honours(ticket.clone(), owner, gallery, now).is_some();
    assert!(honoured(&case.owner, &case.gallery, NOW));
    assert!(honoured(&case.owner, &case.gallery, ticket.until - Duration::SECOND));
    assert!(!honoured(&case.owner, &case.gallery, ticket.until));
    assert!(!honoured(&case.owner, &case.gallery, ticket.until + Duration::SECOND));
    assert!(!honoured(&Account { plan: Plan::Free, ..case.owner.clone() }, &case.gallery, NOW));
    assert!(!honoured(&Account { life: case.world.gated, ..case.owner.clone() }, &case.gallery, NOW));
    for gallery in [
        Gallery { epoch: 2, ..case.gallery.clone() },
        Gallery { life: case.world.gated, ..case.gallery.clone() },
        Gallery { visibility: Visibility::Public, ..case.gallery.clone() },
    ] {
        assert!(!honoured(&case.owner, &gallery, NOW));
    }
}

#[test]
fn only_what_a_guest_sees_is_signed_for_them() {
    let case = Case::new();
    let thumb = rendition("thumb", Audience::Everyone);
    assert!(case.address(&case.grant, &case.image, &thumb).is_some());
    assert!(case.address(&case.grant, &case.image, &rendition("thumb", Audience::Owner)).is_none());
    assert!(case.address(&case.grant, &Image { hidden: true, ..case.image.clone() }, &thumb).is_none());
    let (viewer, policy) = (Viewer::account(case.owner.id), Policy::default());
    let own = decide(&viewer, &case.owner, &case.gallery, None, &policy, NOW).unwrap();
    assert!(case.address(&own, &case.image, &thumb).is_none(), "its owner has a key");
    // A link that ends within the minute is not worth an address.
    let share = case.world.share(case.gallery.id, NOW + Duration::seconds(50), TERMS[0]);
    let viewer = Viewer::anonymous();
    let brief = decide(&viewer, &case.owner, &case.gallery, opened(&share), &policy, NOW).unwrap();
    assert!(case.address(&brief, &case.image, &thumb).is_none());
}

#[test]
fn a_grant_says_what_kind_it_is() {
    let case = Case::new();
    let policy = Policy::default();
    assert!(case.grant.is_guest() && case.grant.may_read_facts() && !case.grant.is_listed());
    let shy = case.world.share(case.gallery.id, LATER, TERMS[0]);
    let viewer = Viewer::anonymous();
    let shy = decide(&viewer, &case.owner, &case.gallery, opened(&shy), &policy, NOW).unwrap();
    assert!(shy.is_guest() && !shy.may_read_facts());
    for (visibility, listed) in [(Visibility::Public, true), (Visibility::Unlisted, false)] {
        let open = Gallery { visibility, epoch: 7, ..case.gallery.clone() };
        let grant = decide(&viewer, &case.owner, &open, None, &policy, NOW).unwrap();
        assert_eq!((grant.is_listed(), grant.is_guest(), grant.may_read_facts()), (listed, false, false));
        assert_eq!(grant.epoch(), 7);
    }
}
