//! Why a candidate is thought to explain a change.

use std::sync::Arc;

use super::{Queries, RankError, Ranker};
use crate::data::GeneId;
use crate::graph::{GeneGraph, GenePath};

/// Every edge of a path counts this times its weight, so that short paths win.
const DAMPING: f64 = 0.5;
/// Paths with more edges than this explain nothing.
const LONGEST: usize = 4;

/// A gene whose change speaks for a candidate.
#[derive(Debug, Clone)]
pub struct Responder {
    /// The gene.
    pub gene: Arc<str>,
    /// Its change less the mean training change, turned round for an activation.
    pub change: f32,
    /// What the candidate makes expect of it, less the same.
    pub expected: f32,
    /// Change times expectation, as a share of the sum of their absolute values over all genes: these shares add up to
    /// how far change and expectation agree, 1 at most.
    pub share: f32,
    /// The strongest way of at most four edges from the candidate in the prior graph; `None` where there is none.
    pub path: Option<GenePath>,
}

/// Why a candidate is thought to explain a change.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The candidate.
    pub gene: Arc<str>,
    /// Sum of the shares of all genes, -1 to 1.
    pub agreement: f32,
    /// The genes that say most, strongest first.
    pub responders: Vec<Responder>,
}

impl Explanation {
    /// The candidate and all genes on the ways to its responders, with the edges among them.
    pub fn network(&self, graph: &GeneGraph) -> Option<GeneGraph> {
        let mut genes: Vec<GeneId> = vec![graph.genes().resolve(&self.gene)?];
        genes.extend(self.responders.iter().filter_map(|r| r.path.as_ref()).flat_map(|p| p.genes.iter().copied()));
        genes.sort_unstable();
        genes.dedup();
        Some(graph.induced(&genes))
    }
}

impl Ranker {
    /// The `n` genes that say most for a candidate (by name), and the ways to them. The gene itself is left out.
    ///
    /// # Errors
    /// [`RankError::UnknownCandidates`] for a gene that the ranker has not learned about.
    ///
    /// # Complexity
    /// O(n_genes x n_axes), and one search in the graph per gene.
    pub fn explain(
        &self,
        (queries, q): (&Queries, usize),
        gene: &str,
        direction: i8,
        graph: &GeneGraph,
        n: usize,
    ) -> Result<Explanation, RankError> {
        let unknown = || RankError::UnknownCandidates { n: 1, examples: gene.to_owned() };
        let c = self.atlas.candidates.position(gene).ok_or_else(unknown)?;
        let own = self.atlas.candidates.gene[c].map(GeneId::index);
        let change = self.frame.centred(queries, f32::from(direction)).row(q).to_owned();
        let expected = self.atlas.axes.dot(&self.atlas.scores.row(c));
        let product = |g: usize| if Some(g) == own { 0.0 } else { change[g] * expected[g] };
        let products: Vec<f32> = (0..change.len()).map(product).collect();
        let total: f32 = products.iter().map(|p| p.abs()).sum::<f32>().max(f32::MIN_POSITIVE);
        let mut order: Vec<usize> = (0..products.len()).filter(|&g| products[g] > 0.0).collect();
        order.sort_by(|&a, &b| products[b].total_cmp(&products[a]));
        let name = |g: usize| Arc::clone(&self.genes.names()[g]);
        let responder = |&g: &usize| Responder {
            gene: name(g),
            change: change[g],
            expected: expected[g],
            share: products[g] / total,
            path: way(graph, gene, &name(g)),
        };
        Ok(Explanation {
            gene: Arc::clone(&self.atlas.candidates.names[c]),
            agreement: products.iter().sum::<f32>() / total,
            responders: order.iter().take(n).map(responder).collect(),
        })
    }
}

fn way(graph: &GeneGraph, from: &str, to: &str) -> Option<GenePath> {
    let (from, to) = (graph.genes().resolve(from)?, graph.genes().resolve(to)?);
    // No way is an answer here, not an error.
    let paths = graph.paths(from, to, 1, DAMPING).ok()?;
    paths.into_iter().next().filter(|p| p.edges.len() <= LONGEST)
}
