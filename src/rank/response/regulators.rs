//! Which measured genes may act on which.

use std::sync::Arc;

use crate::data::{GeneId, GeneIndex, Responses};
use crate::graph::GeneGraph;

/// A gene that may act on another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Regulator {
    /// Position among the measured genes.
    pub(super) gene: u32,
    /// Confidence of the edge, 0 to 1.
    pub(super) confidence: f32,
}

/// For each measured gene its measured regulators by position, at most `most` of the highest confidence.
pub(super) fn of(graph: &GeneGraph, genes: &Arc<GeneIndex>, most: usize) -> Vec<Vec<Regulator>> {
    let measured: Vec<Option<u32>> =
        graph.genes().names().iter().map(|n| genes.resolve(n).map(|g| g.index() as u32)).collect();
    let mut of = vec![Vec::new(); genes.len()];
    for edge in graph.edges() {
        let (Some(source), Some(target)) = (measured[edge.source.index()], measured[edge.target.index()]) else {
            continue;
        };
        if source != target {
            of[target as usize].push(Regulator { gene: source, confidence: edge.weight });
        }
    }
    of.iter_mut().for_each(|regulators: &mut Vec<Regulator>| keep(regulators, most));
    of
}

/// Keeps the highest confidences, one per gene, and sorts by gene.
fn keep(regulators: &mut Vec<Regulator>, most: usize) {
    regulators.sort_by(|a, b| a.gene.cmp(&b.gene).then(b.confidence.total_cmp(&a.confidence)));
    regulators.dedup_by_key(|r| r.gene);
    regulators.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.gene.cmp(&b.gene)));
    regulators.truncate(most);
    regulators.sort_by_key(|r| r.gene);
}

/// Mean confidence of all regulators; 1 where there is none.
pub(super) fn mean_confidence(regulators: &[Vec<Regulator>]) -> f64 {
    let all = || regulators.iter().flatten();
    let n = all().count();
    if n == 0 { 1.0 } else { all().map(|r| f64::from(r.confidence)).sum::<f64>() / n as f64 }
}

/// Rows that perturb each measured gene.
pub(in crate::rank) fn own_rows(responses: &Responses) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); responses.genes.len()];
    for (row, perturbation) in responses.perturbations.iter().enumerate() {
        let targets = perturbation.targets().iter().filter_map(|t| responses.genes.resolve(t));
        targets.map(GeneId::index).for_each(|gene| rows[gene].push(row));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    #[test]
    fn the_surest_measured_regulators_are_kept() {
        let mut builder = GraphBuilder::new();
        [("A", 0.3), ("B", 0.9), ("C", 0.5), ("X", 1.0)]
            .iter()
            .for_each(|&(g, w)| builder.add(g, "D", w, Sign::Unknown, &[]));
        let genes = Arc::new(GeneIndex::new(["A", "B", "C", "D"]).unwrap());
        let found = of(&builder.build(), &genes, 2);
        assert_eq!(found[3].iter().map(|r| r.gene).collect::<Vec<_>>(), [1, 2]);
        assert!((mean_confidence(&found) - 0.7).abs() < 1e-6);
    }
}
