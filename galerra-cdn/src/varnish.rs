use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use time::OffsetDateTime;
use url::Url;

use crate::remote::{Accepted, Follow, Protocol, refusal};
use crate::{Capabilities, CdnError, Probe, Progress, Purge, Sighting, Tag, TagHeader, Ticket, judge};

/// Tags in one purge: 33 bytes each stay below Varnish's 8 KiB for a request header.
const TAGS_MAX: usize = 200;
const PURGE: HeaderName = HeaderName::from_static("xkey-purge");

/// One Varnish with the `xkey` module, purged by tag with the method `PURGE`.
///
/// The Varnish needs a configuration like `tests/edges/varnish/edge.vcl`: it answers `Purged N` to a `PURGE`
/// with the header `xkey-purge`, says in `Cache-Status` what it did, and hides `xkey` from visitors.
/// A fleet is one `Varnish` for each server, so that a purge is retried where it failed.
#[derive(Debug, Clone)]
pub struct Varnish {
    name: String,
    admin: Authority,
    host: Option<HeaderValue>,
    public: Url,
}

impl Varnish {
    /// Reads `varnish://HOST:PORT[?host=PUBLIC_HOST[&scheme=http|https]]`.
    ///
    /// Purges and probes go to `HOST:PORT` over plain HTTP. Visitors come to `https://PUBLIC_HOST` (or
    /// `http`, when the scheme says so) and without it to `http://HOST:PORT`.
    pub fn from_url(url: &str) -> Result<Self, CdnError> {
        let url = Url::parse(url).map_err(|_| malformed("it is not a URL"))?;
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "varnish" || !bare || !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(malformed("it must read `varnish://HOST:PORT[?host=PUBLIC_HOST]`"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port()) else {
            return Err(malformed("it needs a host and a port"));
        };
        let admin: Authority = format!("{host}:{port}").parse().map_err(|_| malformed("bad host"))?;
        let (host, public) = public(&url, &admin)?;
        Ok(Self { name: format!("varnish-{admin}"), admin, host, public })
    }

    fn request(&self, method: Method, path: PathAndQuery) -> Result<Request<Bytes>, http::Error> {
        let uri = Uri::builder().scheme("http").authority(self.admin.clone()).path_and_query(path).build()?;
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(host) = &self.host {
            request = request.header(header::HOST, host);
        }
        request.body(Bytes::new())
    }

    fn refused(&self, operation: &'static str, reason: impl Into<String>) -> CdnError {
        CdnError::Permanent { cdn: self.name.clone(), operation, reason: reason.into() }
    }
}

/// The host of visitors and the base of their URLs.
fn public(url: &Url, admin: &Authority) -> Result<(Option<HeaderValue>, Url), CdnError> {
    let (mut host, mut scheme) = (None, None);
    for (key, value) in url.query_pairs() {
        let slot = match &*key {
            "host" => &mut host,
            "scheme" if matches!(&*value, "http" | "https") => &mut scheme,
            _ => return Err(malformed(&format!("`{key}` is not an option with this value"))),
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(malformed(&format!("`{key}` is given twice")));
        }
    }
    let Some(host) = host else {
        let base = Url::parse(&format!("http://{admin}")).map_err(|_| malformed("bad host"))?;
        return Ok((None, base));
    };
    let base = Url::parse(&format!("{}://{host}", scheme.as_deref().unwrap_or("https")));
    let base = base.map_err(|_| malformed("bad public host"))?;
    let authority = host.parse::<Authority>().ok().filter(|a| !a.as_str().contains('@'));
    let header = authority.and_then(|a| HeaderValue::from_str(a.as_str()).ok());
    Ok((Some(header.ok_or_else(|| malformed("bad public host"))?), base))
}

fn malformed(why: &str) -> CdnError {
    CdnError::Permanent { cdn: "varnish".into(), operation: "from_url", reason: why.into() }
}

impl Protocol for Varnish {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { probes: true, signs: false, purge_max: Duration::from_secs(1) }
    }

    fn purge(&self, purge: &Purge) -> Vec<Request<Bytes>> {
        let tags: Vec<_> = purge.tags().map(Tag::as_str).collect();
        let requests = tags.chunks(TAGS_MAX).map(|tags| {
            let mut request = self
                .request(Method::from_bytes(b"PURGE").expect("a token"), PathAndQuery::from_static("/"))
                .expect("parts that were checked at construction");
            request.headers_mut().insert(PURGE, tag_list(tags));
            request
        });
        requests.collect()
    }

    fn accepted(&self, answer: &Response<Bytes>) -> Result<Accepted, CdnError> {
        if answer.status() != StatusCode::OK {
            return Err(refusal(&self.name, "purge", answer));
        }
        // A Varnish without the tag purge answers 200, too: to a purge of the URL `/`, or from the origin.
        let count =
            purged(answer.body()).ok_or_else(|| self.refused("purge", "its VCL does not purge by tag"))?;
        Ok(Accepted(count.to_string()))
    }

    fn ticket(&self, receipts: Vec<Accepted>) -> Ticket {
        let count: u64 = receipts.iter().filter_map(|r| r.0.parse::<u64>().ok()).sum();
        Ticket(format!("purged-{count}"))
    }

    /// Varnish answers a purge when it is done.
    fn progress(&self, ticket: &Ticket) -> Result<Follow, CdnError> {
        let known = ticket.0.strip_prefix("purged-").is_some_and(|count| count.parse::<u64>().is_ok());
        Ok(Follow::Known(if known { Progress::Complete } else { Progress::Unknown }))
    }

    fn progressed(&self, _answer: &Response<Bytes>) -> Result<Progress, CdnError> {
        Err(self.refused("progress", "nothing was asked"))
    }

    fn probe(&self, probe: &Probe) -> Result<Request<Bytes>, CdnError> {
        let path = Some(&probe.path).filter(|path| path.starts_with('/'));
        let path = path.and_then(|path| path.parse().ok());
        let path = path.ok_or_else(|| self.refused("probe", format!("`{}` is not a path", probe.path)))?;
        let mut request =
            self.request(Method::GET, path).map_err(|error| self.refused("probe", error.to_string()))?;
        // The hash is of the bytes as stored, so nobody may compress them on the way.
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(request)
    }

    fn sighted(&self, probe: &Probe, answer: &Response<Bytes>) -> Sighting {
        judge(probe, answer)
    }

    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)> {
        TagHeader::Xkey.of(tags).into_iter().collect()
    }

    fn url(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.public.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    fn sign(&self, _path: &str, _until: OffsetDateTime) -> Result<Url, CdnError> {
        Err(CdnError::Unsupported { cdn: self.name.clone(), operation: "sign" })
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
    fn a_url_names_the_edge_and_nothing_else() {
        let varnish = edge("varnish://127.0.0.1:6081");
        assert_eq!(varnish.name(), "varnish-127.0.0.1:6081");
        assert_eq!(varnish.url("/i/a.jpg?v=1").as_str(), "http://127.0.0.1:6081/i/a.jpg?v=1");
        for bad in [
            "http://127.0.0.1:6081",
            "varnish://127.0.0.1",
            "varnish://user:secret@127.0.0.1:6081",
            "varnish://127.0.0.1:6081/path",
            "varnish://127.0.0.1:6081?hots=a",
            "varnish://127.0.0.1:6081?host=a&host=b",
            "varnish://127.0.0.1:6081?host=a&scheme=ftp",
            "varnish://127.0.0.1:6081?host=u@a",
            "varnish://127.0.0.1:6081?host=a%0d%0ab",
        ] {
            let error = Varnish::from_url(bad).expect_err(bad).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_public_host_is_where_visitors_go() {
        let varnish = edge("varnish://[::1]:6081?host=img.example:8443");
        assert_eq!(varnish.name(), "varnish-[::1]:6081");
        assert_eq!(varnish.url("//evil/a").as_str(), "https://img.example:8443//evil/a");
        assert_eq!(
            edge("varnish://v:80?host=img.example&scheme=http").url("/a").as_str(),
            "http://img.example/a"
        );
        let probe = Probe {
            path: "/a?b".into(),
            sha256: String::new(),
            gated: OffsetDateTime::UNIX_EPOCH,
            successor: None,
        };
        let request = varnish.probe(&probe).expect("request");
        assert_eq!(request.uri(), "http://[::1]:6081/a?b");
        assert_eq!(request.headers()["host"], "img.example:8443");
    }

    #[test]
    fn a_purge_lists_its_tags_in_one_header() {
        let requests = edge("varnish://127.0.0.1:6081").purge(&Purge::tag(tag("i-01j9")).and(tag("g-7")));
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].method(), "PURGE");
        assert_eq!(requests[0].uri(), "http://127.0.0.1:6081/");
        assert_eq!(requests[0].headers()["xkey-purge"], "i-01j9 g-7");
        let many = (1..450).fold(Purge::tag(tag("t-0")), |purge, i| purge.and(tag(&format!("t-{i}"))));
        assert_eq!(edge("varnish://127.0.0.1:6081").purge(&many).len(), 3);
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

    #[test]
    fn a_purge_is_complete_when_it_is_answered() {
        let varnish = edge("varnish://127.0.0.1:6081");
        let ticket = varnish.ticket(vec![Accepted("2".into()), Accepted("3".into())]);
        assert_eq!(ticket, Ticket("purged-5".into()));
        assert!(matches!(varnish.progress(&ticket), Ok(Follow::Known(Progress::Complete))));
        let other = varnish.progress(&Ticket("other".into()));
        assert!(matches!(other, Ok(Follow::Known(Progress::Unknown))));
    }

    #[test]
    fn a_path_is_not_a_url() {
        let varnish = edge("varnish://127.0.0.1:6081");
        for bad in ["", "a", "http://evil/", "/a b", "/a\r\nx: y"] {
            let probe = Probe {
                path: bad.into(),
                sha256: String::new(),
                gated: OffsetDateTime::UNIX_EPOCH,
                successor: None,
            };
            assert!(varnish.probe(&probe).is_err(), "{bad:?}");
        }
    }
}
