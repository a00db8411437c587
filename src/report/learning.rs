//! Accuracy against the number of training perturbations.

use plotters::style::Color;

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::scene::{Scene, TextStyle};
use super::{series, theme};

/// Size of the panel of one metric, px.
const PANEL: (f32, f32) = (theme::COLUMN, 270.0);
const SIDE: f32 = 24.0;

/// One model in one metric at one size.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningPoint {
    /// Name of the model.
    pub model: String,
    /// Title of the metric.
    pub metric: String,
    /// Training perturbations.
    pub n_train: f64,
    /// Mean over held-out perturbations.
    pub value: f64,
    /// 95 % interval.
    pub interval: (f64, f64),
}

/// A panel per metric, a line with its interval per model.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningFigure {
    title: String,
    caption: String,
    models: Vec<String>,
    metrics: Vec<String>,
    points: Vec<LearningPoint>,
}

impl LearningFigure {
    /// A figure of these points; those that are not finite are left out.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where none is left.
    pub fn new(title: &str, points: Vec<LearningPoint>) -> Result<Self, ReportError> {
        let finite =
            |p: &LearningPoint| [p.n_train, p.value, p.interval.0, p.interval.1].into_iter().all(f64::is_finite);
        let mut points: Vec<LearningPoint> = points.into_iter().filter(finite).collect();
        if points.is_empty() {
            let expected = "accuracies by number of training perturbations".into();
            return Err(ReportError::Empty { figure: "learning curve", expected, got: "none".into() });
        }
        points.sort_by(|a, b| a.n_train.total_cmp(&b.n_train));
        let (mut models, mut metrics) = (Vec::new(), Vec::new());
        for p in &points {
            for (name, to) in [(&p.model, &mut models), (&p.metric, &mut metrics)] {
                if !to.contains(name) {
                    to.push(name.clone());
                }
            }
        }
        Ok(Self { title: title.to_owned(), caption: String::new(), models, metrics, points })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let (width, rows) = (PANEL.0, self.metrics.len());
        let legend = series::legend_height(&self.models, width - 2.0 * SIDE);
        let top = 44.0 + legend;
        let (mut scene, _) = page(width, rows as f32 * PANEL.1 + top + 6.0, &self.title, &self.caption);
        series::draw_legend(&mut scene, &self.models, Point::new(SIDE, 42.0), width - 2.0 * SIDE);
        for (k, metric) in self.metrics.iter().enumerate() {
            self.draw_panel(&mut scene, metric, Point::new(0.0, top + k as f32 * PANEL.1));
        }
        scene.alt = self.alt();
        scene
    }

    /// What the figure shows, in words: each line at its largest size.
    fn alt(&self) -> String {
        let mut ends = Vec::new();
        for metric in &self.metrics {
            for model in &self.models {
                let last = self.points.iter().rfind(|p| p.metric == *metric && p.model == *model);
                ends.extend(
                    last.map(|p| format!("{metric} of {model} with {:.0} perturbations: {:.3}", p.n_train, p.value)),
                );
            }
        }
        format!("{}. {}.", self.title, ends.join("; "))
    }

    fn draw_panel(&self, scene: &mut Scene, metric: &str, corner: Point) {
        let points: Vec<&LearningPoint> = self.points.iter().filter(|p| p.metric == metric).collect();
        let area = Rect::new(corner.x + 68.0, corner.y + 30.0, PANEL.0 - 90.0, PANEL.1 - 96.0);
        let x = Axis::of("Training perturbations", points.iter().map(|p| p.n_train));
        let y = Axis::of("", points.iter().flat_map(|p| [p.value, p.interval.0, p.interval.1]));
        let axes = Axes::new(area, x, y);
        axes.draw(scene);
        scene.text(Point::new(area.x, area.y - 14.0), metric, TextStyle::new(theme::AXIS_TITLE).bold());
        for (k, model) in self.models.iter().enumerate() {
            let line: Vec<&&LearningPoint> = points.iter().filter(|p| p.model == *model).collect();
            let upper = line.iter().map(|p| axes.at(p.n_train, p.interval.1));
            let lower = line.iter().rev().map(|p| axes.at(p.n_train, p.interval.0));
            if line.len() > 1 {
                scene.polygon(upper.chain(lower).collect(), series::color(k).mix(0.10));
            }
        }
        for (k, model) in self.models.iter().enumerate() {
            let line: Vec<Point> =
                points.iter().filter(|p| p.model == *model).map(|p| axes.at(p.n_train, p.value)).collect();
            line.iter().for_each(|&p| scene.disc(p, 3.0, series::color(k)));
            scene.path(line, series::stroke(k, 1.8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_in_the_legend_and_every_metric_has_a_panel() {
        let point = |model: &str, metric: &str, n: f64, value: f64| LearningPoint {
            model: model.into(),
            metric: metric.into(),
            n_train: n,
            value,
            interval: (value - 0.1, value + 0.1),
        };
        let points = vec![
            point("linear", "Correlation", 20.0, 0.1),
            point("linear", "Correlation", 10.0, 0.0),
            point("grn", "Distance", 10.0, 0.9),
            point("grn", "Distance", 20.0, f64::NAN),
        ];
        let svg = LearningFigure::new("Learning curve", points).unwrap().scene().to_svg().unwrap();
        for text in ["linear", "grn", "Correlation", "Distance", "Training perturbations"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(LearningFigure::new("", Vec::new()).is_err());
    }
}
