//! One history from its beginning to its end: people and faults for a while, then everything heals, comes to rest, and the
//! last promised time passes.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use galerra_core::{AccountId, Email, NewAccount, NewGallery, Plan, Username, Viewer, VisibilityKind};
use galerra_storage::{Prefix, Records};

use super::actors::{Owner, look_everywhere, misfortunes, operator, owner, uploads, visits, workers};
use super::process::{Front, Upstream};
use super::truth::Moment;
use super::violation::Violation;
use super::world::World;

/// How long everything may take to come to rest once nothing goes wrong any more.
const REST: Duration = Duration::from_secs(2 * 3600);

/// Sets everything up; the history is told when the clockwork runs.
pub(super) fn begin(world: &Arc<World>) {
    let front = Front::open(world);
    for network in &world.networks {
        network.fake.set_origin(Arc::new(Upstream { front: Arc::clone(&front) }));
    }
    let clockwork = world.clockwork.clone();
    clockwork.spawn(async move { tell(front).await });
}

async fn tell(front: Arc<Front>) {
    let world = Arc::clone(&front.world);
    for nth in 0..world.weather.accounts {
        let Some(who) = settle(&front, nth).await else {
            world.break_off(Violation::Stuck, "an owner cannot settle in calm weather".to_owned());
            return;
        };
        who.galleries.iter().for_each(|gallery| uploads(&front, &who, *gallery));
        world.employ(owner(Arc::clone(&front), who));
    }
    world.set_storm(true);
    workers(&world);
    misfortunes(&front);
    visits(&front);
    world.employ(operator(Arc::clone(&front)));
    world.clockwork.sleep(world.weather.storm).await;
    heal(&world);
    if come_to_rest(&world).await {
        world.watch(|watcher, world| watcher.at_rest(world));
        kept(&front).await;
        pass_the_last_bound(&world).await;
        look_everywhere(&front).await;
    }
    world.clockwork.stop();
}

/// An account with galleries.
async fn settle(front: &Arc<Front>, nth: u64) -> Option<Owner> {
    let engine = front.any().engine;
    let new = NewAccount {
        username: Username::parse(&format!("owner-{nth}")).ok()?,
        email: Email::parse(&format!("owner-{nth}@example.org")).ok()?,
        plan: Plan::Pro,
    };
    let (account, _) = engine.create_account(&new).await.ok()?;
    let viewer = Viewer::account(account.id);
    let mut galleries = Vec::new();
    for _ in 0..front.world.weather.galleries {
        let private = front.world.throw(|dice| dice.chance(200));
        let visibility = if private { VisibilityKind::Private } else { VisibilityKind::Public };
        let new = NewGallery { visibility, ..NewGallery::titled("a gallery").ok()? };
        galleries.push(engine.create_gallery(&viewer, &new).await.ok()?.id);
    }
    Some(Owner { account: account.id, galleries })
}

/// Nothing goes wrong from now on.
fn heal(world: &World) {
    world.tell(|| "everything heals".to_owned());
    world.set_storm(false);
    world.networks.iter().for_each(super::fleet::Network::heal);
}

/// Waits until nothing is under way any more; `false` if that takes too long.
async fn come_to_rest(world: &Arc<World>) -> bool {
    let trash = Duration::try_from(world.weather.policy.trash_life).unwrap_or_default();
    let end = world.clockwork.now() + REST + trash;
    loop {
        world.clockwork.sleep(Duration::from_secs(60)).await;
        let busy = world.is_busy().then(|| "somebody at work".to_owned());
        let ranges = ["open", "lease", "trash", "plan"];
        let Some(under_way) = busy.or_else(|| ranges.into_iter().find_map(|range| first(world, range)))
        else {
            return true;
        };
        if world.clockwork.now() > end {
            let told = format!("{under_way} is still there, {REST:?} after everything has healed");
            world.break_off(Violation::Stuck, told);
            return false;
        }
    }
}

/// The first record of a range.
fn first(world: &World, range: &str) -> Option<String> {
    let range = Prefix::parse(range).ok()?;
    let rows = world.records.scan(&range, None, 1).now_or_never()?.ok()?;
    rows.first().map(|row| row.key.to_string())
}

/// Every owner can read back all that was not deleted, and counts are right.
async fn kept(front: &Arc<Front>) {
    let world = &front.world;
    let expected = world.watch(|watcher, _| {
        let images = watcher.truth.images.iter().filter(|(_, picture)| picture.there.now);
        let images: Vec<_> = images.map(|(id, picture)| (picture.owner, picture.gallery, *id)).collect();
        Ok((images, watcher.truth.galleries.clone()))
    });
    let Some((images, galleries)) = expected else { return };
    let engine = front.any().engine;
    for (gallery, room) in galleries.iter().filter(|(_, room)| room.life.is_live()) {
        let viewer = Viewer::account(room.owner);
        let mine = images.iter().filter(|(_, place, _)| place == gallery).count() as u64;
        let seen = engine.gallery(&viewer, *gallery).await;
        let listed = match &seen {
            Ok(seen) => engine.images(&seen.grant, None, 200).await.map(|page| page.items.len() as u64).ok(),
            Err(_) => None,
        };
        let counted = seen.ok().map(|seen| seen.count);
        if (listed, counted) != (Some(mine), Some(mine)) {
            let told = format!("{gallery} has {mine} images, shows {listed:?} and counts {counted:?}");
            world.break_off(Violation::Lost, told);
        }
    }
    for (owner, _, image) in images {
        if readable(&engine, owner, image).await.is_none() {
            world.break_off(Violation::Lost, format!("the owner of {image} cannot read it any more"));
        }
    }
}

async fn readable(
    engine: &galerra_core::Engine,
    owner: AccountId,
    image: galerra_core::ImageId,
) -> Option<()> {
    let seen = engine.image(&Viewer::account(owner), image).await.ok()?;
    engine.original(&seen, None).await.ok()?;
    for rendition in seen.image.renditions.iter().filter(|rendition| rendition.made.is_some()) {
        engine.rendition(&seen, &rendition.file(), None).await.ok()?;
    }
    Some(())
}

/// Lets the life of the last possible copy pass.
async fn pass_the_last_bound(world: &World) {
    let last = world.watch(|watcher, _| {
        let closed = watcher.truth.images.values().filter(|picture| picture.was_open && !picture.open.now);
        Ok(closed.map(|picture| picture.open.since).max())
    });
    let Some(Some(Moment { at, .. })) = last else { return };
    let until = at + world.weather.outlived() + Duration::from_secs(1);
    world.clockwork.sleep(until.saturating_sub(world.clockwork.now())).await;
}
