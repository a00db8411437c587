//! Cells of predicted perturbations.

use std::sync::Arc;

use ndarray::ArrayView1;

use super::PredictError;
use crate::data::{CellTable, Condition, Csr, Expression, Perturbation, Screen};
use crate::stats::Rng;

/// A screen with the control cells as they are and, for every perturbation, `n` control cells drawn with replacement to
/// which the predicted change is added; values never fall below zero.
///
/// This is how GEARS turns a mean prediction into cells: means are right, the spread is that of the controls. It says
/// nothing about the number of cells that respond.
///
/// # Arguments
/// `controls`: log1p expression, n_cells x n_genes. `changes`: perturbation and change per gene, log1p scale.
///
/// # Complexity
/// O(perturbations x n x genes) time and memory: predicted cells are dense where a change is not zero.
pub fn predicted_cells<'a>(
    controls: &Expression,
    changes: impl IntoIterator<Item = (&'a Perturbation, ArrayView1<'a, f32>)>,
    n: usize,
    seed: u64,
) -> Result<Screen, PredictError> {
    let mut x = controls.x.clone();
    let mut conditions = vec![Some(Condition::of(Perturbation::control())); controls.n_cells()];
    let mut values = vec![0.0f32; controls.genes.len()];
    for (k, (perturbation, change)) in changes.into_iter().enumerate() {
        let mut rng = Rng::keyed(seed, "predicted cells", k as u64, 0);
        for _ in 0..n {
            shift(&controls.x, rng.below(controls.n_cells()), change, &mut values);
            x.push_row(values.iter().enumerate().filter(|(_, v)| **v > 0.0).map(|(g, &v)| (g as u32, v)));
            conditions.push(Some(Condition::of(perturbation.clone())));
        }
    }
    let expression = Expression::new(Arc::clone(&controls.genes), x, controls.scale)?;
    Ok(Screen::new(expression, CellTable::new(conditions))?)
}

/// One control cell plus a change.
fn shift(controls: &Csr<f32>, cell: usize, change: ArrayView1<'_, f32>, values: &mut [f32]) {
    values.iter_mut().zip(change).for_each(|(to, &from)| *to = from);
    let (genes, of_control) = controls.row(cell);
    genes.iter().zip(of_control).for_each(|(&g, &v)| values[g as usize] += v);
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::data::{GeneIndex, Scale};

    #[test]
    fn a_change_is_added_and_cut_at_zero() {
        let genes = Arc::new(GeneIndex::new(["A", "B", "C"]).unwrap());
        let x = Csr::new(vec![0, 2], vec![0, 1], vec![1.0, 2.0], 3).unwrap();
        let controls = Expression::new(genes, x, Scale::Log1p).unwrap();
        let (p, change) = (Perturbation::of(["A"]), array![-3.0, 0.5, 0.0]);
        let screen = predicted_cells(&controls, [(&p, change.view())], 2, 1).unwrap();
        assert_eq!(screen.cells.counts(), [1, 2]);
        assert_eq!(screen.expression.x.row(2), (&[1u32][..], &[2.5][..]));
    }
}
