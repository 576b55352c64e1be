use galerra_log::{
    Checkpoint, CheckpointError, Contents, Cosignature, Edge, LogKey, LogVerifier, NoteError, Plan,
    ProofError, Receipt, ReceiptError, WitnessKey, WitnessVerifier, canonical, commitment, evidence_hash,
    leaf_hash,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Vector {
    keys: Keys,
    entry_index: u64,
    entries_jcs: Vec<String>,
    leaf_hashes_hex: Vec<String>,
    root_base64: String,
    evidence: Value,
    evidence_sha256_hex: String,
    commitment: Committed,
    receipt: String,
    must_reject: Vec<(usize, u32, String)>,
}

#[derive(Deserialize)]
struct Keys {
    log_vkey: LogVerifier,
    witness_vkey: WitnessVerifier,
    witness_time: u64,
}

#[derive(Deserialize)]
struct Committed {
    salt_hex: String,
    object_id: String,
    commitment_hex: String,
}

fn vector() -> Vector {
    serde_json::from_str(include_str!("../vectors/receipt.json")).unwrap()
}

impl Vector {
    fn verify(&self, text: &str) -> Result<galerra_log::Verified, ReceiptError> {
        Receipt::verify(text, &self.keys.log_vkey, std::slice::from_ref(&self.keys.witness_vkey))
    }

    fn contents(&self) -> Contents {
        Contents {
            entry: serde_json::from_str(&self.entries_jcs[5]).unwrap(),
            evidence: self.evidence.clone(),
            object_id: self.commitment.object_id.clone(),
            salt: self.commitment.salt_hex.parse().unwrap(),
        }
    }

    fn edge(&self) -> (Edge, Vec<galerra_log::Tile>) {
        let mut edge = Edge::default();
        let tiles = edge.append(self.entries_jcs.iter().map(|entry| leaf_hash(entry.as_bytes())));
        (edge, tiles)
    }
}

#[test]
fn the_vector_verifies() {
    let vector = vector();
    let verified = vector.verify(&vector.receipt).unwrap();
    let contents = vector.contents();
    assert_eq!((verified.entry, verified.evidence), (contents.entry, vector.evidence.clone()));
    assert_eq!((verified.index, verified.size), (vector.entry_index, 11));
    assert_eq!(verified.object_id, vector.commitment.object_id);
    let time = vector.keys.witness_time;
    assert_eq!(verified.cosigned, [Cosignature { name: "witness.example/w1".to_owned(), time }]);
    assert!(Receipt::verify(&vector.receipt, &vector.keys.log_vkey, &[]).unwrap().cosigned.is_empty());
}

#[test]
fn the_entries_of_the_vector_have_its_hashes() {
    let vector = vector();
    for (entry, hash) in vector.entries_jcs.iter().zip(&vector.leaf_hashes_hex) {
        assert_eq!(leaf_hash(entry.as_bytes()).to_hex(), *hash);
        assert_eq!(canonical(&serde_json::from_str(entry).unwrap()).unwrap(), *entry);
    }
    assert_eq!(vector.edge().0.root().to_string(), vector.root_base64);
    let Contents { salt, object_id, .. } = vector.contents();
    assert_eq!(commitment(&salt, &object_id).to_hex(), vector.commitment.commitment_hex);
    assert_eq!(evidence_hash(&vector.evidence).unwrap().to_hex(), vector.evidence_sha256_hex);
}

#[test]
fn our_receipt_is_that_of_the_vector_byte_for_byte() {
    let vector = vector();
    let log = LogKey::new(vector.keys.log_vkey.name(), [1; 32]).unwrap();
    let witness = WitnessKey::new(vector.keys.witness_vkey.name(), [2; 32]).unwrap();
    let (edge, tiles) = vector.edge();
    let checkpoint = edge.head().sign(&log);
    let asked = galerra_log::AddCheckpoint::new(0, Vec::new(), &checkpoint);
    let answer =
        witness.answer(&asked, log.verifier(), galerra_log::TreeHead::EMPTY, vector.keys.witness_time);
    let galerra_log::Answer::Cosigned { line, .. } = answer else { panic!("{answer:?}") };
    let checkpoint = checkpoint.with_answer(&line, witness.verifier()).unwrap();
    let plan = Plan::inclusion(vector.entry_index, edge.size()).unwrap();
    let path = plan.hashes(|id| tiles.iter().find(|tile| tile.id() == id).map(|tile| tile.hashes().to_vec()));
    let receipt = Receipt::new(vector.contents(), vector.entry_index, path.unwrap(), checkpoint).unwrap();
    assert_eq!(receipt.to_string(), vector.receipt);
    assert_eq!(Receipt::open(&vector.receipt, log.verifier()).unwrap(), receipt);
}

#[test]
fn every_single_bit_counts() {
    let vector = vector();
    let mut refused = 0;
    for at in 0..vector.receipt.len() {
        for bit in 0..8 {
            let mut bytes = vector.receipt.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let accepted = String::from_utf8(bytes).is_ok_and(|text| vector.verify(&text).is_ok());
            assert!(!accepted, "bit {bit} of byte {at}");
            refused += 1;
        }
    }
    assert_eq!(refused, 12_872);
    for (at, bit, class) in &vector.must_reject {
        let mut bytes = vector.receipt.clone().into_bytes();
        bytes[*at] ^= 1 << bit;
        assert!(
            String::from_utf8(bytes).map_or(true, |text| vector.verify(&text).is_err()),
            "{class} {at} {bit}"
        );
    }
    assert_eq!(vector.must_reject.len(), 55);
}

#[test]
fn nothing_may_be_cut_off_or_put_on() {
    let vector = vector();
    for (at, _) in vector.receipt.char_indices() {
        assert!(vector.verify(&vector.receipt[..at]).is_err(), "first {at} bytes");
        assert!(at == 0 || vector.verify(&vector.receipt[at..]).is_err(), "from byte {at}");
        for put in ["\n", " ", "A", "=", "0", "\u{feff}"] {
            let (before, after) = vector.receipt.split_at(at);
            assert!(vector.verify(&format!("{before}{put}{after}")).is_err(), "{put:?} at byte {at}");
        }
    }
    assert!(vector.verify(&format!("{}\n", vector.receipt)).is_err());
    assert!(vector.verify(&vector.receipt.replace('\n', "\r\n")).is_err());
}

/// The text of the vector with other contents.
fn with_extra(vector: &Vector, json: &str) -> String {
    let mut lines: Vec<_> = vector.receipt.split('\n').map(str::to_owned).collect();
    lines[1] = format!("extra {}", data_encoding::BASE64.encode(json.as_bytes()));
    lines.join("\n")
}

#[test]
fn contents_have_one_spelling_and_belong_together() {
    let vector = vector();
    let Contents { entry, evidence, object_id, salt } = vector.contents();
    let salt = salt.to_hex();
    let right = json!({ "entry": entry, "evidence": evidence, "object_id": object_id, "salt": salt });
    let text = canonical(&right).unwrap();
    assert_eq!(with_extra(&vector, &text), vector.receipt);
    let error = |json: &str| vector.verify(&with_extra(&vector, json)).unwrap_err();

    let twice = text.replacen("\"copies\":7,", "\"copies\":8,\"copies\":7,", 1);
    let escaped = text.replace("galerra-erasure-1", "galerra\\u002derasure-1");
    let exponent = text.replace("\"copies\":7", "\"copies\":7e0");
    let array = json!([entry, evidence, object_id, salt]).to_string();
    assert_eq!(error(&format!("{text} ")), ReceiptError::Spelling);
    assert_eq!(error(&text.replace(":7", ": 7")), ReceiptError::Spelling);
    assert_eq!(error(&twice), ReceiptError::Spelling);
    assert_eq!(error(&escaped), ReceiptError::Spelling);
    assert_eq!(error(&array), ReceiptError::Spelling);
    assert!(matches!(error(&exponent), ReceiptError::Number(_)));
    assert!(matches!(error(&format!("{text}{text}")), ReceiptError::Contents { .. }));
    assert!(matches!(error(&text.replace(&salt, &salt.to_uppercase())), ReceiptError::Contents { .. }));
    for member in ["entry", "evidence", "object_id", "salt"] {
        let mut less = right.clone();
        less.as_object_mut().unwrap().remove(member);
        assert!(matches!(error(&canonical(&less).unwrap()), ReceiptError::Contents { .. }), "{member}");
    }
    let change = |pointer: &str, value: Value| {
        let mut changed = right.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        error(&canonical(&changed).unwrap())
    };
    let mut more = right.clone();
    more["more"] = json!(1);
    assert!(matches!(error(&canonical(&more).unwrap()), ReceiptError::Contents { .. }));
    assert_eq!(change("/entry/v", json!("galerra-erasure-2")), ReceiptError::Version);
    assert_eq!(change("/entry/object", json!("E0")), ReceiptError::Object);
    assert_eq!(change("/object_id", json!("another")), ReceiptError::Object);
    assert_eq!(change("/evidence/edges/0/status", json!(200)), ReceiptError::Evidence);
    assert_eq!(change("/entry/copies", json!(8)), ReceiptError::Inclusion(ProofError::Root));
    assert!(matches!(change("/entry", json!("entry")), ReceiptError::Version));
}

#[test]
fn each_rule_is_named_when_broken() {
    let vector = vector();
    let error = |from: &str, to: &str| {
        let text = vector.receipt.replacen(from, to, 1);
        assert_ne!(text, vector.receipt);
        vector.verify(&text).unwrap_err()
    };
    assert_eq!(error("@v1", "@v2"), ReceiptError::Kind);
    assert_eq!(error("extra ", "Extra "), ReceiptError::Extra);
    for index in ["index 05", "index +5", "index  5", "index -5", "index ", "Index 5"] {
        assert_eq!(error("index 5", index), ReceiptError::Index, "{index}");
    }
    assert_eq!(
        error("index 5", "index 11"),
        ReceiptError::Inclusion(ProofError::Beyond { wanted: 11, size: 11 })
    );
    assert_eq!(error("index 5", "index 4"), ReceiptError::Inclusion(ProofError::Root));
    assert!(matches!(error("TYUr", "TYU"), ReceiptError::Path { .. }));
    let hash = "TYUrF8fyw4gIKyC715nB0ROcwqyRKCF5SVY9plSIOz8=\n";
    assert_eq!(error(hash, ""), ReceiptError::Inclusion(ProofError::Length { found: 3 }));
    assert_eq!(error(hash, &hash.repeat(2)), ReceiptError::Inclusion(ProofError::Length { found: 5 }));
    assert_eq!(error("extra ", "\u{b}extra "), ReceiptError::Text(NoteError::Control { at: 23 }));
    let name = "gallery.example/erasure-log".to_owned();
    let forged = ReceiptError::Checkpoint(CheckpointError::Note(NoteError::Forged { name }));
    assert_eq!(error("JIzyMsbf", "JIzyMsbg"), forged);
    assert_eq!(error("\n11\n", "\n12\n"), forged);
    assert!(matches!(error("\n11\n", "\n011\n"), ReceiptError::Checkpoint(CheckpointError::Size { .. })));
    let extended = error("LMDwE=\n", "LMDwE=\nmore\n");
    assert_eq!(extended, ReceiptError::Checkpoint(CheckpointError::Lines));
}

#[test]
fn every_witness_that_is_asked_for_must_have_cosigned() {
    let vector = vector();
    let (log, witness) = (&vector.keys.log_vkey, vector.keys.witness_vkey.clone());
    let other = WitnessKey::new("witness.example/w2", [3; 32]).unwrap();
    let missing = Receipt::verify(&vector.receipt, log, &[witness, other.verifier().clone()]);
    let name = other.name().to_owned();
    assert_eq!(missing, Err(ReceiptError::Checkpoint(CheckpointError::Note(NoteError::Unsigned { name }))));
}

#[test]
fn a_wrong_receipt_cannot_be_made() {
    let vector = vector();
    let text = vector.receipt.split_once("\n\n").unwrap().1;
    let checkpoint = Checkpoint::open(text, &vector.keys.log_vkey).unwrap();
    let made = |contents, index| Receipt::new(contents, index, Vec::new(), checkpoint.clone());
    assert!(matches!(
        made(vector.contents(), 5),
        Err(ReceiptError::Inclusion(ProofError::Length { found: 0 }))
    ));
    let other = Contents { object_id: "another".to_owned(), ..vector.contents() };
    assert_eq!(made(other, 5), Err(ReceiptError::Object));
    let float = Contents { evidence: json!(0.5), ..vector.contents() };
    assert!(matches!(made(float, 5), Err(ReceiptError::Number(_))));
}

#[test]
fn no_debug_links_the_entry_to_the_object() {
    let vector = vector();
    let receipt = Receipt::open(&vector.receipt, &vector.keys.log_vkey).unwrap();
    let printed = format!("{receipt:?} {:?} {:?}", vector.contents(), vector.contents().salt);
    let extra = vector.receipt.lines().nth(1).unwrap().strip_prefix("extra ").unwrap();
    for secret in [&vector.commitment.object_id, &vector.commitment.salt_hex, extra] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
