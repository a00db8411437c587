//! Gain over a baseline against what is known of each perturbation.

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::Point;
use super::points::{NamedPoint, draw_cloud, draw_named};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::theme;
use crate::stats::spearman;

/// Perturbations with a label at each end.
const NAMED: usize = 4;
/// Groups of equal size whose means are drawn.
const GROUPS: usize = 5;

/// One perturbation.
#[derive(Debug, Clone, PartialEq)]
pub struct GainPoint {
    /// Its name.
    pub perturbation: String,
    /// What is known of it.
    pub x: f64,
    /// Its gain; above 0 the model is better.
    pub gain: f64,
}

/// A point per perturbation, and means of fifths.
#[derive(Debug, Clone, PartialEq)]
pub struct GainScatter {
    title: String,
    caption: String,
    x_title: String,
    y_title: String,
    points: Vec<GainPoint>,
}

impl GainScatter {
    /// A figure of these points; those that are not finite are left out.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where none is left.
    pub fn new(title: &str, x_title: &str, y_title: &str, points: Vec<GainPoint>) -> Result<Self, ReportError> {
        let mut points: Vec<GainPoint> = points.into_iter().filter(|p| p.x.is_finite() && p.gain.is_finite()).collect();
        if points.is_empty() {
            let expected = "perturbations with a gain and a value to sort them by".into();
            return Err(ReportError::Empty { figure: "improvement plot", expected, got: "none".into() });
        }
        points.sort_by(|a, b| a.x.total_cmp(&b.x).then_with(|| a.perturbation.cmp(&b.perturbation)));
        let [title, x_title, y_title] = [title, x_title, y_title].map(str::to_owned);
        Ok(Self { title, caption: String::new(), x_title, y_title, points })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let (mut scene, area) = page(theme::COLUMN, 350.0, &self.title, &self.caption);
        let x = Axis::of(&self.x_title, self.points.iter().map(|p| p.x));
        let y = Axis::of(&self.y_title, self.points.iter().map(|p| p.gain).chain([0.0]));
        let axes = Axes::new(area, x, y);
        axes.draw(&mut scene);
        let at = |p: &GainPoint| axes.at(p.x, p.gain);
        for (better, color) in [(true, theme::BLUE), (false, theme::VERMILLION)] {
            draw_cloud(&mut scene, self.points.iter().filter(|p| (p.gain > 0.0) == better).map(at), color);
        }
        self.draw_means(&mut scene, &axes);
        let cloud: Vec<Point> = self.points.iter().map(at).collect();
        let named: Vec<NamedPoint<'_>> = self.ends().map(|p| named(p, at(p))).collect();
        draw_named(&mut scene, area, &cloud, &named);
        let note = TextStyle::new(theme::LABEL).muted().align(Align::End);
        scene.text(Point::new(area.right(), area.y - 12.0), self.note(), note);
        scene.alt = format!("{}: {} against {}. {}.", self.title, self.y_title, self.x_title, self.note());
        scene
    }

    /// Those that gain and lose most.
    fn ends(&self) -> impl Iterator<Item = &GainPoint> {
        let mut by_gain: Vec<&GainPoint> = self.points.iter().collect();
        by_gain.sort_by(|a, b| b.gain.total_cmp(&a.gain).then_with(|| a.perturbation.cmp(&b.perturbation)));
        let n = by_gain.len();
        let last = by_gain.split_off(n.saturating_sub(NAMED).max(n.min(NAMED)));
        by_gain.truncate(NAMED);
        by_gain.into_iter().chain(last)
    }

    /// How many gain, and whether x has to do with it.
    fn note(&self) -> String {
        let better = self.points.iter().filter(|p| p.gain > 0.0).count();
        let values = |f: fn(&GainPoint) -> f64| self.points.iter().map(|p| f(p) as f32).collect::<Vec<f32>>();
        let rank = spearman(&values(|p| p.x), &values(|p| p.gain));
        let rank = rank.map_or_else(String::new, |r| format!("; rank correlation {r:+.2}").replace('-', "−"));
        format!("{better} of {} better{rank}", self.points.len())
    }

    /// Mean gain of fifths of the perturbations with a line over the x they span.
    fn draw_means(&self, scene: &mut Scene, axes: &Axes) {
        if self.points.len() < 3 * GROUPS {
            return;
        }
        let n = self.points.len();
        for k in 0..GROUPS {
            let group = &self.points[k * n / GROUPS..(k + 1) * n / GROUPS];
            let mean = group.iter().map(|p| p.gain).sum::<f64>() / group.len() as f64;
            let (from, to) = (axes.at(group[0].x, mean), axes.at(group[group.len() - 1].x, mean));
            scene.line(from, Point::new(to.x.max(from.x + 3.0), to.y), Stroke::new(theme::INK, 2.0));
        }
    }
}

fn named(p: &GainPoint, at: Point) -> NamedPoint<'_> {
    let color = if p.gain > 0.0 { theme::BLUE } else { theme::VERMILLION };
    NamedPoint { at, name: &p.perturbation, color, toward: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_better_predictions_and_the_trend_are_told() {
        let points =
            (0..20).map(|i| GainPoint { perturbation: format!("G{i}"), x: f64::from(i), gain: f64::from(i) - 4.5 });
        let figure = GainScatter::new("Gain", "degree", "gain", points.collect()).unwrap();
        let svg = figure.scene().to_svg().unwrap();
        assert!(svg.contains("15 of 20 better; rank correlation +1.00"));
        assert!(svg.contains("G19") && svg.contains("G0"));
    }
}
