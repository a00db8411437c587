//! How much better than a baseline each held-out perturbation is predicted.

use std::f32::consts::PI;

use plotters::style::{Color, RGBColor};

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::points::{NamedPoint, draw_named};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::theme;

/// Perturbations with a label at each end.
const NAMED: usize = 4;
/// Opacity of the bars: labels stay legible on them.
const BAR: f64 = 0.38;

/// One perturbation, scored for the model and for the baseline on the same data.
#[derive(Debug, Clone, PartialEq)]
pub struct Improvement {
    /// Its name.
    pub perturbation: String,
    /// Score of the model; larger is better.
    pub model: f64,
    /// Score of the baseline.
    pub baseline: f64,
}

impl Improvement {
    /// Model minus baseline.
    pub fn difference(&self) -> f64 {
        self.model - self.baseline
    }
}

/// Every perturbation, sorted by its improvement over the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct ImprovementFigure {
    title: String,
    caption: String,
    metric: String,
    rows: Vec<Improvement>,
}

impl ImprovementFigure {
    /// A figure of these perturbations; pairs with a score that is not a number are left out.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where none is left.
    pub fn new(model: &str, baseline: &str, metric: &str, rows: Vec<Improvement>) -> Result<Self, ReportError> {
        let mut rows: Vec<Improvement> = rows.into_iter().filter(|r| r.difference().is_finite()).collect();
        if rows.is_empty() {
            let expected = "perturbations scored for model and baseline".into();
            return Err(ReportError::Empty { figure: "improvement plot", expected, got: "none".into() });
        }
        rows.sort_by(|a, b| {
            b.difference().total_cmp(&a.difference()).then_with(|| a.perturbation.cmp(&b.perturbation))
        });
        let title = format!("{model} over {baseline}, by held-out perturbation");
        Ok(Self { title, caption: String::new(), metric: metric.to_owned(), rows })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Mean improvement.
    pub fn mean(&self) -> f64 {
        self.rows.iter().map(Improvement::difference).sum::<f64>() / self.rows.len() as f64
    }

    /// How many perturbations are predicted better than by the baseline.
    pub fn n_better(&self) -> usize {
        self.rows.iter().filter(|r| r.difference() > 0.0).count()
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let (mut scene, area) = page(theme::COLUMN, 340.0, &self.title, &self.caption);
        let n = self.rows.len();
        let y = Axis::of(format!("Difference in {}", self.metric), self.rows.iter().map(Improvement::difference));
        let x = Axis::between("Held-out perturbations, sorted", 0.0, n as f64);
        let axes = Axes::new(area, x, y.including(0.0));
        axes.draw_y(&mut scene);
        axes.draw_x(&mut scene, false);
        self.draw_bars(&mut scene, &axes);
        self.draw_mean(&mut scene, &axes);
        self.draw_names(&mut scene, &axes);
        scene.alt = self.alt();
        scene
    }

    /// What the figure shows, in words.
    fn alt(&self) -> String {
        let (best, worst) = (&self.rows[0], &self.rows[self.rows.len() - 1]);
        format!(
            "{}. Difference in {}: mean {:+.3}; {} of {} perturbations are predicted better; most for {} ({:+.3}), least \
             for {} ({:+.3}).",
            self.title,
            self.metric,
            self.mean(),
            self.n_better(),
            self.rows.len(),
            best.perturbation,
            best.difference(),
            worst.perturbation,
            worst.difference()
        )
    }

    fn draw_bars(&self, scene: &mut Scene, axes: &Axes) {
        for (k, row) in self.rows.iter().enumerate() {
            let (a, b) = (axes.at(k as f64, 0.0), axes.at(k as f64 + 1.0, row.difference()));
            let gap = if b.x - a.x > 4.0 { 1.0 } else { 0.0 };
            let bar = Rect::new(a.x, a.y.min(b.y), (b.x - a.x - gap).max(0.4), (a.y - b.y).abs());
            scene.rect(bar, color_of(row).mix(BAR));
        }
    }

    fn draw_mean(&self, scene: &mut Scene, axes: &Axes) {
        let (n, mean) = (self.rows.len() as f64, self.mean());
        scene.line(axes.at(0.0, mean), axes.at(n, mean), Stroke::new(theme::INK, 1.2).dashed(5.0, 4.0));
        let share = format!("{} of {n} better", self.n_better());
        let text = format!("mean {mean:+.3}, {share}").replace('-', "−");
        let at = Point::new(axes.area.right(), axes.area.y - 14.0);
        scene.text(at, text, TextStyle::new(theme::LABEL).muted().align(Align::End));
    }

    /// Names of the perturbations that gain and lose most.
    fn draw_names(&self, scene: &mut Scene, axes: &Axes) {
        let n = self.rows.len();
        let ends: Vec<usize> = (0..n.min(NAMED)).chain(n.saturating_sub(NAMED).max(n.min(NAMED))..n).collect();
        let at = |k: usize| axes.at(k as f64 + 0.5, self.rows[k].difference());
        let named: Vec<NamedPoint<'_>> = ends
            .iter()
            .map(|&k| {
                let gains = self.rows[k].difference() > 0.0;
                let color = color_of(&self.rows[k]);
                // The free side of a falling staircase: above it on the right, below it on the left.
                let toward = Some(if gains { -PI / 8.0 } else { PI * 0.75 });
                NamedPoint { at: at(k), name: &self.rows[k].perturbation, color, toward }
            })
            .collect();
        let bars: Vec<Point> = (0..n)
            .flat_map(|k| {
                let (zero, top) = (axes.at(k as f64 + 0.5, 0.0), at(k));
                (0..=20).map(move |s| zero.mix(top, s as f32 / 20.0))
            })
            .collect();
        draw_named(scene, axes.area, &bars, &named);
    }
}

fn color_of(row: &Improvement) -> RGBColor {
    if row.difference() > 0.0 { theme::BLUE } else { theme::VERMILLION }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_better_predictions_is_told() {
        let row = |name: &str, model: f64| Improvement { perturbation: name.into(), model, baseline: 0.5 };
        let rows = vec![row("A", 0.4), row("B", 0.9), row("C", 0.6), row("D", f64::NAN)];
        let figure = ImprovementFigure::new("grn", "mean", "Pearson r", rows).unwrap();
        assert_eq!(figure.n_better(), 2);
        // (-0.1 + 0.4 + 0.1) / 3
        assert!((figure.mean() - 0.4 / 3.0).abs() < 1e-12);
        assert!(figure.scene().to_svg().unwrap().contains("2 of 3 better"));
    }
}
