use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use time::OffsetDateTime;
use url::Url;

use crate::edge::{self, Edge};
use crate::remote::{Accepted, Follow, Protocol, refusal};
use crate::{Capabilities, CdnError, Probe, Progress, Purge, Selects, Sighting, Tag, Ticket, judge};

/// The header by which the purge location of our configuration is known.
const PURGED: HeaderName = HeaderName::from_static("x-purge");

/// One nginx with the module `ngx_cache_purge`, purged path by path.
///
/// The nginx needs a configuration like `tests/edges/nginx/nginx.conf`: it keeps one copy for each path, forgets
/// it when the service asks for `/_purge` and the path, and says in `Cache-Status` what it did.
/// A fleet is one `Nginx` for each server, so that a purge is retried where it failed.
#[derive(Debug, Clone)]
pub struct Nginx(Edge);

impl Nginx {
    /// Reads `nginx://HOST:PORT[?host=PUBLIC_HOST[&scheme=http|https]]`.
    ///
    /// Purges and probes go to `HOST:PORT` over plain HTTP. Visitors come to `https://PUBLIC_HOST` (or
    /// `http`, when the scheme says so) and without it to `http://HOST:PORT`.
    pub fn from_url(url: &str) -> Result<Self, CdnError> {
        Edge::from_url("nginx", url).map(Self)
    }

    /// The request that makes it forget one path.
    fn forget(&self, path: &str) -> Result<Request<Bytes>, CdnError> {
        let read = self.0.path("purge", path)?;
        // A query belongs to no copy, and what comes after `#` would be lost on the way.
        if read.query().is_some() || read.as_str() != path {
            return Err(self.0.refused("purge", format!("`{path}` is not a path alone")));
        }
        Ok(self.0.request(Method::GET, self.0.path("purge", &format!("/_purge{path}"))?))
    }
}

impl Protocol for Nginx {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probes: true,
            signs: false,
            selects: Selects::Paths,
            purge_max: Duration::from_secs(1),
        }
    }

    fn purge(&self, purge: &Purge) -> Result<Vec<Request<Bytes>>, CdnError> {
        purge.paths().iter().map(|path| self.forget(path)).collect()
    }

    fn accepted(&self, answer: &Response<Bytes>) -> Result<Accepted, CdnError> {
        let removed = match answer.status() {
            StatusCode::OK => "1",
            StatusCode::NOT_FOUND => "0",
            _ => return Err(refusal(self.name(), "purge", answer)),
        };
        // Without the purge location it is the origin that answers, and its 404 says nothing about copies.
        if !answer.headers().contains_key(PURGED) {
            return Err(self.0.refused("purge", "its configuration does not purge by path"));
        }
        Ok(Accepted(removed.into()))
    }

    fn ticket(&self, receipts: Vec<Accepted>) -> Ticket {
        edge::counted(&receipts)
    }

    fn progress(&self, ticket: &Ticket) -> Result<Follow, CdnError> {
        Ok(edge::follow(ticket))
    }

    fn progressed(&self, _answer: &Response<Bytes>) -> Result<Progress, CdnError> {
        Err(self.0.refused("progress", "nothing was asked"))
    }

    fn probe(&self, probe: &Probe) -> Result<Request<Bytes>, CdnError> {
        self.0.probe(probe)
    }

    fn sighted(&self, probe: &Probe, answer: &Response<Bytes>) -> Sighting {
        judge(probe, answer)
    }

    /// Tags mean nothing to it, and it would show them to visitors.
    fn headers(&self, _tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    fn url(&self, path: &str) -> Url {
        self.0.url(path)
    }

    fn sign(&self, _path: &str, _until: OffsetDateTime) -> Result<Url, CdnError> {
        Err(self.0.unsupported("sign"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge() -> Nginx {
        Nginx::from_url("nginx://127.0.0.1:8201?host=img.example").expect("an nginx URL")
    }

    fn purge(paths: &[&str]) -> Purge {
        Purge::tag(Tag::parse("i-01j9").expect("a tag")).with_paths(paths.iter().copied())
    }

    #[test]
    fn each_path_is_a_request_for_the_host_of_the_visitors() {
        assert_eq!(edge().name(), "nginx-127.0.0.1:8201");
        let requests = edge().purge(&purge(&["/i/a.jpg", "/i/%C3%A4.jpg"])).expect("requests");
        let uris: Vec<_> = requests.iter().map(|request| request.uri().to_string()).collect();
        assert_eq!(
            uris,
            ["http://127.0.0.1:8201/_purge/i/a.jpg", "http://127.0.0.1:8201/_purge/i/%C3%A4.jpg"]
        );
        assert!(requests.iter().all(|request| request.method() == Method::GET));
        assert!(requests.iter().all(|request| request.headers()["host"] == "img.example"));
        assert!(
            edge().purge(&purge(&[])).is_ok_and(|requests| requests.is_empty()),
            "tags alone ask nothing"
        );
    }

    #[test]
    fn one_bad_path_refuses_the_purge() {
        for bad in ["", "i/a.jpg", "http://evil/", "/a?b", "/a#b", "/a b", "/a\r\nx: y"] {
            let error = edge().purge(&purge(&["/i/a.jpg", bad])).expect_err(bad);
            assert!(!error.is_transient(), "{error}");
        }
    }

    #[test]
    fn only_the_purge_location_accepts() {
        let answer = |status: u16, purged: bool| {
            let mut answer = Response::builder().status(status);
            if purged {
                answer = answer.header(PURGED, "path");
            }
            edge().accepted(&answer.body(Bytes::new()).expect("a response"))
        };
        assert_eq!(answer(200, true).expect("removed"), Accepted("1".into()));
        assert_eq!(answer(404, true).expect("was not there"), Accepted("0".into()));
        for (status, purged, transient) in [
            (200, false, false),
            (404, false, false),
            (403, true, false),
            (405, true, false),
            (429, false, true),
            (500, true, true),
            (502, false, true),
        ] {
            let error = answer(status, purged).expect_err("not accepted");
            assert_eq!(error.is_transient(), transient, "{status}: {error}");
        }
    }
}
