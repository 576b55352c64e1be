//! From an answer to a verdict: what a probe saw, and what that proves.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{HeaderMap, Response, header};
use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use crate::cache_status::{self, Member};
use crate::{Probe, Sighting, Verdict};

/// Longest witness that is kept: it ends up in a receipt.
const WITNESS_MAX: usize = 300;

/// What the answer of a network that speaks RFC 9111 and RFC 9211 means.
///
/// It errs on the side of `Present`: a cache that forwards a stale copy (`fwd=stale`) still held it.
#[must_use]
pub fn judge(probe: &Probe, answer: &Response<Bytes>) -> Sighting {
    let members = cache_status::members(answer.headers());
    let birth = birth(probe, answer.headers(), members.as_deref());
    let verdict = if serves_bytes(probe, answer) || birth == Birth::BeforeGate {
        Verdict::Present
    } else if matches!(answer.status().as_u16(), 404 | 410) || serves_successor(probe, answer) {
        members.map_or(Verdict::Inconclusive, |members| missing(&members, birth, answer.status().as_u16()))
    } else {
        Verdict::Inconclusive
    };
    Sighting { verdict, status: answer.status().as_u16(), witness: witness(answer.headers()) }
}

/// Whether the answer holds or vouches for the bytes.
fn serves_bytes(probe: &Probe, answer: &Response<Bytes>) -> bool {
    match answer.status().as_u16() {
        200 | 203 => digest(answer).eq_ignore_ascii_case(&probe.sha256),
        // Nobody asked for a part or a condition: whoever answers so holds a whole.
        206 | 304 => true,
        _ => false,
    }
}

/// Whether the answer holds just what took the place of the bytes.
fn serves_successor(probe: &Probe, answer: &Response<Bytes>) -> bool {
    let successor = probe.successor.as_ref().filter(|_| answer.status() == 200);
    successor.is_some_and(|successor| digest(answer).eq_ignore_ascii_case(successor))
}

fn digest(answer: &Response<Bytes>) -> String {
    HEXLOWER.encode(&Sha256::digest(answer.body()))
}

/// The verdict over an answer 404 or 410, or one that holds the successor.
fn missing(members: &[Member], birth: Birth, status: u16) -> Verdict {
    let verdict = members.iter().map(|seen| member(seen, status)).max().unwrap_or(Verdict::Inconclusive);
    match birth {
        Birth::Unknown => verdict.max(Verdict::Inconclusive),
        _ => verdict,
    }
}

fn member(member: &Member, status: u16) -> Verdict {
    let agrees =
        |forwarded: u16| (forwarded == 200) == (status == 200) && matches!(forwarded, 200 | 404 | 410);
    match (member.hit, member.fwd.as_deref()) {
        // A stored "gone" is fine when it is younger than the gate; `birth` judges that.
        (true, None) => Verdict::Absent,
        (false, Some("uri-miss" | "miss")) if member.fwd_status.is_none_or(agrees) => Verdict::Absent,
        (false, Some("stale")) => Verdict::Present,
        _ => Verdict::Inconclusive,
    }
}

/// When a copy was made, seen from the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Birth {
    BeforeGate,
    AfterGate,
    Unknown,
}

/// `Date` is when the origin made the answer (RFC 9110 §6.6.1), and a cache must not touch it. Some do set it
/// to the time of delivery, which the `Age` then counts back from: when the two readings differ, it is unknown.
fn birth(probe: &Probe, headers: &HeaderMap, members: Option<&[Member]>) -> Birth {
    let hit = members.is_some_and(|members| members.iter().any(|m| m.hit));
    let Some(age) = age(headers) else { return Birth::Unknown };
    if age.is_zero() && !hit {
        return Birth::AfterGate;
    }
    let Some(date) = date(headers) else { return Birth::Unknown };
    // `Date` has no fractions of a second.
    let gated = probe.gated.replace_nanosecond(0).unwrap_or(probe.gated);
    match date.checked_sub(age) {
        _ if date < gated => Birth::BeforeGate,
        Some(earliest) if earliest >= gated => Birth::AfterGate,
        _ => Birth::Unknown,
    }
}

/// Zero without the header, `None` when it makes no sense.
fn age(headers: &HeaderMap) -> Option<Duration> {
    match headers.get(header::AGE) {
        None => Some(Duration::ZERO),
        Some(age) => age.to_str().ok()?.trim().parse::<u32>().ok().map(|s| Duration::seconds(s.into())),
    }
}

fn date(headers: &HeaderMap) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get(header::DATE)?.to_str().ok()?, &Rfc2822).ok()
}

fn witness(headers: &HeaderMap) -> String {
    let text = cache_status::text(headers);
    let age = headers.get(header::AGE).and_then(|age| age.to_str().ok());
    let mut text = match (text.is_empty(), age) {
        (true, Some(age)) => format!("age: {age}"),
        _ => text,
    };
    // Header values are ASCII here, so every byte is a boundary.
    text.truncate(WITNESS_MAX);
    text
}

#[cfg(test)]
mod tests {
    use time::macros::{datetime, format_description};

    use super::*;

    const GATED: OffsetDateTime = datetime!(2026-03-01 12:00:00.7 UTC);

    /// Asked 60 s after the gate for the bytes `image`; the date is the one that goes with the age.
    fn verdict(status: u16, cache_status: &str, age: Option<i64>, body: &'static str) -> Verdict {
        let made = GATED + Duration::seconds(60 - age.unwrap_or(0));
        let made = made.format(format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        ));
        let mut answer = Response::builder().status(status).header("date", made.expect("date"));
        if !cache_status.is_empty() {
            answer = answer.header("cache-status", cache_status);
        }
        if let Some(age) = age {
            answer = answer.header("age", age.to_string());
        }
        judge(&probe(), &answer.body(Bytes::from_static(body.as_bytes())).expect("response")).verdict
    }

    fn probe() -> Probe {
        let sha256 = HEXLOWER.encode(&Sha256::digest("image"));
        Probe { path: "/i/a.jpg".into(), sha256, gated: GATED, successor: None }
    }

    #[test]
    fn each_observation_has_its_verdict() {
        use Verdict::{Absent, Inconclusive, Present};
        let miss = "edge; fwd=uri-miss; fwd-status=410";
        for (name, status, cache_status, age, body, expected) in [
            ("image still served", 200, "edge; hit; ttl=200", Some(12), "image", Present),
            ("image served, no cache header", 200, "", None, "image", Present),
            ("partial content", 206, "edge; hit", None, "ima", Present),
            ("not modified", 304, "edge; hit", None, "", Present),
            ("gone at the origin", 410, miss, None, "", Absent),
            ("not found at the origin", 404, "edge; fwd=miss; fwd-status=404", None, "", Absent),
            ("miss without its own status", 410, "edge; fwd=uri-miss", None, "", Absent),
            (
                "two tiers, both miss",
                410,
                "shield; fwd=uri-miss; fwd-status=410, edge; fwd=uri-miss; fwd-status=410",
                None,
                "",
                Absent,
            ),
            ("gone, cached after the gate", 410, "edge; hit; ttl=5", Some(10), "", Absent),
            ("gone, older than the gate", 410, "edge; hit", Some(120), "", Present),
            ("another page, older than the gate", 200, "edge; hit", Some(120), "page", Present),
            ("another page", 200, "edge; fwd=uri-miss; fwd-status=200", None, "page", Inconclusive),
            ("body was still stored", 410, "edge; fwd=stale; fwd-status=410", None, "", Present),
            (
                "stored in the shield",
                410,
                "shield; fwd=stale; fwd-status=410, edge; fwd=uri-miss; fwd-status=410",
                None,
                "",
                Present,
            ),
            ("another variant", 410, "edge; fwd=vary-miss; fwd-status=410", None, "", Inconclusive),
            ("bypass", 410, "edge; fwd=bypass; fwd-status=410", None, "", Inconclusive),
            (
                "shield not asked",
                410,
                "shield; fwd=bypass; fwd-status=410, edge; fwd=uri-miss; fwd-status=410",
                None,
                "",
                Inconclusive,
            ),
            ("method", 410, "edge; fwd=method", None, "", Inconclusive),
            ("request directive", 410, "edge; fwd=request; fwd-status=410", None, "", Inconclusive),
            ("no cache header", 410, "", None, "", Inconclusive),
            ("malformed header", 410, "edge; \"", None, "", Inconclusive),
            ("hit and forward at once", 410, "edge; hit; fwd=uri-miss", None, "", Inconclusive),
            ("origin error", 503, "edge; fwd=uri-miss; fwd-status=503", None, "", Inconclusive),
            ("gone over an error", 410, "edge; fwd=uri-miss; fwd-status=503", None, "", Inconclusive),
            ("not authorised", 401, "edge; fwd=uri-miss; fwd-status=401", None, "", Inconclusive),
            ("forbidden", 403, "edge; fwd=uri-miss; fwd-status=403", None, "", Inconclusive),
            ("moved", 302, miss, None, "", Inconclusive),
        ] {
            assert_eq!(verdict(status, cache_status, age, body), expected, "{name}");
        }
    }

    #[test]
    fn what_took_the_place_of_the_bytes_is_as_good_as_nothing() {
        use Verdict::{Absent, Inconclusive, Present};
        let probe = Probe { successor: Some(HEXLOWER.encode(&Sha256::digest("new"))), ..probe() };
        let verdict = |cache_status: &str, age: &str, body: &'static str| {
            let answer = Response::builder().header("cache-status", cache_status).header("age", age);
            let answer = answer.header("date", "Sun, 01 Mar 2026 12:00:50 GMT");
            judge(&probe, &answer.body(Bytes::from_static(body.as_bytes())).expect("response")).verdict
        };
        let miss = "edge; fwd=uri-miss; fwd-status=200";
        for (cache_status, age, body, expected) in [
            (miss, "0", "new", Absent),
            ("edge; hit", "10", "new", Absent),
            ("edge; hit", "10", "image", Present),
            (miss, "0", "other", Inconclusive),
            ("edge; fwd=uri-miss; fwd-status=410", "0", "new", Inconclusive),
            ("edge; fwd=stale; fwd-status=200", "0", "new", Present),
            ("", "0", "new", Inconclusive),
        ] {
            assert_eq!(verdict(cache_status, age, body), expected, "{cache_status} {body}");
        }
    }

    #[test]
    fn an_age_that_cannot_be_placed_is_inconclusive() {
        let answer = |headers: [(&str, &str); 3]| {
            let mut answer = Response::builder().status(410);
            for (name, value) in headers {
                answer = answer.header(name, value);
            }
            judge(&probe(), &answer.body(Bytes::new()).expect("response")).verdict
        };
        let miss = ("cache-status", "edge; fwd=uri-miss; fwd-status=410");
        let now = ("date", "Sun, 01 Mar 2026 12:01:00 GMT");
        // A cache that rewrites `Date`: made at 11:59:30 or at 12:01:00?
        assert_eq!(answer([miss, now, ("age", "90")]), Verdict::Inconclusive);
        assert_eq!(answer([miss, now, ("age", "-1")]), Verdict::Inconclusive);
        assert_eq!(answer([miss, ("x", ""), ("age", "5")]), Verdict::Inconclusive);
        assert_eq!(answer([("cache-status", "edge; hit"), ("x", ""), ("y", "")]), Verdict::Inconclusive);
        assert_eq!(answer([miss, now, ("age", "0")]), Verdict::Absent);
    }

    #[test]
    fn the_second_of_the_gate_belongs_to_the_time_after() {
        let answer = Response::builder()
            .status(410)
            .header("cache-status", "edge; hit")
            .header("date", "Sun, 01 Mar 2026 12:00:00 GMT")
            .body(Bytes::new());
        assert_eq!(judge(&probe(), &answer.expect("response")).verdict, Verdict::Absent);
    }

    #[test]
    fn the_witness_is_short_whatever_is_sent() {
        let answer =
            Response::builder().status(410).header("cache-status", "x".repeat(4000)).body(Bytes::new());
        assert_eq!(judge(&probe(), &answer.expect("response")).witness.len(), WITNESS_MAX);
    }
}
