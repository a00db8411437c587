//! How precisely changes are measured.

use crate::data::Responses;
use crate::rank::Frame;
use crate::rank::frame::floored;

/// Typical standard error of the change of each gene: the root of its mean square over the training perturbations, or
/// the spread of its changes where errors are unknown.
pub(super) fn of(responses: &Responses) -> Vec<f32> {
    let Some(squared) = responses.squared_error() else { return Frame::new(responses).spread };
    let n = squared.nrows().max(1) as f64;
    let root =
        |column: ndarray::ArrayView1<'_, f32>| (column.iter().map(|&v| f64::from(v)).sum::<f64>() / n).sqrt() as f32;
    floored(squared.columns().into_iter().map(root).collect())
}

/// Weight of each training perturbation, mean 1: one over its mean squared error, where it is known.
pub(super) fn row_weights(responses: &Responses) -> Vec<f64> {
    let Some(squared) = responses.squared_error() else { return vec![1.0; responses.len()] };
    let error = |row: ndarray::ArrayView1<'_, f32>| row.iter().map(|&v| f64::from(v)).sum::<f64>();
    let precision: Vec<f64> = squared.outer_iter().map(|row| error(row).max(f64::MIN_POSITIVE).recip()).collect();
    let mean = precision.iter().sum::<f64>() / precision.len().max(1) as f64;
    precision.into_iter().map(|p| p / mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::chain;
    use super::*;

    #[test]
    fn errors_are_those_of_the_table() {
        let (mut responses, _) = chain(6);
        // Variance 0.25 over 100 cells.
        assert!(of(&responses).iter().all(|s| (s - 0.05).abs() < 1e-6));
        responses.n_cells[0] = 50;
        // Precisions 1, 2, 2, 2, 2, 2 of mean 11 / 6.
        assert!((row_weights(&responses)[0] - 6.0 / 11.0).abs() < 1e-6);
        responses.var = None;
        assert_eq!(of(&responses), Frame::new(&responses).spread);
    }
}
