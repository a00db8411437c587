//! A scene through plotters: SVG whose text stays text.

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoTextStyle, RGBColor, ShapeStyle, TextStyle as PlotterStyle};

use super::ReportError;
use super::geometry::Point;
use super::scene::{Align, Scene, Shape, Stroke, TextStyle};
use super::{text, theme};

/// Plotters takes whole coordinates, so drawings are made enlarged: in SVG the view box scales them back.
const SCALE: f32 = 10.0;
/// Font size that plotters must be told per em: it divides sizes by this.
const FONT: f32 = 1.24;
/// How far below its place plotters must be told to put a text so that its capitals are centred there, em: it lowers
/// the baseline by half an ex (0.27 em).
const DROP: f32 = 0.09;

impl Scene {
    /// The scene as an SVG document: text stays text, no reference to anything outside.
    ///
    /// # Errors
    /// [`ReportError::Drawing`].
    pub fn to_svg(&self) -> Result<String, ReportError> {
        let mut svg = String::new();
        let size = ((self.width * SCALE) as u32, (self.height * SCALE) as u32);
        self.draw(SVGBackend::with_string(&mut svg, size))?;
        Ok(self.with_header(&svg, size))
    }

    /// Replaces the first line by one with the size on the page and a description for readers that speak.
    fn with_header(&self, svg: &str, (width, height): (u32, u32)) -> String {
        let body = svg.split_once('\n').map_or("", |(_, body)| body);
        let (w, h, alt) = (self.width, self.height, super::html::escape(&self.alt));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-label=\"{alt}\">\n<title>{alt}</title>\n{body}"
        )
    }

    fn draw<B: DrawingBackend>(&self, backend: B) -> Result<(), ReportError> {
        text::register();
        let area = backend.into_drawing_area();
        area.fill(&theme::PAPER).map_err(ReportError::drawing)?;
        for shape in &self.shapes {
            draw_shape(&area, shape)?;
        }
        area.present().map_err(ReportError::drawing)
    }
}

fn draw_shape<B: DrawingBackend>(area: &DrawingArea<B, Shift>, shape: &Shape) -> Result<(), ReportError> {
    match shape {
        Shape::Path { points, stroke } => draw_path(area, points, *stroke),
        Shape::Polygon { points, fill } => {
            let corners = whole(points);
            area.draw(&Polygon::new(corners, fill.filled())).map_err(ReportError::drawing)
        }
        Shape::Disc { center, radius, fill } => {
            let radius = (radius * SCALE).round() as u32;
            area.draw(&Circle::new(on_page(*center), radius, fill.filled())).map_err(ReportError::drawing)
        }
        Shape::Text { at, text, style } => draw_text(area, *at, text, *style),
    }
}

fn draw_path<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    points: &[Point],
    stroke: Stroke,
) -> Result<(), ReportError> {
    let width = (stroke.width * SCALE).round().max(1.0) as u32;
    let style = ShapeStyle { color: stroke.color.to_rgba(), filled: false, stroke_width: width };
    let pieces = stroke.dash.map_or_else(|| vec![points.to_vec()], |(dash, gap)| dashes(points, dash, gap));
    for piece in pieces {
        let line = whole(&piece);
        if line.len() > 1 {
            area.draw(&PathElement::new(line, style)).map_err(ReportError::drawing)?;
        }
    }
    Ok(())
}

fn draw_text<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    at: Point,
    content: &str,
    style: TextStyle,
) -> Result<(), ReportError> {
    let drop = DROP * style.size;
    let at = if style.upwards { at.shift(drop, 0.0) } else { at.shift(0.0, drop) };
    let font = text::font(style.size * FONT * SCALE, style.bold);
    let font = if style.upwards { font.transform(FontTransform::Rotate270) } else { font };
    let h = match style.align {
        Align::Start => HPos::Left,
        Align::Middle => HPos::Center,
        Align::End => HPos::Right,
    };
    let color: RGBColor = style.color;
    let style: PlotterStyle<'_> = font.into_text_style(area).pos(Pos::new(h, VPos::Center)).color(&color);
    area.draw(&Text::new(content.to_owned(), on_page(at), style)).map_err(ReportError::drawing)
}

fn on_page(p: Point) -> (i32, i32) {
    ((p.x * SCALE).round() as i32, (p.y * SCALE).round() as i32)
}

/// Whole coordinates without repetitions.
fn whole(points: &[Point]) -> Vec<(i32, i32)> {
    let mut points: Vec<(i32, i32)> = points.iter().map(|&p| on_page(p)).collect();
    points.dedup();
    points
}

/// The drawn pieces of a dashed line.
fn dashes(points: &[Point], dash: f32, gap: f32) -> Vec<Vec<Point>> {
    let (mut pieces, mut piece) = (Vec::new(), points.first().map_or_else(Vec::new, |&p| vec![p]));
    let (mut on, mut left) = (true, dash);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        while from.distance(to) > left {
            from = from.mix(to, left / from.distance(to));
            if on {
                piece.push(from);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            on = !on;
            left = if on { dash } else { gap };
        }
        left -= from.distance(to);
        if on {
            piece.push(to);
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_the_right_part_of_a_line() {
        let pieces = dashes(&[Point::new(0.0, 0.0), Point::new(10.0, 0.0)], 3.0, 2.0);
        let spans: Vec<(f32, f32)> = pieces.iter().map(|p| (p[0].x, p[p.len() - 1].x)).collect();
        assert_eq!(spans, [(0.0, 3.0), (5.0, 8.0)]);
    }

    #[test]
    fn text_stays_text_and_is_escaped() {
        let mut scene = Scene::new(100.0, 50.0, "a < b");
        scene.text(Point::new(10.0, 10.0), "<script>", TextStyle::new(10.0));
        let svg = scene.to_svg().unwrap();
        assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script>"));
        assert!(svg.contains("aria-label=\"a &lt; b\""));
        assert!(svg.contains("viewBox=\"0 0 1000 500\""));
    }
}
