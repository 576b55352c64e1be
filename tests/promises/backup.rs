//! Backups of a real server's database that are put back: whoever asks, from the first answer on, is neither served nor
//! shown what was erased, revoked or hidden since; the log only grows, and the doctor finds nothing wrong.

mod crowd;
mod town;

use galerra::log::{Checkpoint, LogVerifier, Plan, Receipt, Tile, TreeHead, verify_consistency};

use self::crowd::Crowd;
use self::town::{How, Town};
use crate::client::{Client, text};
use crate::database::Database;
use crate::server::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_sqlite_file_brings_nothing_back() {
    put_back(Database::Sqlite, How::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_sqlite_file_that_was_made_while_the_server_ran_brings_nothing_back() {
    put_back(Database::Sqlite, How::Running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_postgresql_database_brings_nothing_back() {
    let Some(database) = Database::postgres("copied").await else { return };
    put_back(database, How::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_a_postgresql_database_brings_nothing_back() {
    let Some(database) = Database::postgres("dumped").await else { return };
    put_back(database, How::Running).await;
}

async fn put_back(database: Database, how: How) {
    let Some(mut town) = Town::start(database).await else { return };
    for question in &town.questions {
        assert!(question.ask(town.port).await.unwrap(), "{}: before", question.path);
    }
    town.back_up(how).await;
    let erasures = town.narrow().await;
    let receipts = receipts(&town.operator, &erasures).await;
    let head = head(&town.operator).await;

    town.stop();
    assert!(told_without_the_ledger(&mut town, how).await > town.questions.len() / 3, "a crowd could see it");
    town.restore(how).await;
    let crowd = Crowd::gather(&town);
    tokio::task::block_in_place(|| town.go_on());
    let asked = crowd.go_home_after(10 * town.questions.len()).await;
    println!("{asked} answers, none of which told anything");

    // What was erased is erased once more, and nobody knows any more what networks were given meanwhile.
    let again = self::receipts(&town.operator, &erasures).await;
    assert_eq!(receipts.len(), again.len());
    for erasure in &erasures {
        let receipt = town.operator.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await;
        assert_eq!((&receipt["event"], &receipt["level"]), (&"completed".into(), &"ttl-bounded".into()));
    }
    let key = key(&town.operator).await;
    for receipt in &receipts {
        Receipt::verify(receipt, &key, &[]).expect("a receipt from before the restore");
    }
    assert_grown(&town.operator, head).await;
    check_up(town).await;
}

/// How many questions are answered again after a restore that nothing is replayed after.
async fn told_without_the_ledger(town: &mut Town, how: How) -> usize {
    town.restore(how).await;
    town.hide_ledger();
    town.go_on();
    let mut told = 0;
    for question in &town.questions {
        told += usize::from(question.ask(town.port).await.unwrap());
    }
    town.stop();
    town.show_ledger();
    told
}

/// The doctor finds nothing; then what is spoilt on purpose, and heals it.
async fn check_up(mut town: Town) {
    town.stop();
    assert_eq!(town.doctor(&[]), (true, town.well()));
    let (orphan, missing) = town.spoil();
    let (well, told) = town.doctor(&[]);
    assert!(!well && told.contains(&orphan) && told.contains(&missing), "{told}");
    let (well, told) = town.doctor(&["--heal"]);
    assert!(well && told.contains("all that can be healed is healed"), "{told}");
    let (well, told) = town.doctor(&[]);
    assert!(well && !told.contains(&orphan) && !told.contains("missing"), "{told}");
    town.go_on();
    let made = town.operator.get(&text(&town.kept["renditions"][0], "url")).await;
    assert_eq!(made.status, 200, "what was missing is made again");
    town.end().await;
}

/// The receipts of erasures, as texts, once they are there.
async fn receipts(client: &Client, erasures: &[String]) -> Vec<String> {
    let mut receipts = Vec::new();
    for erasure in erasures {
        let path = format!("/api/v1/erasures/{erasure}/receipt");
        eventually("a receipt", async || client.get(&path).await.status == 200).await;
        receipts.push(String::from_utf8(client.get(&path).await.body.into()).unwrap());
    }
    receipts
}

async fn key(client: &Client) -> LogVerifier {
    std::str::from_utf8(&client.get("/log/key").await.body).unwrap().trim().parse().unwrap()
}

/// What the log has signed last.
async fn head(client: &Client) -> TreeHead {
    let checkpoint = client.get("/log/checkpoint").await.body;
    let checkpoint = std::str::from_utf8(&checkpoint).unwrap();
    Checkpoint::open(checkpoint, &key(client).await).unwrap().head()
}

/// The log begins with what it was before, and is longer.
async fn assert_grown(client: &Client, old: TreeHead) {
    let new = head(client).await;
    assert!(new.size > old.size, "{} entries after {}", new.size, old.size);
    let plan = Plan::consistency(old.size, new.size).unwrap();
    let mut tiles = Vec::new();
    for id in plan.tiles() {
        let bytes = client.get(&format!("/log/{}", id.path())).await;
        assert_eq!(bytes.status, 200, "{}", id.path());
        tiles.push(Tile::from_bytes(id, &bytes.body).unwrap());
    }
    let read = |id| tiles.iter().find(|tile| tile.id() == id).map(|tile| tile.hashes().to_vec());
    verify_consistency(old, new, &plan.hashes(read).unwrap()).unwrap();
    let forged = TreeHead { size: old.size, root: new.root };
    assert!(verify_consistency(forged, new, &plan.hashes(read).unwrap()).is_err());
}
