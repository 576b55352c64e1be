use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use galerra_cdn::{Probe, Tag, Verdict, judge};
use galerra_core::{
    AccountId, ApiKey, Description, Email, ErasureId, EventId, FileName, GalleryId, ImageId, OperatorToken,
    ShareId, ShareToken, Title, Username,
};
use galerra_storage::{Key, MAX_KEY, Prefix};
use http::{HeaderValue, Response};
use time::OffsetDateTime;

use crate::imaging::average_colour;

/// What a text means in a URL, a header or a form is written as it was read, or the text is refused.
pub fn keys(bytes: &[u8]) {
    cache_status(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    id::<AccountId>(text);
    id::<GalleryId>(text);
    id::<ImageId>(text);
    id::<ShareId>(text);
    id::<ErasureId>(text);
    id::<EventId>(text);
    secrets(text);
    names(text);
    written(text);
    if let Some(colour) = average_colour(text) {
        let digits = colour.strip_prefix('#').expect("a CSS colour");
        assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{colour}");
    }
}

fn id<Id: FromStr + Display>(text: &str) {
    if let Ok(id) = text.parse::<Id>() {
        assert_eq!(id.to_string(), text);
        assert_eq!(text.len(), 30);
        assert!(Key::parse(text).is_ok(), "an id is part of keys");
    }
}

fn secrets(text: &str) {
    let (api, operator) = (text.parse::<ApiKey>(), text.parse::<OperatorToken>());
    let share = text.parse::<ShareToken>();
    let debugs = [
        api.as_ref().map(|secret| (secret.reveal(), format!("{secret:?}"))),
        operator.as_ref().map(|secret| (secret.reveal(), format!("{secret:?}"))),
        share.as_ref().map(|secret| (secret.reveal(), format!("{secret:?}"))),
    ];
    assert!(debugs.iter().flatten().count() <= 1, "a secret is of one kind");
    for (revealed, debug) in debugs.iter().flatten() {
        assert_eq!(*revealed, text);
        assert_eq!(debug.chars().count(), 4, "a secret is not printed");
    }
}

fn names(text: &str) {
    if let Ok(key) = Key::parse(text) {
        assert_eq!(key.as_str(), text);
        assert!(text.len() <= MAX_KEY && !text.starts_with('/') && !text.ends_with('/'));
        assert!(text.split('/').all(|segment| !segment.is_empty() && !segment.starts_with('.')));
    }
    if let Ok(prefix) = Prefix::parse(text) {
        let again = Prefix::parse(prefix.as_str()).expect("a prefix is read back");
        assert_eq!(again, prefix);
        if let Ok(inside) = Key::parse(format!("{prefix}x")) {
            assert!(prefix.holds(&inside));
            assert!(prefix.end().is_none_or(|end| inside.as_str() < end.as_str()));
        }
    }
    if let Ok(tag) = Tag::parse(text) {
        assert_eq!(tag.as_str(), text);
        assert!(HeaderValue::from_str(text).is_ok(), "a tag is sent in headers");
    }
}

/// What people write is cleaned once: cleaning it again changes nothing.
fn written(text: &str) {
    if let Ok(title) = Title::parse(text) {
        assert_eq!(Title::parse(title.as_str()).ok().as_ref(), Some(&title));
        assert!(!title.as_str().contains(char::is_control));
    }
    if let Ok(description) = Description::parse(text) {
        assert_eq!(Description::parse(description.as_str()).ok().as_ref(), Some(&description));
    }
    let name = FileName::clean(text);
    assert_eq!(FileName::clean(name.as_str()), name);
    assert!(!name.as_str().contains(['/', '\\']) && !name.as_str().contains(char::is_control));
    if let Ok(username) = Username::parse(text) {
        assert_eq!(username.as_str(), text);
    }
    if let Ok(email) = Email::parse(text) {
        assert_eq!(email.as_str(), text);
    }
}

/// Whatever else a `Cache-Status` says, a cache that still held a copy is not overheard.
fn cache_status(bytes: &[u8]) {
    let verdict = |bytes: &[u8]| {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = http::StatusCode::GONE;
        answer.headers_mut().insert("cache-status", HeaderValue::from_bytes(bytes).ok()?);
        answer.headers_mut().insert("date", HeaderValue::from_static("Tue, 01 Jan 2030 00:00:00 GMT"));
        let probe = Probe {
            path: "/".to_owned(),
            sha256: "00".repeat(32),
            gated: OffsetDateTime::UNIX_EPOCH,
            successor: None,
        };
        Some(judge(&probe, &answer).verdict)
    };
    let plain = verdict(bytes);
    let stale = verdict(&[bytes, b", x; fwd=stale"].concat());
    assert_eq!(plain.is_some(), stale.is_some());
    assert_ne!(stale, Some(Verdict::Absent));
}
