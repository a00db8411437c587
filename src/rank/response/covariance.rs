//! How genes vary together in control cells, where a graph says that it matters.

use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use super::regression::{CellMoments, Moments};
use super::{ResponseSettings, regulators};
use crate::data::Csr;
use crate::graph::{ControlCells, GeneGraph};

/// Least share of the variance of a gene that is taken for real.
const LEAST_SHARE: f64 = 0.1;

/// What counting adds to the variance of log1p expression over cells.
#[derive(Debug, Clone, PartialEq)]
pub enum CountingNoise {
    /// m / (1 + m)^2 for a mean count m: Poisson counts brought to the median total of the cells.
    Poisson,
    /// These variances, one per gene.
    Known(Vec<f32>),
}

impl CountingNoise {
    fn of(&self, gene: usize, values: &[f32], n_cells: usize) -> f64 {
        match self {
            Self::Poisson => {
                let mean = values.iter().map(|&v| f64::from(v).exp_m1()).sum::<f64>() / n_cells as f64;
                mean / (1.0 + mean).powi(2)
            }
            Self::Known(variances) => f64::from(variances[gene]),
        }
    }
}

/// Covariance of log1p expression over control cells between every gene, its regulators and these among each other.
///
/// Counting noise adds to the diagonal and is taken off it, down to a tenth of the variance.
#[derive(Debug, Clone)]
pub struct Covariance {
    blocks: Vec<Block>,
    n_cells: usize,
}

/// A gene and its regulators.
#[derive(Debug, Clone, Default)]
struct Block {
    regulators: Vec<u32>,
    /// Lower triangle by rows, the gene first: (k + 1)(k + 2) / 2 values.
    values: Vec<f32>,
    /// Counting variance of the gene itself.
    counting: f32,
}

impl Covariance {
    /// The covariances that a [`super::Response`] of this graph and these settings needs.
    ///
    /// # Complexity
    /// O(k^2 n) per gene with k regulators and n cells, genes in parallel; memory O(k^2) per gene. Two thousand cells
    /// are enough.
    pub fn new(cells: ControlCells, graph: &GeneGraph, noise: &CountingNoise, settings: &ResponseSettings) -> Self {
        let (genes, by_gene) = cells.by_gene();
        let n_cells = by_gene.n_cols();
        let counting: Vec<f64> = (0..genes.len()).map(|g| noise.of(g, by_gene.row(g).1, n_cells.max(1))).collect();
        let regulators = regulators::of(graph, &genes, settings.max_regulators);
        let blocks = regulators
            .par_iter()
            .enumerate()
            .map(|(gene, of)| block(&by_gene, &counting, gene, of.iter().map(|r| r.gene).collect()))
            .collect();
        Self { blocks, n_cells }
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// Moments of a gene and these regulators; `None` where others were gathered.
    pub(super) fn moments(&self, gene: usize, regulators: &[u32], cell_weight: f64) -> Option<CellMoments> {
        let block = self.blocks.get(gene).filter(|b| !regulators.is_empty() && b.regulators == regulators)?;
        let k = regulators.len();
        let at = |a: usize, b: usize| f64::from(block.values[a.max(b) * (a.max(b) + 1) / 2 + a.min(b)]);
        let per_cell = Moments {
            xx: Array2::from_shape_fn((k, k), |(a, b)| at(a + 1, b + 1)),
            xy: Array1::from_shape_fn(k, |a| at(a + 1, 0)),
            yy: at(0, 0),
            n: 1.0,
        };
        Some(CellMoments { per_cell, n: cell_weight * self.n_cells as f64, counting: f64::from(block.counting) })
    }
}

fn block(by_gene: &Csr<f32>, counting: &[f64], gene: usize, regulators: Vec<u32>) -> Block {
    let n_cells = by_gene.n_cols();
    if regulators.is_empty() || n_cells < 2 {
        return Block::default();
    }
    let members: Vec<usize> = std::iter::once(gene).chain(regulators.iter().map(|&r| r as usize)).collect();
    let mut x = Array2::<f32>::zeros((members.len(), n_cells));
    for (mut row, &member) in x.outer_iter_mut().zip(&members) {
        let (cells, values) = by_gene.row(member);
        cells.iter().zip(values).for_each(|(&c, &v)| row[c as usize] = v);
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n_cells as f64;
        row.mapv_inplace(|v| v - mean as f32);
    }
    let products = x.dot(&x.t()) / (n_cells - 1) as f32;
    let mut values = Vec::with_capacity(members.len() * (members.len() + 1) / 2);
    for (a, row) in products.axis_iter(Axis(0)).enumerate() {
        values.extend(row.iter().take(a));
        let variance = f64::from(row[a]);
        values.push((variance - counting[members[a]]).max(LEAST_SHARE * variance) as f32);
    }
    Block { regulators, values, counting: counting[gene] as f32 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{CellBlock, GeneIndex};
    use crate::graph::{GraphBuilder, Sign};
    use crate::stats::Rng;

    #[test]
    fn covariances_are_those_of_the_cells_without_counting() {
        let genes = Arc::new(GeneIndex::new(["A", "B", "C"]).unwrap());
        let mut rng = Rng::named(2, "covariance");
        let mut x = Csr::empty(3);
        let rows: Vec<[f64; 3]> = (0..500)
            .map(|_| {
                let a = 3.0 + 0.3 * rng.normal();
                [a, 1.0 + 0.5 * a + 0.1 * rng.normal(), 2.0 + 0.2 * rng.normal()]
            })
            .collect();
        rows.iter().for_each(|r| x.push_row(r.iter().enumerate().map(|(g, &v)| (g as u32, v as f32))));
        let mut cells = ControlCells::new(genes, usize::MAX, 0);
        cells.push(&CellBlock { first_cell: 0, x }, |_| true);
        let mut builder = GraphBuilder::new();
        builder.add("A", "B", 0.5, Sign::Unknown, &[]);
        builder.add("C", "B", 0.5, Sign::Unknown, &[]);
        let noise = CountingNoise::Known(vec![0.01, 0.02, 1.0]);
        let covariance = Covariance::new(cells, &builder.build(), &noise, &ResponseSettings::default());
        let mean = |g: usize| rows.iter().map(|r| r[g]).sum::<f64>() / 500.0;
        let expected =
            |a: usize, b: usize| rows.iter().map(|r| (r[a] - mean(a)) * (r[b] - mean(b))).sum::<f64>() / 499.0;
        let moments = covariance.moments(1, &[0, 2], 1.0).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-4;
        assert!(close(moments.per_cell.xy[0], expected(0, 1)) && close(moments.per_cell.xx[[0, 1]], expected(0, 2)));
        assert!(close(moments.per_cell.xx[[0, 0]], expected(0, 0) - 0.01));
        assert!(close(moments.per_cell.xx[[1, 1]], 0.1 * expected(2, 2)), "never below a tenth");
        assert!(covariance.moments(1, &[0], 1.0).is_none(), "other regulators");
    }

    #[test]
    fn poisson_counts_explain_their_variance() {
        let mut rng = Rng::named(3, "poisson");
        let values: Vec<f32> = (0..20_000).map(|_| (rng.poisson(8.0) as f32).ln_1p()).collect();
        let mean = values.iter().sum::<f32>() / 20_000.0;
        let variance = f64::from(values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 20_000.0);
        let explained = CountingNoise::Poisson.of(0, &values, values.len());
        assert!((explained / variance - 1.0).abs() < 0.25, "{explained} {variance}");
    }
}
