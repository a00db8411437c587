//! Predictions of the training perturbations by fits that have not seen them.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use crate::data::{GeneId, GeneIndex, Perturbation, Responses, Split};
use crate::predict::{OutOfFold, PredictError, Predictor, Validation, cross_validate};
use crate::train::Observer;

/// Folds of the inner cross-validation.
const FOLDS: usize = 5;

/// Held-out predictions and the mean each of them departs from.
pub(in crate::predict) struct HeldOut {
    /// Predicted changes, n_perturbations x n_genes.
    pub(in crate::predict) delta: Array2<f32>,
    /// [`crate::predict::Prediction::distance`] of each row.
    pub(in crate::predict) distance: Vec<Option<f32>>,
    /// Means of the training perturbations of the fits, n_fits x n_genes.
    means: Array2<f32>,
    /// The fit that predicted each row.
    fit_of: Vec<usize>,
}

impl HeldOut {
    /// The leave-one-out predictions of the fitted model where it has them, else those of five folds; `None` for fewer
    /// than four perturbations.
    ///
    /// Leave-one-out predictions are taken to depart from the mean of all perturbations, which a row itself is part of:
    /// its length is then understated by 1/n, never overstated.
    pub(in crate::predict) fn of(
        predictor: &dyn Predictor,
        validation: &Validation<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>, PredictError> {
        let responses = validation.responses;
        if responses.len() < 4 {
            return Ok(None);
        }
        if let Some(left_out) = predictor.left_out() {
            return Ok(Some(Self {
                delta: left_out.delta.clone(),
                distance: left_out.distance.iter().map(|&d| Some(d)).collect(),
                means: responses.mean_delta().insert_axis(Axis(0)),
                fit_of: vec![0; responses.len()],
            }));
        }
        let split = Split::seeded(responses.len(), FOLDS.min(responses.len()), validation.seed)?;
        let folds = cross_validate(&Validation { split: &split, ..*validation }, observer)?;
        Ok(Some(Self::of_folds(folds, responses, &split)))
    }

    /// The predictions of a cross-validation of these responses.
    pub(in crate::predict) fn of_folds(folds: OutOfFold, responses: &Responses, split: &Split) -> Self {
        let mut means = Array2::zeros((split.folds.len(), responses.genes.len()));
        let mut fit_of = vec![0; responses.len()];
        for (k, fold) in split.folds.iter().enumerate() {
            means.row_mut(k).assign(&mean_of(responses, &split.train(fold)));
            fold.held_out.iter().for_each(|&row| fit_of[row] = k);
        }
        Self { delta: folds.delta, distance: folds.distance, means, fit_of }
    }

    /// The mean that the prediction of this row departs from, length n_genes.
    pub(in crate::predict) fn mean(&self, row: usize) -> ArrayView1<'_, f32> {
        self.means.row(self.fit_of[row])
    }

    /// Number of perturbations.
    pub(in crate::predict) fn len(&self) -> usize {
        self.distance.len()
    }
}

/// Mean change over these rows, without copying them.
fn mean_of(responses: &Responses, rows: &[usize]) -> Array1<f32> {
    let mut sum = Array1::<f64>::zeros(responses.genes.len());
    for &row in rows {
        sum.zip_mut_with(&responses.delta.row(row), |s, &x| *s += f64::from(x));
    }
    sum.mapv(|s| (s / rows.len().max(1) as f64) as f32)
}

/// Positions of the targets of a perturbation among the measured genes: what happens to them is another rule's business.
pub(in crate::predict) fn own_genes(perturbation: &Perturbation, genes: &GeneIndex) -> Vec<usize> {
    perturbation.targets().iter().filter_map(|t| genes.resolve(t)).map(GeneId::index).collect()
}
