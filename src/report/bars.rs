//! Horizontal bars with a name, a value and, where known, an interval.

use plotters::style::RGBColor;

use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{text, theme};

/// Height of a bar with its gap, px.
const ROW: f32 = 21.0;
const WIDTH: f32 = theme::COLUMN;
/// Widest name, px.
const NAME: f32 = 150.0;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f32,
    /// Ends of the interval.
    pub(super) interval: Option<(f32, f32)>,
    pub(super) color: RGBColor,
    /// Shown in heavier letters.
    pub(super) bold: bool,
    /// Text at the end of the bar.
    pub(super) note: String,
}

/// A page of bars, the first on top.
pub(super) fn draw_bars(title: &str, caption: &str, axis_title: &str, bars: &[Bar]) -> Scene {
    let height = bars.len() as f32 * ROW + 110.0;
    let (mut scene, area) = page(WIDTH, height, title, caption);
    let names = bars.iter().map(|b| text::width(&b.name, theme::LABEL, true)).fold(40.0, f32::max).min(NAME);
    let notes = bars.iter().map(|b| text::width(&b.note, theme::CAPTION, false)).fold(0.0, f32::max);
    let x = names + 36.0;
    let area = Rect::new(x, area.y - 4.0, WIDTH - x - 24.0, bars.len() as f32 * ROW + 4.0);
    let axes = Axes::new(area, value_axis(axis_title, bars, (notes + 10.0) / area.width), Axis::between("", 0.0, 1.0));
    axes.draw_x(&mut scene, true);
    for (k, bar) in bars.iter().enumerate() {
        draw_bar(&mut scene, &axes, bar, area.y + 4.0 + (k as f32 + 0.5) * ROW);
    }
    scene
}

/// Widened so that the notes at the ends of the bars have room.
fn value_axis(title: &str, bars: &[Bar], room: f32) -> Axis {
    let ends = bars.iter().flat_map(|b| {
        let (low, high) = b.interval.unwrap_or((b.value, b.value));
        [b.value, low, high]
    });
    let (low, high) = ends.filter(|v| v.is_finite()).fold((0.0_f32, 0.0_f32), |(a, b), v| (a.min(v), b.max(v)));
    let sides = f32::from(u8::from(low < 0.0)) + f32::from(u8::from(high > 0.0));
    let span = (high - low).max(f32::MIN_POSITIVE) / (1.0 - (sides * room).min(0.7));
    let low = if low < 0.0 { low - span * room } else { 0.0 };
    let high = if high > 0.0 || low == 0.0 { high + span * room } else { 0.0 };
    Axis::between(title, f64::from(low), f64::from(high))
}

fn draw_bar(scene: &mut Scene, axes: &Axes, bar: &Bar, y: f32) {
    let x = |value: f32| axes.at(f64::from(value), 0.0).x;
    let (zero, end) = (x(0.0), x(bar.value));
    scene.rect(Rect::new(zero.min(end), y - 7.0, (end - zero).abs().max(0.6), 14.0), bar.color);
    let name = TextStyle { bold: bar.bold, ..TextStyle::new(theme::LABEL).align(Align::End) };
    let shown = text::shorten(&bar.name, theme::LABEL, NAME);
    scene.text(Point::new(axes.area.x - 10.0, y), shown, name);
    let reach = bar.interval.map_or(end, |(low, high)| {
        let (a, b) = (x(low), x(high));
        scene.line(Point::new(a, y), Point::new(b, y), Stroke::new(theme::INK, 1.0));
        for end in [a, b] {
            scene.line(Point::new(end, y - 3.0), Point::new(end, y + 3.0), Stroke::new(theme::INK, 1.0));
        }
        if bar.value < 0.0 { a.min(end) } else { b.max(end) }
    });
    let note = TextStyle::new(theme::CAPTION).muted();
    if bar.value < 0.0 {
        scene.text(Point::new(reach - 5.0, y), &bar.note, note.align(Align::End));
    } else {
        scene.text(Point::new(reach + 5.0, y), &bar.note, note);
    }
}
