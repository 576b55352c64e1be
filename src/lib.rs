#![doc = include_str!("../README.md")]

mod config;
mod deadline;
mod env;
mod galerra;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "imaging")]
pub mod imaging;
mod registry;

pub use config::{Config, Location};
pub use env::SystemEnv;
pub use galerra::{Galerra, OpenError};
pub use galerra_cdn as cdn;
pub use galerra_core::layout::gallery_path;
pub use galerra_core::{
    Account, AccountId, ApiKey, Description, Developed, Email, Engine, Env, Erasure, ErasureId, Error, Event,
    FileName, Format, Gallery, GalleryId, Grant, Happened, Image, ImageId, Imaging, Lane, Level, NewAccount,
    NewGallery, NewImage, NewShare, OperatorToken, Parts, Plan, Policy, Receipt, Refusal, Rendered, Seen,
    SeenImage, Share, ShareId, ShareToken, Stage, Title, Username, Viewer, VisibilityKind, Who,
};
pub use galerra_storage as storage;
pub use registry::Registry;
