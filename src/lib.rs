#![doc = include_str!("../README.md")]

mod config;
mod deadline;
mod env;
mod galerra;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "imaging")]
pub mod imaging;
mod passwords;
mod registry;
mod retention;
#[cfg(feature = "simulation")]
pub mod simulation;
#[cfg(feature = "testkit")]
pub mod testkit;
mod witness;

pub use config::{Config, Location};
pub use env::SystemEnv;
pub use galerra::{Galerra, OpenError};
pub use galerra_cdn as cdn;
pub use galerra_core::layout::{Fate, Kind, gallery_path};
pub use galerra_core::{
    Account, AccountId, Action, ApiKey, Archive, Audience, Basis, Covered, Description, Developed, Edited,
    Email, Engine, Env, Erasure, ErasureId, Error, Event, Fact, Facts, FileName, Findings, Focal, Forecast,
    Form, Format, Gallery, GalleryEdit, GalleryId, Grant, Guise, Happened, Hold, HoldId, Image, ImageEdit,
    ImageId, Imaging, Knock, Lag, Lane, Level, Master, NewAccount, NewGallery, NewImage, NewShare,
    OperatorToken, Order, Packed, Parts, Pass, Password, PasswordHash, Passwords, Plan, Policy, Rate, Reason,
    Receipt, Redeveloped, Redevelopment, Refusal, Release, Rendered, Rendition, Retained, Rule, Seen,
    SeenImage, Share, ShareEdit, ShareId, ShareToken, Stage, Terms, Testimony, Ticked, Title, Trashed,
    UnderWay, Username, Uses, Viewer, VisibilityKind, Want, Who, Witness, WitnessError, Witnessing,
};
pub use galerra_log as log;
pub use galerra_storage as storage;
#[cfg(feature = "http")]
pub use http::Address;
pub use passwords::Argon2id;
pub use registry::Registry;
pub use retention::Retention;
pub use witness::{HttpWitness, WitnessAddressError};
