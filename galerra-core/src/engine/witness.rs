//! Witnesses (C2SP tlog-witness): the ones that cosign what this log has published, and the one that this service is to
//! other logs. A witness signs that a log has only grown since it last looked; a log that is witnessed cannot tell one
//! thing to one and another to the other.

use bytes::Bytes;
use futures::future::join_all;
use galerra_log::{
    AddCheckpoint, Answer, Checkpoint, LogVerifier, Plan, TreeHead, WitnessKey, WitnessVerifier,
};
use galerra_storage::whole;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::records::{Change, Stored};
use super::seal::{Head, UNREADABLE};
use super::{Engine, Result};
use crate::{Error, Testimony, Witness, WitnessError, layout};

/// How long receipts wait for witnesses that do not answer. After that they are written without them, until all answer
/// again.
const PATIENCE: Duration = Duration::minutes(10);
/// Pause before a witness is asked again.
const REST: Duration = Duration::seconds(30);

/// That some witness has not cosigned yet.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Silence {
    since: OffsetDateTime,
    asked: OffsetDateTime,
}

impl Silence {
    /// Silence that goes on. A clock that was put back begins it anew.
    fn go_on(before: Option<Self>, now: OffsetDateTime) -> Self {
        let since = before.map(|before| before.since).filter(|since| *since <= now);
        Self { since: since.unwrap_or(now), asked: now }
    }

    fn may_be_broken(self, now: OffsetDateTime) -> bool {
        !(self.asked..self.asked + REST).contains(&now)
    }

    fn is_too_long(self, now: OffsetDateTime) -> bool {
        now - self.since >= PATIENCE
    }
}

impl Engine {
    /// What was published, as receipts are made with it: cosigned by every witness, or by those that have answered in
    /// time. `None` while there is reason to wait.
    pub(super) async fn witnessed(&self, published: Checkpoint) -> Result<Option<Checkpoint>> {
        if self.missing(&published).is_empty() {
            return Ok(Some(published));
        }
        let head: Option<Stored<Head>> = self.read(layout::log_head()).await?;
        // If the log has grown meanwhile, the next tick asks for what it is then.
        let grown = |head: &Stored<Head>| head.value.edge.head() != published.head();
        let Some(head) = head.filter(|head| !grown(head)) else { return Ok(None) };
        let now = self.parts.env.now();
        if let Some(silence) = head.value.silence.filter(|silence| !silence.may_be_broken(now)) {
            return Ok(silence.is_too_long(now).then_some(published));
        }
        let silence = Silence::go_on(head.value.silence, now);
        self.ask_witnesses(head, &published, silence).await?;
        let published = self.publish_log().await?;
        Ok(published.filter(|published| self.missing(published).is_empty() || silence.is_too_long(now)))
    }

    /// The witnesses that have not cosigned a checkpoint.
    fn missing(&self, checkpoint: &Checkpoint) -> Vec<&dyn Witness> {
        let has_not =
            |witness: &&dyn Witness| checkpoint.cosigned(std::slice::from_ref(witness.verifier())).is_err();
        self.parts.witnessing.by.iter().map(AsRef::as_ref).filter(has_not).collect()
    }

    /// Asks, side by side, whoever has not cosigned yet, and keeps what they answer with the head of the log; the next
    /// publication shows it.
    async fn ask_witnesses(
        &self,
        Stored { version, value: head }: Stored<Head>,
        published: &Checkpoint,
        silence: Silence,
    ) -> Result<()> {
        let missing = self.missing(published);
        let answers = join_all(missing.iter().map(|witness| self.ask(*witness, published))).await;
        let mut checkpoint = published.clone();
        for (witness, answer) in missing.iter().zip(answers) {
            let verifier = witness.verifier();
            match answer.and_then(|lines| Ok(checkpoint.with_answer(&lines, verifier)?)) {
                Ok(cosigned) => checkpoint = cosigned,
                Err(error @ WitnessError::Contradicts { .. }) => {
                    tracing::error!(witness = verifier.name(), %error, "a witness contradicts the log");
                }
                Err(error) => {
                    tracing::warn!(witness = verifier.name(), %error, "a witness has not cosigned yet");
                }
            }
        }
        let silence = (!self.missing(&checkpoint).is_empty()).then_some(silence);
        let mut change = Change::default();
        change.replace(layout::log_head(), version, &head.witnessed(&checkpoint, silence));
        // Whoever was faster has asked, too, or has let the log grow, and asks for that.
        self.let_conflict_pass(change).await
    }

    /// Asks a witness from the size that it knows, which it tells whoever asks from another one.
    async fn ask(&self, witness: &dyn Witness, published: &Checkpoint) -> Result<String, WitnessError> {
        let size = published.head().size;
        let mut known = 0;
        for _ in 0..2 {
            let contradicts = WitnessError::Contradicts { known, size };
            let plan = Plan::consistency(known, size).map_err(|_| contradicts)?;
            let proof =
                self.path(&plan).await.map_err(|error| WitnessError::Unreachable(error.to_string()))?;
            match witness.add_checkpoint(&AddCheckpoint::new(known, proof, published)).await? {
                Testimony::Cosigned(lines) => return Ok(lines),
                Testimony::Knows(other) => known = other,
            }
        }
        Err(WitnessError::Contradicts { known, size })
    }

    /// What this service answers, as a witness, to a log that asks it for a cosignature. Logs that it does not watch are
    /// [`Error::NotFound`].
    ///
    /// What it has seen is written down with the records and beside the blobs before it answers, so that it contradicts
    /// itself after no restore.
    pub async fn witness(&self, asked: &AddCheckpoint) -> Result<Answer> {
        let mut watched = self.parts.witnessing.of.iter();
        let log = watched.find(|log| log.name() == asked.origin()).ok_or(Error::NotFound)?;
        let key = self.witness_key().await?;
        let place = layout::log_seen(log);
        self.settle(|| async {
            let found: Option<Stored<TreeHead>> = self.read(place.clone()).await?;
            let (version, seen) =
                found.map_or_else(Default::default, |found| (Some(found.version), found.value));
            let time = u64::try_from(self.parts.env.now().unix_timestamp()).unwrap_or_default();
            let answer = key.answer(asked, log, seen, time);
            if let Answer::Cosigned { seen, .. } = &answer {
                self.keep_seed().await?;
                let mut change = Change::default();
                change.put(place.clone(), version, seen);
                self.commit(change).await?;
                self.keep_seen(log, *seen).await?;
            }
            Ok(answer)
        })
        .await
    }

    /// Lays what was seen of a log beside the blobs, and once more if it has grown meanwhile: the last to write must not
    /// be who has seen less.
    async fn keep_seen(&self, log: &LogVerifier, mut seen: TreeHead) -> Result<()> {
        loop {
            let text = serde_json::to_vec(&seen).map_err(|_| UNREADABLE)?;
            self.parts.blobs.put(&layout::log_seen(log), whole(Bytes::from(text))).await?;
            let known: Option<Stored<TreeHead>> = self.read(layout::log_seen(log)).await?;
            match known {
                Some(known) if known.value != seen => seen = known.value,
                _ => return Ok(()),
            }
        }
    }

    /// Takes up again what this service has seen of other logs, if the records come from an older backup.
    pub(super) async fn recall_seen(&self) -> Result<()> {
        for log in &self.parts.witnessing.of {
            let place = layout::log_seen(log);
            let Some(kept) = self.line::<TreeHead>(&place).await? else { continue };
            let found: Option<Stored<TreeHead>> = self.read(place.clone()).await?;
            if found.as_ref().is_none_or(|found| found.value.size < kept.size) {
                let mut change = Change::default();
                change.put(place, found.map(|found| found.version), &kept);
                self.let_conflict_pass(change).await?;
            }
        }
        Ok(())
    }

    /// Whose cosignatures this service gives, as C2SP signed-note writes it.
    pub async fn witness_verifier(&self) -> Result<WitnessVerifier> {
        Ok(self.witness_key().await?.verifier().clone())
    }

    /// The witness's key, which follows from the log's: it lives and is kept with that one.
    /// Says so where this service is its own witness: that proves nothing to anybody.
    pub(super) async fn check_witnesses(&self) -> Result<()> {
        let witnesses = &self.parts.witnessing.by;
        if !witnesses.is_empty() {
            let own = self.witness_key().await?.verifier().clone();
            if witnesses.iter().any(|witness| *witness.verifier() == own) {
                tracing::warn!("a witness of this log has this log's own key: it proves nothing");
            }
        }
        Ok(())
    }

    async fn witness_key(&self) -> Result<WitnessKey> {
        let (name, seed) = self.log_seed().await?;
        let seed = Sha256::new().chain_update(b"witness\n").chain_update(seed).finalize();
        WitnessKey::new(&format!("{name}/witness"), seed.into()).map_err(|_| UNREADABLE)
    }
}
