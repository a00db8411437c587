//! What many perturbations have in common: stress, arrest of the cell cycle.

use ndarray::{Array2, ArrayView1};

use crate::data::{GeneId, Responses};
use crate::rank::RankError;
use crate::stats::pca;

/// Changes beyond this many standard errors count as this many where programmes are fitted: the target of a knockdown
/// falls so far that it would be a programme by itself.
pub(in crate::rank) const LARGEST: f32 = 4.0;

/// Directions common to the training changes, in standard errors.
#[derive(Debug, Clone)]
pub(in crate::rank) struct Programmes {
    /// Standard error of the change of each gene.
    pub(in crate::rank) noise: Vec<f32>,
    /// Orthonormal rows, n_programmes x n_genes.
    pub(in crate::rank) axes: Array2<f32>,
}

impl Programmes {
    /// The first principal axes of the clipped training changes in standard errors, targets left out, not centred.
    pub(super) fn fit(responses: &Responses, noise: Vec<f32>, n: usize) -> Result<Self, RankError> {
        let z = standardised(responses, &noise);
        let axes = if n == 0 { Array2::zeros((0, noise.len())) } else { pca(z.view(), n)?.axes.mapv(|v| v as f32) };
        Ok(Self { noise, axes })
    }

    /// Training changes without the programmes, n_perturbations x n_genes.
    pub(super) fn remove(&self, responses: &Responses) -> Array2<f32> {
        let z = standardised(responses, &self.noise).mapv(|v| v as f32);
        let common = z.dot(&self.axes.t()).dot(&self.axes);
        let mut out = responses.delta.clone();
        for (mut row, common) in out.outer_iter_mut().zip(common.outer_iter()) {
            row.iter_mut().zip(common).zip(&self.noise).for_each(|((x, c), s)| *x -= c * s);
        }
        out
    }

    /// The share of each programme in a change without one gene, for every gene: n_programmes vectors of length n_genes.
    ///
    /// Sums before and behind the gene are added, so that its own change is never read.
    pub(in crate::rank) fn shares_without(&self, x: &[f32]) -> Vec<Vec<f64>> {
        self.axes.outer_iter().map(|axis| sums_without(x, axis)).collect()
    }
}

/// For every gene the sum of x_i v_i over the others. O(n_genes).
fn sums_without(x: &[f32], v: ArrayView1<'_, f32>) -> Vec<f64> {
    let product = |i: usize| f64::from(x[i]) * f64::from(v[i]);
    let mut sums = vec![0.0; x.len()];
    let mut before = 0.0;
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = before;
        before += product(i);
    }
    let mut behind = 0.0;
    for (i, sum) in sums.iter_mut().enumerate().rev() {
        *sum += behind;
        behind += product(i);
    }
    sums
}

/// Clipped changes in standard errors, 0 at the targets, n_perturbations x n_genes.
fn standardised(responses: &Responses, noise: &[f32]) -> Array2<f64> {
    let mut z = responses.delta.mapv(f64::from);
    for (mut row, perturbation) in z.outer_iter_mut().zip(&responses.perturbations) {
        let largest = f64::from(LARGEST);
        row.iter_mut().zip(noise).for_each(|(x, &s)| *x = (*x / f64::from(s)).clamp(-largest, largest));
        let targets = perturbation.targets().iter().filter_map(|t| responses.genes.resolve(t)).map(GeneId::index);
        targets.for_each(|gene| row[gene] = 0.0);
    }
    z
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::tests::chain;
    use super::*;

    #[test]
    fn a_common_change_is_taken_out() {
        let (mut responses, _) = chain(30);
        responses.delta *= 0.01;
        responses.delta.column_mut(4).fill(0.15);
        responses.delta.column_mut(3).fill(-0.15);
        let programmes = Programmes::fit(&responses, vec![0.05; 5], 1).unwrap();
        let left = programmes.remove(&responses);
        assert!(left.column(4).iter().all(|v| v.abs() < 0.08), "{}", left.column(4));
        assert_eq!(Programmes::fit(&responses, vec![0.05; 5], 0).unwrap().remove(&responses), responses.delta);
    }

    #[test]
    fn a_sum_without_a_gene_never_reads_it() {
        let programmes = Programmes { noise: vec![1.0; 3], axes: array![[1.0, 2.0, 0.5]] };
        assert_eq!(programmes.shares_without(&[1.0, 3.0, 2.0]), [[7.0, 2.0, 7.0]]);
        let one = programmes.shares_without(&[0.1, 0.3, 0.7]);
        let other = programmes.shares_without(&[0.1, 1e9, 0.7]);
        assert_eq!(one[0][1].to_bits(), other[0][1].to_bits());
    }
}
