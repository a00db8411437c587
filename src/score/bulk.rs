//! Pseudobulk of summed counts, and how much of it is sampling noise.

use ndarray::Array2;

use super::{GeneColumn, LogCells, ScoreError, Units};

/// log1p of `total` times the share of each gene in the summed counts of a group, n_groups x n_genes (the control last),
/// and the variance of that by leaving out one cell at a time, summed over genes, per group.
#[derive(Debug)]
pub(super) struct LogBulk {
    pub(super) mean: Array2<f64>,
    pub(super) variance: Vec<f64>,
}

/// Terms of the power series of ln(1 + x) and its square; exact to double precision up to [`SMALL`].
const TERMS: usize = 20;
/// Cells up to this size, relative to the rest of their group, are summed by the series.
const SMALL: f64 = 0.125;

/// One group, with each cell left out in turn.
struct Group {
    /// Summed counts.
    sum: f64,
    /// Per cell its total over that of all other cells; infinite where there is nothing else.
    shares: Vec<f64>,
    /// Coefficients of the sums over cells of ln(1 + q share) and of its square, by power of q from 1 on, where all
    /// shares are small.
    series: Option<[[f64; TERMS]; 2]>,
}

/// Sum and sum of squares of the deviations of one gene.
type Sums = (f64, f64);

impl Group {
    fn new(totals: &[f64]) -> Self {
        let sum: f64 = totals.iter().sum();
        let shares: Vec<f64> =
            totals.iter().map(|t| if sum - t > 0.0 { t / (sum - t) } else { f64::INFINITY }).collect();
        let series = shares.iter().all(|&e| e <= SMALL).then(|| series(&shares));
        Self { sum, shares, series }
    }

    /// Deviations of all cells as if none had a count of a gene with summed count > 0; `q` as in [`deviation`].
    fn without_counts(&self, q: f64, bulk: f64) -> Sums {
        match &self.series {
            Some(series) => {
                let [s, ss] = series.map(|c| c.iter().rev().fold(0.0, |sum, c| (sum + c) * q));
                (s, ss)
            }
            None => self
                .shares
                .iter()
                .map(|&e| deviation(q, e, 0.0, bulk))
                .fold((0.0, 0.0), |(s, ss), d| (s + d, ss + d * d)),
        }
    }
}

/// What leaving out one cell does to the bulk: ln(1 + total (P - k) / (S - s)) - ln(1 + total P / S), with q = x / (1 + x)
/// for x = total P / S, the cell's share e = s / (S - s), and `taken` = total k / (S - s) / (1 + x). A bulk of nothing
/// is 0.
fn deviation(q: f64, share: f64, taken: f64, bulk: f64) -> f64 {
    if share.is_infinite() { -bulk } else { (q * share - taken).ln_1p() }
}

/// ln(1 + x) = sum (-1)^(j+1) x^j / j; its square = sum (-1)^j 2 H(j-1) x^j / j with harmonic numbers H.
fn series(shares: &[f64]) -> [[f64; TERMS]; 2] {
    let mut out = [[0.0; TERMS]; 2];
    let (mut sign, mut harmonic) = (1.0, 0.0);
    for j in 1..=TERMS {
        let moment: f64 = shares.iter().map(|e| e.powi(j as i32)).sum();
        out[0][j - 1] = sign * moment / j as f64;
        out[1][j - 1] = -sign * 2.0 * harmonic * moment / j as f64;
        harmonic += 1.0 / j as f64;
        sign = -sign;
    }
    out
}

/// One pass over the values. O(non-zero values + n_groups x n_genes) where no cell holds more than a ninth of its group.
///
/// The variance is (n - 1) / n times the sum of squared deviations of the n values with one cell left out (Quenouille
/// 1956, Tukey 1958), 0 for one cell.
///
/// # Errors
/// [`crate::data::DataError::Temporary`].
pub(super) fn log_bulk(cells: &LogCells, total: f64) -> Result<LogBulk, ScoreError> {
    let cells = cells.clone().in_units(Units::AsStored);
    let groups: Vec<Group> = cells.totals_by_group().iter().map(|totals| Group::new(totals)).collect();
    let by_gene = cells.map_genes(|(): &mut (), column| of_gene(&cells, &groups, column, total))?;
    let shape = (groups.len(), cells.n_genes());
    let mut variance = vec![0.0; groups.len()];
    by_gene.iter().for_each(|gene| variance.iter_mut().zip(gene).for_each(|(sum, (_, v))| *sum += v));
    variance.iter_mut().for_each(|v| *v = v.max(0.0));
    Ok(LogBulk { mean: Array2::from_shape_fn(shape, |(g, gene)| by_gene[gene][g].0), variance })
}

/// Bulk and variance of a gene in every group.
fn of_gene(cells: &LogCells, groups: &[Group], column: &GeneColumn, total: f64) -> Vec<(f64, f64)> {
    let ratio = |count: f64, sum: f64| if sum > 0.0 { total * count / sum } else { 0.0 };
    let x: Vec<f64> = column.sums(groups.len(), |v| v).iter().zip(groups).map(|(&p, g)| ratio(p, g.sum)).collect();
    let q = |g: usize| x[g] / (1.0 + x[g]);
    let empty = |g: usize| x[g] == 0.0;
    let start = |g: usize| if empty(g) { (0.0, 0.0) } else { groups[g].without_counts(q(g), x[g].ln_1p()) };
    let mut sums: Vec<Sums> = (0..groups.len()).map(start).collect();
    for (k, (g, count)) in column.entries().enumerate() {
        let own = cells.totals(g)[column.cells[k] as usize];
        let (rest, bulk) = (groups[g].sum - own, x[g].ln_1p());
        let share = if rest > 0.0 { own / rest } else { f64::INFINITY };
        let [with, without] =
            [ratio(f64::from(count), rest) / (1.0 + x[g]), 0.0].map(|taken| deviation(q(g), share, taken, bulk));
        sums[g].0 += with - without;
        sums[g].1 += with * with - without * without;
    }
    let variance = |g: usize| {
        let n = groups[g].shares.len() as f64;
        if n < 2.0 { 0.0 } else { (n - 1.0) / n * (sums[g].1 - sums[g].0 * sums[g].0 / n) }
    };
    (0..groups.len()).map(|g| (x[g].ln_1p(), variance(g))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Scale, Screen};
    use std::sync::Arc;

    const TOTAL: f64 = 5e4;

    /// Cells of `A` and two of the control.
    fn cells(rows: &[[f32; 3]]) -> LogCells {
        let control = [[3.0, 1.0, 2.0], [1.0, 4.0, 0.0]];
        let mut x = Csr::empty(3);
        for row in rows.iter().chain(&control) {
            x.push_row((0..3).zip(row.iter().copied()).filter(|(_, v)| *v != 0.0));
        }
        let target = |cell: usize| Perturbation::of(if cell < rows.len() { ["A"] } else { [""] });
        let table = CellTable::new((0..rows.len() + 2).map(|cell| Some(Condition::of(target(cell)))));
        let genes = Arc::new(GeneIndex::new(["A", "B", "C"]).unwrap());
        LogCells::new(&Screen::new(Expression::new(genes, x, Scale::Counts).unwrap(), table).unwrap()).unwrap()
    }

    fn bulk(rows: &[[f32; 3]], without: Option<usize>) -> [f64; 3] {
        let kept = || rows.iter().enumerate().filter(|(i, _)| Some(*i) != without).map(|(_, row)| row);
        let sum: f64 = kept().flatten().map(|&v| f64::from(v)).sum();
        let of = |g: usize| kept().map(|row| f64::from(row[g])).sum::<f64>();
        [0, 1, 2].map(|g| if sum > 0.0 { (TOTAL * of(g) / sum).ln_1p() } else { 0.0 })
    }

    /// The definition, cell by cell.
    fn jackknife(rows: &[[f32; 3]]) -> f64 {
        let n = rows.len() as f64;
        let left: Vec<[f64; 3]> = (0..rows.len()).map(|i| bulk(rows, Some(i))).collect();
        let of_gene = |g: usize| {
            let mean = left.iter().map(|v| v[g]).sum::<f64>() / n;
            left.iter().map(|v| (v[g] - mean).powi(2)).sum::<f64>()
        };
        if n < 2.0 { 0.0 } else { (n - 1.0) / n * (0..3).map(of_gene).sum::<f64>() }
    }

    #[test]
    fn variance_is_that_of_leaving_out_each_cell() {
        let t = |rows: &[[f32; 3]]| {
            let got = log_bulk(&cells(rows), TOTAL).unwrap();
            let (mean, variance) = (bulk(rows, None), jackknife(rows));
            (0..3).for_each(|g| assert!((got.mean[[0, g]] - mean[g]).abs() < 1e-12, "{:?}", got.mean));
            assert!((got.variance[0] - variance).abs() <= 1e-12 * variance.max(1.0), "{:?} {variance}", got.variance);
        };
        // Few cells, by definition; an empty cell; one cell with everything; one cell; no count at all.
        t(&[[5.0, 0.0, 1.0], [2.0, 3.0, 0.0], [0.0, 1.0, 7.0]]);
        t(&[[5.0, 0.0, 1.0], [0.0, 0.0, 0.0]]);
        t(&[[5.0, 2.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]);
        t(&[[5.0, 0.0, 1.0]]);
        t(&[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]);
        // Many small cells, by the series; a gene that one cell has; equal cells.
        let many = |of: &dyn Fn(usize) -> [f32; 3]| (0..40).map(of).collect::<Vec<_>>();
        t(&many(&|i| [(i % 7) as f32, (i % 3) as f32, 4.0]));
        t(&many(&|i| [9.0, f32::from(u8::from(i == 3)), (i % 2) as f32]));
        t(&many(&|_| [9.0, 1.0, 0.0]));
    }

    #[test]
    fn the_series_takes_small_cells_only() {
        assert!(Group::new(&[1.0; 9]).series.is_some());
        assert!(Group::new(&[1.0; 8]).series.is_none());
    }
}
