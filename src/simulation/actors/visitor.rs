//! Visitors: they come to any edge, ask for any address they ever knew, and come back after it was erased.

use std::sync::Arc;
use std::time::Duration;

use galerra_core::{Engine, Error, GalleryId, ImageId, Viewer, layout};

use super::super::coverage::Sight;
use super::super::darkroom::{LARGE, Photo, THUMB};
use super::super::process::{Front, shown_by};
use super::super::watcher::Eye;
use super::super::world::World;

/// Lets visitors come by that have nothing to do with what owners do.
pub(crate) fn visits(front: &Arc<Front>) {
    for _ in 0..front.world.weather.looks {
        let front = Arc::clone(front);
        let clockwork = front.world.clockwork.clone();
        clockwork.spawn(async move {
            front.world.pass(front.world.weather.storm * 2).await;
            let known = front.world.watch(|watcher, _| Ok((watcher.images(), watcher.galleries())));
            let Some((images, galleries)) = known else { return };
            let (image, gallery) =
                front.world.throw(|dice| (dice.pick(&images).copied(), dice.pick(&galleries).copied()));
            if let Some(gallery) = gallery.filter(|_| front.world.throw(|dice| dice.chance(300))) {
                list(&front, gallery).await;
            } else if let Some(image) = image {
                look(&front, image).await;
            }
        });
    }
}

/// Lets visitors come for some images that somebody is about to do something with: before, after, and around the end of
/// the life of the last copy.
pub(super) fn swarm(front: &Arc<Front>, images: &[ImageId]) {
    for nth in 0..15 {
        let Some(image) = front.world.throw(|dice| dice.pick(images).copied()) else { return };
        let (early, late) = match nth {
            0..8 => (Duration::ZERO, Duration::from_secs(120)),
            8..12 => (Duration::ZERO, Duration::from_secs(900)),
            _ => {
                let last = front.world.weather.outlived();
                (last, last + Duration::from_secs(120))
            }
        };
        let front = Arc::clone(front);
        let clockwork = front.world.clockwork.clone();
        clockwork.spawn(async move {
            let pause = front.world.throw(|dice| dice.between(early, late));
            front.world.clockwork.sleep(pause).await;
            look(&front, image).await;
        });
    }
}

/// Looks at an image as a stranger, at an edge of each network or at the origin.
pub(super) async fn look(front: &Arc<Front>, image: ImageId) {
    let world = &front.world;
    let file = world.throw(|dice| if dice.chance(700) { THUMB } else { LARGE });
    match world.throw(|dice| dice.place(world.networks.len() + 1)) {
        0 => direct(front, image, file, None).await,
        nth => at_edge(world, nth - 1, image, file, None).await,
    }
}

/// Asks the origin itself.
pub(super) async fn direct(front: &Arc<Front>, image: ImageId, file: &str, pass: Option<usize>) {
    let path = layout::rendition_path(image, file);
    let upstream = super::super::process::Upstream { front: Arc::clone(front) };
    let answer = galerra_cdn::Origin::fetch(&upstream, Front::request(&path, pass)).await;
    note(&front.world, pass, shown_by(&answer));
}

/// Asks an edge.
pub(in super::super) async fn at_edge(
    world: &World,
    nth: usize,
    image: ImageId,
    file: &str,
    pass: Option<usize>,
) {
    let Some(network) = world.networks.get(nth) else { return };
    let (since, path) = (world.now(), layout::rendition_path(image, file));
    let edge = world.throw(|dice| network.edge(dice));
    let answer = network.fake.serve_at(edge, Front::request(&path, pass)).await;
    let shown = shown_by(&answer);
    let took = world.now().at != since.at;
    if shown.is_some() {
        world.saw(if took { Sight::EdgeFilled } else { Sight::EdgeHit });
        world.tell(|| format!("{} {edge:?} served {image} {file} (asked at {:?})", network.name, since.at));
    }
    world.watch(|watcher, world| {
        let picture = watcher.truth.images.get(&image);
        if took && shown.is_some() && picture.is_some_and(|picture| !picture.open.now && picture.was_open) {
            world.saw(Sight::FillAcrossGate);
        }
        watcher.landed(image, world)?;
        // A guest with a pass may see more; the origin has looked at that.
        match shown {
            Some(photo) if pass.is_none() => watcher.seen(nth, (image, photo), since, world),
            _ => Ok(()),
        }
    });
    note(world, pass, shown);
}

fn note(world: &World, pass: Option<usize>, shown: Option<Photo>) {
    match (pass, shown) {
        (Some(_), Some(_)) => world.saw(Sight::GuestSaw),
        (Some(_), None) => world.saw(Sight::GuestRefused),
        (None, None) => world.saw(Sight::StrangerRefused),
        (None, Some(_)) => {}
    }
}

/// Reads the list of a gallery, as a stranger.
pub(super) async fn list(front: &Arc<Front>, gallery: GalleryId) {
    let engine = front.any().engine;
    drop(listed(front, &engine, &Viewer::anonymous(), Eye::Stranger, gallery).await);
}

/// Reads the list of a gallery; nothing in it may have been closed before.
pub(super) async fn listed(
    front: &Arc<Front>,
    engine: &Engine,
    viewer: &Viewer,
    eye: Eye,
    gallery: GalleryId,
) -> Result<usize, Error> {
    let since = front.world.now();
    let seen = engine.gallery(viewer, gallery).await?;
    let images = engine.images(&seen.grant, None, 100).await?.items;
    for image in &images {
        front.world.watch(|watcher, _| watcher.shown("listed", image.id, eye, since));
    }
    Ok(images.len())
}

/// Asks every edge for everything there ever was.
pub(crate) async fn look_everywhere(front: &Arc<Front>) {
    let images = front.world.watch(|watcher, _| Ok(watcher.images())).unwrap_or_default();
    for image in images {
        for file in [THUMB, LARGE] {
            direct(front, image, file, None).await;
            for nth in 0..front.world.networks.len() {
                at_edge(&front.world, nth, image, file, None).await;
            }
        }
    }
}
