//! What the base leaves unexplained, measured on perturbations it has not seen.

use ndarray::Array2;

use super::config::{Config, Loss};
use super::direction::Directions;
use super::training::{Cost, Targets};
use crate::data::{Fold, Responses, Split};
use crate::error::Notice;
use crate::predict::significance::significant;
use crate::predict::{PredictError, Task, Validation, cross_validate, spec};
use crate::train::{Observer, Progress};

/// What the network learns from.
#[derive(Debug)]
pub(super) struct Residuals {
    /// Residuals in units of `scale`, and what errors cost.
    pub(super) targets: Targets,
    /// Root mean square of the residuals.
    pub(super) scale: f32,
}

impl Residuals {
    /// Changes minus out-of-fold predictions, n_rows x n_genes each.
    pub(super) fn new(config: &Config, responses: &Responses, base: &Array2<f32>) -> Self {
        let residual = &responses.delta - base;
        let scale = root_mean_square(&residual).max(f32::MIN_POSITIVE);
        let cost = significant_first(cost(config.loss, responses, &residual, scale), config, responses);
        let directions = Directions::new(config, &responses.delta, base, scale);
        Self { targets: Targets { residual: residual / scale, cost, directions }, scale }
    }
}

/// Predictions of every row by a base that was fitted without its fold, n_rows x n_genes.
pub(super) fn out_of_fold(
    config: &Config,
    task: &Task<'_>,
    responses: &Responses,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<Array2<f32>, PredictError> {
    let (graph, features, seed, device) = (task.graph, task.features, task.seed, task.device);
    let (spec, settings) = (spec(&config.base)?, &config.base_settings);
    let validation = Validation { spec, settings, responses, graph, features, split, seed, device };
    Ok(cross_validate(&validation, &mut StopOnly(observer))?.delta)
}

/// The same rows without the significance layer: a base that learns from it shifts its predictions towards genes that
/// are surely affected, and a network trained on what is then left of the changes would learn to undo that.
pub(super) fn changes_only(responses: &Responses) -> Responses {
    Responses { significant: None, ..responses.clone() }
}

/// The split of the rows outside one fold by the other folds; rows are counted among those outside.
pub(super) fn without(split: &Split, left_out: usize) -> Split {
    let outside = split.train(&split.folds[left_out]);
    let others = split.folds.iter().enumerate().filter(|(k, _)| *k != left_out);
    let place = |row: &usize| outside.binary_search(row).ok();
    let fold =
        |(_, f): (usize, &Fold)| Fold { name: f.name.clone(), held_out: f.held_out.iter().filter_map(place).collect() };
    Split { n: outside.len(), folds: others.map(fold).collect() }
}

/// What the user should know of the loss.
pub(super) fn notice(loss: Loss, responses: &Responses) -> Option<Notice> {
    let text = "gears: the autofocus loss needs variance and third moment of cells, which this table lacks; the squared \
                error is used";
    (loss == Loss::Autofocus && moments(responses, 1.0).is_none()).then(|| Notice::new(text))
}

fn cost(loss: Loss, responses: &Responses, residual: &Array2<f32>, scale: f32) -> Cost {
    match (loss, moments(responses, scale)) {
        (Loss::Autofocus, Some((variance, third))) => Cost::Fourth { variance, third },
        (Loss::Autofocus, None) => Cost::Squared,
        (Loss::Mse, _) => weights(responses, residual).map_or(Cost::Squared, Cost::Weighted),
    }
}

/// Squared errors of significant changes count more where asked for; weights stay at mean 1.
fn significant_first(cost: Cost, config: &Config, responses: &Responses) -> Cost {
    if config.significant_weight == 0.0 || matches!(cost, Cost::Fourth { .. }) {
        return cost;
    }
    let Some(significant) = significant(responses) else { return cost };
    let more = significant.mapv(|s| 1.0 + config.significant_weight as f32 * s);
    let weights = if let Cost::Weighted(weights) = cost { weights * more } else { more };
    let average = mean(&weights).max(f32::MIN_POSITIVE);
    Cost::Weighted(weights / average)
}

/// Variance of control plus perturbed cells and third moment of control minus perturbed cells, in units of `scale`.
fn moments(responses: &Responses, scale: f32) -> Option<(Array2<f32>, Array2<f32>)> {
    let control = &responses.control;
    let variance = responses.var.as_ref()? + control.var.as_ref()?;
    let third = control.third.as_ref()? - responses.third.as_ref()?;
    Some((variance / scale.powi(2), third / scale.powi(3)))
}

/// 1 / (squared standard error + variance of the signal), scaled to mean 1. The variance of the signal is that of the
/// residuals minus the mean squared standard error, but at least a tenth of the latter.
fn weights(responses: &Responses, residual: &Array2<f32>) -> Option<Array2<f32>> {
    let squared_error = responses.squared_error()?;
    let noise = mean(&squared_error);
    let signal = (root_mean_square(residual).powi(2) - noise).max(0.1 * noise).max(f32::MIN_POSITIVE);
    let weights = squared_error.mapv(|e| (e + signal).recip());
    let average = mean(&weights);
    Some(weights / average)
}

fn mean(x: &Array2<f32>) -> f32 {
    (x.iter().map(|&v| f64::from(v)).sum::<f64>() / x.len().max(1) as f64) as f32
}

fn root_mean_square(x: &Array2<f32>) -> f32 {
    (x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / x.len().max(1) as f64).sqrt() as f32
}

/// Hears of stopping, reports nothing: the progress of the base's inner fits is not that of this fit.
struct StopOnly<'a>(&'a mut dyn Observer);

impl Observer for StopOnly<'_> {
    fn progress(&mut self, _: &Progress) {}

    fn notice(&mut self, _: Notice) {}

    fn stop_requested(&self) -> bool {
        self.0.stop_requested()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_folds_split_the_rows_outside_a_fold() {
        let split = Split::seeded(11, 3, 1).unwrap();
        for k in 0..3 {
            let (inner, outside) = (without(&split, k), split.train(&split.folds[k]));
            assert_eq!(inner.n, outside.len());
            let back: Vec<Vec<usize>> =
                inner.folds.iter().map(|f| f.held_out.iter().map(|&i| outside[i]).collect()).collect();
            let expected: Vec<Vec<usize>> =
                (0..3).filter(|j| *j != k).map(|j| split.folds[j].held_out.clone()).collect();
            assert_eq!(back, expected);
        }
    }
}
