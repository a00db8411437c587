//! The rounded outline of a group of discs.

use std::f32::consts::TAU;

use super::geometry::Point;

/// Points on the rim of each disc that the outline may touch.
const RIM: usize = 24;

/// The smallest convex outline around discs that are each enlarged by `margin`: round where it bends around one.
///
/// Andrew's monotone chain (1979) over points on the rims; O(n log n). Empty for no discs.
pub(super) fn outline(discs: &[(Point, f32)], margin: f32) -> Vec<Point> {
    let rim = |&(p, r): &(Point, f32)| (0..RIM).map(move |k| p.toward(k as f32 * TAU / RIM as f32, r + margin));
    let mut points: Vec<Point> = discs.iter().flat_map(rim).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let mut hull = chain(points.iter().copied());
    hull.pop();
    let mut other = chain(points.iter().rev().copied());
    other.pop();
    hull.extend(other);
    hull
}

/// Whether a place lies within an outline.
pub(super) fn holds(outline: &[Point], place: Point) -> bool {
    let next = outline.iter().cycle().skip(1);
    outline.iter().zip(next).all(|(&a, &b)| turn(a, b, place) >= 0.0)
}

/// Half of the outline: points are dropped as long as the line does not turn the same way.
fn chain(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut half: Vec<Point> = Vec::new();
    for p in points {
        while half.len() > 1 && turn(half[half.len() - 2], half[half.len() - 1], p) <= 0.0 {
            half.pop();
        }
        half.push(p);
    }
    half
}

fn turn(a: Point, b: Point, c: Point) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_holds_every_disc() {
        let discs = [(0.0, 0.0, 5.0), (50.0, 10.0, 8.0), (20.0, 40.0, 3.0), (22.0, 18.0, 4.0)]
            .map(|(x, y, r)| (Point::new(x, y), r));
        let outline = outline(&discs, 4.0);
        for (k, &a) in outline.iter().enumerate() {
            let b = outline[(k + 1) % outline.len()];
            for &(p, r) in &discs {
                // Distance of the disc's middle from the line, on its inner side.
                let inside = turn(a, b, p) / a.distance(b).max(1e-6);
                assert!(inside > r + 3.8, "{inside} for {r}");
            }
        }
        assert!(discs.iter().all(|&(p, _)| holds(&outline, p)) && !holds(&outline, Point::new(60.0, 60.0)));
    }
}
