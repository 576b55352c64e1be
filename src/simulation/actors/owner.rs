//! Owners: they hide and show, close and open, throw away, restore and erase; and believe what they are answered.

use std::sync::Arc;
use std::time::Duration;

use galerra_core::{
    Error, GalleryEdit, GalleryId, ImageEdit, ImageId, Knock, Lane, NewShare, Terms, Viewer, VisibilityKind,
};

use super::super::coverage::Sight;
use super::super::darkroom::{LARGE, THUMB};
use super::super::process::Front;
use super::super::truth::{Picture, Truth};
use super::super::violation::Violation;
use super::super::watcher::Eye;
use super::super::world::Broken;
use super::uploader::upload;
use super::visitor::{at_edge, direct, listed, swarm};
use super::{Owner, insist};

/// An owner at work.
struct Hand {
    front: Arc<Front>,
    viewer: Viewer,
    owner: Owner,
}

/// Does so many things, one after the other.
pub(crate) async fn owner(front: Arc<Front>, owner: Owner) {
    let viewer = Viewer::account(owner.account);
    let hand = Hand { front, viewer, owner };
    let deeds = hand.front.world.weather.deeds;
    let pause = hand.front.world.weather.storm / u32::try_from(deeds).unwrap_or(1).max(1);
    hand.front.world.pass(Duration::from_secs(60)).await;
    for _ in 0..deeds {
        hand.front.world.pass(pause * 2).await;
        let Some((images, galleries)) = hand.mine() else { return };
        let (image, gallery, deed) = hand
            .front
            .world
            .throw(|dice| (dice.pick(&images).cloned(), dice.pick(&galleries).copied(), dice.below(100)));
        match (image, gallery) {
            (_, Some(gallery)) if deed < 40 => hand.with_gallery(gallery, deed).await,
            _ if deed == 99 => return hand.erase_account().await,
            (Some((image, picture)), _) => hand.with_image(image, &picture, deed).await,
            _ => {}
        }
    }
}

type Mine = (Vec<(ImageId, Picture)>, Vec<GalleryId>);

impl Hand {
    /// What this owner has.
    fn mine(&self) -> Option<Mine> {
        self.front.world.watch(|watcher, _| {
            let truth = &watcher.truth;
            let account = self.owner.account;
            let images = truth.images.iter().filter(|(_, picture)| {
                picture.owner == account && picture.record.as_ref().is_some_and(|record| !record.is_gated())
            });
            let galleries = truth.galleries.iter().filter(|(_, room)| room.owner == account);
            let images = images.map(|(id, picture)| (*id, picture.clone())).collect();
            Ok((images, galleries.map(|(id, _)| *id).collect()))
        })
    }

    /// What a request said that was made until it was answered; what it says has to be so.
    fn believe(
        &self,
        sight: Sight,
        what: &str,
        said: Option<&Result<(), Error>>,
        holds: impl Fn(&Truth) -> bool,
    ) {
        let world = &self.front.world;
        world.tell(|| format!("{what}: {said:?}"));
        if !matches!(said, Some(Ok(()))) {
            return;
        }
        world.saw(sight);
        world.watch(|watcher, _| {
            let told = || format!("{what} was done, said the answer");
            if holds(&watcher.truth) { Ok(()) } else { Err(Broken(Violation::Untrue, told())) }
        });
    }

    /// Notes what an answer said nobody may see any more.
    fn closed(&self, said: Option<&Result<(), Error>>, these: impl Fn(ImageId, &Picture) -> bool) {
        if matches!(said, Some(Ok(()))) {
            self.front.world.watch(|watcher, _| {
                watcher.closed(these);
                Ok(())
            });
        }
    }

    /// Notes what is known of something that is to go into the trash or out of it: before it is asked for, nothing any more;
    /// then what the answer said.
    fn thrown(&self, id: impl std::fmt::Display + Copy, into: bool, said: Option<&Result<(), Error>>) {
        self.front.world.watch(|watcher, _| {
            watcher.thrown(id.to_string(), matches!(said, Some(Ok(()))).then_some(into));
            Ok(())
        });
    }

    /// Notes what an answer said is erased for good.
    fn erased(&self, said: Option<&Result<(), Error>>, folder: impl Fn(&Truth) -> Option<String>) {
        if matches!(said, Some(Ok(()))) {
            self.front.world.watch(|watcher, _| {
                if let Some(folder) = folder(&watcher.truth) {
                    watcher.answered(folder);
                }
                Ok(())
            });
        }
    }

    async fn with_image(&self, id: ImageId, picture: &Picture, deed: u64) {
        swarm(&self.front, &[id]);
        self.front.world.pass(Duration::from_secs(60)).await;
        let record = picture.record.as_ref();
        let hidden = record.is_some_and(|record| record.hidden);
        match (record.map(|record| record.life), deed) {
            (Some(galerra_core::Life::Trashed { .. }), 40..70) => self.restore_image(id).await,
            (Some(galerra_core::Life::Held { .. }), 40..80) => self.take(id).await,
            (_, 40..55) => self.hide(id, !hidden).await,
            (_, 55..70) => self.trash_image(id).await,
            (_, 90..) => self.look_at_own(id).await,
            _ => self.erase_image(id).await,
        }
    }

    async fn with_gallery(&self, id: GalleryId, deed: u64) {
        let room = self.front.world.watch(|watcher, _| {
            let images = watcher.truth.images.iter().filter(|(_, picture)| picture.gallery == id);
            Ok((watcher.truth.galleries.get(&id).cloned(), images.map(|(id, _)| *id).collect::<Vec<_>>()))
        });
        let Some((Some(room), images)) = room else { return };
        swarm(&self.front, &images);
        self.upload_meanwhile(id);
        self.front.world.pass(Duration::from_secs(60)).await;
        match (room.life, deed) {
            (galerra_core::Life::Trashed { .. }, _) => self.restore_gallery(id).await,
            (_, 0..12) if room.open => self.show_gallery(id, VisibilityKind::Private).await,
            (_, 0..12) => self.show_gallery(id, VisibilityKind::Public).await,
            (_, 12..28) if !room.open => self.share(id).await,
            (_, 12..20) => self.waver(id, &images).await,
            (_, 20..34) => self.trash_gallery(id).await,
            _ => self.erase_gallery(id).await,
        }
    }

    /// Lets an upload be under way, perhaps, when something happens to its gallery.
    fn upload_meanwhile(&self, gallery: GalleryId) {
        let (front, viewer) = (Arc::clone(&self.front), self.viewer.clone());
        if front.world.throw(|dice| dice.chance(500)) {
            return;
        }
        let world = Arc::clone(&front.world);
        world.employ(async move {
            front.world.pass(Duration::from_secs(60)).await;
            upload(&front, &viewer, gallery, Sight::Uploaded).await;
        });
    }

    async fn hide(&self, id: ImageId, hidden: bool) {
        let edit = ImageEdit { hidden: Some(hidden), ..ImageEdit::default() };
        let said = insist(&self.front, |engine| {
            let edit = &edit;
            async move { engine.edit_image(&self.viewer, id, edit).await.map(|_| ()) }
        });
        let said = said.await;
        if hidden {
            self.closed(said.as_ref(), |image, _| image == id);
        }
        let sight = if hidden { Sight::Hidden } else { Sight::Unhidden };
        let told = format!("{} {id}", if hidden { "hide" } else { "show" });
        self.believe(sight, &told, said.as_ref(), |truth| {
            truth.images.get(&id).is_none_or(|picture| !hidden || !picture.open.now)
        });
    }

    async fn take(&self, id: ImageId) {
        let edit = ImageEdit { taken: true, ..ImageEdit::default() };
        let said = insist(&self.front, |engine| {
            let edit = &edit;
            async move { engine.edit_image(&self.viewer, id, edit).await.map(|_| ()) }
        });
        let said = said.await;
        self.believe(Sight::Taken, &format!("take {id}"), said.as_ref(), |_| true);
    }

    async fn trash_image(&self, id: ImageId) {
        self.thrown(id, true, None);
        let said =
            insist(&self.front, async |engine| engine.trash_image(&self.viewer, id).await.map(|_| ())).await;
        self.thrown(id, true, said.as_ref());
        self.closed(said.as_ref(), |image, _| image == id);
        self.believe(Sight::Trashed, &format!("trash {id}"), said.as_ref(), |truth| {
            truth.images.get(&id).is_none_or(|picture| !picture.open.now)
        });
    }

    async fn restore_image(&self, id: ImageId) {
        self.thrown(id, false, None);
        let said = insist(&self.front, async |engine| engine.restore_image(&self.viewer, id).await).await;
        self.thrown(id, false, said.as_ref());
        self.believe(Sight::Restored, &format!("restore {id}"), said.as_ref(), |_| true);
    }

    async fn erase_image(&self, id: ImageId) {
        let lane = self.lane();
        let said =
            insist(&self.front, async |engine| engine.erase_image(&self.viewer, id, lane).await.map(|_| ()))
                .await;
        self.erased(said.as_ref(), |truth| {
            truth.images.get(&id).map(|image| folder(&[&image.owner, &image.gallery, &id]))
        });
        self.believe(Sight::Erased, &format!("erase {id}"), said.as_ref(), |truth| {
            truth.images.get(&id).is_none_or(|picture| !picture.there.now)
        });
    }

    async fn trash_gallery(&self, id: GalleryId) {
        self.thrown(id, true, None);
        let said =
            insist(&self.front, async |engine| engine.trash_gallery(&self.viewer, id).await.map(|_| ()))
                .await;
        self.thrown(id, true, said.as_ref());
        self.closed(said.as_ref(), |_, picture| picture.gallery == id);
        self.believe(Sight::Trashed, &format!("trash {id}"), said.as_ref(), |truth| {
            truth.galleries.get(&id).is_none_or(|room| !room.life.is_live())
        });
    }

    async fn restore_gallery(&self, id: GalleryId) {
        self.thrown(id, false, None);
        let said = insist(&self.front, async |engine| engine.restore_gallery(&self.viewer, id).await).await;
        self.thrown(id, false, said.as_ref());
        self.believe(Sight::Restored, &format!("restore {id}"), said.as_ref(), |_| true);
    }

    /// Some are in a hurry.
    fn lane(&self) -> Lane {
        if self.front.world.throw(|dice| dice.chance(200)) { Lane::Expedited } else { Lane::Standard }
    }

    async fn erase_gallery(&self, id: GalleryId) {
        let lane = self.lane();
        let said = insist(&self.front, async |engine| {
            engine.erase_gallery(&self.viewer, id, lane).await.map(|_| ())
        })
        .await;
        self.erased(said.as_ref(), |_| Some(folder(&[&self.owner.account, &id])));
        self.believe(Sight::Erased, &format!("erase {id}"), said.as_ref(), |truth| {
            truth.galleries.get(&id).is_none_or(|room| !room.life.is_there())
        });
    }

    async fn erase_account(&self) {
        let (Some((images, _)), account) = (self.mine(), self.owner.account) else { return };
        swarm(&self.front, &images.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        let lane = self.lane();
        let said = insist(&self.front, async |engine| {
            let viewer = self.viewer.clone().proved_at(engine.parts().env.now());
            engine.erase_account(&viewer, lane).await.map(|_| ())
        })
        .await;
        self.erased(said.as_ref(), |_| Some(folder(&[&account])));
        self.believe(Sight::Erased, &format!("erase {account}"), said.as_ref(), |truth| {
            truth.accounts.get(&account).is_none_or(|life| !life.is_there())
        });
    }

    async fn show_gallery(&self, id: GalleryId, to: VisibilityKind) {
        let edit = GalleryEdit { visibility: Some(to), ..GalleryEdit::default() };
        let said = insist(&self.front, |engine| {
            let edit = &edit;
            async move { engine.edit_gallery(&self.viewer, id, edit).await.map(|_| ()) }
        });
        let said = said.await;
        let closed = to == VisibilityKind::Private;
        if closed {
            self.closed(said.as_ref(), |_, picture| picture.gallery == id);
        }
        let sight = if closed { Sight::Closed } else { Sight::Opened };
        self.believe(sight, &format!("make {id} {to:?}"), said.as_ref(), |truth| {
            truth.galleries.get(&id).is_none_or(|room| room.open != closed)
        });
    }

    /// Cannot decide who may see a gallery: closes it, hides an image of it perhaps, opens it again and closes it perhaps,
    /// all while networks are still losing it.
    async fn waver(&self, id: GalleryId, images: &[ImageId]) {
        let world = &self.front.world;
        let pause = world.throw(|dice| dice.up_to(world.weather.outlived() / 8));
        self.show_gallery(id, VisibilityKind::Private).await;
        world.pass(pause).await;
        if let Some(image) = world.throw(|dice| dice.pick(images).copied().filter(|_| dice.chance(500))) {
            self.hide(image, true).await;
        }
        self.show_gallery(id, VisibilityKind::Public).await;
        if world.throw(|dice| dice.chance(500)) {
            // Before anybody has taken notice that it was open again, perhaps.
            let short = world.throw(|dice| dice.chance(500).then(|| dice.up_to(Duration::from_secs(10))));
            world.pass(short.unwrap_or(pause)).await;
            self.show_gallery(id, VisibilityKind::Private).await;
        }
    }

    /// Lists the gallery and looks at the image, as who may see all of it.
    async fn look_at_own(&self, id: ImageId) {
        let since = self.front.world.now();
        let engine = self.front.any().engine;
        if let Ok(seen) = engine.image(&self.viewer, id).await
            && engine.original(&seen, None).await.is_ok()
        {
            self.front.world.saw(Sight::OwnerSaw);
            self.front.world.watch(|watcher, _| watcher.shown("served", id, Eye::Owner, since));
        }
        for gallery in &self.owner.galleries {
            drop(listed(&self.front, &engine, &self.viewer, Eye::Owner, *gallery).await);
        }
    }

    /// Makes a link, lets a guest come by it, and may revoke it again.
    async fn share(&self, gallery: GalleryId) {
        let terms = Terms { upload: true, ..Terms::default() };
        let new = NewShare { terms, ..NewShare::default() };
        let said = insist(&self.front, |engine| {
            let new = &new;
            async move { engine.share(&self.viewer, gallery, new).await }
        });
        let Some(Ok((share, token))) = said.await else { return };
        self.front.world.saw(Sight::Shared);
        let opened = insist(&self.front, |engine| {
            let token = &token;
            async move { engine.open_share(token, &Knock::default()).await }
        });
        let Some(Ok((_, pass))) = opened.await else { return };
        self.guests(gallery, &pass).await;
        if self.front.world.throw(|dice| dice.chance(700)) {
            let id = share.id;
            let said = insist(&self.front, async |engine| engine.revoke(&self.viewer, id).await).await;
            if matches!(said, Some(Ok(()))) {
                self.front.world.watch(|watcher, _| {
                    watcher.truth.told.insert(id);
                    Ok(())
                });
                // Whoever has it still tries.
                self.look_in(gallery, &pass, Duration::from_secs(1200));
            }
            self.believe(Sight::Revoked, &format!("revoke {id}"), said.as_ref(), |truth| {
                !truth.shares.contains_key(&id)
            });
        }
    }

    /// Guests come for a while, some after the link was revoked; one sends an image.
    async fn guests(&self, gallery: GalleryId, pass: &galerra_core::Pass) {
        self.look_in(gallery, pass, Duration::from_secs(120));
        let (front, guest) = (Arc::clone(&self.front), Viewer::anonymous().with_passes([pass.clone()]));
        let world = Arc::clone(&front.world);
        world.employ(async move {
            front.world.pass(Duration::from_secs(60)).await;
            upload(&front, &guest, gallery, Sight::SentByGuest).await;
        });
        self.front.world.pass(Duration::from_secs(60)).await;
    }

    /// Guests look at some images within this time.
    fn look_in(&self, gallery: GalleryId, pass: &galerra_core::Pass, within: Duration) {
        let images = self.front.world.watch(|watcher, _| {
            let images = watcher.truth.images.iter().filter(|(_, picture)| picture.gallery == gallery);
            Ok(images.map(|(id, _)| *id).collect::<Vec<_>>())
        });
        let carried = self.front.carry(pass.clone());
        for _ in 0..4 {
            let front = Arc::clone(&self.front);
            let Some(image) =
                front.world.throw(|dice| images.as_ref().and_then(|all| dice.pick(all).copied()))
            else {
                break;
            };
            let clockwork = front.world.clockwork.clone();
            clockwork.spawn(async move {
                front.world.pass(within).await;
                let file = front.world.throw(|dice| if dice.chance(700) { THUMB } else { LARGE });
                match front.world.throw(|dice| dice.place(front.world.networks.len() + 1)) {
                    0 => direct(&front, image, file, Some(carried)).await,
                    nth => at_edge(&front.world, nth - 1, image, file, Some(carried)).await,
                }
            });
        }
    }
}

/// The folder that these ids lead to.
fn folder(ids: &[&dyn std::fmt::Display]) -> String {
    ids.iter().fold(String::new(), |folder, id| format!("{folder}{id}/"))
}
