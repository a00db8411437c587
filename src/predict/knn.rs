//! The nearest training perturbations.
//!
//! A target adds to the training mean the weighted mean of what its k nearest training targets added, with weights
//! exp(cosine / temperature) of the features of [`TargetFeatures`] (prior graph, and feature tables where there are some).
//! k and temperature have the least leave-one-out loss among a grid. Nearest neighbours in an embedding of genes are the
//! baseline that language-model methods have to beat (GenePert, Chen and Zou 2024; Nadaraya and Watson 1964 for the
//! weights). Only perturbations of one gene are neighbours; with fewer than two of them everything is the training mean.
//! A target without features is predicted as the training mean, [`Basis::Fallback`](super::Basis).

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kernel::loss;
use super::score_head::{Head, HeadOptions, Reduced, singles};
use super::target_features::{StoredFeatures, TargetFeatures};
use super::{FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, settings};
use crate::data::Perturbation;
use crate::train::Observer;

const NAME: &str = "knn";
/// Numbers of neighbours that are tried, as far as there are so many.
const NEIGHBOURS: [usize; 12] = [1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 130, 200];
/// Temperatures that are tried.
const TEMPERATURES: [f64; 7] = [0.02, 0.03, 0.05, 0.08, 0.15, 0.3, 1.0];

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "weighted mean of the nearest training perturbations in the prior graph and in feature tables",
    paper: "nearest neighbours, as in GenePert (Chen and Zou, bioRxiv 2024), with weights of Nadaraya and Watson (1964)",
    settings: include_str!("../../configs/models/knn.toml"),
    build: |table| Ok(Box::new(Knn { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of the nearest neighbours.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Number of neighbours; absent: chosen by leave-one-out.
    pub neighbours: Option<usize>,
    /// Cosine that makes a neighbour count e times as much; absent: chosen by leave-one-out.
    pub temperature: Option<f64>,
    /// Leading eigenvectors of the graph, and principal components of each feature table, that describe a target.
    pub width: usize,
    /// Principal components of the training changes that are predicted.
    pub components: usize,
    /// Share of the significant part that is added to a prediction; absent: chosen by leave-one-out.
    pub significant_share: Option<f64>,
    /// Set the change of the target itself in knockdown screens.
    pub own_target: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            neighbours: None,
            temperature: None,
            width: 200,
            components: 100,
            significant_share: None,
            own_target: true,
        }
    }
}

#[derive(Debug)]
struct Knn {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    head: Head,
    features: TargetFeatures,
    neighbours: Neighbours,
    rule: Rule,
}

/// How many neighbours count, and how steeply.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Rule {
    neighbours: usize,
    temperature: f64,
}

/// The training targets.
#[derive(Debug)]
struct Neighbours {
    /// Features at unit length (zeros where there are none), n x width.
    directions: Array2<f32>,
    /// What each added to the mean, n x components.
    scores: Array2<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    features: StoredFeatures,
    rule: Rule,
}

impl Predictor for Knn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let (responses, targets) = singles(task.responses);
        if responses.len() < 2 {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 2, got: responses.len() });
        }
        let features = TargetFeatures::fit(task, self.config.width)?;
        let reduced = Reduced::new(&responses, self.config.head())?;
        let mut directions = features.rows(&targets);
        for mut row in directions.outer_iter_mut() {
            let direction = unit(row.view());
            row.assign(&direction);
        }
        let neighbours = Neighbours { directions, scores: reduced.scores().mapv(|v| v as f32) };
        let (rule, left_out, loss) = self.config.choose(&neighbours, reduced.scores());
        let (head, share) = reduced.head(task, &left_out);
        let values = [
            ("neighbours", rule.neighbours as f64),
            ("temperature", rule.temperature),
            ("left_out.loss", loss),
            ("significant_share", share),
        ];
        let values = values.map(|(name, v)| (name.to_owned(), v)).to_vec();
        self.fitted = Some(Fitted { head, features, neighbours, rule });
        Ok(FitSummary { values, notices: Vec::new() })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let f = self.fitted()?;
        let scores = |target: &str| {
            let row = f.features.row(target)?;
            let nearest = f.neighbours.nearest(unit(row.view()).view(), None);
            Some(f.neighbours.mean(&nearest, f.rule).mapv(|v| v as f32))
        };
        f.head.predict(perturbation, scores)
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let stored = Stored { config: self.config.clone(), features: f.features.stored(), rule: f.rule };
        let mut numbers = f.features.numbers();
        numbers.push(("directions".into(), &f.neighbours.directions));
        numbers.push(("scores".into(), &f.neighbours.scores));
        f.head.save(dir, stored, &numbers)
    }
}

impl Config {
    fn head(&self) -> HeadOptions {
        let Self { components, significant_share, own_target, .. } = *self;
        HeadOptions { components, significant_share, own_target }
    }

    /// The rule with the least leave-one-out loss, its left-out scores (n x components) and that loss.
    fn choose(&self, of: &Neighbours, scores: &Array2<f64>) -> (Rule, Array2<f64>, f64) {
        let n = scores.nrows();
        let nearest: Vec<Vec<(f64, usize)>> =
            (0..n).into_par_iter().map(|i| of.nearest(of.directions.row(i), Some(i))).collect();
        let mut counts: Vec<usize> = match self.neighbours {
            Some(k) => vec![k],
            None => NEIGHBOURS.into_iter().filter(|k| *k < n).collect(),
        };
        if counts.is_empty() {
            counts.push(1);
        }
        let temperatures = self.temperature.map_or_else(|| TEMPERATURES.to_vec(), |t| vec![t]);
        let rules = counts
            .iter()
            .flat_map(|&neighbours| temperatures.iter().map(move |&temperature| Rule { neighbours, temperature }));
        let judged: Vec<(Rule, Array2<f64>, f64)> = rules
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|rule| {
                let mut left_out = Array2::zeros(scores.raw_dim());
                for (mut to, nearest) in left_out.outer_iter_mut().zip(&nearest) {
                    to.assign(&of.mean(nearest, rule));
                }
                let loss = loss(&left_out, scores);
                (rule, left_out, loss)
            })
            .collect();
        let start = (Rule { neighbours: 1, temperature: 1.0 }, Array2::zeros(scores.raw_dim()), f64::INFINITY);
        judged.into_iter().fold(start, |best, x| if x.2 < best.2 { x } else { best })
    }
}

impl Neighbours {
    /// Cosine and position of every training target but `without`, nearest first; equals in order of position.
    fn nearest(&self, direction: ArrayView1<'_, f32>, without: Option<usize>) -> Vec<(f64, usize)> {
        let similar = self.directions.dot(&direction);
        let others = similar.iter().enumerate().filter(|(i, _)| Some(*i) != without);
        let mut all: Vec<(f64, usize)> = others.map(|(i, s)| (f64::from(*s), i)).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        all
    }

    /// Weighted mean of the scores of the first of `nearest`, length components; those that are not alike at all (cosine 0 or
    /// less) do not count.
    fn mean(&self, nearest: &[(f64, usize)], rule: Rule) -> Array1<f64> {
        let mut sum = Array1::zeros(self.scores.ncols());
        let Some(&(first, _)) = nearest.first().filter(|(s, _)| *s > 0.0) else { return sum };
        let mut total = 0.0;
        for &(similar, at) in nearest.iter().take(rule.neighbours).take_while(|(s, _)| *s > 0.0) {
            let weight = ((similar - first) / rule.temperature).exp();
            sum.zip_mut_with(&self.scores.row(at), |s: &mut f64, &v| *s += weight * f64::from(v));
            total += weight;
        }
        sum / total
    }
}

/// The same direction at length 1; zeros stay zeros.
fn unit(row: ArrayView1<'_, f32>) -> Array1<f32> {
    let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 0.0 { row.mapv(|v| v / length) } else { row.to_owned() }
}

impl Knn {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (head, stored, mut numbers, n_components) = Head::load::<Stored>(from)?;
    let scores = numbers.take("scores", n_components)?;
    let features = TargetFeatures::restore(stored.features, &mut numbers, from)?;
    let directions = numbers.take("directions", features.width())?;
    let fitted = Fitted { head, features, neighbours: Neighbours { directions, scores }, rule: stored.rule };
    Ok(Box::new(Knn { config: stored.config, fitted: Some(fitted) }))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use ndarray::array;

    use super::super::test_screens::two_cliques;
    use super::*;
    use crate::train::Silent;

    /// Weights 1 and exp(-0.5 / 0.5) = 1/e: (1 x 2 + 4 / e) / (1 + 1 / e).
    #[test]
    fn the_mean_weighs_by_cosine_over_temperature() {
        let of = Neighbours {
            directions: array![[0.5f32, 0.0], [1.0, 0.0], [0.0, 1.0]],
            scores: array![[4.0f32], [2.0], [9.0]],
        };
        let nearest = of.nearest(array![1.0f32, 0.0].view(), None);
        assert_eq!(nearest, [(1.0, 1), (0.5, 0), (0.0, 2)]);
        let e = 1f64.exp();
        let mean = of.mean(&nearest, Rule { neighbours: 2, temperature: 0.5 });
        assert!((mean[0] - (2.0 + 4.0 / e) / (1.0 + 1.0 / e)).abs() < 1e-12, "{mean}");
        assert_eq!(of.nearest(array![1.0f32, 0.0].view(), Some(1)).len(), 2);
    }

    #[test]
    fn a_gene_responds_like_its_neighbours() {
        let screen = two_cliques();
        let mut knn = Knn { config: Config::default(), fitted: None };
        knn.fit(&screen.task(&[], &Device::Cpu), &mut Silent).unwrap();
        let t = |of: &str| knn.predict(&Perturbation::of([of])).unwrap().delta.mean;
        assert!(t("A5")[0] > 0.9 && t("A5")[1] < 0.1, "{:?}", t("A5"));
        assert!(t("B5")[1] > 0.9 && t("B5")[0] < 0.1, "{:?}", t("B5"));
        assert_eq!(t("LOST"), screen.responses.mean_delta().to_vec());
    }
}
