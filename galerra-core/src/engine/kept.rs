//! What each stored type is in the deletion graph ([`Kind`]): a type that does not say so cannot be stored.

use std::collections::BTreeMap;

use galerra_log::{Hash, TreeHead};
use serde::Serialize;

use super::hold::HoldAt;
use super::ledger::Since;
use super::records::{KeyOf, Mark, Open, OperatorAt, Part, Place, ShareAt};
use super::redevelop::Redevelopment;
use super::seal::{Entry, Head, Seed};
use super::write::Intent;
use crate::layout::Kind;
use crate::plan::PlanPage;
use crate::{Account, Erasure, Event, Gallery, Hold, Image, Share, Tally, Trashed};

/// A type that is stored, and under which keys.
pub(super) trait Kept: Serialize {
    const KINDS: &'static [Kind];
}

macro_rules! kept {
    ($($stored:ty: $($kind:ident)+;)+) => {
        $(impl Kept for $stored { const KINDS: &'static [Kind] = &[$(Kind::$kind),+]; })+
    };
}

kept! {
    Account: Account;
    Gallery: Gallery;
    Image: Image;
    Share: Share;
    Tally: Tally GalleryPlace;
    Trashed: Trash TrashDue;
    Intent: Intent Lease;
    Place: Reference;
    HoldAt: Reference;
    ShareAt: ShareKey;
    KeyOf: ApiKey;
    Mark: ImagePlace Claim Lapse Shelf;
    Event: Event;
    Erasure: Erasure;
    PlanPage: Plan;
    Open: Open;
    Part: Part;
    Hold: Hold;
    OperatorAt: Operator;
    Seed: Log;
    Head: Log;
    Entry: Log;
    str: Log;
    [Hash]: Log;
    TreeHead: Log;
    Redevelopment: Work;
    Since: Work;
    BTreeMap<String, i64>: Work;
}
