//! The contracts of [`Blobs`](crate::Blobs) and [`Records`](crate::Records) as test suites.
//!
//! [`blobs_conformance!`](crate::blobs_conformance) and [`records_conformance!`](crate::records_conformance)
//! make one test of every clause, so a backend gets new clauses when it updates this crate. Cases work below
//! a folder of their own and leave other contents alone, so stores may be shared.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a case fails by panicking, and says where"
)]

pub mod blobs;
pub mod records;

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::{Key, Prefix};

/// A folder nobody else uses.
fn folder() -> String {
    format!("conformance/{:016x}", RandomState::new().build_hasher().finish())
}

fn key(folder: &str, name: &str) -> Key {
    Key::parse(format!("{folder}/{name}")).expect("the name is within the grammar")
}

fn prefix(folder: &str) -> Prefix {
    Prefix::parse(folder).expect("the folder is within the grammar")
}

/// A key of the greatest length.
fn longest_key(folder: &str) -> Key {
    let mut name = format!("{folder}/{}", "a".repeat(128));
    while name.len() < crate::MAX_KEY {
        let room = crate::MAX_KEY - name.len();
        name += if name.len() - name.rfind('/').unwrap_or(0) > 100 { "/" } else { &"b"[..room.min(1)] };
    }
    if name.ends_with('/') {
        name.pop();
        name += "-";
    }
    Key::parse(name).expect("the name is within the grammar")
}

/// Makes one test of every clause of the contract of [`Blobs`](crate::Blobs), in a module of the given name.
///
/// The expression is a future of `(guard, store)`, evaluated for every test; the guard outlives the store,
/// for a temporary folder and the like. It may also be a future of an `Option` of both: `None` skips the test.
/// The tests need `tokio` with `macros` and `rt-multi-thread`.
///
/// ```no_run
/// galerra_storage::blobs_conformance!(memory, async { ((), galerra_storage::Memory::new()) });
/// ```
#[macro_export]
macro_rules! blobs_conformance {
    ($name:ident, $store:expr) => {
        $crate::conformance_cases! { $name, $store, blobs,
            what_was_put_is_read
            a_put_replaces
            an_absent_key_is_none
            a_range_is_clipped
            a_long_blob_is_read_whole_and_in_ranges
            an_empty_body_is_a_blob
            the_longest_key_is_kept
            an_erase_tells_what_it_found
            an_erase_leaves_the_others
            a_list_is_in_byte_order
            a_list_ends_at_the_folder
            a_list_sees_what_returned_before
            a_list_is_paged_to_the_end
            a_failing_body_leaves_nothing
            a_failing_long_body_leaves_nothing
            a_failing_body_keeps_what_was_there
            a_dropped_put_leaves_nothing
            an_overwrite_is_seen_whole
            many_puts_at_once_are_kept
        }
    };
}

/// Makes one test of every clause of the contract of [`Records`](crate::Records), in a module of the given name.
///
/// The expression is as for [`blobs_conformance!`](crate::blobs_conformance).
///
/// ```no_run
/// galerra_storage::records_conformance!(memory, async { ((), galerra_storage::Memory::new()) });
/// ```
#[macro_export]
macro_rules! records_conformance {
    ($name:ident, $store:expr) => {
        $crate::conformance_cases! { $name, $store, records,
            what_was_committed_is_read
            a_get_answers_in_the_order_asked
            a_get_of_too_many_keys_is_invalid
            create_believes_absent
            replace_believes_the_version
            remove_believes_the_version
            expect_believes_what_it_says
            one_wrong_belief_stops_the_batch
            a_key_named_twice_is_invalid
            an_empty_batch_commits
            a_batch_has_one_version
            versions_grow_across_removal
            sizes_up_to_the_limits_are_kept
            sizes_above_the_limits_are_invalid
            a_value_that_is_not_json_is_invalid
            the_character_zero_is_invalid
            every_other_character_is_kept
            a_scan_is_in_byte_order
            a_scan_ends_at_the_folder
            a_scan_is_paged_to_the_end
            reads_see_what_returned_before
            no_update_is_lost
            disjoint_batches_all_commit
            one_of_many_creators_wins
            beliefs_hold_when_the_batch_takes_effect
            an_expected_record_cannot_vanish
            crossing_batches_do_not_block
            a_dropped_commit_is_whole_or_absent
        }
    };
}

/// Lists the tests; not for direct use.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($name:ident, $store:expr, $suite:ident, $($case:ident)*) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may not name anything outside")]
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some((guard, store)) = Option::from($store.await) {
                        $crate::conformance::$suite::$case(std::sync::Arc::new(store)).await;
                        drop::<_>(guard);
                    }
                }
            )*
        }
    };
}
