//! How many of the genes that change are among those predicted to change most.

use std::cmp::Ordering;

use plotters::style::Color;

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::points::{NamedPoint, draw_cloud, draw_named};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{series, theme};

/// Height of a panel, px.
const PANEL: f32 = 312.0;
/// Perturbations with a label at each end.
const NAMED: usize = 4;

/// A model's predictions against the genes measured to change.
#[derive(Debug, Clone, PartialEq)]
pub struct DegCurve {
    /// Name of the model.
    pub model: String,
    /// k, mean share of the k genes predicted to change most that do change, and its standard error over perturbations.
    pub precision: Vec<(usize, f64, f64)>,
}

/// One perturbation: the share of its N changing genes among the N predicted to change most.
#[derive(Debug, Clone, PartialEq)]
pub struct DegOverlap {
    /// Its name.
    pub perturbation: String,
    /// N.
    pub n: usize,
    /// Share found by the model.
    pub model: f64,
    /// Share found by the baseline.
    pub baseline: f64,
}

/// Precision at k of all models, and overlap at N of the first one against the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct DegsFigure {
    title: String,
    caption: String,
    curves: Vec<DegCurve>,
    /// Share of genes that change: precision of a random order.
    chance: f64,
    overlaps: Vec<DegOverlap>,
    /// Names of model and baseline behind the overlaps.
    names: (String, String),
}

impl DegsFigure {
    /// A figure of these curves and overlaps.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where no perturbation has a changing gene.
    pub fn new(
        title: &str,
        curves: Vec<DegCurve>,
        chance: f64,
        overlaps: Vec<DegOverlap>,
        (model, baseline): (&str, &str),
    ) -> Result<Self, ReportError> {
        if overlaps.is_empty() || curves.iter().all(|c| c.precision.is_empty()) {
            let expected = "perturbations with genes that change".into();
            return Err(ReportError::Empty { figure: "plot of changing genes", expected, got: "none".into() });
        }
        let (title, names) = (title.to_owned(), (model.to_owned(), baseline.to_owned()));
        Ok(Self { title, caption: String::new(), curves, chance, overlaps, names })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Mean overlap of model and baseline.
    pub fn means(&self) -> (f64, f64) {
        let n = self.overlaps.len() as f64;
        let mean = |f: fn(&DegOverlap) -> f64| self.overlaps.iter().map(f).sum::<f64>() / n;
        (mean(|o| o.model), mean(|o| o.baseline))
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let names: Vec<String> = self.curves.iter().map(|c| c.model.clone()).collect();
        let legend = series::legend_height(&names, theme::COLUMN - 90.0);
        let height = 48.0 + legend + 2.0 * PANEL;
        let (mut scene, _) = page(theme::COLUMN, height, &self.title, &self.caption);
        series::draw_legend(&mut scene, &names, Point::new(68.0, 40.0), theme::COLUMN - 90.0);
        let area = Rect::new(68.0, 50.0 + legend, theme::COLUMN - 90.0, PANEL - 84.0);
        self.draw_precision(&mut scene, area);
        self.draw_overlaps(&mut scene, Rect::new(area.x, area.y + PANEL, area.width, area.height));
        scene.alt = self.alt();
        scene
    }

    fn draw_precision(&self, scene: &mut Scene, area: Rect) {
        let log = |k: usize| (k as f64).log10();
        let points = || self.curves.iter().flat_map(|c| &c.precision);
        let y = Axis::of("Share that does change", points().map(|p| (p.1 + 1.96 * p.2).min(1.0)).chain([self.chance]))
            .starting_at_zero();
        let largest = points().map(|p| log(p.0)).fold(1.0, f64::max);
        let x = Axis::powers_of_ten_between("Genes predicted to change most", 0.0, largest);
        let axes = Axes::new(area, x, y);
        axes.draw(scene);
        let ends = [0.0, largest].map(|x| axes.at(x, self.chance));
        scene.line(ends[0], ends[1], Stroke::new(theme::MUTED, 1.0).dashed(5.0, 4.0));
        let note = TextStyle::new(theme::CAPTION).muted();
        scene.text(ends[0].shift(4.0, -8.0), "chance", note);
        for (k, curve) in self.curves.iter().enumerate() {
            let upper = curve.precision.iter().map(|&(n, y, se)| axes.at(log(n), y + 1.96 * se));
            let lower = curve.precision.iter().rev().map(|&(n, y, se)| axes.at(log(n), y - 1.96 * se));
            scene.polygon(upper.chain(lower).collect(), series::color(k).mix(0.10));
        }
        for (k, curve) in self.curves.iter().enumerate() {
            let line = curve.precision.iter().map(|&(n, y, _)| axes.at(log(n), y)).collect();
            scene.path(line, series::stroke(k, 1.9));
        }
    }

    fn draw_overlaps(&self, scene: &mut Scene, area: Rect) {
        let (model, baseline) = (&self.names.0, &self.names.1);
        let all = self.overlaps.iter().flat_map(|o| [o.model, o.baseline]);
        let top = (all.fold(0.1, f64::max) * 1.06).min(1.0);
        let axes = Axes::new(
            area,
            Axis::between(format!("Overlap at N of {baseline}"), 0.0, top),
            Axis::between(format!("Overlap at N of {model}"), 0.0, top),
        );
        axes.draw(scene);
        scene.line(axes.at(0.0, 0.0), axes.at(top, top), Stroke::new(theme::MUTED, 1.0).dashed(5.0, 4.0));
        let at = |o: &DegOverlap| axes.at(o.baseline, o.model);
        let color = |o: &DegOverlap| match o.model.total_cmp(&o.baseline) {
            Ordering::Greater => theme::BLUE,
            Ordering::Equal => theme::MUTED,
            Ordering::Less => theme::VERMILLION,
        };
        for shown in [theme::MUTED, theme::BLUE, theme::VERMILLION] {
            draw_cloud(scene, self.overlaps.iter().filter(|o| color(o) == shown).map(at), shown);
        }
        let cloud: Vec<Point> = self.overlaps.iter().map(at).collect();
        let mut by_gain: Vec<&DegOverlap> = self.overlaps.iter().collect();
        by_gain.sort_by(|a, b| {
            (b.model - b.baseline).total_cmp(&(a.model - a.baseline)).then(a.perturbation.cmp(&b.perturbation))
        });
        let n = by_gain.len();
        let ends = (0..n.min(NAMED)).chain(n.saturating_sub(NAMED).max(n.min(NAMED))..n).map(|k| by_gain[k]);
        let named: Vec<NamedPoint<'_>> =
            ends.map(|o| NamedPoint { at: at(o), name: &o.perturbation, color: color(o), toward: None }).collect();
        draw_named(scene, area, &cloud, &named);
        let note = TextStyle::new(theme::LABEL).muted().align(Align::End);
        scene.text(Point::new(area.right(), area.y - 12.0), self.note(), note);
    }

    fn note(&self) -> String {
        let (model, baseline) = self.means();
        let better = self.overlaps.iter().filter(|o| o.model > o.baseline).count();
        let n = self.overlaps.len();
        format!("mean {model:.3} against {baseline:.3}; {better} of {n} better")
    }

    /// What the figure shows, in words.
    fn alt(&self) -> String {
        let at = |c: &DegCurve| {
            let shown = c.precision.iter().filter(|p| [10, 100].contains(&p.0));
            let shown: Vec<String> = shown.map(|(k, p, _)| format!("{p:.3} of the first {k}")).collect();
            format!("{}: {}", c.model, shown.join(", "))
        };
        let curves: Vec<String> = self.curves.iter().map(at).collect();
        format!(
            "{}. Share that does change, {}; chance {:.3}. Overlap at N: {}.",
            self.title,
            curves.join("; "),
            self.chance,
            self.note()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_numbers_are_told() {
        let overlap = |name: &str, model, baseline| DegOverlap { perturbation: name.into(), n: 10, model, baseline };
        let curve = |model: &str, p| DegCurve { model: model.into(), precision: vec![(1, p, 0.1), (10, p, 0.05)] };
        let overlaps = vec![overlap("A", 0.5, 0.2), overlap("B", 0.1, 0.3)];
        let curves = vec![curve("grn", 0.6), curve("mean", 0.2)];
        let figure = DegsFigure::new("Changing genes", curves, 0.1, overlaps, ("grn", "mean")).unwrap();
        assert_eq!(figure.means(), (0.3, 0.25));
        let scene = figure.scene();
        assert!(
            scene.alt.contains("grn: 0.600 of the first 10") && scene.alt.contains("1 of 2 better"),
            "{}",
            scene.alt
        );
        assert!(scene.to_svg().unwrap().contains("mean 0.300 against 0.250"));
        assert!(DegsFigure::new("", Vec::new(), 0.1, Vec::new(), ("", "")).is_err());
    }
}
