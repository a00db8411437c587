//! The linear model of Ahlmann-Eltze, Huber and Anders ("Deep-learning-based gene perturbation effect prediction does
//! not yet outperform simple linear baselines", Nature Methods 2025), as their `run_linear_pretrained_model.R` fits it.
//!
//! Y (genes x training perturbations) holds the changes against the control, b its row means; G (genes x K) holds the
//! first K principal component scores of the training pseudobulk, whose columns (conditions) are centred; P (K x
//! training perturbations) holds the rows of G at the perturbed genes. W = (G'G + r I)^-1 G' (Y - b) P' (P P' + r I)^-1
//! and a target with embedding p is predicted as G W p + b. The control is a training condition too, with zero change
//! and zero embedding, as in the authors' program. A target that is not a measured gene has no embedding: it is
//! predicted as b ([`Basis::Fallback`]) and, in training, it shapes the components but not Y. A pair is the sum of the
//! predictions of its two targets.

use std::path::Path;

use ndarray::{Array1, Array2, Axis, concatenate};
use serde::{Deserialize, Serialize};

use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, GeneId, Perturbation, Responses};
use crate::error::Notice;
use crate::stats::{pca, solve_spd};
use crate::train::Observer;

const NAME: &str = "linear";
const NOTHING_MEASURED: &str =
    "model `linear`: no training target is a measured gene, so it predicts the training mean";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "linear map from the target's own expression profile (baseline)",
    paper: "Ahlmann-Eltze, Huber and Anders, Nature Methods 2025",
    settings: include_str!("../../configs/models/linear.toml"),
    build: |table| Ok(Box::new(Linear { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of the linear model.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Number of principal components, K.
    pub components: usize,
    /// Ridge penalty on both sides.
    pub ridge: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { components: 10, ridge: 0.1 }
    }
}

/// The linear model.
#[derive(Debug)]
struct Linear {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    /// G, n_genes x K.
    embedding: Array2<f32>,
    /// (G W)', K x n_genes.
    effect: Array2<f32>,
    /// b, 1 x n_genes.
    centre: Array2<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
}

impl Predictor for Linear {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let responses = task.responses;
        let rows = measured_rows(responses);
        if responses.is_empty() {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 1, got: 0 });
        }
        let embedding = gene_embedding(responses, self.config.components)?;
        let p = target_embedding(responses, &rows, &embedding);
        let (y, centre) = centred_changes(responses, &rows);
        let effect = self.solve(&embedding, &p, &y)?;
        let notices = if rows.is_empty() { vec![Notice::new(NOTHING_MEASURED)] } else { Vec::new() };
        let single = |x: Array2<f64>| x.mapv(|v| v as f32);
        self.fitted = Some(Fitted {
            vocabulary: Vocabulary::of(task),
            embedding: single(embedding),
            effect: single(effect),
            centre: single(centre.insert_axis(Axis(0))),
        });
        Ok(FitSummary { values: vec![("perturbations.measured".into(), rows.len() as f64)], notices })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let genes = fitted.vocabulary.measured();
        let mut delta = Array1::<f32>::zeros(genes.len());
        let mut basis = Basis::Graph;
        for target in perturbation.targets() {
            delta += &fitted.centre.row(0);
            match genes.resolve(target) {
                Some(gene) => delta += &fitted.embedding.row(gene.index()).dot(&fitted.effect),
                None => basis = Basis::Fallback,
            }
        }
        Ok(Prediction { delta: Delta::new(genes.clone(), delta.to_vec(), None)?, basis, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let stored = Stored { config: self.config.clone(), perturbed: f.vocabulary.perturbed() };
        saved::write(dir, &stored, &[("embedding", &f.embedding), ("effect", &f.effect), ("centre", &f.centre)])
    }
}

impl Linear {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }

    /// (G W)' = (P P' + r I)^-1 P (Y - b)' G (G'G + r I)^-1 G', K x n_genes. `g` is n_genes x K, `p` is n x K, `y` is
    /// n x n_genes.
    fn solve(&self, g: &Array2<f64>, p: &Array2<f64>, y: &Array2<f64>) -> Result<Array2<f64>, PredictError> {
        let penalised = |gram: Array2<f64>| {
            let penalty = Array2::<f64>::eye(gram.nrows()) * self.config.ridge;
            gram + penalty
        };
        let right = solve_spd(&penalised(g.t().dot(g)), &g.t().to_owned())?;
        let left = solve_spd(&penalised(p.t().dot(p)), &p.t().to_owned())?;
        Ok(left.dot(&y.dot(g)).dot(&right))
    }
}

/// Positions of training perturbations with one target that is a measured gene.
fn measured_rows(responses: &Responses) -> Vec<usize> {
    let measured = |p: &Perturbation| matches!(p.targets(), [t] if responses.genes.resolve(t).is_some());
    (0..responses.len()).filter(|&i| measured(&responses.perturbations[i])).collect()
}

/// Scores of the genes on the first `k` principal components of the pseudobulk (training perturbations and control),
/// each condition centred over the genes, n_genes x k.
fn gene_embedding(responses: &Responses, k: usize) -> Result<Array2<f64>, PredictError> {
    let control = responses.control.mean.mapv(f64::from).insert_axis(Axis(0));
    let perturbed = responses.delta.mapv(f64::from) + &control;
    let conditions = concatenate![Axis(0), control, perturbed];
    let mean = conditions.mean_axis(Axis(1)).unwrap_or_default().insert_axis(Axis(1));
    Ok(pca((conditions - mean).t(), k)?.scores)
}

/// Rows of the embedding at the targets of the training perturbations, n x k.
fn target_embedding(responses: &Responses, rows: &[usize], embedding: &Array2<f64>) -> Array2<f64> {
    let genes = rows.iter().flat_map(|&i| responses.perturbations[i].targets().iter());
    let at: Vec<usize> = genes.filter_map(|t| responses.genes.resolve(t)).map(GeneId::index).collect();
    embedding.select(Axis(0), &at)
}

/// Changes minus their mean b, n x n_genes, and b. The control counts in b as one more condition without a change. Without
/// a row b is the mean of all training changes.
fn centred_changes(responses: &Responses, rows: &[usize]) -> (Array2<f64>, Array1<f64>) {
    if rows.is_empty() {
        return (Array2::zeros((0, responses.genes.len())), responses.mean_delta().mapv(f64::from));
    }
    let changes = responses.delta.select(Axis(0), rows).mapv(f64::from);
    let centre = changes.sum_axis(Axis(0)) / (rows.len() + 1) as f64;
    (changes - &centre, centre)
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let effect = numbers.take("effect", from.genes.len())?;
    let embedding = numbers.take("embedding", effect.nrows())?;
    let centre = numbers.take("centre", from.genes.len())?;
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    Ok(Box::new(Linear { config: stored.config, fitted: Some(Fitted { vocabulary, embedding, effect, centre }) }))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    /// Three genes, one component: every factor of the formula is a number that can be worked out by hand.
    #[test]
    fn the_map_is_the_closed_form() {
        let linear = Linear { config: Config { components: 1, ridge: 0.5 }, fitted: None };
        let (g, p): (Array2<f64>, Array2<f64>) = (array![[1.0], [2.0], [0.0]], array![[1.0], [3.0]]);
        let y = array![[1.0, 0.0, -1.0], [0.0, 2.0, 1.0]];
        // W = (5 + 0.5)^-1 * sum_i (g'y_i) p_i * (10 + 0.5)^-1 with g'y = (1, 4): (1 + 12) / 57.75.
        let w = 13.0 / 57.75;
        let effect = linear.solve(&g, &p, &y).unwrap();
        assert!((&effect - &array![[w, 2.0 * w, 0.0]]).iter().all(|e| e.abs() < 1e-12), "{effect}");
    }
}
