use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{Env, GalleryId, Grant, Pass, PassKey, Password, PasswordHash, ShareId, Title};

/// A revocable link to a private gallery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Share {
    /// Its id; not the secret.
    pub id: ShareId,
    /// The gallery it opens.
    pub gallery: GalleryId,
    /// What its owner calls it.
    pub label: Title,
    /// Whom its owner gave it to, in the owner's words.
    #[serde(default)]
    pub recipient: Title,
    /// What whoever holds it may do.
    #[serde(default)]
    pub terms: Terms,
    /// How often it may be opened, and was.
    #[serde(default)]
    pub uses: Uses,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it stops opening anything; counted from its creation, never from an edit.
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    /// The password it asks for, hashed.
    #[serde(default)]
    pub(crate) lock: Option<PasswordHash>,
    /// What of the guesses at its password is used up: the time at which the budget is full again.
    #[serde(default = "full", with = "time::serde::rfc3339")]
    pub(crate) guessed: OffsetDateTime,
    /// SHA-256 of its token.
    pub(crate) digest: String,
    /// What its passes are made with; they end with it.
    #[serde(default)]
    pub(crate) key: PassKey,
}

/// What the holder of a link may do besides looking. Nothing, by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Fetch masters: pictures at their full size.
    pub download: bool,
    /// Read when and with what pictures were taken; and where, of those whose owner shows it.
    pub show_metadata: bool,
    /// Send pictures, which nobody but the owner sees before the owner has taken them.
    #[serde(default)]
    pub upload: bool,
}

impl Terms {
    /// Whether they leave out anything that others allow.
    #[must_use]
    pub fn are_less_than(self, others: Self) -> bool {
        (others.download && !self.download)
            || (others.show_metadata && !self.show_metadata)
            || (others.upload && !self.upload)
    }
}

/// How often a link may be opened, and was. Nothing is kept about who opened it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// How often it was opened.
    pub opened: u64,
    /// How often it may be; `None` is as often as one likes.
    pub most: Option<u64>,
}

impl Uses {
    /// How often it may still be opened; `None` is as often as one likes.
    #[must_use]
    pub fn left(self) -> Option<u64> {
        self.most.map(|most| most.saturating_sub(self.opened))
    }

    /// The uses after one more; `None` where there may be no more.
    #[must_use]
    pub fn another(self) -> Option<Self> {
        let opened = self.opened + 1;
        self.most.is_none_or(|most| opened <= most).then_some(Self { opened, ..self })
    }
}

impl Share {
    /// Longest life of a pass; the link itself can be opened again.
    pub const PASS_LIFE: Duration = Duration::hours(12);

    /// Whether what it opened is open now.
    #[must_use]
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        now < self.expires
    }

    /// Whether it asks for a password.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// What it is exchanged for by whoever opens it.
    pub(crate) fn pass(&self, now: OffsetDateTime) -> Pass {
        Pass::new(&self.key, self.id, self.expires.min(now + Self::PASS_LIFE))
    }

    /// Proof that it was opened, if a pass is one of its own and still good.
    #[must_use]
    pub fn opened_by(&self, pass: &Pass, now: OffsetDateTime) -> Option<Opened<'_>> {
        (self.is_open(now) && pass.is_of(&self.key, self.id, now)).then_some(Opened(self))
    }
}

/// Proof that a share was opened: with its token and, where it asks for one, its password. A share that is only known
/// of, or locked, is another type, and leads to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'a>(&'a Share);

impl<'a> Opened<'a> {
    /// What its owner is shown who wants to see what guests see.
    pub(crate) fn for_its_owner(grant: &Grant, share: &'a Share) -> Option<Self> {
        (grant.is_owner() && grant.gallery() == share.gallery).then_some(Self(share))
    }

    /// The share.
    #[must_use]
    pub fn share(self) -> &'a Share {
        self.0
    }
}

/// The budget of a link at which nobody has guessed.
fn full() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH
}

/// What a new share is made of.
#[derive(Debug, Clone, Default)]
pub struct NewShare {
    /// What its owner calls it.
    pub label: Title,
    /// Whom it is for.
    pub recipient: Title,
    /// What its holder may do.
    pub terms: Terms,
    /// How often it may be opened; `None` is as often as one likes.
    pub most_uses: Option<u64>,
    /// The password it shall ask for.
    pub password: Option<Password>,
    /// When it shall expire; by default after [`crate::Policy::share_life`].
    pub expires: Option<OffsetDateTime>,
}

impl NewShare {
    /// The share, with its secrets drawn.
    pub(crate) fn drawn(
        &self,
        env: &dyn Env,
        gallery: GalleryId,
        (created, expires): (OffsetDateTime, OffsetDateTime),
        lock: Option<PasswordHash>,
        digest: String,
    ) -> Share {
        Share {
            id: ShareId::draw(env),
            gallery,
            label: self.label.clone(),
            recipient: self.recipient.clone(),
            terms: self.terms,
            uses: Uses { opened: 0, most: self.most_uses },
            created,
            expires,
            lock,
            guessed: full(),
            digest,
            key: PassKey::draw(env),
        }
    }
}

/// What its owner changes about a share; what is `None` stays. Its expiry is never counted from an edit.
#[derive(Debug, Clone, Default)]
pub struct ShareEdit {
    /// What its owner calls it.
    pub label: Option<Title>,
    /// Whom it is for.
    pub recipient: Option<Title>,
    /// Whether masters may be fetched.
    pub download: Option<bool>,
    /// Whether facts may be read.
    pub show_metadata: Option<bool>,
    /// Whether pictures may be sent.
    pub upload: Option<bool>,
    /// How often it may be opened; `Some(None)` is as often as one likes.
    pub most_uses: Option<Option<u64>>,
    /// When it shall expire.
    pub expires: Option<OffsetDateTime>,
    /// A new password; `Some(None)` takes it off.
    pub password: Option<Option<Password>>,
}

impl ShareEdit {
    /// The share as it is afterwards, but for its lock.
    pub(crate) fn of(&self, share: &Share) -> Share {
        let Terms { download, show_metadata, upload } = share.terms;
        Share {
            label: self.label.clone().unwrap_or_else(|| share.label.clone()),
            recipient: self.recipient.clone().unwrap_or_else(|| share.recipient.clone()),
            terms: Terms {
                download: self.download.unwrap_or(download),
                show_metadata: self.show_metadata.unwrap_or(show_metadata),
                upload: self.upload.unwrap_or(upload),
            },
            uses: Uses { most: self.most_uses.unwrap_or(share.uses.most), ..share.uses },
            expires: self.expires.unwrap_or(share.expires),
            ..share.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_that_leave_something_out_are_less() {
        for bits in 0..8 {
            let terms = Terms { download: bits & 1 > 0, show_metadata: bits & 2 > 0, upload: bits & 4 > 0 };
            let everything = Terms { download: true, show_metadata: true, upload: true };
            assert_eq!(terms.are_less_than(everything), terms != everything);
            assert!(!everything.are_less_than(terms) && !terms.are_less_than(terms));
            assert!(!terms.are_less_than(Terms::default()));
        }
    }

    #[derive(Debug)]
    struct Dice;

    impl Env for Dice {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::UNIX_EPOCH
        }

        fn random(&self) -> [u8; 32] {
            [7; 32]
        }
    }

    fn share(lock: Option<PasswordHash>) -> Share {
        let (created, expires) = (full(), full() + Duration::days(30));
        let new = NewShare { most_uses: Some(3), ..NewShare::default() };
        new.drawn(&Dice, GalleryId::draw(&Dice), (created, expires), lock, "digest".to_owned())
    }

    #[test]
    fn an_edit_changes_what_it_names_and_nothing_else() {
        let before = share(None);
        let same =
            |a: &Share, b: &Share| serde_json::to_value(a).unwrap() == serde_json::to_value(b).unwrap();
        assert!(same(&ShareEdit::default().of(&before), &before));
        let title = |text: &str| Title::parse(text).unwrap();
        let later = full() + Duration::days(60);
        let edit = |edit: ShareEdit| edit.of(&before);
        for (edited, wanted) in [
            (
                edit(ShareEdit { label: Some(title("a")), ..ShareEdit::default() }),
                Share { label: title("a"), ..before.clone() },
            ),
            (
                edit(ShareEdit { recipient: Some(title("b")), ..ShareEdit::default() }),
                Share { recipient: title("b"), ..before.clone() },
            ),
            (
                edit(ShareEdit { download: Some(true), ..ShareEdit::default() }),
                Share { terms: Terms { download: true, ..before.terms }, ..before.clone() },
            ),
            (
                edit(ShareEdit { show_metadata: Some(true), ..ShareEdit::default() }),
                Share { terms: Terms { show_metadata: true, ..before.terms }, ..before.clone() },
            ),
            (
                edit(ShareEdit { upload: Some(true), ..ShareEdit::default() }),
                Share { terms: Terms { upload: true, ..before.terms }, ..before.clone() },
            ),
            (
                edit(ShareEdit { most_uses: Some(None), ..ShareEdit::default() }),
                Share { uses: Uses { most: None, ..before.uses }, ..before.clone() },
            ),
            (
                edit(ShareEdit { expires: Some(later), ..ShareEdit::default() }),
                Share { expires: later, ..before.clone() },
            ),
        ] {
            assert!(same(&edited, &wanted), "{wanted:?}");
            assert!(!same(&wanted, &before));
        }
    }

    #[test]
    fn a_share_says_whether_it_is_locked_and_what_is_left_of_it() {
        assert!(!share(None).is_locked());
        assert!(share(Some(PasswordHash::phc(String::new()))).is_locked());
        assert_eq!(share(None).uses.left(), Some(3));
        assert_eq!(Uses { opened: 2, most: Some(3) }.left(), Some(1));
        assert_eq!(Uses { opened: 4, most: Some(3) }.left(), Some(0));
        assert_eq!(Uses { opened: 4, most: None }.left(), None);
    }

    #[test]
    fn uses_are_counted_and_end() {
        let mut uses = Uses { opened: 0, most: Some(2) };
        for opened in 1..=2 {
            uses = uses.another().unwrap();
            assert_eq!(uses.opened, opened);
        }
        assert_eq!(uses.another(), None);
        assert_eq!(Uses { opened: 9, most: None }.another(), Some(Uses { opened: 10, most: None }));
        assert_eq!(Uses { opened: 0, most: Some(0) }.another(), None);
    }
}
