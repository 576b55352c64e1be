//! What Galerra answers.

use galerra_core::{Fact, Grant, Opened, Policy};

use crate::{Facts, Question};

/// The decision that every question begins with.
#[must_use]
pub fn decide(facts: &Facts, opened: Option<Opened<'_>>, policy: &Policy) -> Option<Grant> {
    galerra_core::decide(&facts.viewer, &facts.owner, &facts.gallery, opened, policy, facts.now)
}

/// Whether a grant, if there is one, allows what is asked.
#[must_use]
pub fn allows(grant: Option<&Grant>, facts: &Facts, question: Question) -> bool {
    grant.is_some_and(|grant| match question {
        Question::View => true,
        Question::Download => grant.may_download(),
        Question::Upload => grant.takes().is_some(),
        Question::See => grant.opens(&facts.image),
        // Nobody asks about an image that they may not see: the engine drops it first.
        Question::Locate => grant.opens(&facts.image) && grant.tells(&facts.image, Fact::Location),
    })
}
