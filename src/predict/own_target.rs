//! What a knockdown does to its own target.
//!
//! No similarity to other perturbations says that the target itself falls, yet it is the surest effect of a knockdown.
//! The training targets that are measured show how far it falls: with c the mean log1p control expression of a target
//! and d its change, the log ratio is l = ln(expm1(c + d) / expm1(c)). The mean of l over the targets is shrunk towards
//! no effect by its standard error s (factor m^2 / (m^2 + s^2)) and gives the share that stays, exp(m). A new target
//! is then predicted as d = ln(1 + expm1(c) exp(m)) - c.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

use crate::data::{GeneIndex, Perturbation, Quantity, Responses};

/// Targets with a lower mean log1p expression in control cells say little about a ratio.
const LEAST_EXPRESSION: f32 = 0.05;
/// Fewer measured targets than this give no rule.
const LEAST_TARGETS: usize = 3;
/// A target below this share of its control counts as this share: the logarithm of nothing is not finite.
const LEAST_SHARE: f64 = 0.01;

/// The share of a target's expression that a knockdown leaves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct OwnTarget {
    /// Mean log ratio of perturbed to control expression, shrunk; below 0.
    pub(super) log_ratio: f64,
}

impl OwnTarget {
    /// The rule of a screen; none for effect tables, for fewer than three measured targets, and where the targets do
    /// not fall (activation screens).
    pub(super) fn fit(responses: &Responses) -> Option<Self> {
        if responses.quantity != Quantity::Level {
            return None;
        }
        let ratios = log_ratios(responses);
        let n = ratios.len() as f64;
        let mean = mean_of(&ratios)?;
        let squared_error = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n * (n - 1.0));
        let log_ratio = mean * mean * mean / (mean * mean + squared_error).max(f64::MIN_POSITIVE);
        (log_ratio < 0.0).then_some(Self { log_ratio })
    }

    /// The change of a target with this mean log1p control expression.
    pub(super) fn delta(self, control: f32) -> f32 {
        let control = f64::from(control);
        ((control.exp_m1() * self.log_ratio.exp()).ln_1p() - control) as f32
    }

    /// Sets the change of every target of a perturbation that is a measured gene.
    pub(super) fn apply(
        self,
        perturbation: &Perturbation,
        genes: &GeneIndex,
        control: ArrayView1<'_, f32>,
        delta: &mut [f32],
    ) {
        for gene in perturbation.targets().iter().filter_map(|t| genes.resolve(t)) {
            delta[gene.index()] = self.delta(control[gene.index()]);
        }
    }
}

/// Mean of ln(perturbed / control) over the measured targets of a screen with levels, of either sign; none where fewer than
/// three are measured.
pub(super) fn measured_log_ratio(responses: &Responses) -> Option<f64> {
    if responses.quantity == Quantity::Level { mean_of(&log_ratios(responses)) } else { None }
}

fn log_ratios(responses: &Responses) -> Vec<f64> {
    (0..responses.len()).filter_map(|i| log_ratio(responses, i)).collect()
}

fn mean_of(ratios: &[f64]) -> Option<f64> {
    (ratios.len() >= LEAST_TARGETS).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64)
}

/// ln(perturbed / control) of the target of a single perturbation, where the target is measured and expressed.
fn log_ratio(responses: &Responses, row: usize) -> Option<f64> {
    let [target] = responses.perturbations[row].targets() else { return None };
    let gene = responses.genes.resolve(target)?.index();
    let control = responses.control.mean[gene];
    let level = f64::from(control + responses.delta[[row, gene]]);
    (control >= LEAST_EXPRESSION).then(|| (level.exp_m1() / f64::from(control).exp_m1()).max(LEAST_SHARE).ln())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndarray::{Array1, Array2};

    use super::*;
    use crate::data::ControlProfile;

    /// `shares` of the expression stay at the target of each of n knockdowns; the control is ln 3, so 2 on the linear
    /// scale.
    fn responses(shares: &[f32], quantity: Quantity) -> Responses {
        let n = shares.len();
        let names: Vec<String> = (0..n).map(|i| format!("G{i}")).collect();
        let control = 3f32.ln();
        let delta = Array2::from_diag(&shares.iter().map(|s| (1.0 + 2.0 * s).ln() - control).collect::<Array1<f32>>());
        Responses {
            genes: Arc::new(GeneIndex::new(&names).unwrap()),
            perturbations: names.iter().map(|n| Perturbation::of([n])).collect(),
            delta,
            var: None,
            third: None,
            n_cells: vec![0; n],
            control: ControlProfile { mean: Array1::from_elem(n, control), var: None, third: None, n_cells: 0 },
            significant: None,
            halves: None,
            quantity,
        }
    }

    #[test]
    fn equal_knockdowns_are_predicted_exactly() {
        let rule = OwnTarget::fit(&responses(&[0.2, 0.2, 0.2], Quantity::Level)).unwrap();
        assert!((rule.log_ratio - 0.2f64.ln()).abs() < 1e-6);
        // A control of 10 on the linear scale falls to 2.
        assert!((rule.delta(11f32.ln()) - (3f32.ln() - 11f32.ln())).abs() < 1e-5);
    }

    #[test]
    fn disagreement_shrinks_the_rule() {
        let rule = OwnTarget::fit(&responses(&[0.9, 0.05, 0.6], Quantity::Level)).unwrap();
        let mean = (0.9f64.ln() + 0.05f64.ln() + 0.6f64.ln()) / 3.0;
        assert!(mean < rule.log_ratio && rule.log_ratio < 0.0);
    }

    #[test]
    fn effects_activations_and_few_targets_have_no_rule() {
        let t = |shares: &[f32], quantity| assert_eq!(OwnTarget::fit(&responses(shares, quantity)), None);
        t(&[0.2, 0.2, 0.2], Quantity::Effect);
        t(&[3.0, 4.0, 5.0], Quantity::Level);
        t(&[0.2, 0.2], Quantity::Level);
    }
}
