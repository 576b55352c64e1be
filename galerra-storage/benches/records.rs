//! How fast records are kept and found: `cargo bench -p galerra-storage --features postgres --bench records`.
//!
//! SQLite lives in a temporary folder (`TMPDIR` chooses the disk); PostgreSQL is measured when
//! `GALERRA_TEST_POSTGRES` is the URL of a database, in a schema that is dropped afterwards.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that fails may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use galerra_storage::{Batch, Key, Op, Postgres, Prefix, Records, Sqlite};
use url::Url;

type Store = Arc<dyn Records>;

const RUNS: usize = 5;
const RUN: Duration = Duration::from_secs(1);
const SMALL: u64 = 1_000;
const LARGE: u64 = 1_000_000;

fn main() {
    // `cargo test` starts benchmarks too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        sqlite().await;
        match std::env::var("GALERRA_TEST_POSTGRES") {
            Ok(url) => postgres(&Url::parse(&url).unwrap()).await,
            Err(_) => println!("postgres: skipped, GALERRA_TEST_POSTGRES is not set"),
        }
    });
}

async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.sqlite");
    let store: Store = Arc::new(Sqlite::open(&path, &[]).unwrap());
    println!("| sqlite | |\n|---|---|");
    commits(&store).await;
    let small = pages(&store, SMALL).await;
    let large = pages(&store, LARGE).await;
    println!(
        "| page of 50, {LARGE} records against {SMALL} | {:.2} times |",
        large.as_secs_f64() / small.as_secs_f64()
    );
    drop(store);
    let store: Store = Arc::new(Sqlite::open(&path, &[]).unwrap());
    let keys = spread(LARGE);
    gets(&store, "get, first time", &keys).await;
    gets(&store, "get, in the cache", &keys).await;
}

async fn postgres(url: &Url) {
    let (client, connection) = tokio_postgres::connect(url.as_str(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("DROP SCHEMA IF EXISTS galerra_bench CASCADE").await.unwrap();
    let mut own = url.clone();
    own.query_pairs_mut().append_pair("schema", "galerra_bench").append_pair("pool", "16");
    let store: Store = Arc::new(Postgres::connect(&own, &[]).await.unwrap());
    println!("\n| postgres | |\n|---|---|");
    commits(&store).await;
    let small = pages(&store, SMALL).await;
    let large = pages(&store, LARGE).await;
    println!(
        "| page of 50, {LARGE} records against {SMALL} | {:.2} times |",
        large.as_secs_f64() / small.as_secs_f64()
    );
    gets(&store, "get", &spread(LARGE)).await;
    drop(store);
    client.batch_execute("DROP SCHEMA galerra_bench CASCADE").await.unwrap();
}

/// Batches of a record and an index entry, from many writers at once.
async fn commits(store: &Store) {
    let next = Arc::new(AtomicU64::new(0));
    for writers in [1, 16, 64] {
        let mut rates = Vec::new();
        for _ in 0..RUNS {
            rates.push(commit_run(store, &next, writers).await);
        }
        println!("| batches/s, {writers} writers | {} |", median(rates));
    }
}

async fn commit_run(store: &Store, next: &Arc<AtomicU64>, writers: usize) -> u64 {
    let (start, before) = (Instant::now(), next.load(Ordering::Relaxed));
    let write = || {
        let (store, next) = (store.clone(), next.clone());
        tokio::spawn(async move {
            while start.elapsed() < RUN {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let mut batch = Batch::new();
                batch.push(key(&format!("acc/{:02}/img/{n}", n % 64)), Op::Create(value(n).into()));
                batch.push(key(&format!("acc/{:02}/due/{n}", n % 64)), Op::Create("null".into()));
                store.commit(batch).await.unwrap();
            }
        })
    };
    for writer in (0..writers).map(|_| write()).collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let done = next.load(Ordering::Relaxed) - before;
    done * 1_000_000 / u64::try_from(start.elapsed().as_micros()).unwrap()
}

/// Fills the folder `big` up to a number of records and reads pages all over it.
async fn pages(store: &Store, records: u64) -> Duration {
    let from = if records == LARGE { SMALL } else { 0 };
    let chunks: Vec<_> = (from..records).step_by(1000).collect();
    for some in chunks.chunks(4) {
        let fill = some.iter().map(|chunk| {
            let mut batch = Batch::new();
            (*chunk..chunk + 1000).for_each(|n| batch.push(nth(n), Op::Create(value(n).into())));
            store.commit(batch)
        });
        futures::future::try_join_all(fill).await.unwrap();
    }
    let (prefix, mut medians) = (Prefix::parse("big").unwrap(), Vec::new());
    for _ in 0..RUNS {
        let mut times = Vec::new();
        for n in 0..400 {
            let after = nth(n * 7919 % (records - 50));
            let start = Instant::now();
            assert_eq!(store.scan(&prefix, Some(after), 50).await.unwrap().len(), 50);
            times.push(start.elapsed());
        }
        medians.push(median(times));
    }
    let median = median(medians);
    println!("| page of 50 among {records} records, p50 | {median:.1?} |");
    median
}

async fn gets(store: &Store, what: &str, keys: &[Key]) {
    let mut times = Vec::new();
    for key in keys {
        let start = Instant::now();
        assert!(store.get(std::slice::from_ref(key)).await.unwrap()[0].is_some());
        times.push(start.elapsed());
    }
    times.sort();
    println!(
        "| {what}, p50 | {:.1?} |\n| {what}, p99 | {:.1?} |",
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
}

fn spread(records: u64) -> Vec<Key> {
    (0..5000).map(|n| nth(n * 7919 % records)).collect()
}

fn nth(n: u64) -> Key {
    key(&format!("big/{n:07}"))
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// About 200 bytes, as an image's record may have.
fn value(n: u64) -> String {
    format!(r#"{{"title":"Image {n}","state":{{"name":"live"}},"text":"{}"}}"#, "x".repeat(140))
}

fn median<T: Ord + Copy>(mut all: Vec<T>) -> T {
    all.sort();
    all[all.len() / 2]
}
