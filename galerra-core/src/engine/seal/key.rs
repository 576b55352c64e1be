//! The key of the log.

use bytes::Bytes;
use galerra_log::{Hash, LogKey, LogVerifier};
use galerra_storage::{collect, whole};
use serde::{Deserialize, Serialize};

use super::UNREADABLE;
use crate::engine::records::{Change, Stored};
use crate::engine::{Engine, Result};
use crate::{Env, ErasureId, Error, layout};

/// The secret that signs checkpoints, and the name of the log.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::engine) struct Seed {
    name: String,
    seed: String,
}

impl Seed {
    fn draw(env: &dyn Env) -> Self {
        let name = format!("galerra-log/{}", ErasureId::draw(env).bare());
        Self { name, seed: Hash::from_bytes(env.random()).to_hex() }
    }
}

impl Engine {
    /// Whose signature the log bears: what receipts are verified with, as C2SP signed-note writes it.
    pub async fn log_verifier(&self) -> Result<LogVerifier> {
        Ok(self.log_key().await?.verifier().clone())
    }

    pub(super) async fn log_key(&self) -> Result<LogKey> {
        let (name, seed) = self.log_seed().await?;
        LogKey::new(&name, seed).map_err(|_| UNREADABLE)
    }

    /// Name and secret of the log: drawn by whoever needs it first, and kept with the records. A copy lies with the blobs before
    /// anything is published, for records that come from a backup from before it was drawn.
    pub(in crate::engine) async fn log_seed(&self) -> Result<(String, [u8; 32])> {
        let place = layout::log_key();
        let seed = if let Some(seed) = self.read::<Seed>(place.clone()).await? {
            seed.value
        } else {
            let seed = self.lost_seed().await?.unwrap_or_else(|| Seed::draw(self.parts.env.as_ref()));
            let mut change = Change::default();
            change.create(place.clone(), &seed);
            match self.commit(change).await {
                Ok(_) => seed,
                Err(error) if error.is_conflict() => {
                    self.read::<Seed>(place).await?.ok_or(Error::Contended)?.value
                }
                Err(error) => return Err(error),
            }
        };
        let bytes = data_encoding::HEXLOWER.decode(seed.seed.as_bytes()).ok();
        Ok((seed.name, bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(UNREADABLE)?))
    }

    /// The copy, for records that know of none.
    async fn lost_seed(&self) -> Result<Option<Seed>> {
        let Some(blob) = self.parts.blobs.get(&layout::log_secret(), None).await? else { return Ok(None) };
        let bytes = collect(blob.body).await.map_err(|_| UNREADABLE)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| UNREADABLE)
    }

    /// Keeps a copy of the secret beside the blobs.
    pub(in crate::engine) async fn keep_seed(&self) -> Result<()> {
        let seed: Stored<Seed> = self.read(layout::log_key()).await?.ok_or(UNREADABLE)?;
        let text = serde_json::to_vec(&seed.value).map_err(|_| UNREADABLE)?;
        Ok(self.parts.blobs.put(&layout::log_secret(), whole(Bytes::from(text))).await?)
    }
}
