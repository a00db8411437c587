//! Gains by kind of perturbation: a point with its interval per group and model.

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{series, text, theme};

const WIDTH: f32 = theme::COLUMN;
/// Height of a group besides its points, and of a point, px.
const GROUP: f32 = 12.0;
const ROW: f32 = 15.0;

/// One model in one group of perturbations.
#[derive(Debug, Clone, PartialEq)]
pub struct StratumGain {
    /// What perturbations are grouped by.
    pub by: String,
    /// Name of the group with its range.
    pub group: String,
    /// Name of the model.
    pub model: String,
    /// Mean gain.
    pub gain: f64,
    /// 95 % interval.
    pub interval: (f64, f64),
}

/// Groups below each other, one point per model.
#[derive(Debug, Clone, PartialEq)]
pub struct StrataFigure {
    title: String,
    caption: String,
    metric: String,
    models: Vec<String>,
    /// Heading and group, in order.
    groups: Vec<(String, String)>,
    gains: Vec<StratumGain>,
}

impl StrataFigure {
    /// A figure of these gains in `metric`; those that are not finite are left out.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where none is left.
    pub fn new(title: &str, metric: &str, gains: Vec<StratumGain>) -> Result<Self, ReportError> {
        let finite = |g: &StratumGain| [g.gain, g.interval.0, g.interval.1].into_iter().all(f64::is_finite);
        let gains: Vec<StratumGain> = gains.into_iter().filter(finite).collect();
        if gains.is_empty() {
            let expected = "gains by group of perturbations".into();
            return Err(ReportError::Empty { figure: "strata plot", expected, got: "none".into() });
        }
        let (mut models, mut groups) = (Vec::new(), Vec::new());
        for g in &gains {
            if !models.contains(&g.model) {
                models.push(g.model.clone());
            }
            let group = (g.by.clone(), g.group.clone());
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        let (title, metric) = (title.to_owned(), metric.to_owned());
        Ok(Self { title, caption: String::new(), metric, models, groups, gains })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let legend = series::legend_height(&self.models, WIDTH - 48.0);
        let group = GROUP + ROW * self.models.len() as f32;
        let headings = self.groups.chunk_by(|a, b| a.0 == b.0).count() as f32;
        let height = group * self.groups.len() as f32 + 20.0 * headings;
        let (mut scene, _) = page(WIDTH, height + legend + 118.0, &self.title, &self.caption);
        series::draw_legend(&mut scene, &self.models, Point::new(24.0, 42.0), WIDTH - 48.0);
        let widest = self.groups.iter().map(|g| text::width(&g.1, theme::LABEL, false)).fold(60.0, f32::max);
        let left = (widest + 38.0).min(238.0);
        let area = Rect::new(left, 54.0 + legend, WIDTH - left - 24.0, height);
        let ends = self.gains.iter().flat_map(|g| [g.gain, g.interval.0, g.interval.1]);
        let x = Axis::of(&self.metric, ends.chain([0.0]));
        let axes = Axes::new(area, x, Axis::between("", 0.0, 1.0));
        axes.draw_x(&mut scene, true);
        let mut y = area.y;
        for groups in self.groups.chunk_by(|a, b| a.0 == b.0) {
            let heading = TextStyle::new(theme::LABEL).bold();
            // Headings may reach into the plot: the grid gives way.
            let size = (text::width(&groups[0].0, theme::LABEL, true) + 8.0, 17.0);
            scene.rect(Rect::new(20.0, y + 1.5, size.0, size.1), theme::PAPER);
            scene.text(Point::new(24.0, y + 10.0), &groups[0].0, heading);
            y += 20.0;
            for at in groups {
                self.draw_group(&mut scene, &axes, at, y);
                y += group;
            }
        }
        scene.alt = self.alt();
        scene
    }

    /// What the figure shows, in words.
    fn alt(&self) -> String {
        let of = |g: &StratumGain| {
            let StratumGain { by, group, model, gain, interval: (low, high) } = g;
            format!("{by}, {group}, {model}: {gain:+.3} [{low:+.3}, {high:+.3}]")
        };
        let gains: Vec<String> = self.gains.iter().take(18).map(of).collect();
        format!("{}: {}. {}.", self.title, self.metric, gains.join("; "))
    }

    fn draw_group(&self, scene: &mut Scene, axes: &Axes, group: &(String, String), y: f32) {
        let middle = y + ROW * self.models.len() as f32 / 2.0;
        let name = TextStyle::new(theme::LABEL).align(Align::End);
        scene.text(Point::new(axes.area.x - 12.0, middle), text::shorten(&group.1, theme::LABEL, 206.0), name);
        for (k, model) in self.models.iter().enumerate() {
            let of = |g: &&StratumGain| g.model == *model && g.by == group.0 && g.group == group.1;
            let Some(gain) = self.gains.iter().find(of) else { continue };
            let at = |value: f64| Point::new(axes.at(value, 0.0).x, y + (k as f32 + 0.5) * ROW);
            scene.line(at(gain.interval.0), at(gain.interval.1), series::stroke(k, 2.0));
            scene.disc(at(gain.gain), 4.6, theme::PAPER);
            scene.disc(at(gain.gain), 3.8, series::color(k));
        }
        let below = y + ROW * self.models.len() as f32 + GROUP / 2.0;
        let line = Stroke::new(theme::GRID, 0.8);
        scene.line(Point::new(axes.area.x, below), Point::new(axes.area.right(), below), line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_their_order_under_their_heading() {
        let gain = |by: &str, group: &str, model: &str| StratumGain {
            by: by.into(),
            group: group.into(),
            model: model.into(),
            gain: 0.1,
            interval: (0.0, 0.2),
        };
        let gains = vec![gain("Degree", "low", "a"), gain("Degree", "high", "a"), gain("Effect", "low", "b")];
        let svg = StrataFigure::new("Who gains", "Gain", gains).unwrap().scene().to_svg().unwrap();
        let at = |text: &str| svg.find(text).unwrap_or_else(|| panic!("{text}"));
        assert!(at("Degree") < at("high") && at("high") < at("Effect"));
        assert!(StrataFigure::new("", "", Vec::new()).is_err());
    }
}
