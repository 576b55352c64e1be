//! The fake network as a visitor sees it.

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use time::OffsetDateTime;

use super::store::{Look, Store, http_date};
use super::{CACHE_TAG, FakeCdn, HOST, Place, State};

impl FakeCdn {
    /// What a visitor gets, from the first edge that is up.
    pub async fn serve(&self, request: Request<Bytes>) -> Response<Bytes> {
        let up = self.state().stores.iter().find(|(p, s)| **p != Place::Shield && s.is_up()).map(|(p, _)| *p);
        self.serve_at(up.unwrap_or(Place::Edge(0)), request).await
    }

    /// What a visitor of this cache gets; 503 without `Cache-Status` when it is down.
    pub async fn serve_at(&self, place: Place, request: Request<Bytes>) -> Response<Bytes> {
        let head = request.method() == Method::HEAD;
        let request = normal(request);
        let mut answer = self.through(place, &request).await;
        answer.headers_mut().remove(CACHE_TAG);
        if head { answer.map(|_| Bytes::new()) } else { answer }
    }

    /// Goes inwards until somebody has it, then outwards again, storing on the way.
    async fn through(&self, place: Place, request: &Request<Bytes>) -> Response<Bytes> {
        let mut forwards = Vec::new();
        let (found, origin) = {
            let mut state = self.state();
            if !state.stores.get(&place).is_some_and(Store::is_up) {
                return unavailable();
            }
            let found = state.look_inwards(place, request, self.clock.now(), &mut forwards);
            (found, state.origin.clone())
        };
        // The lock is not held here: a purge may come while the origin thinks.
        let mut answer = match (found, origin) {
            (Some(hit), _) => hit,
            (None, Some(origin)) => self.dated(origin.fetch(request.clone()).await),
            (None, None) => unavailable(),
        };
        let mut state = self.state();
        for (place, reason) in forwards.into_iter().rev() {
            if let Some(store) = state.stores.get_mut(&place) {
                answer = store.pass(request, reason, answer, self.clock.now());
            }
        }
        answer
    }

    /// An answer without a date was made now.
    fn dated(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        answer.headers_mut().entry(header::DATE).or_insert_with(|| http_date(self.clock.now()));
        answer
    }
}

impl State {
    fn look_inwards(
        &mut self,
        edge: Place,
        request: &Request<Bytes>,
        now: OffsetDateTime,
        forwards: &mut Vec<(Place, &'static str)>,
    ) -> Option<Response<Bytes>> {
        let shield = (edge != Place::Shield).then_some(Place::Shield);
        for place in std::iter::once(edge).chain(shield) {
            // Without its shield an edge asks the origin itself.
            let Some(store) = self.stores.get_mut(&place).filter(|store| store.is_up()) else { continue };
            match store.look(request, now) {
                Look::Hit(answer) => return Some(answer),
                Look::Forward(reason) => forwards.push((place, reason)),
            }
        }
        None
    }
}

/// The request as a cache sees it: origin form, a host, a whole body wanted, without a condition.
fn normal(request: Request<Bytes>) -> Request<Bytes> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().map_or(HOST, Authority::as_str);
    if let (false, Ok(host)) = (parts.headers.contains_key(header::HOST), HeaderValue::from_str(authority)) {
        parts.headers.insert(header::HOST, host);
    }
    parts.uri = parts.uri.path_and_query().cloned().map_or_else(|| Uri::from_static("/"), Uri::from);
    if parts.method == Method::HEAD {
        parts.method = Method::GET;
    }
    for conditional in [header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
        parts.headers.remove(conditional);
    }
    Request::from_parts(parts, body)
}

fn unavailable() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A request for a path as a visitor without a cookie makes it.
pub(super) fn visit(path: &str) -> Option<Request<Bytes>> {
    let path: PathAndQuery = path.starts_with('/').then(|| path.parse().ok()).flatten()?;
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = path.into();
    Some(request)
}
