//! The font of every figure and how wide a text is in it.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// The family as SVG names it: DejaVu Sans is drawn and measured, Verdana has the same widths where it is absent.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// The font that is embedded.
pub(super) const DRAWN: &str = "DejaVu Sans";

/// `ab_glyph` sizes a font by ascent plus descent; DejaVu Sans has 0.928 + 0.236 em.
pub(super) const HEIGHT_PER_EM: f32 = 1.164;

/// Measuring happens enlarged, because the library rounds to whole pixels.
const ENLARGED: f32 = 16.0;

/// Makes the embedded font known to plotters, once per process.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The bytes are part of the program; were they refused, drawing would report it.
        let _ = register_font(FAMILY, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(FAMILY, FontStyle::Bold, dejavu::sans::bold());
    });
}

/// A font of this size (in the unit of the backend).
pub(super) fn font(size: f32, bold: bool) -> FontDesc<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    FontDesc::new(FontFamily::Name(FAMILY), f64::from(size), style)
}

/// Width of a text in pixels at `size` pixels per em.
pub(super) fn width(text: &str, size: f32, bold: bool) -> f32 {
    register();
    let measured = font(size * HEIGHT_PER_EM * ENLARGED, bold).box_size(text);
    // About the mean advance of DejaVu Sans, should the font be missing.
    measured.map_or(text.chars().count() as f32 * size * 0.62, |(w, _)| w as f32 / ENLARGED)
}

/// Breaks a text into lines no wider than `limit` pixels, at blanks.
pub(super) fn wrap(text: &str, size: f32, limit: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, false) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text cut to `limit` pixels, with an ellipsis where something is missing.
pub(super) fn shorten(text: &str, size: f32, limit: f32) -> String {
    if width(text, size, false) <= limit {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let fits = |n: &usize| width(&(chars[..*n].iter().collect::<String>() + "…"), size, false) <= limit;
    let n = (0..chars.len()).rev().find(fits).unwrap_or(0);
    chars[..n].iter().collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_come_from_the_font() {
        // Advance of `M` in DejaVu Sans 2.37: 1767 of 2048 units per em.
        let m = width("M", 100.0, false);
        assert!((m - 86.3).abs() < 0.3, "{m}");
        assert!(width("M", 100.0, true) > m);
    }

    #[test]
    fn long_texts_are_wrapped_and_shortened() {
        assert_eq!(wrap("one two three", 10.0, 50.0).join("|"), "one two|three");
        assert!(shorten("a very long name", 10.0, 40.0).ends_with('…'));
        assert_eq!(shorten("SOX2", 10.0, 400.0), "SOX2");
    }
}
