//! Real values: some of their fields are core's own, so that an engine over memory has to make them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use galerra_core::{
    Account, AccountId, Developed, Engine, Env, ErasureId, Error, Format, Gallery, GalleryId, Image, ImageId,
    Imaging, Knock, Life, NewAccount, NewGallery, NewShare, Order, Parts, Pass, Password, PasswordHash,
    Passwords, Plan, Policy, Refusal, Result, Share, Viewer, VisibilityKind, Witnessing,
};
use galerra_storage::Memory;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::datetime;

/// When questions are asked.
pub const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
/// When links were opened.
pub const THEN: OffsetDateTime = datetime!(2026-03-01 11:00 UTC);

/// A gallery and what surrounds it; [`crate::Case`] says what of it is changed for a question.
#[derive(Debug)]
pub struct Stage {
    pub(crate) owner: Account,
    pub(crate) stranger: AccountId,
    pub(crate) gallery: Gallery,
    pub(crate) elsewhere: GalleryId,
    pub(crate) image: Image,
    pub(crate) share: Share,
    pub(crate) pass: Pass,
    pub(crate) gated: Life,
}

impl Stage {
    /// Always the same one.
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(Self::set()).expect("memory does not fail")
    }

    async fn set() -> Result<Self> {
        let env = Arc::new(Dice::default());
        let engine = Engine::new(Parts {
            records: Arc::new(Memory::named("records")),
            blobs: Arc::new(Memory::named("blobs")),
            cdns: Vec::new(),
            imaging: Arc::new(Nothing),
            passwords: Arc::new(Nothing),
            env: env.clone(),
            policy: Policy::default(),
            mount: String::new(),
            witnessing: Witnessing::default(),
        });
        let ada = NewAccount { plan: Plan::Pro, ..NewAccount::free("ada", "ada@example.org")? };
        let (owner, _) = engine.create_account(&ada).await?;
        let viewer = Viewer::account(owner.id);
        let private =
            NewGallery { visibility: VisibilityKind::Private, ..NewGallery::titled("Lake in winter")? };
        let gallery = engine.create_gallery(&viewer, &private).await?;
        let (_, token) = engine.share(&viewer, gallery.id, &NewShare::default()).await?;
        let (share, pass) = engine.open_share(&token, &Knock::default()).await?;
        let image = image(ImageId::draw(env.as_ref()), &gallery);
        let stranger = AccountId::draw(env.as_ref());
        let elsewhere = GalleryId::draw(env.as_ref());
        let gated = Life::Gated { by: ErasureId::draw(env.as_ref()) };
        Ok(Self { owner, stranger, gallery, elsewhere, image, share, pass, gated })
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// An image as a store would keep it.
fn image(id: ImageId, gallery: &Gallery) -> Image {
    let stored = json!({
        "id": id,
        "owner": gallery.owner,
        "gallery": gallery.id,
        "title": "",
        "alt": "",
        "original": { "format": "jpeg", "bytes": 1, "sha256": "", "file_name": "" },
        "width": 1,
        "height": 1,
        "placeholder": "",
        "renditions": [],
        "created": "2026-03-01T11:00:00Z",
        "rank": "",
        "life": { "state": "live" },
    });
    serde_json::from_value(stored).expect("an image")
}

/// A clock that stands, and dice that fall in order.
#[derive(Debug, Default)]
struct Dice(AtomicU64);

impl Env for Dice {
    fn now(&self) -> OffsetDateTime {
        THEN
    }

    fn random(&self) -> [u8; 32] {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        random
    }
}

/// The ports that no question touches.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Imaging for Nothing {
    fn max_bytes(&self) -> u64 {
        0
    }

    fn recipe(&self) -> &str {
        ""
    }

    fn admit(&self, _: &[u8]) -> std::result::Result<Format, Refusal> {
        Err(Refusal::Unsupported)
    }

    async fn develop(&self, _: Bytes, _: Order) -> std::result::Result<Developed, Refusal> {
        Err(Refusal::Unsupported)
    }
}

#[async_trait]
impl Passwords for Nothing {
    async fn hash(&self, _: Password, _: [u8; 32]) -> Result<PasswordHash> {
        Err(Error::WrongPassword)
    }

    async fn fits(&self, _: Password, _: PasswordHash) -> Result<bool> {
        Err(Error::WrongPassword)
    }
}
