//! Who takes part: owners, uploaders, visitors, guests, workers, and misfortune.

mod misfortune;
mod operator;
mod owner;
mod uploader;
mod visitor;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use galerra_core::{AccountId, Engine, Error, GalleryId, Result};

pub(super) use misfortune::misfortunes;
pub(super) use operator::operator;
pub(super) use owner::owner;
pub(super) use uploader::uploads;
pub(super) use visitor::{at_edge, look_everywhere, visits};
pub(super) use worker::workers;

use super::coverage::Sight;
use super::process::Front;
use super::world::World;

/// An owner, and the galleries to begin with.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) account: AccountId,
    pub(super) galleries: Vec<GalleryId>,
}

/// How often a request is tried before whoever makes it gives up.
const TRIES: usize = 6;

/// Makes a request until the answer is definite: it may fail, or be cut off wherever it is, and is made again.
///
/// `None` if that never happens, so that nobody knows what came of it.
pub(super) async fn insist<T, F>(front: &Arc<Front>, request: impl Fn(Engine) -> F) -> Option<Result<T>>
where
    F: Future<Output = Result<T>>,
{
    for _ in 0..TRIES {
        match once(front, &request).await {
            None | Some(Err(Error::Storage(_) | Error::Contended)) => {
                front.world.pass(Duration::from_secs(10)).await;
            }
            definite => return definite,
        }
    }
    None
}

/// Makes a request once; `None` if it is cut off.
async fn once<T, F>(front: &Arc<Front>, request: &impl Fn(Engine) -> F) -> Option<Result<T>>
where
    F: Future<Output = Result<T>>,
{
    let world = &front.world;
    if world.is_closed() {
        return None;
    }
    let request = request(front.any().engine);
    if !(world.is_stormy() && world.throw(|dice| dice.chance(world.weather.cuts))) {
        return Some(request.await);
    }
    let patience = world.throw(|dice| {
        let most = if dice.chance(700) { 50 } else { 20_000 };
        dice.up_to(Duration::from_millis(most))
    });
    let done = world.clockwork.within(patience, request).await;
    if done.is_none() {
        world.saw(Sight::OwnerCut);
    }
    done
}

/// Lets something happen again and again, so many times an hour, for as long as the storm lasts.
async fn now_and_then(world: &Arc<World>, an_hour: u64, mut happen: impl FnMut()) {
    if an_hour == 0 {
        return;
    }
    let between = Duration::from_secs(3600 * 2 / an_hour);
    loop {
        world.pass(between).await;
        if !world.is_stormy() {
            return;
        }
        happen();
    }
}
