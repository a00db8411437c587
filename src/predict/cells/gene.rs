//! The molecules of one gene in drawn cells, and how they become those of the predicted mean.

use super::expected::{after_adding, after_thinning};
use crate::stats::Rng;

/// Means that differ by less are equal.
const TOLERANCE: f64 = 1e-5;
const STEPS: usize = 60;

/// One gene in the drawn cells.
pub(super) struct Gene<'a> {
    /// Molecules per drawn cell.
    pub(super) counts: &'a [f64],
    /// log1p scale of each drawn cell: molecules times this, then ln(1 + x).
    pub(super) scales: &'a [f64],
    /// Molecules of each drawn cell over the mean of all control cells.
    pub(super) sizes: &'a [f64],
    /// Mean molecules of the gene per control cell.
    pub(super) mean: f64,
    /// Variance = mean + dispersion x mean^2 over control cells.
    pub(super) dispersion: f64,
}

/// What is done to every molecule of a gene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// As they are.
    Keep,
    /// Each molecule stays with this probability.
    Thin(f64),
    /// Poisson molecules are added: this many times the expected rate of the cell.
    Add(f64),
}

impl Gene<'_> {
    /// The change after which the expected mean log1p expression over the drawn cells is `target`, found between bounds: both
    /// means are monotone.
    pub(super) fn change_to(&self, target: f64) -> Change {
        let short = |change: Change| self.expected(change) - target;
        let now = short(Change::Keep);
        if now.abs() <= TOLERANCE {
            return Change::Keep;
        }
        if now > 0.0 {
            // Without molecules the mean is 0.
            return Change::Thin(root([0.0, -target], [1.0, now], |share| short(Change::Thin(share))));
        }
        let (mut low, mut high) = ([0.0, now], [1.0, short(Change::Add(1.0))]);
        while high[1] < 0.0 && high[0] < 1e12 {
            low = high;
            high = [4.0 * low[0], short(Change::Add(4.0 * low[0]))];
        }
        Change::Add(root(low, high, |times| short(Change::Add(times))))
    }

    /// Expected mean log1p expression over the drawn cells.
    pub(super) fn expected(&self, change: Change) -> f64 {
        let cells = self.counts.iter().zip(self.scales);
        let sum: f64 = match change {
            Change::Keep => cells.map(|(count, scale)| (count * scale).ln_1p()).sum(),
            Change::Thin(share) => {
                cells.filter(|(c, _)| **c > 0.0).map(|(c, scale)| after_thinning(*c, share, *scale)).sum()
            }
            Change::Add(times) => {
                cells.enumerate().map(|(i, (c, scale))| after_adding(*c, times * self.rate(i), *scale)).sum()
            }
        };
        sum / self.counts.len().max(1) as f64
    }

    /// Expected molecules over all drawn cells.
    pub(super) fn expected_total(&self, cell: usize, change: Change) -> f64 {
        match change {
            Change::Keep => self.counts[cell],
            Change::Thin(share) => share * self.counts[cell],
            Change::Add(times) => self.counts[cell] + times * self.rate(cell),
        }
    }

    /// Molecules of a drawn cell after the change.
    pub(super) fn draw(&self, cell: usize, change: Change, rng: &mut Rng) -> f64 {
        let count = self.counts[cell];
        match change {
            Change::Keep => count,
            Change::Thin(share) => (0..count as u64).filter(|_| rng.uniform() < share).count() as f64,
            Change::Add(times) => count + rng.poisson(times * self.rate(cell)) as f64,
        }
    }

    /// What is expected of the cell given its molecules: the mean of the Gamma that the negative binomial of the controls
    /// leaves. Cells with much of a gene gain more, cells without it gain some; a gene no control shows is added in
    /// proportion to the size of the cell.
    fn rate(&self, cell: usize) -> f64 {
        let size = self.sizes[cell];
        if self.mean <= 0.0 {
            return size;
        }
        let expected = size * self.mean;
        expected * (1.0 + self.dispersion * self.counts[cell]) / (1.0 + self.dispersion * expected)
    }
}

/// Where a monotone function is 0 within the tolerance, between a place below and one above, each with its value: false
/// position with the Illinois rule, which halves the value of an end that stays.
fn root(mut below: [f64; 2], mut above: [f64; 2], value: impl Fn(f64) -> f64) -> f64 {
    let mut stayed = 0;
    for _ in 0..STEPS {
        let at = (below[0] * above[1] - above[0] * below[1]) / (above[1] - below[1]);
        let found = value(at);
        if found.abs() <= TOLERANCE || !at.is_finite() {
            return if at.is_finite() { at } else { above[0] };
        }
        if found < 0.0 {
            below = [at, found];
            above[1] *= if stayed == 1 { 0.5 } else { 1.0 };
            stayed = 1;
        } else {
            above = [at, found];
            below[1] *= if stayed == -1 { 0.5 } else { 1.0 };
            stayed = -1;
        }
    }
    f64::midpoint(below[0], above[0])
}
