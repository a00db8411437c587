//! Settings of the published form.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The `base` of a network that stands alone.
pub(in crate::predict::gears) const NO_BASE: &str = "none";

/// What training minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Loss {
    /// The fourth power of the error over pairs of control and perturbed cells, through moments.
    Autofocus,
    /// The squared error of the change.
    Mse,
}

/// Settings of `gears` without a base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    /// Always `none`.
    pub(super) base: String,
    /// Width of embeddings and hidden layers.
    pub(super) hidden: usize,
    /// Strongest neighbours in the prior graph that a perturbed gene listens to.
    pub(super) top_k: usize,
    /// Most co-expressed genes that a gene listens to.
    pub(super) coexpressed: usize,
    /// Smallest absolute correlation of co-expressed genes.
    pub(super) correlation: f32,
    /// Most training steps.
    pub(super) steps: u64,
    /// Highest learning rate; it follows a cosine over `steps`.
    pub(super) learning_rate: f64,
    /// Decoupled weight decay.
    pub(super) weight_decay: f64,
    /// Gradients are scaled down to this norm.
    pub(super) clip: f64,
    /// What training minimises.
    pub(super) loss: Loss,
    /// Perturbations of one step.
    pub(super) batch: usize,
    /// Share of the training perturbations that chooses the number of steps.
    pub(super) validation: f64,
    /// Steps between two looks at them.
    pub(super) evaluate_every: u64,
    /// Looks without improvement after which training stops.
    pub(super) patience: usize,
    /// Weights of the reference implementation to predict with.
    pub(super) weights: Option<PathBuf>,
    /// Genes of the weights, one name a line.
    pub(super) weight_genes: Option<PathBuf>,
    /// Perturbations of the weights, one name a line.
    pub(super) weight_perturbations: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base: NO_BASE.into(),
            hidden: 64,
            top_k: 20,
            coexpressed: 20,
            correlation: 0.4,
            steps: 200,
            learning_rate: 5e-3,
            weight_decay: 5e-4,
            clip: 1.0,
            loss: Loss::Autofocus,
            batch: 64,
            validation: 0.1,
            evaluate_every: 10,
            patience: 5,
            weights: None,
            weight_genes: None,
            weight_perturbations: None,
        }
    }
}

impl Config {
    /// Weights of the reference implementation, their genes and their perturbations, where settings name them.
    pub(super) fn weight_files(&self) -> Option<[&Path; 3]> {
        Some([self.weights.as_deref()?, self.weight_genes.as_deref()?, self.weight_perturbations.as_deref()?])
    }

    /// What is wrong with the settings, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        let zero = [
            ("hidden", self.hidden),
            ("top_k", self.top_k),
            ("batch", self.batch),
            ("evaluate_every", self.evaluate_every as usize),
            ("patience", self.patience),
        ];
        let zero = zero.iter().find(|(_, v)| *v == 0).map(|(name, _)| format!("`{name}`: expected at least 1, got 0"));
        let rates = [("learning_rate", self.learning_rate), ("clip", self.clip)];
        let rate = rates.iter().find(|(_, v)| !(v.is_finite() && *v > 0.0));
        let rate = rate.map(|(name, v)| format!("`{name}`: expected a positive number, got {v}"));
        let decay = !(0.0..1.0).contains(&(self.weight_decay * self.learning_rate));
        let decay = decay.then(|| format!("`weight_decay`: expected a number from 0, got {}", self.weight_decay));
        let share = !(0.0..=0.5).contains(&self.validation);
        let share = share.then(|| format!("`validation`: expected a share from 0 to 0.5, got {}", self.validation));
        let names = self.weights.is_some() && (self.weight_genes.is_none() || self.weight_perturbations.is_none());
        let names = names.then(|| "`weights`: expected `weight_genes` and `weight_perturbations` beside it".to_owned());
        zero.or(rate).or(decay).or(share).or(names)
    }
}
