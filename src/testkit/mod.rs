//! The leak matrix: whether a whole server, however it is put together, keeps what is private from everyone else.
//!
//! A host runs it against its own server, with its own sign-in, caches and middleware in between:
//!
//! ```no_run
//! # async fn run(door: galerra::testkit::Routed, cast: galerra::testkit::Cast) {
//! let matrix = galerra::testkit::leak_matrix(&door, &cast).await.expect("a scene to look at");
//! assert!(matrix.leaks.is_empty(), "{matrix}");
//! # }
//! ```
//!
//! It makes galleries of every visibility with pictures that are shown, hidden, held and deleted, and links in every
//! state; then it asks for everything, as everyone, in every representation, by the table of the routes themselves: a
//! route that it has no rule for is a leak. What may be seen is written down here once more, without the rules that
//! decide. What is refused has to be refused in the very words in which what never was is refused.

mod answer;
mod cell;
mod door;
mod rules;
mod scene;

pub use cell::{Leak, Matrix, leak_matrix};
pub use door::{Broken, Cast, Door, Routed};
