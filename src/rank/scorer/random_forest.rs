//! A random forest over the training targets.
//!
//! The forest of [`crate::stats::Forest`] regresses the 0/1 labels of all targets at once; with such labels the variance
//! that its splits reduce is the Gini impurity, and the mean label in a leaf is the share of each target.

use ndarray::{Array2, ArrayView2};

use super::examples::{ByOwn, Classifier, Examples};
use super::{Known, Scorer, ScorerSpec};
use crate::rank::RankError;
use crate::stats::{Forest, ForestOptions};

const TREES: usize = 300;

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "random-forest",
    about: "random forest from the change to its target (seen genes only)",
    source: "Breiman, Machine Learning 2001; settings of ENNCELADUS/gene-perturbation-prediction, src/model/tree_baseline.py",
    without_own: true,
    joint: false,
    fit: |known| fit(known),
};

fn fit(known: &Known<'_>) -> Result<Box<dyn Scorer>, RankError> {
    Ok(Box::new(ByOwn::fit(known, true, |examples| Ok(RandomForest::fit(examples)))?))
}

struct RandomForest(Forest);

impl RandomForest {
    fn fit(examples: &Examples) -> Self {
        let n = examples.x.ncols().max(1) as f64;
        let options = ForestOptions {
            n_trees: TREES,
            // The square root of the number of features; the share is rounded down.
            max_features: (n.sqrt().floor() + 0.5) / n,
            min_leaf: 1,
            bootstrap: true,
            random_thresholds: false,
        };
        Self(Forest::fit(examples.x.view(), examples.y.view(), &options, examples.seed))
    }
}

impl Classifier for RandomForest {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, RankError> {
        Ok(self.0.predict(x))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;
    use crate::rank::Own;

    /// One feature of three is read at a node and all three agree, so every tree that has drawn both perturbations cuts
    /// between them; a tree that has drawn one of them only (chance 1/4 each) says that one.
    #[test]
    fn scores_are_shares_of_the_leaves() {
        let fixture = Fixture::new(&["X", "Y", "Z"], &["A", "B"], array![[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]);
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "C"]);
        let got = scorer.scores(&asked(array![[2.0, 2.0, 2.0]], &fixture), &candidates, Own::Used).unwrap();
        assert!(
            (got[[0, 0]] - 0.75).abs() < 0.08 && (got[[0, 0]] + got[[0, 1]] - 1.0).abs() < 1e-6 && got[[0, 2]] == 0.0
        );
    }
}
