//! The same questions put to `galerra_core::decide`, to Cedar and to Casbin, about the same values.

pub mod casbin;
pub mod cedar;
pub mod facts;
pub mod galerra;
mod stage;

pub use facts::{By, Case, Facts, Link};
pub use stage::Stage;

/// What somebody wants with a gallery, or with an image of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Open the gallery.
    View,
    /// Fetch pictures at their full size.
    Download,
    /// Send pictures.
    Upload,
    /// See the image.
    See,
    /// Read where the image was taken.
    Locate,
}

impl Question {
    pub const ALL: [Self; 5] = [Self::View, Self::Download, Self::Upload, Self::See, Self::Locate];

    /// Its name in the policies of the others.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::See => "see",
            Self::Locate => "locate",
        }
    }
}
