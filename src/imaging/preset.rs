use serde::Deserialize;

/// A rendition to make: its name and its longest edge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Name in URLs, such as `thumb`.
    pub name: String,
    /// Longest edge in pixels.
    pub edge: u32,
}

impl Preset {
    /// A preset.
    pub fn new(name: impl Into<String>, edge: u32) -> Self {
        Self { name: name.into(), edge }
    }

    /// The default set: `thumb` 320, `small` 640, `medium` 1280 and `large` 2048.
    #[must_use]
    pub fn standard() -> Vec<Self> {
        [("thumb", 320), ("small", 640), ("medium", 1280), ("large", 2048)]
            .into_iter()
            .map(|(name, edge)| Self::new(name, edge))
            .collect()
    }
}

/// A rendition that will be made, in pixels as they are stored (before orientation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The renditions of a picture, smallest first: none above its size, and only one at it.
pub(crate) fn plan(presets: &[Preset], width: u32, height: u32) -> Vec<Target> {
    let longest = width.max(height);
    let mut sorted: Vec<&Preset> = presets.iter().collect();
    sorted.sort_by_key(|preset| preset.edge);
    let smaller = sorted.iter().filter(|preset| preset.edge < longest).count();
    sorted
        .into_iter()
        .take(smaller + 1)
        .map(|preset| {
            let (width, height) = fit(width, height, preset.edge);
            Target { name: preset.name.clone(), width, height }
        })
        .collect()
}

/// The longest edge that any preset asks for.
pub(crate) fn top_edge(presets: &[Preset]) -> u32 {
    presets.iter().map(|preset| preset.edge).max().unwrap_or(1).max(1)
}

/// The size within a square of `edge`: never larger than given, no side below one pixel.
pub(crate) fn fit(width: u32, height: u32, edge: u32) -> (u32, u32) {
    let longest = width.max(height).max(1);
    let edge = edge.clamp(1, longest);
    let scaled = |side: u32| {
        let rounded = (u64::from(side) * u64::from(edge) + u64::from(longest) / 2) / u64::from(longest);
        u32::try_from(rounded).unwrap_or(edge).max(1)
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(width: u32, height: u32) -> Vec<(String, u32, u32)> {
        plan(&Preset::standard(), width, height).into_iter().map(|t| (t.name, t.width, t.height)).collect()
    }

    #[test]
    fn renditions_are_never_upscaled_and_never_twice_the_same() {
        assert_eq!(sizes(500, 250), [("thumb".into(), 320, 160), ("small".into(), 500, 250)]);
        assert_eq!(sizes(640, 480), [("thumb".into(), 320, 240), ("small".into(), 640, 480)]);
        assert_eq!(sizes(100, 50), [("thumb".into(), 100, 50)]);
        assert_eq!(sizes(6000, 4000).last(), Some(&("large".into(), 2048, 1365)));
        assert_eq!(sizes(6000, 4000).len(), 4);
    }

    #[test]
    fn no_side_is_ever_zero() {
        assert_eq!(fit(1, 20_000, 320), (1, 320));
        assert_eq!(fit(1, 1, 320), (1, 1));
        assert_eq!(fit(30_000, 1, 0), (1, 1));
    }
}
