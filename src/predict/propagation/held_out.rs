//! How much of the propagation helps perturbations that its network has not seen.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::super::{PredictError, Task};
use super::{Config, Network};
use crate::data::{GeneId, Responses, Split};

/// Factors on the learned effects that are tried.
const STRETCHES: [f64; 4] = [1.0, 1.25, 1.5, 2.0];
/// Fewer perturbations than this per inner fold choose nothing.
const LEAST_PER_FOLD: usize = 3;
/// Largest share; the network is shrunk, so that more than all of it may be right.
const MOST: f64 = 1.5;

/// Propagated changes of training perturbations by networks that have not seen them, and what they are worth.
#[derive(Debug, Clone)]
pub(in crate::predict) struct HeldOut {
    /// Propagated minus common change, n_rows x n_genes, at the chosen stretch.
    pub(in crate::predict) departure: Array2<f32>,
    /// What is added to the training mean: share x departure; 0 where that does not help.
    pub(in crate::predict) share: f64,
    /// Factor on all effects.
    pub(in crate::predict) stretch: f64,
}

/// Predicts every row by a network that was fitted on the other inner folds, and chooses stretch and share.
///
/// The share is that of least squares, and 0 unless the mean squared error relative to the training mean falls by more
/// than one standard error. The targets themselves are left out: another rule sets them.
pub(in crate::predict) fn hold_out(config: &Config, task: &Task<'_>) -> Result<HeldOut, PredictError> {
    let responses = task.responses;
    if responses.len() < config.folds.max(2) * LEAST_PER_FOLD {
        return Ok(HeldOut { departure: Array2::zeros(responses.delta.raw_dim()), share: 0.0, stretch: 1.0 });
    }
    let mut departures = vec![Array2::<f32>::zeros(responses.delta.raw_dim()); STRETCHES.len()];
    let mut change = Array2::<f32>::zeros(responses.delta.raw_dim());
    let split = Split::seeded(responses.len(), config.folds.max(2), task.seed)?;
    for fold in &split.folds {
        let train = responses.subset(&split.train(fold));
        let mut network = Network::fit(config, &train, task.graph)?;
        let asked: Vec<_> = fold.held_out.iter().map(|&r| responses.perturbations[r].clone()).collect();
        for (departure, stretch) in departures.iter_mut().zip(STRETCHES) {
            network.stretch = stretch;
            let common = network.common(&train);
            let propagated = network.propagate_all(&asked) - &common;
            fold.held_out.iter().zip(propagated.outer_iter()).for_each(|(&r, d)| departure.row_mut(r).assign(&d));
        }
        let mean = train.mean_delta();
        fold.held_out.iter().for_each(|&r| change.row_mut(r).assign(&(&responses.delta.row(r) - &mean)));
    }
    forget_targets(responses, &mut change);
    let scored = departures.into_iter().zip(STRETCHES).map(|(departure, stretch)| {
        let share = share(&departure, &change);
        (gain(&departure, &change, share).0, HeldOut { departure, share, stretch })
    });
    let best = scored.reduce(|best, x| if x.0 > best.0 { x } else { best });
    let Some((_, mut best)) = best else { unreachable!("there are stretches") };
    let (mean, error) = gain(&best.departure, &change, best.share);
    if mean <= error {
        best.share = 0.0;
    }
    Ok(best)
}

/// Sets the entries of a row's own targets to zero.
fn forget_targets(responses: &Responses, change: &mut Array2<f32>) {
    for (mut row, p) in change.outer_iter_mut().zip(&responses.perturbations) {
        let own = p.targets().iter().filter_map(|t| responses.genes.resolve(t)).map(GeneId::index);
        own.for_each(|g| row[g] = 0.0);
    }
}

fn dot(x: ArrayView1<'_, f32>, y: ArrayView1<'_, f32>) -> f64 {
    x.iter().zip(y).filter(|(_, y)| **y != 0.0).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

/// Least squares over all rows, each scaled to unit length of its change.
fn share(departure: &Array2<f32>, change: &Array2<f32>) -> f64 {
    let (mut product, mut square) = (0.0, 0.0);
    for (d, c) in departure.outer_iter().zip(change.outer_iter()) {
        let length = dot(c, c);
        if length > 0.0 {
            product += dot(d, c) / length;
            square +=
                d.iter().zip(c).filter(|(_, c)| **c != 0.0).map(|(d, _)| f64::from(*d).powi(2)).sum::<f64>() / length;
        }
    }
    if square > 0.0 { (product / square).clamp(0.0, MOST) } else { 0.0 }
}

/// Mean over rows of 1 - relative squared error, and its standard error.
fn gain(departure: &Array2<f32>, change: &Array2<f32>, share: f64) -> (f64, f64) {
    let rows = departure.axis_iter(Axis(0)).zip(change.axis_iter(Axis(0)));
    let gains: Array1<f64> = rows
        .filter_map(|(d, c)| {
            let length = dot(c, c);
            let square: f64 = d.iter().zip(c).filter(|(_, c)| **c != 0.0).map(|(d, _)| f64::from(*d).powi(2)).sum();
            (length > 0.0).then(|| (2.0 * share * dot(d, c) - share * share * square) / length)
        })
        .collect();
    if gains.len() < 2 {
        // A gain without an error is none.
        return (0.0, 0.0);
    }
    let mean = gains.mean().unwrap_or(0.0);
    (mean, gains.std(1.0) / (gains.len().max(1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables in which nothing changes (or no gene is left) have no gain.
    #[test]
    fn no_change_has_no_gain() {
        for shape in [(0, 0), (3, 0), (3, 2), (1, 2)] {
            let nothing = Array2::zeros(shape);
            assert_eq!(gain(&nothing, &nothing, 0.5), (0.0, 0.0));
        }
        let (departure, change) = (ndarray::array![[1.0, 0.0], [0.0, 1.0]], ndarray::array![[1.0, 1.0], [1.0, 1.0]]);
        // By hand: (2 <d, c> - |d|^2) / |c|^2 = (2 - 1) / 2 in both rows.
        assert_eq!(gain(&departure, &change, 1.0), (0.5, 0.0));
    }
}
