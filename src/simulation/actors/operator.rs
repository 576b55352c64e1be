//! The operator: makes a backup of the records, and has to put it back later, when things have been erased since.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use galerra_storage::{Prefix, Records, Row};

use super::super::coverage::Sight;
use super::super::process::Front;
use super::super::violation::Violation;
use super::super::world::World;

/// Makes a backup, and puts it back half of the time.
pub(crate) async fn operator(front: Arc<Front>) {
    let world = &front.world;
    if world.throw(|dice| dice.chance(500)) {
        return;
    }
    world.pass(world.weather.storm / 2).await;
    let backup = world.records.snapshot();
    world.tell(|| format!("a backup: {backup:?}"));
    world.pass(world.weather.storm / 2).await;
    // Every process ends before the records are put back, and none is served before the ledger was replayed.
    world.end_all_processes();
    world.clockwork.sleep(Duration::from_secs(60)).await;
    // Some databases give versions again then.
    if world.throw(|dice| dice.chance(500)) {
        world.records.rewind(&backup);
    } else {
        world.records.restore(&backup);
    }
    world.saw(Sight::BackupRestored);
    world.watch(|watcher, world| {
        watcher.restored(&everything(world), world.now());
        Ok(())
    });
    world.tell(|| "the backup is put back".to_owned());
    front.replace_all();
    while front.any().engine.replay().await.is_err() {
        world.pass(Duration::from_secs(10)).await;
    }
    world.watch(|watcher, _| watcher.replayed());
    world.open_again();
}

/// Every record there is.
fn everything(world: &World) -> Vec<Row> {
    let all = Prefix::all();
    let Some(Ok(rows)) = world.records.scan(&all, None, usize::MAX).now_or_never() else {
        world.break_off(Violation::Stuck, "the records cannot be read after a restore".to_owned());
        return Vec::new();
    };
    rows
}
