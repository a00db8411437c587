//! Principal components of training signatures: what classifiers read of a change.

use ndarray::{Array2, ArrayView2};

use super::examples::Examples;
use crate::rank::RankError;
use crate::stats::pca;

/// Axes of the measured examples.
#[derive(Debug, Clone)]
pub(super) struct Components {
    /// n_components x n_features.
    axes: Array2<f64>,
}

impl Components {
    /// The first `most` components of the measured examples, fewer where their rank is lower.
    pub(super) fn fit(examples: &Examples, most: usize) -> Result<Self, RankError> {
        let measured = examples.x.slice(ndarray::s![..examples.n_measured, ..]).mapv(f64::from);
        Ok(Self { axes: pca(measured.view(), most)?.axes })
    }

    /// Number of components.
    pub(super) fn len(&self) -> usize {
        self.axes.nrows()
    }

    /// Scores of changes in the first `n` components, n_queries x n.
    pub(super) fn project(&self, x: ArrayView2<'_, f32>, n: usize) -> Array2<f64> {
        x.mapv(f64::from).dot(&self.axes.slice(ndarray::s![..n.min(self.len()), ..]).t())
    }
}
