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
#[cfg(feature = "testkit")]
pub mod testkit;

pub use config::{Config, Location};
pub use env::SystemEnv;
pub use galerra::{Galerra, OpenError};
pub use galerra_cdn as cdn;
pub use galerra_core::layout::gallery_path;
pub use galerra_core::{
    Account, AccountId, ApiKey, Archive, Audience, Description, Developed, Edited, Email, Engine, Env,
    Erasure, ErasureId, Error, Event, Fact, Facts, FileName, Focal, Form, Format, Gallery, GalleryEdit,
    GalleryId, Grant, Guise, Happened, Image, ImageEdit, ImageId, Imaging, Knock, Lane, Level, Master,
    NewAccount, NewGallery, NewImage, NewShare, OperatorToken, Order, Packed, Parts, Pass, Password,
    PasswordHash, Passwords, Plan, Policy, Rate, Receipt, Redeveloped, Redevelopment, Refusal, Rendered,
    Rendition, Seen, SeenImage, Share, ShareEdit, ShareId, ShareToken, Stage, Terms, Title, Trashed,
    Username, Uses, Viewer, VisibilityKind, Want, Who,
};
pub use galerra_storage as storage;
#[cfg(feature = "http")]
pub use http::Address;
pub use passwords::Argon2id;
pub use registry::Registry;
