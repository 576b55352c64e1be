#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| galerra::imaging::fuzzing::develop(bytes));
