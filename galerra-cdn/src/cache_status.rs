//! `Cache-Status` (RFC 9211), as far as a probe has to understand it.

use http::HeaderMap;

/// What one cache on the way says it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) hit: bool,
    pub(crate) fwd: Option<String>,
    pub(crate) fwd_status: Option<u16>,
}

/// The members, nearest the origin first; `None` when there is no header or it is malformed.
pub(crate) fn members(headers: &HeaderMap) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    for value in headers.get_all("cache-status") {
        for item in split(value.to_str().ok()?, ',')? {
            members.push(member(item)?);
        }
    }
    (!members.is_empty()).then_some(members)
}

/// The header as it was sent, lines joined.
pub(crate) fn text(headers: &HeaderMap) -> String {
    let lines: Vec<_> = headers.get_all("cache-status").iter().filter_map(|v| v.to_str().ok()).collect();
    lines.join(", ")
}

fn member(item: &str) -> Option<Member> {
    let mut pieces = split(item, ';')?.into_iter();
    // A member starts with the cache's name; `hit` alone would be a cache called "hit".
    if pieces.next()?.is_empty() {
        return None;
    }
    let mut member = Member::default();
    for piece in pieces {
        let (key, value) = piece.split_once('=').map_or((piece, "?1"), |(k, v)| (k.trim(), v.trim()));
        match key {
            "" => return None,
            "hit" => member.hit = flag(value)?,
            "fwd" => member.fwd = Some(value.to_owned()),
            "fwd-status" => member.fwd_status = Some(value.parse().ok()?),
            _ => {}
        }
    }
    Some(member)
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "?1" => Some(true),
        "?0" => Some(false),
        _ => None,
    }
}

/// Splits outside of quoted strings; `None` when a quote is left open.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped, mut start, mut parts) = (false, false, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(text.get(start..at)?.trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?.trim());
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Vec<Member>> {
        let mut headers = HeaderMap::new();
        headers.insert("cache-status", value.parse().expect("header"));
        members(&headers)
    }

    #[test]
    fn members_come_in_the_order_sent() {
        let members =
            read(r#""a, b; hit"; fwd=uri-miss; fwd-status=410; stored, edge; hit; ttl=-3"#).expect("list");
        assert_eq!(members.len(), 2);
        assert_eq!(members[0].fwd.as_deref(), Some("uri-miss"));
        assert_eq!(members[0].fwd_status, Some(410));
        assert!(!members[0].hit);
        assert!(members[1].hit);
    }

    #[test]
    fn a_flag_can_be_spelled_out() {
        assert!(read("edge; hit=?1").expect("list")[0].hit);
        assert!(!read("edge; hit=?0").expect("list")[0].hit);
    }

    #[test]
    fn what_cannot_be_read_is_no_header() {
        for bad in
            ["", " ", "edge,", "; hit", "edge; \"hit", "edge; hit=yes", "edge; fwd-status=gone", "edge;; hit"]
        {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
