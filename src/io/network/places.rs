//! Positions of a network that was not drawn.

use std::f64::consts::PI;

use super::drawing::NetworkDrawing;
use crate::data::GeneId;
use crate::graph::GeneGraph;

/// Distance of neighbouring genes in pixels.
const SPACING: f64 = 60.0;

/// Where each gene lies, px, y downwards: as drawn, else genes with many edges in the middle and the others around them
/// along a spiral that fills the plane evenly.
pub(super) fn places(graph: &GeneGraph, drawing: Option<&NetworkDrawing>) -> Vec<(f64, f64)> {
    let round = |v: f64| (v * 100.0).round() / 100.0;
    if let Some(drawing) = drawing {
        return drawing.genes.iter().map(|g| (round(f64::from(g.x)), round(f64::from(g.y)))).collect();
    }
    let degree = |g: &usize| {
        let gene = GeneId(*g as u32);
        graph.out_edges(gene).len() + graph.in_edges(gene).count()
    };
    let mut order: Vec<usize> = (0..graph.n_genes()).collect();
    order.sort_by_cached_key(|g| std::cmp::Reverse(degree(g)));
    let golden_angle = PI * (3.0 - 5f64.sqrt());
    let mut places = vec![(0.0, 0.0); graph.n_genes()];
    for (k, gene) in order.into_iter().enumerate() {
        let (radius, angle) = (SPACING * (k as f64).sqrt(), golden_angle * k as f64);
        places[gene] = (round(radius * angle.cos()), round(radius * angle.sin()));
    }
    places
}
