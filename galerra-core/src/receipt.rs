use galerra_log::{Contents, canonical, commitment, evidence_hash};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Erasure, Error, Narrowed, Result, Subject};

/// How much a receipt proves; it never claims more than its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "level", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Level {
    /// It is refused from then on. Nothing was to go from stores, and no network could have it.
    Denied,
    /// Every store was read back empty; there was no network in front.
    StoresEmpty,
    /// And every edge of every network was probed absent, twice.
    EdgesVerified,
    /// And every network was purged, but one at least cannot be probed: no copy outlives `until`.
    TtlBounded {
        /// The end of the life of the last possible copy.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
}

/// What was found of an erasure: an entry for the log, and the evidence that only the receipt shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) contents: Contents,
    /// How much it proves; nothing, if it says that the promise was missed.
    pub(crate) level: Option<Level>,
}

impl Finding {
    /// That every target of an erasure is proven; `None` while one is not.
    pub(crate) fn of(erasure: &Erasure, now: OffsetDateTime) -> Result<Option<Self>> {
        let Some(level) = erasure.proven() else { return Ok(None) };
        Self::new(erasure, "completed", now, Some(level)).map(Some)
    }

    /// That an erasure missed the promised time.
    pub(crate) fn breach(erasure: &Erasure, now: OffsetDateTime) -> Result<Self> {
        Self::new(erasure, "breached", now, None)
    }

    fn new(erasure: &Erasure, event: &str, now: OffsetDateTime, level: Option<Level>) -> Result<Self> {
        let (object_id, kind) = object(erasure);
        let evidence = evidence(erasure);
        let mut entry = json!({
            "v": Contents::VERSION,
            "event": event,
            "erasure_id": erasure.id,
            "subject": kind,
            "object": commitment(&erasure.salt, &object_id).to_hex(),
            "lane": erasure.lane,
            "requested_at": text(erasure.accepted)?,
            "deadline": text(erasure.due)?,
            "at": text(now)?,
            "in_time": now <= erasure.due && erasure.breached.is_none(),
            "copies": erasure.blobs.step.removed(),
            // Nothing was to go from stores for the sake of copies and of access.
            "stores": if erasure.spares_stores() { 0 } else { 2 },
            "edges": erasure.edges.len(),
            "evidence_sha256": evidence_hash(&evidence).map_err(|_| UNWRITABLE)?.to_hex(),
        });
        if let Some(entry) = entry.as_object_mut() {
            for (why, at) in [("held_until", erasure.held_until), ("grace_until", erasure.not_before)] {
                if let Some(at) = at {
                    entry.insert(why.to_owned(), Value::from(text(at)?));
                }
            }
            if let Some(Value::Object(level)) = level.as_ref().map(|level| json!(level)) {
                entry.extend(level);
            }
        }
        let contents = Contents { entry, evidence, object_id, salt: erasure.salt };
        Ok(Self { contents, level })
    }

    /// The entry as the log has it.
    pub(crate) fn entry(&self) -> Result<String> {
        canonical(&self.contents.entry).map_err(|_| UNWRITABLE)
    }
}

const UNWRITABLE: Error = Error::Unreadable("Finding");

/// What is erased, as its id and its kind.
fn object(erasure: &Erasure) -> (String, &'static str) {
    match &erasure.subject {
        Subject::Image { image, .. } => (image.to_string(), "image"),
        Subject::Gallery { gallery } => (gallery.to_string(), "gallery"),
        Subject::Account => (erasure.owner.to_string(), "account"),
        Subject::Copies { image: Some(image), .. } => (image.to_string(), "copies"),
        Subject::Copies { gallery, image: None } => (gallery.to_string(), "copies"),
        Subject::Access { gallery, narrowed } => match narrowed {
            Narrowed::Links { share: Some(share) } => (share.to_string(), "access"),
            Narrowed::Links { share: None } => (gallery.to_string(), "access"),
            Narrowed::Image { image } | Narrowed::Facts { image } => (image.to_string(), "access"),
        },
        Subject::Renditions { image, .. } => (image.to_string(), "renditions"),
    }
}

fn evidence(erasure: &Erasure) -> Value {
    let stores = [&erasure.records, &erasure.blobs];
    let stores = if erasure.spares_stores() { Vec::new() } else { stores.to_vec() };
    json!({
        "subject": erasure.subject,
        "stores": stores,
        "edges": erasure.edges,
        "breached": erasure.breached.and_then(|at| at.format(&Rfc3339).ok()),
        "out_of_scope": "copies that viewers made, backups of the operator",
    })
}

fn text(at: OffsetDateTime) -> Result<String> {
    at.format(&Rfc3339).map_err(|_| Error::Unreadable("time"))
}

/// Proof that something is gone: an entry of the log, its way to a signed checkpoint, and the evidence.
///
/// It is made of a finding that the log holds, and in no other way. Its text is a C2SP `tlog-proof@v1`, which
/// `galerra_log::Receipt` verifies offline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    text: String,
    #[serde(flatten)]
    level: Level,
    index: u64,
}

impl Receipt {
    /// The receipt of a finding that is at this place of the log.
    pub(crate) fn sealed(finding: &Finding, proof: &galerra_log::Receipt, index: u64) -> Option<Self> {
        let level = finding.level.clone()?;
        Some(Self { text: proof.to_string(), level, index })
    }

    /// The text to hand out: `text/plain`, extension `.tlog-proof`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How much it proves.
    #[must_use]
    pub fn level(&self) -> &Level {
        &self.level
    }

    /// Its place in the log.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }
}
