//! What goes wrong by itself: caches that go down and come back with all they held, processes that are replaced.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use galerra_cdn::Place;
use galerra_storage::{Blobs, Key, whole};

use super::super::coverage::Sight;
use super::super::process::Front;
use super::super::watcher::STRAY;
use super::super::world::World;
use super::now_and_then;

pub(crate) fn misfortunes(front: &Arc<Front>) {
    let world = &front.world;
    for (nth, network) in world.networks.iter().enumerate().filter(|(_, network)| !network.shape.honest) {
        let (world, places) = (Arc::clone(world), network.places());
        let clockwork = world.clockwork.clone();
        clockwork.spawn(async move {
            now_and_then(&world, world.weather.outages, || {
                let (place, down) = world.throw(|dice| (dice.pick(&places).copied(), dice.chance(600)));
                match place {
                    Some(place) if down => take_down(&world, nth, place),
                    Some(place) => deafen(&world, nth, place),
                    None => {}
                }
            })
            .await;
        });
    }
    let strays = Arc::clone(world);
    world.clockwork.spawn(async move { now_and_then(&strays, 6, || stray(&strays)).await });
    let front = Arc::clone(front);
    let clockwork = front.world.clockwork.clone();
    clockwork.spawn(async move {
        now_and_then(&front.world, u64::from(front.world.weather.kills) / 2, || front.replace_one()).await;
    });
}

/// Leaves bytes in the folder of some image, as an older version might have, or a blob store that was put back.
fn stray(world: &World) {
    // Before the ledger is replayed, records show what is gone.
    if world.is_closed() {
        return;
    }
    let folder = world.watch(|watcher, world| {
        let live = watcher.truth.images.iter().filter(|(_, picture)| picture.there.now);
        let folders = live.map(|(id, picture)| format!("{}/{}/{id}", picture.owner, picture.gallery));
        let folders: Vec<String> = folders.collect();
        Ok(world.throw(|dice| dice.pick(&folders).cloned()))
    });
    let Some(Ok(key)) = folder.flatten().map(|folder| Key::parse(format!("{folder}{STRAY}"))) else { return };
    let put = world.blobs.put(&key, whole(Bytes::from_static(b"a stray"))).now_or_never();
    if matches!(put, Some(Ok(()))) {
        world.saw(Sight::Strayed);
        world.watch(|watcher, _| watcher.put(&key, String::new()));
    }
}

/// Makes a cache deaf to purges for a while; it goes on serving.
fn deafen(world: &Arc<World>, nth: usize, place: Place) {
    let Some(network) = world.networks.get(nth) else { return };
    network.deafen(place, true);
    world.tell(|| format!("{} {place:?} is deaf", network.name));
    let later = Arc::clone(world);
    world.clockwork.spawn(async move {
        later.pass(Duration::from_secs(600)).await;
        if let Some(network) = later.networks.get(nth) {
            network.deafen(place, false);
        }
    });
}

/// Takes a cache down for a while.
fn take_down(world: &Arc<World>, nth: usize, place: Place) {
    let Some(network) = world.networks.get(nth) else { return };
    network.fake.take_down(place);
    world.saw(Sight::EdgeDown);
    world.tell(|| format!("{} {place:?} is down", network.name));
    if world.watch(|watcher, _| Ok(watcher.open_works().next().is_some())) == Some(true) {
        world.saw(Sight::DownWhileOpen);
    }
    let (world, fake) = (Arc::clone(world), network.fake.clone());
    let clockwork = world.clockwork.clone();
    clockwork.spawn(async move {
        world.pass(Duration::from_secs(900)).await;
        fake.bring_up(place);
        world.tell(|| format!("network {nth} {place:?} is up"));
    });
}
