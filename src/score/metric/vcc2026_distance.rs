//! Squared distances of pseudobulk less what sampling adds to them, per gene.
//!
//! |a - b|^2 of two noisy vectors is too large by the sampling variance of both, which is subtracted. What a prediction
//! may have subtracted is bounded by the real variance, and over all perturbations by the spread of the prediction between
//! perturbations. Own target genes are left out of distances, not of variances.

use super::{Comparison, ScoreError, Values};

/// Mean squared error.
pub(super) fn uncapped(c: &Comparison) -> Result<Values, ScoreError> {
    let claims = c.pred.variance()?.to_vec();
    errors(c, &claims)
}

/// Mean squared error, what the prediction may claim bounded.
pub(super) fn capped(c: &Comparison) -> Result<Values, ScoreError> {
    let pairs = c.pred.variance()?.iter().zip(c.real.variance()?);
    let mut claims: Vec<f64> = pairs.map(|(pred, real)| pred.min(*real)).collect();
    let weights: Vec<f64> = (0..c.n_labels()).map(|label| weight(c, label)).collect();
    let claimed: f64 = claims.iter().zip(&weights).map(|(claim, w)| claim * w).sum();
    let allowed = if claimed > 0.0 { (spread(c, &weights) / claimed).min(1.0) } else { 1.0 };
    claims.iter_mut().for_each(|claim| *claim *= allowed);
    errors(c, &claims)
}

/// Mean squared real effect.
pub(super) fn effect(c: &Comparison) -> Result<Values, ScoreError> {
    let variance = c.real.variance()?;
    let noise = |label: usize| variance[label] + variance[c.n_labels()];
    Ok((0..c.n_labels())
        .map(|label| mean_square(c, label, c.real.delta.row(label).iter().copied(), noise(label)))
        .collect())
}

/// Sum of errors over sum of effects.
pub(super) fn relative(c: &Comparison) -> Result<f64, ScoreError> {
    let sum = |values: Values| values.iter().flatten().sum::<f64>();
    Ok(sum(capped(c)?) / sum(effect(c)?))
}

/// A ratio of sums has no value for one perturbation.
pub(super) fn of_no_label(c: &Comparison) -> Result<Values, ScoreError> {
    Ok(vec![None; c.n_labels()])
}

/// Mean squared errors less the real variance and what is claimed for the predicted one.
fn errors(c: &Comparison, claims: &[f64]) -> Result<Values, ScoreError> {
    let variance = c.real.variance()?;
    let of_label = |label: usize| {
        let pairs = c.pred.mean.row(label).into_iter().zip(c.real.mean.row(label));
        mean_square(c, label, pairs.map(|(p, r)| p - r), claims[label] + variance[label])
    };
    Ok((0..c.n_labels()).map(of_label).collect())
}

/// Mean square over the genes but own targets, less noise; `None` without a gene.
fn mean_square(c: &Comparison, label: usize, values: impl Iterator<Item = f64>, noise: f64) -> Option<f64> {
    let other = |(gene, _): &(usize, f64)| !c.own[label].contains(gene);
    let squares: f64 = values.enumerate().filter(other).map(|(_, v)| v * v).sum();
    let weight = weight(c, label);
    (weight > 0.0).then_some((squares - noise) * weight)
}

/// One over the number of genes that count.
fn weight(c: &Comparison, label: usize) -> f64 {
    let n = c.genes.len() - c.own[label].len();
    if n == 0 { 0.0 } else { 1.0 / n as f64 }
}

/// Weighted sum of squares of the predicted means around their weighted mean, over the perturbations for which a gene
/// counts; a gene of fewer than two has none.
fn spread(c: &Comparison, weights: &[f64]) -> f64 {
    let of_gene = |gene: usize| {
        let values = c.pred.mean.column(gene);
        let shift = values.iter().sum::<f64>() / values.len() as f64;
        let (mut n, mut w, mut sum, mut squares) = (0, 0.0, 0.0, 0.0);
        for label in (0..c.n_labels()).filter(|label| !c.own[*label].contains(&gene)) {
            let x = values[label] - shift;
            n += 1;
            w += weights[label];
            sum += weights[label] * x;
            squares += weights[label] * x * x;
        }
        if n < 2 || w <= 0.0 { 0.0 } else { (squares - sum * sum / w).max(0.0) }
    };
    (0..c.genes.len()).map(of_gene).sum()
}
