use galerra_log::{Edge, EdgeError, Hash, PlanError, TileId, node_hash};

use crate::grown::{Grown, Numbers, leaf};

/// The root as RFC 6962 §2.1 defines it, word for word.
fn defined(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY,
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            node_hash(&defined(&leaves[..k]), &defined(&leaves[k..]))
        }
    }
}

fn assert_rebuilt(log: &Grown) {
    let size = log.edge.size();
    let rebuilt = Edge::rebuild(&log.checkpoint(), |id| log.read(id)).unwrap();
    assert_eq!(rebuilt, log.edge, "rebuilt at {size}");
    let json = serde_json::to_string(&log.edge).unwrap();
    assert_eq!(serde_json::from_str::<Edge>(&json).unwrap(), log.edge, "stored at {size}");
}

#[test]
fn one_by_one_is_all_at_once_is_rebuilt_from_tiles() {
    let leaves: Vec<_> = (0..700).map(leaf).collect();
    let mut step = Grown::default();
    assert_rebuilt(&step);
    for (before, leaf) in leaves.iter().enumerate() {
        step.append([*leaf]);
        let size = before + 1;
        assert_eq!(step.edge.root(), defined(&leaves[..size]), "root at {size}");
        assert_rebuilt(&step);
        let leap = Grown::to(size as u64);
        assert_eq!(leap.edge, step.edge);
        // Taken in one go it publishes fewer partial tiles, and none that are otherwise.
        assert!(leap.tiles.iter().all(|(id, hashes)| step.tiles.get(id) == Some(hashes)));
        assert_rebuilt(&leap);
    }
}

#[test]
fn any_steps_lead_to_the_same_tree() {
    let mut numbers = Numbers(1);
    let leaves: Vec<_> = (0..140_000).map(leaf).collect();
    for _ in 0..4 {
        let mut log = Grown::default();
        for _ in 0..5 {
            let from = usize::try_from(log.edge.size()).unwrap();
            let to = from + usize::try_from(numbers.below(28_000)).unwrap();
            log.append(leaves[from..to].iter().copied());
            assert_eq!(log.edge.root(), defined(&leaves[..to]), "root at {to}");
            assert_rebuilt(&log);
        }
    }
    let mut exact = Grown::default();
    exact.append(leaves[..65_536].iter().copied());
    assert_eq!(exact.edge.root(), defined(&leaves[..65_536]));
    assert_rebuilt(&exact);
    assert_eq!(Edge::tiles(65_536), [TileId::within(2, 0, 65_536).unwrap()]);
}

#[test]
fn what_is_appended_is_published() {
    let mut edge = Edge::default();
    assert!(edge.append([]).is_empty());
    let paths = |tiles: Vec<galerra_log::Tile>| tiles.iter().map(|tile| tile.id().path()).collect::<Vec<_>>();
    assert_eq!(paths(edge.append((0..3).map(leaf))), ["tile/0/000.p/3"]);
    assert_eq!(paths(edge.append((3..256).map(leaf))), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(paths(edge.append([leaf(256)])), ["tile/0/001.p/1"]);
    assert!(edge.append([]).is_empty());
    let wanted = ["tile/0/001", "tile/0/002", "tile/0/003.p/1", "tile/1/000.p/3"];
    assert_eq!(paths(edge.append((257..769).map(leaf))), wanted);
}

#[test]
fn a_wrong_tile_rebuilds_nothing() {
    let log = Grown::to(600);
    let checkpoint = log.checkpoint();
    for id in Edge::tiles(600) {
        let missing = Edge::rebuild(&checkpoint, |tile| log.read(tile).filter(|_| tile != id));
        assert_eq!(missing, Err(PlanError::Missing { id }));
        let altered = Edge::rebuild(&checkpoint, |tile| {
            let mut hashes = log.read(tile)?;
            hashes[0] = if tile == id { leaf(9999) } else { hashes[0] };
            Some(hashes)
        });
        assert_eq!(altered, Err(PlanError::Root { size: 600 }));
        let found = usize::try_from(id.width()).unwrap() - 1;
        let narrow = Edge::rebuild(&checkpoint, |tile| Some(log.read(tile)?[..found].to_vec()));
        assert!(matches!(narrow, Err(PlanError::Narrow { .. })), "{narrow:?}");
    }
}

#[test]
fn a_record_that_does_not_fit_its_size_is_refused() {
    let stored = |json: &str| serde_json::from_str::<Edge>(json);
    assert_eq!(stored(r#"{"size":0,"levels":[]}"#).unwrap(), Edge::default());
    let leaf = leaf(0);
    assert_eq!(stored(&format!(r#"{{"size":1,"levels":["{leaf}"]}}"#)).unwrap(), Grown::to(1).edge);
    for bad in [
        r#"{"size":1,"levels":[]}"#.to_owned(),
        r#"{"size":0,"levels":[""]}"#.to_owned(),
        r#"{"size":9223372036854775808,"levels":["","","","","","","",""]}"#.to_owned(),
        format!(r#"{{"size":2,"levels":["{leaf}"]}}"#),
        format!(r#"{{"size":1,"levels":["{leaf}",""]}}"#),
        format!(r#"{{"size":1,"levels":["{}"]}}"#, leaf.to_string().trim_end_matches('=')),
        format!(r#"{{"size":1,"levels":["{leaf}"],"more":1}}"#),
    ] {
        assert!(stored(&bad).is_err(), "{bad}");
    }
    let error = stored(r#"{"size":1,"levels":[]}"#).unwrap_err().to_string();
    assert!(error.starts_with(&EdgeError.to_string()), "{error}");
}

#[test]
fn the_widest_record_is_small() {
    // As wide as seven levels get, which no log will ever be.
    let level = format!("\"{}\"", zeros(255));
    let widest = format!(
        r#"{{"size":{},"levels":[{level}{}]}}"#,
        0x00ff_ffff_ffff_ffff_u64,
        format!(",{level}").repeat(6)
    );
    let edge: Edge = serde_json::from_str(&widest).unwrap();
    let json = serde_json::to_string(&edge).unwrap();
    assert_eq!(json, widest);
    assert!(json.len() < 80_000, "{}", json.len());
}

/// Base64 of so many hashes of zeros; 255 of them need no padding.
fn zeros(hashes: usize) -> String {
    "A".repeat(hashes * Hash::LENGTH / 3 * 4)
}
