use super::ledger::{Again, Marked};
use super::records::{Change, KeyOf, Mark, OperatorAt, Stored};
use super::{Engine, Result};
use crate::{
    Account, AccountId, ApiKey, Erasure, Error, Happened, Life, NewAccount, OperatorToken, Plan, Viewer,
    layout,
};

impl Engine {
    /// Creates an account. Its API key is answered here and never again.
    ///
    /// Who may create accounts is the caller's to decide: the operator over HTTP, the host in an embedded app.
    pub async fn create_account(&self, new: &NewAccount) -> Result<(Account, ApiKey)> {
        let env = self.parts.env.as_ref();
        let key = ApiKey::draw(env);
        let account = Account {
            id: AccountId::draw(env),
            username: new.username.clone(),
            email: new.email.clone(),
            plan: new.plan,
            created: env.now(),
            life: Life::Live,
            key_digest: key.digest(),
        };
        let name = layout::claim("username", account.username.as_str());
        let mail = layout::claim("email", account.email.as_str());
        let mut change = Change::default();
        change.create(layout::account(account.id), &account);
        change.create(layout::api_key(&account.key_digest), &KeyOf { account: account.id });
        change.create(name.clone(), &Mark {});
        change.create(mail.clone(), &Mark {});
        self.tell(&mut change, Happened::AccountCreated { account: account.id });
        match self.commit(change).await {
            Ok(_) => Ok((account, key)),
            Err(error) if error.is_conflict() => Err(self.taken(name, mail).await?),
            Err(error) => Err(error),
        }
    }

    /// Puts an account on a plan. Without Pro its links are frozen, and thaw when it has it again; private
    /// galleries stay what they are.
    ///
    /// Who may do so is the caller's to decide, as for [`Engine::create_account`].
    pub async fn change_plan(&self, id: AccountId, plan: Plan) -> Result<Account> {
        self.settle(|| async {
            let found = self.live_account(id).await?.ok_or(Error::NotFound)?;
            let account = Account { plan, ..found.value };
            let mut change = Change::default();
            change.replace(layout::account(id), found.version, &account);
            self.tell(&mut change, Happened::PlanChanged { account: id });
            self.commit(change).await?;
            Ok(account)
        })
        .await
    }

    /// Brings an account back that its owner has deleted, within its grace, as it was.
    ///
    /// Who may do so is the caller's to decide, as for [`Engine::create_account`].
    pub async fn bring_back_account(&self, id: AccountId) -> Result<Account> {
        self.settle(|| async {
            let found: Stored<Account> = self.read(layout::account(id)).await?.ok_or(Error::NotFound)?;
            let Life::Gated { by } = found.value.life else { return Err(Error::NotFound) };
            let erasure: Stored<Erasure> = self.read(layout::erasure(by)).await?.ok_or(Error::NotFound)?;
            if !erasure.value.is_in_grace(self.parts.env.now()) {
                return Err(Error::Gone);
            }
            let mut change = Change::default();
            let account = self.bring_back(&mut change, found, erasure).await?;
            let told = self.tell(&mut change, Happened::AccountBroughtBack { account: id });
            self.commit_marked(change, &Marked { told, again: Some(Again::BroughtBack(id)) }).await?;
            Ok(account)
        })
        .await
    }

    /// Adds to a change that an account is back; what is left of its erasure, the tombstone too, is for the next tick to
    /// clear away.
    async fn bring_back(
        &self,
        change: &mut Change,
        found: Stored<Account>,
        erasure: Stored<Erasure>,
    ) -> Result<Account> {
        let account = Account { life: Life::Live, ..found.value };
        let now = self.parts.env.now();
        change.replace(layout::account(account.id), found.version, &account);
        let due = erasure.value.next;
        let withdrawn = Erasure { withdrawn: Some(now), next: now, ..erasure.value.clone() }.restaged();
        // No commit takes a key away and gives it again.
        if due != now {
            self.close(&erasure.value, change).await?;
            Self::open(change, &withdrawn);
        }
        change.replace(layout::erasure(withdrawn.id), erasure.version, &withdrawn);
        Ok(account)
    }

    /// Whether an account is deleted and may still be brought back.
    pub(super) async fn may_come_back(&self, id: AccountId) -> Result<bool> {
        let found: Option<Stored<Account>> = self.read(layout::account(id)).await?;
        let Some(Life::Gated { by }) = found.map(|found| found.value.life) else { return Ok(false) };
        let erasure: Option<Stored<Erasure>> = self.read(layout::erasure(by)).await?;
        Ok(erasure.is_some_and(|erasure| erasure.value.is_in_grace(self.parts.env.now())))
    }

    /// Adds to a change that an account is back which the records take for deleted. That was within its grace, whatever the
    /// time is now: nothing of it has been touched.
    pub(super) async fn bring_back_again(&self, change: &mut Change, id: AccountId) -> Result<()> {
        let Some(found) = self.read::<Account>(layout::account(id)).await? else { return Ok(()) };
        let Life::Gated { by } = found.value.life else { return Ok(()) };
        let Some(erasure) = self.read::<Erasure>(layout::erasure(by)).await? else { return Ok(()) };
        self.bring_back(change, found, erasure).await.map(|_| ())
    }

    async fn taken(&self, name: galerra_storage::Key, mail: galerra_storage::Key) -> Result<Error> {
        let rows = self.parts.records.get(&[name, mail]).await?;
        Ok(match rows.as_slice() {
            [Some(_), _] => Error::Taken { field: "username" },
            [_, Some(_)] => Error::Taken { field: "email" },
            _ => Error::Contended,
        })
    }

    /// Whose API key this is; `None` for a key that was never issued or whose account is gone.
    pub async fn account_by_key(&self, key: &ApiKey) -> Result<Option<Account>> {
        let Some(found) = self.read::<KeyOf>(layout::api_key(&key.digest())).await? else { return Ok(None) };
        Ok(self.live_account(found.value.account).await?.map(|account| account.value))
    }

    /// Makes the operator's token if there is none yet: answered here, at the first run, and never again.
    pub async fn found_operator(&self) -> Result<Option<OperatorToken>> {
        let token = OperatorToken::draw(self.parts.env.as_ref());
        let mut change = Change::default();
        change.create(layout::operator(), &OperatorAt { digest: token.digest() });
        match self.commit(change).await {
            Ok(_) => Ok(Some(token)),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether this is the token that [`Engine::found_operator`] made.
    pub async fn is_operator(&self, token: &OperatorToken) -> Result<bool> {
        let found: Option<Stored<OperatorAt>> = self.read(layout::operator()).await?;
        Ok(found.is_some_and(|found| found.value.digest == token.digest()))
    }

    /// The viewer's own account.
    pub async fn account(&self, viewer: &Viewer) -> Result<Account> {
        let Stored { value, .. } = self.account_of(viewer).await?;
        Ok(value)
    }
}
