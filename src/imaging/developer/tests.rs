use super::super::sample;
use super::*;

fn developer() -> Developer {
    Developer::new(Limits::default(), Recipe::standard())
}

#[tokio::test]
async fn images_are_developed_beside_the_runtime() {
    let developer = developer();
    let file = Bytes::from(sample::jpeg(700, 500));
    assert_eq!(developer.admit(&file[..200]), Ok(Format::Jpeg));
    assert_eq!(developer.max_bytes(), 50_000_000);
    let made = developer.develop(file.slice(..), Order::default()).await.unwrap();
    assert_eq!(made.renditions.iter().filter(|made| made.format == Format::Jpeg).count(), 3);
    assert_eq!(developer.develop(file.slice(..400), Order::default()).await.unwrap_err(), Refusal::Truncated);
    assert_eq!(developer.develop(Bytes::new(), Order::default()).await.unwrap_err(), Refusal::Empty);
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_is_told_to_come_back() {
    let developer = developer().with_budget(64 * MIB, 1).with_patience(Duration::from_secs(1));
    let file = Bytes::from(sample::png(30, 20));
    let room = developer.room(&file, &Order::default()).await.unwrap();
    assert_eq!(developer.budget.available_permits(), 0);
    assert_eq!(developer.develop(file.clone(), Order::default()).await.unwrap_err(), Refusal::Busy);
    drop(room);
    assert!(developer.develop(file, Order::default()).await.is_ok());
    assert_eq!(developer.budget.available_permits(), 64);
}

#[tokio::test]
async fn a_large_image_takes_more_of_the_budget() {
    let developer = developer().with_budget(1 << 30, 64);
    for (file, least, most) in [(sample::png(30, 20), 16, 16), (sample::png(4000, 3000), 48, 120)] {
        let room = developer.room(&file, &Order::default()).await.unwrap();
        assert!((least..=most).contains(&room.num_permits()), "{}", room.num_permits());
    }
}

#[tokio::test]
async fn a_size_that_hides_behind_metadata_counts_as_the_worst() {
    let developer = developer().with_budget(1 << 30, 64);
    let file = sample::jpeg(30, 20);
    let comment = [&[0xff, 0xfe, 0xff, 0xff][..], &vec![0; 65_533]].concat();
    let file = [&file[..2], &comment.repeat(17), &file[2..]].concat();
    assert!(developer.room(&file, &Order::default()).await.unwrap().num_permits() >= 512);
}

#[tokio::test]
async fn the_caller_is_answered_at_the_deadline_and_the_room_comes_back() {
    let developer = developer().with_budget(64 * MIB, 1).with_deadline(Duration::ZERO);
    let refused = developer.develop(Bytes::from(sample::png(900, 700)), Order::default()).await.unwrap_err();
    assert_eq!(refused.code(), "image-too-slow");
    // The work goes on until it is done; only then is there room again.
    drop(Arc::clone(&developer.budget).acquire_many_owned(64).await.unwrap());
}

#[tokio::test]
async fn a_panic_ends_with_the_image() {
    let broken =
        Developer { place: Place::Threads(|_, _, _, _| panic!("a decoder that panics")), ..developer() };
    let file = Bytes::from(sample::png(30, 20));
    assert_eq!(broken.develop(file, Order::default()).await.unwrap_err(), Refusal::Corrupt);
    assert_eq!(broken.budget.available_permits(), 1024);
}
