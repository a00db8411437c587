//! GenePert (Chen and Zou, "GenePert: leveraging GenePT embeddings for gene perturbation prediction", bioRxiv 2024).
//!
//! Every gene has an embedding (of a text about it, as a rule) at unit length; a pair has the sum of both. Ridge regression
//! with an intercept maps embeddings to changes of expression. The paper reports the penalties 0.1, 1 and 10 side by side;
//! here the one with the least squared error over inner folds of the training perturbations is used. `method = "knn"` is
//! the paper's other form: the mean change of the nearest training perturbations. The paper regresses mean profiles; the
//! change differs from them by the control, which the intercept absorbs.
//!
//! The model needs an embedding table and takes the first one unless `table` names another. Training perturbations with a
//! target that the table lacks are left out of the regression. A target without embedding is predicted as the training
//! mean, [`Basis::Fallback`].

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1, Axis, stack};
use serde::{Deserialize, Serialize};

use super::kernel::Ridge;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, FeatureKind, Features, Perturbation, Responses};
use crate::error::Notice;
use crate::stats::{LinalgError, Rng};
use crate::train::Observer;

const NAME: &str = "genepert";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "ridge from an embedding table of genes (`--features`) to changes",
    paper: "Chen and Zou, GenePert, bioRxiv 2024",
    settings: include_str!("../../configs/models/genepert.toml"),
    build: |table| Ok(Box::new(GenePert { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// The two forms of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// Ridge regression.
    Ridge,
    /// Mean of the nearest training perturbations.
    Knn,
}

/// Settings of GenePert.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Ridge or nearest neighbours.
    pub method: Method,
    /// Penalties among which inner folds choose.
    pub penalties: Vec<f64>,
    /// Inner folds.
    pub folds: usize,
    /// Neighbours of the form `knn`.
    pub neighbours: usize,
    /// Name of the embedding table (the stem of its file); absent: the first.
    pub table: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { method: Method::Ridge, penalties: vec![0.1, 1.0, 10.0], folds: 5, neighbours: 10, table: None }
    }
}

#[derive(Debug)]
struct GenePert {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    table: Table,
    map: Map,
    /// Mean over all training perturbations.
    fallback: Array1<f32>,
}

/// Embeddings at unit length.
#[derive(Debug)]
struct Table(Features);

/// From an embedding to a change.
#[derive(Debug)]
struct Map {
    method: Method,
    neighbours: usize,
    /// Embeddings of the training perturbations minus `centre`, n x width.
    x: Array2<f32>,
    /// Mean embedding, 1 x width.
    centre: Array2<f32>,
    /// Dual coefficients of the ridge, or changes minus `mean`, n x n_genes.
    y: Array2<f32>,
    /// Mean change, 1 x n_genes.
    mean: Array2<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    table: String,
    width: usize,
}

impl Predictor for GenePert {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, task: &Task<'_>) -> Result<(), PredictError> {
        Table::find(task.features, self.config.table.as_deref()).map(|_| ())
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let table = Table::find(task.features, self.config.table.as_deref())?;
        let (x, responses) = table.known(task.responses);
        if responses.len() < 2 {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 2, got: responses.len() });
        }
        let penalty = self.config.choose(&x, &responses, task.seed)?;
        let map = Map::fit(&self.config, &x, &responses, penalty)?;
        let n_left_out = task.responses.len() - responses.len();
        let notices = match n_left_out {
            0 => Vec::new(),
            n => vec![Notice::new(format!(
                "model `{NAME}`: {n} of {} training perturbations have a target without embedding and are left out",
                task.responses.len()
            ))],
        };
        let values = [("penalty", penalty), ("perturbations.embedded", responses.len() as f64)];
        let values = values.map(|(name, v)| (name.to_owned(), v)).to_vec();
        let fallback = task.responses.mean_delta();
        self.fitted = Some(Fitted { vocabulary: Vocabulary::of(task), table, map, fallback });
        Ok(FitSummary { values, notices })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let f = self.fitted()?;
        // The table may know a gene that nothing else knows.
        if f.table.embedding(perturbation).is_none() {
            f.vocabulary.check(perturbation)?;
        }
        let genes = f.vocabulary.measured();
        let (delta, basis) = if perturbation.is_control() {
            (Array1::zeros(genes.len()), Basis::Graph)
        } else {
            match f.table.embedding(perturbation) {
                Some(x) => (f.map.change(x.view()), Basis::Graph),
                None => (f.fallback.clone(), Basis::Fallback),
            }
        };
        Ok(Prediction { delta: Delta::new(genes.clone(), delta.to_vec(), None)?, basis, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let Fitted { vocabulary, table, map, fallback } = self.fitted()?;
        let stored = Stored {
            config: self.config.clone(),
            perturbed: vocabulary.perturbed(),
            table: table.0.name.clone(),
            width: map.x.ncols(),
        };
        let fallback = fallback.clone().insert_axis(Axis(0));
        let numbers = [("x", &map.x), ("centre", &map.centre), ("y", &map.y), ("mean", &map.mean)];
        let numbers: Vec<_> = numbers.into_iter().chain([("fallback", &fallback)]).collect();
        saved::write(dir, &stored, &numbers)
    }
}

impl GenePert {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

impl Config {
    /// The penalty with the least squared error over inner folds; the first one where there is no choice.
    fn choose(&self, x: &Array2<f32>, responses: &Responses, seed: u64) -> Result<f64, PredictError> {
        let first = self.penalties.first().copied().unwrap_or(1.0);
        let folds = self.folds.min(responses.len());
        if self.method == Method::Knn || self.penalties.len() < 2 || folds < 2 {
            return Ok(first);
        }
        let mut order: Vec<usize> = (0..responses.len()).collect();
        Rng::named(seed, "genepert.folds").shuffle(&mut order);
        let mut best = (first, f64::INFINITY);
        for &penalty in &self.penalties {
            let mut error = 0.0;
            for fold in 0..folds {
                let part = |inside: bool| {
                    let dealt = order.iter().enumerate().filter(|(at, _)| (at % folds == fold) == inside);
                    dealt.map(|(_, &row)| row).collect::<Vec<usize>>()
                };
                let (held_out, train) = (part(true), part(false));
                let map = Map::fit(self, &x.select(Axis(0), &train), &responses.subset(&train), penalty)?;
                error +=
                    held_out.iter().map(|&row| squared(&map.change(x.row(row)), responses.delta.row(row))).sum::<f64>();
            }
            if error < best.1 {
                best = (penalty, error);
            }
        }
        Ok(best.0)
    }
}

fn squared(a: &Array1<f32>, b: ArrayView1<'_, f32>) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

impl Table {
    /// The table of this name, else the first embedding.
    fn find(features: &[Features], name: Option<&str>) -> Result<Self, PredictError> {
        let embedding = |f: &&Features| f.kind == FeatureKind::Embedding && name.is_none_or(|n| n == f.name);
        let found = features.iter().find(embedding).ok_or_else(|| PredictError::NoFeatures {
            model: NAME.into(),
            expected: name
                .map_or_else(|| "an embedding table of genes".into(), |n| format!("an embedding table `{n}`")),
            got: features.iter().map(|f| f.name.clone()).collect(),
        })?;
        let mut values = found.values.clone();
        for mut row in values.outer_iter_mut() {
            let length = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            if length > 0.0 {
                row.mapv_inplace(|v| (f64::from(v) / length) as f32);
            }
        }
        Ok(Self(Features { values, ..found.clone() }))
    }

    /// Sum of the embeddings of the targets; `None` where the table lacks one.
    fn embedding(&self, perturbation: &Perturbation) -> Option<Array1<f32>> {
        let mut sum = Array1::zeros(self.0.values.ncols());
        for target in perturbation.targets() {
            sum += &self.0.row(target)?;
        }
        Some(sum)
    }

    /// Embeddings of the perturbations that have one, n x width, and their responses.
    fn known(&self, responses: &Responses) -> (Array2<f32>, Responses) {
        let embedded = responses.perturbations.iter().map(|p| self.embedding(p)).enumerate();
        let (rows, embedded): (Vec<usize>, Vec<Array1<f32>>) = embedded.filter_map(|(i, x)| Some((i, x?))).unzip();
        let mut x = Array2::zeros((rows.len(), self.0.values.ncols()));
        x.outer_iter_mut().zip(&embedded).for_each(|(mut to, row)| to.assign(row));
        (x, responses.subset(&rows))
    }
}

impl Map {
    fn fit(config: &Config, x: &Array2<f32>, responses: &Responses, penalty: f64) -> Result<Self, LinalgError> {
        let centre = x.mapv(f64::from).mean_axis(Axis(0)).unwrap_or_default();
        let centred = x.mapv(f64::from) - &centre;
        let mean = responses.mean_delta();
        let changes = &responses.delta - &mean;
        let y = match config.method {
            Method::Knn => changes,
            Method::Ridge => {
                let ridge = Ridge::new(&centred.dot(&centred.t()), changes.mapv(f64::from))?;
                ridge.coefficients(penalty).mapv(|v| v as f32)
            }
        };
        let single = |row: Array1<f64>| stack![Axis(0), row.mapv(|v| v as f32)];
        Ok(Self {
            method: config.method,
            neighbours: config.neighbours.max(1),
            x: centred.mapv(|v| v as f32),
            centre: single(centre),
            y,
            mean: mean.insert_axis(Axis(0)),
        })
    }

    /// The change that an embedding stands for, length n_genes.
    fn change(&self, x: ArrayView1<'_, f32>) -> Array1<f32> {
        let x = &x - &self.centre.row(0);
        let weights = match self.method {
            Method::Ridge => self.x.dot(&x),
            Method::Knn => self.nearest(&x),
        };
        &self.mean.row(0) + &weights.dot(&self.y)
    }

    /// Equal weights, summing to 1, on the nearest training perturbations (Euclidean; equals in order of rows).
    fn nearest(&self, x: &Array1<f32>) -> Array1<f32> {
        let mut far: Vec<(f64, usize)> = self.x.outer_iter().enumerate().map(|(i, row)| (squared(x, row), i)).collect();
        far.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let k = self.neighbours.min(far.len());
        let mut weights = Array1::zeros(far.len());
        far.iter().take(k).for_each(|&(_, i)| weights[i] = 1.0 / k as f32);
        weights
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let table = Table::find(from.features, Some(&stored.table))?;
    let n_genes = from.genes.len();
    let map = Map {
        method: stored.config.method,
        neighbours: stored.config.neighbours.max(1),
        x: numbers.take("x", stored.width)?,
        centre: numbers.take("centre", stored.width)?,
        y: numbers.take("y", n_genes)?,
        mean: numbers.take("mean", n_genes)?,
    };
    let fallback = numbers.take("fallback", n_genes)?.sum_axis(Axis(0));
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    Ok(Box::new(GenePert { config: stored.config, fitted: Some(Fitted { vocabulary, table, map, fallback }) }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Device;
    use ndarray::array;

    use super::super::test_screens::{TestScreen, effects};
    use super::*;
    use crate::data::GeneIndex;
    use crate::graph::GeneGraph;
    use crate::train::Silent;

    fn screen() -> (TestScreen, [Features; 1]) {
        let responses = effects(&[("A", [1.0, 0.0]), ("B", [3.0, 2.0]), ("LOST", [9.0, 9.0])]);
        let genes = Arc::new(GeneIndex::new(["A", "B", "C"]).unwrap());
        let table = Features::new("text", FeatureKind::Embedding, genes, array![[2.0, 0.0], [0.0, 0.5], [3.0, 4.0]]);
        (TestScreen { responses, graph: GeneGraph::empty() }, [table.unwrap()])
    }

    fn fit(config: Config) -> GenePert {
        let (screen, table) = screen();
        let mut model = GenePert { config, fitted: None };
        model.fit(&screen.task(&table, &Device::Cpu), &mut Silent).unwrap();
        model
    }

    /// Unit embeddings of A and B are (1, 0) and (0, 1), centred (0.5, -0.5) and (-0.5, 0.5); the changes minus their mean
    /// (2, 1) are -(1, 1) and (1, 1). With u = (1, -1)/sqrt(2) the embeddings are +-u/sqrt(2), so the slope over u is
    /// -sqrt(2) (1, 1) / (1 + penalty). C is (0.6, 0.8): u-coordinate of C minus the centre (0.1, 0.3) is -0.2/sqrt(2).
    #[test]
    fn the_ridge_has_the_closed_form() {
        let model = fit(Config { penalties: vec![1.0], ..Config::default() });
        let got = model.predict(&Perturbation::of(["C"])).unwrap();
        assert_eq!(got.basis, Basis::Graph);
        for (value, mean) in got.delta.mean.iter().zip([2.0, 1.0]) {
            assert!((value - (mean + 0.2 / 2.0)).abs() < 1e-6, "{:?}", got.delta.mean);
        }
        let lost = model.predict(&Perturbation::of(["LOST"])).unwrap();
        assert_eq!(lost.basis, Basis::Fallback);
        assert!((lost.delta.mean[0] - 13.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_nearest_neighbour_is_copied() {
        let model = fit(Config { method: Method::Knn, neighbours: 1, ..Config::default() });
        let got = model.predict(&Perturbation::of(["C"])).unwrap();
        assert_eq!(got.delta.mean, [3.0, 2.0]);
    }

    #[test]
    fn without_a_table_there_is_an_error_that_says_so() {
        let (screen, table) = screen();
        let t = |features: &[Features], name: Option<&str>| {
            let config = Config { table: name.map(str::to_owned), ..Config::default() };
            let mut model = GenePert { config, fitted: None };
            model.fit(&screen.task(features, &Device::Cpu), &mut Silent).unwrap_err().to_string()
        };
        assert!(t(&[], None).contains("expected an embedding table of genes, got none"));
        assert!(t(&table, Some("other")).contains("expected an embedding table `other`, got text"));
    }
}
