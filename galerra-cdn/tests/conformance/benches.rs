//! The networks of this crate, each between a shelf and its visitors.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use galerra_cdn::conformance::{Bench, Shelf};
use galerra_cdn::{Cdn, FakeCdn, HttpTransport, Remote, Transport, Varnish};
use http::{HeaderValue, Request, Response, Uri, header};
use time::OffsetDateTime;

use crate::origin;
use crate::varnish::Varnishd;

/// The fake network, as it was built.
pub(crate) struct Fake {
    cdn: FakeCdn,
    shelf: Arc<Shelf>,
}

impl Fake {
    pub(crate) fn new(cdn: FakeCdn) -> Self {
        let shelf = Arc::new(Shelf::new());
        let origin = Arc::clone(&shelf);
        cdn.set_origin(Arc::new(move |request| {
            let answer = origin.answer(&request);
            async move { answer }
        }));
        Self { cdn, shelf }
    }

    pub(crate) fn network(&self) -> &FakeCdn {
        &self.cdn
    }
}

#[async_trait]
impl Bench for Fake {
    fn cdn(&self) -> &dyn Cdn {
        &self.cdn
    }

    fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    fn now(&self) -> OffsetDateTime {
        self.cdn.clock().now()
    }

    fn other_host(&self) -> Option<String> {
        Some("other.test".into())
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    async fn visit(&self, request: Request<Bytes>) -> Vec<Response<Bytes>> {
        let mut answers = Vec::new();
        for edge in self.cdn.edges() {
            answers.push(self.cdn.serve_at(edge, request.clone()).await);
        }
        answers
    }

    async fn settle(&self) {
        self.cdn.clock().advance(self.cdn.capabilities().purge_max);
    }

    async fn take_down(&self) -> bool {
        self.cdn.edges().last().map(|edge| self.cdn.take_down(*edge)).is_some()
    }
}

/// A real Varnish that serves any host, with one of them public.
pub(crate) struct Real {
    cdn: Remote<Varnish>,
    visitor: HttpTransport,
    varnish: Varnishd,
    shelf: Arc<Shelf>,
}

impl Real {
    pub(crate) async fn start() -> Option<Self> {
        let shelf = Arc::new(Shelf::new());
        let varnish = Varnishd::start(origin::serve(Arc::clone(&shelf)).await)?;
        let url = format!("varnish://127.0.0.1:{}?host=img.example", varnish.port());
        let protocol = Varnish::from_url(&url).expect("a Varnish URL");
        let cdn = Remote::new(protocol, Arc::new(HttpTransport::new()));
        Some(Self { cdn, visitor: HttpTransport::new(), varnish, shelf })
    }

    /// The request as it goes to the one server: the host of the URL becomes a header.
    fn redirect(&self, request: Request<Bytes>) -> Request<Bytes> {
        let (mut parts, body) = request.into_parts();
        let host = parts.uri.authority().expect("an absolute URI").as_str();
        parts.headers.insert(header::HOST, HeaderValue::from_str(host).expect("a host"));
        let path = parts.uri.path_and_query().expect("a path").clone();
        let server = format!("127.0.0.1:{}", self.varnish.port());
        parts.uri =
            Uri::builder().scheme("http").authority(server).path_and_query(path).build().expect("a URI");
        Request::from_parts(parts, body)
    }
}

#[async_trait]
impl Bench for Real {
    fn cdn(&self) -> &dyn Cdn {
        &self.cdn
    }

    fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    #[expect(clippy::disallowed_methods, reason = "a real server goes by the real time")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn other_host(&self) -> Option<String> {
        Some("other.example".into())
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    async fn visit(&self, request: Request<Bytes>) -> Vec<Response<Bytes>> {
        vec![self.visitor.send(self.redirect(request)).await.expect("Varnish answers")]
    }

    /// A Varnish is done when it answers.
    async fn settle(&self) {}

    async fn take_down(&self) -> bool {
        self.varnish.stop();
        true
    }
}
