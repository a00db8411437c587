//! What a change of a few genes does to the others, by a linear response fitted to a screen.

use std::sync::Arc;

use serde::Serialize;

use super::SimulateError;
use crate::data::{GeneId, GeneIndex};
use crate::error::Notice;

mod celloracle;
mod fit;
mod linear;
mod radius;
mod steady;

pub use self::celloracle::CELLORACLE_HOPS;

/// How coefficients are fitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResponseOptions {
    /// Ridge penalty (1, as in CellOracle).
    pub ridge: f64,
    /// Largest spectral radius; above it all coefficients are scaled down by one factor.
    pub radius: f64,
}

impl Default for ResponseOptions {
    fn default() -> Self {
        Self { ridge: 1.0, radius: 0.95 }
    }
}

/// What is done to a gene: its level is set to this share of its level at rest. 0 is a knockout, below 1 a knockdown with
/// this share remaining, above 1 an activation by this fold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The gene.
    pub gene: GeneId,
    /// Level over level at rest, counts.
    pub share: f64,
}

/// Signed, directed coefficients between genes: a change `d_j` of a regulator changes its target by `B_ij d_j`, log1p scale.
///
/// Genes without regulators or targets are part of it: perturbed, they change and nothing else does.
#[derive(Debug, Clone)]
pub struct LinearResponse {
    genes: Arc<GeneIndex>,
    rest: Vec<f64>,
    /// Regulators of each gene with their coefficients (CSR by target, ascending by source).
    start: Vec<usize>,
    source: Vec<u32>,
    value: Vec<f64>,
}

impl LinearResponse {
    /// A response with these levels at rest (mean log1p, one per gene) and coefficients (source, target, B). Those of
    /// the same pair are added; those of a gene on itself are refused.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for levels below 0, coefficients that are not finite, and genes out of range.
    pub fn new(genes: Arc<GeneIndex>, rest: Vec<f64>, edges: &[(u32, u32, f64)]) -> Result<Self, SimulateError> {
        let n = genes.len();
        if rest.len() != n {
            return Err(SimulateError::option("rest", format!("{n} values"), rest.len()));
        }
        if let Some(bad) = rest.iter().find(|x| !(x.is_finite() && **x >= 0.0)) {
            return Err(SimulateError::option("rest", "finite levels of at least 0, mean log1p", bad));
        }
        let known = |&&(a, b, v): &&(u32, u32, f64)| a != b && (a.max(b) as usize) < n && v.is_finite();
        if let Some(bad) = edges.iter().find(|e| !known(e)) {
            let expected = "two different genes and a finite coefficient";
            return Err(SimulateError::option("coefficient", expected, format!("{bad:?}")));
        }
        let mut sorted = edges.to_vec();
        sorted.sort_by_key(|&(source, target, _)| (target, source));
        let (mut start, mut source, mut value) = (vec![0; n + 1], Vec::<u32>::new(), Vec::<f64>::new());
        let mut last = None;
        for (from, to, b) in sorted {
            if last == Some((from, to)) {
                let at = value.len() - 1;
                value[at] += b;
                continue;
            }
            last = Some((from, to));
            start[to as usize + 1] += 1;
            source.push(from);
            value.push(b);
        }
        (0..n).for_each(|i| start[i + 1] += start[i]);
        Ok(Self { genes, rest, start, source, value })
    }

    /// The genes.
    pub fn genes(&self) -> &Arc<GeneIndex> {
        &self.genes
    }

    /// Mean log1p of the control cells, length n_genes.
    pub fn rest(&self) -> &[f64] {
        &self.rest
    }

    /// Number of coefficients.
    pub fn n_edges(&self) -> usize {
        self.value.len()
    }

    /// Regulators of a gene, ascending, with their coefficients.
    pub fn inputs(&self, gene: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let range = self.start[gene]..self.start[gene + 1];
        self.source[range.clone()].iter().copied().zip(self.value[range].iter().copied())
    }

    /// The change named `gene` with this share left.
    ///
    /// # Errors
    /// [`SimulateError::UnknownGene`], [`SimulateError::BadOption`] for a share that is not finite or below 0.
    pub fn change(&self, gene: &str, share: f64) -> Result<Change, SimulateError> {
        let gene = self.genes.resolve(gene).ok_or_else(|| SimulateError::unknown(gene, &self.genes))?;
        if share.is_finite() && share >= 0.0 {
            Ok(Change { gene, share })
        } else {
            Err(SimulateError::option("share", "a finite number of at least 0", share))
        }
    }

    /// The change of the perturbed gene itself, log1p scale, from this level.
    fn own(change: &Change, rest: f64) -> f64 {
        (rest.exp_m1() * change.share).ln_1p() - rest
    }

    /// Targets of each gene (CSR by source).
    fn targets(&self) -> Vec<Vec<u32>> {
        let mut targets = vec![Vec::new(); self.genes.len()];
        (0..self.genes.len())
            .for_each(|gene| self.inputs(gene).for_each(|(j, _)| targets[j as usize].push(gene as u32)));
        targets
    }

    /// All coefficients times a factor.
    fn scaled(mut self, factor: f64) -> Self {
        self.value.iter_mut().for_each(|b| *b *= factor);
        self
    }
}

/// A fitted response and what is to be known about it.
#[derive(Debug)]
pub struct FittedResponse {
    /// The response.
    pub response: LinearResponse,
    /// Spectral radius of the coefficients as fitted, before they were scaled.
    pub radius: f64,
    /// Edges left out, and scaling.
    pub notices: Vec<Notice>,
}
