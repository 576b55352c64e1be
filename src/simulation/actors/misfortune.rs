//! What goes wrong by itself: caches that go down and come back with all they held, processes that are replaced.

use std::sync::Arc;
use std::time::Duration;

use galerra_cdn::Place;

use super::super::coverage::Sight;
use super::super::process::Front;
use super::super::world::World;
use super::now_and_then;

pub(crate) fn misfortunes(front: &Arc<Front>) {
    let world = &front.world;
    for (nth, network) in world.networks.iter().enumerate().filter(|(_, network)| !network.shape.honest) {
        let (world, places) = (Arc::clone(world), network.places());
        let clockwork = world.clockwork.clone();
        clockwork.spawn(async move {
            now_and_then(&world, world.weather.outages, || {
                if let Some(place) = world.throw(|dice| dice.pick(&places).copied()) {
                    take_down(&world, nth, place);
                }
            })
            .await;
        });
    }
    let front = Arc::clone(front);
    let clockwork = front.world.clockwork.clone();
    clockwork.spawn(async move {
        now_and_then(&front.world, front.world.weather.kills / 2, || front.replace_one()).await;
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
