//! From the bytes of an upload to pictures that say nothing about their maker.
//!
//! `sniff` reads headers and applies the limits, `decode` makes pixels, `develop` turns them into renditions
//! and a placeholder: all pure and synchronous. [`Developer`] is the asynchronous shell that bounds them.

pub(crate) use galerra_core::{Developed, Format, Imaging, Refusal, Rendered};

mod colour;
mod decode;
mod develop;
mod developer;
mod encode;
mod limits;
mod orientation;
mod placeholder;
mod preset;
mod raster;
mod sniff;

pub use develop::develop;
pub use developer::Developer;
pub use limits::Limits;
pub use placeholder::average_colour;
pub use preset::Preset;

#[cfg(test)]
pub(crate) mod sample;
