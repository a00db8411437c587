//! Edges of a network figure: curves around nodes, and the tips that tell the sign.

use super::geometry::Point;
use super::scene::{Scene, Stroke};
use super::theme;
use crate::graph::Sign;

/// Points of a curve.
const STEPS: usize = 16;
/// Bends that are tried, as a fraction of the length, the preferred first.
const BENDS: [f32; 9] = [0.0, 0.1, -0.1, 0.2, -0.2, 0.32, -0.32, 0.45, -0.45];
/// Room left between a curve and a node it does not belong to, px.
const CLEARANCE: f32 = 3.0;

/// What the end of an edge shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tip {
    /// Activation.
    Arrow,
    /// Repression.
    Tee,
    /// A direction without a sign.
    Dot,
    /// Neither direction nor sign.
    Plain,
}

impl Tip {
    /// The tip of an edge of this sign.
    pub(super) fn of(sign: Sign, directed: bool) -> Self {
        match sign {
            Sign::Activation => Self::Arrow,
            Sign::Repression => Self::Tee,
            Sign::Unknown if directed => Self::Dot,
            Sign::Unknown => Self::Plain,
        }
    }

    /// The colour of such an edge.
    pub(super) fn color(self) -> plotters::style::RGBColor {
        match self {
            Self::Arrow => theme::ACTIVATION,
            Self::Tee => theme::REPRESSION,
            Self::Dot | Self::Plain => theme::UNSIGNED,
        }
    }
}

/// How edges of one figure look: thinner where there are many.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineStyle {
    thickness: f32,
}

impl LineStyle {
    /// For a figure of this many edges.
    pub(super) fn for_edges(n_edges: usize) -> Self {
        Self { thickness: (120.0 / n_edges.max(1) as f32).sqrt().clamp(0.4, 1.0) }
    }

    /// Width of a line of this weight (0 to 1), px.
    pub(super) fn width(self, weight: f32) -> f32 {
        (0.6 + 2.6 * weight.clamp(0.0, 1.0)) * self.thickness
    }
}

/// The curve from node `a` to node `b` that passes through the fewest other nodes; the gentlest of those.
///
/// `lean` is added to every bend: two edges between the same nodes lean apart.
pub(super) fn curve(discs: &[(Point, f32)], a: usize, b: usize, lean: f32) -> Vec<Point> {
    let hits = |points: &[Point]| {
        let others = discs.iter().enumerate().filter(|(k, _)| *k != a && *k != b);
        others.filter(|(_, (p, r))| points.iter().any(|q| q.distance(*p) < r + CLEARANCE)).count()
    };
    let mut best: Option<(usize, Vec<Point>)> = None;
    for bend in BENDS {
        let points = bezier(discs[a].0, discs[b].0, bend + lean);
        let n = hits(&points);
        if best.as_ref().is_none_or(|(fewest, _)| n < *fewest) {
            best = Some((n, points));
        }
        if n == 0 {
            break;
        }
    }
    best.map_or_else(Vec::new, |(_, points)| points)
}

/// A quadratic curve that deviates by `bend` times its length to the left.
fn bezier(a: Point, b: Point, bend: f32) -> Vec<Point> {
    let control = a.mix(b, 0.5).shift((b.y - a.y) * bend, (a.x - b.x) * bend);
    let at = |t: f32| a.mix(control, t).mix(control.mix(b, t), t);
    (0..=STEPS).map(|k| at(k as f32 / STEPS as f32)).collect()
}

/// Draws a curve between two discs of these radii with its tip at the second one; returns what was drawn of it.
pub(super) fn draw_edge(
    scene: &mut Scene,
    curve: &[Point],
    radii: (f32, f32),
    tip: Tip,
    width: f32,
    dashed: bool,
) -> Vec<Point> {
    let length = tip_length(tip, width);
    let reversed: Vec<Point> = curve.iter().rev().copied().collect();
    let near_target = cut(&reversed, radii.1 + 2.0);
    let near_source: Vec<Point> = near_target.into_iter().rev().collect();
    let line = cut(&near_source, radii.0 + 1.0);
    let Some(&end) = line.last() else { return line };
    let from_tip: Vec<Point> = line.iter().rev().copied().collect();
    let shaft = cut(&from_tip, length);
    let stroke = Stroke::new(tip.color(), width);
    let Some(&base) = shaft.first() else { return line };
    scene.path(shaft.iter().rev().copied().collect(), if dashed { stroke.dashed(6.0, 4.0) } else { stroke });
    draw_tip(scene, base, end, tip, width);
    line
}

fn tip_length(tip: Tip, width: f32) -> f32 {
    match tip {
        Tip::Arrow => 6.0 + 1.5 * width,
        Tip::Tee | Tip::Plain => 0.0,
        Tip::Dot => 2.0,
    }
}

/// The tip, at `end`, of a line that comes from `base`.
fn draw_tip(scene: &mut Scene, base: Point, end: Point, tip: Tip, width: f32) {
    let color = tip.color();
    match tip {
        Tip::Arrow => {
            let side = base.angle_to(end) + std::f32::consts::FRAC_PI_2;
            let half = 2.6 + 0.9 * width;
            scene.polygon(vec![end, base.toward(side, half), base.toward(side, -half)], color);
        }
        Tip::Tee => scene.polygon(tee(base, end, 4.2 + width, 1.1 + 0.2 * width), color),
        Tip::Dot => scene.disc(end, 2.2 + 0.6 * width, color),
        Tip::Plain => {}
    }
}

/// A bar across the end of a line.
fn tee(base: Point, end: Point, half: f32, thick: f32) -> Vec<Point> {
    let along = base.angle_to(end);
    let side = along + std::f32::consts::FRAC_PI_2;
    let corner = |a: f32, s: f32| end.toward(along, a).toward(side, s);
    vec![corner(-thick, half), corner(thick, half), corner(thick, -half), corner(-thick, -half)]
}

/// The line without the part within `radius` of its first point.
fn cut(points: &[Point], radius: f32) -> Vec<Point> {
    let Some(&start) = points.first() else { return Vec::new() };
    let Some(first) = points.iter().position(|p| p.distance(start) > radius) else { return Vec::new() };
    if first == 0 || radius == 0.0 {
        return points.to_vec();
    }
    let (inside, outside) = (points[first - 1], points[first]);
    let (near, far) = (inside.distance(start), outside.distance(start));
    let edge = inside.mix(outside, (radius - near) / (far - near));
    std::iter::once(edge).chain(points[first..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_around_a_node_in_its_way() {
        let discs = [(0.0, 0.0), (100.0, 0.0), (50.0, 0.0)].map(|(x, y)| (Point::new(x, y), 8.0));
        let points = curve(&discs, 0, 1, 0.0);
        assert!(points.iter().all(|p| p.distance(discs[2].0) >= 8.0));
        assert_eq!(curve(&discs[..2], 0, 1, 0.0)[STEPS / 2].y, 0.0);
    }

    #[test]
    fn a_line_is_cut_at_the_rim() {
        let line: Vec<Point> = (0..=4).map(|k| Point::new(k as f32 * 10.0, 0.0)).collect();
        let left = cut(&line, 15.0);
        assert_eq!((left[0].x, left.len()), (15.0, 4));
        assert!(cut(&line, 50.0).is_empty());
    }
}
