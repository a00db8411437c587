//! Colours, type sizes and line widths of every figure.
//!
//! Qualitative colours are from Okabe and Ito (2008), the diverging scale is ColorBrewer's RdBu: both keep their
//! meaning for colour-blind readers. Sign and evidence are also told by shape and dash, never by colour alone.

use plotters::style::RGBColor;

/// Background.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Text and strong lines.
pub(super) const INK: RGBColor = RGBColor(27, 39, 51);
/// Secondary text.
pub(super) const MUTED: RGBColor = RGBColor(91, 107, 122);
/// Grid lines and frames.
pub(super) const GRID: RGBColor = RGBColor(226, 231, 236);
/// A value that is not known.
pub(super) const UNKNOWN: RGBColor = RGBColor(184, 192, 200);
/// First series: blue.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
/// Second series: vermillion.
pub(super) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
/// Third series: bluish green.
pub(super) const GREEN: RGBColor = RGBColor(0, 138, 104);
/// Fourth series: reddish purple.
pub(super) const PURPLE: RGBColor = RGBColor(170, 68, 140);
/// Edges that activate.
pub(super) const ACTIVATION: RGBColor = RGBColor(0, 128, 112);
/// Edges that repress.
pub(super) const REPRESSION: RGBColor = PURPLE;
/// Edges without a known sign.
pub(super) const UNSIGNED: RGBColor = RGBColor(150, 162, 174);

/// Fifth series: orange, darkened to stand out from white.
pub(super) const ORANGE: RGBColor = RGBColor(178, 116, 0);

/// Series colours in order.
pub(super) const SERIES: [RGBColor; 4] = [BLUE, VERMILLION, GREEN, PURPLE];
/// Parts of a whole, in order: neighbours differ in lightness too.
pub(super) const PARTS: [RGBColor; 6] = [BLUE, ORANGE, GREEN, PURPLE, MUTED, VERMILLION];

/// Width of a figure for one column, px: printed 8 cm wide its labels have 6 points.
pub(super) const COLUMN: f32 = 440.0;

/// Size of a figure's title, px.
pub(super) const TITLE: f32 = 15.0;
/// Size of axis titles, px.
pub(super) const AXIS_TITLE: f32 = 12.5;
/// Size of labels and ticks, px.
pub(super) const LABEL: f32 = 11.5;
/// Size of captions, px.
pub(super) const CAPTION: f32 = 11.0;

/// ColorBrewer RdBu, nine classes, blue to red.
const DIVERGING: [(u8, u8, u8); 9] = [
    (33, 102, 172),
    (67, 147, 195),
    (146, 197, 222),
    (209, 229, 240),
    (247, 247, 247),
    (253, 219, 199),
    (244, 165, 130),
    (214, 96, 77),
    (178, 24, 43),
];

/// The colour of a change on a scale from `-limit` (blue) over 0 (near white) to `limit` (red); beyond it saturates.
pub(super) fn diverging(value: f32, limit: f32) -> RGBColor {
    let t = if limit > 0.0 { (value / limit).clamp(-1.0, 1.0) } else { 0.0 };
    let at = (t + 1.0) * 4.0;
    let below = (at.floor() as usize).min(7);
    let fraction = at - below as f32;
    let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * fraction).round() as u8;
    let (a, b) = (DIVERGING[below], DIVERGING[below + 1]);
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// A colour mixed with the paper; `by` 0 leaves it, 1 is the paper.
pub(super) fn lighter(color: RGBColor, by: f32) -> RGBColor {
    let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * by).round() as u8;
    RGBColor(mix(color.0, PAPER.0), mix(color.1, PAPER.1), mix(color.2, PAPER.2))
}

/// The colour of a rise or a fall in bar charts.
pub(super) fn direction(value: f32) -> RGBColor {
    diverging(value.signum() * 0.82, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_centred_at_zero() {
        let t = |value: f32| diverging(value, 2.0);
        assert_eq!(t(0.0), RGBColor(247, 247, 247));
        assert_eq!(t(-2.0), RGBColor(33, 102, 172));
        assert_eq!(t(9.0), RGBColor(178, 24, 43));
        assert_eq!(diverging(1.0, 0.0), RGBColor(247, 247, 247));
    }
}
