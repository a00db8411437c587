//! Whether intervals hold what they promise, and whether probabilities come true.

use plotters::style::Color;

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{series, theme};

/// Size of a panel, px.
const PANEL: (f32, f32) = (theme::COLUMN, 330.0);
/// First candidates in a group, at least, and groups, at most.
const LEAST: usize = 8;
const GROUPS: usize = 8;
/// Normal quantile of a 95 % interval.
const Z: f64 = 1.959_964;

/// Coverage of the intervals of one model: nominal level and the share that lies inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// What the intervals belong to.
    pub name: String,
    /// Level, mean share inside and its standard error over perturbations (0 where it is not known).
    pub points: Vec<(f64, f64, f64)>,
    /// Perturbations.
    pub n: usize,
}

/// First candidates of rankings: the probability each was given and whether it was right.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// What the probabilities belong to.
    pub name: String,
    /// Probability, and whether it was right.
    pub firsts: Vec<(f64, bool)>,
}

/// Some first candidates of similar probability.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    n: usize,
    probability: f64,
    right: f64,
    /// Wilson's 95 % interval of the share that is right.
    interval: (f64, f64),
}

/// A panel of coverage, a panel of reliability, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationFigure {
    title: String,
    caption: String,
    coverage: Vec<Coverage>,
    reliability: Vec<Reliability>,
}

impl CalibrationFigure {
    /// A figure of these; what has no points is left out.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where nothing is left.
    pub fn new(
        title: &str,
        mut coverage: Vec<Coverage>,
        mut reliability: Vec<Reliability>,
    ) -> Result<Self, ReportError> {
        coverage.retain(|c| !c.points.is_empty());
        reliability.retain(|r| !r.firsts.is_empty());
        if coverage.is_empty() && reliability.is_empty() {
            let expected = "coverage of intervals or probabilities of first candidates".into();
            return Err(ReportError::Empty { figure: "calibration plot", expected, got: "none".into() });
        }
        Ok(Self { title: title.to_owned(), caption: String::new(), coverage, reliability })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let panels = usize::from(!self.coverage.is_empty()) + usize::from(!self.reliability.is_empty());
        let (mut scene, _) = page(PANEL.0, 40.0 + panels as f32 * PANEL.1, &self.title, &self.caption);
        let mut corner = Point::new(0.0, 40.0);
        if !self.coverage.is_empty() {
            self.draw_coverage(&mut scene, corner);
            corner = corner.shift(0.0, PANEL.1);
        }
        if !self.reliability.is_empty() {
            self.draw_reliability(&mut scene, corner);
        }
        scene.alt = self.alt();
        scene
    }

    fn draw_coverage(&self, scene: &mut Scene, corner: Point) {
        let name = |c: &Coverage| format!("{}, {} perturbations", c.name, c.n);
        let names: Vec<String> = self.coverage.iter().map(name).collect();
        let axes = panel(scene, corner, &names, ["Level of the interval", "Share of changes inside"]);
        for (k, coverage) in self.coverage.iter().enumerate() {
            let (upper, lower) = (coverage.points.iter(), coverage.points.iter().rev());
            let upper = upper.map(|&(x, y, se)| axes.at(x, y + Z * se));
            let band: Vec<Point> = upper.chain(lower.map(|&(x, y, se)| axes.at(x, y - Z * se))).collect();
            scene.polygon(band, series::color(k).mix(0.14));
            let line: Vec<Point> = coverage.points.iter().map(|&(x, y, _)| axes.at(x, y)).collect();
            line.iter().for_each(|&p| scene.disc(p, 3.0, series::color(k)));
            scene.path(line, series::stroke(k, 1.8));
        }
    }

    fn draw_reliability(&self, scene: &mut Scene, corner: Point) {
        let name = |r: &Reliability| format!("{}, {} queries", r.name, r.firsts.len());
        let names: Vec<String> = self.reliability.iter().map(name).collect();
        let axes = panel(scene, corner, &names, ["Probability of the first candidate", "Share that is right"]);
        for (k, reliability) in self.reliability.iter().enumerate() {
            let groups = groups(&reliability.firsts);
            for g in &groups {
                let ends = [g.interval.0, g.interval.1].map(|y| axes.at(g.probability, y));
                scene.line(ends[0], ends[1], Stroke::new(series::color(k), 1.3));
            }
            let line: Vec<Point> = groups.iter().map(|g| axes.at(g.probability, g.right)).collect();
            line.iter().for_each(|&p| scene.disc(p, 3.6, series::color(k)));
            scene.path(line, series::stroke(k, 1.6));
        }
    }

    /// What the figure shows, in words.
    fn alt(&self) -> String {
        let mut parts = Vec::new();
        for c in &self.coverage {
            let levels: Vec<String> =
                c.points.iter().map(|(x, y, _)| format!("{:.1} % at level {x}", y * 100.0)).collect();
            parts.push(format!("Intervals of {} hold {}", c.name, levels.join(", ")));
        }
        for r in &self.reliability {
            let of = |g: &Group| format!("{:.2} right of {} at probability {:.2}", g.right, g.n, g.probability);
            let groups: Vec<String> = groups(&r.firsts).iter().map(of).collect();
            parts.push(format!("First candidates, {}: share {}", r.name, groups.join(", ")));
        }
        format!("{}. {}.", self.title, parts.join(". "))
    }
}

/// Axes from 0 to 1 with the line of perfect calibration and a legend above.
fn panel(scene: &mut Scene, corner: Point, names: &[String], titles: [&str; 2]) -> Axes {
    let legend = series::legend_height(names, PANEL.0 - 90.0);
    let area = Rect::new(corner.x + 68.0, corner.y + 6.0 + legend, PANEL.0 - 90.0, PANEL.1 - 66.0 - legend);
    series::draw_legend(scene, names, Point::new(area.x, corner.y), area.width);
    let axes = Axes::new(area, Axis::between(titles[0], 0.0, 1.0), Axis::between(titles[1], 0.0, 1.0));
    axes.draw(scene);
    scene.line(axes.at(0.0, 0.0), axes.at(1.0, 1.0), Stroke::new(theme::MUTED, 1.0).dashed(5.0, 4.0));
    let note = TextStyle::new(theme::CAPTION).muted().align(Align::End);
    scene.text(axes.at(1.0, 0.03).shift(-4.0, 0.0), "dashed: as promised", note);
    axes
}

/// First candidates by probability in groups of equal size.
fn groups(firsts: &[(f64, bool)]) -> Vec<Group> {
    let mut sorted = firsts.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (n, parts) = (sorted.len(), (sorted.len() / LEAST).clamp(1, GROUPS));
    let group = |k: usize| {
        let part = &sorted[k * n / parts..(k + 1) * n / parts];
        let right = part.iter().filter(|(_, right)| *right).count();
        Group {
            n: part.len(),
            probability: part.iter().map(|(p, _)| p).sum::<f64>() / part.len() as f64,
            right: right as f64 / part.len() as f64,
            interval: wilson(right, part.len()),
        }
    };
    (0..parts).map(group).collect()
}

/// Wilson's 95 % interval of a share (Wilson 1927).
fn wilson(right: usize, n: usize) -> (f64, f64) {
    let (n, share) = (n as f64, right as f64 / n as f64);
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_is_that_of_the_textbook() {
        // Agresti and Coull (1998): 0 of 10 gives an upper end of z^2 / (n + z^2) = 0.2775.
        let (low, high) = wilson(0, 10);
        assert!(low.abs() < 1e-12 && (high - 0.2775).abs() < 1e-4);
        let (low, high) = wilson(5, 10);
        assert!((low + high - 1.0).abs() < 1e-12 && (low - 0.2366).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn groups_have_the_same_size_and_both_panels_are_drawn() {
        let firsts: Vec<(f64, bool)> = (0..40).map(|i| (f64::from(i) / 40.0, i % 2 == 0)).collect();
        let found = groups(&firsts);
        assert_eq!(found.iter().map(|g| g.n).collect::<Vec<_>>(), [8; 5]);
        assert!(found.iter().all(|g| (g.right - 0.5).abs() < 1e-12));
        let coverage = Coverage { name: "grn".into(), points: vec![(0.5, 0.52, 0.01), (0.9, 0.88, 0.02)], n: 25 };
        let reliability = Reliability { name: "genome".into(), firsts };
        let both = CalibrationFigure::new("Calibration", vec![coverage.clone()], vec![reliability]).unwrap().scene();
        let one = CalibrationFigure::new("Calibration", vec![coverage], Vec::new()).unwrap().scene();
        assert!(both.height > one.height + 300.0);
        assert!(both.alt.contains("88.0 % at level 0.9") && both.alt.contains("of 8 at probability"), "{}", both.alt);
        assert!(CalibrationFigure::new("", Vec::new(), Vec::new()).is_err());
    }
}
