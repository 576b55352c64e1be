use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

/// What the origin of a bench answers: a few pages in memory, found by path whatever the host and query.
#[derive(Debug, Default)]
pub struct Shelf {
    pages: Mutex<BTreeMap<String, Response<Bytes>>>,
    asked: Mutex<Vec<HeaderMap>>,
}

impl Shelf {
    /// An origin with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on the path has this answer.
    pub fn publish(&self, path: &str, page: Response<Bytes>) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), page);
    }

    /// From now on the path is gone: 410, not to be stored.
    pub fn withdraw(&self, path: &str) {
        self.publish(path, bare(StatusCode::GONE));
    }

    /// The origin's answer to a request: 404 for what was never published.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.headers().clone());
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.get(request.uri().path()).cloned().unwrap_or_else(|| bare(StatusCode::NOT_FOUND))
    }

    /// The headers of every request that came as far as the origin.
    #[must_use]
    pub fn asked(&self) -> Vec<HeaderMap> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn bare(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
