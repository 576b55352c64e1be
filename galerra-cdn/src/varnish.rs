use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use time::OffsetDateTime;
use url::Url;

use crate::edge::{self, Edge};
use crate::remote::{Accepted, Follow, Protocol, refusal};
use crate::{
    Capabilities, CdnError, Probe, Progress, Purge, Selects, Sighting, Tag, TagHeader, Ticket, judge,
};

/// Tags in one purge: 33 bytes each stay below Varnish's 8 KiB for a request header.
const TAGS_MAX: usize = 200;
const PURGE: HeaderName = HeaderName::from_static("xkey-purge");

/// One Varnish with the `xkey` module, purged by tag with the method `PURGE`.
///
/// The Varnish needs a configuration like `tests/edges/varnish/edge.vcl`: it answers `Purged N` to a `PURGE`
/// with the header `xkey-purge`, says in `Cache-Status` what it did, and hides `xkey` from visitors.
/// A fleet is one `Varnish` for each server, so that a purge is retried where it failed.
#[derive(Debug, Clone)]
pub struct Varnish(Edge);

impl Varnish {
    /// Reads `varnish://HOST:PORT[?host=PUBLIC_HOST[&scheme=http|https]]`.
    ///
    /// Purges and probes go to `HOST:PORT` over plain HTTP. Visitors come to `https://PUBLIC_HOST` (or
    /// `http`, when the scheme says so) and without it to `http://HOST:PORT`.
    pub fn from_url(url: &str) -> Result<Self, CdnError> {
        Edge::from_url("varnish", url).map(Self)
    }
}

impl Protocol for Varnish {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { probes: true, signs: false, selects: Selects::Tags, purge_max: Duration::from_secs(1) }
    }

    fn purge(&self, purge: &Purge) -> Result<Vec<Request<Bytes>>, CdnError> {
        let tags: Vec<_> = purge.tags().map(Tag::as_str).collect();
        let requests = tags.chunks(TAGS_MAX).map(|tags| {
            let method = Method::from_bytes(b"PURGE").expect("a token");
            let mut request = self.0.request(method, PathAndQuery::from_static("/"));
            request.headers_mut().insert(PURGE, tag_list(tags));
            request
        });
        Ok(requests.collect())
    }

    fn accepted(&self, answer: &Response<Bytes>) -> Result<Accepted, CdnError> {
        if answer.status() != StatusCode::OK {
            return Err(refusal(self.name(), "purge", answer));
        }
        // A Varnish without the tag purge answers 200, too: to a purge of the URL `/`, or from the origin.
        let count =
            purged(answer.body()).ok_or_else(|| self.0.refused("purge", "its VCL does not purge by tag"))?;
        Ok(Accepted(count.to_string()))
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

    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)> {
        TagHeader::Xkey.of(tags).into_iter().collect()
    }

    fn url(&self, path: &str) -> Url {
        self.0.url(path)
    }

    fn sign(&self, _path: &str, _until: OffsetDateTime) -> Result<Url, CdnError> {
        Err(self.0.unsupported("sign"))
    }
}

fn tag_list(tags: &[&str]) -> HeaderValue {
    HeaderValue::from_str(&tags.join(" ")).expect("tags are ASCII letters, digits and dashes")
}

/// The N of `Purged N` in the body.
fn purged(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("Purged ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(url: &str) -> Varnish {
        Varnish::from_url(url).expect("varnish url")
    }

    fn answer(status: u16, body: &'static str) -> Response<Bytes> {
        Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).expect("response")
    }

    fn tag(text: &str) -> Tag {
        Tag::parse(text).expect("tag")
    }

    #[test]
    fn a_purge_lists_its_tags_in_one_header() {
        let varnish = edge("varnish://127.0.0.1:6081");
        let both = Purge::tag(tag("i-01j9")).and(tag("g-7")).with_paths(["/a"]);
        let requests = varnish.purge(&both).expect("requests");
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].method(), "PURGE");
        assert_eq!(requests[0].uri(), "http://127.0.0.1:6081/");
        assert_eq!(requests[0].headers()["xkey-purge"], "i-01j9 g-7");
        let many = (1..450).fold(Purge::tag(tag("t-0")), |purge, i| purge.and(tag(&format!("t-{i}"))));
        assert_eq!(varnish.purge(&many).expect("requests").len(), 3);
    }

    #[test]
    fn only_a_count_is_an_accepted_purge() {
        let varnish = edge("varnish://127.0.0.1:6081");
        for (body, count) in
            [(r#"{"status":200,"reason":"Purged 12"}"#, "12"), ("<title>200 Purged 0</title>", "0")]
        {
            assert_eq!(varnish.accepted(&answer(200, body)).expect("accepted"), Accepted(count.into()));
        }
        for (status, body, transient) in [
            (200, "", false),
            (200, "Purged", false),
            (200, "Purged all", false),
            (403, "Forbidden", false),
            (429, "", true),
            (503, "", true),
        ] {
            let error = varnish.accepted(&answer(status, body)).expect_err(body);
            assert_eq!(error.is_transient(), transient, "{error}");
        }
    }
}
