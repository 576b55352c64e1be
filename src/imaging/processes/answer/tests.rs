use galerra_core::{Audience, Facts, Format, Master, Order};

use super::*;
use crate::imaging::{develop, sample};

/// Something untrue, and what the complaint about it holds.
type Lie<T> = (&'static str, fn(&mut T));

fn developed() -> Developed {
    let order = Order::default();
    let made = develop(&sample::png(700, 500), &Limits::default(), &Recipe::standard(), &order).unwrap();
    let master = Master { format: Format::Png, exact: true, bytes: Bytes::from_static(b"the master") };
    let facts = Facts { camera: Some("A camera".to_owned()), ..Facts::default() };
    Developed { facts, master: Some(master), ..made }
}

/// What the parent makes of an answer, after it went through a frame.
async fn heard(answer: &Answer, parts: &[Bytes]) -> io::Result<Result<Developed, Refusal>> {
    let said = [frames::frame(answer).unwrap(), parts.concat()].concat();
    let mut output = &said[..];
    let answer: Answer = frames::receive(&mut output).await?;
    let made = answer.complete(&mut output, &Limits::default(), &Recipe::standard()).await?;
    assert!(output.is_empty(), "all of it is read");
    Ok(made)
}

#[tokio::test]
async fn an_answer_arrives_whole() {
    let mut made = developed();
    made.renditions.last_mut().unwrap().bytes = None;
    let (answer, parts) = Answer::of(Ok(made.clone()));
    let heard = heard(&answer, &parts).await.unwrap().unwrap();
    assert_eq!(heard.facts, made.facts);
    assert_eq!(heard.master.unwrap().bytes, made.master.unwrap().bytes);
    assert_eq!((heard.format, heard.width, heard.height), (made.format, made.width, made.height));
    assert_eq!((heard.placeholder, heard.colour), (made.placeholder, made.colour));
    assert!(made.renditions.len() >= 3);
    for (heard, made) in heard.renditions.iter().zip(&made.renditions) {
        assert_eq!(format!("{heard:?}"), format!("{made:?}"));
        assert_eq!(heard.bytes, made.bytes);
    }
}

#[tokio::test]
async fn every_refusal_arrives() {
    let what = "an unusual coding".into();
    for refusal in [Refusal::Truncated, Refusal::TooLarge { limit: 5 }, Refusal::UnsupportedCoding { what }] {
        let (answer, parts) = Answer::of(Err(refusal.clone()));
        assert_eq!(heard(&answer, &parts).await.unwrap().unwrap_err(), refusal);
    }
}

#[tokio::test]
async fn what_cannot_be_true_is_not_believed() {
    let lies: [Lie<Developed>; 9] = [
        ("the size", |made| made.width = 0),
        ("the size", |made| made.height = u32::MAX),
        ("the colour", |made| made.colour = "url(//evil)".to_owned()),
        ("the placeholder", |made| made.placeholder = "x".repeat(65)),
        ("not in the recipe", |made| made.renditions[0].name = "../../other".to_owned()),
        ("not in the recipe", |made| made.renditions[0].audience = Audience::Owner),
        ("not in the recipe", |made| made.renditions[0].format = Format::Png),
        ("impossible", |made| made.renditions[0].width = 70_000),
        ("twice", |made| made.renditions.push(made.renditions[0].clone())),
    ];
    for (what, lie) in lies {
        let mut made = developed();
        lie(&mut made);
        let (answer, parts) = Answer::of(Ok(made));
        let error = heard(&answer, &parts).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(what), "{error} is not about {what}");
    }
}

#[tokio::test]
async fn lengths_are_counted_before_anything_is_read() {
    let wrong: [Lie<Answer>; 4] = [
        ("do not fit", |answer| answer.renditions.push(Some(1))),
        ("do not fit", |answer| answer.renditions.clear()),
        ("too many bytes", |answer| answer.master = 1 << 40),
        ("too many bytes", |answer| answer.renditions[0] = Some(usize::MAX)),
    ];
    for (what, change) in wrong {
        let (mut answer, parts) = Answer::of(Ok(developed()));
        change(&mut answer);
        let error = heard(&answer, &parts).await.unwrap_err();
        assert!(error.to_string().contains(what), "{error} is not about {what}");
    }
    let (answer, parts) = Answer::of(Ok(developed()));
    let error = heard(&answer, &parts[1..]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "fewer bytes than announced");
    let (mut answer, parts) = Answer::of(Ok(Developed { master: None, ..developed() }));
    answer.master = 3;
    assert!(heard(&answer, &parts).await.unwrap_err().to_string().contains("no master"));
}
