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
mod facts;
mod limits;
mod master;
mod orientation;
mod placeholder;
mod preset;
#[cfg(all(feature = "processes", unix))]
mod processes;
mod raster;
mod recipe;
mod rewrite;
mod riff;
mod sniff;
mod tiff;
mod watermark;

pub use develop::develop;
pub use developer::Developer;
pub use limits::Limits;
pub use placeholder::average_colour;
pub use preset::{Gamut, Preset, Size, When};
#[cfg(all(feature = "processes", unix))]
pub use processes::{Processes, Role, role};
pub use recipe::{Recipe, RecipeError};
pub use watermark::{Place, Stamp, Watermark, WatermarkError};

#[doc(hidden)]
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(test)]
pub(crate) mod sample;
