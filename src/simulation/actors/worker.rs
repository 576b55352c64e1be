//! Workers: each calls `tick` again and again, is killed wherever it is, and comes back as a fresh process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use galerra_core::{Engine, Lag, Result, Ticked};

use super::super::clockwork::Task;
use super::super::coverage::Sight;
use super::super::process::Process;
use super::super::world::{World, held};
use super::now_and_then;

/// The workers there are now, by what names their tasks.
type Crew = Arc<Mutex<Vec<(Task, Process)>>>;

/// Sends the workers in; some come later than others.
pub(crate) fn workers(world: &Arc<World>) {
    let crew = Crew::default();
    for _ in 0..world.weather.workers {
        let process = Process::boot(world, true);
        let task = send(world, &process);
        held(&crew).push((task, process));
    }
    let (storm, kills) = (Arc::clone(world), Arc::clone(&crew));
    world.clockwork.spawn(async move {
        now_and_then(&storm, storm.weather.kills.into(), || replace(&storm, &kills)).await;
    });
    let (storm, cuts) = (Arc::clone(world), crew);
    world.clockwork.spawn(async move {
        now_and_then(&storm, storm.weather.partitions, || cut_off(&storm, &cuts)).await;
    });
}

fn send(world: &Arc<World>, process: &Process) -> Task {
    let (world, process) = (Arc::clone(world), process.clone());
    let clockwork = world.clockwork.clone();
    clockwork.spawn(async move {
        let mut process = process;
        let mut generation = world.generation();
        world.pass(Duration::from_secs(20)).await;
        loop {
            while world.is_closed() {
                world.pass(Duration::from_secs(20)).await;
            }
            if generation != world.generation() {
                (process, generation) = (Process::boot(&world, true), world.generation());
            }
            let ticked = tick(&world, &process).await;
            if ticked.is_none() {
                process = Process::boot(&world, true);
            }
            let idle = match ticked {
                Some(Ok(ticked)) => ticked.taken + ticked.swept == 0 && is_idle(&process.engine).await,
                _ => false,
            };
            world.pass(if idle { Duration::from_secs(90) } else { world.weather.pause }).await;
        }
    })
}

/// Whether nothing is under way.
async fn is_idle(engine: &Engine) -> bool {
    engine.lag().await.is_ok_and(|lag| lag == Lag::default())
}

/// One tick; `None` if the worker dies in the middle of it.
async fn tick(world: &World, process: &Process) -> Option<Result<Ticked>> {
    let tick = process.engine.tick();
    if !(world.is_stormy() && world.throw(|dice| dice.chance(world.weather.kills))) {
        return Some(tick.await);
    }
    let patience = world.throw(|dice| dice.up_to(Duration::from_millis(300)));
    let ticked = world.clockwork.within(patience, tick).await;
    if ticked.is_none() {
        world.saw(Sight::WorkerDied);
        world.tell(|| "a worker dies in the middle of a tick".to_owned());
    }
    ticked
}

/// Kills one of them where it is; another one comes in its place.
fn replace(world: &Arc<World>, crew: &Crew) {
    let mut crew = held(crew);
    let nth = world.throw(|dice| dice.place(crew.len()));
    let Some(worker) = crew.get_mut(nth) else { return };
    world.clockwork.kill(worker.0);
    world.saw(Sight::WorkerKilled);
    world.tell(|| format!("worker {nth} is killed"));
    let process = Process::boot(world, true);
    *worker = (send(world, &process), process);
}

/// Cuts one of them off, and sets the clock of one.
fn cut_off(world: &Arc<World>, crew: &Crew) {
    let crew = held(crew);
    let (nth, pause) = world.throw(|dice| (dice.place(crew.len()), dice.up_to(Duration::from_secs(300))));
    if let Some((_, process)) = crew.get(nth) {
        process.line.cut(pause);
        process.wits.step();
        world.saw(Sight::Partitioned);
        world.saw(Sight::ClockStepped);
        world.tell(|| format!("worker {nth} is cut off for {pause:?}"));
    }
}
