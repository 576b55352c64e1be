//! What Cedar answers by `rules.cedar`.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    Response, RestrictedExpression as Value,
};
use galerra_core::{Fact, Plan, VisibilityKind, Who};
use time::OffsetDateTime;

use crate::{Facts, Question};

/// The policies, and the names of types, parsed once.
pub struct Cedar {
    authorizer: Authorizer,
    rules: PolicySet,
    types: [EntityTypeName; 7],
}

/// The types, in the order of [`Cedar::types`].
#[derive(Clone, Copy)]
enum Type {
    Action,
    Account,
    Gallery,
    Image,
    Operator,
    Share,
    Visitor,
}

impl Cedar {
    #[must_use]
    pub fn new() -> Self {
        let names = ["Action", "Account", "Gallery", "Image", "Operator", "Share", "Visitor"];
        Self {
            authorizer: Authorizer::new(),
            rules: include_str!("rules.cedar").parse().expect("the policies"),
            types: names.map(|name| name.parse().expect("the name of a type")),
        }
    }

    /// Asks what is already in Cedar's own form.
    #[must_use]
    pub fn ask(&self, request: &Request, entities: &Entities) -> Response {
        self.authorizer.is_authorized(request, &self.rules, entities)
    }

    /// Whether it is allowed; a policy that cannot be evaluated is an answer to nothing.
    #[must_use]
    pub fn allows(&self, request: &Request, entities: &Entities) -> bool {
        let response = self.ask(request, entities);
        let errors: Vec<_> = response.diagnostics().errors().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{errors:?}");
        response.decision() == Decision::Allow
    }

    /// The records.
    #[must_use]
    pub fn entities(&self, facts: &Facts) -> Entities {
        let Facts { owner, gallery, image, share, .. } = facts;
        let visibility = match gallery.visibility.kind() {
            VisibilityKind::Public => "public",
            VisibilityKind::Unlisted => "unlisted",
            VisibilityKind::Private => "private",
        };
        let plan = match owner.plan {
            Plan::Free => "free",
            Plan::Pro => "pro",
        };
        let owner = self.entity(
            Type::Account,
            owner.id,
            [("live", Value::new_bool(owner.life.is_live())), ("plan", Value::new_string(plan.to_owned()))],
        );
        let image = self.entity(
            Type::Image,
            image.id,
            [
                ("gallery", Value::new_entity_uid(self.uid(Type::Gallery, image.gallery))),
                ("hidden", Value::new_bool(image.hidden)),
                ("shows_location", Value::new_bool(image.shown.contains(&Fact::Location))),
            ],
        );
        let gallery = self.entity(
            Type::Gallery,
            gallery.id,
            [
                ("live", Value::new_bool(gallery.life.is_live())),
                ("owner", Value::new_entity_uid(self.uid(Type::Account, gallery.owner))),
                ("visibility", Value::new_string(visibility.to_owned())),
            ],
        );
        let share = share.as_ref().map(|share| {
            self.entity(
                Type::Share,
                share.id,
                [
                    ("gallery", Value::new_entity_uid(self.uid(Type::Gallery, share.gallery))),
                    ("expires", time(share.expires)),
                    ("download", Value::new_bool(share.terms.download)),
                    ("show_metadata", Value::new_bool(share.terms.show_metadata)),
                    ("upload", Value::new_bool(share.terms.upload)),
                ],
            )
        });
        let entities = [owner, gallery, image].into_iter().chain(share);
        Entities::from_entities(entities, None).expect("no entity is there twice")
    }

    /// Who asks what, and when.
    #[must_use]
    pub fn request(&self, facts: &Facts, question: Question) -> Request {
        let principal = match facts.viewer.who {
            Who::Anonymous => self.uid(Type::Visitor, "anonymous"),
            Who::Account(id) => self.uid(Type::Account, id),
            Who::Operator => self.uid(Type::Operator, "operator"),
        };
        let resource = match question {
            Question::View | Question::Download | Question::Upload => {
                self.uid(Type::Gallery, facts.gallery.id)
            }
            Question::See | Question::Locate => self.uid(Type::Image, facts.image.id),
        };
        let opened = facts.share.as_ref().map(|share| self.uid(Type::Share, share.id));
        let opened = opened.map(|uid| ("opened".to_owned(), Value::new_entity_uid(uid)));
        let now = ("now".to_owned(), time(facts.now));
        let context = Context::from_pairs([now].into_iter().chain(opened)).expect("no key is there twice");
        let action = self.uid(Type::Action, question.name());
        Request::new(principal, action, resource, context, None).expect("there is no schema to break")
    }

    fn uid(&self, of: Type, id: impl Display) -> EntityUid {
        EntityUid::from_type_name_and_id(self.types[of as usize].clone(), EntityId::new(id.to_string()))
    }

    fn entity<const N: usize>(&self, of: Type, id: impl Display, attributes: [(&str, Value); N]) -> Entity {
        let attributes: HashMap<_, _> =
            attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Entity::new(self.uid(of, id), attributes, HashSet::new()).expect("attributes are plain values")
    }
}

impl Default for Cedar {
    fn default() -> Self {
        Self::new()
    }
}

/// A time in nanoseconds: Cedar's own type of times knows milliseconds only.
fn time(time: OffsetDateTime) -> Value {
    Value::new_long(time.unix_timestamp_nanos().try_into().expect("before the year 2262"))
}
