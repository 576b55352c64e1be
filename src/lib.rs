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
    Account, AccountId, ApiKey, Description, Email, Engine, Erasure, ErasureId, Error, FileName, Gallery,
    GalleryId, Grant, Image, ImageId, Imaging, NewAccount, NewGallery, NewImage, NewShare, OperatorToken,
    Parts, Plan, Policy, Receipt, Seen, SeenImage, Share, ShareId, ShareToken, Stage, Title, Username,
    Viewer, VisibilityKind, Who,
};
pub use galerra_storage as storage;
pub use registry::Registry;
