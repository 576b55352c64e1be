//! Processes of the service, and the origin that they are to the networks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::oneshot;
use galerra_cdn::Origin;
use galerra_core::{CachePolicy, Engine, Error, ImageId, Parts, Pass, SeenImage, Viewer, Witnessing, layout};
use http::{Request, Response, StatusCode, header};

use super::coverage::Sight;
use super::darkroom::{Darkroom, Photo};
use super::fleet::Reach;
use super::stores::{Ledger, Line, Shelves};
use super::watcher::Eye;
use super::world::{Wits, World, held};

/// The header by which a guest carries a pass, in place of a cookie.
pub(super) const PASS: &str = "x-pass";

/// A process: an engine over its own line, with its own clock.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) engine: Engine,
    pub(super) line: Arc<Line>,
    pub(super) wits: Arc<Wits>,
}

impl Process {
    /// A fresh process, which knows nothing but what is stored.
    pub(super) fn boot(world: &Arc<World>, worker: bool) -> Self {
        let line = Line::new(world, worker);
        let wits = Arc::new(Wits::new(world));
        let engine = Engine::new(Parts {
            records: Arc::new(Ledger(Arc::clone(&line))),
            blobs: Arc::new(Shelves(Arc::clone(&line))),
            cdns: Reach::all(&line),
            imaging: Arc::new(Darkroom),
            passwords: Arc::new(Darkroom),
            env: Arc::clone(&wits) as Arc<_>,
            policy: world.weather.policy.clone(),
            mount: String::new(),
            witnessing: Witnessing::default(),
        });
        Self { engine, line, wits }
    }
}

/// The processes that answer requests, and what they have in common.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) world: Arc<World>,
    processes: Mutex<Vec<Process>>,
    passes: Mutex<Vec<Pass>>,
}

impl Front {
    pub(super) fn open(world: &Arc<World>) -> Arc<Self> {
        let processes = [(); 2].map(|()| Process::boot(world, false)).to_vec();
        let (world, processes) = (Arc::clone(world), Mutex::new(processes));
        Arc::new(Self { world, processes, passes: Mutex::default() })
    }

    /// Any of the processes, as a load balancer has it.
    pub(super) fn any(&self) -> Process {
        let processes = held(&self.processes);
        let nth = self.world.throw(|dice| dice.place(processes.len()));
        processes.get(nth).cloned().unwrap_or_else(|| Process::boot(&self.world, false))
    }

    /// Puts a fresh process in the place of one; what that one was doing goes on to its end.
    pub(super) fn replace_one(&self) {
        let fresh = Process::boot(&self.world, false);
        let mut processes = held(&self.processes);
        let nth = self.world.throw(|dice| dice.place(processes.len()));
        if let Some(process) = processes.get_mut(nth) {
            *process = fresh;
        }
    }

    /// Fresh processes in the place of all.
    pub(super) fn replace_all(&self) {
        let fresh = [(); 2].map(|()| Process::boot(&self.world, false)).to_vec();
        *held(&self.processes) = fresh;
    }

    /// What a guest sends to show a pass.
    pub(super) fn carry(&self, pass: Pass) -> usize {
        let mut passes = held(&self.passes);
        passes.push(pass);
        passes.len() - 1
    }

    /// A request for a rendition, by somebody with a pass or without.
    pub(super) fn request(path: &str, pass: Option<usize>) -> Request<Bytes> {
        let request = Request::get(path);
        let request = match pass {
            Some(pass) => request.header(PASS, pass.to_string()),
            None => request,
        };
        request.body(Bytes::new()).unwrap_or_default()
    }

    fn viewer(&self, request: &Request<Bytes>) -> (Viewer, Eye) {
        let carried = request.headers().get(PASS).and_then(|pass| pass.to_str().ok()?.parse::<usize>().ok());
        let pass = carried.and_then(|nth| held(&self.passes).get(nth).cloned());
        match pass {
            Some(pass) => {
                let eye = Eye::Guest(pass.share());
                (Viewer::anonymous().with_passes([pass]), eye)
            }
            None => (Viewer::anonymous(), Eye::Stranger),
        }
    }

    /// Answers a request for a rendition, as `src/http/view.rs` does.
    async fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let since = self.world.now();
        let path = request.uri().path().strip_prefix("/i/").unwrap_or_default();
        let (image, file) = path.split_once('/').ok_or(Error::NotFound)?;
        let id: ImageId = image.parse()?;
        let (viewer, eye) = self.viewer(request);
        let process = self.any();
        let engine = &process.engine;
        let seen = self.with_bytes(engine, &viewer, id, file).await?;
        let rendition = seen.rendition(file).ok_or(Error::NotFound)?;
        let cache = seen.grant.cache_of(&seen.image, rendition);
        let blob = engine.rendition(&seen, file, None).await?;
        let bytes = galerra_storage::collect(blob.body).await.unwrap_or_default();
        self.world.watch(|watcher, _| watcher.shown("served", id, eye, since));
        Ok(stored(engine, &seen, cache, bytes))
    }

    /// The image with the bytes of a rendition, made in a task of its own if need be.
    async fn with_bytes(
        &self,
        engine: &Engine,
        viewer: &Viewer,
        id: ImageId,
        file: &str,
    ) -> Result<SeenImage, Error> {
        let seen = engine.image(viewer, id).await?;
        if seen.rendition(file).ok_or(Error::NotFound)?.made.is_some() {
            return Ok(seen);
        }
        let (done, made) = oneshot::channel();
        let (engine, viewer, file) = (engine.clone(), viewer.clone(), file.to_owned());
        let task = self.world.clockwork.spawn(async move {
            // Whoever asked may have gone.
            drop(done.send(engine.developed(&viewer, id, &file).await));
        });
        let world = Arc::clone(&self.world);
        if world.is_stormy() && world.throw(|dice| dice.chance(world.weather.cuts)) {
            self.world.clockwork.spawn(async move {
                world.pass(Duration::from_secs(1)).await;
                world.clockwork.kill(task);
            });
        }
        let made = made.await.unwrap_or(Err(Error::Contended));
        if made.is_ok() {
            self.world.saw(Sight::MadeLate);
        }
        made
    }
}

/// The response that shows bytes, with the headers that its grant allows.
fn stored(engine: &Engine, seen: &SeenImage, cache: CachePolicy, bytes: Bytes) -> Response<Bytes> {
    let mut response = Response::builder();
    if let CachePolicy::Public { shared } = cache {
        let policy = format!("public, max-age=300, s-maxage={shared}, must-revalidate");
        response = response.header(header::CACHE_CONTROL, policy);
        for cdn in &engine.parts().cdns {
            for (name, value) in cdn.headers(&layout::image_tags(&seen.image)) {
                response = response.header(name, value);
            }
        }
    } else {
        response = response.header(header::CACHE_CONTROL, "private, no-store");
    }
    response.body(bytes).unwrap_or_default()
}

fn refused(status: StatusCode) -> Response<Bytes> {
    let response = Response::builder().status(status).header(header::CACHE_CONTROL, "private, no-store");
    response.body(Bytes::new()).unwrap_or_default()
}

/// One network's way to the origin.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) front: Arc<Front>,
}

#[async_trait]
impl Origin for Upstream {
    /// A fill: it takes no longer than the policy says, from the decision to the last byte.
    async fn fetch(&self, request: Request<Bytes>) -> Response<Bytes> {
        let world = &self.front.world;
        if world.is_closed() {
            return refused(StatusCode::SERVICE_UNAVAILABLE);
        }
        let limit = world.weather.fill();
        let began = world.now().at;
        let (quick, slow) = world.throw(|dice| (dice.chance(600), dice.up_to(limit)));
        let work = async {
            let answer = self.front.answer(&request).await;
            let pause = if quick || answer.is_err() { slow / 100 } else { slow };
            world.clockwork.sleep(pause).await;
            answer
        };
        let Some(answer) = world.clockwork.within(limit, work).await else {
            world.saw(Sight::FillTimedOut);
            return refused(StatusCode::GATEWAY_TIMEOUT);
        };
        if answer.is_ok() && world.now().at > began + limit / 2 {
            world.saw(Sight::SlowFill);
        }
        answer.unwrap_or_else(|error| match error {
            Error::Gone => refused(StatusCode::GONE),
            Error::NotFound => refused(StatusCode::NOT_FOUND),
            _ => refused(StatusCode::SERVICE_UNAVAILABLE),
        })
    }
}

/// Which photograph an answer shows, if any.
pub(super) fn shown_by(answer: &Response<Bytes>) -> Option<Photo> {
    if answer.status() == StatusCode::OK { Photo::seen_in(answer.body()) } else { None }
}
