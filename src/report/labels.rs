//! Labels that overlap neither each other nor the marks they name.

use std::f32::consts::{PI, TAU};

use super::geometry::{Point, Rect};
use super::scene::{Align, Scene, Stroke, TextStyle};
use super::{text, theme};

/// Distances from the mark that are tried, px; from [`LEADER`] on a line leads back to the mark.
const GAPS: [f32; 10] = [2.0, 6.0, 12.0, 20.0, 32.0, 46.0, 64.0, 86.0, 112.0, 144.0];
const LEADER: f32 = 12.0;
/// Cost of a leader line that runs over another mark: as a last resort only.
const LEADER_OVER_NODE: f32 = 300.0;
/// Directions that are tried.
const DIRECTIONS: usize = 16;
/// Side of a cell of the map of lines, px.
const CELL: f32 = 6.0;

/// A label to be placed.
#[derive(Debug, Clone)]
pub struct LabelRequest<'a> {
    /// Middle of the mark it names.
    pub anchor: Point,
    /// Radius of that mark.
    pub radius: f32,
    /// What it says.
    pub text: &'a str,
    /// Pixels per em.
    pub size: f32,
    /// Heavier letters.
    pub bold: bool,
    /// Preferred direction from the mark, radians.
    pub toward: f32,
}

/// Where a label came to lie.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedLabel {
    /// The room it takes.
    pub rect: Rect,
    /// What it says.
    pub text: String,
    /// Pixels per em.
    pub size: f32,
    /// Heavier letters.
    pub bold: bool,
    /// The line back to its mark, where it is displaced.
    pub leader: Option<(Point, Point)>,
}

impl PlacedLabel {
    /// Draws the leader line and the text; `halo` lightens what lies below.
    pub(super) fn draw(&self, scene: &mut Scene, halo: bool) {
        use plotters::style::Color;
        if let Some((a, b)) = self.leader {
            scene.line(a, b, Stroke::new(theme::MUTED, 0.7));
        }
        if halo {
            scene.rect(self.rect, theme::PAPER.mix(0.72));
        }
        let style = TextStyle::new(self.size).align(Align::Middle);
        let style = if self.bold { style.bold() } else { style };
        scene.text(self.rect.center(), self.text.clone(), style);
    }
}

/// Places labels one after the other: the first that is asked for has the first choice.
#[derive(Debug, Clone)]
pub struct LabelPlacer {
    bounds: Rect,
    discs: Vec<(Point, f32)>,
    lines: LineMap,
    placed: Vec<PlacedLabel>,
}

impl LabelPlacer {
    /// Nothing placed yet; labels stay within `bounds` and off the `discs`.
    pub fn new(bounds: Rect, discs: Vec<(Point, f32)>) -> Self {
        Self { bounds, discs, lines: LineMap::new(bounds), placed: Vec::new() }
    }

    /// Adds a line that labels should rather not cover.
    pub fn avoid_line(&mut self, points: &[Point]) {
        points.windows(2).for_each(|p| self.lines.draw(p[0], p[1]));
    }

    /// Places one label at the cheapest free place; `None` where there is none: then it is left out.
    ///
    /// # Complexity
    /// O(places * (labels + discs)), 160 places.
    pub fn place(&mut self, request: &LabelRequest<'_>) -> Option<&PlacedLabel> {
        let width = text::width(request.text, request.size, request.bold) + 4.0;
        let height = request.size * 1.16;
        let best = candidates(request, width, height)
            .filter_map(|c| self.is_free(&c).then(|| (self.cost(&c), c)))
            .min_by(|a, b| a.0.total_cmp(&b.0))?
            .1;
        self.placed.push(PlacedLabel {
            rect: best.rect,
            text: request.text.to_owned(),
            size: request.size,
            bold: request.bold,
            leader: best.leader,
        });
        self.placed.last()
    }

    /// The labels placed so far.
    pub fn placed(&self) -> &[PlacedLabel] {
        &self.placed
    }

    /// The discs that labels keep off.
    pub fn discs(&self) -> &[(Point, f32)] {
        &self.discs
    }

    /// What a free place costs: distance and direction, lines below the text, nodes below the leader line.
    fn cost(&self, c: &Candidate) -> f32 {
        let over = c.leader.map_or(0, |line| self.discs.iter().filter(|&&(p, r)| crosses(line, p, r)).count());
        c.cost + self.lines.covered(&c.rect) + LEADER_OVER_NODE * over as f32
    }

    fn is_free(&self, c: &Candidate) -> bool {
        let roomy = Rect::new(c.rect.x - 1.0, c.rect.y - 0.5, c.rect.width + 2.0, c.rect.height + 1.0);
        self.bounds.holds(&c.rect)
            && !self.discs.iter().any(|&(p, r)| c.rect.meets_disc(p, r))
            && !self.placed.iter().any(|p| {
                p.rect.overlaps(&roomy)
                    || p.leader.is_some_and(|(a, b)| c.rect.meets_line(a, b))
                    || c.leader.is_some_and(|(a, b)| p.rect.meets_line(a, b))
            })
    }
}

/// A place a label could take.
#[derive(Debug)]
struct Candidate {
    rect: Rect,
    leader: Option<(Point, Point)>,
    cost: f32,
}

fn candidates<'a>(request: &'a LabelRequest<'_>, width: f32, height: f32) -> impl Iterator<Item = Candidate> + use<'a> {
    let directions = (0..DIRECTIONS).map(|k| k as f32 * TAU / DIRECTIONS as f32);
    GAPS.into_iter().flat_map(move |gap| {
        directions.clone().map(move |turn| {
            let (sin, cos) = (request.toward + turn).sin_cos();
            // The side of the rectangle that faces the mark, not its middle, keeps the distance.
            let reach = |c: f32, extent: f32| c * (request.radius + gap) + (c * 1.7).clamp(-1.0, 1.0) * extent / 2.0;
            let center = request.anchor.shift(reach(cos, width), reach(sin, height));
            let rect = Rect::around(center, width, height);
            let away = 1.0 - (turn - PI).abs() / PI;
            let leader = (gap >= LEADER).then(|| leader(request, &rect));
            Candidate { rect, leader, cost: gap * if leader.is_some() { 1.6 } else { 1.0 } + 10.0 * away }
        })
    })
}

/// Whether a leader line runs over a disc it does not start from.
fn crosses((from, to): (Point, Point), center: Point, radius: f32) -> bool {
    let length = from.distance(to);
    let along = (to.x - from.x) * (center.x - from.x) + (to.y - from.y) * (center.y - from.y);
    let foot = from.mix(to, (along / (length * length).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0));
    from.distance(center) > radius + 1.5 && foot.distance(center) < radius
}

fn leader(request: &LabelRequest<'_>, rect: &Rect) -> (Point, Point) {
    let end = rect.nearest(request.anchor);
    (request.anchor.toward(request.anchor.angle_to(end), request.radius + 1.0), end)
}

/// How many lines pass through each cell of the page.
#[derive(Debug, Clone)]
struct LineMap {
    bounds: Rect,
    columns: usize,
    rows: usize,
    count: Vec<u16>,
}

impl LineMap {
    fn new(bounds: Rect) -> Self {
        let columns = (bounds.width / CELL).ceil().max(1.0) as usize;
        let rows = (bounds.height / CELL).ceil().max(1.0) as usize;
        Self { bounds, columns, rows, count: vec![0; columns * rows] }
    }

    fn draw(&mut self, a: Point, b: Point) {
        let steps = (a.distance(b) / CELL).ceil().max(1.0);
        for k in 0..=steps as usize {
            let p = a.mix(b, k as f32 / steps);
            let (column, row) = self.cell(p);
            let at = &mut self.count[row * self.columns + column];
            *at = at.saturating_add(1);
        }
    }

    fn cell(&self, p: Point) -> (usize, usize) {
        let column = ((p.x - self.bounds.x) / CELL).max(0.0) as usize;
        let row = ((p.y - self.bounds.y) / CELL).max(0.0) as usize;
        (column.min(self.columns - 1), row.min(self.rows - 1))
    }

    /// A cost for covering lines.
    fn covered(&self, rect: &Rect) -> f32 {
        let (from, to) = (self.cell(Point::new(rect.x, rect.y)), self.cell(Point::new(rect.right(), rect.bottom())));
        let cells = (from.1..=to.1).flat_map(|row| (from.0..=to.0).map(move |column| (row, column)));
        let sum: u32 = cells.map(|(row, column)| u32::from(self.count[row * self.columns + column]).min(3)).sum();
        sum as f32 * 1.2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str, x: f32, toward: f32) -> LabelRequest<'_> {
        LabelRequest { anchor: Point::new(x, 50.0), radius: 5.0, text, size: 10.0, bold: false, toward }
    }

    #[test]
    fn a_crowd_gets_labels_that_do_not_overlap() {
        let bounds = Rect::new(0.0, 0.0, 300.0, 100.0);
        let discs: Vec<(Point, f32)> = (0..12).map(|k| (Point::new(90.0 + k as f32 * 10.0, 50.0), 5.0)).collect();
        let mut placer = LabelPlacer::new(bounds, discs.clone());
        for (p, _) in &discs {
            placer.place(&request("GENE12", p.x, 0.0));
        }
        let placed = placer.placed();
        assert!(placed.len() >= 10, "{} placed", placed.len());
        for (k, a) in placed.iter().enumerate() {
            assert!(placed[..k].iter().all(|b| !a.rect.overlaps(&b.rect)));
            assert!(discs.iter().all(|&(p, r)| !a.rect.meets_disc(p, r)));
            assert!(bounds.holds(&a.rect));
        }
    }

    #[test]
    fn a_free_label_takes_the_preferred_side() {
        let mut placer = LabelPlacer::new(Rect::new(0.0, 0.0, 300.0, 100.0), vec![]);
        let right = placer.place(&request("A", 100.0, 0.0)).unwrap().rect;
        assert!(right.x > 105.0);
        let left = placer.place(&request("B", 100.0, PI)).unwrap().rect;
        assert!(left.right() < 95.0);
    }

    #[test]
    fn a_label_without_room_is_left_out() {
        let mut placer = LabelPlacer::new(Rect::new(0.0, 0.0, 10.0, 10.0), vec![]);
        assert!(placer.place(&request("TOO LONG", 5.0, 0.0)).is_none());
    }
}
