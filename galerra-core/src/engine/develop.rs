//! Making what of an image was planned and is now asked for: renditions that are made late, and the master.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;

use galerra_storage::{Key, StorageError};

use super::records::{Change, Stored};
use super::upload::stored_bytes;
use super::write::{Intent, Writing};
use super::{Engine, Result};
use crate::{Developed, Error, Image, ImageId, Order, SeenImage, StoredMaster, Viewer, Want, layout};

/// How often an image is looked at before whoever asks is told to come back.
pub(super) const LOOKS: usize = 8;

/// What is being made at the moment, so that everybody who asks for the same waits for the one who makes it.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Flight, Shared<oneshot::Receiver<()>>>>);

type Flight = (ImageId, Want);

/// Ends a flight when it is dropped, however the work came out.
struct Landing<'a> {
    flights: &'a Flights,
    flight: Flight,
    _done: oneshot::Sender<()>,
}

impl Flights {
    /// Starts a flight, or gives the one that is under way.
    fn join(&self, flight: &Flight) -> std::result::Result<Landing<'_>, Shared<oneshot::Receiver<()>>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = flights.get(flight) {
            return Err(under_way.clone());
        }
        let (done, landed) = oneshot::channel();
        flights.insert(flight.clone(), landed.shared());
        Ok(Landing { flights: self, flight: flight.clone(), _done: done })
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.flight);
    }
}

impl Engine {
    /// The image with the bytes of one of its renditions, made now if nobody has asked for them before.
    ///
    /// However many ask, it is made once; run it where it is not dropped when one of them goes away.
    pub async fn developed(&self, viewer: &Viewer, id: ImageId, file: &str) -> Result<SeenImage> {
        for _ in 0..LOOKS {
            let seen = self.image(viewer, id).await?;
            if seen.rendition(file).ok_or(Error::NotFound)?.made.is_some() {
                return Ok(seen);
            }
            self.honour(&seen.grant)?;
            self.once(id, Want::Files(vec![file.to_owned()]), |want| self.make_rendition(&seen, file, want))
                .await?;
        }
        Err(Error::Contended)
    }

    /// The image with its master, made now if nobody has asked for it before.
    pub async fn mastered(&self, viewer: &Viewer, id: ImageId) -> Result<SeenImage> {
        for _ in 0..LOOKS {
            let seen = self.image(viewer, id).await?;
            if !seen.grant.may_download() {
                return Err(Error::NotFound);
            }
            if seen.image.master.is_some() {
                return Ok(seen);
            }
            self.once(id, Want::Master, |want| self.make_master(&seen, want)).await?;
        }
        Err(Error::Contended)
    }

    /// Does the work, or waits for who does it already; either way the caller looks again.
    async fn once<F, Fut>(&self, id: ImageId, want: Want, work: F) -> Result<()>
    where
        F: FnOnce(Want) -> Fut + Send,
        Fut: Future<Output = Result<()>> + Send,
    {
        match self.flights.join(&(id, want.clone())) {
            Ok(_landing) => match work(want).await {
                // Another process was quicker, or the image has changed.
                Err(Error::Contended) => Ok(()),
                outcome => outcome,
            },
            Err(under_way) => {
                // A flight whose sender was dropped has landed, too.
                under_way.await.unwrap_or_default();
                Ok(())
            }
        }
    }

    async fn make_rendition(&self, seen: &SeenImage, file: &str, want: Want) -> Result<()> {
        let image = seen.image.as_ref();
        let made = self.develop_again(image, want).await?;
        let bytes = made.renditions.into_iter().find(|made| {
            format!("{}.{}", made.name, made.format.extension()) == file && made.bytes.is_some()
        });
        let rendition = seen.rendition(file).ok_or(Error::NotFound)?;
        // A recipe that has changed since does not make it any more.
        let bytes = bytes.and_then(|made| made.bytes).ok_or(Error::NotFound)?;
        let stored = stored_bytes(&bytes);
        let puts = vec![(layout::rendition_blob(image, rendition), bytes)];
        self.add(image, puts, |now, _| {
            let mut after = now.clone();
            let place = after.renditions.iter_mut().find(|candidate| *candidate == rendition)?;
            place.made = Some(stored.clone());
            Some(after)
        })
        .await
    }

    async fn make_master(&self, seen: &SeenImage, want: Want) -> Result<()> {
        let image = seen.image.as_ref();
        let made = self.develop_again(image, want).await?.master.ok_or(Error::NotFound)?;
        let round = image.round;
        let master =
            StoredMaster { format: made.format, exact: made.exact, round, made: stored_bytes(&made.bytes) };
        self.add(image, vec![(layout::master_blob(image, round), made.bytes)], |now, _| {
            let fits = now.master.is_none() && now.round == round;
            fits.then(|| Image { master: Some(master.clone()), ..now.clone() })
        })
        .await
    }

    /// Develops an image's original once more.
    pub(super) async fn develop_again(&self, image: &Image, want: Want) -> Result<Developed> {
        let blob = self.parts.blobs.get(&layout::original_blob(image), None).await?.ok_or(Error::NotFound)?;
        let original = galerra_storage::collect(blob.body).await.map_err(|source| {
            StorageError::Transient { store: "blobs".to_owned(), operation: "get", source: source.into() }
        })?;
        Ok(self.parts.imaging.develop(original, Order { focal: image.focal, want }).await?)
    }

    /// Puts more bytes of an image and commits the record that knows of them; `apply` makes it of the record as
    /// it is by then, and may add to the change. `None` gives up.
    pub(super) async fn add<F>(&self, image: &Image, puts: Vec<(Key, Bytes)>, apply: F) -> Result<()>
    where
        F: Fn(&Image, &mut Change) -> Option<Image> + Send + Sync,
    {
        let apply = &apply;
        let publish = |lease: Stored<Intent>| async move {
            self.settle(|| async {
                let key = layout::image(image.owner, image.gallery, image.id);
                let now: Stored<Image> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
                if !now.value.life.is_there() {
                    return Err(Error::NotFound);
                }
                let mut change = Change::default();
                self.redeem(&lease, &mut change).await?;
                let after = apply(&now.value, &mut change).ok_or(Error::Contended)?;
                change.replace(key, now.version, &after);
                self.commit(change).await.map(|_| ())
            })
            .await
        };
        self.write(image, Writing::Addition, puts, publish).await
    }
}
