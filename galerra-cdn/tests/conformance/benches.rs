//! The networks of this crate, each between a shelf and its visitors.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use galerra_cdn::conformance::{Bench, Shelf};
use galerra_cdn::{Cdn, FakeCdn, HttpTransport, Protocol, Remote, Transport, Varnish};
use http::{HeaderValue, Method, Request, Response, Uri, header};
use time::OffsetDateTime;

use crate::nginx::Nginx;
use crate::origin;
use crate::varnish::Varnishd;

/// What the real nginx verifies signed addresses by.
pub(crate) const SECRET: &str = "0123456789abcdef";

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

/// A real server of one kind, as its own file starts it.
pub(crate) trait Server: Send + Sync + Sized {
    /// Where visitors find what it stores.
    const ROOT: &'static str;
    /// Starts one in front of an origin; `None` when this machine has none.
    fn start(origin_port: u16) -> Option<Self>;
    fn port(&self) -> u16;
    fn stop(&self);
    /// How this crate speaks to it.
    fn network(&self) -> Box<dyn Cdn>;
}

impl Server for Varnishd {
    const ROOT: &'static str = "";

    fn start(origin_port: u16) -> Option<Self> {
        Varnishd::start(origin_port)
    }

    fn port(&self) -> u16 {
        Varnishd::port(self)
    }

    fn stop(&self) {
        Varnishd::stop(self);
    }

    fn network(&self) -> Box<dyn Cdn> {
        let url = format!("varnish://127.0.0.1:{}?host=img.example", self.port());
        remote(Varnish::from_url(&url).expect("a Varnish URL"))
    }
}

impl Server for Nginx {
    const ROOT: &'static str = "/i";

    fn start(origin_port: u16) -> Option<Self> {
        Nginx::start(origin_port, SECRET)
    }

    fn port(&self) -> u16 {
        Nginx::port(self)
    }

    fn stop(&self) {
        Nginx::stop(self);
    }

    fn network(&self) -> Box<dyn Cdn> {
        let url = format!("nginx://127.0.0.1:{}?host=img.example", self.port());
        remote(galerra_cdn::Nginx::from_url(&url).expect("an nginx URL"))
    }
}

fn remote(protocol: impl Protocol + 'static) -> Box<dyn Cdn> {
    Box::new(Remote::new(protocol, Arc::new(HttpTransport::new())))
}

/// A real server that serves any host, with one of them public.
pub(crate) struct Real<S> {
    cdn: Box<dyn Cdn>,
    visitor: HttpTransport,
    server: S,
    shelf: Arc<Shelf>,
}

impl<S: Server> Real<S> {
    pub(crate) async fn start() -> Option<Self> {
        let shelf = Arc::new(Shelf::new());
        let server = S::start(origin::serve(Arc::clone(&shelf)).await)?;
        Some(Self { cdn: server.network(), visitor: HttpTransport::new(), server, shelf })
    }

    pub(crate) fn server(&self) -> &S {
        &self.server
    }

    /// Publishes a page with these headers.
    pub(crate) fn publish(&self, path: &str, headers: &[(&str, &str)], body: &'static str) {
        let mut page = Response::builder();
        for (name, value) in headers {
            page = page.header(*name, *value);
        }
        self.shelf.publish(path, page.body(body.into()).expect("a response"));
    }

    /// What one visitor gets.
    pub(crate) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        let mut request = Request::builder().method(method).uri(self.cdn.url(path).as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.visit(request.body(Bytes::new()).expect("a request")).await.swap_remove(0)
    }

    /// The request as it goes to the one server: the host of the URL becomes a header.
    fn redirect(&self, request: Request<Bytes>) -> Request<Bytes> {
        let (mut parts, body) = request.into_parts();
        let host = parts.uri.authority().expect("an absolute URI").as_str();
        parts.headers.insert(header::HOST, HeaderValue::from_str(host).expect("a host"));
        let path = parts.uri.path_and_query().expect("a path").clone();
        let server = format!("127.0.0.1:{}", self.server.port());
        parts.uri =
            Uri::builder().scheme("http").authority(server).path_and_query(path).build().expect("a URI");
        Request::from_parts(parts, body)
    }
}

#[async_trait]
impl<S: Server> Bench for Real<S> {
    fn cdn(&self) -> &dyn Cdn {
        &*self.cdn
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

    fn root(&self) -> &'static str {
        S::ROOT
    }

    async fn visit(&self, request: Request<Bytes>) -> Vec<Response<Bytes>> {
        vec![self.visitor.send(self.redirect(request)).await.expect("the server answers")]
    }

    /// These servers are done when they answer.
    async fn settle(&self) {}

    async fn take_down(&self) -> bool {
        self.server.stop();
        true
    }
}
