//! Here the children are shell scripts, which can do worse than any decoder.

use std::time::Instant;

use tokio::sync::Semaphore;

use super::super::frames::frame;
use super::*;

const ORIGINAL: &[u8] = b"an original";
const MEMORY: u64 = 64 << 20;

fn request() -> Request {
    Request { order: Order::default(), memory: MEMORY, seconds: 31, bytes: ORIGINAL.len() }
}

/// A pool whose children run a script. In it, `$setup` and `$request` are how long these are, with the original.
fn pool(script: &str) -> Pool {
    let (limits, recipe) = (Limits::default(), Recipe::standard());
    let pool = Pool::new(Processes(()), &limits, &recipe);
    let setup = frame(&pool.setup).unwrap().len();
    let request = frame(&request()).unwrap().len() + ORIGINAL.len();
    let script = format!("setup={setup}; request={request}; {script}");
    let arguments = vec!["-c".to_owned(), script];
    Pool { program: Program { path: "/bin/sh".into(), arguments }, ..pool }
}

/// A script that is ready, hears a request, and then does this.
fn hears_and(does: &str) -> String {
    format!(r#"head -c $setup >/dev/null; printf '\0\0\0\7"ready"'; head -c $request >/dev/null; {does}"#)
}

/// The command that answers with a refusal.
const REFUSES: &str = r#"a='{"made":{"Err":{"refused":"truncated"}},"renditions":[],"master":0}';
    printf '\0\0\0\'"$(printf %o ${#a})""$a""#;

async fn outcome(pool: &Pool) -> Refusal {
    pool.run(&request(), ORIGINAL, Duration::from_secs(20)).await.unwrap_err()
}

#[tokio::test]
async fn what_a_child_dies_of_is_what_is_answered() {
    for (end, refusal) in [
        ("kill -ABRT $$", Refusal::TooHeavy),
        ("kill -SEGV $$", Refusal::TooHeavy),
        ("kill -KILL $$", Refusal::TooHeavy),
        ("kill -XCPU $$", Refusal::TooSlow),
        ("kill -TERM $$", Refusal::Busy),
        ("exit 101", Refusal::Corrupt),
        ("printf 'HTTP/1.1 200 OK'; sleep 60", Refusal::Corrupt),
        (r"printf '\0\0\0\2{}'; sleep 60", Refusal::Corrupt),
        (r"printf '\0\0\0\377'; exit 0", Refusal::Corrupt),
        ("exec >&-; exit 0", Refusal::Corrupt),
    ] {
        let pool = pool(&hears_and(end));
        assert_eq!(outcome(&pool).await, refusal, "{end}");
        assert!(pool.idle().is_empty(), "{end}: it is not used again");
    }
}

#[tokio::test]
async fn a_child_that_does_not_end_is_ended_at_the_deadline() {
    let gone = tempfile::NamedTempFile::new().unwrap();
    let path = gone.path().display();
    let pool = pool(&hears_and(&format!("echo $$ >{path}; while :; do :; done")));
    let start = Instant::now();
    let refused = pool.run(&request(), ORIGINAL, Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(refused, Refusal::TooSlow);
    assert!(start.elapsed() < Duration::from_secs(10));
    let pid = std::fs::read_to_string(gone.path()).unwrap();
    assert!(!pid.is_empty() && !std::path::Path::new("/proc").join(pid.trim()).exists());
}

#[tokio::test]
async fn a_child_is_used_again() {
    let started = tempfile::NamedTempFile::new().unwrap();
    let count = format!("echo started >>{};", started.path().display());
    let pool = pool(&(count + &hears_and(&format!("{REFUSES}; head -c $request >/dev/null; {REFUSES}"))));
    assert_eq!(outcome(&pool).await, Refusal::Truncated);
    assert_eq!(outcome(&pool).await, Refusal::Truncated);
    assert_eq!(std::fs::read_to_string(started.path()).unwrap(), "started\n");
}

#[tokio::test]
async fn a_child_that_died_while_idle_costs_nothing() {
    let pool = pool(&hears_and(&format!("{REFUSES}; kill -KILL $$")));
    for _ in 0..5 {
        assert_eq!(outcome(&pool).await, Refusal::Truncated);
        let died = async || {
            while pool.idle().iter_mut().any(Child::is_alive) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(10), died()).await.unwrap();
    }
}

#[tokio::test]
async fn a_child_that_goes_while_it_is_told_is_followed_by_a_fresh_one() {
    // It closes its input, and seems alive.
    let pool = pool(&hears_and(&format!("{REFUSES}; exec <&-; sleep 60")));
    assert_eq!(outcome(&pool).await, Refusal::Truncated);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(pool.idle().iter_mut().all(Child::is_alive));
    assert_eq!(outcome(&pool).await, Refusal::Truncated);
}

#[tokio::test]
async fn a_child_is_replaced_after_many_images() {
    let pool = pool(&hears_and(&format!("{REFUSES}; sleep 60")));
    let mut child = pool.fresh().await.unwrap();
    child.jobs = JOBS - 1;
    pool.keep(child);
    assert_eq!(outcome(&pool).await, Refusal::Truncated);
    assert!(pool.idle().is_empty());
}

#[tokio::test]
async fn without_children_one_has_to_come_back() {
    for script in ["exit 1", "printf garbage; sleep 60", "kill -ABRT $$"] {
        assert_eq!(outcome(&pool(script)).await, Refusal::Busy, "{script}");
    }
    let missing = Program { path: "/no/such/program".into(), arguments: Vec::new() };
    assert_eq!(outcome(&Pool { program: missing, ..pool("") }).await, Refusal::Busy);
}

#[tokio::test]
async fn the_room_is_held_when_nobody_waits_any_more() {
    let pool = Arc::new(pool(&hears_and(&format!("sleep 1; {REFUSES}; sleep 60"))));
    let budget = Arc::new(Semaphore::new(1));
    let room = Arc::clone(&budget).acquire_owned().await.unwrap();
    let original = Bytes::from_static(ORIGINAL);
    let allowance = Allowance { memory: MEMORY, time: Duration::from_secs(30), room };
    let work = Arc::clone(&pool).develop(original, Order::default(), allowance);
    assert!(timeout(Duration::from_millis(300), work).await.is_err());
    assert_eq!(budget.available_permits(), 0);
    drop(timeout(Duration::from_secs(10), budget.acquire()).await.unwrap());
    assert_eq!(pool.idle().len(), 1, "the child has done its work, and waits for more");
}
