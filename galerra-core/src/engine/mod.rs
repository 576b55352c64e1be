//! The verbs of a gallery service, one a file: each reads, decides by a pure rule, and commits once.

mod account;
mod archive;
mod audience;
mod develop;
mod doctor;
mod edit;
mod erase;
mod gallery;
mod gate;
mod hold;
mod kept;
mod ledger;
mod memo;
mod open;
mod prove;
mod queue;
mod records;
mod redevelop;
mod replay;
mod retention;
mod seal;
mod share;
mod tick;
mod trash;
mod upload;
mod view;
mod witness;
mod write;

use std::future::Future;
use std::sync::Arc;

use galerra_cdn::Cdn;
use galerra_storage::{Blobs, Key, Prefix, Records, Row, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

pub use archive::{Archive, Form, Packed};
pub use audience::{Disclosure, Listeners};
pub use doctor::Findings;
pub use edit::{Edited, GalleryEdit, ImageEdit};
pub use hold::Covered;
pub use open::Knock;
pub use queue::{Lag, UnderWay};
pub use redevelop::{Redeveloped, Redevelopment};
pub use retention::Forecast;
pub use tick::Ticked;
pub use trash::Trashed;
pub use upload::NewImage;
pub use view::{Seen, SeenImage};

use crate::{
    Account, AccountId, Env, Error, Event, EventId, Guessers, Happened, Imaging, Passwords, Policy, Result,
    Viewer, Who, Witnessing, layout,
};
use develop::Flights;
use memo::Memo;
use records::{Change, Stored, stored};

/// What an engine is put together from.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where records lie.
    pub records: Arc<dyn Records>,
    /// Where bytes lie.
    pub blobs: Arc<dyn Blobs>,
    /// The networks in front, each one proven clean by itself; none is a valid answer.
    pub cdns: Vec<Arc<dyn Cdn>>,
    /// What develops pictures.
    pub imaging: Arc<dyn Imaging>,
    /// What hashes the passwords of links.
    pub passwords: Arc<dyn Passwords>,
    /// The clock and the dice.
    pub env: Arc<dyn Env>,
    /// The times and limits.
    pub policy: Policy,
    /// The path below which networks see the routes: empty, or starting with `/` and not ending in it.
    pub mount: String,
    /// Who cosigns the log, and whose logs are cosigned here; nobody is a valid answer.
    pub witnessing: Witnessing,
}

/// Everything that may happen to a gallery. Cheap to clone; holds no state but its parts and a memo.
#[derive(Debug, Clone)]
pub struct Engine {
    parts: Arc<Parts>,
    memo: Arc<Memo>,
    flights: Arc<Flights>,
    guessers: Arc<Guessers>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<String>,
}

/// Most items of one page.
pub const MAX_PAGE: usize = 200;
/// How often a decision is taken anew when others change the same records.
const TRIES: usize = 128;

impl Engine {
    /// An engine over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            memo: Arc::default(),
            flights: Arc::default(),
            guessers: Arc::default(),
        }
    }

    /// The parts, for the front door.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Reads the feed of what happened, oldest first, after the cursor of an earlier page.
    pub async fn events(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Event>> {
        let Page { items, next } = self.list(&layout::events(), cursor, limit).await?;
        let items = items.iter().map(|row| stored(row).map(|event: Stored<Event>| event.value));
        Ok(Page { items: items.collect::<Result<_>>()?, next })
    }

    /// One page of a range of records; the cursor is the last segment of the key it goes on after.
    async fn list(&self, range: &Prefix, cursor: Option<&str>, limit: usize) -> Result<Page<Row>> {
        let limit = limit.clamp(1, MAX_PAGE);
        let after = match cursor {
            Some(cursor) if cursor.contains('/') => return Err(Error::forged_cursor()),
            Some(cursor) => Some(Key::parse(format!("{range}{cursor}")).map_err(|_| Error::forged_cursor())?),
            None => None,
        };
        let items = self.parts.records.scan(range, after, limit).await?;
        let next = items.last().filter(|_| items.len() == limit).map(|row| tail(&row.key));
        Ok(Page { items, next })
    }

    /// One page of a range that has folders; the cursor is what the key it goes on after has below the range, with
    /// dots for the slashes.
    async fn list_below(&self, range: &Prefix, cursor: Option<&str>, limit: usize) -> Result<Page<Row>> {
        let limit = limit.clamp(1, MAX_PAGE);
        let after = match cursor {
            Some(cursor) if cursor.contains('/') => return Err(Error::forged_cursor()),
            Some(cursor) => {
                let key = Key::parse(format!("{range}{}", cursor.replace('.', "/")));
                Some(key.map_err(|_| Error::forged_cursor())?)
            }
            None => None,
        };
        let items = self.parts.records.scan(range, after, limit).await?;
        let below =
            |row: &Row| row.key.as_str().strip_prefix(&range.to_string()).map(|tail| tail.replace('/', "."));
        let next = items.last().filter(|_| items.len() == limit).and_then(below);
        Ok(Page { items, next })
    }

    async fn read<T: DeserializeOwned>(&self, key: Key) -> Result<Option<Stored<T>>> {
        let rows = self.parts.records.get(std::slice::from_ref(&key)).await?;
        rows.into_iter().next().flatten().map(|row| stored(&row)).transpose()
    }

    async fn commit(&self, change: Change) -> Result<Version> {
        Ok(self.parts.records.commit(change.into_batch()?).await?)
    }

    /// Commits what another process may just as well have done: a conflict says that it has.
    async fn let_conflict_pass(&self, change: Change) -> Result<()> {
        match self.commit(change).await {
            Err(error) if !error.is_conflict() => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes a decision again for as long as others change what it was based on.
    async fn settle<T, F, Fut>(&self, decide: F) -> Result<T>
    where
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
    {
        for _ in 0..TRIES {
            match decide().await {
                Err(error) if error.is_conflict() => {}
                settled => return settled,
            }
        }
        Err(Error::Contended)
    }

    /// Adds an event to a change, to be committed with it.
    fn tell(&self, change: &mut Change, what: Happened) -> Event {
        self.tell_at(change, self.parts.env.now(), what)
    }

    fn tell_at(&self, change: &mut Change, at: OffsetDateTime, what: Happened) -> Event {
        let event = Event { id: EventId::draw(self.parts.env.as_ref()), at, what };
        change.create(layout::event(event.at, event.id), &event);
        event
    }

    /// The live account of a viewer.
    async fn account_of(&self, viewer: &Viewer) -> Result<Stored<Account>> {
        let Who::Account(id) = viewer.who else { return Err(Error::Unauthenticated) };
        self.live_account(id).await?.ok_or(Error::Unauthenticated)
    }

    async fn live_account(&self, id: AccountId) -> Result<Option<Stored<Account>>> {
        let account: Option<Stored<Account>> = self.read(layout::account(id)).await?;
        Ok(account.filter(|account| account.value.life.is_live()))
    }
}

/// The part of a key after its folder: what cursors are made of.
fn tail(key: &Key) -> String {
    key.as_str().rsplit('/').next().unwrap_or_default().to_owned()
}

/// The id at the end of an index entry `{rank}.{id}`.
fn ranked<T: std::str::FromStr>(key: &Key) -> Option<T> {
    tail(key).rsplit_once('.').and_then(|(_, id)| id.parse().ok())
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Arc<str>> {
    serde_json::to_string(value).map(Arc::from).map_err(|_| Error::Unreadable("new"))
}
