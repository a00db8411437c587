//! Metrics over the course of a fit.

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{text, theme};

/// Size of the panel of one metric, px.
const PANEL: (f32, f32) = (416.0, 260.0);

/// The course of one metric on one split.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name of the metric (`loss`, ...).
    pub metric: String,
    /// Where it was measured (`train`, `val`, ...).
    pub split: String,
    /// Step or epoch, and value.
    pub points: Vec<(f64, f64)>,
}

/// One panel per metric, one line per split.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveFigure {
    title: String,
    caption: String,
    x_title: String,
    curves: Vec<Curve>,
}

impl CurveFigure {
    /// A figure of these curves over `x_title` (`epoch`, `step`); values that are not finite are left out.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where nothing is left.
    pub fn new(title: &str, x_title: &str, mut curves: Vec<Curve>) -> Result<Self, ReportError> {
        for curve in &mut curves {
            curve.points.retain(|(x, y)| x.is_finite() && y.is_finite());
        }
        curves.retain(|c| !c.points.is_empty());
        if curves.is_empty() {
            let expected = "metrics recorded during the fit".into();
            return Err(ReportError::Empty { figure: "curve plot", expected, got: "none".into() });
        }
        Ok(Self { title: title.to_owned(), caption: String::new(), x_title: x_title.to_owned(), curves })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let metrics = self.metrics();
        // One column up to two metrics, as the other figures.
        let columns = metrics.len().div_ceil(2).min(2);
        let rows = metrics.len().div_ceil(columns);
        let (width, height) = (columns as f32 * PANEL.0 + 24.0, rows as f32 * PANEL.1 + 40.0);
        let (mut scene, _) = page(width, height, &self.title, &self.caption);
        for (k, metric) in metrics.iter().enumerate() {
            let corner = Point::new((k % columns) as f32 * PANEL.0, 40.0 + (k / columns) as f32 * PANEL.1);
            self.draw_panel(&mut scene, metric, corner);
        }
        let ends = self.curves.iter().filter_map(|c| {
            let ((x0, y0), (x1, y1)) = (c.points.first()?, c.points.last()?);
            let name = format!("{} ({})", c.metric, c.split);
            Some(format!("{name}: from {y0:.4} at {} {x0} to {y1:.4} at {x1}", self.x_title.to_lowercase()))
        });
        scene.alt = format!("{}. {}.", self.title, ends.collect::<Vec<_>>().join("; "));
        scene
    }

    /// Names of the metrics in order of appearance.
    fn metrics(&self) -> Vec<&str> {
        let mut metrics: Vec<&str> = Vec::new();
        for curve in &self.curves {
            if !metrics.contains(&curve.metric.as_str()) {
                metrics.push(&curve.metric);
            }
        }
        metrics
    }

    fn draw_panel(&self, scene: &mut Scene, metric: &str, corner: Point) {
        let curves: Vec<&Curve> = self.curves.iter().filter(|c| c.metric == metric).collect();
        let values = |f: fn(&(f64, f64)) -> f64| curves.iter().flat_map(|c| &c.points).map(f).collect::<Vec<_>>();
        let area = Rect::new(corner.x + 78.0, corner.y + 22.0, PANEL.0 - 98.0, PANEL.1 - 82.0);
        let axes = Axes::new(area, Axis::of(&self.x_title, values(|p| p.0)), Axis::of(metric, values(|p| p.1)));
        axes.draw(scene);
        let mut right = area.right();
        for (k, curve) in curves.iter().enumerate().rev() {
            let color = theme::SERIES[k % theme::SERIES.len()];
            draw_curve(scene, &axes, curve, color);
            let label = TextStyle { color, ..TextStyle::new(theme::LABEL).bold().align(Align::End) };
            scene.text(Point::new(right, area.y - 11.0), &curve.split, label);
            right -= text::width(&curve.split, theme::LABEL, true) + 16.0;
        }
    }
}

fn draw_curve(scene: &mut Scene, axes: &Axes, curve: &Curve, color: plotters::style::RGBColor) {
    let places: Vec<Point> = curve.points.iter().map(|&(x, y)| axes.at(x, y)).collect();
    if places.len() < 25 {
        for &p in &places {
            scene.disc(p, 2.6, color);
        }
    }
    scene.path(places, Stroke::new(color, 1.8));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(metric: &str, split: &str, points: &[(f64, f64)]) -> Curve {
        Curve { metric: metric.into(), split: split.into(), points: points.to_vec() }
    }

    #[test]
    fn every_metric_has_its_panel() {
        let curves = vec![
            curve("loss", "train", &[(0.0, 1.0), (1.0, 0.5)]),
            curve("loss", "val", &[(0.0, 1.1), (1.0, f64::NAN)]),
            curve("pearson_delta", "val", &[(1.0, 0.3)]),
        ];
        let svg = CurveFigure::new("Fit", "epoch", curves).unwrap().scene().to_svg().unwrap();
        for text in ["loss", "pearson_delta", "train", "val", "epoch"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(CurveFigure::new("Fit", "epoch", vec![curve("loss", "train", &[])]).is_err());
    }
}
