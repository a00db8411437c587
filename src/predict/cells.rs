//! Cells of predicted perturbations.

use std::sync::Arc;

use ndarray::ArrayView1;

use super::PredictError;
use crate::data::{CellTable, Condition, Csr, Expression, Perturbation, Screen};
use crate::stats::Rng;

/// A screen with the control cells as they are and, for every perturbation, `n` control cells drawn with replacement
/// whose values are scaled gene by gene so that the mean of the gene changes as predicted, and never falls below zero.
///
/// Scaling keeps zeros and the relative spread of the controls; GEARS adds the change to every cell instead, which cuts
/// falls at zero and so biases the mean. A gene that no control cell expresses gets its predicted rise in every cell.
/// Nothing is said about how many cells respond.
///
/// # Arguments
/// `controls`: log1p expression, n_cells x n_genes. `changes`: perturbation and change per gene, log1p scale.
///
/// # Complexity
/// O(perturbations x (n x stored values of a cell + genes)) time; memory for the predicted cells.
pub fn predicted_cells<'a>(
    controls: &Expression,
    changes: impl IntoIterator<Item = (&'a Perturbation, ArrayView1<'a, f32>)>,
    n: usize,
    seed: u64,
) -> Result<Screen, PredictError> {
    let mut x = controls.x.clone();
    let mean = means(&controls.x);
    let mut conditions = vec![Some(Condition::of(Perturbation::control())); controls.n_cells()];
    for (k, (perturbation, change)) in changes.into_iter().enumerate() {
        let mut rng = Rng::keyed(seed, "predicted cells", k as u64, 0);
        let silent: Vec<(u32, f32)> = risen_from_zero(&mean, change);
        for _ in 0..n {
            let (genes, values) = controls.x.row(rng.below(controls.n_cells()));
            let scaled = genes.iter().zip(values).map(|(&g, &v)| (g, v * factor(mean[g as usize], change[g as usize])));
            let mut row: Vec<(u32, f32)> = scaled.filter(|(_, v)| *v > 0.0).chain(silent.iter().copied()).collect();
            row.sort_unstable_by_key(|(g, _)| *g);
            x.push_row(row);
            conditions.push(Some(Condition::of(perturbation.clone())));
        }
    }
    let expression = Expression::new(Arc::clone(&controls.genes), x, controls.scale)?;
    Ok(Screen::new(expression, CellTable::new(conditions))?)
}

/// What turns a control mean into the predicted mean.
fn factor(mean: f32, change: f32) -> f32 {
    ((mean + change) / mean).max(0.0)
}

/// Genes silent in every control cell that are predicted to rise.
fn risen_from_zero(mean: &[f32], change: ArrayView1<'_, f32>) -> Vec<(u32, f32)> {
    let rises = mean.iter().zip(change).enumerate().filter(|(_, (m, d))| **m == 0.0 && **d > 0.0);
    rises.map(|(g, (_, &d))| (g as u32, d)).collect()
}

/// Mean per gene over all cells.
fn means(x: &Csr<f32>) -> Vec<f32> {
    let mut sum = vec![0.0f64; x.n_cols()];
    x.indices().iter().zip(x.data()).for_each(|(&g, &v)| sum[g as usize] += f64::from(v));
    sum.into_iter().map(|s| (s / x.n_rows().max(1) as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::data::{GeneIndex, Scale};

    #[test]
    fn means_change_as_predicted_and_stop_at_zero() {
        let genes = Arc::new(GeneIndex::new(["A", "B", "C", "D"]).unwrap());
        let x = Csr::new(vec![0, 2, 3], vec![0, 1, 1], vec![1.0, 2.0, 4.0], 4).unwrap();
        let controls = Expression::new(genes, x, Scale::Log1p).unwrap();
        // Control means are 0.5, 3, 0, 0: A falls below zero, B doubles, C rises from nothing, D stays silent.
        let (p, change) = (Perturbation::of(["A"]), array![-0.6, 3.0, 0.25, -1.0]);
        let screen = predicted_cells(&controls, [(&p, change.view())], 40, 1).unwrap();
        assert_eq!(screen.cells.counts(), [2, 40]);
        for row in 2..42 {
            let (genes, values) = screen.expression.x.row(row);
            assert_eq!((genes, values[1]), (&[1u32, 2][..], 0.25));
            assert!(values[0] == 4.0 || values[0] == 8.0, "{values:?}");
        }
    }
}
