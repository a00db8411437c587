//! Boosted trees, one ensemble per training target against the others.
//!
//! Squared error on 0/1 labels with second-order splits and shrunken leaves (XGBoost) by `smartcore`, as many fits side by
//! side as there are threads; no random number is drawn. The search for splits is exact and goes through every feature of
//! every row at every node, so the features are the leading principal components and not the genes.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};

use super::components::Components;
use super::examples::{ByOwn, Classifier, Examples};
use super::{Known, Scorer, ScorerSpec};
use crate::rank::RankError;

/// Principal components read.
const COMPONENTS: usize = 30;
const ROUNDS: usize = 50;
const DEPTH: u16 = 3;
const LEARNING_RATE: f64 = 0.2;

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "boosting",
    about: "boosted trees from the change to its target, one against the rest (seen genes only)",
    source: "Chen and Guestrin, KDD 2016 (XGBoost), by the crate smartcore",
    without_own: true,
    joint: false,
    fit: |known| fit(known),
};

fn fit(known: &Known<'_>) -> Result<Box<dyn Scorer>, RankError> {
    Ok(Box::new(ByOwn::fit(known, true, Boosting::fit)?))
}

type Ensemble = XGRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>;

struct Boosting {
    components: Components,
    /// One per target.
    ensembles: Vec<Ensemble>,
}

impl Boosting {
    fn fit(examples: &Examples) -> Result<Self, RankError> {
        let components = Components::fit(examples, COMPONENTS)?;
        let x = matrix(&components.project(examples.x.view(), COMPONENTS))?;
        let one = |target: usize| {
            let y = examples.y.column(target).to_vec();
            let options = XGRegressorParameters::default()
                .with_n_estimators(ROUNDS)
                .with_max_depth(DEPTH)
                .with_learning_rate(LEARNING_RATE)
                .with_base_score(y.iter().sum::<f64>() / y.len().max(1) as f64);
            XGRegressor::fit(&x, &y, options).map_err(failed)
        };
        let n = if components.len() == 0 { 0 } else { examples.y.ncols() };
        Ok(Self { ensembles: (0..n).into_par_iter().map(one).collect::<Result<_, _>>()?, components })
    }
}

impl Classifier for Boosting {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, RankError> {
        let mut out = Array2::zeros((x.nrows(), self.ensembles.len()));
        if x.nrows() > 0 && !self.ensembles.is_empty() {
            let x = matrix(&self.components.project(x, COMPONENTS))?;
            for (ensemble, mut to) in self.ensembles.iter().zip(out.columns_mut()) {
                let predicted = ensemble.predict(&x).map_err(failed)?;
                // A regression may fall a little below the label 0, which no score of a seen gene is to do.
                to.iter_mut().zip(predicted).for_each(|(to, p)| *to = p.max(0.0));
            }
        }
        Ok(out)
    }
}

fn matrix(x: &Array2<f64>) -> Result<DenseMatrix<f64>, RankError> {
    DenseMatrix::new(x.nrows(), x.ncols(), x.iter().copied().collect(), false).map_err(failed)
}

fn failed(error: smartcore::error::Failed) -> RankError {
    RankError::Boosting { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;
    use crate::rank::Own;

    /// Two examples and one target each. In every round the remaining error of the two is +-e; a cut between them gives each
    /// its own leaf of e / (1 + 1), by the L2 penalty of 1, of which a fifth is taken: e falls from 1/2 by a factor of 0.9
    /// a round, for 50 rounds.
    #[test]
    fn leaves_are_shrunken_residuals() {
        let fixture = Fixture::new(&["X", "Y"], &["A", "B"], array![[1.0, 1.0], [-1.0, -1.0]]);
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "C"]);
        let got = scorer.scores(&asked(array![[5.0, 5.0]], &fixture), &candidates, Own::Used).unwrap();
        let rest = 0.5 * 0.9f32.powi(50);
        assert!((got[[0, 0]] - 1.0 + rest).abs() < 1e-6 && (got[[0, 1]] - rest).abs() < 1e-6, "{got}");
        assert_eq!(got[[0, 2]], 0.0);
    }

    #[test]
    fn threads_change_no_bit() {
        let delta = Array2::from_shape_fn((12, 9), |(i, j)| ((i * 7 + j * 5) % 11) as f32 - 5.0);
        let perturbations = ["A", "B", "C", "D", "E", "A+B", "A+C", "A+D", "B+C", "B+D", "C+D", "D+E"];
        let genes = ["G0", "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8"];
        let fixture = Fixture::new(&genes, &perturbations, delta.clone());
        let candidates = fixture.candidates(&["A", "B", "C", "D", "E"]);
        let scores = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let fit = || (SPEC.fit)(&fixture.known()).unwrap();
            pool.install(fit).scores(&asked(delta.clone(), &fixture), &candidates, Own::Excluded).unwrap()
        };
        assert_eq!(scores(1), scores(3));
    }
}
