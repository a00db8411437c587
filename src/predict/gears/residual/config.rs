//! Settings of the network.

use serde::{Deserialize, Serialize};

/// What training minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Loss {
    /// Squared error of the change, weighted with 1 / (squared standard error + variance of the signal) where the
    /// screen has variances.
    Mse,
    /// GEARS' fourth-power loss over pairs of cells, through moments; needs a screen of cells.
    Autofocus,
}

/// Settings of `gears`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The model whose prediction the network corrects.
    pub base: String,
    /// Settings of that model that differ from its defaults.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub base_settings: toml::Table,
    /// Width of node embeddings and hidden layers.
    pub hidden: usize,
    /// Strongest neighbours of a gene that send messages, per channel of the graph.
    pub top_k: usize,
    /// Channels of the graph that send messages beside the merged weight; those a graph lacks are left out.
    pub channels: Vec<String>,
    /// Genes at the end of walks of one and two steps that send messages; 0 leaves the walk out.
    pub walk: usize,
    /// Most training steps; the inner folds choose how many are taken.
    pub steps: u64,
    /// Highest learning rate; it follows a cosine over `steps`.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Share of messages and of perturbation states dropped at each training step.
    pub dropout: f64,
    /// Gradients are scaled down to this norm.
    pub clip: f64,
    /// What training minimises.
    pub loss: Loss,
    /// Weight of the cosine loss (1 - cosine with the measured change, both without the training mean) beside the error.
    pub cosine: f64,
    /// Weight of the contrastive loss over the training perturbations.
    pub contrastive: f64,
    /// How much more the squared error of a significant change counts: 1 + this.
    pub significant_weight: f64,
    /// Genes of one step; all perturbations take part in every step.
    pub genes_per_step: usize,
    /// Inner folds over training perturbations that choose the gate and the number of steps.
    pub folds: usize,
    /// Steps between two looks at an inner fold.
    pub evaluate_every: u64,
    /// Looks without improvement after which an inner fold stops.
    pub patience: usize,
    /// Networks of different seeds that are averaged.
    pub seeds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base: "graph-kernel".into(),
            base_settings: toml::Table::new(),
            hidden: 64,
            top_k: 20,
            channels: vec!["string.experiments".into(), "string.database".into(), "string.coexpression".into()],
            walk: 128,
            steps: 100,
            learning_rate: 3e-3,
            weight_decay: 0.01,
            dropout: 0.2,
            clip: 1.0,
            loss: Loss::Mse,
            cosine: 0.0,
            contrastive: 0.0,
            significant_weight: 0.0,
            genes_per_step: 2048,
            folds: 3,
            evaluate_every: 10,
            patience: 3,
            seeds: 1,
        }
    }
}

impl Config {
    /// What is wrong with the settings, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        let zero = [
            ("hidden", self.hidden),
            ("top_k", self.top_k),
            ("genes_per_step", self.genes_per_step),
            ("evaluate_every", self.evaluate_every as usize),
            ("patience", self.patience),
            ("seeds", self.seeds as usize),
        ];
        let zero = zero.iter().find(|(_, v)| *v == 0).map(|(name, _)| format!("`{name}`: expected at least 1, got 0"));
        let rates = [("learning_rate", self.learning_rate), ("clip", self.clip)];
        let rate = rates.iter().find(|(_, v)| !(v.is_finite() && *v > 0.0));
        let rate = rate.map(|(name, v)| format!("`{name}`: expected a positive number, got {v}"));
        let decay = !(0.0..1.0).contains(&(self.weight_decay * self.learning_rate));
        let decay = decay.then(|| format!("`weight_decay`: expected a number from 0, got {}", self.weight_decay));
        let dropout = !(0.0..1.0).contains(&self.dropout);
        let dropout = dropout.then(|| format!("`dropout`: expected a share from 0 to 1, got {}", self.dropout));
        let weights = [
            ("cosine", self.cosine),
            ("contrastive", self.contrastive),
            ("significant_weight", self.significant_weight),
        ];
        let weight = weights.iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0));
        let weight = weight.map(|(name, v)| format!("`{name}`: expected a number from 0, got {v}"));
        let folds = (self.folds < 3).then(|| format!("`folds`: expected at least 3, got {}", self.folds));
        let own = (self.base == super::NAME).then(|| "`base`: expected another model, got `gears`".to_owned());
        zero.or(rate).or(weight).or(decay).or(dropout).or(folds).or(own)
    }
}
