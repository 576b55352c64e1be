use galerra_log::{
    AddCheckpoint, AddCheckpointError, Answer, Checkpoint, Cosignature, ProofError, Refusal, TreeHead,
    WitnessKey, leaf_hash,
};

use crate::grown::{Grown, key, leaf};

const NOW: u64 = 1_767_323_400;

fn witness() -> WitnessKey {
    WitnessKey::new("witness.example/w1", [2; 32]).unwrap()
}

/// Asks by way of the text.
fn ask(log: &Grown, old: u64, seen: TreeHead) -> Answer {
    let proof = if old <= log.edge.size() { log.consistency(old, log.edge.size()) } else { Vec::new() };
    let asked = AddCheckpoint::new(old, proof, &log.checkpoint());
    let read = AddCheckpoint::parse(&asked.to_string()).unwrap();
    assert_eq!((&read, read.origin()), (&asked, key().name()));
    witness().answer(&read, key().verifier(), seen, NOW)
}

#[test]
fn growth_is_cosigned() {
    let mut log = Grown::default();
    let mut seen = TreeHead::EMPTY;
    for grow in [0, 1, 2, 0, 253, 1, 400] {
        let old = log.edge.size();
        log.append((old..old + grow).map(leaf));
        let answer = ask(&log, old, seen);
        assert_eq!(answer.status(), 200);
        let Answer::Cosigned { seen: now, line } = answer else { panic!("{answer:?}") };
        assert_eq!(now, log.edge.head());
        let cosigned = log.checkpoint().with_answer(&line, witness().verifier()).unwrap();
        let opened = Checkpoint::open(&cosigned.to_string(), key().verifier()).unwrap();
        let wanted = Cosignature { name: witness().name().to_owned(), time: NOW };
        assert_eq!(opened.cosigned(&[witness().verifier().clone()]), Ok(vec![wanted]));
        seen = now;
    }
}

#[test]
fn a_fork_is_refused() {
    let seen = Grown::to(300).edge.head();
    let mut fork = Grown::to(299);
    fork.append([leaf_hash(b"other")]);
    // The same size with another root is a conflict (C2SP tlog-witness), and there is no proof for a larger one.
    assert_eq!(ask(&fork, 300, seen), Answer::Conflict { size: 300 });
    fork.append((300..400).map(leaf));
    let answer = ask(&fork, 300, seen);
    assert_eq!((answer.status(), answer), (422, Answer::Refused(Refusal::Proof(ProofError::OldRoot))));
}

#[test]
fn another_size_is_a_conflict() {
    let log = Grown::to(300);
    for old in [0, 200, 299] {
        assert_eq!(ask(&log, old, Grown::to(250).edge.head()), Answer::Conflict { size: 250 });
    }
    assert_eq!(ask(&Grown::to(100), 100, log.edge.head()), Answer::Conflict { size: 300 });
    let answer = ask(&log, 301, log.edge.head());
    assert_eq!(answer, Answer::Refused(Refusal::Proof(ProofError::Beyond { wanted: 301, size: 300 })));
    assert_eq!((answer.status(), Answer::Conflict { size: 1 }.status()), (400, 409));
    assert_eq!(Answer::known_size(&Answer::Conflict { size: 250 }.body()), Some(250));
    for bad in ["", "250", "0250\n", "+250\n", "250\n\n", "250\r\n"] {
        assert_eq!(Answer::known_size(bad), None, "{bad:?}");
    }
}

#[test]
fn only_checkpoints_of_the_log_are_cosigned() {
    let log = Grown::to(3);
    let other = galerra_log::LogKey::new(key().name(), [9; 32]).unwrap();
    let asked = AddCheckpoint::new(0, Vec::new(), &log.edge.head().sign(&other));
    let answer = witness().answer(&asked, key().verifier(), TreeHead::EMPTY, NOW);
    assert_eq!(answer.status(), 403);
    let body = asked.to_string().replace("\n3\n", "\n4\n");
    let forged = AddCheckpoint::parse(&body).unwrap();
    assert_eq!(witness().answer(&forged, other.verifier(), TreeHead::EMPTY, NOW).status(), 403);
    let malformed = AddCheckpoint::parse("old 0\n\nnonsense").unwrap();
    assert_eq!(witness().answer(&malformed, key().verifier(), TreeHead::EMPTY, NOW).status(), 400);
    let proven = AddCheckpoint::new(0, vec![leaf(0)], &log.checkpoint());
    assert_eq!(witness().answer(&proven, key().verifier(), TreeHead::EMPTY, NOW).status(), 422);
    let asked = AddCheckpoint::new(0, Vec::new(), &log.checkpoint());
    let late = witness().answer(&asked, key().verifier(), TreeHead::EMPTY, 1 << 63);
    assert_eq!(late, Answer::Refused(Refusal::Time { time: 1 << 63 }));
}

#[test]
fn a_body_has_one_spelling() {
    let log = Grown::to(300);
    let body = AddCheckpoint::new(200, log.consistency(200, 300), &log.checkpoint()).to_string();
    assert!(AddCheckpoint::parse(&body).is_ok());
    for old in ["old 0200\n", "old +200\n", "old  200\n", "old\n", "Old 200\n", "old 200 \n", "old 200\r\n"] {
        assert_eq!(
            AddCheckpoint::parse(&body.replace("old 200\n", old)),
            Err(AddCheckpointError::Old),
            "{old:?}"
        );
    }
    let bare = body.replacen("=\n", "\n", 1);
    assert!(matches!(AddCheckpoint::parse(&bare), Err(AddCheckpointError::Proof { .. })));
    assert_eq!(AddCheckpoint::parse("old 0\n"), Err(AddCheckpointError::Unparted));
    let endless = format!("old 0\n{}\n", format!("{}\n", leaf(0)).repeat(64));
    assert_eq!(AddCheckpoint::parse(&endless), Err(AddCheckpointError::LongProof));
}

#[test]
fn only_a_right_answer_of_the_witness_is_taken() {
    let log = Grown::to(3);
    let Answer::Cosigned { line, .. } = ask(&log, 0, TreeHead::EMPTY) else { panic!() };
    let checkpoint = log.checkpoint();
    let witness = witness();
    let taken = checkpoint.with_answer(&format!("— other AAAAAAE=\n{line}"), witness.verifier()).unwrap();
    assert_eq!(taken.to_string(), format!("{checkpoint}{line}"));
    assert_eq!(taken.with_answer(&line, witness.verifier()).unwrap(), taken);
    let other = Grown::to(4).checkpoint();
    for wrong in [
        String::new(),
        "\n".to_owned(),
        "— other AAAAAAE=\n".to_owned(),
        format!("{line}{line}"),
        line.trim_end().to_owned(),
    ] {
        assert!(checkpoint.with_answer(&wrong, witness.verifier()).is_err(), "{wrong:?}");
    }
    assert!(other.with_answer(&line, witness.verifier()).is_err());
}
