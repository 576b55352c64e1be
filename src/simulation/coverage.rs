//! What really happened: a simulation in which something never happens proves nothing about it.

use std::fmt;

macro_rules! sights {
    ($($name:ident = $text:literal,)*) => {
        /// Something that may happen in a history, and is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Sight {
            $(#[doc = $text] $name,)*
        }

        impl Sight {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What happened, in a few words.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

sights! {
    Uploaded = "an image was uploaded",
    UploadAbandoned = "an upload was cut off",
    UploadRefused = "an upload failed and said so",
    SentByGuest = "a guest sent an image",
    Taken = "an owner took what a guest had sent",
    MadeLate = "a rendition was made when it was asked for",
    Hidden = "an image was hidden",
    Unhidden = "an image was shown again",
    Closed = "a gallery went private",
    Opened = "a gallery was opened",
    Trashed = "something went into the trash",
    Restored = "something came out of the trash",
    TrashEmptied = "the trash was emptied by its deadline",
    ImageErased = "an erasure of an image was accepted",
    GalleryErased = "an erasure of a gallery was accepted",
    AccountErased = "an erasure of an account was accepted",
    CopiesErased = "an erasure of copies was accepted",
    Withdrawn = "an erasure of copies was withdrawn",
    Receipt = "a receipt was given",
    Erased = "an owner was told that something is erased",
    Shared = "a link was made",
    Revoked = "a link was revoked",
    Narrowed = "that somebody sees less was written down",
    GuestSaw = "a guest saw an image",
    GuestRefused = "a guest was refused",
    OwnerSaw = "an owner saw an image",
    StrangerRefused = "a stranger was refused",
    EdgeHit = "an edge answered by itself",
    EdgeFilled = "an edge was filled",
    SlowFill = "a fill took more than half its time",
    FillAcrossGate = "a fill that was allowed before a gate landed after it",
    CopyAfterGate = "an edge served a copy after the gate, within its time",
    FillTimedOut = "a fill took too long and was cut off",
    StoreFailed = "a store failed before it did anything",
    StoreFailedAfter = "a store failed after it had done everything",
    StoreSlow = "a store took long",
    GateLate = "a commit that closed a gate took long",
    PutSlow = "a blob took long to be written",
    StoreTimedOut = "a blob call took too long and was cut off",
    LateEffect = "a write took effect after its writer was gone",
    Partitioned = "a process was cut off from everything",
    WorkerKilled = "a worker was killed",
    WorkerDied = "a worker died in the middle of a tick",
    ErasureRaced = "two workers were at one erasure",
    OwnerCut = "a request of an owner was cut off",
    ClockStepped = "the clock of a process was set",
    PurgeFailed = "a purge failed",
    PurgeLost = "a purge did not reach every cache",
    PurgeUnheard = "a purge did not reach a cache that heard of none for a while",
    PurgeLied = "a purge was accepted and forgotten",
    PurgeLimited = "a purge was refused for its rate",
    PurgeRepeated = "a purge arrived twice",
    Strayed = "bytes lay in the folder of an image that no record knows of",
    EdgeDown = "a cache was down",
    DownWhileOpen = "a cache was down while something was being erased",
    StartedOver = "a network was purged again because something was seen there",
    BackupRestored = "a backup was put back",
    OverlappingErasures = "an image was in two erasures at once",
}

/// How often each thing happened.
#[derive(Clone, PartialEq, Eq)]
pub struct Coverage(Vec<u64>);

impl Default for Coverage {
    fn default() -> Self {
        Self(vec![0; Sight::ALL.len()])
    }
}

impl Coverage {
    pub(super) fn saw(&mut self, sight: Sight) {
        if let Some(count) = self.0.get_mut(sight as usize) {
            *count += 1;
        }
    }

    /// How often it happened.
    #[must_use]
    pub fn count(&self, sight: Sight) -> u64 {
        self.0.get(sight as usize).copied().unwrap_or(0)
    }

    /// What never happened.
    pub fn missing(&self) -> impl Iterator<Item = Sight> {
        Sight::ALL.iter().copied().filter(|sight| self.count(*sight) == 0)
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine += theirs);
    }
}

impl fmt::Debug for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(Sight::ALL.iter().map(|sight| (sight, self.count(*sight)))).finish()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Sight::ALL.iter().try_for_each(|sight| writeln!(f, "{:>10}  {}", self.count(*sight), sight.text()))
    }
}
