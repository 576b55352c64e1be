//! The rows of the table, and the values that they stand for.

use galerra_core::{
    Account, Fact, Gallery, Image, Life, Opened, Plan, Share, Terms, Viewer, Visibility, VisibilityKind,
};
use time::{Duration, OffsetDateTime};

use crate::Stage;
use crate::stage::{NOW, THEN};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Anonymous,
    Stranger,
    Owner,
    Operator,
}

/// A link that whoever asks has opened an hour ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Whether it is of another gallery.
    pub elsewhere: bool,
    /// How long it is still good; from zero down it has expired.
    pub left: Duration,
    pub terms: Terms,
}

/// A row of the table; its `Debug` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub by: By,
    pub plan: Plan,
    pub account_lives: bool,
    pub gallery_lives: bool,
    pub visibility: VisibilityKind,
    pub link: Option<Link>,
    /// Whether the owner keeps the image from everyone else.
    pub hidden: bool,
    /// Whether the owner shows where it was taken.
    pub located: bool,
}

impl Case {
    /// How many there are for each link.
    pub const PER_LINK: usize = 4 * 2 * 2 * 2 * 3 * 2 * 2;

    /// The row of this number, read as digits of mixed bases.
    #[must_use]
    pub fn nth(mut number: usize, link: Option<Link>) -> Self {
        const BOTH: [bool; 2] = [true, false];
        let number = &mut number;
        Self {
            by: digit(number, [By::Anonymous, By::Stranger, By::Owner, By::Operator]),
            plan: digit(number, [Plan::Free, Plan::Pro]),
            account_lives: digit(number, BOTH),
            gallery_lives: digit(number, BOTH),
            visibility: digit(
                number,
                [VisibilityKind::Public, VisibilityKind::Unlisted, VisibilityKind::Private],
            ),
            link,
            hidden: digit(number, BOTH),
            located: digit(number, BOTH),
        }
    }

    /// Every row: with no link, a good one with any terms, one that ends now, and one of another gallery.
    pub fn table() -> impl Iterator<Item = Self> {
        let good = |terms| Link { elsewhere: false, left: Duration::MINUTE, terms };
        let ended = Link { left: Duration::ZERO, ..good(terms(7)) };
        let elsewhere = Link { elsewhere: true, ..good(terms(7)) };
        let links = (0..8).map(terms).map(good).chain([ended, elsewhere]).map(Some).chain([None]);
        links.flat_map(|link| (0..Self::PER_LINK).map(move |number| Self::nth(number, link)))
    }
}

/// The terms that three bits stand for.
#[must_use]
pub fn terms(bits: usize) -> Terms {
    Terms { download: bits & 1 > 0, show_metadata: bits & 2 > 0, upload: bits & 4 > 0 }
}

fn digit<T: Copy, const N: usize>(number: &mut usize, choices: [T; N]) -> T {
    let digit = *number % N;
    *number /= N;
    choices[digit]
}

/// What everyone who decides is given.
#[derive(Debug, Clone)]
pub struct Facts {
    pub viewer: Viewer,
    pub owner: Account,
    pub gallery: Gallery,
    pub image: Image,
    pub share: Option<Share>,
    pub now: OffsetDateTime,
}

impl Facts {
    #[must_use]
    pub fn of(stage: &Stage, case: &Case) -> Self {
        let life = |lives| if lives { Life::Live } else { stage.gated };
        let mut owner = stage.owner.clone();
        owner.plan = case.plan;
        owner.life = life(case.account_lives);
        let mut gallery = stage.gallery.clone();
        gallery.life = life(case.gallery_lives);
        // A private gallery stays private when its owner's plan ends.
        gallery.visibility = Visibility::on_plan(case.visibility, Plan::Pro).expect("Pro has all of them");
        let mut image = stage.image.clone();
        image.hidden = case.hidden;
        image.shown = case.located.then_some(Fact::Location).into_iter().collect();
        let share = case.link.map(|link| {
            let mut share = stage.share.clone();
            share.gallery = if link.elsewhere { stage.elsewhere } else { gallery.id };
            share.expires = NOW + link.left;
            share.terms = link.terms;
            share
        });
        let viewer = match case.by {
            By::Anonymous => Viewer::anonymous(),
            By::Stranger => Viewer::account(stage.stranger),
            By::Owner => Viewer::account(owner.id),
            By::Operator => Viewer::operator(),
        };
        let viewer = viewer.with_passes(case.link.map(|_| stage.pass.clone()));
        Self { viewer, owner, gallery, image, share, now: NOW }
    }

    /// Proof that the link was opened when it was still good.
    #[must_use]
    pub fn opened(&self) -> Option<Opened<'_>> {
        self.opened_at(THEN)
    }

    /// The same for some other time.
    #[must_use]
    pub fn opened_at(&self, when: OffsetDateTime) -> Option<Opened<'_>> {
        self.share.as_ref()?.opened_by(self.viewer.passes().first()?, when)
    }
}
