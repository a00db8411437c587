//! Series told apart by colour and dash, and their legend.

use plotters::style::RGBColor;

use super::geometry::Point;
use super::scene::{Scene, Stroke, TextStyle};
use super::{text, theme};

/// Height of a line of the legend, px.
const LINE: f32 = 18.0;
const SAMPLE: f32 = 24.0;

/// Colour of series `k`.
pub(super) fn color(k: usize) -> RGBColor {
    theme::SERIES[k % theme::SERIES.len()]
}

/// Stroke of series `k`: the colours repeat with dashes.
pub(super) fn stroke(k: usize, width: f32) -> Stroke {
    let stroke = Stroke::new(color(k), width);
    match k / theme::SERIES.len() {
        0 => stroke,
        1 => stroke.dashed(7.0, 4.0),
        _ => stroke.dashed(2.0, 3.0),
    }
}

/// Lines of a legend of this width that hold all names: positions of the names, line by line.
fn rows(names: &[String], width: f32) -> Vec<Vec<(f32, usize)>> {
    let mut rows: Vec<Vec<(f32, usize)>> = vec![Vec::new()];
    let mut x = 0.0;
    for (k, name) in names.iter().enumerate() {
        let entry = SAMPLE + 6.0 + text::width(name, theme::LABEL, false) + 20.0;
        if x > 0.0 && x + entry > width {
            rows.push(Vec::new());
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, k));
        }
        x += entry;
    }
    rows
}

/// Height of the legend.
pub(super) fn legend_height(names: &[String], width: f32) -> f32 {
    rows(names, width).len() as f32 * LINE
}

/// Draws the legend with its upper left corner at `at`.
pub(super) fn draw_legend(scene: &mut Scene, names: &[String], at: Point, width: f32) {
    for (line, row) in rows(names, width).into_iter().enumerate() {
        let y = at.y + (line as f32 + 0.5) * LINE;
        for (x, k) in row {
            let start = Point::new(at.x + x, y);
            scene.line(start, start.shift(SAMPLE, 0.0), stroke(k, 2.0));
            scene.disc(start.shift(SAMPLE / 2.0, 0.0), 3.0, color(k));
            scene.text(start.shift(SAMPLE + 6.0, 0.0), &names[k], TextStyle::new(theme::LABEL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_fit_go_to_the_next_line() {
        let names: Vec<String> = (0..6).map(|k| format!("a model with a long name {k}")).collect();
        assert!(legend_height(&names, 400.0) > legend_height(&names[..1], 400.0));
        assert_eq!(rows(&names, 400.0).iter().flatten().count(), 6);
    }
}
