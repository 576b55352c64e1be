//! Verifies a receipt: offline, with nothing but the log's key.

use std::error::Error;
use std::process::ExitCode;

use galerra::log::{LogVerifier, Receipt, WitnessVerifier};

/// Exits with 0 for a receipt that holds, with 1 for one that does not, with 2 when it was asked wrongly.
pub(crate) fn verify(arguments: &[&str]) -> ExitCode {
    let asked = match asked(arguments) {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("galerra-server verify: {error}");
            return ExitCode::from(2);
        }
    };
    match Receipt::verify(&asked.text, &asked.log, &asked.witnesses) {
        Ok(verified) => {
            println!("verified: {} is entry {} of {}", verified.object_id, verified.index, verified.size);
            for member in
                ["event", "subject", "level", "until", "lane", "requested_at", "at", "deadline", "in_time"]
            {
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
    text: String,
    log: LogVerifier,
    witnesses: Vec<WitnessVerifier>,
}

fn asked(arguments: &[&str]) -> Result<Asked, Box<dyn Error>> {
    let [path, flags @ ..] = arguments else { return Err("name the file of a receipt".into()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"))?;
    let (mut log, mut witnesses) = (None, Vec::new());
    for pair in flags.chunks(2) {
        match pair {
            ["--log-key", key] => log = Some(LogVerifier::parse(key.trim())?),
            ["--witness", key] => witnesses.push(WitnessVerifier::parse(key.trim())?),
            _ => return Err("what follows the file must be `--log-key KEY` or `--witness KEY`".into()),
        }
    }
    Ok(Asked { text, log: log.ok_or("the log's key is missing: `--log-key KEY`")?, witnesses })
}
