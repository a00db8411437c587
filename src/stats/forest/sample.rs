//! The training data in the layout that the search for splits reads fastest.

use ndarray::{ArrayView2, Axis};

/// Targets are padded with zeros to a multiple of this, so that sums run in full registers.
pub(super) const LANES: usize = 8;

/// Features by column and scaled targets by row.
pub(super) struct Sample {
    columns: Vec<Vec<f32>>,
    n_rows: usize,
    width: usize,
    targets: Vec<f32>,
    /// Sum of squares of each row of targets.
    pub(super) squares: Vec<f32>,
}

impl Sample {
    /// Copies features (n_rows x n_features) and targets (n_rows x n_targets); targets are centred by column and scaled by
    /// one number to a mean square of 1 over rows, which changes no split and keeps single precision exact enough.
    pub(super) fn new(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f64>) -> Self {
        let (n, width) = (y.nrows(), y.ncols().max(1).next_multiple_of(LANES));
        let mean = y.sum_axis(Axis(0)) / n.max(1) as f64;
        let centred = &y - &mean;
        let total: f64 = centred.iter().map(|v| v * v).sum();
        let scale = if total > 0.0 { (n as f64 / total).sqrt() } else { 0.0 };
        let mut targets = vec![0.0; n * width];
        for (to, from) in targets.chunks_exact_mut(width).zip(centred.outer_iter()) {
            to.iter_mut().zip(from).for_each(|(t, v)| *t = (v * scale) as f32);
        }
        let squares = targets.chunks_exact(width).map(|row| row.iter().map(|v| v * v).sum()).collect();
        let columns = x.axis_iter(Axis(1)).map(|c| c.to_vec()).collect();
        Self { columns, n_rows: n, width, targets, squares }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn n_features(&self) -> usize {
        self.columns.len()
    }

    /// Padded number of targets.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// One feature of all rows.
    pub(super) fn column(&self, feature: usize) -> &[f32] {
        &self.columns[feature]
    }

    /// The targets of a row, padded.
    pub(super) fn target(&self, row: u32) -> &[f32] {
        &self.targets[row as usize * self.width..(row as usize + 1) * self.width]
    }
}
