use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, Method, header};

/// What of some bytes a client asks for (RFC 9110 §14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of them: nothing else is asked for, or in no way that has to be understood.
    Whole,
    /// These.
    Of(Range<u64>),
    /// Bytes that are not there.
    Nothing,
}

/// Reads `Range` and `If-Range` of a request for `total` bytes with this tag. Several ranges at once are answered with
/// the whole, which is allowed and costs nobody anything.
pub(crate) fn asked(method: &Method, request: &HeaderMap, etag: &HeaderValue, total: u64) -> Part {
    let mut lines = request.get_all(header::RANGE).iter();
    let (Some(line), None, &Method::GET) = (lines.next(), lines.next(), method) else { return Part::Whole };
    // A date never vouches for bytes here, and a weak tag never does.
    if request.get(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Part::Whole;
    }
    line.to_str().ok().and_then(|line| part(line, total)).unwrap_or(Part::Whole)
}

/// The one range of a header; `None` when it is written in another way.
fn part(line: &str, total: u64) -> Option<Part> {
    let (unit, set) = line.split_once('=')?;
    let (first, last) = set.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..total,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(total),
        (None, Some(count)) if first.is_empty() => total.saturating_sub(count)..total,
        _ => return None,
    };
    Some(if range.is_empty() { Part::Nothing } else { Part::Of(range) })
}

/// Digits alone; more of them than fit are as many as there can be.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Part {
        let mut request = HeaderMap::new();
        request.insert(header::RANGE, HeaderValue::try_from(line).unwrap());
        asked(&Method::GET, &request, &HeaderValue::from_static("\"a\""), 100)
    }

    #[test]
    fn one_range_is_read() {
        for (line, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("bytes=90-", 90..100),
            ("bytes=-5", 95..100),
            ("bytes=-500", 0..100),
            ("bytes=50-99999999999999999999999", 50..100),
            ("BYTES= 0-5", 0..6),
        ] {
            assert_eq!(of(line), Part::Of(range), "{line}");
        }
        for line in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(of(line), Part::Nothing, "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_answered_whole() {
        for line in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=+1-2",
            "lines=1-2",
            "bytes=0-1,5-6",
        ] {
            assert_eq!(of(line), Part::Whole, "{line}");
        }
        let many = format!("bytes={}", vec!["0-"; 5000].join(","));
        assert_eq!(of(&many), Part::Whole);
    }

    #[test]
    fn other_bytes_than_the_client_knows_come_whole() {
        let tag = HeaderValue::from_static("\"a\"");
        let part = |method: Method, known: &'static str| {
            let mut request = HeaderMap::new();
            request.insert(header::RANGE, HeaderValue::from_static("bytes=0-0"));
            request.insert(header::IF_RANGE, HeaderValue::from_static(known));
            asked(&method, &request, &tag, 100)
        };
        assert_eq!(part(Method::GET, "\"a\""), Part::Of(0..1));
        for known in ["\"b\"", "W/\"a\"", "Sun, 01 Mar 2026 12:00:00 GMT"] {
            assert_eq!(part(Method::GET, known), Part::Whole, "{known}");
        }
        assert_eq!(part(Method::HEAD, "\"a\""), Part::Whole);
    }
}
