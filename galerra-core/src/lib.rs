//! What a gallery is and what may happen to it.
pub mod imaging;
