use std::net::IpAddr;

use time::Duration;

use super::records::{Change, ShareAt, Stored, stored};
use super::{Engine, Result};
use crate::{
    Account, AccountId, Error, Gallery, Pass, Password, PasswordHash, Share, ShareToken, layout, leads,
};

/// What whoever opens a link shows besides its token.
#[derive(Debug, Clone, Default)]
pub struct Knock {
    /// The password, if they were asked for one.
    pub password: Option<Password>,
    /// Where they come from, if the host knows; kept in memory alone, to slow down who guesses.
    pub from: Option<IpAddr>,
}

impl Engine {
    /// What a link would open, without opening it; `NotFound` once it is revoked, expired, frozen or used up.
    pub async fn shared(&self, token: &ShareToken) -> Result<Share> {
        Ok(self.reachable(token).await?.share.value)
    }

    /// Opens a link: counts it, and answers the pass it is exchanged for.
    pub async fn open_share(&self, token: &ShareToken, knock: &Knock) -> Result<(Share, Pass)> {
        let shown = self.reachable(token).await?.share.value;
        if let Some(lock) = &shown.lock {
            let password = knock.password.as_ref().ok_or(Error::PasswordRequired)?;
            self.guess(token, &shown, password, lock, knock.from).await?;
        }
        let share = self
            .settle(|| async {
                let Reachable { owner, gallery, share } = self.reachable(token).await?;
                // Another password than the one that was shown, meanwhile.
                if share.value.lock != shown.lock {
                    return Err(Error::WrongPassword);
                }
                let uses = share.value.uses.another().ok_or(Error::NotFound)?;
                let mut opened = Share { uses, ..share.value };
                if opened.lock.is_some() {
                    opened.guessed = self.parts.policy.guesses_of_link.refund(opened.guessed);
                }
                let mut change = Change::default();
                change.expect(layout::gallery(owner, gallery.value.id), gallery.version);
                change.replace(layout::share(owner, opened.gallery, opened.id), share.version, &opened);
                self.commit(change).await?;
                Ok(opened)
            })
            .await?;
        let pass = share.pass(self.parts.env.now());
        Ok((share, pass))
    }

    /// Whether a password is right. A guess is paid for before it is looked at, so that many at once are not cheaper;
    /// the right one is given back.
    async fn guess(
        &self,
        token: &ShareToken,
        shown: &Share,
        password: &Password,
        lock: &PasswordHash,
        from: Option<IpAddr>,
    ) -> Result<()> {
        let policy = &self.parts.policy;
        if let Some(from) = from {
            let now = self.parts.env.now();
            self.guessers.spend(policy.guesses_of_address, shown.id, from, now).map_err(too_fast)?;
        }
        self.settle(|| async {
            let Reachable { owner, share, .. } = self.reachable(token).await?;
            let spent = policy.guesses_of_link.spend(share.value.guessed, self.parts.env.now());
            let guessed = spent.map_err(too_fast)?;
            let spent = Share { guessed, ..share.value };
            let mut change = Change::default();
            change.replace(layout::share(owner, spent.gallery, spent.id), share.version, &spent);
            self.commit(change).await
        })
        .await?;
        if !self.parts.passwords.fits(password.clone(), lock.clone()).await? {
            return Err(Error::WrongPassword);
        }
        if let Some(from) = from {
            self.guessers.refund(policy.guesses_of_address, shown.id, from);
        }
        Ok(())
    }

    /// The share behind a link that leads somewhere now.
    async fn reachable(&self, token: &ShareToken) -> Result<Reachable> {
        let at: Option<Stored<ShareAt>> = self.read(layout::share_key(&token.digest())).await?;
        let ShareAt { owner, gallery, share } = at.ok_or(Error::NotFound)?.value;
        let keys =
            [layout::account(owner), layout::gallery(owner, gallery), layout::share(owner, gallery, share)];
        let rows = self.parts.records.get(&keys).await?;
        let [Some(account), Some(gallery), Some(share)] = rows.as_slice() else {
            return Err(Error::NotFound);
        };
        let (account, gallery) = (stored::<Account>(account)?.value, stored::<Gallery>(gallery)?);
        let share = stored::<Share>(share)?;
        let leads = leads(&account, &gallery.value, &share.value, self.parts.env.now());
        if leads && share.value.uses.another().is_some() {
            return Ok(Reachable { owner, gallery, share });
        }
        Err(Error::NotFound)
    }
}

/// A link that leads somewhere, and where; what it takes to open it, it says itself.
struct Reachable {
    owner: AccountId,
    gallery: Stored<Gallery>,
    share: Stored<Share>,
}

fn too_fast(wait: Duration) -> Error {
    let whole = (wait + Duration::SECOND - Duration::NANOSECOND).whole_seconds();
    Error::TooManyGuesses { wait: u32::try_from(whole).unwrap_or(u32::MAX) }
}
