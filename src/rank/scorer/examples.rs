//! Training perturbations as labelled examples, for scorers that are classifiers.
//!
//! A classifier reads the whole change at once, so that the reading of one candidate cannot be left out of one score. Where
//! own readings are excluded, it is therefore fitted on and asked with the other genes only: no gene that a training
//! perturbation targets is among its features. A candidate that no training perturbation targets scores 0 whatever the
//! change. So no score is a function of the change of its own candidate, at the price of what the targets say of each
//! other.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::data::GeneId;
use crate::rank::scorer::{Asked, Known, Scorer};
use crate::rank::{Candidates, Own, RankError};
use crate::stats::Rng;

/// Examples of each training perturbation where its noise is known: the measured one and pseudo-replicates.
const COPIES: usize = 4;
/// Pseudo-replicates are for small screens: together there are at most this many examples, or one per perturbation.
const MOST_EXAMPLES: usize = 800;

/// What a classifier is fitted on.
#[derive(Debug, Clone)]
pub(super) struct Examples {
    /// Changes less the mean training change, n_examples x n_features; the measured ones first.
    pub(super) x: Array2<f32>,
    /// 1 where an example perturbs a target, else 0, n_examples x n_targets.
    pub(super) y: Array2<f64>,
    /// How many examples are measured and not drawn.
    pub(super) n_measured: usize,
    /// Seed of every random choice.
    pub(super) seed: u64,
}

/// Scores every training target.
pub(super) trait Classifier: Send + Sync {
    /// Scores of the training targets, n_queries x n_targets, larger is likelier and none below 0; no column where there
    /// was nothing to learn from. `x` (n_queries x n_features) has the features of the examples.
    ///
    /// # Errors
    /// What the classifier's own sources return.
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, RankError>;
}

/// The genes a classifier reads, ascending, and the classifier.
struct Fitted<C> {
    genes: Vec<usize>,
    classifier: C,
}

/// One classifier that reads all genes and one that reads no training target.
pub(super) struct ByOwn<C> {
    /// Training targets, ascending.
    targets: Vec<Arc<str>>,
    used: Fitted<C>,
    /// None where no target is measured: then `used` reads none.
    excluded: Option<Fitted<C>>,
}

impl<C: Classifier> ByOwn<C> {
    /// Fits both. With `replicates` each perturbation is there several times where its noise is known: as measured, and
    /// with normal noise of its standard errors.
    ///
    /// # Errors
    /// Those of the fit.
    pub(super) fn fit(
        known: &Known<'_>,
        replicates: bool,
        fit: impl Fn(&Examples) -> Result<C, RankError>,
    ) -> Result<Self, RankError> {
        let targets = targets(known);
        let (x, y) = examples(known, &targets, replicates);
        let read = |genes: Vec<usize>| {
            let (x, n_measured) = (x.select(Axis(1), &genes), known.responses.len());
            let classifier = fit(&Examples { x, y: y.clone(), n_measured, seed: known.seed })?;
            Ok::<_, RankError>(Fitted { genes, classifier })
        };
        let all: Vec<usize> = (0..known.responses.genes.len()).collect();
        let measured: BTreeSet<usize> =
            targets.iter().filter_map(|t| known.responses.genes.resolve(t)).map(GeneId::index).collect();
        let others = all.iter().copied().filter(|g| !measured.contains(g)).collect();
        let excluded = if measured.is_empty() { None } else { Some(read(others)?) };
        Ok(Self { used: read(all)?, excluded, targets })
    }
}

impl<C: Classifier> Scorer for ByOwn<C> {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        let fitted = match own {
            Own::Used => &self.used,
            Own::Excluded => self.excluded.as_ref().unwrap_or(&self.used),
        };
        let predicted = fitted.classifier.predict(asked.centred.select(Axis(1), &fitted.genes).view())?;
        let mut out = Array2::zeros((asked.len(), candidates.len()));
        for (mut to, name) in out.columns_mut().into_iter().zip(&candidates.names) {
            let target = self.targets.binary_search(name).ok().filter(|&t| t < predicted.ncols());
            if let Some(target) = target {
                to.zip_mut_with(&predicted.column(target), |to, p| *to = *p as f32);
            }
        }
        Ok(out)
    }
}

/// All targets of training perturbations, ascending.
fn targets(known: &Known<'_>) -> Vec<Arc<str>> {
    let all = known.responses.perturbations.iter().flat_map(|p| p.targets().iter().cloned());
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Features over all genes, and labels.
fn examples(known: &Known<'_>, targets: &[Arc<str>], replicates: bool) -> (Array2<f32>, Array2<f64>) {
    let responses = known.responses;
    let mut x = responses.delta.clone();
    for mut row in x.outer_iter_mut() {
        row.iter_mut().zip(&known.frame.mean).for_each(|(x, m)| *x -= m);
    }
    let y = Array2::from_shape_fn((responses.len(), targets.len()), |(i, t)| {
        f64::from(u8::from(responses.perturbations[i].targets().contains(&targets[t])))
    });
    let squared_error = if replicates { responses.squared_error() } else { None };
    let Some(squared_error) = squared_error else { return (x, y) };
    let copies = (MOST_EXAMPLES / responses.len().max(1)).clamp(1, COPIES);
    let drawn: Vec<Array2<f32>> = (1..copies).map(|copy| drawn(&x, &squared_error, known.seed, copy as u64)).collect();
    let x_views: Vec<_> = std::iter::once(&x).chain(&drawn).map(|x| x.view()).collect();
    let y_views = vec![y.view(); copies];
    let stacked = concatenate(Axis(0), &x_views).ok().zip(concatenate(Axis(0), &y_views).ok());
    stacked.unwrap_or((x, y))
}

/// Every value plus normal noise of its standard error.
fn drawn(x: &Array2<f32>, squared_error: &Array2<f32>, seed: u64, copy: u64) -> Array2<f32> {
    let mut out = x.clone();
    for (row, (mut to, error)) in out.outer_iter_mut().zip(squared_error.outer_iter()).enumerate() {
        let mut rng = Rng::keyed(seed, "rank.examples", row as u64, copy);
        to.zip_mut_with(&error, |x, e| *x += e.sqrt() * rng.normal() as f32);
    }
    out
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::super::fixture::{Fixture, asked};
    use super::*;
    use crate::data::ControlProfile;

    /// Adds up the features, for every target alike.
    struct Sum(usize);

    impl Classifier for Sum {
        fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, RankError> {
            Ok(Array2::from_shape_fn((x.nrows(), self.0), |(q, _)| f64::from(x.row(q).sum())))
        }
    }

    fn fixture() -> Fixture {
        Fixture::new(&["A", "B", "C", "D"], &["A", "B+C"], array![[1.0, 0.0, 0.0, 4.0], [3.0, 2.0, 0.0, 0.0]])
    }

    #[test]
    fn targets_are_no_features_where_own_readings_are_excluded() {
        let fixture = fixture();
        let scorer = ByOwn::fit(&fixture.known(), false, |e| Ok(Sum(e.y.ncols()))).unwrap();
        let candidates = fixture.candidates(&["A", "C", "D"]);
        let asked = asked(array![[1.0, 10.0, 100.0, 1000.0]], &fixture);
        // The mean change is [2, 1, 0, 2]; D alone is no target.
        let t = |own, expected| assert_eq!(scorer.scores(&asked, &candidates, own).unwrap(), expected);
        t(Own::Used, array![[1106.0, 1106.0, 0.0]]);
        t(Own::Excluded, array![[998.0, 998.0, 0.0]]);
    }

    #[test]
    fn replicates_have_the_noise_of_the_measurement() {
        let mut fixture = fixture();
        fixture.responses.n_cells = vec![4, 4];
        fixture.responses.var = Some(array![[0.0, 4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]);
        fixture.responses.control =
            ControlProfile { mean: Array1::zeros(4), var: Some(array![0.0, 0.0, 0.0, 0.0]), third: None, n_cells: 100 };
        let seen = |replicates| {
            let cell = std::cell::RefCell::new(Vec::new());
            let record = |e: &Examples| {
                cell.borrow_mut().push(e.clone());
                Ok(Sum(e.y.ncols()))
            };
            ByOwn::fit(&fixture.known(), replicates, record).unwrap();
            cell.into_inner()
        };
        let all = seen(true).pop().unwrap();
        assert_eq!((all.x.dim(), all.y.dim(), all.n_measured), ((8, 4), (8, 3), 2));
        assert_eq!(all.y.row(5), array![0.0, 1.0, 1.0]);
        let moved: Vec<bool> = (all.x.row(4).to_owned() - all.x.row(0)).iter().map(|d| *d != 0.0).collect();
        assert_eq!(moved, [false, true, false, false]);
        assert_eq!(seen(false).pop().unwrap().x.nrows(), 2);
    }
}
