use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use md5::{Digest, Md5};
use serde::Deserialize;
use time::OffsetDateTime;

/// Addresses that an nginx with `secure_link` verifies itself, so that none that was forged or has ended gets further:
///
/// ```nginx
/// secure_link $arg_sig,$arg_until;
/// secure_link_md5 "$secure_link_expires $uri $arg_epoch SECRET";
/// if ($secure_link != "1") { return 404; }
/// ```
///
/// MD5 is what the module speaks. Nobody but the service chooses what is signed, so its collisions are of no use; and
/// whoever serves the bytes verifies the address once more, with what nginx cannot know: whether it was revoked.
/// Source: nginx, `ngx_http_secure_link_module`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SecureLink {
    secret: String,
}

impl TryFrom<String> for SecureLink {
    type Error = &'static str;

    fn try_from(secret: String) -> Result<Self, Self::Error> {
        Self::new(&secret).ok_or("must have 16 characters at least: letters, digits, `-`, `_` and `.`")
    }
}

impl fmt::Debug for SecureLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecureLink(…)")
    }
}

impl SecureLink {
    /// Shortest secret taken, in bytes.
    pub const SHORTEST: usize = 16;

    /// A signer with the secret that stands in nginx, too; `None` if it is too short, or has characters that its
    /// configuration would read otherwise.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let fits = secret.len() >= Self::SHORTEST && secret.bytes().all(plain);
        fits.then(|| Self { secret: secret.to_owned() })
    }

    /// The query that makes `path`, as nginx sees it, an address that is good until then.
    #[must_use]
    pub fn sign(&self, path: &str, epoch: u64, until: OffsetDateTime) -> String {
        let until = until.unix_timestamp();
        format!("epoch={epoch}&until={until}&sig={}", self.signature(path, epoch, until))
    }

    /// Whether a query was made for this path, and until when it is good; it is for the caller to look at the clock.
    #[must_use]
    pub fn verify(&self, path: &str, epoch: u64, until: i64, signature: &str) -> Option<OffsetDateTime> {
        let known = self.signature(path, epoch, until);
        let differs = known.bytes().zip(signature.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        let good = known.len() == signature.len() && differs == 0;
        good.then(|| OffsetDateTime::from_unix_timestamp(until).ok()).flatten()
    }

    fn signature(&self, path: &str, epoch: u64, until: i64) -> String {
        hashed(&format!("{until} {path} {epoch} {}", self.secret))
    }
}

fn hashed(text: &str) -> String {
    BASE64URL_NOPAD.encode(&Md5::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_hash_is_the_one_that_nginx_documents() {
        assert_eq!(hashed("2147483647/s/link127.0.0.1 secret"), "_e4Nc3iduzkWRm01TBBNYw");
    }

    #[test]
    fn a_signature_is_good_for_its_own_path_epoch_and_end() {
        let signer = SecureLink::new("0123456789abcdef").unwrap();
        let until = datetime!(2026-03-01 12:05 UTC);
        let query = signer.sign("/i/a/thumb.jpg", 3, until);
        let signature = query.rsplit('=').next().unwrap();
        let stamp = until.unix_timestamp();
        assert_eq!(query, format!("epoch=3&until={stamp}&sig={signature}"));
        assert_eq!(signer.verify("/i/a/thumb.jpg", 3, stamp, signature), Some(until));
        let other = SecureLink::new("0123456789abcdeg").unwrap();
        assert!(other.verify("/i/a/thumb.jpg", 3, stamp, signature).is_none());
        for (path, epoch, until, signature) in [
            ("/i/a/large.jpg", 3, stamp, signature),
            ("/i/a/thumb.jpg", 4, stamp, signature),
            ("/i/a/thumb.jpg", 3, stamp + 1, signature),
            ("/i/a/thumb.jpg", 3, stamp, &signature[1..]),
            ("/i/a/thumb.jpg", 3, stamp, ""),
            ("/i/a/thumb.jpg", 3, stamp, &signature.to_lowercase()),
        ] {
            assert!(signer.verify(path, epoch, until, signature).is_none(), "{path} {epoch} {until}");
        }
        for secret in ["short", "0123456789abcde", "0123456789abcdef\"; return", "0123456789 abcdef"] {
            assert!(SecureLink::new(secret).is_none(), "{secret}");
        }
        assert!(!format!("{signer:?}").contains("0123"));
    }
}
