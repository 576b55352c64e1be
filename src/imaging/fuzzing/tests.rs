use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

use super::mutate::{Xorshift, mutated};
use super::rewrite::{Rebuild, rebuilds};
use super::seeds::{Seed, images, texts};
use super::{develop, facts, keys, rewrite, sniff};
use crate::imaging::Limits;
use crate::imaging::sniff::{Extent, inspect};

/// How long one input may take, with room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs a target over seeds and `rounds` mutations of each; names the input that breaks it.
fn run(name: &str, target: fn(&[u8]), seeds: &[Seed], rounds: u64) -> Result<(), String> {
    run_within(PATIENCE, name, target, seeds, rounds)
}

fn run_within(
    patience: Duration,
    name: &str,
    target: fn(&[u8]),
    seeds: &[Seed],
    rounds: u64,
) -> Result<(), String> {
    let inputs = inputs(seeds, rounds);
    let (done, next) = mpsc::channel();
    let job = inputs.clone();
    // Not joined: a target that hangs never ends.
    thread::spawn(move || {
        for (_, bytes) in job {
            let held = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
            if done.send(held.is_ok()).is_err() {
                return;
            }
        }
    });
    for (input, bytes) in inputs {
        let wrong = match next.recv_timeout(patience) {
            Ok(true) => continue,
            Ok(false) => "breaks",
            Err(_) => "hangs",
        };
        let file = std::env::temp_dir().join(format!("galerra-{name}-{wrong}"));
        fs::write(&file, bytes).unwrap();
        return Err(format!("`{name}` {wrong} over {input}, which is in {}", file.display()));
    }
    Ok(())
}

fn inputs(seeds: &[Seed], rounds: u64) -> Vec<Seed> {
    let mut inputs = seeds.to_vec();
    for (nth, (name, file)) in seeds.iter().enumerate() {
        for round in 0..rounds {
            let mut random = Xorshift::new(nth as u64 * 1_000_003 + round + 1);
            let other = &seeds[(nth * 7 + usize::try_from(round).unwrap()) % seeds.len()].1;
            inputs.push((format!("{name}, mutation {round}"), mutated(file, other, &mut random)));
        }
    }
    inputs
}

#[test]
fn headers_hold_under_mutation() {
    run("sniff", sniff, &images(), 1200).unwrap();
}

#[test]
fn developing_holds_under_mutation() {
    run("develop", develop, &images(), 120).unwrap();
}

#[test]
fn texts_hold_under_mutation() {
    run("keys", keys, &texts(), 4000).unwrap();
}

#[test]
fn rebuilding_holds_under_mutation() {
    run("rewrite", rewrite, &images(), 120).unwrap();
}

#[test]
fn facts_hold_under_mutation() {
    run("facts", facts, &images(), 400).unwrap();
}

#[test]
fn a_rebuilt_file_that_is_not_sound_breaks_its_target() {
    let trailing: Rebuild = |bytes, _| Ok(Some([bytes, b"!"].concat()));
    let halved: Rebuild = |bytes, _| Ok(Some(bytes[..bytes.len() / 2].to_vec()));
    let other: Rebuild = |_, header| {
        let flat = vec![9; (header.width * header.height * 3) as usize];
        let colour = image::ExtendedColorType::Rgb8;
        Ok(Some(crate::imaging::sample::png_of(&flat, header.width, header.height, colour)))
    };
    let png = crate::imaging::sample::png(40, 24);
    for rebuild in [trailing, halved, other] {
        assert!(catch_unwind(|| rebuilds(&png, rebuild)).is_err());
    }
}

#[test]
fn a_target_that_breaks_or_hangs_is_told() {
    let seeds = [("a".to_owned(), b"0123456789".to_vec())];
    let panics = run("panics", |bytes| assert!(bytes.starts_with(b"01")), &seeds, 100);
    assert!(panics.unwrap_err().contains("breaks over a, mutation"));
    let hangs = run_within(Duration::from_millis(50), "hangs", |_| thread::sleep(PATIENCE), &seeds, 0);
    assert!(hangs.unwrap_err().contains("hangs over a"));
}

/// Most seeds have to be images, or the mutations of them say nothing.
#[test]
fn seeds_are_accepted() {
    let refused: Vec<_> = images()
        .into_iter()
        .filter(|(_, file)| inspect(file, Extent::Whole, &Limits::default()).is_err())
        .map(|(name, _)| name)
        .collect();
    let hostile = std::env::var_os("GALERRA_HOSTILE").is_some();
    assert!(hostile || refused == ["arithmetic.jpg", "lossless.jpg", "deep.jpg"], "{refused:?}");
}

/// Seeds are files for `fuzz/run`, in the folder that `GALERRA_FUZZ_SEEDS` names.
#[test]
fn seeds_are_written() {
    let scratch = tempfile::tempdir().unwrap();
    let named = std::env::var_os("GALERRA_FUZZ_SEEDS").map(PathBuf::from);
    let folder = named.as_deref().unwrap_or(scratch.path());
    for (kind, seeds) in [("images", images()), ("texts", texts())] {
        let folder = folder.join(kind);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in &seeds {
            fs::write(folder.join(name), bytes).unwrap();
        }
        for (name, bytes) in &seeds {
            assert_eq!(fs::read(folder.join(name)).unwrap(), *bytes, "two seeds are called {name}");
        }
    }
}
