//! What a gallery is and what may happen to it.
//!
//! The domain types, the rules as pure functions, and the [`engine`] that carries them out over the ports
//! [`galerra_storage::Blobs`], [`galerra_storage::Records`], [`galerra_cdn::Cdn`], [`Env`], [`Imaging`], [`Passwords`] and
//! [`Witness`].
//! No I/O, no runtime, no codec and no HTTP: core reads no clock and no randomness but through [`Env`].

mod account;
pub mod engine;
mod env;
mod erasure;
mod error;
mod event;
mod facts;
mod gallery;
mod guess;
mod hold;
mod id;
mod image;
mod imaging;
pub mod layout;
mod pass;
mod password;
mod plan;
mod policy;
mod receipt;
mod retention;
mod secret;
mod share;
mod text;
mod ticket;
mod visibility;
mod witness;
pub mod zip;

pub use account::{Account, Email, NewAccount, Plan, ProPlan, Username};
pub use engine::{
    Archive, Covered, Disclosure, Edited, Engine, Findings, Forecast, Form, GalleryEdit, ImageEdit, Knock,
    Lag, Listeners, NewImage, Packed, Page, Parts, Redeveloped, Redevelopment, Seen, SeenImage, Ticked,
    Trashed, UnderWay,
};
pub use env::Env;
pub use erasure::{
    Attempt, Attempts, EdgeStep, EdgeTarget, Erasure, Lane, Narrowed, Outcome, Stage, StoreStep, StoreTarget,
    Subject,
};
pub use error::{Error, Result};
pub use event::{Event, Happened};
pub use facts::{Fact, Facts, Location};
pub use gallery::{Gallery, NewGallery, Shares, Tally, Visibility, VisibilityKind};
pub(crate) use guess::Guessers;
pub use guess::Rate;
pub use hold::{Basis, Hold, Reason, Release};
pub use id::{AccountId, ErasureId, EventId, GalleryId, HoldId, IdError, ImageId, ShareId};
pub use image::{Audience, Focal, Image, Made, Original, Rendition, StoredMaster};
pub use imaging::{Developed, Format, Imaging, Master, Order, Refusal, Rendered, Want};
pub use pass::Pass;
pub(crate) use pass::PassKey;
pub use password::{Password, PasswordHash, Passwords};
pub use policy::{Policy, PolicyError};
pub use receipt::{Level, Receipt};
pub use retention::{Action, Retained, Rule};
pub use secret::{ApiKey, OperatorToken, ShareToken};
pub use share::{NewShare, Opened, Share, ShareEdit, Terms, Uses};
pub use text::{Description, FileName, Title};
pub use ticket::{Signed, Ticket};
pub use visibility::{CachePolicy, Grant, Guise, Life, Viewer, Who, decide, honours, leads};
pub use witness::{Testimony, Witness, WitnessError, Witnessing};

#[cfg(feature = "mock")]
pub use {env::MockEnv, imaging::MockImaging, password::MockPasswords};
