use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use galerra_cdn::{CdnError, SecureLink};
use galerra_core::{
    Engine, Error, OperatorToken, Parts, PolicyError, Redeveloped, Ticked, Viewer, Witnessing,
};
use galerra_storage::StorageError;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, OnceCell, watch};
use url::Url;

use crate::deadline::Deadline;
use crate::{Argon2id, Config, Registry, SystemEnv};

/// Longest a blob store call may take; never more than half a write lease, so that no write outlives its lease.
const BLOB_DEADLINE: Duration = Duration::from_secs(30);

/// Pause between two looks at whether renditions are to be made anew.
const REST: Duration = Duration::from_secs(5);

/// Why a Galerra could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No backend has this scheme.
    #[error("{what}: no backend for `{scheme}:`; this build knows {known}")]
    UnknownScheme {
        /// The setting.
        what: &'static str,
        /// The scheme it names.
        scheme: String,
        /// The schemes there are.
        known: String,
    },
    /// A setting is not what it should be.
    #[error("the setting `{what}` is no sensible value")]
    Unreadable {
        /// The setting.
        what: &'static str,
    },
    /// The presets make no recipe.
    #[cfg(feature = "imaging")]
    #[error(transparent)]
    Recipe(#[from] crate::imaging::RecipeError),
    /// The watermark cannot be drawn.
    #[cfg(feature = "imaging")]
    #[error(transparent)]
    Watermark(#[from] crate::imaging::WatermarkError),
    /// The policy contradicts itself.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A store could not be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A network could not be opened.
    #[error(transparent)]
    Cdn(#[from] CdnError),
}

/// A gallery service: an engine, and the doors that lead to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Galerra {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    engine: Engine,
    doors: Doors,
    wake: Notify,
    /// Set once the ledger was replayed over the records.
    ready: OnceCell<()>,
}

/// What the doors know besides the engine.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "only the router tells addresses"))]
struct Doors {
    public_url: Option<Url>,
    cdn_url: Option<Url>,
    signer: Option<SecureLink>,
    operator: Option<String>,
    pause: Duration,
}

impl Galerra {
    /// Puts a service together from parts that the host made.
    pub fn new(parts: Parts) -> Result<Self, OpenError> {
        let policy = parts.policy.checked()?;
        let lease = Duration::try_from(policy.write_lease).unwrap_or_default();
        let blobs = Arc::new(Deadline::new(parts.blobs, BLOB_DEADLINE.min(lease / 2)));
        let engine = Engine::new(Parts { blobs, policy, ..parts });
        let pause = Duration::from_secs(1);
        let doors = Doors { public_url: None, cdn_url: None, signer: None, operator: None, pause };
        Ok(Self { shared: Arc::new(Shared { engine, doors, wake: Notify::new(), ready: OnceCell::new() }) })
    }

    /// Opens a service from settings, with the backends this build has.
    #[cfg(feature = "imaging")]
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        let developer = crate::imaging::Developer::new(config.limits.clone(), config.recipe()?);
        Self::open_with(config, &Registry::default(), Arc::new(developer)).await
    }

    /// Opens a service from settings, with the host's own backends and its own imaging.
    pub async fn open_with(
        config: &Config,
        registry: &Registry,
        imaging: Arc<dyn galerra_core::Imaging>,
    ) -> Result<Self, OpenError> {
        let mut cdns = Vec::with_capacity(config.cdn.len());
        for url in &config.cdn {
            cdns.push(registry.open_cdn(url).await?);
        }
        let parts = Parts {
            records: registry.open_records(&config.records).await?,
            blobs: registry.open_blobs(&config.blobs).await?,
            cdns,
            imaging,
            passwords: Arc::new(Argon2id::default()),
            env: Arc::new(SystemEnv),
            mount: config.mount.clone(),
            policy: config.policy()?,
            witnessing: witnessing(config),
        };
        let pause = config.pause().ok_or(OpenError::Unreadable { what: "tick" })?;
        let (public_url, cdn_url) = (config.public_url.clone(), config.cdn_url.clone());
        let signer = config.signing_key.clone();
        Ok(Self::new(parts)?.with(|doors| Doors { public_url, cdn_url, signer, pause, ..doors }))
    }

    /// The same service for people who reach it at `url`.
    #[must_use]
    pub fn with_public_url(self, url: Url) -> Self {
        self.with(|doors| Doors { public_url: Some(url), ..doors })
    }

    /// The same service behind a network: image URLs of open galleries start with `url`.
    #[must_use]
    pub fn with_cdn_url(self, url: Url) -> Self {
        self.with(|doors| Doors { cdn_url: Some(url), ..doors })
    }

    /// The same service behind a network that verifies signed addresses: those of private galleries go through it, too.
    #[must_use]
    pub fn with_signer(self, signer: SecureLink) -> Self {
        self.with(|doors| Doors { signer: Some(signer), ..doors })
    }

    /// The same service, with this text as the operator's token; an empty text is no token.
    #[must_use]
    pub fn with_operator_token(self, token: &str) -> Self {
        let operator = (!token.is_empty()).then(|| digest(token));
        self.with(|doors| Doors { operator, ..doors })
    }

    /// The same service for a router that is nested at `mount`, such as `/photos`.
    ///
    /// Networks in front see that path, so probes need it. While it is not what requests show, nothing is
    /// given to shared caches.
    #[must_use]
    pub fn with_mount(self, mount: &str) -> Self {
        let parts = Parts { mount: mount.trim_end_matches('/').to_owned(), ..self.engine().parts().clone() };
        let doors = self.shared.doors.clone();
        Self {
            shared: Arc::new(Shared {
                engine: Engine::new(parts),
                doors,
                wake: Notify::new(),
                ready: OnceCell::new(),
            }),
        }
    }

    fn with(self, change: impl FnOnce(Doors) -> Doors) -> Self {
        let Shared { engine, doors, .. } = self.shared.as_ref();
        let (engine, doors) = (engine.clone(), change(doors.clone()));
        Self { shared: Arc::new(Shared { engine, doors, wake: Notify::new(), ready: OnceCell::new() }) }
    }

    /// The engine: everything the router can do, without HTTP.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// Whose bearer token this is; `None` if it is nobody's (any more).
    pub async fn viewer_of(&self, bearer: &str) -> Result<Option<Viewer>, Error> {
        if self.shared.doors.operator.as_ref().is_some_and(|operator| *operator == digest(bearer)) {
            return Ok(Some(Viewer::operator()));
        }
        if let Ok(key) = bearer.parse() {
            let account = self.engine().account_by_key(&key).await?;
            return Ok(account.map(|account| Viewer::account(account.id)));
        }
        match bearer.parse::<OperatorToken>() {
            Ok(token) if self.shared.doors.operator.is_none() => {
                Ok(self.engine().is_operator(&token).await?.then(Viewer::operator))
            }
            _ => Ok(None),
        }
    }

    /// Waits until the ledger of deletions was replayed over the records, and has it done if nobody has: before that
    /// nothing is served. The router and [`Galerra::run`] wait by themselves.
    pub async fn ready(&self) -> Result<(), Error> {
        self.shared
            .ready
            .get_or_try_init(|| async { self.engine().replay().await.map(|_| ()) })
            .await
            .copied()
    }

    /// Does what is due again and again until `shutdown` resolves; then finishes the step it is in. Beside that
    /// it makes renditions anew when the recipe is another one than the last time.
    ///
    /// Any number of processes may run this over the same stores.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let (end, ended) = watch::channel(());
        let until_the_end = async move {
            shutdown.await;
            drop(end);
        };
        tokio::join!(until_the_end, self.tick_until(ended.clone()), self.redevelop_until(ended));
    }

    async fn tick(&self) -> Result<Ticked, Error> {
        self.ready().await?;
        self.engine().tick().await
    }

    async fn tick_until(&self, mut ended: watch::Receiver<()>) {
        loop {
            let pause = match self.tick().await {
                Ok(ticked) if ticked.busy => Duration::ZERO,
                Ok(_) => self.shared.doors.pause,
                Err(error) => {
                    tracing::warn!(code = error.code(), "a tick failed; the next one tries again");
                    self.shared.doors.pause
                }
            };
            tokio::select! {
                biased;
                _ = ended.changed() => return,
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn redevelop_until(&self, mut ended: watch::Receiver<()>) {
        let mut begun = false;
        loop {
            let step = if begun {
                self.engine().redevelop().await
            } else {
                self.engine().begin_redevelopment().await.map(|()| {
                    begun = true;
                    Redeveloped::More
                })
            };
            let pause = match step {
                Ok(Redeveloped::More) => Duration::ZERO,
                Ok(Redeveloped::Idle) => REST,
                Err(error) => {
                    tracing::warn!(
                        code = error.code(),
                        "renditions could not be made anew; the next step tries again"
                    );
                    REST
                }
            };
            tokio::select! {
                biased;
                _ = ended.changed() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Lets [`Galerra::run`] take up new work at once.
    #[cfg(feature = "http")]
    pub(crate) fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Where people reach this service, if it knows.
    #[must_use]
    pub fn public_url(&self) -> Option<&Url> {
        self.shared.doors.public_url.as_ref()
    }

    #[cfg(feature = "http")]
    pub(crate) fn signer(&self) -> Option<&SecureLink> {
        self.shared.doors.signer.as_ref()
    }

    #[cfg(feature = "http")]
    pub(crate) fn cdn_url(&self) -> Option<&Url> {
        self.shared.doors.cdn_url.as_ref()
    }
}

/// Who cosigns the log, and whose logs are cosigned.
fn witnessing(config: &Config) -> Witnessing {
    #[cfg(not(feature = "varnish"))]
    let by = Vec::new();
    #[cfg(feature = "varnish")]
    let by = {
        let transport = Arc::new(galerra_cdn::HttpTransport::new().with_body_max(1 << 16));
        config.witnesses.iter().map(|witness| witness.clone().over(transport.clone())).collect()
    };
    Witnessing { by, of: config.witnessed.clone() }
}

fn digest(token: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}
