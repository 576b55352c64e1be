//! The negative control: a store that lies fails the suites.

use std::future::Future;
use std::sync::Arc;

use galerra_storage::conformance::{blobs, records};
use galerra_storage::{Call, Fault, Memory};

async fn caught<F>(case: impl FnOnce(Arc<Memory>) -> F, call: Call)
where
    F: Future<Output = ()> + Send + 'static,
{
    let store = Memory::new();
    store.fail(call, Fault::Lie);
    let outcome = tokio::spawn(case(Arc::new(store))).await;
    assert!(outcome.is_err_and(|failure| failure.is_panic()), "a lying {call:?} passed");
}

#[tokio::test]
async fn an_erase_that_keeps_the_bytes_is_caught() {
    caught(|store| blobs::an_erase_tells_what_it_found(store), Call::Erase).await;
    caught(|store| blobs::a_list_sees_what_returned_before(store), Call::Erase).await;
    caught(|store| blobs::many_puts_at_once_are_kept(store), Call::Erase).await;
}

#[tokio::test]
async fn a_put_that_loses_the_bytes_is_caught() {
    caught(|store| blobs::what_was_put_is_read(store), Call::Put).await;
    caught(|store| blobs::a_put_replaces(store), Call::Put).await;
    caught(|store| blobs::an_empty_body_is_a_blob(store), Call::Put).await;
}

#[tokio::test]
async fn a_list_that_hides_is_caught() {
    caught(|store| blobs::a_list_is_in_byte_order(store), Call::List).await;
    caught(|store| blobs::a_list_is_paged_to_the_end(store), Call::List).await;
}

#[tokio::test]
async fn a_commit_that_is_lost_is_caught() {
    caught(|store| records::what_was_committed_is_read(store), Call::Commit).await;
    caught(|store| records::create_believes_absent(store), Call::Commit).await;
    caught(|store| records::remove_believes_the_version(store), Call::Commit).await;
    caught(|store| records::a_dropped_commit_is_whole_or_absent(store), Call::Commit).await;
}

#[tokio::test]
async fn a_read_that_finds_nothing_is_caught() {
    caught(|store| records::reads_see_what_returned_before(store), Call::Get).await;
    caught(|store| records::a_scan_is_in_byte_order(store), Call::Scan).await;
    caught(|store| blobs::a_range_is_clipped(store), Call::Read).await;
}
