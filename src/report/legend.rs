//! What colour, size, line and ring mean in a network figure.

use plotters::style::Color;

use super::geometry::{Point, Rect};
use super::network_figure::NetworkFigure;
use super::route::{self, Tip};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{hull, series, theme};

/// Width of the legend column, px.
pub(super) const WIDTH: f32 = 196.0;
/// Height it needs, px.
const HEIGHT: f32 = 560.0;
/// Height of the legend of modules, px.
const MODULES: f32 = 46.0;

const SCALE: Rect = Rect::new(0.0, 0.0, 160.0, 12.0);
const STRIPS: usize = 64;
const LINE: f32 = 20.0;
const SECTION: f32 = 22.0;
const SAMPLE: f32 = 42.0;

/// Height that the legends of a figure need, px.
pub(super) fn height(figure: &NetworkFigure) -> f32 {
    HEIGHT + if figure.hulls { MODULES } else { 0.0 }
}

/// Draws every legend below `at`.
pub(super) fn draw(scene: &mut Scene, figure: &NetworkFigure, at: Point) {
    let at = change(scene, figure, at);
    let at = connections(scene, figure, at);
    let at = effect(scene, figure, at);
    let at = weight(scene, figure, at);
    let at = if figure.hulls { modules(scene, at) } else { at };
    evidence(scene, figure, at);
}

/// The tint of a module.
fn modules(scene: &mut Scene, at: Point) -> Point {
    let at = heading(scene, at, "Modules", "");
    let middle = [at.shift(12.0, 0.0), at.shift(30.0, 0.0)].map(|p| (p, 5.0));
    let mut outline = hull::outline(&middle, 3.0);
    scene.polygon(outline.clone(), series::color(0).mix(0.07));
    outline.extend(outline.first().copied());
    scene.path(outline, Stroke::new(theme::lighter(series::color(0), 0.62), 1.0));
    label(scene, at.shift(SAMPLE + 12.0, 0.0), "densely connected");
    at.shift(0.0, SECTION + 4.0)
}

/// The diverging scale.
fn change(scene: &mut Scene, figure: &NetworkFigure, at: Point) -> Point {
    let at = heading(scene, at, "Predicted change", "log1p perturbed − log1p control");
    let limit = figure.limit();
    if limit > 0.0 {
        let bar = Rect { x: at.x, y: at.y, ..SCALE };
        gradient(scene, bar);
        let beyond = figure.saturates();
        let low = format!("{}{}", if beyond { "≤ " } else { "" }, number(-limit));
        let high = format!("{}{}", if beyond { "≥ " } else { "" }, number(limit));
        let y = bar.bottom() + 10.0;
        let style = TextStyle::new(theme::CAPTION).muted();
        scene.text(Point::new(bar.x, y), low, style);
        scene.text(Point::new(bar.center().x, y), "0", style.align(Align::Middle));
        scene.text(Point::new(bar.right(), y), high, style.align(Align::End));
    }
    let row = if limit > 0.0 { at.shift(0.0, SCALE.height + 32.0) } else { at.shift(0.0, 8.0) };
    node(scene, row.shift(8.0, 0.0), 6.0, false);
    label(scene, row.shift(24.0, 0.0), "not predicted");
    let row = row.shift(0.0, LINE + 4.0);
    node(scene, row.shift(8.0, 0.0), 5.0, true);
    label(scene, row.shift(24.0, 0.0), "perturbed gene");
    row.shift(0.0, SECTION + 6.0)
}

fn gradient(scene: &mut Scene, bar: Rect) {
    let width = bar.width / STRIPS as f32;
    for k in 0..STRIPS {
        // Each strip reaches to the end and is covered by the next: no seams.
        let (x, value) = (bar.x + k as f32 * width, (k as f32 + 0.5) / STRIPS as f32 * 2.0 - 1.0);
        scene.rect(Rect::new(x, bar.y, bar.right() - x, bar.height), theme::diverging(value, 1.0));
    }
    let corners = [(bar.x, bar.y), (bar.right(), bar.y), (bar.right(), bar.bottom()), (bar.x, bar.bottom())];
    let outline = corners.iter().chain(&corners[..1]).map(|&(x, y)| Point::new(x, y)).collect();
    scene.path(outline, Stroke::new(theme::MUTED, 0.8));
}

/// Three node sizes.
fn connections(scene: &mut Scene, figure: &NetworkFigure, at: Point) -> Point {
    let at = heading(scene, at, "Connections", "area = genes connected in the graph");
    let largest = figure.nodes.iter().map(|n| n.degree).max().unwrap_or(1).max(1);
    let mut sizes = vec![round_down(largest / 10), round_down(largest / 3), largest];
    sizes.dedup();
    let tallest = figure.radius(largest);
    let mut x = at.x + 2.0;
    for degree in sizes.into_iter().filter(|&d| d > 0) {
        let radius = figure.radius(degree);
        node(scene, Point::new(x + radius, at.y + tallest), radius, false);
        let text = degree.to_string();
        let width = super::text::width(&text, theme::LABEL, false);
        label(scene, Point::new(x + 2.0 * radius + 5.0, at.y + tallest), &text);
        x += 2.0 * radius + width + 19.0;
    }
    at.shift(0.0, 2.0 * tallest + SECTION)
}

/// What the tips mean.
fn effect(scene: &mut Scene, figure: &NetworkFigure, at: Point) -> Point {
    let mut at = heading(scene, at, "Effect of source on target", "");
    let rows =
        [(Tip::Arrow, "activation"), (Tip::Tee, "repression"), (Tip::Plain, "unsigned"), (Tip::Dot, "sign unknown")];
    for (tip, name) in rows.into_iter().filter(|(tip, _)| *tip != Tip::Dot || figure.has_tip(Tip::Dot)) {
        sample(scene, at, tip, false);
        label(scene, at.shift(SAMPLE + 12.0, 0.0), name);
        at = at.shift(0.0, LINE);
    }
    at.shift(0.0, SECTION - LINE + 8.0)
}

/// Three line widths.
fn weight(scene: &mut Scene, figure: &NetworkFigure, at: Point) -> Point {
    let at = heading(scene, at, "Edge weight", "confidence, 0 to 1").shift(0.0, 4.0);
    let mut x = at.x;
    for weight in [0.2, 0.6, 1.0] {
        let width = figure.lines().width(weight);
        scene.line(Point::new(x, at.y), Point::new(x + 26.0, at.y), Stroke::new(theme::MUTED, width));
        label(scene, Point::new(x + 31.0, at.y), &number(weight));
        x += 62.0;
    }
    at.shift(0.0, SECTION + 6.0)
}

/// Solid and dashed, where the graph can tell.
fn evidence(scene: &mut Scene, figure: &NetworkFigure, at: Point) {
    if !figure.has_coexpression {
        return;
    }
    let at = heading(scene, at, "Evidence", "");
    sample(scene, at, Tip::Plain, false);
    label(scene, at.shift(SAMPLE + 12.0, 0.0), "co-expressed");
    sample(scene, at.shift(0.0, LINE), Tip::Plain, true);
    label(scene, at.shift(SAMPLE + 12.0, LINE), "prior only");
}

fn heading(scene: &mut Scene, at: Point, title: &str, note: &str) -> Point {
    scene.text(at, title, TextStyle::new(12.0).bold());
    if note.is_empty() {
        return at.shift(0.0, 20.0);
    }
    scene.text(at.shift(0.0, 15.0), note, TextStyle::new(9.5).muted());
    at.shift(0.0, 28.0)
}

fn label(scene: &mut Scene, at: Point, text: &str) {
    scene.text(at, text, TextStyle::new(theme::LABEL));
}

fn node(scene: &mut Scene, at: Point, radius: f32, perturbed: bool) {
    if perturbed {
        scene.disc(at, radius + 5.0, theme::INK);
        scene.disc(at, radius + 2.8, theme::PAPER);
    }
    scene.disc(at, radius, if perturbed { theme::INK } else { theme::MUTED });
    scene.disc(at, radius - 1.1, if perturbed { theme::PAPER } else { theme::UNKNOWN });
}

fn sample(scene: &mut Scene, at: Point, tip: Tip, dashed: bool) {
    let line = [at, at.shift(SAMPLE / 2.0, 0.0), at.shift(SAMPLE, 0.0)];
    route::draw_edge(scene, &line, (0.0, 0.0), tip, 1.9, dashed);
}

/// The first digit of a number, the others 0.
fn round_down(n: usize) -> usize {
    let power = 10_usize.pow(n.max(1).ilog10());
    n / power * power
}

fn number(value: f32) -> String {
    format!("{value}").replace('-', "−")
}
