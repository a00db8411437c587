//! Ridge regression on the place of the targets in the prior graph.
//!
//! With F the features of the training targets (leading eigenvectors of their similarity in the prior graph, and the
//! principal components of feature tables where there are some; see [`TargetFeatures`]) and Z the scores of the training
//! changes, W = (F'F + penalty I)^-1 F'Z and a target with features f adds f W to the training mean. The penalty minimises
//! the loss of the exact leave-one-out predictions (Hoerl and Kennard, Technometrics 1970; Allen, Technometrics 1974). The
//! row of a pair in training is the sum of the rows of its targets. A target without features adds nothing: it is
//! predicted as the training mean, [`Basis::Fallback`](super::Basis).

use std::path::Path;

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::kernel::{Ridge as KernelRidge, penalties};
use super::score_head::{Head, HeadOptions, Reduced};
use super::target_features::{StoredFeatures, TargetFeatures};
use super::{FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, settings};
use crate::data::Perturbation;
use crate::train::Observer;

const NAME: &str = "ridge";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "ridge on leading eigenvectors of the prior graph and on feature tables",
    paper: "ridge with leave-one-out penalty (Hoerl and Kennard 1970; Allen 1974) on spectral features of the graph",
    settings: include_str!("../../configs/models/ridge.toml"),
    build: |table| Ok(Box::new(Ridge { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of the ridge.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
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
        Self { width: 200, components: 100, significant_share: None, own_target: true }
    }
}

#[derive(Debug)]
struct Ridge {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    head: Head,
    features: TargetFeatures,
    /// W, width x components.
    map: Array2<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    features: StoredFeatures,
}

impl Predictor for Ridge {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let responses = task.responses;
        if responses.len() < 2 {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 2, got: responses.len() });
        }
        let features = TargetFeatures::fit(task, self.config.width)?;
        let rows = rows(&responses.perturbations, &features);
        let reduced = Reduced::new(responses, self.config.head())?;
        let ridge = KernelRidge::new(&rows.dot(&rows.t()), reduced.scores().clone())?;
        let (penalty, loss) = ridge.best_penalty(penalties());
        let map = rows.t().dot(&ridge.coefficients(penalty)).mapv(|v| v as f32);
        let (head, share) = reduced.head(task, &ridge.left_out(penalty));
        let values = [("penalty", penalty), ("left_out.loss", loss), ("significant_share", share)];
        let values = values.map(|(name, v)| (name.to_owned(), v)).to_vec();
        self.fitted = Some(Fitted { head, features, map });
        Ok(FitSummary { values, notices: Vec::new() })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let f = self.fitted()?;
        f.head.predict(perturbation, |target| Some(f.features.row(target)?.dot(&f.map)))
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let stored = Stored { config: self.config.clone(), features: f.features.stored() };
        let mut numbers = f.features.numbers();
        numbers.push(("map".into(), &f.map));
        f.head.save(dir, stored, &numbers)
    }
}

impl Config {
    fn head(&self) -> HeadOptions {
        let Self { components, significant_share, own_target, .. } = *self;
        HeadOptions { components, significant_share, own_target }
    }
}

impl Ridge {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

/// Sum of the features of the targets of each perturbation, n x width.
fn rows(perturbations: &[Perturbation], features: &TargetFeatures) -> Array2<f64> {
    let mut rows = Array2::zeros((perturbations.len(), features.width()));
    for (mut to, perturbation) in rows.outer_iter_mut().zip(perturbations) {
        let known = perturbation.targets().iter().filter_map(|t| features.row(t));
        known.for_each(|row: Array1<f32>| to += &row.mapv(f64::from));
    }
    rows
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (head, stored, mut numbers, n_components) = Head::load::<Stored>(from)?;
    let map = numbers.take("map", n_components)?;
    let features = TargetFeatures::restore(stored.features, &mut numbers, from)?;
    Ok(Box::new(Ridge { config: stored.config, fitted: Some(Fitted { head, features, map }) }))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::Basis;
    use super::super::test_screens::two_cliques;
    use super::*;
    use crate::train::Silent;

    #[test]
    fn a_gene_responds_like_its_neighbours_and_pairs_add_up_from_the_mean() {
        let screen = two_cliques();
        let mut ridge = Ridge { config: Config::default(), fitted: None };
        ridge.fit(&screen.task(&[], &Device::Cpu), &mut Silent).unwrap();
        let predict = |of: &[&str]| ridge.predict(&Perturbation::of(of)).unwrap();
        let (a, b) = (predict(&["A5"]), predict(&["B5"]));
        assert!(a.delta.mean[0] > 0.9 && a.delta.mean[1].abs() < 0.2, "{:?}", a.delta.mean);
        let pair = predict(&["A5", "B5"]);
        let mean = screen.responses.mean_delta();
        for gene in 0..2 {
            let expected = a.delta.mean[gene] + b.delta.mean[gene] - mean[gene];
            assert!((pair.delta.mean[gene] - expected).abs() < 1e-5);
        }
        let lost = predict(&["LOST"]);
        assert_eq!((lost.basis, lost.delta.mean), (Basis::Fallback, mean.to_vec()));
    }
}
