//! Verifies a receipt: offline, with nothing but the log's key.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

use galerra::log::{LogVerifier, Receipt, WitnessVerifier};

/// No receipt is longer, in bytes.
const LONGEST: u64 = 16 << 20;

/// Exits with 0 for a receipt that holds, with 1 for one that does not, with 2 when it was asked wrongly.
pub(crate) fn verify(arguments: &[&str]) -> ExitCode {
    let asked = match asked(arguments) {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("galerra-server verify: {error}");
            return ExitCode::from(2);
        }
    };
    let Ok(text) = String::from_utf8(asked.bytes) else {
        eprintln!("not a valid receipt: it is not UTF-8");
        return ExitCode::FAILURE;
    };
    match Receipt::verify(&text, &asked.log, &asked.witnesses) {
        Ok(verified) => {
            println!("verified: {} is entry {} of {}", verified.object_id, verified.index, verified.size);
            for member in [
                "event",
                "subject",
                "level",
                "until",
                "lane",
                "requested_at",
                "grace_until",
                "held_until",
                "at",
                "deadline",
                "in_time",
            ] {
                match verified.entry.get(member).map(|value| (value, value.as_str())) {
                    Some((_, Some(text))) => println!("  {member}: {text}"),
                    Some((value, None)) => println!("  {member}: {value}"),
                    None => {}
                }
            }
            for witness in &verified.cosigned {
                println!("  cosigned by {} at {}", witness.name, witness.time);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("not a valid receipt: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Asked {
    bytes: Vec<u8>,
    log: LogVerifier,
    witnesses: Vec<WitnessVerifier>,
}

fn asked(arguments: &[&str]) -> Result<Asked, Box<dyn Error>> {
    let [path, flags @ ..] = arguments else { return Err("name the file of a receipt".into()) };
    let bytes = read(path).map_err(|error| format!("cannot read `{path}`: {error}"))?;
    let (mut log, mut witnesses) = (None, Vec::new());
    for pair in flags.chunks(2) {
        match pair {
            ["--log-key", _] if log.is_some() => {
                return Err("a receipt has one log: name one `--log-key`".into());
            }
            ["--log-key", key] => log = Some(LogVerifier::parse(key.trim())?),
            ["--witness", key] => {
                let witness = WitnessVerifier::parse(key.trim())?;
                if witnesses.contains(&witness) {
                    return Err("a witness is named twice".into());
                }
                witnesses.push(witness);
            }
            _ => return Err("what follows the file must be `--log-key KEY` or `--witness KEY`".into()),
        }
    }
    Ok(Asked { bytes, log: log.ok_or("the log's key is missing: `--log-key KEY`")?, witnesses })
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than any receipt"));
    }
    Ok(bytes)
}
