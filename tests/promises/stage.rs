//! A stage: stores, a network and a clock that outlive the engine, so that "crash here" is dropping it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use galerra::cdn::{Cdn, Clock, FakeCdn};
use galerra::imaging::{Developer, Limits, Preset, Recipe};
use galerra::storage::Memory;
use galerra::{Argon2id, Format, Galerra, Parts, Policy, Witnessing};
use galerra_core::Env;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;

use crate::client::{Client, text};

/// The operator's token on every stage.
pub const OPERATOR: &str = "the operator of the stage";

/// A clock that stands until it is moved, and dice that never fall the same way twice.
#[derive(Debug)]
pub struct World {
    clock: Clock,
    thrown: AtomicU64,
}

impl Env for World {
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    fn random(&self) -> [u8; 32] {
        Sha256::digest(self.thrown.fetch_add(1, Ordering::Relaxed).to_le_bytes()).into()
    }
}

#[derive(Debug, Clone)]
pub struct Stage {
    pub world: Arc<World>,
    pub records: Memory,
    pub blobs: Memory,
    pub cdns: Vec<FakeCdn>,
    pub policy: Policy,
    pub mount: String,
    pub recipe: Recipe,
    pub witnessing: Witnessing,
}

impl Stage {
    pub fn new() -> Self {
        let clock = Clock::at(datetime!(2026-03-01 12:00 UTC));
        Self {
            world: Arc::new(World { clock, thrown: AtomicU64::new(0) }),
            records: Memory::named("records"),
            blobs: Memory::named("blobs"),
            cdns: Vec::new(),
            policy: Policy::default(),
            mount: String::new(),
            recipe: jpegs(),
            witnessing: Witnessing::default(),
        }
    }

    /// The same stage behind a network made by `make`.
    pub fn behind(mut self, make: impl FnOnce(FakeCdn) -> FakeCdn) -> Self {
        let name = format!("edge-{}", self.cdns.len());
        self.cdns.push(make(FakeCdn::new().with_name(name).with_clock(self.world.clock.clone())));
        self
    }

    /// A fresh process over the stage: whatever it was doing before is forgotten.
    pub fn boot(&self) -> Galerra {
        let parts = Parts {
            records: Arc::new(self.records.clone()),
            blobs: Arc::new(self.blobs.clone()),
            cdns: self.cdns.iter().map(|cdn| Arc::new(cdn.clone()) as Arc<dyn Cdn>).collect(),
            imaging: Arc::new(Developer::new(Limits::default(), self.recipe.clone())),
            passwords: Arc::new(Argon2id::default()),
            env: self.world.clone(),
            policy: self.policy.clone(),
            mount: self.mount.clone(),
            witnessing: self.witnessing.clone(),
        };
        let galerra = Galerra::new(parts).unwrap().with_operator_token(OPERATOR);
        for cdn in &self.cdns {
            cdn.set_origin(origin(self.mounted(&galerra)));
        }
        galerra
    }

    /// The router, below the stage's mount.
    pub fn mounted(&self, galerra: &Galerra) -> Router {
        if self.mount.is_empty() {
            galerra.router()
        } else {
            Router::new().nest(&self.mount, galerra.router())
        }
    }

    /// A client of a fresh process, as the operator.
    pub fn operator(&self) -> Client {
        Client::here(self.boot().router()).as_bearer(OPERATOR)
    }

    /// A client of a fresh process, as nobody in particular.
    pub fn stranger(&self) -> Client {
        Client::here(self.boot().router())
    }

    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by.try_into().expect("time goes on"));
    }

    /// Lets time pass, with a fresh process for every tick, until the erasure is done; answers how long it took.
    pub async fn until_done(&self, client: &Client, erasure: &str) -> Duration {
        let began = self.world.now();
        for _ in 0..2000 {
            self.boot().engine().tick().await.expect("a tick");
            let shown = client.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
            if shown["state"] == "done" {
                return self.world.now() - began;
            }
            self.advance(Duration::seconds(15));
        }
        panic!("the erasure does not finish");
    }
}

/// The default sizes as JPEG alone, whatever else this build encodes.
pub fn jpegs() -> Recipe {
    let presets = Preset::standard().into_iter().map(|preset| preset.with_formats(&[Format::Jpeg]));
    Recipe::new(presets.collect()).unwrap()
}

/// Deletes what is at `path` for good; answers the erasure's id.
pub async fn erase(client: &Client, path: &str) -> String {
    text(&client.delete(&format!("{path}?permanent=true")).await.expect(202), "erasure")
}

fn origin(router: Router) -> Arc<dyn galerra::cdn::Origin> {
    Arc::new(move |request: http::Request<Bytes>| {
        let router = router.clone();
        async move {
            let answer = router.oneshot(request.map(Body::from)).await.unwrap();
            let (parts, body) = answer.into_parts();
            http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
        }
    })
}
