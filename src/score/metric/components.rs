//! Principal components of the real cells, in which distances between distributions are taken.

use ndarray::{Array1, Array2, Axis, s};

use super::ScoreError;
use super::pairs::dense;
use crate::data::Csr;
use crate::stats::pca;

/// Components, at most.
const K: usize = 50;
/// Cells that axes are fitted to, at most; evenly spaced over all where there are more.
const CELLS: usize = 2000;
/// Cells made dense at a time.
const BLOCK: usize = 256;

/// Axes of the real cells.
pub(super) struct Components {
    centre: Array1<f64>,
    axes: Array2<f64>,
}

impl Components {
    /// From all real cells, the control's included. O(cells^2 genes) time for at most 2,000 cells, 16 kB per gene of memory.
    pub(super) fn fit(groups: &[Csr<f32>], metric: &'static str) -> Result<Self, ScoreError> {
        let undefined = |got: String| {
            let (label, expected) = ("all perturbations".to_owned(), "principal components of the real cells");
            ScoreError::Undefined { metric, label, expected, got }
        };
        let places: Vec<(usize, usize)> =
            groups.iter().enumerate().flat_map(|(g, x)| (0..x.n_rows()).map(move |row| (g, row))).collect();
        let step = places.len().div_ceil(CELLS).max(1);
        let chosen: Vec<(usize, usize)> = places.into_iter().step_by(step).collect();
        let mut x = Array2::zeros((chosen.len(), groups.first().map_or(0, Csr::n_cols)));
        for (mut to, &(group, row)) in x.outer_iter_mut().zip(&chosen) {
            to.assign(&dense(&groups[group], row..row + 1).row(0));
        }
        let centre = x.mean_axis(Axis(0)).ok_or_else(|| undefined("no cell".to_owned()))?;
        x -= &centre;
        let axes = pca(x.view(), K).map_err(|e| undefined(e.to_string()))?.axes;
        if axes.is_empty() {
            Err(undefined("cells that are all the same".to_owned()))
        } else {
            Ok(Self { centre, axes })
        }
    }

    /// Cells in these components, n_cells x at most 50.
    pub(super) fn scores(&self, cells: &Csr<f32>) -> Array2<f64> {
        let mut scores = Array2::zeros((cells.n_rows(), self.axes.nrows()));
        for start in (0..cells.n_rows()).step_by(BLOCK) {
            let rows = start..(start + BLOCK).min(cells.n_rows());
            let centred = dense(cells, rows.clone()) - &self.centre;
            scores.slice_mut(s![rows, ..]).assign(&centred.dot(&self.axes.t()));
        }
        scores
    }
}
