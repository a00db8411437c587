//! Force-directed layout: ForceAtlas2 with Barnes-Hut sums.
//!
//! Jacomy, Venturini, Heymann and Bastian, "ForceAtlas2, a continuous graph layout algorithm for handy network
//! visualization" (2014): repulsion by degree, attraction in proportion to length and weight, gravity, and the global and
//! local speeds of the paper. Then discs are moved apart until each has its room.

use super::quadtree::Quadtree;
use super::{Wiring, radial};
use crate::report::geometry::Point;
use crate::stats::Rng;

const STEPS: usize = 500;
const REPULSION: f64 = 600.0;
const GRAVITY: f64 = 1.2;
/// Swinging that is tolerated (the paper's tau).
const TOLERANCE: f64 = 1.0;
/// Median distance of a gene to its nearest neighbour, px.
const SPACING: f64 = 44.0;
/// Steps that move discs apart at most.
const APART: usize = 120;

/// Places of all genes. The radial layout, slightly moved by the seed, is where they start.
pub(super) fn place(wiring: &Wiring<'_>, seed: u64) -> Vec<Point> {
    let mut rng = Rng::keyed(seed, "force layout", 0, 0);
    let start = radial::place(wiring).points;
    let mut places: Vec<[f64; 2]> =
        start.iter().map(|p| [f64::from(p.x) + rng.normal(), f64::from(p.y) + rng.normal()]).collect();
    Forces::new(wiring).settle(&mut places);
    scale(&mut places);
    move_apart(&mut places, wiring.room);
    places.iter().map(|p| Point::new(p[0] as f32, p[1] as f32)).collect()
}

struct Forces<'a> {
    edges: &'a [(usize, usize, f32)],
    /// Number of edges and one, per gene.
    mass: Vec<f64>,
}

impl<'a> Forces<'a> {
    fn new(wiring: &Wiring<'a>) -> Self {
        let mut mass = vec![1.0; wiring.room.len()];
        for &(a, b, _) in wiring.edges {
            mass[a] += 1.0;
            mass[b] += 1.0;
        }
        Self { edges: wiring.edges, mass }
    }

    fn on(&self, places: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let bodies: Vec<_> = places.iter().copied().zip(self.mass.iter().copied()).collect();
        let tree = Quadtree::new(&bodies);
        let mut forces: Vec<[f64; 2]> = places
            .iter()
            .zip(&self.mass)
            .map(|(&place, &mass)| {
                let away = tree.repulsion(place);
                let pull = GRAVITY * mass / place[0].hypot(place[1]).max(1.0);
                [0, 1].map(|k| REPULSION * mass * away[k] - pull * place[k])
            })
            .collect();
        for &(a, b, weight) in self.edges {
            let strength = 0.3 + 0.7 * f64::from(weight.clamp(0.0, 1.0));
            for k in 0..2 {
                let pull = strength * (places[b][k] - places[a][k]);
                forces[a][k] += pull;
                forces[b][k] -= pull;
            }
        }
        forces
    }

    /// Moves genes along their forces, each the slower the more it swings.
    fn settle(&self, places: &mut [[f64; 2]]) {
        let mut before = vec![[0.0; 2]; places.len()];
        let mut speed = 1.0_f64;
        for _ in 0..STEPS {
            let forces = self.on(places);
            let size = |v: [f64; 2]| v[0].hypot(v[1]);
            let swing = |g: usize| size([0, 1].map(|k| forces[g][k] - before[g][k]));
            let traction = |g: usize| size([0, 1].map(|k| forces[g][k] + before[g][k])) / 2.0;
            let sum = |of: &dyn Fn(usize) -> f64| (0..places.len()).map(|g| self.mass[g] * of(g)).sum::<f64>();
            let (swings, tractions) = (sum(&swing), sum(&traction));
            speed = (TOLERANCE * tractions / swings.max(1e-9)).min(1.5 * speed).min(10.0);
            for (g, place) in places.iter_mut().enumerate() {
                let own = 0.1 * speed / (1.0 + speed * swing(g).sqrt());
                (0..2).for_each(|k| place[k] += forces[g][k] * own.min(10.0 / size(forces[g]).max(1e-9)));
            }
            before = forces;
        }
    }
}

/// Stretches the drawing until the median distance to the nearest gene is [`SPACING`].
fn scale(places: &mut [[f64; 2]]) {
    let distance = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let nearest = |g: usize| {
        let others = places.iter().enumerate().filter(|(k, _)| *k != g);
        others.map(|(_, &p)| distance(places[g], p)).fold(f64::INFINITY, f64::min)
    };
    let mut distances: Vec<f64> = (0..places.len()).map(nearest).collect();
    distances.sort_by(f64::total_cmp);
    let median = distances[distances.len() / 2];
    if median > 0.0 && median.is_finite() {
        places.iter_mut().for_each(|p| *p = p.map(|v| v * SPACING / median));
    }
}

/// Pushes pairs apart whose rooms overlap, half of the way each, until none does or [`APART`] steps are over.
fn move_apart(places: &mut [[f64; 2]], room: &[(f32, f32)]) {
    for _ in 0..APART {
        let mut moved = false;
        for a in 0..places.len() {
            for b in 0..a {
                let (dx, dy) = (places[a][0] - places[b][0], places[a][1] - places[b][1]);
                let wide = f64::from(room[a].0 + room[b].0) - dx.abs();
                let high = f64::from(room[a].1 + room[b].1) - dy.abs();
                if wide <= 0.0 || high <= 0.0 {
                    continue;
                }
                moved = true;
                let (axis, by, sign) = if wide < high { (0, wide, dx) } else { (1, high, dy) };
                let step = (by / 2.0 + 0.05) * if sign < 0.0 { -1.0 } else { 1.0 };
                places[a][axis] += step;
                places[b][axis] -= step;
            }
        }
        if !moved {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Vec<Option<usize>>, Vec<usize>, Vec<(usize, usize, f32)>);

    /// Two cliques of six genes joined by one edge: parents, hops, edges.
    fn cliques() -> Parts {
        let clique = |from: usize| (from..from + 6).flat_map(move |a| (from..a).map(move |b| (a, b, 1.0)));
        let edges: Vec<_> = clique(0).chain(clique(6)).chain([(0, 6, 1.0)]).collect();
        let parent = (0..12)
            .map(|g| match g {
                0 => None,
                1..=6 => Some(0),
                _ => Some(6),
            })
            .collect();
        let hop = (0..12)
            .map(|g| match g {
                0 => 0,
                1..=6 => 1,
                _ => 2,
            })
            .collect();
        (parent, hop, edges)
    }

    #[test]
    fn connected_genes_come_together_and_none_overlap() {
        let (parent, hop, edges) = cliques();
        let room = [(16.0, 12.0); 12];
        let wiring = Wiring { parent: &parent, hop: &hop, room: &room, edges: &edges };
        let points = place(&wiring, 1);
        let mean = |pairs: &mut dyn Iterator<Item = (usize, usize)>| {
            let distances: Vec<f32> = pairs.map(|(a, b)| points[a].distance(points[b])).collect();
            distances.iter().sum::<f32>() / distances.len() as f32
        };
        let within = mean(&mut edges.iter().filter(|e| e.0 < 6 || e.1 >= 6).map(|&(a, b, _)| (a, b)));
        let between = mean(&mut (0..6).flat_map(|a| (6..12).map(move |b| (a, b))));
        assert!(between > 1.5 * within, "{between} between, {within} within");
        for a in 0..12 {
            for b in 0..a {
                let (dx, dy) = ((points[a].x - points[b].x).abs(), (points[a].y - points[b].y).abs());
                assert!(dx > 31.9 || dy > 23.9, "{a} and {b}");
            }
        }
        assert_eq!(points, place(&wiring, 1));
        assert_ne!(points, place(&wiring, 2));
    }
}
