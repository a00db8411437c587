//! Axes that every chart shares: nice ticks, a light grid, titles with units.

use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle, caption_height};
use super::{text, theme};

/// Room left of a chart for ticks and title, right of it, above and below, px.
const LEFT: f32 = 68.0;
const RIGHT: f32 = 22.0;
const TOP: f32 = 60.0;
const BOTTOM: f32 = 54.0;

/// A linear axis that begins and ends at ticks or near them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    title: String,
    min: f64,
    max: f64,
    step: f64,
    powers: bool,
}

impl Axis {
    /// An axis that shows all finite `values` with a little room at both ends.
    pub(super) fn of(title: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let (min, max) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if min > max {
            return Self::between(title, 0.0, 1.0);
        }
        let room = if max > min { (max - min) * 0.05 } else { max.abs().max(1.0) * 0.1 };
        Self::between(title, min - room, max + room)
    }

    /// An axis from `min` to `max`.
    pub(super) fn between(title: impl Into<String>, min: f64, max: f64) -> Self {
        Self { title: title.into(), min, max, step: nice_step((max - min) / 5.0), powers: false }
    }

    /// An axis of powers of ten: `values`, and the places asked for later, are logarithms to base 10.
    pub(super) fn powers_of_ten(title: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let axis = Self::of(title, values);
        Self { step: ((axis.max - axis.min) / 8.0).ceil().max(1.0), powers: true, ..axis }
    }

    /// An axis of powers of ten between these two logarithms.
    pub(super) fn powers_of_ten_between(title: impl Into<String>, min: f64, max: f64) -> Self {
        let axis = Self::between(title, min, max);
        Self { step: ((max - min) / 8.0).ceil().max(1.0), powers: true, ..axis }
    }

    /// The same axis, widened to include a value.
    #[must_use]
    pub(super) fn including(self, value: f64) -> Self {
        Self::between(self.title, self.min.min(value), self.max.max(value))
    }

    /// The same axis, beginning at zero.
    #[must_use]
    pub(super) fn starting_at_zero(self) -> Self {
        Self::between(self.title, 0.0, self.max)
    }

    /// Lowest and highest value.
    pub(super) fn range(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    /// Positions of the ticks.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let (first, last) = ((self.min / self.step).ceil() as i64, (self.max / self.step).floor() as i64);
        (first..=last).map(|k| k as f64 * self.step).collect()
    }

    /// A tick as text, with as many decimals as the step needs.
    pub(super) fn tick_text(&self, value: f64) -> String {
        if self.powers {
            return power_text(value);
        }
        let exact = |d: &usize| (self.step * 10f64.powi(*d as i32)).fract().abs() < 1e-6;
        let decimals = (0..12).find(exact).unwrap_or(12);
        format!("{value:.decimals$}").replace('-', "−")
    }

    fn fraction(&self, value: f64) -> f32 {
        ((value - self.min) / (self.max - self.min)) as f32
    }
}

/// Ten to this power as people write it.
fn power_text(power: f64) -> String {
    match power {
        p if (0.0..4.0).contains(&p) => format!("{}", 10f64.powf(p).round()),
        p if (4.0..7.0).contains(&p) => format!("{}k", 10f64.powf(p - 3.0).round()),
        p if (-3.0..0.0).contains(&p) => format!("{:.*}", -p as usize, 10f64.powf(p)),
        p => format!("1e{p}").replace('-', "−"),
    }
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|s| s * power).find(|&s| s >= rough * 0.999).unwrap_or(10.0 * power)
}

/// Two axes around a plotting area.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axes {
    /// Where data is drawn.
    pub(super) area: Rect,
    x: Axis,
    y: Axis,
}

impl Axes {
    /// Axes around this area.
    pub(super) fn new(area: Rect, x: Axis, y: Axis) -> Self {
        Self { area, x, y }
    }

    /// The place of a pair of values; values beyond the axes lie on the rim.
    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        let (fx, fy) = (self.x.fraction(x).clamp(0.0, 1.0), self.y.fraction(y).clamp(0.0, 1.0));
        Point::new(self.area.x + fx * self.area.width, self.area.bottom() - fy * self.area.height)
    }

    /// Lowest and highest value of the horizontal and of the vertical axis.
    pub(super) fn ranges(&self) -> ((f64, f64), (f64, f64)) {
        (self.x.range(), self.y.range())
    }

    /// Draws grid, ticks and titles.
    pub(super) fn draw(&self, scene: &mut Scene) {
        self.draw_x(scene, true);
        self.draw_y(scene);
    }

    /// Draws the horizontal axis, with vertical grid lines where asked for.
    pub(super) fn draw_x(&self, scene: &mut Scene, grid: bool) {
        let (area, ticks) = (self.area, TextStyle::new(theme::LABEL).muted().align(Align::Middle));
        for value in self.x.ticks() {
            let x = self.at(value, self.y.min).x;
            if grid {
                scene.line(Point::new(x, area.y), Point::new(x, area.bottom()), grid_line(value));
            }
            scene.text(Point::new(x, area.bottom() + 14.0), self.x.tick_text(value), ticks);
        }
        // A title wider than the area moves rather than leaving the page.
        let half = text::width(&self.x.title, theme::AXIS_TITLE, false) / 2.0 + 10.0;
        let middle = area.center().x.min(scene.width - half).max(half.min(scene.width / 2.0));
        let title = Point::new(middle, area.bottom() + 37.0);
        scene.text(title, &self.x.title, TextStyle::new(theme::AXIS_TITLE).align(Align::Middle));
    }

    /// Draws the vertical axis with horizontal grid lines.
    pub(super) fn draw_y(&self, scene: &mut Scene) {
        let (area, ticks) = (self.area, TextStyle::new(theme::LABEL).muted().align(Align::End));
        let mut widest = 0.0_f32;
        for value in self.y.ticks() {
            let y = self.at(self.x.min, value).y;
            scene.line(Point::new(area.x, y), Point::new(area.right(), y), grid_line(value));
            let text = self.y.tick_text(value);
            widest = widest.max(text::width(&text, theme::LABEL, false));
            scene.text(Point::new(area.x - 8.0, y), text, ticks);
        }
        let title = Point::new(area.x - widest - 24.0, area.center().y);
        let style = TextStyle { upwards: true, ..TextStyle::new(theme::AXIS_TITLE).align(Align::Middle) };
        scene.text(title, &self.y.title, style);
    }
}

/// Zero is a stronger line than other ticks.
fn grid_line(value: f64) -> Stroke {
    if value == 0.0 { Stroke::new(theme::UNKNOWN, 1.1) } else { Stroke::new(theme::GRID, 1.0) }
}

/// A page with a title, a caption and the area between.
pub(super) fn page(width: f32, height: f32, title: &str, caption: &str) -> (Scene, Rect) {
    let lines = text::wrap(caption, theme::CAPTION, width - 48.0);
    let mut scene = Scene::new(width, height + caption_height(&lines), title);
    scene.frame_texts(24.0, title, &lines);
    (scene, Rect::new(LEFT, TOP, width - LEFT - RIGHT, height - TOP - BOTTOM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        let t = |min, max| {
            let axis = Axis::between("", min, max);
            axis.ticks().iter().map(|&v| axis.tick_text(v)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(t(0.0, 1.0), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(t(-0.31, 0.52), "−0.2 0.0 0.2 0.4");
        assert_eq!(t(0.0, 730.0), "0 200 400 600");
        assert_eq!(t(0.0, 1.2), "0.00 0.25 0.50 0.75 1.00");
    }

    #[test]
    fn logarithms_are_labelled_by_their_powers() {
        let axis = Axis::powers_of_ten("", [-4.2, 1.3]);
        let texts: Vec<String> = axis.ticks().iter().map(|&v| axis.tick_text(v)).collect();
        assert_eq!(texts, ["1e−4", "0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!((power_text(3.0), power_text(5.0)), ("1000".into(), "100k".into()));
    }

    #[test]
    fn constant_and_missing_values_still_give_an_axis() {
        let (min, max) = Axis::of("", [2.0, 2.0]).range();
        assert!(min < 2.0 && max > 2.0);
        assert_eq!(Axis::of("", [f64::NAN]).range(), (0.0, 1.0));
    }
}
