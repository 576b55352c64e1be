use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri, uri::Scheme};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::{Transport, TransportError};

/// HTTP/1.1 over TCP with kept-alive connections. It needs a Tokio runtime; `https` is not spoken yet.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: Client<HttpConnector, Full<Bytes>>,
    deadline: Duration,
    body_max: usize,
}

impl HttpTransport {
    /// Five seconds for an answer, 64 MiB for its body.
    #[must_use]
    pub fn new() -> Self {
        let deadline = Duration::from_secs(5);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(deadline));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(8)
            .build(connector);
        Self { client, deadline, body_max: 64 << 20 }
    }

    /// The longest time from the call to the last byte of the answer.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The longest body that is read.
    #[must_use]
    pub fn with_body_max(mut self, bytes: usize) -> Self {
        self.body_max = bytes;
        self
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let answer = self.client.request(request.map(Full::new)).await.map_err(|e| unreachable(&e))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, self.body_max).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                TransportError::TooLarge(self.body_max)
            } else {
                unreachable(error.as_ref())
            }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        speaks(request.uri())?;
        tokio::time::timeout(self.deadline, self.exchange(request))
            .await
            .unwrap_or(Err(TransportError::Timeout(self.deadline)))
    }
}

fn speaks(uri: &Uri) -> Result<(), TransportError> {
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => Ok(()),
        scheme => Err(TransportError::Unsupported(scheme.map_or_else(String::new, ToString::to_string))),
    }
}

/// The whole chain of causes: the outermost alone says just "client error".
fn unreachable(error: &dyn Error) -> TransportError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        write!(text, ": {error}").ok();
        cause = error.source();
    }
    TransportError::Unreachable(text)
}
