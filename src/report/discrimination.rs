//! Which measurement every prediction resembles: a confusion heatmap of held-out perturbations.

use ndarray::Array2;
use plotters::style::RGBColor;

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{text, theme};

/// Width where more names must be legible, px.
const WIDE: f32 = 1.5 * theme::COLUMN;
/// Most names in a narrow figure.
const MOST_NARROW: usize = 26;
/// Perturbations that get a row each; more are drawn as this many groups of rows.
const MOST_ROWS: usize = 64;
const GROUPS: usize = 44;
/// Perturbations with a name beside their row.
const MOST_NAMED: usize = 48;
/// Marks on the map, whose cells are light in every mode.
const MARK: RGBColor = RGBColor(0, 0, 0);
/// Width of the panel of ranks, px.
const RANKS: f32 = 96.0;

/// Similarity of every prediction (rows) with every measurement (columns).
#[derive(Debug, Clone, PartialEq)]
pub struct DiscriminationFigure {
    title: String,
    caption: String,
    /// Names, in drawing order.
    names: Vec<String>,
    /// In drawing order on both sides.
    similarity: Array2<f64>,
    /// Rank of the own measurement of each prediction, from 1; ties at the middle of their block.
    ranks: Vec<f64>,
}

impl DiscriminationFigure {
    /// A figure of `similarity` (n x n, prediction by measurement, -1 to 1). `alike` (n x n, symmetric) says how alike the
    /// measurements are: similar ones are put side by side, so that what is confused lies near the diagonal.
    ///
    /// # Errors
    /// [`ReportError::Empty`] for fewer than two perturbations.
    ///
    /// # Complexity
    /// O(n^2).
    pub fn new(
        title: &str,
        names: &[String],
        similarity: &Array2<f64>,
        alike: &Array2<f64>,
    ) -> Result<Self, ReportError> {
        let n = names.len();
        if n < 2 || similarity.dim() != (n, n) || alike.dim() != (n, n) {
            let expected = "two or more perturbations with prediction and measurement".into();
            return Err(ReportError::Empty { figure: "discrimination plot", expected, got: n.to_string() });
        }
        let order = seriated(alike);
        let sorted = Array2::from_shape_fn((n, n), |(i, j)| similarity[[order[i], order[j]]]);
        let ranks = (0..n).map(|i| rank_of_own(&sorted, i)).collect();
        Ok(Self {
            title: title.to_owned(),
            caption: String::new(),
            names: order.iter().map(|&i| names[i].clone()).collect(),
            similarity: sorted,
            ranks,
        })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Predictions whose own measurement is the most similar one.
    pub fn n_first(&self) -> usize {
        self.ranks.iter().filter(|r| **r <= 1.0).count()
    }

    /// Mean of 1 - (rank - 1) / (n - 1): 1 all are first, 0.5 chance.
    pub fn score(&self) -> f64 {
        let others = (self.names.len() - 1) as f64;
        self.ranks.iter().map(|r| 1.0 - (r - 1.0) / others).sum::<f64>() / self.ranks.len() as f64
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let n = self.names.len();
        let named = n <= MOST_NAMED;
        let widest = self.names.iter().map(|s| text::width(s, self.label(), false)).fold(0.0, f32::max).min(84.0);
        let (left, below) = if named { (widest + 32.0, widest + 34.0) } else { (44.0, 40.0) };
        let width = self.width();
        let side = width - left - RANKS - 26.0;
        let (mut scene, _) = page(width, 94.0 + side + below, &self.title, &self.caption);
        let map = Rect::new(left, 78.0, side, side);
        let limit = self.limit();
        self.draw_cells(&mut scene, map, limit);
        self.draw_names(&mut scene, map, named);
        self.draw_ranks(&mut scene, Rect::new(map.right() + 12.0, map.y, RANKS - 12.0, side));
        draw_scale(&mut scene, Rect::new(map.x, 46.0, 110.0, 9.0), limit);
        scene.alt = self.alt();
        scene
    }

    fn width(&self) -> f32 {
        if (MOST_NARROW + 1..=MOST_NAMED).contains(&self.names.len()) { WIDE } else { theme::COLUMN }
    }

    /// Size of the names, px: as large as rows allow.
    fn label(&self) -> f32 {
        ((self.width() - 190.0) / self.names.len() as f32 * 0.95).clamp(6.5, theme::LABEL)
    }

    /// The similarity at which colours saturate: as large as nearly all are.
    fn limit(&self) -> f64 {
        let mut sizes: Vec<f64> = self.similarity.iter().map(|s| s.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let at = (sizes.len() * 99 / 100).min(sizes.len() - 1);
        ((sizes[at] * 10.0).ceil() / 10.0).clamp(0.1, 1.0)
    }

    fn draw_cells(&self, scene: &mut Scene, map: Rect, limit: f64) {
        let n = self.names.len();
        let parts = if n <= MOST_ROWS { n } else { GROUPS };
        let step = map.width / parts as f32;
        let range = |k: usize| k * n / parts..(k + 1) * n / parts;
        scene.rect(map, theme::diverging(0.0, 1.0));
        for i in 0..parts {
            for j in 0..parts {
                let block = self.similarity.slice(ndarray::s![range(i), range(j)]);
                let mean = block.mean().unwrap_or(0.0);
                let cell = Rect::new(map.x + j as f32 * step, map.y + i as f32 * step, step, step);
                scene.rect(cell, theme::diverging(mean as f32, limit as f32));
            }
        }
        if parts == n {
            for k in 0..n {
                let corner = Point::new(map.x + k as f32 * step, map.y + k as f32 * step);
                frame(scene, Rect::new(corner.x, corner.y, step, step), Stroke::new(MARK, 1.0));
            }
        } else {
            let stroke = Stroke::new(MARK, 0.8).dashed(3.0, 3.0);
            scene.line(Point::new(map.x, map.y), Point::new(map.right(), map.bottom()), stroke);
        }
        frame(scene, map, Stroke::new(theme::GRID, 1.0));
    }

    fn draw_names(&self, scene: &mut Scene, map: Rect, named: bool) {
        let step = map.width / self.names.len() as f32;
        let title = TextStyle::new(theme::AXIS_TITLE).align(Align::Middle);
        if named {
            let style = TextStyle::new(self.label()).align(Align::End);
            for (k, name) in self.names.iter().enumerate() {
                let middle = (k as f32 + 0.5) * step;
                let name = text::shorten(name, self.label(), 84.0);
                scene.text(Point::new(map.x - 5.0, map.y + middle), &name, style);
                let below = Point::new(map.x + middle, map.bottom() + 5.0);
                scene.text(below, &name, TextStyle { upwards: true, ..style });
            }
        }
        let below = map.bottom() + if named { self.widest_name() + 20.0 } else { 18.0 };
        scene.text(Point::new(map.center().x, below), "measured", title);
        let side = map.x - if named { self.widest_name() + 18.0 } else { 16.0 };
        scene.text(Point::new(side, map.center().y), "predicted", TextStyle { upwards: true, ..title });
    }

    fn widest_name(&self) -> f32 {
        self.names.iter().map(|s| text::width(s, self.label(), false)).fold(0.0, f32::max).min(84.0)
    }

    /// Rank of the own measurement, row by row.
    fn draw_ranks(&self, scene: &mut Scene, area: Rect) {
        let n = self.names.len();
        let top = (n as f64).log10();
        let axes = Axes::new(area, Axis::powers_of_ten_between("", 0.0, top), Axis::between("", 0.0, 1.0));
        axes.draw_x(scene, true);
        let heading = TextStyle::new(theme::LABEL).muted().align(Align::Middle);
        scene.text(Point::new(area.center().x, area.y - 24.0), "rank of the own", heading);
        scene.text(Point::new(area.center().x, area.y - 10.0), "measurement", heading);
        let radius = (area.height / n as f32 * 0.42).clamp(1.1, 3.6);
        for (k, rank) in self.ranks.iter().enumerate() {
            let at = Point::new(axes.at(rank.log10(), 0.0).x, area.y + (k as f32 + 0.5) / n as f32 * area.height);
            if n <= MOST_ROWS {
                scene.line(Point::new(area.x, at.y), at, Stroke::new(theme::GRID, 1.0));
            }
            scene.disc(at, radius, if *rank <= 1.0 { theme::BLUE } else { theme::VERMILLION });
        }
    }

    /// What the figure shows, in words.
    fn alt(&self) -> String {
        let n = self.names.len();
        let mut ranks = self.ranks.clone();
        ranks.sort_by(f64::total_cmp);
        format!(
            "{}. Of {n} predictions {} resemble their own measurement most; median rank {}; mean discrimination {:.3} \
             (0.5 is chance).",
            self.title,
            self.n_first(),
            ranks[n / 2],
            self.score()
        )
    }
}

/// Rank of the diagonal among its row, largest first.
fn rank_of_own(similarity: &Array2<f64>, i: usize) -> f64 {
    let own = similarity[[i, i]];
    let row = similarity.row(i);
    let closer = row.iter().filter(|s| **s > own).count() as f64;
    let tied = row.iter().filter(|s| **s == own).count() as f64 - 1.0;
    closer + tied / 2.0 + 1.0
}

/// An order that puts alike rows side by side: average-linkage clusters by chains of nearest neighbours (Murtagh 1983), the
/// more alike ends joined. O(n^2).
fn seriated(alike: &Array2<f64>) -> Vec<usize> {
    let n = alike.nrows();
    let mut clusters: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    let (mut between, mut chain) = (alike.clone(), Vec::new());
    let mut last = 0;
    for _ in 1..n {
        let (a, b) = next_pair(&between, &clusters, &mut chain);
        let (small, large) = (clusters[a].len() as f64, clusters[b].len() as f64);
        for k in 0..n {
            let mean = (between[[a, k]] * small + between[[b, k]] * large) / (small + large);
            between[[a, k]] = mean;
            between[[k, a]] = mean;
        }
        clusters[a] = join(std::mem::take(&mut clusters[a]), std::mem::take(&mut clusters[b]), alike);
        last = a;
    }
    std::mem::take(&mut clusters[last])
}

/// Two clusters that are each other's nearest, found by going from nearest to nearest; emptied clusters do not count.
fn next_pair(between: &Array2<f64>, clusters: &[Vec<usize>], chain: &mut Vec<usize>) -> (usize, usize) {
    loop {
        if chain.is_empty() {
            chain.extend(clusters.iter().position(|c| !c.is_empty()));
        }
        let top = chain[chain.len() - 1];
        let before = chain.len().checked_sub(2).map(|k| chain[k]);
        let others = (0..clusters.len()).filter(|&k| k != top && !clusters[k].is_empty());
        // Of equally near ones the one before, so that chains end.
        let nearer = |a: usize, b: usize| between[[top, b]] > between[[top, a]];
        let nearest = others.fold(before, |best, k| if best.is_none_or(|b| nearer(b, k)) { Some(k) } else { best });
        match nearest {
            Some(next) if Some(next) != before => chain.push(next),
            next => {
                chain.truncate(chain.len().saturating_sub(2));
                return (next.unwrap_or(top), top);
            }
        }
    }
}

/// Two ordered clusters with their most alike ends together.
fn join(mut a: Vec<usize>, mut b: Vec<usize>, alike: &Array2<f64>) -> Vec<usize> {
    let (a0, a1, b0, b1) = (a[0], a[a.len() - 1], b[0], b[b.len() - 1]);
    let ends = [(a1, b0), (a1, b1), (a0, b0), (a0, b1)].map(|(x, y)| alike[[x, y]]);
    let best = (0..4).fold(0, |best, k| if ends[k] > ends[best] { k } else { best });
    if best >= 2 {
        a.reverse();
    }
    if best % 2 == 1 {
        b.reverse();
    }
    a.extend(b);
    a
}

fn frame(scene: &mut Scene, r: Rect, stroke: Stroke) {
    let corners = [(r.x, r.y), (r.right(), r.y), (r.right(), r.bottom()), (r.x, r.bottom()), (r.x, r.y)];
    scene.path(corners.map(|(x, y)| Point::new(x, y)).to_vec(), stroke);
}

/// The colour scale with its ends.
fn draw_scale(scene: &mut Scene, area: Rect, limit: f64) {
    let steps = 22;
    for k in 0..steps {
        let value = (k as f32 + 0.5) / steps as f32 * 2.0 - 1.0;
        let width = area.width / steps as f32;
        scene.rect(Rect::new(area.x + k as f32 * width, area.y, width, area.height), theme::diverging(value, 1.0));
    }
    let style = TextStyle::new(theme::LABEL).muted();
    let y = area.y + area.height + 9.0;
    scene.text(Point::new(area.x, y), format!("−{limit:.1}"), style);
    scene.text(Point::new(area.center().x, y), "0", style.align(Align::Middle));
    scene.text(Point::new(area.right(), y), format!("{limit:.1}"), style.align(Align::End));
    scene.text(Point::new(area.right() + 8.0, area.y + area.height / 2.0), "similarity", style);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|k| format!("G{k}")).collect()
    }

    #[test]
    fn ranks_are_those_of_the_own_measurement() {
        let similarity = ndarray::array![[0.9, 0.1, 0.0], [0.8, 0.2, 0.1], [0.0, 0.0, 0.0]];
        let alike = Array2::eye(3);
        let figure = DiscriminationFigure::new("Who is who", &names(3), &similarity, &alike).unwrap();
        let mut ranks: Vec<(String, f64)> = figure.names.iter().cloned().zip(figure.ranks.clone()).collect();
        ranks.sort_by(|a, b| a.0.cmp(&b.0));
        // G0 is first; G1 resembles G0 more; G2 says nothing: all three tie.
        assert_eq!(ranks.iter().map(|r| r.1).collect::<Vec<_>>(), [1.0, 2.0, 2.0]);
        assert_eq!(figure.n_first(), 1);
        // (1 + 0.5 + 0.5) / 3
        assert!((figure.score() - 2.0 / 3.0).abs() < 1e-12);
        assert!(figure.scene().alt.contains("Of 3 predictions 1 resemble"));
        assert!(DiscriminationFigure::new("", &names(1), &Array2::eye(1), &Array2::eye(1)).is_err());
    }

    #[test]
    fn alike_measurements_lie_side_by_side() {
        // Even and odd numbers are two groups.
        let alike = Array2::from_shape_fn((8, 8), |(i, j)| if (i + j) % 2 == 0 { 0.9 } else { 0.1 });
        let order = seriated(&alike);
        let changes = order.windows(2).filter(|w| w[0] % 2 != w[1] % 2).count();
        assert_eq!(changes, 1, "{order:?}");
        let mut all = order;
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn hundreds_of_perturbations_stay_a_small_file() {
        let n = 600;
        let similarity = Array2::from_shape_fn((n, n), |(i, j)| if i == j { 0.6 } else { ((i * j) % 7) as f64 / 20.0 });
        let figure = DiscriminationFigure::new("Many", &names(n), &similarity, &Array2::eye(n)).unwrap();
        let svg = figure.scene().to_svg().unwrap();
        assert!(svg.len() < 500_000, "{}", svg.len());
        assert!(!svg.contains("G17"), "names would not be legible");
    }
}
