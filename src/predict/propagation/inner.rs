//! Choosing penalties and coefficients by inner folds.

use ndarray::{Array1, Array2, Axis};

use super::network::{Network, Penalties};
use super::prior::{Prior, own_genes};
use super::start::Start;
use crate::data::{Fold, Perturbation, Responses, Split};
use crate::graph::GeneGraph;
use crate::predict::PredictError;
use crate::stats::{Rng, solve};
use crate::train::{Observer, Progress};

/// Penalties tried, in units of the mean square of a change.
const PENALTIES: [f64; 3] = [10.0, 40.0, 160.0];
/// Freedoms of unnamed regulators tried.
const UNNAMED: [f64; 2] = [0.02, 0.15];
/// Coefficients of steps are drawn to 0 by this share of their mean square.
const STEP_RIDGE: f64 = 0.01;
/// Less gain in squared error than this share is none.
const LEAST_GAIN: f64 = 0.002;

/// The training perturbations and what is the same for every fit on part of them.
pub(super) struct Inner<'a> {
    pub(super) responses: &'a Responses,
    pub(super) graph: &'a GeneGraph,
    pub(super) prior: Prior,
    pub(super) gain: &'a Array1<f64>,
    /// ln of what is left of a target.
    pub(super) strength: f64,
    pub(super) hops: usize,
}

/// What the inner folds chose.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) penalties: Penalties,
    /// Coefficient of each step.
    pub(super) steps: Vec<f64>,
    /// Share of the squared distance from the mean that is explained in the inner folds.
    pub(super) explained: f64,
    split: Split,
}

impl Choice {
    pub(super) fn helps(&self) -> bool {
        self.steps.iter().any(|&b| b != 0.0)
    }

    pub(super) fn values(&self) -> Vec<(String, f64)> {
        let chosen = [
            ("penalty", self.penalties.penalty),
            ("unnamed", self.penalties.unnamed),
            ("inner.explained", self.explained),
        ];
        let steps = self.steps.iter().enumerate().map(|(k, &b)| (format!("step.{}", k + 1), b));
        chosen.into_iter().map(|(k, v)| (k.to_owned(), v)).chain(steps).collect()
    }
}

/// The penalties with the smallest squared error in `k` inner folds, and the coefficients of the steps there; all
/// coefficients are 0 where nothing is gained.
pub(super) fn choose(
    inner: &Inner<'_>,
    k: usize,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<Choice, PredictError> {
    let n = inner.responses.len();
    let split = Split::seeded(n, k.clamp(2, n), Rng::named(seed, "propagation").next_u64())?;
    let of = (PENALTIES.len() * UNNAMED.len() * split.folds.len()) as u64;
    let (mut best, mut done) = (None::<Choice>, 0);
    for penalty in PENALTIES {
        for unnamed in UNNAMED {
            let penalties = Penalties { penalty, unnamed };
            let mut sums = Sums::new(inner.hops);
            for fold in &split.folds {
                if observer.stop_requested() {
                    return Err(PredictError::Interrupted { step: done, of });
                }
                sums.add_fold(inner, &split, fold, penalties)?;
                done += 1;
                let model = super::NAME.to_owned();
                observer.progress(&Progress { model, step: done, of, values: Vec::new() });
            }
            let (steps, explained) = sums.solve()?;
            if best.as_ref().is_none_or(|b| explained > b.explained) {
                best = Some(Choice { penalties, steps, explained, split: split.clone() });
            }
        }
    }
    let mut best = best.ok_or_else(|| PredictError::NotFitted { model: super::NAME.into() })?;
    if best.explained < LEAST_GAIN {
        best.steps.fill(0.0);
    }
    Ok(best)
}

impl Inner<'_> {
    /// A network of these rows.
    pub(super) fn fit(&self, rows: &[usize], penalties: Penalties) -> Result<(Network, Start), PredictError> {
        let mean = self.mean(rows);
        let mut changes = Array2::zeros((rows.len(), self.gain.len()));
        for (&row, mut to) in rows.iter().zip(changes.outer_iter_mut()) {
            let from = self.responses.delta.row(row);
            to.iter_mut().enumerate().for_each(|(g, x)| *x = (f64::from(from[g]) - mean[g]) / self.gain[g]);
        }
        let genes = &self.responses.genes;
        let own: Vec<Vec<usize>> =
            rows.iter().map(|&row| own_genes(self.responses.perturbations[row].targets(), genes)).collect();
        let expected = self.prior.coefficients(&changes, &own)?;
        let sources = changes.select(Axis(1), &self.prior.sources);
        let square = sources.iter().map(|x| x * x).sum::<f64>() / sources.len().max(1) as f64;
        let scaled = Penalties { penalty: penalties.penalty * square.max(f64::MIN_POSITIVE.sqrt()), ..penalties };
        let network = Network::fit(&changes, &own, &self.prior, expected, scaled)?;
        Ok((network, Start { strength: self.strength, expected }))
    }

    /// Mean change over these rows.
    fn mean(&self, rows: &[usize]) -> Array1<f64> {
        let mut mean = Array1::zeros(self.gain.len());
        for &row in rows {
            mean.zip_mut_with(&self.responses.delta.row(row), |m, &x| *m += f64::from(x));
        }
        mean / rows.len().max(1) as f64
    }

    /// Each step of each held-out row times gain, without its mean over the rows the network was fitted on; one
    /// n_held_out x n_genes per step.
    fn features(&self, split: &Split, fold: &Fold, penalties: Penalties) -> Result<Vec<Array2<f32>>, PredictError> {
        let train = split.train(fold);
        let (network, start) = self.fit(&train, penalties)?;
        let gain = self.gain.mapv(|g| g as f32);
        let of = |rows: &[usize]| {
            let perturbations: Vec<&Perturbation> = rows.iter().map(|&r| &self.responses.perturbations[r]).collect();
            start.hops(&network, &perturbations, self.graph, &self.responses.genes, self.hops)
        };
        let trained = of(&train);
        let centred = of(&fold.held_out).into_iter().zip(trained).map(|(held_out, trained)| {
            let mean = trained.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(gain.len()));
            (held_out - &mean) * &gain
        });
        Ok(centred.collect())
    }

    /// What is to be explained of a row: its change without the mean of `rows`; nothing at its own targets.
    fn target(&self, row: usize, mean: &Array1<f64>) -> Array1<f64> {
        let mut y = self.responses.delta.row(row).mapv(f64::from) - mean;
        own_genes(self.responses.perturbations[row].targets(), &self.responses.genes)
            .into_iter()
            .for_each(|g| y[g] = 0.0);
        y
    }

    /// What propagation says of each row when its inner fold is held out, n x n_genes.
    pub(super) fn out_of_fold(&self, choice: &Choice) -> Result<Array2<f64>, PredictError> {
        let mut out = Array2::zeros(self.responses.delta.raw_dim());
        for fold in &choice.split.folds {
            for (h, &b) in self.features(&choice.split, fold, choice.penalties)?.iter().zip(&choice.steps) {
                for (&row, h) in fold.held_out.iter().zip(h.outer_iter()) {
                    out.row_mut(row).zip_mut_with(&h, |o, &x| *o += b * f64::from(x));
                }
            }
        }
        Ok(out)
    }

    /// What is left of each row without the mean and this, n x n_genes.
    pub(super) fn left_by(&self, propagated: &Array2<f64>) -> Array2<f64> {
        let all: Vec<usize> = (0..self.responses.len()).collect();
        let mean = self.mean(&all);
        let mut left = Array2::zeros(propagated.raw_dim());
        for (row, mut to) in left.outer_iter_mut().enumerate() {
            let own = own_genes(self.responses.perturbations[row].targets(), &self.responses.genes);
            to.assign(&(self.target(row, &mean) - propagated.row(row)));
            own.into_iter().for_each(|g| to[g] = 0.0);
        }
        left
    }
}

/// Sums for the least-squares coefficients of the steps.
struct Sums {
    gram: Array2<f64>,
    right: Array1<f64>,
    /// Sum of squares of what is to be explained.
    total: f64,
}

impl Sums {
    fn new(steps: usize) -> Self {
        Self { gram: Array2::zeros((steps, steps)), right: Array1::zeros(steps), total: 0.0 }
    }

    fn add_fold(
        &mut self,
        inner: &Inner<'_>,
        split: &Split,
        fold: &Fold,
        penalties: Penalties,
    ) -> Result<(), PredictError> {
        let mean = inner.mean(&split.train(fold));
        let steps = inner.features(split, fold, penalties)?;
        for (k, &row) in fold.held_out.iter().enumerate() {
            let y = inner.target(row, &mean);
            let of_row: Vec<Array1<f64>> = steps.iter().map(|h| h.row(k).mapv(f64::from)).collect();
            for (a, x) in of_row.iter().enumerate() {
                self.right[a] += x.dot(&y);
                of_row.iter().enumerate().for_each(|(b, z)| self.gram[[a, b]] += x.dot(z));
            }
            self.total += y.dot(&y);
        }
        Ok(())
    }

    /// Coefficients, and the share of the sum of squares that they explain.
    fn solve(&self) -> Result<(Vec<f64>, f64), PredictError> {
        let ridge = STEP_RIDGE * self.gram.diag().sum() / self.right.len().max(1) as f64;
        if ridge <= 0.0 || self.total <= 0.0 {
            return Ok((vec![0.0; self.right.len()], 0.0));
        }
        let mut gram = self.gram.clone();
        gram.diag_mut().mapv_inplace(|v| v + ridge);
        let b = solve(&gram, &self.right)?;
        let explained = 2.0 * b.dot(&self.right) - b.dot(&self.gram.dot(&b));
        Ok((b.to_vec(), explained / self.total))
    }
}
