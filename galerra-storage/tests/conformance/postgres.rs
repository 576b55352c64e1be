//! PostgreSQL against the contract, and what it alone must keep.
//!
//! `GALERRA_TEST_POSTGRES` is the URL of a superuser; every test makes a schema of its own and drops it.

use std::hash::{BuildHasher, Hasher, RandomState};

use galerra_storage::{Batch, Key, Op, Postgres, Prefix, Records, View, records_conformance};
use url::Url;

/// Drops the schema of a test when the test is over.
struct Guard(Url, String);

impl Drop for Guard {
    fn drop(&mut self) {
        let (url, drop_schema) = (self.0.clone(), format!("DROP SCHEMA {} CASCADE", self.1));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { sql(&url).await.batch_execute(&drop_schema).await })
        });
        // A commit that was dropped may still be at work; a schema that stays harms no other test.
        drop(thread.join());
    }
}

async fn sql(url: &Url) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url.as_str(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn server() -> Option<Url> {
    let url = std::env::var("GALERRA_TEST_POSTGRES").ok();
    assert!(url.is_some() || std::env::var_os("CI").is_none(), "GALERRA_TEST_POSTGRES is not set");
    if url.is_none() {
        println!("skipped: GALERRA_TEST_POSTGRES is not set");
    }
    url.map(|url| Url::parse(&url).unwrap())
}

fn in_schema(url: &Url, schema: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("schema", schema).append_pair("pool", "8");
    url
}

fn guard() -> Option<Guard> {
    let schema = format!("test_{:016x}", RandomState::new().build_hasher().finish());
    server().map(|url| Guard(url, schema))
}

async fn fresh() -> Option<(Guard, Postgres)> {
    let guard = guard()?;
    let store = Postgres::connect(&in_schema(&guard.0, &guard.1), &[]).await.unwrap();
    Some((guard, store))
}

records_conformance!(postgres, super::fresh());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_hold_no_samples_of_records_and_lose_those_they_had() {
    let Some(guard) = guard() else { return };
    let url = in_schema(&guard.0, &guard.1);
    let views = [View { name: "galleries", pattern: "acc/%/gal/%", columns: &[("title", "title")] }];
    let store = Postgres::connect(&url, &views).await.unwrap();
    for n in 0..200 {
        let mut batch = Batch::new();
        let key = Key::parse(format!("acc/1/gal/{n}")).unwrap();
        batch.push(key, Op::Create(format!(r#"{{"title":"CANARY {n}"}}"#).into()));
        store.commit(batch).await.unwrap();
    }
    let (client, schema) = (sql(&guard.0).await, &guard.1);
    let sampled = async || {
        client.batch_execute(&format!("ANALYZE {schema}.records")).await.unwrap();
        let samples = format!(
            "SELECT count(*) FROM pg_stats s WHERE schemaname = '{schema}' AND s::text ~ 'CANARY|acc/1'"
        );
        client.query_one(&samples, &[]).await.unwrap().get::<_, i64>(0)
    };
    assert_eq!(sampled().await, 0);
    // As an earlier program left it.
    let before = "ALTER COLUMN key SET STATISTICS -1, ALTER COLUMN value SET STATISTICS -1";
    client.batch_execute(&format!("ALTER TABLE {schema}.records {before}")).await.unwrap();
    assert_eq!(sampled().await, 2, "the test sees samples");
    Postgres::connect(&url, &views).await.unwrap();
    assert_eq!(sampled().await, 0);
    assert_eq!(store.scan(&Prefix::all(), None, 500).await.unwrap().len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_start_at_once_and_views_follow_the_program() {
    let Some(guard) = guard() else { return };
    let url = in_schema(&guard.0, &guard.1);
    let views = [View { name: "galleries", pattern: "acc/%/gal/%", columns: &[("state", "state.name")] }];
    let starts = (0..6).map(|_| Postgres::connect(&url, &views));
    let stores = futures::future::try_join_all(starts).await.unwrap();
    let mut batch = Batch::new();
    batch.push(Key::parse("acc/1/gal/2").unwrap(), Op::Create(r#"{"state":{"name":"open"}}"#.into()));
    batch.push(Key::parse("acc/1/img/2").unwrap(), Op::Create("{}".into()));
    stores[0].commit(batch).await.unwrap();
    let views = [View {
        name: "galleries",
        pattern: "acc/%/gal/%",
        columns: &[("title", "title"), ("state", "state.name")],
    }];
    Postgres::connect(&url, &views).await.unwrap();
    let client = sql(&guard.0).await;
    let rows =
        client.query(&format!("SELECT key, title, state FROM {}.galleries", guard.1), &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<_, Option<String>>(1), None);
    assert_eq!(rows[0].get::<_, String>(2), "open");
}

#[tokio::test]
async fn nothing_shows_the_password() {
    let url = Url::parse("postgres://someone:SECRET@127.0.0.1:1/nothing").unwrap();
    let refusal = Postgres::connect(&url, &[]).await.unwrap_err();
    assert!(refusal.is_transient(), "{refusal:?}");
    assert!(!format!("{refusal} {refusal:?}").contains("SECRET"));
    let Some((_guard, store)) = fresh().await else { return };
    assert!(!format!("{store:?}").contains("postgres:"), "{store:?}");
}

#[tokio::test]
async fn an_error_of_the_server_shows_no_value() {
    let Some((guard, store)) = fresh().await else { return };
    let client = sql(&guard.0).await;
    let rule = format!("ALTER TABLE {}.records ADD CHECK (value <> '\"SECRET\"')", guard.1);
    client.batch_execute(&rule).await.unwrap();
    let mut batch = Batch::new();
    batch.push(Key::parse("a").unwrap(), Op::Create("\"SECRET\"".into()));
    let refusal = store.commit(batch).await.unwrap_err();
    assert!(!refusal.is_transient(), "{refusal:?}");
    assert!(!format!("{refusal:?}").contains("SECRET"), "{refusal:?}");
}
