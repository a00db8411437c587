//! What is drawn, in pixels, before any backend sees it.

use plotters::style::{RGBAColor, RGBColor};

use super::geometry::{Point, Rect};
use super::{text, theme};

/// Which part of a text its place names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Text begins there.
    #[default]
    Start,
    /// Text is centred there.
    Middle,
    /// Text ends there.
    End,
}

/// How a text looks. Its place is always the middle of the height of its capitals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextStyle {
    /// Pixels per em.
    pub size: f32,
    /// Heavier letters.
    pub bold: bool,
    /// Colour.
    pub color: RGBColor,
    /// Horizontal alignment.
    pub align: Align,
    /// Written upwards, for the title of a vertical axis.
    pub upwards: bool,
}

impl TextStyle {
    /// Text of this size in ink, beginning at its place.
    pub fn new(size: f32) -> Self {
        Self { size, bold: false, color: theme::INK, align: Align::Start, upwards: false }
    }

    /// In secondary colour.
    #[must_use]
    pub fn muted(self) -> Self {
        Self { color: theme::MUTED, ..self }
    }

    /// In heavier letters.
    #[must_use]
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Aligned.
    #[must_use]
    pub fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub color: RGBColor,
    /// Pixels.
    pub width: f32,
    /// Length of dash and gap, pixels.
    pub dash: Option<(f32, f32)>,
}

impl Stroke {
    /// A solid line.
    pub fn new(color: RGBColor, width: f32) -> Self {
        Self { color, width, dash: None }
    }

    /// A dashed line.
    #[must_use]
    pub fn dashed(self, dash: f32, gap: f32) -> Self {
        Self { dash: Some((dash, gap)), ..self }
    }
}

/// One thing on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// An open line through points.
    Path {
        /// The points.
        points: Vec<Point>,
        /// How it looks.
        stroke: Stroke,
    },
    /// A filled polygon.
    Polygon {
        /// The corners.
        points: Vec<Point>,
        /// The fill.
        fill: RGBAColor,
    },
    /// A filled disc.
    Disc {
        /// The middle.
        center: Point,
        /// The radius.
        radius: f32,
        /// The fill.
        fill: RGBAColor,
    },
    /// A line of text.
    Text {
        /// Where (see `TextStyle`).
        at: Point,
        /// What it says.
        text: String,
        /// How it looks.
        style: TextStyle,
    },
}

/// A page with shapes in drawing order.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width, px.
    pub width: f32,
    /// Height, px.
    pub height: f32,
    /// What a reader who cannot see the figure is told.
    pub alt: String,
    /// The shapes, later ones on top.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// An empty page.
    pub fn new(width: f32, height: f32, alt: impl Into<String>) -> Self {
        Self { width: width.ceil(), height: height.ceil(), alt: alt.into(), shapes: Vec::new() }
    }

    /// An open line; fewer than two points draw nothing.
    pub fn path(&mut self, points: Vec<Point>, stroke: Stroke) {
        if points.len() > 1 {
            self.shapes.push(Shape::Path { points, stroke });
        }
    }

    /// A straight line.
    pub fn line(&mut self, a: Point, b: Point, stroke: Stroke) {
        self.path(vec![a, b], stroke);
    }

    /// A filled polygon.
    pub fn polygon(&mut self, points: Vec<Point>, fill: impl Into<RGBAColor>) {
        self.shapes.push(Shape::Polygon { points, fill: fill.into() });
    }

    /// A filled rectangle.
    pub fn rect(&mut self, r: Rect, fill: impl Into<RGBAColor>) {
        let corners = [(r.x, r.y), (r.right(), r.y), (r.right(), r.bottom()), (r.x, r.bottom())];
        self.polygon(corners.map(|(x, y)| Point::new(x, y)).to_vec(), fill);
    }

    /// A filled disc.
    pub fn disc(&mut self, center: Point, radius: f32, fill: impl Into<RGBAColor>) {
        self.shapes.push(Shape::Disc { center, radius, fill: fill.into() });
    }

    /// A line of text.
    pub fn text(&mut self, at: Point, text: impl Into<String>, style: TextStyle) {
        self.shapes.push(Shape::Text { at, text: text.into(), style });
    }

    /// Title at the top and wrapped caption at the bottom, both from `x`; returns the height the caption needs.
    pub(super) fn frame_texts(&mut self, x: f32, title: &str, caption: &[String]) {
        let size = theme::TITLE * ((self.width - 2.0 * x) / text::width(title, theme::TITLE, true)).clamp(0.75, 1.0);
        let title = text::shorten(title, size * 1.12, self.width - 2.0 * x);
        self.text(Point::new(x, 24.0), title, TextStyle::new(size).bold());
        let top = self.height - caption_height(caption) + 10.0;
        for (k, line) in caption.iter().enumerate() {
            let at = Point::new(x, top + k as f32 * CAPTION_LINE);
            self.text(at, line, TextStyle::new(theme::CAPTION).muted());
        }
    }
}

const CAPTION_LINE: f32 = 16.0;

/// Height of a caption of these lines, with its margins.
pub(super) fn caption_height(lines: &[String]) -> f32 {
    lines.len() as f32 * CAPTION_LINE + 14.0
}
