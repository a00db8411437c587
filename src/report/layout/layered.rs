//! Layered layout: regulators above their targets, as few crossings as can be found.
//!
//! Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981), by the crate
//! `rust-sugiyama`: layers by network simplex, order by barycentres, places by Brandes and Koepf (2001).

use std::collections::{BTreeSet, HashSet};

use rust_sugiyama::configure::{Config, CrossingMinimization, RankingType};
use rust_sugiyama::from_vertices_and_edges;

use super::Wiring;
use crate::report::geometry::Point;

/// Room between genes and between layers, px.
const SPACING: f64 = 12.0;
/// Edges that decide about layers, per gene: the others are drawn over them, as every edge would only widen the page.
const EDGES_PER_GENE: f32 = 1.4;
/// Room of the bend of a long edge, as a share of [`SPACING`].
const BEND: f64 = 0.25;
/// Layers are this much farther apart than genes beside each other: edges need the room, and labels.
const LAYER: f32 = 1.6;

/// Places of all genes; components lie beside each other.
pub(super) fn place(wiring: &Wiring<'_>) -> Vec<Point> {
    let size = |&(w, h): &(f32, f32)| (f64::from(2.0 * w), f64::from(2.0 * h));
    let vertices: Vec<(u32, (f64, f64))> =
        wiring.room.iter().map(size).enumerate().map(|(k, s)| (k as u32, s)).collect();
    let config = Config {
        minimum_length: 1,
        vertex_spacing: SPACING,
        dummy_vertices: true,
        dummy_size: BEND,
        ranking_type: RankingType::MinimizeEdgeLength,
        c_minimization: CrossingMinimization::Barycenter,
        transpose: true,
    };
    let mut points = vec![Point::default(); wiring.room.len()];
    let mut from = 0.0;
    for (places, _, _) in from_vertices_and_edges(&vertices, &deciding(wiring), &config) {
        let left = places.iter().map(|(_, (x, _))| *x).fold(f64::INFINITY, f64::min);
        let right = places.iter().map(|(_, (x, _))| *x).fold(f64::NEG_INFINITY, f64::max);
        for (gene, (x, y)) in places {
            points[gene] = Point::new((from + x - left) as f32, y as f32 * LAYER);
        }
        from += right - left + 4.0 * SPACING;
    }
    points
}

/// The edges along which genes were reached, which join everything, then the strongest.
fn deciding(wiring: &Wiring<'_>) -> Vec<(u32, u32)> {
    let tree = |&(a, b, _): &(usize, usize, f32)| wiring.parent[a] == Some(b) || wiring.parent[b] == Some(a);
    let mut order: Vec<&(usize, usize, f32)> = wiring.edges.iter().collect();
    order.sort_by(|a, b| tree(b).cmp(&tree(a)).then(b.2.total_cmp(&a.2)).then((a.0, a.1).cmp(&(b.0, b.1))));
    let limit = (EDGES_PER_GENE * wiring.room.len() as f32) as usize;
    let mut joined: HashSet<(usize, usize)> = HashSet::new();
    let mut kept = BTreeSet::new();
    for edge @ &&(a, b, _) in &order {
        // Between two genes one edge decides.
        if a != b && (kept.len() < limit || tree(edge)) && joined.insert((a.min(b), a.max(b))) {
            kept.insert((a as u32, b as u32));
        }
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regulators_lie_above_their_targets() {
        let wiring = Wiring {
            parent: &[None, Some(0), Some(1), Some(0)],
            hop: &[0, 1, 2, 1],
            room: &[(20.0, 10.0); 4],
            edges: &[(0, 1, 1.0), (1, 2, 1.0), (3, 0, 0.5), (0, 2, 0.2)],
        };
        let points = place(&wiring);
        assert!(points[3].y < points[0].y && points[0].y < points[1].y && points[1].y < points[2].y, "{points:?}");
        assert_eq!(points, place(&wiring));
    }

    #[test]
    fn a_loop_is_laid_out() {
        let (parent, hop) = ([None, Some(0), Some(0)], [0, 1, 1]);
        let wiring = Wiring {
            parent: &parent,
            hop: &hop,
            room: &[(20.0, 10.0); 3],
            edges: &[(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0), (1, 0, 1.0)],
        };
        let points = place(&wiring);
        assert!(points[0].distance(points[1]) > 20.0 && points[1].distance(points[2]) > 20.0, "{points:?}");
    }
}
