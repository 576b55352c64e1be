use std::io::{self, ErrorKind};

use bytes::Bytes;
use galerra_core::{Developed, Refusal, Rendered};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;

use super::frames;
use crate::imaging::{Limits, Recipe};

/// Longest of the texts that describe a picture.
const TEXT: usize = 64;

/// The frame of an answer; the bytes that it announces follow, the master's last.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    made: Result<Developed, Refusal>,
    /// Length of each rendition that has bytes.
    renditions: Vec<Option<usize>>,
    /// Length of the master.
    master: usize,
}

impl Answer {
    /// The answer about an image, and the bytes that belong to it.
    pub(super) fn of(made: Result<Developed, Refusal>) -> (Self, Vec<Bytes>) {
        let (mut renditions, mut master, mut parts) = (Vec::new(), 0, Vec::new());
        if let Ok(developed) = &made {
            renditions =
                developed.renditions.iter().map(|made| made.bytes.as_ref().map(Bytes::len)).collect();
            master = developed.master.as_ref().map_or(0, |master| master.bytes.len());
            parts.extend(developed.renditions.iter().filter_map(|made| made.bytes.clone()));
            parts.extend(developed.master.iter().map(|master| master.bytes.clone()));
        }
        (Self { made, renditions, master }, parts)
    }

    /// Takes in what follows the frame, if all of it can be believed.
    pub(super) async fn complete(
        self,
        output: &mut (impl AsyncRead + Unpin),
        limits: &Limits,
        recipe: &Recipe,
    ) -> io::Result<Result<Developed, Refusal>> {
        let Self { made, renditions, master } = self;
        let mut developed = match made {
            Ok(developed) => developed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        credible(&developed, limits, recipe)?;
        expect(renditions.len() == developed.renditions.len(), "lengths do not fit the renditions")?;
        expect(developed.master.is_some() || master == 0, "there is no master to have bytes")?;
        // What does not fit into a child cannot come out of it.
        let total = renditions.iter().flatten().try_fold(master, |sum, length| sum.checked_add(*length));
        expect(total.is_some_and(|total| total as u64 <= limits.memory), "there are too many bytes")?;
        for (rendition, length) in developed.renditions.iter_mut().zip(renditions) {
            if let Some(length) = length {
                rendition.bytes = Some(frames::receive_bytes(output, length).await?.into());
            }
        }
        if let Some(made) = &mut developed.master {
            made.bytes = frames::receive_bytes(output, master).await?.into();
        }
        Ok(Ok(developed))
    }
}

/// Checks what goes into keys, pages and rules about who sees what: a decoder that was taken over may say
/// anything, but the picture is all that it may choose.
fn credible(developed: &Developed, limits: &Limits, recipe: &Recipe) -> io::Result<()> {
    let Developed { width, height, placeholder, colour, renditions, .. } = developed;
    expect(limits.check_size(*width, *height).is_ok(), "the size is not one that is taken")?;
    expect(placeholder.len() <= TEXT && placeholder.is_ascii(), "the placeholder is none")?;
    let hex = colour.strip_prefix('#').unwrap_or_default();
    let coloured = hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Who wants the master alone is told nothing else.
    expect(coloured || (colour.is_empty() && developed.master.is_some()), "the colour is none")?;
    let mut before = Vec::new();
    for rendition in renditions {
        let Rendered { name, format, width, height, .. } = rendition;
        expect(recipe.holds(rendition), "a rendition is not in the recipe")?;
        expect((1..=65_535).contains(width) && (1..=65_535).contains(height), "a size is impossible")?;
        expect(!before.contains(&(name, format)), "a rendition is there twice")?;
        before.push((name, format));
    }
    Ok(())
}

fn expect(holds: bool, otherwise: &'static str) -> io::Result<()> {
    if holds { Ok(()) } else { Err(io::Error::new(ErrorKind::InvalidData, otherwise)) }
}

#[cfg(test)]
mod tests;
