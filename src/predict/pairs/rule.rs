//! How parts make a pair.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::interaction::Interaction;
use super::singles::Singles;
use crate::data::{Quantity, Responses};
use crate::predict::PredictError;
use crate::predict::calibration::own_genes;

/// The change of a pair from the parts of its targets.
#[derive(Debug, Clone)]
pub(in crate::predict) struct PairRule {
    stored: PairRuleStored,
    interaction: Option<Interaction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in crate::predict) struct PairRuleStored {
    /// Weight of the mean of the singles.
    pub(in crate::predict) mean: f32,
    /// Weight of the sum of the parts.
    pub(in crate::predict) parts: f32,
    /// Training pairs whose singles were both measured.
    pub(in crate::predict) n: usize,
    /// Leave-one-pair-out root mean squared error over that of the sum of both measured changes; 1 without such pairs.
    pub(in crate::predict) to_additive: f64,
    /// Unit of the interaction's kernel; 0 without interaction.
    unit: f32,
}

/// Weights of the mean and of the parts.
type Weights = [f64; 2];

/// A rule and, by row of the responses, its predictions of the training pairs without them.
pub(in crate::predict) type WithLeftOut = (PairRule, Vec<(usize, Array1<f32>)>);

impl PairRule {
    /// Learns from the training pairs whose singles were both measured.
    pub(in crate::predict) fn fit(responses: &Responses, singles: &Singles) -> Result<WithLeftOut, PredictError> {
        let pairs = Pairs::of(responses, singles);
        let (mut weights, mut left_out) = pairs.weights();
        if pairs.rows.is_empty() {
            weights = [1.0, 1.0];
        }
        let mut interaction = None;
        let rest = &pairs.measured - &left_out;
        if let Some((fitted, added)) = Interaction::fit(singles.parts(), [&pairs.a, &pairs.b], &rest)? {
            let with = &left_out + &added;
            if pairs.better(&with, &left_out) {
                (interaction, left_out) = (Some(fitted), with);
            }
        }
        pairs.floor(&mut left_out);
        let error = |x: &Array2<f32>| pairs.errors(x).iter().sum::<f64>();
        let additive = error(&pairs.additive);
        let stored = PairRuleStored {
            mean: weights[0] as f32,
            parts: weights[1] as f32,
            n: pairs.rows.len(),
            to_additive: if additive > 0.0 { (error(&left_out) / additive).sqrt() } else { 1.0 },
            unit: interaction.as_ref().map_or(0.0, |i| i.unit),
        };
        let rows = pairs.rows.iter().copied().zip(left_out.outer_iter().map(|r| r.to_owned())).collect();
        Ok((Self { stored, interaction }, rows))
    }

    /// What it chose.
    pub(in crate::predict) fn chosen(&self) -> &PairRuleStored {
        &self.stored
    }

    /// Whether an interaction is predicted.
    pub(in crate::predict) fn interacts(&self) -> bool {
        self.interaction.is_some()
    }

    /// The change of a pair with these parts, length n_genes; neither cut at no expression nor right for the targets
    /// themselves (see [`own_change`]).
    pub(in crate::predict) fn change(
        &self,
        singles: &Singles,
        a: ArrayView1<'_, f32>,
        b: ArrayView1<'_, f32>,
    ) -> Array1<f32> {
        let mut change = singles.mean() * self.stored.mean + (&a + &b) * self.stored.parts;
        if let Some(interaction) = &self.interaction {
            change += &interaction.predict(a, b);
        }
        change
    }

    /// Settings and matrices (name, values) to be saved.
    pub(in crate::predict) fn stored(&self) -> (PairRuleStored, Vec<(&'static str, &Array2<f32>)>) {
        let matrices = self.interaction.as_ref().map_or_else(Vec::new, |i| {
            vec![("pairs.axes", &i.axes), ("pairs.scores", &i.scores), ("pairs.coefficients", &i.coefficients)]
        });
        (self.stored, matrices)
    }

    /// The rule of saved settings; `take` gives the matrix of a name and width.
    pub(in crate::predict) fn restore(
        stored: PairRuleStored,
        n_genes: usize,
        mut take: impl FnMut(&str, usize) -> Result<Array2<f32>, PredictError>,
    ) -> Result<Self, PredictError> {
        if stored.unit <= 0.0 {
            return Ok(Self { stored, interaction: None });
        }
        let axes = take("pairs.axes", n_genes)?;
        let scores = take("pairs.scores", 2 * axes.nrows())?;
        let coefficients = take("pairs.coefficients", n_genes)?;
        Ok(Self { stored, interaction: Some(Interaction { axes, scores, coefficients, unit: stored.unit }) })
    }
}

/// The change of a target itself in a pair, from its changes under both singles and its mean log1p control expression: the
/// shares that both leave of it are multiplied. A knockdown leaves little, and sums of log1p changes would fall below
/// nothing.
pub(in crate::predict) fn own_change(control: f32, a: f32, b: f32) -> f32 {
    let level = f64::from(control).exp_m1();
    let share = |change: f32| (f64::from(control + change).exp_m1().max(0.0) / level).min(1e6);
    if level <= 1e-6 {
        return a + b;
    }
    ((level * share(a) * share(b)).ln_1p() - f64::from(control)) as f32
}

/// Training pairs whose singles were both measured; matrices are n_pairs x n_genes.
struct Pairs<'a> {
    responses: &'a Responses,
    rows: Vec<usize>,
    mean: &'a Array1<f32>,
    measured: Array2<f32>,
    a: Array2<f32>,
    b: Array2<f32>,
    /// Sum of both measured changes: what the rule has to be as good as.
    additive: Array2<f32>,
}

impl<'a> Pairs<'a> {
    fn of(responses: &'a Responses, singles: &'a Singles) -> Self {
        let targets = |row: usize| responses.perturbations[row].targets();
        let parts = |row: usize| match targets(row) {
            [a, b] => Some([singles.part(a)?, singles.part(b)?]),
            _ => None,
        };
        let rows: Vec<usize> = (0..responses.len()).filter(|&row| parts(row).is_some()).collect();
        let table = |k: usize| {
            let views: Vec<_> = rows.iter().filter_map(|&row| parts(row)).map(|p| p[k]).collect();
            stacked(&views, responses.genes.len())
        };
        let single =
            |target: &str| responses.perturbations.iter().position(|p| matches!(p.targets(), [t] if **t == *target));
        let mut additive = Array2::zeros((rows.len(), responses.genes.len()));
        for (mut to, &row) in additive.rows_mut().into_iter().zip(&rows) {
            targets(row).iter().filter_map(|t| single(t)).for_each(|i| to += &responses.delta.row(i));
        }
        let measured = responses.delta.select(Axis(0), &rows);
        Self { responses, mean: singles.mean(), measured, a: table(0), b: table(1), additive, rows }
    }

    /// Weights and the leave-one-pair-out predictions with them.
    fn weights(&self) -> (Weights, Array2<f32>) {
        let fixed = |w: Weights| (w, self.with(&vec![w; self.rows.len()]));
        let (once, twice) = (fixed([1.0, 1.0]), fixed([2.0, 1.0]));
        let sum = |x: &Array2<f32>| self.errors(x).iter().sum::<f64>();
        let base = if sum(&twice.1) < sum(&once.1) { twice } else { once };
        if self.rows.len() < 3 {
            return base;
        }
        let (fitted, left_out) = self.fitted();
        let predicted = self.with(&left_out);
        if self.better(&predicted, &base.1) { (fitted, predicted) } else { base }
    }

    /// Least squares over both weights, shrunk towards 1 by their errors, for all pairs and without each.
    fn fitted(&self) -> (Weights, Vec<Weights>) {
        let sums: Vec<Sums> = (0..self.rows.len()).map(|k| self.sums(k)).collect();
        let all = sums.iter().fold(Sums::default(), |a, b| a.plus(b, 1.0));
        let without: Vec<Sums> = sums.iter().map(|s| all.plus(s, -1.0)).collect();
        let raw: Vec<Weights> = without.iter().map(Sums::solve).collect();
        let n = raw.len() as f64;
        let error = |k: usize| {
            let mean = raw.iter().map(|w| w[k]).sum::<f64>() / n;
            (n - 1.0) / n * raw.iter().map(|w| (w[k] - mean).powi(2)).sum::<f64>()
        };
        let errors = [error(0), error(1)];
        let shrunk = |w: Weights| -> Weights {
            std::array::from_fn(|k| {
                let excess = w[k] - 1.0;
                1.0 + excess * (1.0 - errors[k] / excess.powi(2).max(f64::MIN_POSITIVE)).max(0.0)
            })
        };
        (shrunk(all.solve()), raw.into_iter().map(shrunk).collect())
    }

    fn sums(&self, k: usize) -> Sums {
        let mut sums = Sums { n: 1.0, ..Sums::default() };
        for g in 0..self.mean.len() {
            let (m, s) = (f64::from(self.mean[g]), f64::from(self.a[[k, g]]) + f64::from(self.b[[k, g]]));
            let t = f64::from(self.measured[[k, g]]);
            sums = Sums {
                mm: sums.mm + m * m,
                ms: sums.ms + m * s,
                ss: sums.ss + s * s,
                mt: sums.mt + m * t,
                st: sums.st + s * t,
                ..sums
            };
        }
        sums
    }

    /// Predictions with these weights of each pair.
    fn with(&self, weights: &[Weights]) -> Array2<f32> {
        let mut out = &self.a + &self.b;
        for (mut row, w) in out.rows_mut().into_iter().zip(weights) {
            row.zip_mut_with(self.mean, |x, m| *x = (w[0] * f64::from(*m) + w[1] * f64::from(*x)) as f32);
        }
        self.floor(&mut out);
        out
    }

    /// Cuts changes that would leave less than nothing, and sets those of the targets themselves.
    fn floor(&self, changes: &mut Array2<f32>) {
        if self.responses.quantity != Quantity::Level {
            return;
        }
        let control = &self.responses.control.mean;
        for (k, mut row) in changes.rows_mut().into_iter().enumerate() {
            row.zip_mut_with(control, |x, c| *x = x.max(-c));
            for g in own_genes(&self.responses.perturbations[self.rows[k]], &self.responses.genes) {
                row[g] = own_change(control[g], self.mean[g] + self.a[[k, g]], self.mean[g] + self.b[[k, g]]);
            }
        }
    }

    /// Squared error of each pair.
    fn errors(&self, predicted: &Array2<f32>) -> Vec<f64> {
        let error = |(p, t): (ArrayView1<'_, f32>, ArrayView1<'_, f32>)| {
            p.iter().zip(t).map(|(p, t)| f64::from(p - t).powi(2)).sum()
        };
        predicted.outer_iter().zip(self.measured.outer_iter()).map(error).collect()
    }

    /// Whether `new` has the smaller error by more than one standard error over the pairs.
    fn better(&self, new: &Array2<f32>, old: &Array2<f32>) -> bool {
        let gains: Vec<f64> = self.errors(old).iter().zip(self.errors(new)).map(|(o, n)| o - n).collect();
        let n = gains.len() as f64;
        if n < 3.0 {
            return false;
        }
        let mean = gains.iter().sum::<f64>() / n;
        let var = gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0);
        mean > (var / n).sqrt()
    }
}

/// Sums over genes and pairs of products of the mean m, the sum of parts s and the measured change t.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    mm: f64,
    ms: f64,
    ss: f64,
    mt: f64,
    st: f64,
}

impl Sums {
    fn plus(&self, other: &Self, sign: f64) -> Self {
        let of = |f: fn(&Self) -> f64| f(self) + sign * f(other);
        Self {
            n: of(|s| s.n),
            mm: of(|s| s.mm),
            ms: of(|s| s.ms),
            ss: of(|s| s.ss),
            mt: of(|s| s.mt),
            st: of(|s| s.st),
        }
    }

    /// Weights with the least squares, one further pair being additive with the mean counted once.
    fn solve(&self) -> Weights {
        let (pm, ps) = (self.mm / self.n.max(1.0), self.ss / self.n.max(1.0));
        let (a, b, d) = (self.mm + pm, self.ms, self.ss + ps);
        let (x, y) = (self.mt + pm, self.st + ps);
        let determinant = a * d - b * b;
        if determinant <= 1e-12 * a * d {
            return [1.0, 1.0];
        }
        [(x * d - b * y) / determinant, (a * y - b * x) / determinant]
    }
}

fn stacked(rows: &[ArrayView1<'_, f32>], n_cols: usize) -> Array2<f32> {
    let mut out = Array2::zeros((rows.len(), n_cols));
    out.rows_mut().into_iter().zip(rows).for_each(|(mut to, from)| to.assign(from));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_that_singles_leave_of_a_target_are_multiplied() {
        let control = 11f32.ln();
        let left = |share: f32| (1.0 + 10.0 * share).ln() - control;
        assert!((own_change(control, left(0.2), left(0.5)) - left(0.1)).abs() < 1e-5);
        assert!((own_change(control, left(0.2), 0.0) - left(0.2)).abs() < 1e-5);
        assert_eq!(own_change(0.0, 0.3, 0.2), 0.5);
    }

    #[test]
    fn exact_weights_are_found() {
        // t = 0.5 m + 0.8 s with m and s orthogonal; the prior pair (1, 1) has the weight of one of 100.
        let n = 100.0;
        let sums = Sums { n, mm: n, ms: 0.0, ss: 2.0 * n, mt: 0.5 * n, st: 1.6 * n };
        let [a, c] = sums.solve();
        assert!((a - (0.5 * n + 1.0) / (n + 1.0)).abs() < 1e-12 && (c - (0.8 * n + 1.0) / (n + 1.0)).abs() < 1e-12);
    }
}
