use std::net::IpAddr;

use axum::http::HeaderMap;

/// Where a request comes from. A host puts it into the request's extensions, so that whoever guesses passwords is
/// slowed down by themselves; without it, all who guess at one link are slowed down together. It is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

impl Address {
    /// The address of whoever asks through so many proxies of one's own, each of which adds the one that it was asked
    /// by to `X-Forwarded-For`. What stands further to the left, anybody can have written.
    #[must_use]
    pub fn behind(proxies: usize, peer: IpAddr, headers: &HeaderMap) -> Self {
        let Some(nth) = proxies.checked_sub(1) else { return Self(peer) };
        let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
        let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let address = named.iter().rev().nth(nth).and_then(|text| text.parse().ok());
        Self(address.unwrap_or(peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_own_proxies_wrote_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "203.0.113.7, 198.51.100.2".parse().unwrap());
        headers.append("x-forwarded-for", "2001:db8::5".parse().unwrap());
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        for (proxies, seen) in
            [(0, "127.0.0.1"), (1, "2001:db8::5"), (2, "198.51.100.2"), (3, "203.0.113.7"), (4, "127.0.0.1")]
        {
            assert_eq!(Address::behind(proxies, peer, &headers).0, seen.parse::<IpAddr>().unwrap());
        }
        headers.append("x-forwarded-for", "unknown".parse().unwrap());
        assert_eq!(Address::behind(1, peer, &headers).0, peer);
    }
}
