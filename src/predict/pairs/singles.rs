//! What single perturbations do, as measured, less noise.

use std::collections::HashMap;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::data::{Responses, median};
use crate::predict::calibration::own_genes;

/// Perturbations that the median over genes counts for in the spread of a gene.
const PRIOR: f64 = 3.0;

/// Measured singles, shrunk towards their held-out predictions.
///
/// With e the difference between measurement and prediction, s its squared standard error (perturbed cells only: the
/// noise of the control is common to all) and t the variance of e beyond noise over the singles, the measurement
/// gets the weight 1 - s / max(t + s, e^2): the usual t / (t + s), but a surprise well beyond noise is believed
/// (limited translation: Efron and Morris, JASA 1972).
#[derive(Debug)]
pub(in crate::predict) struct Singles {
    position: HashMap<String, usize>,
    /// Mean change of the singles, length n_genes.
    pub(super) mean: Array1<f32>,
    /// Departures from the mean, n_singles x n_genes.
    parts: Array2<f32>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::predict) struct SinglesStored {
    targets: Vec<String>,
}

impl Singles {
    /// The singles of a screen, given held-out predictions of all its perturbations, n_perturbations x n_genes; `None` for
    /// fewer than three.
    pub(in crate::predict) fn fit(responses: &Responses, predicted: &Array2<f32>) -> Option<Self> {
        let rows: Vec<usize> =
            (0..responses.len()).filter(|&i| responses.perturbations[i].targets().len() == 1).collect();
        if rows.len() < 3 {
            return None;
        }
        let measured = responses.delta.select(Axis(0), &rows);
        let predicted = predicted.select(Axis(0), &rows);
        let mean = measured.mean_axis(Axis(0))?;
        let mut parts = &measured - &mean;
        if let Some(noise) = noise(responses, &rows) {
            shrink(&mut parts, &(&predicted - &measured), &noise);
        }
        for (k, &row) in rows.iter().enumerate() {
            for gene in own_genes(&responses.perturbations[row], &responses.genes) {
                parts[[k, gene]] = measured[[k, gene]] - mean[gene];
            }
        }
        let name = |(k, &row): (usize, &usize)| (responses.perturbations[row].targets()[0].to_string(), k);
        Some(Self { position: rows.iter().enumerate().map(name).collect(), mean, parts })
    }

    /// The departure of a target that was perturbed alone in training.
    pub(in crate::predict) fn part(&self, target: &str) -> Option<ArrayView1<'_, f32>> {
        self.position.get(target).map(|&k| self.parts.row(k))
    }

    /// Mean change of the singles, length n_genes.
    pub(in crate::predict) fn mean(&self) -> &Array1<f32> {
        &self.mean
    }

    /// All departures, n_singles x n_genes.
    pub(super) fn parts(&self) -> &Array2<f32> {
        &self.parts
    }

    pub(in crate::predict) fn stored(&self) -> (SinglesStored, Array2<f32>, &Array2<f32>) {
        let mut targets: Vec<(&String, usize)> = self.position.iter().map(|(t, &k)| (t, k)).collect();
        targets.sort_by_key(|(_, k)| *k);
        let targets = targets.into_iter().map(|(t, _)| t.clone()).collect();
        (SinglesStored { targets }, self.mean.clone().insert_axis(Axis(0)), &self.parts)
    }

    pub(in crate::predict) fn restore(stored: SinglesStored, mean: Array2<f32>, parts: Array2<f32>) -> Self {
        let position = stored.targets.into_iter().enumerate().map(|(k, t)| (t, k)).collect();
        Self { position, mean: mean.sum_axis(Axis(0)), parts }
    }
}

/// Squared standard errors from the perturbed cells, n_singles x n_genes.
fn noise(responses: &Responses, rows: &[usize]) -> Option<Array2<f32>> {
    let var = responses.var.as_ref()?;
    if rows.iter().any(|&row| responses.n_cells[row] < 2) {
        return None;
    }
    let mut noise = var.select(Axis(0), rows);
    for (mut row, &i) in noise.rows_mut().into_iter().zip(rows) {
        row /= (responses.n_cells[i] - 1) as f32;
    }
    Some(noise)
}

/// Moves the measured parts towards the prediction (`error` = predicted - measured).
fn shrink(parts: &mut Array2<f32>, error: &Array2<f32>, noise: &Array2<f32>) {
    let n = parts.nrows() as f64;
    let beyond = |(e, s): (ArrayView1<'_, f32>, ArrayView1<'_, f32>)| {
        let sum: f64 = e.iter().zip(s).map(|(&e, &s)| f64::from(e) * f64::from(e) - f64::from(s)).sum();
        (sum / n).max(0.0)
    };
    let spread: Vec<f64> = error.columns().into_iter().zip(noise.columns()).map(beyond).collect();
    let middle = median(&mut spread.clone()).unwrap_or(0.0);
    let spread = spread.into_iter().map(|t| (n * t + PRIOR * middle) / (n + PRIOR)).collect::<Array1<f64>>();
    for ((mut part, error), noise) in parts.rows_mut().into_iter().zip(error.rows()).zip(noise.rows()) {
        for (g, part) in part.iter_mut().enumerate() {
            let (e, s) = (f64::from(error[g]), f64::from(noise[g]));
            let all = (spread[g] + s).max(e * e);
            *part += if all > 0.0 { (e * s / all) as f32 } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn noise_is_replaced_by_the_prediction_and_surprises_are_kept() {
        // One gene per column: pure noise; a clear effect in one single; no noise at all.
        let mut parts = array![[0.1, 0.0, 0.3], [-0.1, 0.0, 0.3], [0.1, 3.0, 0.3], [-0.1, 0.0, 0.3]];
        let error = -&parts;
        let noise = array![[0.01, 0.01, 0.0], [0.01, 0.01, 0.0], [0.01, 0.01, 0.0], [0.01, 0.01, 0.0]];
        shrink(&mut parts, &error, &noise);
        // Only towards it: the spread of the other genes speaks for this one too.
        assert!(parts.column(0).iter().all(|p| (0.05..0.09).contains(&p.abs())), "{parts}");
        assert!(parts[[2, 1]] > 2.98 && parts[[0, 1]] == 0.0);
        assert_eq!(parts.column(2).to_vec(), [0.3; 4]);
    }
}
