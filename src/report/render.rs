//! A scene through plotters: SVG whose text stays text, or PNG.

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
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
const SVG_SCALE: f32 = 10.0;
/// PNG: drawn at four times the size and averaged to twice the size, which smooths every edge.
const PNG_SCALE: f32 = 4.0;
/// Pixels averaged per side.
const PNG_REDUCE: usize = 2;

/// What differs between the backends.
#[derive(Debug, Clone, Copy)]
struct Pen {
    /// Backend units per pixel.
    scale: f32,
    /// Backend font size per em.
    font: f32,
    /// How far below its place the backend must be told to put a text so that its capitals are centred there, em.
    drop: f32,
}

/// SVG divides sizes by 1.24 and lowers the baseline by half an ex (0.27 em).
const SVG_PEN: Pen = Pen { scale: SVG_SCALE, font: 1.24, drop: 0.09 };
/// The bitmap backend lowers it by about 0.11 em.
const PNG_PEN: Pen = Pen { scale: PNG_SCALE, font: text::HEIGHT_PER_EM, drop: 0.25 };

impl Scene {
    /// The scene as an SVG document: text stays text, no reference to anything outside.
    ///
    /// # Errors
    /// [`ReportError::Drawing`].
    pub fn to_svg(&self) -> Result<String, ReportError> {
        let mut svg = String::new();
        let size = self.size(SVG_SCALE);
        self.draw(SVGBackend::with_string(&mut svg, size), SVG_PEN)?;
        Ok(self.with_header(&svg, size))
    }

    /// The scene as a PNG of twice its size in pixels.
    ///
    /// # Errors
    /// [`ReportError::Drawing`].
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let (width, height) = self.size(PNG_SCALE);
        let mut pixels = vec![0; (width * height * 3) as usize];
        self.draw(BitMapBackend::with_buffer(&mut pixels, (width, height)), PNG_PEN)?;
        encode(&reduced(&pixels, width as usize), width / PNG_REDUCE as u32, height / PNG_REDUCE as u32)
    }

    fn size(&self, scale: f32) -> (u32, u32) {
        ((self.width * scale) as u32, (self.height * scale) as u32)
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

    fn draw<B: DrawingBackend>(&self, backend: B, pen: Pen) -> Result<(), ReportError> {
        text::register();
        let area = backend.into_drawing_area();
        area.fill(&theme::PAPER).map_err(ReportError::drawing)?;
        for shape in &self.shapes {
            draw_shape(&area, shape, pen)?;
        }
        area.present().map_err(ReportError::drawing)
    }
}

fn draw_shape<B: DrawingBackend>(area: &DrawingArea<B, Shift>, shape: &Shape, pen: Pen) -> Result<(), ReportError> {
    match shape {
        Shape::Path { points, stroke } => draw_path(area, points, *stroke, pen),
        Shape::Polygon { points, fill } => {
            let corners = whole(points, pen);
            area.draw(&Polygon::new(corners, fill.filled())).map_err(ReportError::drawing)
        }
        Shape::Disc { center, radius, fill } => {
            let radius = (radius * pen.scale).round() as u32;
            area.draw(&Circle::new(pen.at(*center), radius, fill.filled())).map_err(ReportError::drawing)
        }
        Shape::Text { at, text, style } => draw_text(area, *at, text, *style, pen),
    }
}

fn draw_path<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    points: &[Point],
    stroke: Stroke,
    pen: Pen,
) -> Result<(), ReportError> {
    let width = (stroke.width * pen.scale).round().max(1.0) as u32;
    let style = ShapeStyle { color: stroke.color.to_rgba(), filled: false, stroke_width: width };
    let pieces = stroke.dash.map_or_else(|| vec![points.to_vec()], |(dash, gap)| dashes(points, dash, gap));
    for piece in pieces {
        let line = whole(&piece, pen);
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
    pen: Pen,
) -> Result<(), ReportError> {
    let drop = pen.drop * style.size;
    let at = if style.upwards { at.shift(drop, 0.0) } else { at.shift(0.0, drop) };
    let font = text::font(style.size * pen.font * pen.scale, style.bold);
    let font = if style.upwards { font.transform(FontTransform::Rotate270) } else { font };
    let h = match style.align {
        Align::Start => HPos::Left,
        Align::Middle => HPos::Center,
        Align::End => HPos::Right,
    };
    let color: RGBColor = style.color;
    let style: PlotterStyle<'_> = font.into_text_style(area).pos(Pos::new(h, VPos::Center)).color(&color);
    area.draw(&Text::new(content.to_owned(), pen.at(at), style)).map_err(ReportError::drawing)
}

impl Pen {
    fn at(self, p: Point) -> (i32, i32) {
        ((p.x * self.scale).round() as i32, (p.y * self.scale).round() as i32)
    }
}

/// Whole coordinates without repetitions (the bitmap backend cannot draw a line of length zero).
fn whole(points: &[Point], pen: Pen) -> Vec<(i32, i32)> {
    let mut points: Vec<(i32, i32)> = points.iter().map(|&p| pen.at(p)).collect();
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

/// Averages squares of pixels (8-bit RGB rows of `width`).
fn reduced(pixels: &[u8], width: usize) -> Vec<u8> {
    let row = width * 3;
    let out_width = width / PNG_REDUCE;
    let n = (PNG_REDUCE * PNG_REDUCE) as u32;
    let mut out = Vec::with_capacity(pixels.len() / (PNG_REDUCE * PNG_REDUCE));
    for rows in pixels.chunks_exact(row * PNG_REDUCE) {
        for x in 0..out_width {
            for channel in 0..3 {
                let offset = |dy: usize, dx: usize| dy * row + (x * PNG_REDUCE + dx) * 3 + channel;
                let square = (0..PNG_REDUCE).flat_map(|dy| (0..PNG_REDUCE).map(move |dx| (dy, dx)));
                let sum: u32 = square.map(|(dy, dx)| u32::from(rows[offset(dy, dx)])).sum();
                out.push((sum / n) as u8);
            }
        }
    }
    out
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, ReportError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // 192 dots per inch: the page keeps its size.
    let density = png::PixelDimensions { xppu: 7559, yppu: 7559, unit: png::Unit::Meter };
    encoder.set_pixel_dims(Some(density));
    let mut writer = encoder.write_header().map_err(ReportError::drawing)?;
    writer.write_image_data(pixels).map_err(ReportError::drawing)?;
    writer.finish().map_err(ReportError::drawing)?;
    Ok(out)
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

    #[test]
    fn a_png_has_twice_the_size() {
        let png = Scene::new(100.0, 50.0, "").to_png().unwrap();
        assert_eq!(&png[1..4], b"PNG");
        assert_eq!(&png[16..24], [0, 0, 0, 200, 0, 0, 0, 100]);
    }
}
