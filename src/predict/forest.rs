//! A random forest on the place of the targets in the prior graph.
//!
//! Features of a target ([`TargetFeatures`]: leading eigenvectors of its similarity in the prior graph, principal
//! components of feature tables) predict the scores of the training changes, all at once (Breiman, Machine Learning
//! 2001). How much of the significant part is added is chosen on out-of-bag predictions. Only perturbations of one gene
//! are learned from; a pair adds what both of its targets add. A target without features is predicted as the training
//! mean, [`Basis::Fallback`](super::Basis).

use std::path::Path;

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::kernel::loss;
use super::score_head::{Head, HeadOptions, Reduced, singles};
use super::target_features::{StoredFeatures, TargetFeatures};
use super::{FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, settings};
use crate::data::Perturbation;
use crate::stats::{Forest as Trees, ForestOptions, ForestTables};
use crate::train::Observer;

const NAME: &str = "forest";
/// Folds of the held-out predictions of trees without bootstrap, which have no out-of-bag rows.
const FOLDS: usize = 5;

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "random forest on leading eigenvectors of the prior graph and on feature tables",
    paper: "Breiman, Machine Learning 2001; Geurts, Ernst and Wehenkel, Machine Learning 2006 (`extra`)",
    settings: include_str!("../../configs/models/forest.toml"),
    build: |table| Ok(Box::new(Forest { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of the forest.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Number of trees.
    pub trees: usize,
    /// Share of the features drawn at each node.
    pub max_features: f64,
    /// Least number of perturbations in a leaf.
    pub min_leaf: usize,
    /// Extremely randomised trees (all rows, random thresholds) instead of a random forest.
    pub extra: bool,
    /// Leading eigenvectors of the graph, and principal components of each feature table, that describe a target.
    pub width: usize,
    /// Principal components of the training changes that are predicted.
    pub components: usize,
    /// Share of the significant part that is added to a prediction; absent: chosen on out-of-bag predictions.
    pub significant_share: Option<f64>,
    /// Set the change of the target itself in knockdown screens.
    pub own_target: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            trees: 300,
            max_features: 0.3,
            min_leaf: 2,
            extra: false,
            width: 80,
            components: 100,
            significant_share: None,
            own_target: true,
        }
    }
}

#[derive(Debug)]
struct Forest {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    head: Head,
    features: TargetFeatures,
    trees: Trees,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    features: StoredFeatures,
}

impl Predictor for Forest {
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
        let (x, y) = (features.rows(&targets), reduced.scores());
        let options = self.config.trees();
        let trees = Trees::fit(x.view(), y.view(), &options, task.seed);
        let left_out = trees
            .out_of_bag(x.view())
            .unwrap_or_else(|| Trees::held_out(x.view(), y.view(), &options, FOLDS, task.seed));
        let loss = loss(&left_out, y);
        let (head, share) = reduced.head(task, &left_out);
        let values = [("left_out.loss", loss), ("significant_share", share)];
        let values = values.map(|(name, v)| (name.to_owned(), v)).to_vec();
        self.fitted = Some(Fitted { head, features, trees });
        Ok(FitSummary { values, notices: Vec::new() })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let f = self.fitted()?;
        let scores = |target: &str| {
            let row: Array1<f32> = f.features.row(target)?;
            let scores: Array2<f64> = f.trees.predict(row.insert_axis(Axis(0)).view());
            Some(scores.row(0).mapv(|v| v as f32))
        };
        f.head.predict(perturbation, scores)
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let stored = Stored { config: self.config.clone(), features: f.features.stored() };
        let ForestTables { trees, nodes, members, targets } = &f.trees.tables();
        let mut numbers = f.features.numbers();
        let tables = [("forest.trees", trees), ("forest.nodes", nodes), ("forest.members", members)];
        numbers.extend(tables.map(|(name, table)| (name.to_owned(), table)));
        numbers.push(("forest.targets".into(), targets));
        f.head.save(dir, stored, &numbers)
    }
}

impl Config {
    fn head(&self) -> HeadOptions {
        let Self { components, significant_share, own_target, .. } = *self;
        HeadOptions { components, significant_share, own_target }
    }

    fn trees(&self) -> ForestOptions {
        ForestOptions {
            n_trees: self.trees,
            max_features: self.max_features,
            min_leaf: self.min_leaf,
            bootstrap: !self.extra,
            random_thresholds: self.extra,
        }
    }
}

impl Forest {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (head, stored, mut numbers, n_components) = Head::load::<Stored>(from)?;
    let tables = ForestTables {
        trees: numbers.take("forest.trees", 2)?,
        nodes: numbers.take("forest.nodes", 4)?,
        members: numbers.take("forest.members", 2)?,
        targets: numbers.take("forest.targets", n_components)?,
    };
    let features = TargetFeatures::restore(stored.features, &mut numbers, from)?;
    let trees = Trees::from_tables(&tables, features.width()).ok_or_else(|| PredictError::Saved {
        path: from.dir.to_owned(),
        reason: "expected whole trees, got tables that do not fit together".into(),
    })?;
    Ok(Box::new(Forest { config: stored.config, fitted: Some(Fitted { head, features, trees }) }))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::test_screens::two_cliques;
    use super::*;
    use crate::train::Silent;

    #[test]
    fn a_gene_responds_more_like_its_neighbours_than_like_others() {
        let screen = two_cliques();
        for extra in [false, true] {
            let mut forest = Forest { config: Config { extra, ..Config::default() }, fitted: None };
            forest.fit(&screen.task(&[], &Device::Cpu), &mut Silent).unwrap();
            let t = |of: &str| forest.predict(&Perturbation::of([of])).unwrap().delta.mean;
            assert!(t("A5")[0] > t("A5")[1] + 0.3, "{:?}", t("A5"));
            assert!(t("B5")[1] > t("B5")[0] + 0.3, "{:?}", t("B5"));
            assert_eq!(t("LOST"), screen.responses.mean_delta().to_vec());
        }
    }
}
