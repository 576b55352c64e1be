//! Records in PostgreSQL, or in what speaks its protocol.

mod address;
mod cause;
mod commit;
mod schema;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row as SqlRow};
use url::Url;

use self::address::Address;
use self::cause::{Cause, error};
use self::commit::Changes;
use crate::records::check_keys;
use crate::{
    Batch, Deletes, Key, Prefix, Records, Row, Semantics, StorageError, TornWrites, Version, View, views,
};

const NAME: &str = "postgres";
/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a commit that lost to others is tried again before the caller is told.
const TRIES: u32 = 6;
/// Sorts above every key: `{` follows `z`, the greatest letter of a key.
const ABOVE_ALL: &str = "{";

/// Records in a PostgreSQL database, or in one that speaks its protocol.
///
/// A commit is one call of one SQL function in one round trip. Any number of processes may use one schema.
/// Connections are kept and statements prepared, so a pooler in between must keep sessions whole.
pub struct Postgres {
    pool: Pool,
    schema: String,
    get: String,
    scan: String,
    commit: String,
}

impl Postgres {
    /// Connects, brings the schema up to date and puts the views in place; any number of processes may do so at once.
    ///
    /// The URL is `postgres://user:password@host/database`; its parameters may name a `schema` (`galerra`) and how
    /// many connections to keep in the `pool` (16). Connections are not encrypted yet: a URL that asks for
    /// it is refused.
    pub async fn connect(url: &Url, views: &[View]) -> Result<Self, StorageError> {
        views::check(views, NAME)?;
        let Address { config, schema, pool } = Address::parse(url)?;
        let recycling_method = RecyclingMethod::Fast;
        let pool = Pool::builder(Manager::from_config(config, NoTls, ManagerConfig { recycling_method }))
            .max_size(pool)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    client.batch_execute(schema::SESSION).await.map_err(HookError::Backend)?;
                    // Only advice to the planner, which not every engine knows.
                    drop(client.batch_execute(schema::ADVICE).await);
                    Ok(())
                })
            }))
            .build()
            .map_err(|e| Cause::other(e).permanent("connect"))?;
        let store = Self {
            get: format!("SELECT key, version, value::text FROM {schema}.records WHERE key = ANY($1)"),
            scan: format!(
                "SELECT key, version, value::text FROM {schema}.records \
                 WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3"
            ),
            commit: format!("SELECT given, wrong FROM {schema}.commit($1, $2, $3, $4, $5, $6, $7, $8)"),
            pool,
            schema,
        };
        let mut client = store.client("connect").await?;
        schema::prepare(&mut client, &store.schema, views).await.map_err(|e| error("connect", &e))?;
        drop(client);
        Ok(store)
    }

    async fn client(&self, operation: &'static str) -> Result<Object, StorageError> {
        self.pool.get().await.map_err(|e| match e {
            deadpool_postgres::PoolError::Backend(e) => error(operation, &e),
            other => Cause::other(other).transient(operation),
        })
    }

    async fn query(
        &self,
        operation: &'static str,
        text: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<SqlRow>, StorageError> {
        let client = self.client(operation).await?;
        let rows = async {
            let statement = client.prepare_cached(text).await?;
            client.query(&statement, arguments).await
        };
        rows.await.map_err(|e| error(operation, &e))
    }

    async fn call(&self, changes: &Changes<'_>) -> Result<Version, StorageError> {
        let rows = self.query("commit", &self.commit, &changes.arguments()).await?;
        let answer = || {
            let row = rows.first()?;
            Some((row.try_get::<_, Option<i64>>(0).ok()?, row.try_get::<_, Option<String>>(1).ok()?))
        };
        match answer() {
            Some((Some(given), None)) => Ok(Version(given)),
            Some((_, Some(wrong))) => match Key::parse(wrong) {
                Ok(key) => Err(StorageError::Conflict { key }),
                Err(e) => Err(Cause::other(e).permanent("commit")),
            },
            _ => Err(Cause::other("the function `commit` has an answer of another kind").permanent("commit")),
        }
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("schema", &self.schema).finish_non_exhaustive()
    }
}

#[async_trait]
impl Records for Postgres {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError> {
        check_keys(keys, NAME)?;
        let asked: Vec<&str> = keys.iter().map(Key::as_str).collect();
        let found = self.query("get", &self.get, &[&asked]).await?;
        let found: HashMap<Key, Row> = found
            .iter()
            .map(|row| row_of(row, "get").map(|row| (row.key.clone(), row)))
            .collect::<Result<_, _>>()?;
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn scan(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        let start = after.map_or_else(String::new, String::from).max(prefix.as_str().to_owned());
        let end = prefix.end().unwrap_or_else(|| ABOVE_ALL.to_owned());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self.query("scan", &self.scan, &[&start, &end, &limit]).await?;
        found.iter().map(|row| row_of(row, "scan")).collect()
    }

    async fn commit(&self, batch: Batch) -> Result<Version, StorageError> {
        let ops = batch.checked(NAME)?;
        let changes = Changes::of(&ops);
        let mut pause = Duration::from_millis(2);
        for _ in 1..TRIES {
            match self.call(&changes).await {
                Err(error) if cause::lost_to_others(&error) => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.call(&changes).await
    }

    fn semantics(&self) -> Semantics {
        Semantics { store: NAME.to_owned(), deletes: Deletes::Vacuums, torn_writes: TornWrites::Nothing }
    }
}

fn row_of(row: &SqlRow, operation: &'static str) -> Result<Row, StorageError> {
    let read = || {
        let value: &str = row.try_get(2)?;
        Ok((row.try_get::<_, String>(0)?, Version(row.try_get(1)?), value.into()))
    };
    let (key, version, value) = read().map_err(|e| error(operation, &e))?;
    let key = Key::parse(key).map_err(|e| Cause::other(e).permanent(operation))?;
    Ok(Row { key, version, value })
}
