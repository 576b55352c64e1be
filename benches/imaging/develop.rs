//! Galerra's side of `benches/imaging/run`: reads jobs, one a line, does them on this thread, and says how long that
//! took: `{"job":"j8","path":"a.jpg","out":"folder"}` becomes `{"cpu":…,"wall":…,"bytes":{"320.webp":…}}` or
//! `{"error":…}`. With `out` the renditions are written there.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use galerra::imaging::{Limits, Preset, Recipe, develop};
use galerra::{Format, Order};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let job: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| job.get(name).and_then(Value::as_str);
        let file = std::fs::read(text("path").ok_or("a job without a path")?)?;
        let (wall, before) = (Instant::now(), cpu());
        let made = made(&file, text("job").ok_or("a job without a name")?);
        let (spent, took) = (cpu() - before, wall.elapsed().as_secs_f64() * 1000.0);
        let answer = match made {
            Ok(made) => {
                if let Some(folder) = text("out") {
                    for (name, bytes) in &made {
                        std::fs::write(Path::new(folder).join(name), bytes)?;
                    }
                }
                let sizes: Map<_, _> =
                    made.into_iter().map(|(name, made)| (name, made.len().into())).collect();
                json!({"cpu": spent, "wall": took, "bytes": sizes})
            }
            Err(error) => json!({"error": error.to_string()}),
        };
        println!("{answer}");
        stdout().flush()?;
    }
    Ok(())
}

/// What each job makes, as name and bytes; presets are named by their size.
fn made(file: &[u8], job: &str) -> Result<Vec<(String, Bytes)>, Box<dyn Error>> {
    let (sizes, formats): (&[u32], &[Format]) = match job {
        "j1" => (&[1280], &[Format::Jpeg]),
        "j4" => (&[320, 640, 1280, 2048], &[Format::Jpeg]),
        "j8" => (&[320, 640, 1280, 2048], &[Format::Jpeg, Format::Webp]),
        _ => return Err("unsupported".into()),
    };
    let presets = sizes.iter().map(|edge| Preset::new(edge.to_string(), *edge).with_formats(formats));
    // The default limits stop at 64 megapixels, and one picture here has 100.
    let limits = Limits { pixels: 100_000_000, memory: 1 << 30, ..Limits::default() };
    let developed = develop(file, &limits, &Recipe::new(presets.collect())?, &Order::default())?;
    let named = developed.renditions.into_iter().filter_map(|rendition| {
        Some((format!("{}.{}", rendition.name, rendition.format.extension()), rendition.bytes?))
    });
    Ok(named.collect())
}

/// Processor time of this process in milliseconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of one run")]
    let milliseconds = time.tv_sec as f64 * 1000.0 + time.tv_nsec as f64 / 1e6;
    milliseconds
}
