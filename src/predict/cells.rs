//! Cells of predicted perturbations.
//!
//! Real control cells are drawn and changed gene by gene in the space of counts: molecules are taken away one by one
//! (binomial thinning) or added (Poisson, around what the cell's own counts and the spread of the controls lead to
//! expect), so that the mean log1p expression of the drawn cells is the control mean plus the predicted change. Noise,
//! zeros and correlations are then those of real cells, and tests of differential expression behave. GEARS adds the change
//! to every log1p value instead, which leaves no zero and no noise.

mod expected;
mod gene;

use std::sync::Arc;

use ndarray::{Array1, ArrayView1};
use rayon::prelude::*;

use self::gene::{Change, Gene};
use crate::data::{Csr, GeneIndex, Normalisation, TargetSum};
use crate::stats::Rng;

/// Rounds in which the totals of cells follow their genes.
const ROUNDS: usize = 4;
/// Totals that change by a smaller share have settled.
const SETTLED: f64 = 2e-4;

/// Control cells to draw from.
#[derive(Debug)]
pub struct ControlCells {
    genes: Arc<GeneIndex>,
    counts: Csr<f32>,
    /// Control cells by batch.
    batches: Vec<Vec<usize>>,
    /// Total to which the counts of a cell are scaled before log1p; `None`: they are not scaled.
    total: Option<f64>,
    totals: Vec<f64>,
    /// Mean log1p expression, length n_genes.
    mean: Array1<f64>,
    /// Mean molecules and dispersion per gene.
    moments: Vec<(f64, f64)>,
}

/// Cells drawn for one perturbation.
#[derive(Debug, Clone)]
pub struct PredictedCells {
    /// Counts, n_cells x n_genes.
    pub counts: Csr<f32>,
    /// The control cell each was drawn from.
    pub drawn: Vec<usize>,
}

impl ControlCells {
    /// Control cells as counts (n_cells x n_genes) with the batch of each; `target` and `median_total` say how the
    /// pseudobulk of the screen scales counts. O(stored values).
    pub fn new(
        genes: Arc<GeneIndex>,
        counts: Csr<f32>,
        batch: &[Option<Arc<str>>],
        target: TargetSum,
        median_total: f64,
    ) -> Self {
        let total = match target {
            TargetSum::Median => Some(median_total),
            TargetSum::Fixed(sum) => Some(sum),
            TargetSum::None => None,
        };
        let totals: Vec<f64> =
            (0..counts.n_rows()).map(|i| counts.row(i).1.iter().map(|&v| f64::from(v)).sum()).collect();
        let mut names: Vec<&Option<Arc<str>>> = batch.iter().collect();
        names.sort();
        names.dedup();
        let cells_of = |name: &&Option<Arc<str>>| (0..counts.n_rows()).filter(|&i| batch[i] == **name).collect();
        let batches: Vec<Vec<usize>> = names.iter().map(cells_of).collect();
        let mut cells = Self { genes, counts, batches, total, totals, mean: Array1::zeros(0), moments: Vec::new() };
        cells.mean = cells.mean_log1p();
        cells.moments = cells.moments();
        cells
    }

    /// The genes.
    pub fn genes(&self) -> &Arc<GeneIndex> {
        &self.genes
    }

    /// The counts, n_cells x n_genes.
    pub fn counts(&self) -> &Csr<f32> {
        &self.counts
    }

    /// What turns these counts into the log1p expression whose mean is predicted.
    pub fn normalisation(&self) -> Normalisation {
        self.total.map_or(Normalisation::Log1p, Normalisation::To)
    }

    fn scale(&self, total: f64) -> f64 {
        match self.total {
            Some(to) if total > 0.0 => to / total,
            _ => 1.0,
        }
    }

    fn mean_log1p(&self) -> Array1<f64> {
        let mut sum = Array1::zeros(self.counts.n_cols());
        for cell in 0..self.counts.n_rows() {
            let scale = self.scale(self.totals[cell]);
            let (genes, counts) = self.counts.row(cell);
            genes.iter().zip(counts).for_each(|(&g, &c)| sum[g as usize] += (f64::from(c) * scale).ln_1p());
        }
        sum / self.counts.n_rows().max(1) as f64
    }

    /// Mean and dispersion of the molecules of each gene, counts taken per mean size of a cell.
    fn moments(&self) -> Vec<(f64, f64)> {
        let n = self.counts.n_rows().max(1) as f64;
        let size = (self.totals.iter().sum::<f64>() / n).max(f64::MIN_POSITIVE);
        let mut sums = vec![(0.0f64, 0.0f64, 0.0f64); self.counts.n_cols()];
        for cell in 0..self.counts.n_rows() {
            let (genes, counts) = self.counts.row(cell);
            let own = (self.totals[cell] / size).max(1e-3);
            for (&g, &c) in genes.iter().zip(counts) {
                let (c, sum) = (f64::from(c), &mut sums[g as usize]);
                *sum = (sum.0 + c, sum.1 + c / own, sum.2 + (c / own).powi(2) - c / (own * own));
            }
        }
        let of = |(raw, sum, square): (f64, f64, f64)| {
            let (mean, level) = (raw / n, sum / n);
            let dispersion = if level > 0.0 { (square / n / (level * level) - 1.0).clamp(0.0, 50.0) } else { 0.0 };
            (mean, dispersion)
        };
        sums.into_iter().map(of).collect()
    }

    /// Draws `n` cells of a perturbation with this change of mean log1p expression (length n_genes); `k` numbers the
    /// perturbations of a seed. Batches are drawn in proportion to the control cells, each cell once before any twice.
    ///
    /// # Complexity
    /// O(n x n_genes x log(1 / tolerance)), genes in parallel; the result does not depend on the number of threads.
    pub fn draw(&self, change: ArrayView1<'_, f32>, n: usize, seed: u64, k: u64) -> PredictedCells {
        let drawn = self.sources(n, seed, k);
        let columns = self.columns(&drawn);
        let size = self.totals.iter().sum::<f64>() / self.totals.len().max(1) as f64;
        let sizes: Vec<f64> = drawn.iter().map(|&cell| self.totals[cell] / size.max(f64::MIN_POSITIVE)).collect();
        let mut totals: Vec<f64> = drawn.iter().map(|&cell| self.totals[cell]).collect();
        let mut changes = Vec::new();
        for _ in 0..ROUNDS {
            let scales: Vec<f64> = totals.iter().map(|&total| self.scale(total)).collect();
            changes = (0..columns.len())
                .into_par_iter()
                .map(|g| {
                    let target = (self.mean[g] + f64::from(change[g])).max(0.0);
                    self.gene(g, &columns[g], &scales, &sizes, |gene| gene.change_to(target))
                })
                .collect();
            let after = self.totals_after(&columns, &changes, &scales, &sizes);
            let moved = totals.iter().zip(&after).map(|(a, b)| (b / a.max(1.0) - 1.0).abs()).fold(0.0, f64::max);
            totals = after;
            if moved < SETTLED || self.total.is_none() {
                break;
            }
        }
        let of_gene = |g: usize| {
            let mut rng = Rng::keyed(seed, "predicted cells", k, g as u64);
            self.gene(g, &columns[g], &sizes, &sizes, |gene| {
                let cells = 0..drawn.len();
                let counts = cells.map(|cell| (cell as u32, gene.draw(cell, changes[g], &mut rng) as f32));
                counts.filter(|(_, count)| *count > 0.0).collect::<Vec<_>>()
            })
        };
        let rows: Vec<Vec<(u32, f32)>> = (0..columns.len()).into_par_iter().map(of_gene).collect();
        let mut by_gene = Csr::empty(drawn.len());
        rows.into_iter().for_each(|row| by_gene.push_row(row));
        PredictedCells { counts: by_gene.transpose(), drawn }
    }

    /// The control cells that [`Self::draw`] draws.
    pub fn sources(&self, n: usize, seed: u64, k: u64) -> Vec<usize> {
        self.choose(n, &mut Rng::keyed(seed, "drawn controls", k, 0))
    }

    /// Control cells, batch by batch.
    fn choose(&self, n: usize, rng: &mut Rng) -> Vec<usize> {
        let all = self.counts.n_rows().max(1);
        let (mut drawn, mut before) = (Vec::with_capacity(n), 0);
        for batch in &self.batches {
            // Cumulative shares, so that rounding adds up to n.
            let share = |cells: usize| (2 * n * cells + all) / (2 * all);
            let mut left = share(before + batch.len()) - share(before);
            before += batch.len();
            while left > 0 {
                let mut order = batch.clone();
                rng.shuffle(&mut order);
                order.truncate(left);
                left -= order.len();
                drawn.extend(order);
            }
        }
        drawn
    }

    /// Drawn cells and their molecules, gene by gene.
    fn columns(&self, drawn: &[usize]) -> Vec<Vec<(u32, f32)>> {
        let mut columns = vec![Vec::new(); self.counts.n_cols()];
        for (i, &cell) in drawn.iter().enumerate() {
            let (genes, counts) = self.counts.row(cell);
            genes.iter().zip(counts).for_each(|(&g, &c)| columns[g as usize].push((i as u32, c)));
        }
        columns
    }

    /// Lends a gene to a function.
    fn gene<T>(
        &self,
        g: usize,
        column: &[(u32, f32)],
        scales: &[f64],
        sizes: &[f64],
        work: impl FnOnce(&Gene<'_>) -> T,
    ) -> T {
        let mut counts = vec![0.0; sizes.len()];
        column.iter().for_each(|&(cell, count)| counts[cell as usize] = f64::from(count));
        let (mean, dispersion) = self.moments[g];
        work(&Gene { counts: &counts, scales, sizes, mean, dispersion })
    }

    /// Expected totals of the drawn cells after the changes; genes are added up in their order.
    fn totals_after(&self, columns: &[Vec<(u32, f32)>], changes: &[Change], scales: &[f64], sizes: &[f64]) -> Vec<f64> {
        let chunk = |genes: &[usize]| {
            let mut totals = vec![0.0; sizes.len()];
            for &g in genes {
                self.gene(g, &columns[g], scales, sizes, |gene| {
                    totals.iter_mut().enumerate().for_each(|(cell, t)| *t += gene.expected_total(cell, changes[g]));
                });
            }
            totals
        };
        let genes: Vec<usize> = (0..columns.len()).collect();
        let parts: Vec<Vec<f64>> = genes.par_chunks(512).map(chunk).collect();
        parts.into_iter().fold(vec![0.0; sizes.len()], |mut all, part| {
            all.iter_mut().zip(part).for_each(|(a, b)| *a += b);
            all
        })
    }
}

/// Counts behind log1p values: in each cell every expm1(value) is a whole multiple of the smallest one. `None` where more
/// than one value in a hundred is not (scaled, smoothed or averaged values), with the total that the values were scaled to.
pub fn counts_of_log1p(log1p: &Csr<f32>) -> Option<(Csr<f32>, f64)> {
    let (mut counts, mut wrong, mut totals) = (Csr::empty(log1p.n_cols()), 0usize, Vec::new());
    for cell in 0..log1p.n_rows() {
        let (genes, values) = log1p.row(cell);
        let unit = values.iter().filter(|v| **v > 0.0).fold(f64::INFINITY, |m, &v| m.min(f64::from(v).exp_m1()));
        totals.push(values.iter().map(|&v| f64::from(v).exp_m1()).sum::<f64>());
        let multiples = genes.iter().zip(values).map(|(&g, &v)| (g, f64::from(v).exp_m1() / unit));
        let row: Vec<(u32, f64)> = multiples.filter(|(_, m)| *m > 0.0).collect();
        // The rounding of a 32-bit logarithm grows with the count.
        wrong += row.iter().filter(|(_, m)| (m - m.round()).abs() > 0.05 + 1e-4 * m).count();
        counts.push_row(row.into_iter().map(|(g, m)| (g, m.round() as f32)));
    }
    let total = crate::data::median(&mut totals)?;
    (wrong * 100 <= counts.nnz()).then_some((counts, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 control cells x 40 genes: counts of gene g have mean g / 4 and differ by cell size and biology; gene 0 is silent.
    fn controls() -> ControlCells {
        let mut rng = Rng::named(4, "controls");
        let mut counts = Csr::empty(40);
        for _ in 0..300 {
            let size = (0.3 * rng.normal()).exp();
            let row = (0..40u32).map(|g| (g, rng.negative_binomial(size * f64::from(g) / 4.0, 0.2) as f32));
            counts.push_row(row.filter(|(_, c)| *c > 0.0).collect::<Vec<_>>());
        }
        let genes = Arc::new(GeneIndex::new((0..40).map(|g| format!("G{g}"))).unwrap());
        ControlCells::new(genes, counts, &vec![None; 300], TargetSum::Fixed(200.0), 0.0)
    }

    fn mean(cells: &ControlCells, counts: &Csr<f32>) -> Array1<f64> {
        let mut x = counts.clone();
        cells.normalisation().apply_rows(&mut x);
        let mut sum = Array1::zeros(40);
        x.indices().iter().zip(x.data()).for_each(|(&g, &v)| sum[g as usize] += f64::from(v));
        sum / x.n_rows() as f64
    }

    #[test]
    fn means_change_as_predicted() {
        let cells = controls();
        // Falls, rises, a gene that appears, one that vanishes, one that would fall below nothing.
        let mut change = Array1::<f32>::zeros(40);
        (change[0], change[10], change[20], change[30], change[39]) = (0.4, -0.5, 0.6, -9.0, -0.2);
        let drawn = cells.draw(change.view(), 600, 1, 0);
        assert_eq!(drawn.counts.n_rows(), 600);
        let got = mean(&cells, &drawn.counts);
        for g in 0..40 {
            let expected = (cells.mean[g] + f64::from(change[g])).max(0.0);
            // Molecules are drawn: five standard errors of a mean over 600 cells.
            let error = 5.0 * (0.35f64 / 600.0).sqrt();
            assert!((got[g] - expected).abs() < error, "gene {g}: {} instead of {expected}", got[g]);
        }
        assert!(drawn.counts.data().iter().all(|c| c.fract() == 0.0 && *c > 0.0));
        assert_eq!(drawn.counts, cells.draw(change.view(), 600, 1, 0).counts);
        assert_ne!(drawn.counts, cells.draw(change.view(), 600, 1, 1).counts);
    }

    #[test]
    fn batches_keep_their_shares_and_cells_are_used_evenly() {
        let mut cells = controls();
        cells.batches = vec![(0..75).collect(), (75..300).collect()];
        let drawn = cells.choose(400, &mut Rng::named(1, "x"));
        assert_eq!(drawn.iter().filter(|&&c| c < 75).count(), 100);
        let uses = |cell: usize| drawn.iter().filter(|&&c| c == cell).count();
        assert!((0..300).all(|cell| (1..=2).contains(&uses(cell))));
    }

    #[test]
    fn counts_are_found_behind_log1p() {
        let cells = controls();
        let mut log1p = cells.counts.clone();
        cells.normalisation().apply_rows(&mut log1p);
        let (counts, total) = counts_of_log1p(&log1p).unwrap();
        let single = |i: usize| cells.counts.row(i).1.contains(&1.0);
        let same = (0..300).filter(|&i| counts.row(i) == cells.counts.row(i)).count();
        assert!(same >= (0..300).filter(|&i| single(i)).count());
        assert!((total - 200.0).abs() < 1e-3);
        let smooth: Vec<f32> = (1..400).map(|i| (i as f32).sqrt()).collect();
        let smooth = Csr::new(vec![0, 399], (0..399).collect(), smooth, 399).unwrap();
        assert!(counts_of_log1p(&smooth).is_none());
    }
}
