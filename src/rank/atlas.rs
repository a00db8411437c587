//! What a fitted model expects of every candidate, kept small enough for a whole genome.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use rayon::prelude::*;

use super::{Candidates, Frame, RankError};
use crate::data::{GeneId, Perturbation, Responses};
use crate::predict::{Basis, LeftOut, PredictError, Predictor};
use crate::stats::{Rng, inverse_spd, pca};

/// Candidates predicted at once: bounds memory to this many rows over the genes.
const BLOCK: usize = 1024;
/// Axes of the predicted responses that are kept.
const AXES: usize = 100;
/// Candidates beside the training perturbations that the axes are made of.
const SAMPLE: usize = 600;
/// Share of the residual covariance between axes that is forgotten. More where perturbations are few (p / (n + p)) ranks
/// no better.
const SHRINKAGE: f64 = 0.1;
/// Limits of the spread that a distance stands for, relative to the mean residual.
const SPREAD: [f64; 2] = [0.3, 5.0];

/// Predicted responses of candidates as scores on a few axes, and how far such predictions are from the truth.
///
/// A response is centred (see [`Frame`]) and has 0 at the gene of the candidate itself. A candidate that was perturbed in
/// training has the prediction of a fit that has not seen it, so that all candidates are compared alike.
#[derive(Debug, Clone, Default)]
pub struct Atlas {
    /// The candidates, in the order of all rows below.
    pub candidates: Candidates,
    /// Orthonormal axes, n_genes x n_axes.
    pub axes: Array2<f32>,
    /// Scores z on the axes, n_candidates x n_axes.
    pub scores: Array2<f32>,
    /// C^-1 z with C the covariance of the residuals of training perturbations on the axes, n_candidates x n_axes.
    pub whitened: Array2<f32>,
    /// C^-1, n_axes x n_axes.
    pub precision: Array2<f32>,
    /// Expected change of the gene itself, centred; 0 where it is not measured.
    pub own: Vec<f32>,
    /// [`crate::predict::Prediction::distance`]; 1 where the model has no such notion.
    pub distance: Vec<f32>,
    /// Squared residual that the distance stands for, relative to the mean residual.
    pub spread: Vec<f64>,
    /// What the predictions rest on.
    pub basis: Vec<Basis>,
}

/// One prediction as the atlas needs it.
struct Expected {
    change: Array1<f32>,
    own: f32,
    distance: f32,
    basis: Basis,
}

/// What an atlas is made from.
pub struct Source<'a> {
    /// The fitted model.
    pub predictor: &'a dyn Predictor,
    /// What it was fitted on.
    pub responses: &'a Responses,
    /// Centre of the training changes.
    pub frame: &'a Frame,
    /// Predictions for the training perturbations by fits that have not seen them.
    pub left_out: LeftOut<'a>,
    /// Seed of the sample behind the axes.
    pub seed: u64,
}

impl Atlas {
    /// Predicts every candidate. `progress` hears how many are done.
    ///
    /// # Errors
    /// Whatever a prediction returns; LAPACK's refusal of a residual covariance that is not finite.
    ///
    /// # Complexity
    /// One prediction and n_genes x n_axes products per candidate, in parallel; 8 n_axes bytes per candidate are kept.
    pub fn new(of: &Source<'_>, candidates: Candidates, progress: &mut dyn FnMut(usize)) -> Result<Self, RankError> {
        let axes = of.axes(&candidates)?;
        let n = candidates.len();
        let (mut scores, mut own) = (Array2::<f32>::zeros((n, axes.ncols())), Vec::with_capacity(n));
        let (mut distance, mut basis) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let all: Vec<usize> = (0..n).collect();
        for block in all.chunks(BLOCK) {
            let expected = of.expected(&candidates, block)?;
            let rows: Vec<Array1<f32>> = expected.par_iter().map(|e| e.change.dot(&axes)).collect();
            for ((&c, row), e) in block.iter().zip(&rows).zip(&expected) {
                scores.row_mut(c).assign(row);
                own.push(e.own);
                distance.push(e.distance);
                basis.push(e.basis);
            }
            progress(own.len());
        }
        let (precision, slope) = of.residuals(&axes)?;
        let precision = precision.mapv(|v| v as f32);
        let whitened = scores.dot(&precision);
        let spread = distance.iter().map(|d| slope.at(*d)).collect();
        Ok(Self { candidates, axes, scores, whitened, precision, own, distance, spread, basis })
    }

    /// The rows of these candidates (names of the atlas only), with what is known of them there.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick = |x: &[f32]| rows.iter().map(|&r| x[r]).collect();
        Self {
            candidates: self.candidates.select(rows),
            axes: self.axes.clone(),
            scores: self.scores.select(Axis(0), rows),
            whitened: self.whitened.select(Axis(0), rows),
            precision: self.precision.clone(),
            own: pick(&self.own),
            distance: pick(&self.distance),
            spread: rows.iter().map(|&r| self.spread[r]).collect(),
            basis: rows.iter().map(|&r| self.basis[r]).collect(),
        }
    }
}

/// How the squared residual grows with the distance.
struct Slope {
    at_zero: f64,
    per_distance: f64,
}

impl Slope {
    fn at(&self, distance: f32) -> f64 {
        (self.at_zero + self.per_distance * f64::from(distance)).clamp(SPREAD[0], SPREAD[1])
    }

    /// Least squares of these residuals on their distances.
    fn fit(distance: &[f32], square: &[f64]) -> Self {
        let n = distance.len().max(1) as f64;
        let mean = |x: &mut dyn Iterator<Item = f64>| x.sum::<f64>() / n;
        let x = mean(&mut distance.iter().map(|d| f64::from(*d)));
        let y = mean(&mut square.iter().copied());
        let cross = mean(&mut distance.iter().zip(square).map(|(d, s)| (f64::from(*d) - x) * (s - y)));
        let own = mean(&mut distance.iter().map(|d| (f64::from(*d) - x).powi(2)));
        let per_distance = if own > 1e-9 { (cross / own).max(0.0) } else { 0.0 };
        Self { at_zero: y - per_distance * x, per_distance }
    }
}

impl Source<'_> {
    /// The leading axes of the left-out predictions and a sample of the others.
    fn axes(&self, candidates: &Candidates) -> Result<Array2<f32>, RankError> {
        let mut others: Vec<usize> = (0..candidates.len()).filter(|&c| candidates.seen[c].is_none()).collect();
        Rng::named(self.seed, "rank.axes").shuffle(&mut others);
        let seen = (0..candidates.len()).filter(|&c| candidates.seen[c].is_some());
        let sample: Vec<usize> = seen.chain(others.into_iter().take(SAMPLE)).collect();
        let mut rows = Vec::with_capacity(sample.len());
        for block in sample.chunks(BLOCK) {
            rows.extend(self.expected(candidates, block)?.into_iter().map(|e| e.change));
        }
        let n_genes = self.frame.mean.len();
        let x = Array2::from_shape_fn((rows.len(), n_genes), |(r, g)| f64::from(rows[r][g]));
        let axes = pca(x.view(), AXES.min(rows.len()).min(n_genes))?.axes;
        Ok(axes.t().mapv(|v| v as f32).as_standard_layout().into_owned())
    }

    /// What is expected of some candidates.
    fn expected(&self, candidates: &Candidates, rows: &[usize]) -> Result<Vec<Expected>, RankError> {
        rows.par_iter().map(|&c| self.expect(candidates, c)).collect()
    }

    fn expect(&self, candidates: &Candidates, c: usize) -> Result<Expected, RankError> {
        let (mut change, distance, basis) = match candidates.seen[c] {
            Some(row) => (self.left_out.delta.row(row).to_owned(), self.left_out.distance[row], Basis::Graph),
            None => self.predicted(&candidates.names[c])?,
        };
        change -= &ArrayView1::from(&self.frame.mean[..]);
        let own = candidates.gene[c].map_or(0.0, |g| std::mem::take(&mut change[g.index()]));
        Ok(Expected { change, own, distance, basis })
    }

    /// The prediction for a gene; the training mean for one that the model does not know.
    fn predicted(&self, gene: &str) -> Result<(Array1<f32>, f32, Basis), RankError> {
        match self.predictor.predict(&Perturbation::of([gene])) {
            Ok(p) => Ok((p.delta.mean.into(), p.distance.unwrap_or(1.0), p.basis)),
            Err(PredictError::UnknownTarget { .. }) => Ok((self.frame.mean.clone().into(), 1.0, Basis::Fallback)),
            Err(other) => Err(other.into()),
        }
    }

    /// Inverse covariance of the residuals on the axes, and how their size depends on the distance.
    fn residuals(&self, axes: &Array2<f32>) -> Result<(Array2<f64>, Slope), RankError> {
        let mut residual = &self.responses.delta - self.left_out.delta;
        for (mut row, perturbation) in residual.outer_iter_mut().zip(&self.responses.perturbations) {
            let own = perturbation.targets().iter().filter_map(|t| self.responses.genes.resolve(t));
            own.map(GeneId::index).for_each(|g| row[g] = 0.0);
        }
        let on_axes = residual.dot(axes).mapv(f64::from);
        let mut covariance = on_axes.t().dot(&on_axes) / on_axes.nrows().max(1) as f64;
        let mean = covariance.diag().sum() / covariance.nrows().max(1) as f64;
        let kept = covariance.diag().to_owned();
        covariance *= 1.0 - SHRINKAGE;
        covariance.diag_mut().zip_mut_with(&kept, |c, k| *c = k + 1e-6 * mean + f64::MIN_POSITIVE);
        let precision = inverse_spd(&covariance)?;
        let square = |row: ArrayView1<'_, f64>| row.dot(&precision.dot(&row)) / precision.nrows().max(1) as f64;
        let squares: Vec<f64> = on_axes.outer_iter().map(square).collect();
        Ok((precision, Slope::fit(self.left_out.distance, &squares)))
    }
}
