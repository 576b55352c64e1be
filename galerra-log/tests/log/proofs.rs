use galerra_log::{
    Edge, Hash, MAX_SIZE, Plan, PlanError, ProofError, TileId, TreeHead, leaf_hash, verify_consistency,
    verify_inclusion,
};

use crate::grown::{Grown, Numbers, heads, leaf};

/// Every proof that differs from a right one by a hash: altered, left out, doubled, added, or two exchanged.
fn altered(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let other = leaf_hash(b"other");
    let mut all = vec![[proof, &[other]].concat(), [&[other], proof].concat()];
    for at in 0..proof.len() {
        let (before, after) = (&proof[..at], &proof[at + 1..]);
        all.push([before, &[other], after].concat());
        all.push([before, after].concat());
        all.push([before, &[proof[at]], &proof[at..]].concat());
        if at > 0 {
            let mut exchanged = proof.to_vec();
            exchanged.swap(at - 1, at);
            all.push(exchanged);
        }
    }
    all
}

#[test]
fn a_leaf_is_included_where_it_is_and_nowhere_else() {
    const TO: u64 = 70;
    let (log, heads) = (Grown::to(TO), heads(TO));
    for head in &heads {
        for index in 0..head.size {
            let path = log.inclusion(index, head.size);
            assert_eq!(
                verify_inclusion(leaf(index), index, &path, *head),
                Ok(()),
                "{index} in {}",
                head.size
            );
            assert!(verify_inclusion(leaf(index + 1), index, &path, *head).is_err());
            for other in (0..=head.size).filter(|other| *other != index) {
                assert!(verify_inclusion(leaf(index), other, &path, *head).is_err());
            }
            for path in altered(&path) {
                assert!(verify_inclusion(leaf(index), index, &path, *head).is_err());
            }
            for other in heads.iter().filter(|other| other.size != head.size) {
                assert!(verify_inclusion(leaf(index), index, &path, *other).is_err());
            }
        }
    }
}

#[test]
fn a_tree_that_grew_is_consistent_and_no_other() {
    const TO: u64 = 70;
    let (log, heads) = (Grown::to(TO), heads(TO));
    for new in &heads {
        for old in heads.iter().filter(|old| old.size <= new.size) {
            let proof = log.consistency(old.size, new.size);
            assert_eq!(verify_consistency(*old, *new, &proof), Ok(()), "{} to {}", old.size, new.size);
            for proof in altered(&proof) {
                assert!(verify_consistency(*old, *new, &proof).is_err(), "{} to {}", old.size, new.size);
            }
            let forked = TreeHead { root: leaf_hash(b"fork"), ..*old };
            assert!(verify_consistency(forked, *new, &proof).is_err());
            let forked = TreeHead { root: leaf_hash(b"fork"), ..*new };
            assert_eq!(verify_consistency(*old, forked, &proof).is_ok(), old.size == 0 && new.size > 0);
            if old.size < new.size {
                assert!(verify_consistency(*new, *old, &proof).is_err());
            }
        }
    }
}

#[test]
fn proofs_cross_tiles() {
    const TO: u64 = 70_000;
    let mut numbers = Numbers(2);
    let log = Grown::to(TO);
    let leaves: Vec<_> = (0..TO).map(leaf).collect();
    let head = |size: u64| {
        let mut edge = Edge::default();
        edge.append(leaves[..usize::try_from(size).unwrap()].iter().copied());
        edge.head()
    };
    for _ in 0..300 {
        let new = 1 + numbers.below(TO);
        let (old, index) = (numbers.below(new + 1), numbers.below(new));
        let path = log.inclusion(index, new);
        assert_eq!(verify_inclusion(leaf(index), index, &path, head(new)), Ok(()), "{index} in {new}");
        let proof = log.consistency(old, new);
        assert_eq!(verify_consistency(head(old), head(new), &proof), Ok(()), "{old} to {new}");
    }
}

#[test]
fn a_plan_asks_for_each_tile_once() {
    let log = Grown::to(70_000);
    let plan = Plan::inclusion(300, 70_000).unwrap();
    let paths: Vec<_> = plan.tiles().iter().map(TileId::path).collect();
    assert_eq!(paths, ["tile/0/001", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17"]);
    let mut asked = Vec::new();
    let path = plan.hashes(|id| {
        asked.push(id);
        log.read(id)
    });
    assert_eq!((asked, path.unwrap().len()), (plan.tiles(), 17));
    let id = plan.tiles()[1];
    assert_eq!(plan.hashes(|tile| log.read(tile).filter(|_| tile != id)), Err(PlanError::Missing { id }));
}

#[test]
fn what_is_beyond_the_tree_has_no_proof() {
    assert_eq!(Plan::inclusion(7, 7), Err(PlanError::Beyond { wanted: 7, size: 7 }));
    assert!(Plan::inclusion(0, 0).is_err());
    assert!(Plan::consistency(8, 7).is_err());
    assert!(Plan::consistency(u64::MAX, u64::MAX).is_err());
    assert_eq!(Plan::inclusion(0, MAX_SIZE + 1), Err(PlanError::Size { size: MAX_SIZE + 1 }));
    assert_eq!(Plan::consistency(7, 7).unwrap().tiles(), []);
    assert_eq!(Plan::consistency(0, 7).unwrap().tiles(), []);
    for index in [0, MAX_SIZE / 2, MAX_SIZE - 1] {
        assert!(Plan::inclusion(index, MAX_SIZE).unwrap().tiles().len() <= 63);
    }
    assert!(Plan::consistency(MAX_SIZE - 1, MAX_SIZE).is_ok());
    let large = TreeHead { size: u64::MAX, root: Hash::EMPTY };
    assert_eq!(
        verify_inclusion(leaf(0), 0, &[], large),
        Err(ProofError::Beyond { wanted: 0, size: u64::MAX })
    );
    assert!(verify_consistency(large, large, &[]).is_err());
    let path = vec![leaf(0); 64];
    let head = TreeHead { size: MAX_SIZE, root: Hash::EMPTY };
    assert_eq!(verify_inclusion(leaf(0), 0, &path, head), Err(ProofError::Length { found: 64 }));
    assert_eq!(verify_inclusion(leaf(0), 0, &path[1..], head), Err(ProofError::Root));
    assert_eq!(verify_consistency(TreeHead { size: 0, root: leaf(0) }, head, &[]), Err(ProofError::OldRoot));
}
