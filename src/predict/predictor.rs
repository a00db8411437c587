//! The trait every model implements, and its entry in the registry.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use ndarray::Array2;

use super::PredictError;
use crate::data::{Delta, Features, GeneIndex, Perturbation, Responses};
use crate::error::Notice;
use crate::graph::GeneGraph;
use crate::train::Observer;

/// What a model learns from. It holds training perturbations only: what is not in it cannot leak.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// Changes of expression of the training perturbations, n_perturbations x n_genes.
    pub responses: &'a Responses,
    /// Prior knowledge; its genes differ from the measured ones.
    pub graph: &'a GeneGraph,
    /// Knowledge about genes besides the graph: embeddings, effects in other contexts.
    pub features: &'a [Features],
    /// Seed of every random choice.
    pub seed: u64,
    /// Where tensors live.
    pub device: &'a Device,
    /// Folder for checkpoints, where the fit may be stopped and continued.
    pub checkpoint: Option<&'a Path>,
    /// Continue from the checkpoint where there is one.
    pub resume: bool,
}

/// What a prediction rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The target (all targets of a pair) is known to the model: similarity to training perturbations was used.
    Graph,
    /// The model knows nothing of a target: its fallback was used, which is the same for all such targets (the training
    /// mean, or what a model has learned to expect of a target that resembles none).
    Fallback,
}

/// A predicted change and what it rests on.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// The predicted change over the measured genes; `sd` is the spread of an ensemble where the model is one.
    pub delta: Delta,
    /// Graph or fallback.
    pub basis: Basis,
    /// How little the training perturbations say of this target: 0 for one of them, 1 for one that resembles none;
    /// `None` where the model has no such notion.
    pub distance: Option<f32>,
}

/// What a fitted model predicts for its own training perturbations when each is left out, free of charge.
#[derive(Debug, Clone, Copy)]
pub struct LeftOut<'a> {
    /// Predicted changes, n_perturbations x n_genes, rows as in the responses of the fit.
    pub delta: &'a Array2<f32>,
    /// [`Prediction::distance`] of each row from the other rows.
    pub distance: &'a [f32],
}

/// What a fit reports.
#[derive(Debug, Clone, Default)]
pub struct FitSummary {
    /// Chosen hyper-parameters and inner scores, by name, in order.
    pub values: Vec<(String, f64)>,
    /// What the user should know.
    pub notices: Vec<Notice>,
}

/// Predicts the change of expression that a perturbation causes.
pub trait Predictor: Send + Sync {
    /// Name in the registry.
    fn name(&self) -> &'static str;

    /// Whether the task has what the model cannot do without, so that a lack is told before anything is written.
    ///
    /// # Errors
    /// As [`Predictor::fit`] for such a task.
    fn check(&self, _: &Task<'_>) -> Result<(), PredictError> {
        Ok(())
    }

    /// Whether it computes on the device of the task; other models compute on the CPU whatever the device is.
    fn uses_device(&self) -> bool {
        false
    }

    /// Learns from the task. The same task gives the same bits for any number of threads (on the CPU).
    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError>;

    /// The predicted change; a control perturbation gives zeros.
    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError>;

    /// Share of the measured changes of a perturbation (over the measured genes, its targets left out) that lie within the
    /// intervals of each level; `None` for models without intervals.
    fn covered(
        &self,
        _: &Perturbation,
        _: ndarray::ArrayView1<'_, f32>,
        _levels: &[f64],
    ) -> Result<Option<Vec<f64>>, PredictError> {
        Ok(None)
    }

    /// Leave-one-out predictions of the training perturbations, where the fit has them. Not kept in a saved model.
    fn left_out(&self) -> Option<LeftOut<'_>> {
        None
    }

    /// Writes everything [`Spec::load`] needs besides genes and graph into a folder.
    fn save(&self, dir: &Path) -> Result<(), PredictError>;
}

/// What a saved model is given back on loading.
#[derive(Debug, Clone)]
pub struct Saved<'a> {
    /// The folder [`Predictor::save`] wrote.
    pub dir: &'a Path,
    /// The measured genes of the run.
    pub genes: Arc<GeneIndex>,
    /// The graph of the run.
    pub graph: &'a GeneGraph,
    /// The feature tables of the run.
    pub features: &'a [Features],
    /// Where tensors live.
    pub device: &'a Device,
}

/// Builds an unfitted model from its settings.
pub type Build = fn(&toml::Table) -> Result<Box<dyn Predictor>, PredictError>;

/// Reads a fitted model back.
pub type Load = fn(&Saved<'_>) -> Result<Box<dyn Predictor>, PredictError>;

/// A model in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for tables and help.
    pub about: &'static str,
    /// The paper or reference implementation it follows.
    pub paper: &'static str,
    /// Its default settings with comments, as `configs/models/<name>.toml` holds them.
    pub settings: &'static str,
    /// Builds it unfitted.
    pub build: Build,
    /// Reads it back.
    pub load: Load,
}
