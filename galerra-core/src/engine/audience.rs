use super::records::Stored;
use super::{Engine, MAX_PAGE, Result};
use crate::{
    Account, Description, Error, Fact, Gallery, GalleryId, Grant, NewShare, Opened, Share, Tally, Title,
    Viewer, decide, layout,
};

/// Who can see a gallery, each with what they are granted.
#[derive(Debug, Clone)]
pub struct Listeners {
    /// The gallery.
    pub gallery: Gallery,
    /// How many images there are.
    pub tally: Tally,
    /// What its owner is granted.
    pub owner: Grant,
    /// What anyone who comes by is granted, if anything.
    pub passer: Option<Grant>,
    /// Its links, and what whoever opened one is granted; nothing where the link has ended or is frozen.
    pub guests: Vec<(Share, Option<Grant>)>,
}

/// What leaves a gallery with a link, before there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disclosure {
    /// Images that would be seen.
    pub images: u64,
    /// Images that would not: they are hidden, or wait for their owner.
    pub kept: u64,
    /// Titles and text alternatives that would be read.
    pub texts: u64,
    /// Images whose full size could be fetched, and how many bytes their originals have.
    pub full_size: Option<(u64, u64)>,
    /// For each fact: images of which it would be told, and images of which it is known.
    pub facts: Vec<(Fact, u64, u64)>,
}

impl Engine {
    /// Who can see a gallery of the viewer's own.
    pub async fn audience(&self, viewer: &Viewer, id: GalleryId) -> Result<Listeners> {
        let (account, gallery) = self.own(viewer, id).await?;
        let (policy, now) = (&self.parts.policy, self.parts.env.now());
        let nobody = Viewer::anonymous();
        let own = decide(&Viewer::account(account.id), &account, &gallery, None, policy, now);
        let owner = own.ok_or(Error::NotFound)?;
        let shares = self.shares_of(account.id, id).await?.into_iter().map(|share| share.value);
        let guests = shares.map(|share| {
            let opened = Opened::for_its_owner(&owner, &share);
            let granted = decide(&nobody, &account, &gallery, opened, policy, now);
            (share, granted)
        });
        let guests = guests.collect();
        let tally: Option<Stored<Tally>> = self.read(layout::tally(account.id, id)).await?;
        let tally = tally.map(|tally| tally.value).unwrap_or_default();
        let passer = decide(&nobody, &account, &gallery, None, policy, now);
        Ok(Listeners { gallery, tally, owner, passer, guests })
    }

    /// What a new link would give away, without making it: decided by the rules that would decide for its guests.
    pub async fn disclosure(&self, viewer: &Viewer, id: GalleryId, new: &NewShare) -> Result<Disclosure> {
        let (account, gallery) = self.own(viewer, id).await?;
        let (env, policy, now) = (self.parts.env.as_ref(), &self.parts.policy, self.parts.env.now());
        if gallery.visibility.is_open() {
            return Err(Error::NotPrivate);
        }
        let expires = new.expires.unwrap_or(now + policy.share_life);
        let share = new.drawn(env, id, (now, expires), None, String::new());
        let own = decide(&Viewer::account(account.id), &account, &gallery, None, policy, now);
        let own = own.ok_or(Error::NotFound)?;
        let opened = Opened::for_its_owner(&own, &share);
        let Some(guest) = decide(&Viewer::anonymous(), &account, &gallery, opened, policy, now) else {
            account.plan.pro()?;
            return Err(Error::Invalid { field: "expires", reason: "must be in the future".to_owned() });
        };
        let mut disclosure = Disclosure {
            full_size: guest.may_download().then_some((0, 0)),
            facts: Fact::ALL.map(|fact| (fact, 0, 0)).to_vec(),
            ..Disclosure::default()
        };
        let mut cursor = None;
        loop {
            let page = self.images(&own, cursor.as_deref(), MAX_PAGE).await?;
            page.items.iter().for_each(|image| disclosure.add(&guest, image));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(disclosure),
            }
        }
    }

    /// A live gallery of the viewer's own, and their account.
    async fn own(&self, viewer: &Viewer, id: GalleryId) -> Result<(Account, Gallery)> {
        let account = self.account_of(viewer).await?.value;
        Ok((account, self.own_gallery(viewer, id).await?.value))
    }
}

impl Disclosure {
    fn add(&mut self, guest: &Grant, image: &crate::Image) {
        if !guest.opens(image) {
            self.kept += 1;
            return;
        }
        self.images += 1;
        let texts = [image.title != Title::default(), image.alt != Description::default()];
        self.texts += texts.iter().filter(|there| **there).count() as u64;
        if let Some((images, bytes)) = &mut self.full_size {
            *images += 1;
            *bytes += image.original.bytes;
        }
        for (fact, told, known) in &mut self.facts {
            if image.facts.has(*fact) {
                *known += 1;
                *told += u64::from(guest.tells(image, *fact));
            }
        }
    }
}
