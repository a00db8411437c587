//! How the score of each of the best ranked genes comes about, and the way on which it would explain the change.

use plotters::style::RGBColor;

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{text, theme};

const WIDTH: f32 = theme::COLUMN;
/// Height of a gene: its name and ways, the steps up, the steps down; px.
const ROW: f32 = 47.0;
const LANE: f32 = 8.0;
/// Side of the page, px.
const SIDE: f32 = 24.0;

/// One of the best ranked genes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WaterfallGene {
    /// Its name.
    pub gene: String,
    /// Its position.
    pub rank: f64,
    /// Its score.
    pub score: f64,
    /// Chance that it is the cause, where the ranking is calibrated.
    pub probability: Option<f64>,
    /// What every scorer adds beyond what it adds to the average candidate, in the order of the figure's scorers.
    pub steps: Vec<f64>,
    /// Ways to genes that change, as text (`A -| B -> C`).
    pub paths: Vec<String>,
    /// Whether it is known to be the cause.
    pub is_cause: bool,
}

/// From the score of the average candidate to the scores of the best ones, scorer by scorer.
#[derive(Debug, Clone, PartialEq)]
pub struct WaterfallFigure {
    title: String,
    caption: String,
    scorers: Vec<String>,
    genes: Vec<WaterfallGene>,
    n_candidates: usize,
}

impl WaterfallFigure {
    /// A figure of these genes, best first, of a ranking of `n_candidates`. `scorers` name the steps.
    ///
    /// # Errors
    /// [`ReportError::Empty`] without genes, or where none has its steps.
    pub fn new(
        query: &str,
        scorers: Vec<String>,
        genes: Vec<WaterfallGene>,
        n_candidates: usize,
    ) -> Result<Self, ReportError> {
        let genes: Vec<WaterfallGene> = genes.into_iter().filter(|g| g.steps.len() == scorers.len()).collect();
        if genes.is_empty() || scorers.is_empty() {
            let expected = format!("genes of `{query}` with the steps of their scores");
            return Err(ReportError::Empty { figure: "ranking plot", expected, got: "none".into() });
        }
        let title = format!("{query}: why these genes rank first");
        Ok(Self { title, caption: String::new(), scorers, genes, n_candidates })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let parts = self.parts();
        let names: Vec<String> = parts.iter().map(|p| p.name.clone()).collect();
        let legend = legend_rows(&names).len() as f32 * 17.0;
        let height = 48.0 + legend + self.genes.len() as f32 * ROW + 54.0;
        let cause = if self.genes.iter().any(|g| g.is_cause) { " In bold: the known cause." } else { "" };
        let caption = format!(
            "Each bar begins at the score of the average of {} candidates; scorers that speak for the gene lead right, those \
             that speak against it lead back below, the mark is the score.{cause} {}",
            self.n_candidates, self.caption
        );
        let (mut scene, _) = page(WIDTH, height, &self.title, &caption);
        draw_legend(&mut scene, &parts, &names);
        let area = Rect::new(SIDE, 50.0 + legend, WIDTH - 2.0 * SIDE, self.genes.len() as f32 * ROW);
        let axes = Axes::new(area, self.axis(), Axis::between("", 0.0, 1.0));
        axes.draw_x(&mut scene, true);
        for (k, gene) in self.genes.iter().enumerate() {
            draw_gene(&mut scene, &axes, gene, &parts, area.y + k as f32 * ROW);
        }
        scene.alt = self.alt();
        scene
    }

    /// Wide enough for the farthest step of any gene.
    fn axis(&self) -> Axis {
        let ups = |g: &WaterfallGene| g.steps.iter().filter(|s| **s > 0.0).sum::<f64>();
        let total = |g: &WaterfallGene| g.steps.iter().sum::<f64>();
        let ends = self.genes.iter().flat_map(|g| [ups(g), total(g)]);
        let (low, high) = ends.fold((0.0_f64, 1e-6_f64), |(a, b), v| (a.min(v), b.max(v)));
        Axis::between("Score beyond that of the average candidate", low * 1.04, high * 1.04)
    }

    /// The scorers that say most have a colour each, the others share one.
    fn parts(&self) -> Vec<Part> {
        let weight = |k: usize| self.genes.iter().map(|g| g.steps[k].abs()).sum::<f64>();
        let mut order: Vec<usize> = (0..self.scorers.len()).collect();
        order.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)).then(a.cmp(&b)));
        let shown = theme::PARTS.len().min(order.len());
        let one = |(&k, color): (&usize, RGBColor)| Part { name: self.scorers[k].clone(), of: vec![k], color };
        let mut parts: Vec<Part> = order[..shown].iter().zip(theme::PARTS).map(one).collect();
        let rest = order[shown..].to_vec();
        if !rest.is_empty() {
            parts.push(Part { name: format!("{} others", rest.len()), of: rest, color: theme::UNKNOWN });
        }
        parts
    }

    /// What the figure shows, in words.
    fn alt(&self) -> String {
        let of = |g: &WaterfallGene| {
            let mut order: Vec<usize> = (0..g.steps.len()).collect();
            order.sort_by(|&a, &b| g.steps[b].abs().total_cmp(&g.steps[a].abs()));
            let steps: Vec<String> =
                order.iter().take(2).map(|&k| format!("{} {:+.2}", self.scorers[k], g.steps[k])).collect();
            let path = g.paths.first().map_or_else(String::new, |p| format!(", way {p}"));
            let probability = g.probability.map_or_else(String::new, |p| format!(", probability {p:.3}"));
            format!(
                "{}. {}, score {:.2}{probability}, most from {}{path}",
                g.rank,
                g.gene,
                g.score,
                steps.join(" and ")
            )
        };
        let genes: Vec<String> = self.genes.iter().map(of).collect();
        format!("{} of {} candidates. {}.", self.title, self.n_candidates, genes.join("; "))
    }
}

/// One scorer, or several that share a colour.
struct Part {
    name: String,
    of: Vec<usize>,
    color: RGBColor,
}

impl Part {
    fn step(&self, gene: &WaterfallGene) -> f64 {
        self.of.iter().map(|&k| gene.steps[k]).sum()
    }
}

/// The steps up in one lane, the steps down in the lane below, and the score.
fn draw_gene(scene: &mut Scene, axes: &Axes, gene: &WaterfallGene, parts: &[Part], top: f32) {
    let steps: Vec<(f64, RGBColor)> = parts.iter().map(|p| (p.step(gene), p.color)).collect();
    let lanes = [(1.0, top + 27.0), (-1.0, top + 27.0 + LANE)];
    let mut at = 0.0;
    for (sign, y) in lanes {
        let mut of_sign: Vec<&(f64, RGBColor)> = steps.iter().filter(|(s, _)| s * sign > 0.0).collect();
        of_sign.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        for (step, color) in of_sign {
            let (a, b) = (axes.at(at, 0.0).x, axes.at(at + step, 0.0).x);
            scene.rect(Rect::new(a.min(b), y, (b - a).abs().max(0.5), LANE - 1.0), *color);
            at += step;
        }
    }
    let x = axes.at(at, 0.0).x;
    let mark = Stroke::new(theme::INK, 2.2);
    scene.line(Point::new(x, top + 24.0), Point::new(x, top + 29.0 + 2.0 * LANE), mark);
    draw_texts(scene, gene, top);
}

/// Name, probability and ways above the bar.
fn draw_texts(scene: &mut Scene, gene: &WaterfallGene, top: f32) {
    let probability = gene.probability.map_or_else(String::new, |p| format!("{:.1} %", 100.0 * p));
    let name = format!("{}. {}", gene.rank, gene.gene);
    let style = TextStyle { bold: gene.is_cause, ..TextStyle::new(theme::LABEL) };
    let width = text::width(&name, theme::LABEL, gene.is_cause);
    let room = width + text::width(&probability, theme::LABEL, false) + 22.0;
    let ways = text::shorten(&gene.paths.join(";  "), theme::CAPTION - 1.0, WIDTH - 2.0 * SIDE - room);
    // The grid gives way to words.
    scene.rect(Rect::new(SIDE - 1.0, top + 4.0, WIDTH - 2.0 * SIDE + 2.0, 18.0), theme::PAPER);
    let y = top + 13.0;
    scene.text(Point::new(SIDE, y), name, style);
    scene.text(Point::new(SIDE + width + 8.0, y), probability, TextStyle::new(theme::LABEL).muted());
    scene.text(Point::new(WIDTH - SIDE, y), ways, TextStyle::new(theme::CAPTION - 1.0).muted().align(Align::End));
}

/// Positions of the names of the legend, line by line.
fn legend_rows(names: &[String]) -> Vec<Vec<(f32, usize)>> {
    let mut rows: Vec<Vec<(f32, usize)>> = vec![Vec::new()];
    let mut x = 0.0;
    for (k, name) in names.iter().enumerate() {
        let width = 30.0 + text::width(name, theme::LABEL, false);
        if x > 0.0 && x + width > WIDTH - 2.0 * SIDE {
            rows.push(Vec::new());
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, k));
        }
        x += width;
    }
    rows
}

fn draw_legend(scene: &mut Scene, parts: &[Part], names: &[String]) {
    for (line, row) in legend_rows(names).into_iter().enumerate() {
        let y = 50.0 + line as f32 * 17.0;
        for (x, k) in row {
            scene.rect(Rect::new(SIDE + x, y - 4.5, 12.0, 9.0), parts[k].color);
            scene.text(Point::new(SIDE + x + 17.0, y), &names[k], TextStyle::new(theme::LABEL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gene(name: &str, steps: &[f64]) -> WaterfallGene {
        WaterfallGene {
            gene: name.into(),
            rank: 1.0,
            score: 3.5,
            probability: Some(0.8),
            steps: steps.to_vec(),
            paths: vec![format!("{name} -| B -> C")],
            is_cause: false,
        }
    }

    #[test]
    fn steps_and_ways_are_told() {
        let scorers = ["likelihood", "walk", "signs"].map(String::from).to_vec();
        let genes = vec![gene("STAT1", &[2.0, -0.5, 1.0]), gene("WRONG", &[1.0])];
        let figure = WaterfallFigure::new("query", scorers, genes, 300).unwrap();
        assert_eq!(figure.genes.len(), 1, "steps of another ranking are not drawn");
        let scene = figure.scene();
        assert!(scene.alt.contains("likelihood +2.00 and signs +1.00, way STAT1 -| B -> C"), "{}", scene.alt);
        let svg = scene.to_svg().unwrap();
        assert!(svg.contains("80.0 %") && svg.contains("STAT1 -| B -&gt; C"));
        assert!(WaterfallFigure::new("query", Vec::new(), Vec::new(), 1).is_err());
    }

    #[test]
    fn scorers_beyond_the_colours_are_summed() {
        let scorers: Vec<String> = (0..9).map(|k| format!("s{k}")).collect();
        let steps: Vec<f64> = (0..9).map(|k| 9.0 - f64::from(k)).collect();
        let figure = WaterfallFigure::new("q", scorers, vec![gene("A", &steps)], 2).unwrap();
        let parts = figure.parts();
        assert_eq!(parts.len(), 7);
        // The three smallest: 3 + 2 + 1.
        assert_eq!((parts[6].name.as_str(), parts[6].step(&figure.genes[0])), ("3 others", 6.0));
    }
}
