//! Kernel ridge regression on the similarity of targets in the prior graph.
//!
//! Genes that share partners in the graph tend to do the same when knocked down. The similarity of two genes is the
//! cosine of their neighbour profiles (the gene itself and its neighbours, each divided by the root of its degree);
//! k = exp(sharpness (similarity - 1)). With Y the training changes minus their mean m, reduced to their first principal
//! components, the prediction of target q is m + k_q (K + penalty I)^-1 Y, and the penalty minimises the exact
//! leave-one-out error.
//!
//! - A target outside the graph is predicted as m ([`Basis::Fallback`]).
//! - A perturbation of several targets is m + the sum of what its targets add to m: the systematic part m, which any
//!   perturbation shows, counts once. Pairs in the training data are rows whose kernel is the sum over their targets.
//! - The target itself follows [`super::own_target`] in knockdown screens with expression levels.

mod channel;
mod ridge;
mod similarity;

use std::collections::HashMap;
use std::path::Path;

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use self::channel::Channel;
use self::ridge::Ridge;
use self::similarity::Similarity;
use super::own_target::OwnTarget;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, GeneId, Perturbation, Responses};
use crate::graph::GeneGraph;
use crate::stats::pca;
use crate::train::Observer;

const NAME: &str = "graph-kernel";
const PENALTIES: [f64; 13] = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0];

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "kernel ridge on shared neighbours in the prior graph",
    paper: "kernel ridge regression with exact leave-one-out (Rasmussen and Williams 2006, section 5.4.2)",
    settings: include_str!("../../configs/models/graph-kernel.toml"),
    build: |table| Ok(Box::new(GraphKernel { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of the graph kernel.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Principal components of the training changes that are predicted.
    pub components: usize,
    /// How fast the kernel falls with dissimilarity.
    pub sharpness: f64,
    /// Set the change of the target itself in knockdown screens.
    pub own_target: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { components: 60, sharpness: 1.0, own_target: true }
    }
}

/// The graph kernel.
#[derive(Debug)]
struct GraphKernel {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    kernel: Kernel,
    /// What similarity to each training target adds, n_targets x components.
    coefficients: Array2<f32>,
    /// Components x n_genes.
    axes: Array2<f32>,
    /// Training mean and mean control expression, 2 x n_genes.
    profiles: Array2<f32>,
    own_target: Option<OwnTarget>,
}

/// The similarity and how it becomes a kernel.
#[derive(Debug)]
struct Kernel {
    similarity: Similarity,
    sharpness: f64,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    targets: Vec<String>,
    own_target: Option<OwnTarget>,
}

impl Predictor for GraphKernel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let responses = task.responses;
        if responses.len() < 2 {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 2, got: responses.len() });
        }
        let vocabulary = Vocabulary::of(task);
        let rows = Rows::new(responses, &vocabulary);
        let kernel = Kernel::new(task.graph, rows.targets.clone(), &self.config);
        let mean = responses.mean_delta();
        let changes = (&responses.delta.select(Axis(0), &rows.at) - &mean).mapv(f64::from);
        let components = pca(changes.view(), self.config.components)?;
        let (coefficients, values) = solve(&kernel.matrix(), &rows, &components.scores)?;
        let axes = components.axes.mapv(|v| v as f32);
        let own_target = if self.config.own_target { OwnTarget::fit(responses) } else { None };
        let profiles = ndarray::stack![Axis(0), mean, responses.control.mean];
        self.fitted = Some(Fitted { vocabulary, kernel, coefficients, axes, profiles, own_target });
        Ok(FitSummary { values, notices: Vec::new() })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let genes = fitted.vocabulary.measured();
        if perturbation.is_control() {
            let delta = Delta::new(genes.clone(), vec![0.0; genes.len()], None)?;
            return Ok(Prediction { delta, basis: Basis::Graph });
        }
        let nodes: Vec<Option<GeneId>> = perturbation.targets().iter().map(|t| fitted.vocabulary.node(t)).collect();
        let mut delta = fitted.change(nodes.iter().flatten().copied()).to_vec();
        if let Some(rule) = fitted.own_target {
            rule.apply(perturbation, genes, &fitted.profiles.row(1).to_vec(), &mut delta);
        }
        let basis = if nodes.iter().all(Option::is_some) { Basis::Graph } else { Basis::Fallback };
        Ok(Prediction { delta: Delta::new(genes.clone(), delta, None)?, basis })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let name = |g: &GeneId| f.vocabulary.node_name(*g).to_owned();
        let stored = Stored {
            config: self.config.clone(),
            perturbed: f.vocabulary.perturbed(),
            targets: f.kernel.similarity.targets().iter().map(name).collect(),
            own_target: f.own_target,
        };
        let numbers = [("coefficients", &f.coefficients), ("axes", &f.axes), ("profiles", &f.profiles)];
        saved::write(dir, &stored, &numbers)
    }
}

impl GraphKernel {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

impl Fitted {
    /// The training mean plus what each of these genes adds, length n_genes.
    fn change(&self, nodes: impl Iterator<Item = GeneId>) -> Array1<f32> {
        let mut scores = Array1::zeros(self.axes.nrows());
        for node in nodes {
            scores += &self.kernel.of(node).mapv(|k| k as f32).dot(&self.coefficients);
        }
        &self.profiles.row(0) + &scores.dot(&self.axes)
    }
}

impl Kernel {
    fn new(graph: &GeneGraph, targets: Vec<GeneId>, config: &Config) -> Self {
        let similarity = Similarity::new(Channel::all(graph), targets, graph.n_genes());
        Self { similarity, sharpness: config.sharpness }
    }

    /// The kernel between a gene and every training target.
    fn of(&self, gene: GeneId) -> Array1<f64> {
        self.similarity.of(gene, 0).into_iter().map(|s| (self.sharpness * (s - 1.0)).exp()).collect()
    }

    /// The kernel among the training targets.
    fn matrix(&self) -> Array2<f64> {
        self.similarity.matrix(0).mapv(|s| (self.sharpness * (s - 1.0)).exp())
    }
}

/// Training perturbations whose targets are all in the graph.
struct Rows {
    /// Positions in the responses.
    at: Vec<usize>,
    /// The distinct targets.
    targets: Vec<GeneId>,
    /// 1 where a row has a target, n_rows x n_targets.
    has: Array2<f64>,
}

impl Rows {
    fn new(responses: &Responses, vocabulary: &Vocabulary) -> Self {
        let nodes = |p: &Perturbation| p.targets().iter().map(|t| vocabulary.node(t)).collect::<Option<Vec<GeneId>>>();
        let known = responses.perturbations.iter().enumerate().filter_map(|(i, p)| Some((i, nodes(p)?)));
        let (at, of_row): (Vec<usize>, Vec<Vec<GeneId>>) = known.unzip();
        let mut targets: Vec<GeneId> = of_row.iter().flatten().copied().collect();
        targets.sort_unstable();
        targets.dedup();
        let position: HashMap<GeneId, usize> = targets.iter().enumerate().map(|(i, &g)| (g, i)).collect();
        let mut has = Array2::zeros((at.len(), targets.len()));
        for (row, nodes) in of_row.iter().enumerate() {
            nodes.iter().for_each(|g| has[[row, position[g]]] = 1.0);
        }
        Self { at, targets, has }
    }
}

/// Coefficients per target (n_targets x components) with the best penalty, and what was chosen.
fn solve(
    kernel: &Array2<f64>,
    rows: &Rows,
    scores: &Array2<f64>,
) -> Result<(Array2<f32>, Vec<(String, f64)>), PredictError> {
    if rows.at.is_empty() {
        return Ok((Array2::zeros((0, scores.ncols())), Vec::new()));
    }
    let ridge = Ridge::new(&rows.has.dot(kernel).dot(&rows.has.t()), scores)?;
    let (penalty, error) = ridge.best_penalty(&PENALTIES);
    let per_target = rows.has.t().dot(&ridge.coefficients(penalty)).mapv(|v| v as f32);
    Ok((per_target, vec![("penalty".into(), penalty), ("left_out.error".into(), error)]))
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let targets = stored.targets.iter().map(|t| from.graph.genes().id(t)).collect::<Option<Vec<GeneId>>>();
    let targets = targets.ok_or_else(|| PredictError::Saved {
        path: from.dir.to_owned(),
        reason: "expected the graph of the fit, got one that lacks training targets".into(),
    })?;
    let axes = numbers.take("axes", from.genes.len())?;
    let fitted = Fitted {
        coefficients: numbers.take("coefficients", axes.nrows())?,
        axes,
        profiles: numbers.take("profiles", from.genes.len())?,
        kernel: Kernel::new(from.graph, targets, &stored.config),
        vocabulary: Vocabulary::of_saved(from, stored.perturbed),
        own_target: stored.own_target,
    };
    Ok(Box::new(GraphKernel { config: stored.config, fitted: Some(fitted) }))
}
