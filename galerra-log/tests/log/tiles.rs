use galerra_log::{BundleError, BundleId, Tile, TileId};
use tlog_tiles::{
    HashReader, check_record, check_tree, prove_record, prove_tree, stored_hash_index,
    stored_hashes_for_record_hash, tree_hash,
};

use crate::grown::{Grown, Numbers, leaf};

#[test]
fn paths_are_those_of_the_specification() {
    for (path, level, index, width) in [
        ("tile/0/000", 0, 0, 256),
        ("tile/0/273.p/112", 0, 273, 112),
        ("tile/2/999", 2, 999, 256),
        ("tile/1/x001/000.p/1", 1, 1000, 1),
        ("tile/0/x001/x234/067", 0, 1_234_067, 256),
        ("tile/0/x001/x234/067.p/255", 0, 1_234_067, 255),
        ("tile/7/000.p/127", 7, 0, 127),
    ] {
        let id = TileId::parse(path).unwrap();
        assert_eq!((id.level(), id.index(), id.width()), (level, index, width));
        assert_eq!(id.path(), path);
    }
    for bad in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/+1/000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/x1/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/",
        "tile/0/000.p/1.p/1",
        "tile/0/-01",
        "tile/0/000/",
        "/tile/0/000",
        "tile/64/000",
        "tile/8/000.p/1",
        "tile/7/000",
        "tile/7/001.p/1",
        "tile/data/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/xx01/000",
        "tile/0/000 ",
        "tile/0/٠٠٠",
        "tile/entries/000",
        "tile/99999999999/000",
    ] {
        assert!(TileId::parse(bad).is_err(), "{bad:?}");
        assert!(
            BundleId::parse(&bad.replace("/0/", "/entries/")).is_err() || bad == "tile/entries/000",
            "{bad:?}"
        );
    }
    let bundle = BundleId::with_entry(1_234_067 * 256, 1_234_067 * 256 + 8).unwrap();
    assert_eq!(bundle.path(), "tile/entries/x001/x234/067.p/8");
    assert_eq!(BundleId::parse(&bundle.path()).unwrap(), bundle);
    assert_eq!(TileId::parse("tile/0/x001/x234/067.p/8").unwrap().bundle(), Some(bundle));
    assert_eq!(TileId::parse("tile/1/000.p/8").unwrap().bundle(), None);
    assert_eq!((BundleId::with_entry(8, 8), BundleId::with_entry(255, 256).unwrap().width()), (None, 256));
}

#[test]
fn tiles_and_bundles_are_read_as_written() {
    let log = Grown::to(300);
    for (id, hashes) in &log.tiles {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
        let tile = Tile::from_bytes(*id, &bytes).unwrap();
        assert_eq!((tile.hashes(), tile.to_bytes()), (&hashes[..], bytes.clone()));
        for wrong in [&bytes[1..], &bytes[32..], &[], &[&bytes[..], &bytes[..32]].concat()] {
            assert!(Tile::from_bytes(*id, wrong).is_err());
        }
    }
    let id = BundleId::with_entry(2, 3).unwrap();
    let longest = vec![7; BundleId::LONGEST_ENTRY];
    let entries: [&[u8]; 3] = [b"one", b"", &longest];
    let bytes = id.write(&entries).unwrap();
    assert_eq!(bytes[..7], [0, 3, b'o', b'n', b'e', 0, 0]);
    assert_eq!(id.read(&bytes).unwrap(), entries);
    assert_eq!(id.read(&bytes[..bytes.len() - 1]), Err(BundleError::Truncated));
    assert_eq!(id.read(&[&bytes[..], &[0]].concat()), Err(BundleError::Truncated));
    assert_eq!(id.read(&bytes[..7]), Err(BundleError::Count { found: 2, wanted: 3 }));
    assert_eq!(id.write(&entries[1..]), Err(BundleError::Count { found: 2, wanted: 3 }));
    let too_long = vec![7; BundleId::LONGEST_ENTRY + 1];
    assert_eq!(id.write(&[&too_long, &too_long, &too_long]), Err(BundleError::LongEntry { length: 65_536 }));
}

/// The tree as another implementation keeps it.
struct Other(Vec<tlog_tiles::Hash>);

impl HashReader for Other {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

impl Other {
    fn to(size: u64) -> Self {
        let mut other = Self(Vec::new());
        for index in 0..size {
            let hash = tlog_tiles::Hash(*leaf(index).as_bytes());
            let hashes = stored_hashes_for_record_hash(index, hash, &other).unwrap();
            other.0.extend(hashes);
        }
        other
    }
}

fn bytes(hashes: &[galerra_log::Hash]) -> Vec<[u8; 32]> {
    hashes.iter().map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn another_implementation_has_the_same_tree_tiles_and_proofs() {
    const TO: u64 = 66_500;
    let (log, other) = (Grown::to(TO), Other::to(TO));
    let root = tree_hash(TO, &other).unwrap();
    assert_eq!(root.0, *log.edge.root().as_bytes());

    let tiles = tlog_tiles::Tile::new_tiles(8, 0, TO);
    let paths: Vec<_> = tiles.iter().map(|tile| tile.path().replace("tile/8/", "tile/")).collect();
    assert_eq!(log.tiles.keys().map(TileId::path).collect::<Vec<_>>(), paths);
    for (tile, hashes) in tiles.iter().zip(log.tiles.values()) {
        assert_eq!(tile.read_data(&other).unwrap(), bytes(hashes).concat(), "{tile:?}");
    }

    let mut numbers = Numbers(3);
    for _ in 0..200 {
        let new = 1 + numbers.below(TO);
        let (index, old) = (numbers.below(new), 1 + numbers.below(new));
        let path = prove_record(new, index, &other).unwrap();
        assert_eq!(bytes(&log.inclusion(index, new)), path.iter().map(|hash| hash.0).collect::<Vec<_>>());
        let (new_root, old_root) = (tree_hash(new, &other).unwrap(), tree_hash(old, &other).unwrap());
        let hash = other.read_hashes(&[stored_hash_index(0, index)]).unwrap()[0];
        check_record(&path, new, new_root, index, hash).unwrap();
        let proof = prove_tree(new, old, &other).unwrap();
        assert_eq!(bytes(&log.consistency(old, new)), proof.iter().map(|hash| hash.0).collect::<Vec<_>>());
        check_tree(&proof, new, new_root, old, old_root).unwrap();
    }
}

#[test]
fn another_implementation_publishes_the_same_after_each_step() {
    let mut numbers = Numbers(4);
    let mut edge = galerra_log::Edge::default();
    for _ in 0..40 {
        let (old, new) = (edge.size(), edge.size() + numbers.below(700));
        let ours: Vec<_> = edge.append((old..new).map(leaf)).iter().map(|tile| tile.id().path()).collect();
        let theirs = tlog_tiles::Tile::new_tiles(8, old, new);
        let theirs: Vec<_> = theirs.iter().map(|tile| tile.path().replace("tile/8/", "tile/")).collect();
        assert_eq!(ours, theirs, "{old} to {new}");
    }
}
