//! An executor in virtual time: one thread, one seed, one order. Whoever could go on next is picked by chance, and where
//! nobody can, time jumps to the next alarm.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use galerra_cdn::Clock;
use time::OffsetDateTime;

use super::dice::Dice;

/// When every history begins.
pub(super) const DAWN: OffsetDateTime = time::macros::datetime!(2026-01-01 00:00 UTC);

/// Names a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task(usize);

/// The executor, and the time that passes in it; clones are the same one.
#[derive(Clone)]
pub(super) struct Clockwork(Arc<Works>);

struct Works {
    state: Mutex<State>,
    clock: Clock,
}

struct State {
    now: Duration,
    dice: Dice,
    alarms: BTreeMap<(Duration, u64), Waker>,
    ready: Vec<usize>,
    born: Vec<(usize, BoxFuture<'static, ()>)>,
    doomed: Vec<usize>,
    tasks: usize,
    turns: u64,
    stopped: bool,
}

/// A task in the hands of the executor.
struct Running {
    life: BoxFuture<'static, ()>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// Says that a task can go on.
struct Bell {
    task: usize,
    rung: AtomicBool,
    works: Arc<Works>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Relaxed) {
            self.works.state().ready.push(self.task);
        }
    }
}

impl Works {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clockwork {
    pub(super) fn new(dice: Dice) -> Self {
        let state = State {
            now: Duration::ZERO,
            dice,
            alarms: BTreeMap::new(),
            ready: Vec::new(),
            born: Vec::new(),
            doomed: Vec::new(),
            tasks: 0,
            turns: 0,
            stopped: false,
        };
        Self(Arc::new(Works { state: Mutex::new(state), clock: Clock::at(DAWN) }))
    }

    /// How long it has run, in virtual time.
    pub(super) fn now(&self) -> Duration {
        self.0.state().now
    }

    /// How many turns tasks have taken: orders what happens at the same time.
    pub(super) fn turns(&self) -> u64 {
        self.0.state().turns
    }

    /// The same time, for networks.
    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Lets a task run beside the others.
    pub(super) fn spawn(&self, life: impl Future<Output = ()> + Send + 'static) -> Task {
        let mut state = self.0.state();
        let task = state.tasks;
        state.tasks += 1;
        if !state.stopped {
            state.born.push((task, life.boxed()));
        }
        Task(task)
    }

    /// Drops a task wherever it is, as a crash does.
    pub(super) fn kill(&self, task: Task) {
        self.0.state().doomed.push(task.0);
    }

    /// Ends the run after the turn that is being taken.
    pub(super) fn stop(&self) {
        self.0.state().stopped = true;
    }

    /// Passes time.
    pub(super) fn sleep(&self, pause: Duration) -> Sleep {
        let until = self.now() + pause;
        Sleep { works: Arc::clone(&self.0), until, alarm: None }
    }

    /// Lets others go first.
    pub(super) fn give_way() -> GiveWay {
        GiveWay(false)
    }

    /// What comes of something if it takes no longer than `limit`; later it is dropped.
    pub(super) async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let work = std::pin::pin!(work);
        match select(work, self.sleep(limit)).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        }
    }

    /// Runs until it is stopped or nobody will ever go on.
    pub(super) fn run(&self) {
        let mut tasks: Vec<Option<Running>> = Vec::new();
        loop {
            self.begin_and_end(&mut tasks);
            let next = {
                let mut state = self.0.state();
                if state.stopped {
                    break;
                }
                state.next()
            };
            match next {
                Some(task) => Self::turn(tasks.get_mut(task)),
                None if self.jump() => {}
                None => break,
            }
        }
        self.clear(tasks);
    }

    /// Takes in who was born and drops who was killed.
    fn begin_and_end(&self, tasks: &mut Vec<Option<Running>>) {
        let (born, doomed) = {
            let mut state = self.0.state();
            if state.born.is_empty() && state.doomed.is_empty() {
                return;
            }
            (std::mem::take(&mut state.born), std::mem::take(&mut state.doomed))
        };
        for (task, life) in born {
            let bell = Arc::new(Bell { task, rung: AtomicBool::new(false), works: Arc::clone(&self.0) });
            let waker = Waker::from(Arc::clone(&bell));
            bell.wake_by_ref();
            tasks.resize_with(task.max(tasks.len()), || None);
            tasks.push(Some(Running { life, bell, waker }));
        }
        for task in doomed {
            if let Some(task) = tasks.get_mut(task) {
                *task = None;
            }
        }
    }

    fn turn(task: Option<&mut Option<Running>>) {
        let Some(task) = task else { return };
        let Some(running) = task else { return };
        running.bell.rung.store(false, Ordering::Relaxed);
        if running.life.as_mut().poll(&mut Context::from_waker(&running.waker)).is_ready() {
            *task = None;
        }
    }

    /// Moves time on to the next alarm; `false` if there is none.
    fn jump(&self) -> bool {
        let due = {
            let mut state = self.0.state();
            let Some((&(at, _), _)) = state.alarms.first_key_value() else { return false };
            let now = state.now.max(at);
            state.now = now;
            let later = state.alarms.split_off(&(now, u64::MAX));
            std::mem::replace(&mut state.alarms, later)
        };
        self.0.clock.set(DAWN + self.now());
        due.into_values().for_each(Waker::wake);
        true
    }

    /// Drops everything, also what is born of drops, so that nothing keeps itself alive.
    fn clear(&self, mut tasks: Vec<Option<Running>>) {
        self.stop();
        tasks.clear();
        let (born, alarms) = {
            let mut state = self.0.state();
            (std::mem::take(&mut state.born), std::mem::take(&mut state.alarms))
        };
        drop((born, alarms));
    }
}

impl State {
    fn next(&mut self) -> Option<usize> {
        if self.ready.is_empty() {
            return None;
        }
        self.turns += 1;
        let place = if self.ready.len() == 1 { 0 } else { self.dice.place(self.ready.len()) };
        Some(self.ready.swap_remove(place))
    }
}

impl fmt::Debug for Clockwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clockwork").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// Ends when its time has come.
pub(super) struct Sleep {
    works: Arc<Works>,
    until: Duration,
    alarm: Option<(Duration, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let works = Arc::clone(&self.works);
        let mut state = works.state();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        let until = self.until;
        let alarm = *self.alarm.get_or_insert_with(|| (until, state.dice.next() >> 1));
        state.alarms.insert(alarm, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            let waker = self.works.state().alarms.remove(&alarm);
            // It may hold the last of a task, whose end asks for the state.
            drop(waker);
        }
    }
}

/// Ends after everybody who was ready had a chance to go first.
pub(super) struct GiveWay(bool);

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who went when: three tasks that sleep and give way, one of which is killed.
    fn order(seed: u64) -> Vec<(u64, Duration)> {
        let clockwork = Clockwork::new(Dice::new(seed));
        let log = Arc::new(Mutex::new(Vec::new()));
        let tasks = [0, 1, 2].map(|who| {
            let (clock, log) = (clockwork.clone(), Arc::clone(&log));
            clockwork.spawn(async move {
                for _ in 0..20 {
                    Clockwork::give_way().await;
                    log.lock().unwrap().push((who, clock.now()));
                    clock.sleep(Duration::from_secs(60)).await;
                }
            })
        });
        let clock = clockwork.clone();
        clockwork.spawn(async move {
            clock.sleep(Duration::from_secs(90)).await;
            clock.kill(tasks[1]);
        });
        clockwork.run();
        assert_eq!(clockwork.now(), Duration::from_secs(20 * 60));
        let log = log.lock().unwrap().clone();
        assert_eq!(log.iter().filter(|(who, _)| *who == 1).count(), 2);
        log
    }

    #[test]
    fn a_seed_is_one_order_and_seeds_differ() {
        assert_eq!(order(1), order(1));
        assert!((2..20).any(|seed| order(seed) != order(1)));
    }

    #[test]
    fn what_takes_too_long_is_dropped() {
        let clockwork = Clockwork::new(Dice::new(1));
        let clock = clockwork.clone();
        clockwork.spawn(async move {
            let (short, long) = (Duration::from_secs(1), Duration::from_secs(2));
            assert!(clock.within(long, clock.sleep(short)).await.is_some());
            assert!(clock.within(short, clock.sleep(long)).await.is_none());
        });
        clockwork.run();
        assert_eq!(clockwork.now(), Duration::from_secs(2));
    }
}
