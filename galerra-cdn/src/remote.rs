use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{StreamExt, TryStreamExt, iter};
use http::{HeaderName, HeaderValue, Request, Response, header};
use time::OffsetDateTime;
use url::Url;

use crate::{Capabilities, Cdn, CdnError, Probe, Progress, Purge, Sighting, Tag, Ticket, Verdict};

/// Requests of one purge under way at once.
const AT_ONCE: usize = 8;

/// What a provider speaks, without a socket: requests out, answers in.
///
/// A protocol is pure, so each request can be compared and each answer tabled in a test. It becomes a
/// [`Cdn`] inside [`Remote`]. Requests carry absolute URIs.
pub trait Protocol: std::fmt::Debug + Send + Sync {
    /// As [`Cdn::name`].
    fn name(&self) -> &str;
    /// As [`Cdn::capabilities`].
    fn capabilities(&self) -> Capabilities;
    /// The requests that carry a purge, in any order: more than one only when the provider limits what fits
    /// into a call, none when there is nothing to ask for.
    fn purge(&self, purge: &Purge) -> Result<Vec<Request<Bytes>>, CdnError>;
    /// What one answer to one of these requests means.
    fn accepted(&self, answer: &Response<Bytes>) -> Result<Accepted, CdnError>;
    /// One ticket for all accepted requests of a purge.
    fn ticket(&self, receipts: Vec<Accepted>) -> Ticket;
    /// How to find out how far a purge has come.
    fn progress(&self, ticket: &Ticket) -> Result<Follow, CdnError>;
    /// What the answer to [`Follow::Ask`] means.
    fn progressed(&self, answer: &Response<Bytes>) -> Result<Progress, CdnError>;
    /// The request that looks at the network.
    fn probe(&self, probe: &Probe) -> Result<Request<Bytes>, CdnError>;
    /// What the network's answer to the probe means.
    fn sighted(&self, probe: &Probe, answer: &Response<Bytes>) -> Sighting;
    /// As [`Cdn::headers`].
    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)>;
    /// As [`Cdn::url`].
    fn url(&self, path: &str) -> Url;
    /// As [`Cdn::sign`].
    fn sign(&self, path: &str, until: OffsetDateTime) -> Result<Url, CdnError>;
}

/// The provider's own id of one accepted request, in its own spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted(pub String);

/// How to follow a purge.
#[derive(Debug)]
pub enum Follow {
    /// The ticket tells it all.
    Known(Progress),
    /// The provider has to be asked.
    Ask(Box<Request<Bytes>>),
}

/// Carries requests to a network and answers back: the only part of a provider with a socket.
///
/// # Contract
/// - `send` ends within a deadline of the transport's own, and reads no more of a body than its own limit.
/// - It follows no redirect, adds no credential and caches nothing.
/// - Every HTTP status is an answer, not an error.
#[async_trait]
pub trait Transport: std::fmt::Debug + Send + Sync {
    /// Sends one request and reads the whole answer.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The deadline passed.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// No connection, or it broke.
    #[error("{0}")]
    Unreachable(String),
    /// The body is longer than the transport reads.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The transport cannot speak to such a URL.
    #[error("the transport does not speak `{0}`")]
    Unsupported(String),
}

/// A [`Protocol`] over a [`Transport`]: a [`Cdn`].
#[derive(Debug)]
pub struct Remote<P> {
    protocol: P,
    transport: Arc<dyn Transport>,
}

impl<P: Protocol> Remote<P> {
    /// A network that is spoken to through this transport.
    #[must_use]
    pub fn new(protocol: P, transport: Arc<dyn Transport>) -> Self {
        Self { protocol, transport }
    }

    async fn send(
        &self,
        operation: &'static str,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, CdnError> {
        self.transport.send(request).await.map_err(|error| unsent(self.name(), operation, &error))
    }

    /// Sends one request of a purge.
    async fn ask(&self, request: Request<Bytes>) -> Result<Accepted, CdnError> {
        self.protocol.accepted(&self.send("purge", request).await?)
    }
}

#[async_trait]
impl<P: Protocol> Cdn for Remote<P> {
    fn name(&self) -> &str {
        self.protocol.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.protocol.capabilities()
    }

    async fn purge(&self, purge: &Purge) -> Result<Ticket, CdnError> {
        let requests = iter(self.protocol.purge(purge)?);
        let receipts = requests.map(|request| self.ask(request)).buffer_unordered(AT_ONCE);
        Ok(self.protocol.ticket(receipts.try_collect().await?))
    }

    async fn progress(&self, ticket: &Ticket) -> Result<Progress, CdnError> {
        match self.protocol.progress(ticket)? {
            Follow::Known(progress) => Ok(progress),
            Follow::Ask(request) => self.protocol.progressed(&self.send("progress", *request).await?),
        }
    }

    async fn probe(&self, probe: &Probe) -> Result<Sighting, CdnError> {
        let request = self.protocol.probe(probe)?;
        match self.send("probe", request).await {
            Ok(answer) => Ok(self.protocol.sighted(probe, &answer)),
            // Silence is an observation, too: it belongs into the evidence and never counts as absent.
            Err(error) if error.is_transient() => {
                Ok(Sighting { verdict: Verdict::Inconclusive, status: 0, witness: String::new() })
            }
            Err(error) => Err(error),
        }
    }

    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)> {
        self.protocol.headers(tags)
    }

    fn url(&self, path: &str) -> Url {
        self.protocol.url(path)
    }

    fn sign(&self, path: &str, until: OffsetDateTime) -> Result<Url, CdnError> {
        self.protocol.sign(path, until)
    }
}

fn unsent(cdn: &str, operation: &'static str, error: &TransportError) -> CdnError {
    let (cdn, reason) = (cdn.to_owned(), error.to_string());
    match error {
        TransportError::Timeout(_) | TransportError::Unreachable(_) => {
            CdnError::Transient { cdn, operation, reason }
        }
        TransportError::TooLarge(_) | TransportError::Unsupported(_) => {
            CdnError::Permanent { cdn, operation, reason }
        }
    }
}

/// The error that an answer other than success means, for protocols with nothing special to say.
#[must_use]
pub fn refusal(cdn: &str, operation: &'static str, answer: &Response<Bytes>) -> CdnError {
    let cdn = cdn.to_owned();
    let status = answer.status().as_u16();
    let reason = format!("HTTP {status}");
    match status {
        429 => CdnError::RateLimited { cdn, operation, after: retry_after(answer) },
        // Not implemented and HTTP version: waiting will not teach it.
        501 | 505 => CdnError::Permanent { cdn, operation, reason },
        408 | 425 | 500.. => CdnError::Transient { cdn, operation, reason },
        _ => CdnError::Permanent { cdn, operation, reason },
    }
}

fn retry_after(answer: &Response<Bytes>) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::Varnish;

    type Answer = Result<Response<Bytes>, TransportError>;

    /// Gives these answers, one after the other.
    #[derive(Debug)]
    struct Script(Mutex<VecDeque<Answer>>);

    #[async_trait]
    impl Transport for Script {
        async fn send(&self, _request: Request<Bytes>) -> Answer {
            let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.unwrap_or_else(|| Err(TransportError::Unreachable("the script ends here".into())))
        }
    }

    fn varnish(script: impl IntoIterator<Item = Answer>) -> Remote<Varnish> {
        let protocol = Varnish::from_url("varnish://127.0.0.1:6081").expect("a Varnish URL");
        Remote::new(protocol, Arc::new(Script(Mutex::new(script.into_iter().collect()))))
    }

    fn purged(count: u64) -> Response<Bytes> {
        Response::new(format!("Purged {count}").into())
    }

    #[tokio::test]
    async fn a_purge_is_accepted_when_each_of_its_requests_is() {
        let tag = |i| Tag::parse(format!("t-{i}")).expect("a tag");
        let many = (1..250).fold(Purge::tag(tag(0)), |purge, i| purge.and(tag(i)));
        let ticket = varnish([Ok(purged(2)), Ok(purged(3))]).purge(&many).await.expect("accepted");
        assert_eq!(ticket, Ticket("purged-5".into()));
        let error = varnish([Ok(purged(2))]).purge(&many).await.expect_err("half a purge is none");
        assert!(error.is_transient());
    }

    #[tokio::test]
    async fn no_answer_to_a_probe_is_an_observation_and_a_wrong_set_up_is_not() {
        let gated = OffsetDateTime::UNIX_EPOCH;
        let probe = Probe { path: "/a".into(), sha256: String::new(), gated, successor: None };
        let seen = varnish([]).probe(&probe).await.expect("a sighting");
        assert_eq!(seen, Sighting { verdict: Verdict::Inconclusive, status: 0, witness: String::new() });
        let wrong = varnish([Err(TransportError::Unsupported("https".into()))]).probe(&probe).await;
        assert!(wrong.is_err_and(|error| !error.is_transient()));
    }

    #[test]
    fn a_refusal_says_what_to_do_next() {
        for (status, transient) in
            [(429, true), (408, true), (500, true), (503, true), (501, false), (400, false), (403, false)]
        {
            let answer = Response::builder().status(status).body(Bytes::new()).expect("response");
            assert_eq!(refusal("edge", "purge", &answer).is_transient(), transient, "{status}");
        }
    }

    #[test]
    fn a_rate_limit_keeps_the_pause() {
        let answer =
            Response::builder().status(429).header("retry-after", "7").body(Bytes::new()).expect("response");
        let error = refusal("edge", "purge", &answer);
        assert!(matches!(error, CdnError::RateLimited { after: Some(d), .. } if d.as_secs() == 7));
    }

    #[test]
    fn no_connection_is_transient_and_a_wrong_scheme_is_not() {
        assert!(unsent("edge", "purge", &TransportError::Timeout(Duration::from_secs(5))).is_transient());
        assert!(unsent("edge", "purge", &TransportError::Unreachable(String::new())).is_transient());
        assert!(!unsent("edge", "purge", &TransportError::Unsupported("https".into())).is_transient());
        assert!(!unsent("edge", "purge", &TransportError::TooLarge(1)).is_transient());
    }
}
