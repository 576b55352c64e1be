use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;

use galerra_core::{Developed, Refusal};

use super::answer::Answer;
use super::confine::{allow, confine};
use super::frames::{self, READY, Request, Setup};
use crate::imaging::develop;

/// The whole life of a child: it is set up, and develops one image after the other until its input ends.
pub(super) fn main() -> ExitCode {
    // A message could quote the image.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("a decoder panicked at {}", panic.location().map(ToString::to_string).unwrap_or_default());
    }));
    match serve(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let Some(Setup { limits, recipe }) = frames::read(&mut input)? else { return Ok(()) };
    confine(&limits)?;
    output.write_all(&frames::frame(&READY)?)?;
    output.flush()?;
    work(input, output, limits.bytes, |original, request| {
        allow(request.memory, request.seconds)?;
        Ok(develop(original, &limits, &recipe, &request.order))
    })
}

/// Answers every request with what the job makes of it.
fn work(
    mut input: impl Read,
    mut output: impl Write,
    most: u64,
    job: impl Fn(&[u8], &Request) -> io::Result<Result<Developed, Refusal>>,
) -> io::Result<()> {
    while let Some(request) = frames::read::<Request>(&mut input)? {
        if request.bytes as u64 > most {
            return Err(io::Error::new(ErrorKind::InvalidData, "an original is too long"));
        }
        let mut original = vec![0; request.bytes];
        input.read_exact(&mut original)?;
        let (answer, parts) = Answer::of(job(&original, &request)?);
        drop(original);
        output.write_all(&frames::frame(&answer)?)?;
        for part in parts {
            output.write_all(&part)?;
        }
        output.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use galerra_core::Order;

    use super::*;

    fn request(bytes: usize) -> Vec<u8> {
        frames::frame(&Request { order: Order::default(), memory: 1, seconds: 1, bytes }).unwrap()
    }

    #[test]
    fn one_answer_follows_each_request_until_the_input_ends() {
        let input = [request(3), b"abc".to_vec(), request(0), request(2), b"de".to_vec()].concat();
        let (mut output, seen) = (Vec::new(), std::cell::RefCell::new(Vec::new()));
        let job = |original: &[u8], _: &Request| {
            seen.borrow_mut().push(original.to_vec());
            Ok(Err(Refusal::Truncated))
        };
        work(&input[..], &mut output, 3, job).unwrap();
        assert_eq!(seen.into_inner(), [&b"abc"[..], b"", b"de"]);
        let mut output = &output[..];
        for _ in 0..3 {
            assert!(frames::read::<Answer>(&mut output).unwrap().is_some());
        }
        assert!(output.is_empty());
    }

    #[test]
    fn a_request_that_breaks_off_or_is_too_long_ends_it() {
        for input in [[request(3), b"ab".to_vec()].concat(), request(4), b"\xff\xff\xff\xffxxxx".to_vec()] {
            let mut output = Vec::new();
            let done = work(&input[..], &mut output, 3, |_, _| panic!("this is no job"));
            assert!(done.is_err() && output.is_empty());
        }
    }
}
