//! Predictions of training perturbations by fits that have not seen them.

use ndarray::Array2;

use super::{Fit, RankError};
use crate::data::{Responses, Split};
use crate::predict::{LeftOut, PredictError, Predictor};

/// Folds for models that do not leave out by themselves.
const FOLDS: usize = 5;

/// Predicted changes and distances, rows as in the training responses.
#[derive(Debug, Clone)]
pub struct HeldOut {
    /// n_perturbations x n_genes.
    pub delta: Array2<f32>,
    /// [`crate::predict::Prediction::distance`]; 1 where the model has no such notion.
    pub distance: Vec<f32>,
}

impl HeldOut {
    /// What the model says for free, else from fits in five folds. A target that no fit knows has the training mean.
    ///
    /// # Errors
    /// Whatever a fit or a prediction returns.
    pub fn new(model: &dyn Predictor, fit: &Fit<'_>, responses: &Responses, seed: u64) -> Result<Self, RankError> {
        if let Some(LeftOut { delta, distance }) = model.left_out() {
            return Ok(Self { delta: delta.clone(), distance: distance.to_vec() });
        }
        let mut out = Self { delta: Array2::zeros(responses.delta.raw_dim()), distance: vec![1.0; responses.len()] };
        let folds = FOLDS.min(responses.len());
        for fold in &Split::seeded(responses.len(), folds, seed)?.folds {
            let train = responses.subset(&rest(responses.len(), &fold.held_out));
            let model = fit(&train)?;
            for &row in &fold.held_out {
                match model.predict(&responses.perturbations[row]) {
                    Ok(p) => {
                        out.delta.row_mut(row).assign(&ndarray::ArrayView1::from(&p.delta.mean[..]));
                        out.distance[row] = p.distance.unwrap_or(1.0);
                    }
                    Err(PredictError::UnknownTarget { .. }) => out.delta.row_mut(row).assign(&train.mean_delta()),
                    Err(other) => return Err(other.into()),
                }
            }
        }
        Ok(out)
    }

    /// As a model says it.
    pub(super) fn view(&self) -> LeftOut<'_> {
        LeftOut { delta: &self.delta, distance: &self.distance }
    }
}

/// Positions below n that are not held out.
pub(super) fn rest(n: usize, held_out: &[usize]) -> Vec<usize> {
    let mut keep = vec![true; n];
    held_out.iter().for_each(|&i| keep[i] = false);
    (0..n).filter(|&i| keep[i]).collect()
}
