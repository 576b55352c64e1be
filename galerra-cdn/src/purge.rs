use serde::{Deserialize, Serialize};

use crate::Tag;

/// What a network is asked to forget: one tag or more, and where responses with these tags are served.
/// "Everything" has no spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    first: Tag,
    rest: Vec<Tag>,
    paths: Vec<String>,
}

impl Purge {
    /// Forget all responses that carry this tag.
    #[must_use]
    pub fn tag(tag: Tag) -> Self {
        Self { first: tag, rest: Vec::new(), paths: Vec::new() }
    }

    /// Forget the responses that carry this tag, too.
    #[must_use]
    pub fn and(mut self, tag: Tag) -> Self {
        self.rest.push(tag);
        self
    }

    /// Says where responses with these tags are served, for networks that select by paths: each path starts
    /// with `/`, has no query, and is what visitors of the network ask for.
    #[must_use]
    pub fn with_paths<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths.extend(paths.into_iter().map(Into::into));
        self
    }

    /// The tags, at least one.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// The paths, if any are known.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
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
