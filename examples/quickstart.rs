//! Galerra as a library, without a server: an account, a gallery, a picture, and the proof that it is gone.

use std::error::Error;

use galerra::{Config, Galerra, Lane, NewAccount, NewGallery, NewImage, Stage, Viewer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let galerra = Galerra::open(&Config::default()).await?;
    let engine = galerra.engine();
    let (ada, _key) = engine.create_account(&NewAccount::free("ada", "ada@example.org")?).await?;
    let viewer = Viewer::account(ada.id);

    let gallery = engine.create_gallery(&viewer, &NewGallery::titled("Summer")?).await?;
    let photo = std::env::args().nth(1).map_or_else(|| Ok(PIXEL.to_vec()), std::fs::read)?;
    let image = engine.upload(&viewer, gallery.id, &NewImage::named("beach.gif"), photo.into()).await?;
    println!("{} has {} renditions", image.id, image.renditions.len());

    let erasure = engine.erase_image(&viewer, image.id, Lane::Standard).await?;
    while engine.erasure(&viewer, erasure.id).await?.stage() != Stage::Done {
        engine.tick().await?;
    }
    let receipt = engine.erasure(&viewer, erasure.id).await?.receipt;
    println!("{}", serde_json::to_string_pretty(&receipt)?);
    Ok(())
}

/// A GIF of one pixel, for those who name no photo.
const PIXEL: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
