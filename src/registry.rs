use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use galerra_cdn::Cdn;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use galerra_core::layout;
use galerra_storage::{Blobs, Memory, Records};

use crate::OpenError;
use crate::config::Location;

type Opening<T> = Pin<Box<dyn Future<Output = Result<T, OpenError>> + Send>>;
type Opener<T> = Arc<dyn Fn(Location) -> Opening<T> + Send + Sync>;

/// Which URL scheme opens which backend: a value, never a global, so that a host adds its own.
#[derive(Clone)]
pub struct Registry {
    records: BTreeMap<&'static str, Opener<Arc<dyn Records>>>,
    blobs: BTreeMap<&'static str, Opener<Arc<dyn Blobs>>>,
    cdns: BTreeMap<&'static str, Opener<Arc<dyn Cdn>>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, blobs, cdns } = self;
        f.debug_struct("Registry")
            .field("records", &records.keys())
            .field("blobs", &blobs.keys())
            .field("cdns", &cdns.keys())
            .finish()
    }
}

impl Default for Registry {
    /// The backends this build has, by its features.
    fn default() -> Self {
        let empty = Self { records: BTreeMap::new(), blobs: BTreeMap::new(), cdns: BTreeMap::new() };
        let known = empty
            .with_records("memory", |_| async { Ok(Arc::new(Memory::default()) as Arc<dyn Records>) })
            .with_blobs("memory", |_| async { Ok(Arc::new(Memory::default()) as Arc<dyn Blobs>) });
        #[cfg(feature = "sqlite")]
        let known = known.with_records("sqlite", |url| async move {
            let path = path_of(&url)?;
            let opened =
                tokio::task::spawn_blocking(move || galerra_storage::Sqlite::open(path, &layout::views()));
            let store = opened.await.map_err(|_| OpenError::Unreadable { what: "records" })??;
            Ok(Arc::new(store) as Arc<dyn Records>)
        });
        #[cfg(feature = "postgres")]
        let known = known.with_postgres("postgres").with_postgres("postgresql");
        #[cfg(feature = "objects")]
        let known = known.with_blobs("file", |url| async move {
            let store = galerra_storage::Objects::disk(path_of(&url)?)?;
            Ok(Arc::new(store) as Arc<dyn Blobs>)
        });
        #[cfg(feature = "s3")]
        let known = known.with_bucket("s3");
        #[cfg(feature = "gcs")]
        let known = known.with_bucket("gs");
        #[cfg(feature = "azure")]
        let known = known.with_bucket("az");
        #[cfg(feature = "varnish")]
        let known = known
            .with_cdn("varnish", |url| async move { Ok(edge(galerra_cdn::Varnish::from_url(url.as_str())?)) })
            .with_cdn("nginx", |url| async move { Ok(edge(galerra_cdn::Nginx::from_url(url.as_str())?)) });
        known
    }
}

impl Registry {
    /// Adds a record store, or replaces the one of that scheme.
    #[must_use]
    pub fn with_records<F, Fut>(mut self, scheme: &'static str, open: F) -> Self
    where
        F: Fn(Location) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn Records>, OpenError>> + Send + 'static,
    {
        self.records.insert(scheme, Arc::new(move |url| Box::pin(open(url))));
        self
    }

    /// Adds a blob store, or replaces the one of that scheme.
    #[must_use]
    pub fn with_blobs<F, Fut>(mut self, scheme: &'static str, open: F) -> Self
    where
        F: Fn(Location) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn Blobs>, OpenError>> + Send + 'static,
    {
        self.blobs.insert(scheme, Arc::new(move |url| Box::pin(open(url))));
        self
    }

    /// Adds a network, or replaces the one of that scheme.
    #[must_use]
    pub fn with_cdn<F, Fut>(mut self, scheme: &'static str, open: F) -> Self
    where
        F: Fn(Location) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn Cdn>, OpenError>> + Send + 'static,
    {
        self.cdns.insert(scheme, Arc::new(move |url| Box::pin(open(url))));
        self
    }

    #[cfg(feature = "postgres")]
    fn with_postgres(self, scheme: &'static str) -> Self {
        self.with_records(scheme, |url| async move {
            let store =
                galerra_storage::Postgres::connect(&url_of(&url, "records")?, &layout::views()).await?;
            Ok(Arc::new(store) as Arc<dyn Records>)
        })
    }

    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    fn with_bucket(self, scheme: &'static str) -> Self {
        self.with_blobs(scheme, |url| async move {
            let store = galerra_storage::Objects::from_url(&url_of(&url, "blobs")?)?;
            Ok(Arc::new(store) as Arc<dyn Blobs>)
        })
    }

    pub(crate) async fn open_records(&self, url: &Location) -> Result<Arc<dyn Records>, OpenError> {
        open(&self.records, "records", url).await
    }

    pub(crate) async fn open_blobs(&self, url: &Location) -> Result<Arc<dyn Blobs>, OpenError> {
        open(&self.blobs, "blobs", url).await
    }

    pub(crate) async fn open_cdn(&self, url: &Location) -> Result<Arc<dyn Cdn>, OpenError> {
        open(&self.cdns, "cdn", url).await
    }
}

/// A network that is spoken to over HTTP.
#[cfg(feature = "varnish")]
fn edge(protocol: impl galerra_cdn::Protocol + 'static) -> Arc<dyn Cdn> {
    Arc::new(galerra_cdn::Remote::new(protocol, Arc::new(galerra_cdn::HttpTransport::new())))
}

async fn open<T>(
    known: &BTreeMap<&str, Opener<T>>,
    what: &'static str,
    url: &Location,
) -> Result<T, OpenError> {
    if let Some(open) = known.get(url.scheme()) {
        return open(url.clone()).await;
    }
    let known = known.keys().map(|scheme| format!("{scheme}:")).collect::<Vec<_>>().join(" ");
    Err(OpenError::UnknownScheme { what, scheme: url.scheme().to_owned(), known })
}

#[cfg(any(feature = "postgres", feature = "s3", feature = "gcs", feature = "azure"))]
fn url_of(location: &Location, what: &'static str) -> Result<url::Url, OpenError> {
    // The parser's own message could quote a password.
    url::Url::parse(location.as_str()).map_err(|_| OpenError::Unreadable { what })
}

/// The path of `sqlite:PATH` or `file:PATH`, relative ones included; `//` after the scheme is allowed.
#[cfg(any(feature = "sqlite", feature = "objects"))]
fn path_of(url: &Location) -> Result<std::path::PathBuf, OpenError> {
    let path = url.as_str().split_once(':').map_or("", |(_, path)| path);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() { Err(OpenError::Unreadable { what: "path" }) } else { Ok(path.into()) }
}
