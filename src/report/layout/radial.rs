//! Radial layout: the centre in the middle, one ring per hop.

use std::f32::consts::{PI, TAU};

use super::{Placement, Wiring};
use crate::report::geometry::{Point, Rect};

/// Distance between rings, and the least distance between neighbours on a ring, px.
const RING_GAP: f32 = 118.0;
const SPACING: f32 = 50.0;
/// Crowded rings are staggered into at most this many circles, so far apart.
const MAX_CIRCLES: usize = 4;
const CIRCLE_GAP: f32 = 56.0;
/// Sweeps of the ordering.
const SWEEPS: usize = 24;

/// Places of all genes around (0, 0), in a square whose sides touch the outermost ring.
pub(super) fn place(wiring: &Wiring<'_>) -> Placement {
    let pairs: Vec<(usize, usize)> = wiring.edges.iter().map(|&(a, b, _)| (a, b)).collect();
    let (points, outer) = Tree::new(wiring.parent, wiring.hop).place(&pairs);
    Placement { points, bounds: Rect::around(Point::default(), 2.0 * outer, 2.0 * outer) }
}

/// The tree along which genes were reached from the centre (position 0).
#[derive(Debug, Clone)]
struct Tree {
    /// Children of each gene, in the order in which they are drawn around it.
    children: Vec<Vec<usize>>,
    hop: Vec<usize>,
}

impl Tree {
    /// A tree from the parent and hop of each gene.
    fn new(parent: &[Option<usize>], hop: &[usize]) -> Self {
        let mut children = vec![Vec::new(); parent.len()];
        for (node, p) in parent.iter().enumerate() {
            if let Some(p) = p {
                children[*p].push(node);
            }
        }
        Self { children, hop: hop.to_vec() }
    }

    /// Places of all genes around (0, 0), and the radius of the figure.
    ///
    /// Each gene has a sector as wide as its leaves need. Siblings are ordered so that edges are short: sweeps that
    /// sort them by the mean direction of their neighbours, then swaps of neighbours on a ring while that helps.
    ///
    /// # Complexity
    /// O((sweeps + siblings) * (V + E)).
    fn place(mut self, edges: &[(usize, usize)]) -> (Vec<Point>, f32) {
        self.sweep(edges);
        self.swap_siblings(edges);
        let angles = self.angles();
        let rings = Rings::of(&self.hop);
        (self.points(&angles, &rings), rings.outer())
    }

    /// Sorts siblings by the mean direction of their neighbours; keeps the best order seen.
    fn sweep(&mut self, edges: &[(usize, usize)]) {
        let neighbours = adjacency(self.hop.len(), edges);
        let mut best = (self.stress(edges), self.children.clone());
        for _ in 0..SWEEPS {
            let angles = self.angles();
            for node in 0..self.children.len() {
                let origin = if node == 0 { PI / 2.0 } else { angles[node] };
                let wish = |c: usize| wrapped(mean_direction(&angles, &neighbours[c], c) - origin);
                let mut wishes: Vec<(f32, usize)> = self.children[node].iter().map(|&c| (wish(c), c)).collect();
                wishes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                self.children[node] = wishes.into_iter().map(|(_, c)| c).collect();
            }
            let stress = self.stress(edges);
            if stress < best.0 {
                best = (stress, self.children.clone());
            }
        }
        self.children = best.1;
    }

    /// Swaps siblings next to each other while that shortens the edges, a few passes.
    fn swap_siblings(&mut self, edges: &[(usize, usize)]) {
        let mut stress = self.stress(edges);
        for _ in 0..4 {
            let before = stress;
            for node in 0..self.children.len() {
                for k in 1..self.children[node].len() {
                    self.children[node].swap(k - 1, k);
                    let swapped = self.stress(edges);
                    if swapped < stress {
                        stress = swapped;
                    } else {
                        self.children[node].swap(k - 1, k);
                    }
                }
            }
            if stress >= before {
                break;
            }
        }
    }

    /// Sum over edges of the angle they span.
    fn stress(&self, edges: &[(usize, usize)]) -> f32 {
        let angles = self.angles();
        edges.iter().filter(|(a, b)| *a != 0 && *b != 0).map(|&(a, b)| wrapped(angles[a] - angles[b]).abs()).sum()
    }

    /// Direction of each gene, radians; sectors in proportion to leaves, the first at the top.
    fn angles(&self) -> Vec<f32> {
        let leaves = self.leaves();
        let mut angles = vec![0.0; self.hop.len()];
        let mut stack = vec![(0_usize, -PI / 2.0, TAU)];
        while let Some((node, start, width)) = stack.pop() {
            angles[node] = start + width / 2.0;
            let mut from = start;
            for &child in &self.children[node] {
                let share = width * leaves[child] / leaves[node];
                stack.push((child, from, share));
                from += share;
            }
        }
        angles
    }

    fn leaves(&self) -> Vec<f32> {
        let mut leaves = vec![0.0_f32; self.hop.len()];
        let mut order: Vec<usize> = (0..self.hop.len()).collect();
        order.sort_by_key(|&n| std::cmp::Reverse(self.hop[n]));
        for node in order {
            leaves[node] = self.children[node].iter().map(|&c| leaves[c]).sum::<f32>().max(1.0);
        }
        leaves
    }

    fn points(&self, angles: &[f32], rings: &Rings) -> Vec<Point> {
        let mut order: Vec<usize> = (0..angles.len()).collect();
        order.sort_by(|&a, &b| angles[a].total_cmp(&angles[b]).then(a.cmp(&b)));
        let mut seen = vec![0_usize; rings.radius.len()];
        let mut points = vec![Point::default(); angles.len()];
        for node in order {
            let hop = self.hop[node];
            let circle = seen[hop] % rings.circles[hop];
            seen[hop] += 1;
            let radius = rings.radius[hop] + circle as f32 * CIRCLE_GAP;
            points[node] = Point::default().toward(angles[node], radius);
        }
        points
    }
}

/// Radii of the rings by hop.
#[derive(Debug)]
struct Rings {
    /// Inner circle of each ring.
    radius: Vec<f32>,
    /// Circles each ring is staggered into.
    circles: Vec<usize>,
}

impl Rings {
    fn of(hop: &[usize]) -> Self {
        let last = hop.iter().copied().max().unwrap_or(0);
        let (mut radius, mut circles, mut outer) = (vec![0.0], vec![1], 0.0_f32);
        for ring in 1..=last {
            let needed = hop.iter().filter(|&&h| h == ring).count() as f32 * SPACING / TAU;
            let at_least = outer + RING_GAP;
            let n = ((needed / (at_least + 60.0)).ceil() as usize).clamp(1, MAX_CIRCLES);
            let r = at_least.max(needed / n as f32);
            outer = r + (n - 1) as f32 * CIRCLE_GAP;
            radius.push(r);
            circles.push(n);
        }
        Self { radius, circles }
    }

    fn outer(&self) -> f32 {
        let last = self.radius.len() - 1;
        self.radius[last] + (self.circles[last] - 1) as f32 * CIRCLE_GAP
    }
}

fn adjacency(n: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); n];
    for &(a, b) in edges {
        neighbours[a].push(b);
        neighbours[b].push(a);
    }
    neighbours
}

/// Mean direction of a gene and its neighbours, the centre left out (it has none).
fn mean_direction(angles: &[f32], neighbours: &[usize], node: usize) -> f32 {
    let all = neighbours.iter().copied().filter(|&n| n != 0).chain([node]);
    let (x, y) = all.fold((0.0, 0.0), |(x, y), n| (x + angles[n].cos(), y + angles[n].sin()));
    y.atan2(x)
}

/// The same angle in -pi..=pi.
fn wrapped(angle: f32) -> f32 {
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_hops_and_connected_siblings_become_neighbours() {
        // Six genes around the centre; 1-4, 2-5 and 3-6 are connected, so each pair should be adjacent.
        let parent: Vec<Option<usize>> = (0..7).map(|n| (n > 0).then_some(0)).collect();
        let hop: Vec<usize> = (0..7).map(|n| usize::from(n > 0)).collect();
        let (points, radius) = Tree::new(&parent, &hop).place(&[(1, 4), (2, 5), (3, 6)]);
        assert_eq!(points[0], Point::default());
        for pair in [(1, 4), (2, 5), (3, 6)] {
            let distance = points[pair.0].distance(points[pair.1]);
            assert!((distance - radius).abs() < 1.0, "{pair:?} are {distance} apart");
        }
        for p in &points[1..] {
            assert!((p.distance(points[0]) - radius).abs() < 1e-2);
        }
    }

    #[test]
    fn crowded_rings_are_staggered() {
        let hop: Vec<usize> = (0..200).map(|n| usize::from(n > 0)).collect();
        let rings = Rings::of(&hop);
        assert_eq!(rings.circles[1], 4);
        assert!(rings.outer() < 199.0 * SPACING / TAU);
    }
}
