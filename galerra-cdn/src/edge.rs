use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri, header, uri};
use url::Url;

use crate::remote::{Accepted, Follow};
use crate::{CdnError, Probe, Progress, Ticket};

/// One cache server of one's own: where it listens, and where its visitors come to.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    name: String,
    admin: Authority,
    host: Option<HeaderValue>,
    public: Url,
}

impl Edge {
    /// Reads `KIND://HOST:PORT[?host=PUBLIC_HOST[&scheme=http|https]]`.
    ///
    /// Purges and probes go to `HOST:PORT` over plain HTTP. Visitors come to `https://PUBLIC_HOST` (or
    /// `http`, when the scheme says so) and without it to `http://HOST:PORT`.
    pub(crate) fn from_url(kind: &str, url: &str) -> Result<Self, CdnError> {
        Self::read(kind, url).map_err(|reason| CdnError::Permanent {
            cdn: kind.to_owned(),
            operation: "from_url",
            reason,
        })
    }

    fn read(kind: &str, url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|_| "it is not a URL")?;
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() != kind || !bare || !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("it must read `{kind}://HOST:PORT[?host=PUBLIC_HOST]`"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port()) else {
            return Err("it needs a host and a port".into());
        };
        let admin: Authority = format!("{host}:{port}").parse().map_err(|_| "bad host")?;
        let (host, public) = public(&url, &admin)?;
        Ok(Self { name: format!("{kind}-{admin}"), admin, host, public })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A request to the server, for the host of the visitors.
    pub(crate) fn request(&self, method: Method, path: PathAndQuery) -> Request<Bytes> {
        let mut parts = uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.admin.clone());
        parts.path_and_query = Some(path);
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_parts(parts).expect("a scheme, a host and a path are a URI");
        if let Some(host) = &self.host {
            request.headers_mut().insert(header::HOST, host.clone());
        }
        request
    }

    /// The request that looks at what visitors get.
    pub(crate) fn probe(&self, probe: &Probe) -> Result<Request<Bytes>, CdnError> {
        let mut request = self.request(Method::GET, self.path("probe", &probe.path)?);
        // The hash is of the bytes as stored, so nobody may compress them on the way.
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(request)
    }

    /// Reads a path, which may have a query.
    pub(crate) fn path(&self, operation: &'static str, path: &str) -> Result<PathAndQuery, CdnError> {
        let read = path.starts_with('/').then(|| path.parse().ok()).flatten();
        read.ok_or_else(|| self.refused(operation, format!("`{path}` is not a path")))
    }

    /// Where visitors find a path.
    pub(crate) fn url(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.public.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    pub(crate) fn refused(&self, operation: &'static str, reason: impl Into<String>) -> CdnError {
        CdnError::Permanent { cdn: self.name.clone(), operation, reason: reason.into() }
    }

    pub(crate) fn unsupported(&self, operation: &'static str) -> CdnError {
        CdnError::Unsupported { cdn: self.name.clone(), operation }
    }
}

/// The ticket of a server that counts what it removed.
pub(crate) fn counted(receipts: &[Accepted]) -> Ticket {
    let count: u64 = receipts.iter().filter_map(|receipt| receipt.0.parse::<u64>().ok()).sum();
    Ticket(format!("purged-{count}"))
}

/// How far a counted purge has come: such a server answers when it is done.
pub(crate) fn follow(ticket: &Ticket) -> Follow {
    let known = ticket.0.strip_prefix("purged-").is_some_and(|count| count.parse::<u64>().is_ok());
    Follow::Known(if known { Progress::Complete } else { Progress::Unknown })
}

/// The host of visitors and the base of their URLs.
fn public(url: &Url, admin: &Authority) -> Result<(Option<HeaderValue>, Url), String> {
    let (mut host, mut scheme) = (None, None);
    for (key, value) in url.query_pairs() {
        let slot = match &*key {
            "host" => &mut host,
            "scheme" if matches!(&*value, "http" | "https") => &mut scheme,
            _ => return Err(format!("`{key}` is not an option with this value")),
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(format!("`{key}` is given twice"));
        }
    }
    let Some(host) = host else {
        let base = Url::parse(&format!("http://{admin}")).map_err(|_| "bad host")?;
        return Ok((None, base));
    };
    let base = Url::parse(&format!("{}://{host}", scheme.as_deref().unwrap_or("https")));
    let base = base.map_err(|_| "bad public host")?;
    let authority = host.parse::<Authority>().ok().filter(|a| !a.as_str().contains('@'));
    let header = authority.and_then(|a| HeaderValue::from_str(a.as_str()).ok());
    Ok((Some(header.ok_or("bad public host")?), base))
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn edge(url: &str) -> Edge {
        Edge::from_url("varnish", url).expect("a URL of an edge")
    }

    fn probe(path: &str) -> Probe {
        let gated = OffsetDateTime::UNIX_EPOCH;
        Probe { path: path.into(), sha256: String::new(), gated, successor: None }
    }

    #[test]
    fn a_url_names_the_edge_and_nothing_else() {
        let varnish = edge("varnish://127.0.0.1:6081");
        assert_eq!(varnish.name(), "varnish-127.0.0.1:6081");
        assert_eq!(varnish.url("/i/a.jpg?v=1").as_str(), "http://127.0.0.1:6081/i/a.jpg?v=1");
        for bad in [
            "http://127.0.0.1:6081",
            "nginx://127.0.0.1:6081",
            "varnish://127.0.0.1",
            "varnish://user:secret@127.0.0.1:6081",
            "varnish://127.0.0.1:6081/path",
            "varnish://127.0.0.1:6081?hots=a",
            "varnish://127.0.0.1:6081?host=a&host=b",
            "varnish://127.0.0.1:6081?host=a&scheme=ftp",
            "varnish://127.0.0.1:6081?host=u@a",
            "varnish://127.0.0.1:6081?host=a%0d%0ab",
        ] {
            let error = Edge::from_url("varnish", bad).expect_err(bad).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_public_host_is_where_visitors_go() {
        let varnish = edge("varnish://[::1]:6081?host=img.example:8443");
        assert_eq!(varnish.name(), "varnish-[::1]:6081");
        assert_eq!(varnish.url("//evil/a").as_str(), "https://img.example:8443//evil/a");
        let plain = edge("varnish://v:80?host=img.example&scheme=http");
        assert_eq!(plain.url("/a").as_str(), "http://img.example/a");
        let request = varnish.probe(&probe("/a?b")).expect("request");
        assert_eq!(request.uri(), "http://[::1]:6081/a?b");
        assert_eq!(request.headers()["host"], "img.example:8443");
    }

    #[test]
    fn a_path_is_not_a_url() {
        let varnish = edge("varnish://127.0.0.1:6081");
        for bad in ["", "a", "*", "http://evil/", "/a b", "/a\r\nx: y"] {
            assert!(varnish.probe(&probe(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_purge_is_complete_when_it_is_answered() {
        let ticket = counted(&[Accepted("2".into()), Accepted("3".into())]);
        assert_eq!(ticket, Ticket("purged-5".into()));
        assert!(matches!(follow(&ticket), Follow::Known(Progress::Complete)));
        assert!(matches!(follow(&Ticket("other".into())), Follow::Known(Progress::Unknown)));
    }
}
