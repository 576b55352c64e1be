//! The promises of the privacy policy, each proven from outside: one module a promise.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a test says what it expects and stops where it is not so"
)]

mod account;
mod archive;
mod audience;
mod backup;
mod bad_input;
mod canary;
mod client;
mod crash;
mod database;
mod develop;
mod doctor;
mod edit;
mod embedding;
mod erase;
mod fleet;
mod forgotten;
mod histories;
mod hold;
mod imaging;
#[cfg(target_os = "linux")]
mod isolation;
mod kill;
mod lanes;
mod leaks;
mod legal_hold;
mod logs;
mod open;
mod photos;
mod redevelop;
mod restore;
mod retention;
mod seal;
mod server;
mod share;
mod signed;
mod simulation;
mod slow_purge;
mod stage;
mod tighten;
mod trash;
mod upload;
mod view;
mod walk;
mod witness;

#[path = "../../examples/embed_axum.rs"]
#[expect(dead_code, reason = "its own start is not used here")]
mod embed_axum;
#[path = "../../galerra-cdn/tests/conformance/nginx.rs"]
mod nginx;
#[path = "../../galerra-cdn/tests/conformance/varnish.rs"]
mod varnish;
