//! What the graph says of the regulators of every measured gene.

use std::collections::BTreeSet;

use ndarray::{Array1, Array2};

use crate::data::{GeneIndex, Responses};
use crate::graph::{Edge, GeneGraph, Sign};
use crate::stats::{LinalgError, solve};

/// Of the regulators of a gene, the strongest so many are used.
const MOST_REGULATORS: usize = 50;

/// Regulators of each measured gene, and targets of genes that are not measured.
#[derive(Debug)]
pub(super) struct Prior {
    /// By gene: measured regulators, ascending, with the weight of the edge and its sign.
    pub(super) regulators: Vec<Vec<Link>>,
    /// Genes whose change may explain that of others: sources of edges and training targets, ascending.
    pub(super) sources: Vec<usize>,
}

/// An edge seen from one of its ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// Position of the gene at the other end among the measured genes.
    pub(super) gene: usize,
    pub(super) weight: f64,
    pub(super) sign: Sign,
}

impl Link {
    /// What is expected of the edge, given the coefficients of signed and of other edges.
    pub(super) fn expected(&self, [signed, unsigned]: [f64; 2]) -> f64 {
        let [a, b] = self.features();
        signed * a + unsigned * b
    }

    /// Weight with its sign, and weight where the sign is not known.
    fn features(&self) -> [f64; 2] {
        match self.sign {
            Sign::Unknown => [0.0, self.weight],
            sign => [self.weight * f64::from(sign.value()), 0.0],
        }
    }
}

impl Prior {
    pub(super) fn new(graph: &GeneGraph, responses: &Responses) -> Self {
        let place = places(graph, &responses.genes);
        let mut regulators = vec![Vec::new(); responses.genes.len()];
        for edge in graph.edges() {
            if let (Some(source), Some(target)) = (place[edge.source.index()], place[edge.target.index()]) {
                regulators[target].push(link(edge, source));
            }
        }
        for links in &mut regulators {
            links.sort_by(|a: &Link, b| b.weight.total_cmp(&a.weight).then(a.gene.cmp(&b.gene)));
            links.truncate(MOST_REGULATORS);
            links.sort_by_key(|l| l.gene);
            links.dedup_by_key(|l| l.gene);
        }
        let targets = responses.perturbations.iter().flat_map(|p| own_genes(p.targets(), &responses.genes));
        let sources: BTreeSet<usize> = regulators.iter().flatten().map(|l| l.gene).chain(targets).collect();
        Self { regulators, sources: sources.into_iter().collect() }
    }

    /// Coefficients of signed and of other edges: least squares of the change of every gene (n x n_genes) on the summed
    /// changes of its regulators. A row says nothing of its own targets.
    pub(super) fn coefficients(&self, changes: &Array2<f64>, own: &[Vec<usize>]) -> Result<[f64; 2], LinalgError> {
        let (mut gram, mut right) = (Array2::<f64>::zeros((2, 2)), Array1::<f64>::zeros(2));
        for (row, own) in changes.outer_iter().zip(own) {
            for (gene, links) in self.regulators.iter().enumerate().filter(|(g, _)| !own.contains(g)) {
                let mut x = [0.0; 2];
                for link in links {
                    let features = link.features();
                    (0..2).for_each(|k| x[k] += features[k] * row[link.gene]);
                }
                for a in 0..2 {
                    right[a] += x[a] * row[gene];
                    (0..2).for_each(|b| gram[[a, b]] += x[a] * x[b]);
                }
            }
        }
        let ridge = 1e-6 * gram.diag().sum() + f64::MIN_POSITIVE.sqrt();
        (0..2).for_each(|k| gram[[k, k]] += ridge);
        let found = solve(&gram, &right)?;
        Ok([found[0], found[1]])
    }
}

/// Edges from a gene that is not measured to measured ones.
pub(super) fn out_links(graph: &GeneGraph, target: &str, genes: &GeneIndex) -> Vec<Link> {
    let Some(node) = graph.genes().resolve(target) else { return Vec::new() };
    let names = graph.genes();
    let seen = |e: &Edge| Some(link(e, genes.resolve(names.name(e.target))?.index()));
    graph.out_edges(node).iter().filter_map(seen).collect()
}

/// Positions of targets that are measured genes.
pub(super) fn own_genes(targets: &[impl AsRef<str>], genes: &GeneIndex) -> Vec<usize> {
    targets.iter().filter_map(|t| genes.resolve(t.as_ref())).map(crate::data::GeneId::index).collect()
}

fn link(edge: &Edge, gene: usize) -> Link {
    Link { gene, weight: f64::from(edge.weight), sign: edge.sign }
}

/// By gene of the graph: its position among the measured genes.
fn places(graph: &GeneGraph, genes: &GeneIndex) -> Vec<Option<usize>> {
    graph.genes().names().iter().map(|n| genes.resolve(n).map(crate::data::GeneId::index)).collect()
}
