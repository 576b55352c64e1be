use galerra_log::{
    Checkpoint, CheckpointError, KeyError, LogKey, LogVerifier, NoteError, TreeHead, WitnessKey,
    WitnessVerifier,
};
use signed_note::{Note, StandardVerifier, VerifierList};

use crate::grown::{Grown, key};

const LOG: &str = "gallery.example/erasure-log+248cf232+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
const WITNESS: &str = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

#[test]
fn keys_are_printed_and_read_in_one_spelling() {
    let log = LogKey::new("gallery.example/erasure-log", [1; 32]).unwrap();
    let witness = WitnessKey::new("witness.example/w1", [2; 32]).unwrap();
    assert_eq!(
        (log.verifier().to_string(), witness.verifier().to_string()),
        (LOG.to_owned(), WITNESS.to_owned())
    );
    assert_eq!(LogVerifier::parse(LOG).unwrap(), *log.verifier());
    assert_eq!(serde_json::from_str::<LogVerifier>(&format!("\"{LOG}\"")).unwrap(), *log.verifier());
    assert_eq!(WitnessVerifier::parse(WITNESS).unwrap(), *witness.verifier());
    let swapped = LogVerifier::parse(WITNESS);
    assert!(matches!(swapped, Err(KeyError::Purpose { found: 4, wanted: 1, .. })), "{swapped:?}");
    assert!(WitnessVerifier::parse(LOG).is_err());
    for at in 0..LOG.len() {
        for bit in 0..8 {
            let mut bytes = LOG.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(LogVerifier::parse(&text).is_err(), "{text}");
        }
    }
    for bad in
        ["", "a", "a+b", "a+b+c", "a+248cf232+", &LOG.replace("248cf232", "248CF232"), &format!("{LOG}\n")]
    {
        assert!(LogVerifier::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_key_under_which_anybody_can_sign_is_refused() {
    // The neutral element of the curve.
    let weak = "a+6c6dfa36+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(matches!(LogVerifier::parse(weak), Err(KeyError::Weak { .. })));
}

#[test]
fn names_are_those_of_notes() {
    for bad in ["", "a b", "a+b", "a\n", "a\u{a0}b", "a\u{7f}", "\u{85}"] {
        assert!(LogKey::new(bad, [1; 32]).is_err(), "{bad:?}");
    }
}

#[test]
fn a_secret_is_never_printed() {
    let key = LogKey::new("gallery.example/log", [0x41; 32]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(gallery.example/log, …)");
}

#[test]
fn another_implementation_opens_our_checkpoints() {
    let text = Grown::to(9).checkpoint().to_string();
    let note = Note::from_bytes(text.as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&key().verifier().to_string()).unwrap();
    let (signatures, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!(signatures.len(), 1);
    let theirs = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((theirs.origin(), theirs.size()), ("gallery.example/log", 9));
    assert_eq!(theirs.hash().0, *Grown::to(9).edge.root().as_bytes());
}

#[test]
fn a_checkpoint_has_one_spelling() {
    let key = key();
    let checkpoint = Grown::to(9).checkpoint();
    let text = checkpoint.to_string();
    let read = Checkpoint::open(&text, key.verifier()).unwrap();
    assert_eq!(read, checkpoint);
    assert_eq!((read.origin(), read.head().size, read.to_string()), (key.name(), 9, text.clone()));
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(Checkpoint::open(&text, key.verifier()).is_err(), "{text}");
        }
    }
    let signature = text.lines().last().unwrap();
    let twice = Checkpoint::open(&format!("{text}{signature}\n"), key.verifier());
    assert_eq!(twice, Err(CheckpointError::Note(NoteError::Twice { name: key.name().to_owned() })));
    let stranger = format!("{text}— stranger AAAAAAE=\n");
    assert_eq!(Checkpoint::open(&stranger, key.verifier()).unwrap().to_string(), stranger);
    for line in [
        "— stranger AAAAAA==",
        "— stranger AAAAAAF=",
        "- stranger AAAAAAE=",
        "—  stranger AAAAAAE=",
        "— stranger AAAAAAE= ",
        "",
        "— s+ AAAAAAE=",
    ] {
        assert!(Checkpoint::open(&format!("{text}{line}\n"), key.verifier()).is_err(), "{line:?}");
    }
    let crowd = (0..64).map(|n| format!("— stranger{n} AAAAAAE=\n")).collect::<Vec<_>>().concat();
    assert_eq!(
        Checkpoint::open(&format!("{text}{crowd}"), key.verifier()),
        Err(CheckpointError::Note(NoteError::TooMany))
    );
}

#[test]
fn a_checkpoint_is_of_one_log_alone() {
    let text = Grown::to(9).checkpoint().to_string();
    let other = LogKey::new("gallery.example/other", [1; 32]).unwrap();
    assert!(matches!(Checkpoint::open(&text, other.verifier()), Err(CheckpointError::Origin { .. })));
    let impostor = LogKey::new("gallery.example/log", [2; 32]).unwrap();
    let unsigned = Checkpoint::open(&text, impostor.verifier());
    assert!(matches!(unsigned, Err(CheckpointError::Note(NoteError::Unsigned { .. }))));
    let empty = TreeHead::EMPTY.sign(&other);
    assert_eq!(Checkpoint::open(&empty.to_string(), other.verifier()).unwrap().head(), TreeHead::EMPTY);
    let impossible = TreeHead { size: 0, root: Grown::to(1).edge.root() }.sign(&other).to_string();
    assert!(matches!(Checkpoint::open(&impossible, other.verifier()), Err(CheckpointError::Root { .. })));
    let huge = TreeHead { size: u64::MAX, root: Grown::to(1).edge.root() }.sign(&other).to_string();
    assert!(matches!(Checkpoint::open(&huge, other.verifier()), Err(CheckpointError::Size { .. })));
}
