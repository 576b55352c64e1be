use serde::{Deserialize, Serialize};

use crate::Tag;

/// What a network is asked to forget: one tag or more. "Everything" has no spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    first: Tag,
    rest: Vec<Tag>,
}

impl Purge {
    /// Forget all responses that carry this tag.
    #[must_use]
    pub fn tag(tag: Tag) -> Self {
        Self { first: tag, rest: Vec::new() }
    }

    /// Forget the responses that carry this tag, too.
    #[must_use]
    pub fn and(mut self, tag: Tag) -> Self {
        self.rest.push(tag);
        self
    }

    /// The tags, at least one.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

/// A network's receipt for an accepted purge; [`crate::Cdn::progress`] follows it. Acceptance is not evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub String);

/// How far a purge has come, as the network tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Progress {
    /// The network is still carrying it to its edges.
    Underway,
    /// The network says that every edge it can reach has carried it out.
    Complete,
    /// The network does not know this purge (any more): ask for it again.
    Unknown,
}
