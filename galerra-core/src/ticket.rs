use galerra_cdn::SecureLink;
use time::{Duration, OffsetDateTime};

use crate::{Grant, Image, ImageId, Rendition, layout};

/// What an address says that was signed for a network: one rendition, under one epoch, for some minutes.
///
/// There is no way to one but [`Ticket::read`], which verifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) image: ImageId,
    pub(crate) file: String,
    pub(crate) epoch: u64,
    pub(crate) until: OffsetDateTime,
}

/// The query of a signed address, not yet verified.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Signed {
    epoch: u64,
    until: i64,
    sig: String,
}

impl Ticket {
    /// How long a signed address lives at the most, and what its end is rounded to: whoever looks twice within it gets
    /// the same address, which is at hand already.
    pub const LIFE: Duration = Duration::minutes(5);
    const ROUND: i64 = 60;

    /// The ticket of a signed address; `None` if it was not signed so.
    #[must_use]
    pub fn read(
        signer: &SecureLink,
        mount: &str,
        image: ImageId,
        file: &str,
        query: &Signed,
    ) -> Option<Self> {
        let path = format!("{mount}{}", layout::rendition_path(image, file));
        let until = signer.verify(&path, query.epoch, query.until, &query.sig)?;
        Some(Self { image, file: file.to_owned(), epoch: query.epoch, until })
    }

    /// The address, below a mount, of a rendition that a guest was granted; `None` if the grant ends too soon.
    #[must_use]
    pub fn address(
        signer: &SecureLink,
        mount: &str,
        grant: &Grant,
        image: &Image,
        rendition: &Rendition,
        now: OffsetDateTime,
    ) -> Option<String> {
        let path = format!("{mount}{}", layout::rendition_path(image.id, &rendition.file()));
        let until = grant.until().min(now + Self::LIFE).unix_timestamp();
        let until = OffsetDateTime::from_unix_timestamp(until - until.rem_euclid(Self::ROUND)).ok()?;
        let guest = grant.is_guest() && grant.shows(rendition) && grant.opens(image);
        (guest && now < until).then(|| format!("{path}?{}", signer.sign(&path, grant.epoch(), until)))
    }
}
