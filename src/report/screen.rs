//! What a screen looks like: noise, degrees of its network, efficiency, and genes that change.

use plotters::style::RGBColor;

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::points::draw_cloud;
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{text, theme};

/// Size of a panel, px.
const PANEL: (f32, f32) = (430.0, 320.0);
/// Bars of a histogram.
const BARS: usize = 40;

/// The figures of a screen, as they were measured on its cells.
#[derive(Debug, Clone, Default)]
pub struct ScreenFigure {
    /// What is shown.
    pub title: String,
    /// Where it comes from.
    pub caption: String,
    /// Mean and variance of the counts of each gene over control cells, scaled to equal depth.
    pub moments: Vec<(f64, f64)>,
    /// Dispersion of the negative binomial that the cells were drawn from, where it is known.
    pub dispersion: Option<f64>,
    /// Number of targets of each gene, and number of regulators.
    pub degrees: Option<(Vec<usize>, Vec<usize>)>,
    /// Efficiency in each perturbed cell, 0 to 1.
    pub efficiency: Vec<f64>,
    /// Differentially expressed genes of each perturbation.
    pub degs: Vec<usize>,
    /// A range to compare these with, and what it is.
    pub deg_range: Option<([usize; 2], String)>,
}

/// Draws one panel into its area.
type Panel = fn(&ScreenFigure, &mut Scene, Rect);

impl ScreenFigure {
    /// Draws it: up to four panels.
    ///
    /// # Errors
    /// [`ReportError::Empty`] without anything to draw.
    pub fn scene(&self) -> Result<Scene, ReportError> {
        let panels = self.panels();
        if panels.is_empty() {
            let expected = "moments, degrees, efficiencies or differentially expressed genes".into();
            return Err(ReportError::Empty { figure: "screen figure", expected, got: "none".into() });
        }
        let columns = panels.len().min(2);
        let size = (columns as f32 * PANEL.0 + 30.0, panels.len().div_ceil(2) as f32 * PANEL.1 + 44.0);
        let (mut scene, _) = page(size.0, size.1, &self.title, &self.caption);
        for (k, panel) in panels.iter().enumerate() {
            let corner = Point::new((k % 2) as f32 * PANEL.0, 44.0 + (k / 2) as f32 * PANEL.1);
            let area = Rect::new(corner.x + 82.0, corner.y + 34.0, PANEL.0 - 104.0, PANEL.1 - 96.0);
            panel(self, &mut scene, area);
        }
        Ok(scene)
    }

    fn panels(&self) -> Vec<Panel> {
        let shown: [(bool, Panel); 4] = [
            (!self.moments.is_empty(), Self::draw_moments),
            (self.degrees.is_some(), Self::draw_degrees),
            (!self.efficiency.is_empty(), Self::draw_efficiency),
            (!self.degs.is_empty(), Self::draw_degs),
        ];
        shown.into_iter().filter_map(|(there, panel)| there.then_some(panel)).collect()
    }

    fn draw_moments(&self, scene: &mut Scene, area: Rect) {
        let logs: Vec<(f64, f64)> =
            self.moments.iter().filter(|(m, v)| *m > 0.0 && *v > 0.0).map(|(m, v)| (m.log10(), v.log10())).collect();
        let axes = Axes::new(
            area,
            Axis::powers_of_ten("mean count of a gene in control cells", logs.iter().map(|p| p.0)),
            Axis::powers_of_ten("variance", logs.iter().map(|p| p.1)),
        );
        axes.draw(scene);
        draw_cloud(scene, logs.iter().map(|&(x, y)| axes.at(x, y)), theme::BLUE);
        let ((low, high), _) = axes.ranges();
        let line = |variance: &dyn Fn(f64) -> f64| {
            let place = |k: i32| low + f64::from(k) / 60.0 * (high - low);
            let inside = |x: &f64| variance(10f64.powf(*x)).log10() <= axes.ranges().1.1;
            (0..=60).map(place).filter(inside).map(|x| axes.at(x, variance(10f64.powf(x)).log10())).collect::<Vec<_>>()
        };
        scene.path(line(&|m| m), Stroke::new(theme::INK, 1.4));
        let mut keys = vec![("Poisson".to_owned(), theme::INK)];
        if let Some(phi) = self.dispersion {
            scene.path(line(&|m| m + phi * m * m), Stroke::new(theme::VERMILLION, 1.8));
            keys.push((format!("negative binomial, dispersion {phi}"), theme::VERMILLION));
        }
        heading(scene, area, "Counting noise", &keys);
    }

    fn draw_degrees(&self, scene: &mut Scene, area: Rect) {
        let Some((out, into)) = &self.degrees else { return };
        let series = [("targets of a gene", out, theme::BLUE), ("regulators of a gene", into, theme::VERMILLION)];
        let points = series.map(|(_, degrees, _)| survival(degrees));
        let all = || points.iter().flatten();
        let axes = Axes::new(
            area,
            Axis::powers_of_ten("degree", all().map(|p| p.0)),
            Axis::powers_of_ten("share of genes with at least this degree", all().map(|p| p.1)),
        );
        axes.draw(scene);
        for (points, (_, _, color)) in points.iter().zip(series) {
            points.iter().for_each(|&(x, y)| scene.disc(axes.at(x, y), 2.2, color));
        }
        let keys: Vec<(String, RGBColor)> =
            series.iter().map(|(name, _, color)| ((*name).to_owned(), *color)).collect();
        heading(scene, area, "Degrees", &keys);
    }

    fn draw_efficiency(&self, scene: &mut Scene, area: Rect) {
        let mut bars = [0usize; BARS];
        let bar = |e: f64| ((e * BARS as f64) as usize).min(BARS - 1);
        self.efficiency.iter().for_each(|&e| bars[bar(e)] += 1);
        let share = |n: usize| n as f64 / self.efficiency.len() as f64;
        let axes = Axes::new(
            area,
            Axis::between("efficiency in a cell (share of the target's production that is gone)", 0.0, 1.0),
            Axis::of("share of perturbed cells", bars.map(share)).starting_at_zero(),
        );
        axes.draw(scene);
        for (k, &n) in bars.iter().enumerate().filter(|(_, n)| **n > 0) {
            let (left, right) = (k as f64 / BARS as f64, (k + 1) as f64 / BARS as f64);
            let (a, b) = (axes.at(left, share(n)), axes.at(right, 0.0));
            scene.rect(Rect::new(a.x + 0.5, a.y, b.x - a.x - 1.0, b.y - a.y), theme::BLUE);
        }
        let escaped = share(self.efficiency.iter().filter(|e| **e == 0.0).count());
        let mean = self.efficiency.iter().sum::<f64>() / self.efficiency.len() as f64;
        heading(
            scene,
            area,
            "Knockdown efficiency",
            &[(format!("mean {mean:.2}; {:.1} % of cells escape", 100.0 * escaped), theme::MUTED)],
        );
    }

    fn draw_degs(&self, scene: &mut Scene, area: Rect) {
        let mut counts = self.degs.clone();
        counts.sort_unstable();
        let log = |n: usize| (n.max(1) as f64).log10();
        let ends = self.deg_range.iter().flat_map(|(range, _)| range.map(log));
        let axes = Axes::new(
            area,
            Axis::between("perturbations, fewest genes first", 0.0, counts.len() as f64 + 1.0),
            Axis::powers_of_ten("differentially expressed genes", counts.iter().map(|&n| log(n)).chain(ends)),
        );
        axes.draw(scene);
        let mut keys = Vec::new();
        if let Some((range, name)) = &self.deg_range {
            let ((x0, x1), _) = axes.ranges();
            for end in range.map(log) {
                scene.line(axes.at(x0, end), axes.at(x1, end), Stroke::new(theme::VERMILLION, 1.3).dashed(5.0, 4.0));
            }
            keys.push((format!("{name}: {} to {}", range[0], range[1]), theme::VERMILLION));
        }
        for (k, &n) in counts.iter().enumerate() {
            scene.disc(axes.at(k as f64 + 1.0, log(n)), 2.4, theme::BLUE);
        }
        let (first, last, median) = (counts[0], counts[counts.len() - 1], counts[counts.len() / 2]);
        keys.insert(0, (format!("here: {first} to {last}, median {median}"), theme::BLUE));
        heading(scene, area, "Genes that change", &keys);
    }
}

/// log10 of each degree above 0 and of the share of genes with at least it.
fn survival(degrees: &[usize]) -> Vec<(f64, f64)> {
    let mut sorted = degrees.to_vec();
    sorted.sort_unstable();
    let mut points = Vec::new();
    for (k, &degree) in sorted.iter().enumerate() {
        if degree > 0 && (k == 0 || sorted[k - 1] != degree) {
            points.push(((degree as f64).log10(), ((sorted.len() - k) as f64 / sorted.len() as f64).log10()));
        }
    }
    points
}

/// The name of a panel, and its colours.
fn heading(scene: &mut Scene, area: Rect, title: &str, keys: &[(String, RGBColor)]) {
    scene.text(Point::new(area.x, area.y - 24.0), title, TextStyle::new(theme::AXIS_TITLE).bold().align(Align::Start));
    let mut x = area.x;
    for (name, color) in keys {
        scene.text(Point::new(x, area.y - 9.0), name, TextStyle { color: *color, ..TextStyle::new(theme::LABEL) });
        x += text::width(name, theme::LABEL, false) + 18.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_is_drawn_where_there_is_something_to_draw() {
        let figure = ScreenFigure {
            title: "Screen".into(),
            moments: vec![(0.1, 0.1), (10.0, 20.0), (0.0, 0.0)],
            dispersion: Some(0.1),
            degrees: Some((vec![0, 0, 3, 1], vec![1, 1, 1, 1])),
            efficiency: vec![0.0, 0.8, 0.9, 1.0],
            degs: vec![300, 0, 20],
            deg_range: Some(([204, 3053], "VCC".into())),
            ..ScreenFigure::default()
        };
        let svg = figure.scene().unwrap().to_svg().unwrap();
        for part in
            ["Counting noise", "Degrees", "25.0 % of cells escape", "here: 0 to 300, median 20", "VCC: 204 to 3053"]
        {
            assert!(svg.contains(part), "{part}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        let one = ScreenFigure { degs: vec![5], ..ScreenFigure::default() };
        assert!(one.scene().unwrap().width < figure.scene().unwrap().width);
        assert!(ScreenFigure::default().scene().is_err());
    }

    #[test]
    fn survival_counts_genes_at_or_above_a_degree() {
        let points = survival(&[0, 1, 1, 10]);
        assert_eq!(points, [(0.0, 0.75f64.log10()), (1.0, 0.25f64.log10())]);
    }
}
