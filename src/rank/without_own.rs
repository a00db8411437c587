//! Sums over genes that leave one gene out exactly.

use ndarray::{Array2, ArrayView1, ArrayView2};

/// Genes of one block.
const BLOCK: usize = 16;

/// For a query q and axes V (n_genes x n_axes): the sum of q_i V_i over all genes but one, for any gene.
///
/// Subtracting q_g V_g from the whole sum would leave rounding errors that depend on q_g. Here the term is never read:
/// sums over the blocks before and after that of g, and over the other genes of its block, are added up.
#[derive(Debug)]
pub(super) struct WithoutOwn<'a> {
    query: ArrayView1<'a, f32>,
    axes: ArrayView2<'a, f32>,
    /// Sums of the blocks before each block, and behind it; (n_blocks + 1) x n_axes.
    before: Array2<f32>,
    behind: Array2<f32>,
}

impl<'a> WithoutOwn<'a> {
    /// O(n_genes x n_axes).
    pub(super) fn new(query: ArrayView1<'a, f32>, axes: ArrayView2<'a, f32>) -> Self {
        let n_blocks = query.len().div_ceil(BLOCK);
        let mut before = Array2::zeros((n_blocks + 1, axes.ncols()));
        let mut behind = before.clone();
        for block in 0..n_blocks {
            let sum = &before.row(block) + &products(query, axes, block, None);
            before.row_mut(block + 1).assign(&sum);
        }
        for block in (0..n_blocks).rev() {
            let sum = &behind.row(block + 1) + &products(query, axes, block, None);
            behind.row_mut(block).assign(&sum);
        }
        Self { query, axes, before, behind }
    }

    /// The sum over all genes but this one; over all genes for `None`. O(n_axes).
    pub(super) fn sum(&self, gene: Option<usize>) -> ndarray::Array1<f32> {
        let Some(gene) = gene else { return self.before.row(self.before.nrows() - 1).to_owned() };
        let block = gene / BLOCK;
        let within = products(self.query, self.axes, block, Some(gene));
        &self.before.row(block) + &within + self.behind.row(block + 1)
    }
}

/// Sum of q_i V_i over a block, without one gene.
fn products(
    query: ArrayView1<'_, f32>,
    axes: ArrayView2<'_, f32>,
    block: usize,
    without: Option<usize>,
) -> ndarray::Array1<f32> {
    let mut sum = ndarray::Array1::zeros(axes.ncols());
    let genes = block * BLOCK..((block + 1) * BLOCK).min(query.len());
    for gene in genes.filter(|g| Some(*g) != without) {
        if query[gene] != 0.0 {
            sum.scaled_add(query[gene], &axes.row(gene));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;

    use super::*;
    use crate::stats::Rng;

    #[test]
    fn the_sum_leaves_out_one_gene_to_the_last_bit() {
        let mut rng = Rng::named(1, "without-own.test");
        let n = 50;
        let axes = Array2::from_shape_simple_fn((n, 3), || rng.normal() as f32);
        let query = Array1::from_shape_simple_fn(n, || rng.normal() as f32);
        let whole = WithoutOwn::new(query.view(), axes.view());
        assert!((&whole.sum(None) - &query.dot(&axes)).iter().all(|e| e.abs() < 1e-4));
        for gene in [0, 15, 16, 33, 49] {
            let got = whole.sum(Some(gene));
            let mut other = query.clone();
            other[gene] = 0.0;
            assert!((&got - &other.dot(&axes)).iter().all(|e| e.abs() < 1e-4));
            other[gene] = 1e9;
            assert_eq!(WithoutOwn::new(other.view(), axes.view()).sum(Some(gene)), got);
        }
    }
}
