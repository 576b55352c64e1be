//! What Casbin answers by `casbin.conf` (the model) and `casbin.csv` (the policies).

use casbin::rhai::Dynamic;
use casbin::{CoreApi, DefaultModel, EnforceArgs, Enforcer, StringAdapter};
use galerra_core::{Fact, Plan, Terms, VisibilityKind, Who};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{Facts, Question};

/// The model and the policies, parsed and compiled once.
pub struct Casbin(Enforcer);

/// What is asked, as the model's request definition lists it.
type Asked = (String, Gallery, Image, Option<Link>, String, &'static str);

#[derive(Serialize, Hash)]
struct Gallery {
    id: String,
    live: bool,
    visibility: &'static str,
    owner: Owner,
}

#[derive(Serialize, Hash)]
struct Owner {
    id: String,
    live: bool,
    plan: &'static str,
}

#[derive(Serialize, Hash)]
struct Image {
    hidden: bool,
    located: bool,
}

#[derive(Serialize, Hash)]
struct Link {
    gallery: String,
    expires: String,
    terms: Terms,
}

impl Casbin {
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let enforcer = runtime.block_on(async {
            let model = DefaultModel::from_str(include_str!("casbin.conf")).await?;
            Enforcer::new(model, StringAdapter::new(include_str!("casbin.csv"))).await
        });
        Self(enforcer.expect("the model and the policies"))
    }

    /// Whether it is allowed.
    #[must_use]
    pub fn allows(&self, asked: impl EnforceArgs) -> bool {
        self.0.enforce(asked).expect("the matcher can be evaluated")
    }
}

impl Default for Casbin {
    fn default() -> Self {
        Self::new()
    }
}

/// Who asks what, and when, with the records in the request.
#[must_use]
pub fn asked(facts: &Facts, question: Question) -> impl EnforceArgs + use<> {
    let Facts { viewer, owner, gallery, image, share, now } = facts;
    let asked: Asked = (
        match viewer.who {
            Who::Anonymous => "anonymous".to_owned(),
            Who::Account(id) => id.to_string(),
            Who::Operator => "operator".to_owned(),
        },
        Gallery {
            id: gallery.id.to_string(),
            live: gallery.life.is_live(),
            visibility: match gallery.visibility.kind() {
                VisibilityKind::Public => "public",
                VisibilityKind::Unlisted => "unlisted",
                VisibilityKind::Private => "private",
            },
            owner: Owner {
                id: gallery.owner.to_string(),
                live: owner.life.is_live(),
                plan: match owner.plan {
                    Plan::Free => "free",
                    Plan::Pro => "pro",
                },
            },
        },
        Image { hidden: image.hidden, located: image.shown.contains(&Fact::Location) },
        share.as_ref().map(|share| Link {
            gallery: share.gallery.to_string(),
            expires: time(share.expires),
            terms: share.terms,
        }),
        time(*now),
        question.name(),
    );
    asked
}

/// The same in Casbin's own form.
#[must_use]
pub fn ready(facts: &Facts, question: Question) -> Vec<Dynamic> {
    asked(facts, question).try_into_vec().expect("plain values")
}

/// A time in nanoseconds, as text of one length: Casbin's numbers have 32 bits.
fn time(time: OffsetDateTime) -> String {
    format!("{:020}", time.unix_timestamp_nanos())
}
