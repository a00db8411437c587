//! Predicted against measured change, gene by gene.

use std::sync::Arc;

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::points::{NamedPoint, draw_cloud, draw_named};
use super::responders::signed;
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::theme;
use crate::data::Delta;
use crate::stats::pearson;

/// Genes with a label.
const NAMED: usize = 10;

/// A scatter plot of predicted against measured changes of one perturbation.
#[derive(Debug, Clone, PartialEq)]
pub struct DeltaFigure {
    title: String,
    caption: String,
    /// Gene, measured, predicted.
    genes: Vec<(Arc<str>, f32, f32)>,
}

impl DeltaFigure {
    /// Puts predicted and measured changes of `perturbation` together by gene name. Its targets are told in the
    /// caption and left out of plot and correlation: their fall is the intervention, not the response.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where no gene is in both.
    pub fn new<S: AsRef<str>>(
        perturbation: &str,
        targets: &[S],
        predicted: &Delta,
        measured: &Delta,
    ) -> Result<Self, ReportError> {
        let names = predicted.genes.names().iter().zip(&predicted.mean);
        let both = names.filter_map(|(name, &p)| {
            let m = measured.mean[measured.genes.resolve(name)?.index()];
            (m.is_finite() && p.is_finite()).then(|| (Arc::clone(name), m, p))
        });
        let is_target = |name: &str| targets.iter().any(|t| t.as_ref() == name);
        let (own, genes): (Vec<_>, Vec<_>) = both.partition(|(name, ..)| is_target(name));
        if genes.is_empty() {
            let got = "no gene that is in both".into();
            return Err(ReportError::Empty {
                figure: "delta plot",
                expected: "genes predicted and measured".into(),
                got,
            });
        }
        let tell = |(name, m, p): &(Arc<str>, f32, f32)| {
            format!("{name} itself (not shown): measured {}, predicted {}.", signed(*m), signed(*p))
        };
        let caption = own.iter().map(tell).collect::<Vec<_>>().join(" ");
        let title = format!("{perturbation}: predicted and measured change");
        Ok(Self { title, caption, genes })
    }

    /// Says where the figure comes from, before what it says itself.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: format!("{} {}", caption.into(), self.caption), ..self }
    }

    /// Pearson correlation over all genes but the targets.
    pub fn correlation(&self) -> Option<f64> {
        let measured: Vec<f32> = self.genes.iter().map(|g| g.1).collect();
        let predicted: Vec<f32> = self.genes.iter().map(|g| g.2).collect();
        pearson(&measured, &predicted)
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let (mut scene, area) = page(theme::COLUMN, 440.0, &self.title, &self.caption);
        let axes = Axes::new(
            area,
            Axis::of("Measured change (log1p)", self.genes.iter().map(|g| f64::from(g.1))).including(0.0),
            Axis::of("Predicted change (log1p)", self.genes.iter().map(|g| f64::from(g.2))).including(0.0),
        );
        axes.draw(&mut scene);
        draw_identity(&mut scene, &axes);
        let at = |g: &(Arc<str>, f32, f32)| axes.at(f64::from(g.1), f64::from(g.2));
        let cloud: Vec<_> = self.genes.iter().map(at).collect();
        draw_cloud(&mut scene, cloud.iter().copied(), theme::BLUE);
        let named: Vec<NamedPoint<'_>> = self
            .extremes()
            .into_iter()
            .map(|g| NamedPoint { at: at(g), name: &g.0, color: theme::BLUE, toward: None })
            .collect();
        draw_named(&mut scene, area, &cloud, &named);
        self.draw_numbers(&mut scene, &axes);
        scene.alt = format!("{}. {}.", self.title, self.numbers());
        scene
    }

    fn draw_numbers(&self, scene: &mut Scene, axes: &Axes) {
        let at = axes.area.center().shift(axes.area.width / 2.0, -axes.area.height / 2.0 - 14.0);
        scene.text(at, self.numbers(), TextStyle::new(theme::LABEL).muted().align(Align::End));
        let at = axes.area.center().shift(-axes.area.width / 2.0, -axes.area.height / 2.0 - 14.0);
        scene.line(at, at.shift(22.0, 0.0), Stroke::new(theme::MUTED, 1.0).dashed(5.0, 4.0));
        scene.text(at.shift(28.0, 0.0), "equal", TextStyle::new(theme::LABEL).muted());
    }

    fn numbers(&self) -> String {
        let r = self.correlation().map_or("not defined".into(), |r| format!("{r:.3}").replace('-', "−"));
        format!("Pearson r = {r} over {} genes", self.genes.len())
    }

    /// The genes with the largest changes, measured or predicted.
    fn extremes(&self) -> Vec<&(Arc<str>, f32, f32)> {
        let largest = |f: fn(&(Arc<str>, f32, f32)) -> f32| self.genes.iter().map(f).fold(f32::MIN_POSITIVE, f32::max);
        let (m, p) = (largest(|g| g.1.abs()), largest(|g| g.2.abs()));
        let size = |g: &(Arc<str>, f32, f32)| (g.1.abs() / m).hypot(g.2.abs() / p);
        let mut order: Vec<&(Arc<str>, f32, f32)> = self.genes.iter().collect();
        order.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.0.cmp(&b.0)));
        order.truncate(NAMED);
        order
    }
}

/// The line of perfect prediction, as far as both axes reach.
fn draw_identity(scene: &mut Scene, axes: &Axes) {
    let ((x0, x1), (y0, y1)) = axes.ranges();
    let (low, high) = (x0.max(y0), x1.min(y1));
    if low < high {
        scene.line(axes.at(low, low), axes.at(high, high), Stroke::new(theme::MUTED, 1.0).dashed(5.0, 4.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::GeneIndex;

    fn delta(genes: &[&str], mean: &[f32]) -> Delta {
        Delta::new(Arc::new(GeneIndex::new(genes).unwrap()), mean.to_vec(), None).unwrap()
    }

    #[test]
    fn genes_are_matched_by_name_and_targets_do_not_count() {
        let predicted = delta(&["A", "B", "C", "T"], &[1.0, 2.0, 3.0, -9.0]);
        let measured = delta(&["T", "C", "B", "A"], &[9.0, 3.0, 2.0, 1.0]);
        let figure = DeltaFigure::new("T", &["T"], &predicted, &measured).unwrap();
        assert!((figure.correlation().unwrap() - 1.0).abs() < 1e-12);
        let svg = figure.scene().to_svg().unwrap();
        assert!(svg.contains("Pearson r = 1.000 over 3 genes"));
        assert_eq!(svg, figure.scene().to_svg().unwrap());
        let other = delta(&["X"], &[1.0]);
        assert!(DeltaFigure::new("T", &["T"], &predicted, &other).is_err());
    }
}
