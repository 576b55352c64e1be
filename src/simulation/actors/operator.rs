//! The operator: makes a backup of the records, and has to put it back later, when things have been erased since.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use galerra_core::{EdgeStep, EdgeTarget, Erasure, ImageId};
use galerra_storage::{Prefix, Records, Row};

use super::super::coverage::Sight;
use super::super::darkroom::THUMB;
use super::super::process::Front;
use super::super::truth::Picture;
use super::super::violation::Violation;
use super::super::weather::Occasion;
use super::super::world::World;
use super::at_edge;

/// Makes a backup, and puts it back half of the time.
pub(crate) async fn operator(front: Arc<Front>) {
    let world = &front.world;
    if world.throw(|dice| dice.chance(500)) {
        return;
    }
    world.pass(world.weather.storm / 2).await;
    wait_for(world, world.weather.occasion).await;
    let backup = world.records.snapshot();
    world.tell(|| format!("a backup: {backup:?}"));
    world.pass(world.weather.storm / 2).await;
    if world.weather.crowd {
        everybody_looks(world).await;
    }
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

/// Waits until it is time for a backup, but not for ever.
async fn wait_for(world: &World, occasion: Occasion) {
    let end = world.clockwork.now() + world.weather.storm / 4;
    while !has_come(world, occasion) && world.clockwork.now() < end {
        world.pass(Duration::from_secs(2)).await;
    }
}

fn has_come(world: &World, occasion: Occasion) -> bool {
    let any_under = |range: &str, such: fn(&Row) -> bool| {
        let rows =
            Prefix::parse(range).map(|range| world.records.scan(&range, None, usize::MAX).now_or_never());
        matches!(rows, Ok(Some(Ok(rows))) if rows.iter().any(such))
    };
    match occasion {
        Occasion::Any => true,
        Occasion::Upload => any_under("lease", |_| true),
        Occasion::HalfErased => any_under("erasure", |row| {
            let found: Option<Erasure> = serde_json::from_str(&row.value).ok();
            let through =
                |edge: &EdgeTarget| matches!(edge.step, EdgeStep::Verified { .. } | EdgeStep::Bounded { .. });
            found.is_some_and(|erasure| erasure.receipt.is_none() && erasure.edges.iter().any(through))
        }),
    }
}

/// Fills networks with what can be seen.
async fn everybody_looks(world: &Arc<World>) {
    let open = |(image, picture): (&ImageId, &Picture)| picture.open.now.then_some(*image);
    let images: Option<Vec<_>> =
        world.watch(|watcher, _| Ok(watcher.truth.images.iter().filter_map(open).collect()));
    for image in images.unwrap_or_default() {
        for nth in 0..world.networks.len() {
            let visit = Arc::clone(world);
            world.employ(async move { at_edge(&visit, nth, image, THUMB, None).await });
        }
    }
    world.clockwork.sleep(world.weather.fill()).await;
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
