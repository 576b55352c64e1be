use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// The way to a server: over a socket, through caches, or straight into its router.
#[async_trait]
pub trait Door: Send + Sync {
    /// Sends a request, whose URI is a path, and reads the whole answer.
    async fn send(&self, request: Request<Bytes>) -> Response<Bytes>;
}

/// A router in this process.
#[derive(Debug, Clone)]
pub struct Routed(pub Router);

#[async_trait]
impl Door for Routed {
    async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        let Ok(answer) = self.0.clone().oneshot(request.map(Body::from)).await;
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.map(http_body_util::Collected::to_bytes);
        // What breaks off is no answer at all.
        Response::from_parts(parts, bytes.unwrap_or_default())
    }
}

/// Who plays, each by the headers with which they prove who they are. The accounts have nothing yet.
#[derive(Debug, Clone)]
pub struct Cast {
    /// The path below which the routes are: empty, or starting with `/`.
    pub mount: String,
    /// An account on the Pro plan.
    pub owner: HeaderMap,
    /// Another account.
    pub stranger: HeaderMap,
    /// The operator, if the server has one.
    pub operator: Option<HeaderMap>,
}

/// Why there was nothing to look at: the server did not answer as it has to for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{request} was answered with {status}")]
pub struct Broken {
    /// The method and path.
    pub request: String,
    /// The status.
    pub status: u16,
}

/// A request as it is written down before anybody sends it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn of(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn json(method: Method, path: impl Into<String>, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self { body, ..Self::of(method, path) }.with("content-type", "application/json")
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = value.parse() {
            self.headers.insert(name, value);
        }
        self
    }

    pub(super) async fn send(&self, door: &dyn Door, mount: &str, who: &HeaderMap) -> Response<Bytes> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = format!("{mount}{}", self.path).parse().unwrap_or_default();
        request.headers_mut().extend(self.headers.clone());
        request.headers_mut().extend(who.clone());
        door.send(request).await
    }

    /// The JSON of an answer that has to be good.
    pub(super) async fn good(&self, door: &dyn Door, mount: &str, who: &HeaderMap) -> Result<Value, Broken> {
        let answer = self.send(door, mount, who).await;
        if answer.status().is_success() {
            return Ok(serde_json::from_slice(answer.body()).unwrap_or_default());
        }
        Err(Broken { request: format!("{} {}", self.method, self.path), status: answer.status().as_u16() })
    }
}
