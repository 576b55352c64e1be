//! Looks for what records and blobs do not know of each other, while no server runs on SQLite.

use std::error::Error;
use std::sync::Arc;

use galerra::imaging::Developer;
use galerra::{Galerra, Registry};

use crate::settings::Settings;

/// Prints what it found; answers whether all is well, or well again.
pub(crate) async fn doctor(heal: bool) -> Result<bool, Box<dyn Error>> {
    let config = Settings::read()?.existing()?;
    let developer = Developer::new(config.limits.clone(), config.recipe()?);
    let galerra = Galerra::open_with(&config, &Registry::default(), Arc::new(developer)).await?;
    galerra.ready().await?;
    let found = galerra.engine().examine(heal).await?;
    for orphan in &found.orphans {
        println!("orphan: no record knows the blob {orphan}");
    }
    for image in &found.lost_originals {
        println!("lost: the original of {image} is not there, or not as long as it was; it cannot be healed");
    }
    for (image, file) in &found.lost_renditions {
        println!("missing: {file} of {image} is not there, or not as long as it was; it can be made again");
    }
    let healed = if heal { ", all that can be healed is healed" } else { "" };
    println!("{} images, {} blobs looked at{healed}", found.images, found.blobs);
    let well = found.orphans.is_empty() && found.lost_renditions.is_empty();
    Ok(found.lost_originals.is_empty() && (heal || well))
}
