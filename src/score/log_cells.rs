//! Cells as scoring needs them: log1p values by gene, and the perturbation of each cell.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

use super::ScoreError;
use crate::data::{Csr, GeneIndex, Scale, Screen};
use crate::stats::Rng;

/// log1p expression by gene. Group i holds the cells of `labels[i]`; the last group holds the control cells.
#[derive(Debug, Clone)]
pub struct LogCells {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// Perturbations in the order of their names; the control is not among them.
    pub labels: Vec<String>,
    /// Cells per group, the control last.
    pub n_cells: Vec<usize>,
    group_of_cell: Vec<Option<u32>>,
    by_gene: Arc<Csr<f32>>,
}

impl LogCells {
    /// Brings a screen to log1p and groups its cells by perturbation, whatever their cell type or batch.
    ///
    /// Counts are scaled to the median total of the cells of this screen (cells without any count left aside), then
    /// log1p, as `scanpy.pp.normalize_total` and `log1p` do. log1p values must lie in 0 to 15, as cell-eval asks.
    ///
    /// # Errors
    /// [`crate::data::DataError::NoControl`], [`ScoreError::BadValue`].
    pub fn new(screen: &Screen) -> Result<Self, ScoreError> {
        screen.cells.controls()?;
        check_values(screen)?;
        let names: Vec<Option<String>> = screen
            .cells
            .conditions
            .iter()
            .map(|c| (!c.perturbation.is_control()).then(|| c.perturbation.to_string()))
            .collect();
        let mut group_of: BTreeMap<&String, u32> = names.iter().flatten().map(|n| (n, 0)).collect();
        group_of.values_mut().zip(0..).for_each(|(group, i)| *group = i);
        let control = group_of.len() as u32;
        let group = |c: u32| names[c as usize].as_ref().map_or(control, |n| group_of[n]);
        let group_of_cell: Vec<Option<u32>> = screen.cells.of_cell.iter().map(|c| c.map(group)).collect();
        let labels: Vec<String> = group_of.into_keys().cloned().collect();
        Ok(Self {
            genes: Arc::clone(screen.genes()),
            n_cells: count(&group_of_cell, labels.len() + 1),
            labels,
            group_of_cell,
            by_gene: Arc::new(by_gene(screen)),
        })
    }

    /// Number of genes.
    pub fn n_genes(&self) -> usize {
        self.genes.len()
    }

    /// Number of control cells.
    pub fn n_controls(&self) -> usize {
        self.n_cells[self.labels.len()]
    }

    /// Non-zero values of one gene, group after group.
    pub(super) fn column(&self, gene: usize, column: &mut Column) {
        column.start.clear();
        column.start.resize(self.n_cells.len() + 1, 0);
        let (cells, values) = self.by_gene.row(gene);
        let entries = || {
            let group = |&c: &u32| self.group_of_cell[c as usize];
            cells.iter().map(group).zip(values).filter_map(|(g, &v)| Some((g? as usize, v))).filter(|(_, v)| *v != 0.0)
        };
        entries().for_each(|(g, _)| column.start[g + 1] += 1);
        (0..self.n_cells.len()).for_each(|g| column.start[g + 1] += column.start[g]);
        column.values.clear();
        column.values.resize(column.start[self.n_cells.len()], 0.0);
        column.next.clone_from(&column.start);
        for (g, value) in entries() {
            column.values[column.next[g]] = value;
            column.next[g] += 1;
        }
    }

    /// Mean log1p expression, n_groups x n_genes, the control in the last row.
    pub fn means(&self) -> Array2<f64> {
        let by_gene: Vec<Vec<f64>> = (0..self.n_genes())
            .into_par_iter()
            .map_init(Column::default, |column, gene| {
                self.column(gene, column);
                (0..self.n_cells.len()).map(|g| column.mean(g, self.n_cells[g])).collect()
            })
            .collect();
        Array2::from_shape_fn((self.n_cells.len(), self.n_genes()), |(g, gene)| by_gene[gene][g])
    }

    /// Two disjoint random halves of the cells of every group, the control's included; an odd cell is left out.
    ///
    /// # Errors
    /// [`ScoreError::TooFewCells`] for a group of one cell.
    pub fn halves(&self, seed: u64) -> Result<[Self; 2], ScoreError> {
        let mut masks = [vec![None; self.group_of_cell.len()], vec![None; self.group_of_cell.len()]];
        for g in 0..self.n_cells.len() {
            if self.n_cells[g] < 2 {
                let label = self.labels.get(g).map_or("control", String::as_str).to_owned();
                return Err(ScoreError::TooFewCells { label, got: self.n_cells[g] });
            }
            let mut cells: Vec<usize> =
                (0..self.group_of_cell.len()).filter(|&c| self.group_of_cell[c] == Some(g as u32)).collect();
            Rng::keyed(seed, "score.halves", g as u64, 0).shuffle(&mut cells);
            for (mask, half) in masks.iter_mut().zip(cells.chunks_exact(cells.len() / 2)) {
                for &c in half {
                    mask[c] = Some(g as u32);
                }
            }
        }
        Ok(masks.map(|group_of_cell| Self {
            n_cells: count(&group_of_cell, self.n_cells.len()),
            group_of_cell,
            ..self.clone()
        }))
    }
}

/// The non-zero values of one gene by group.
#[derive(Debug, Default)]
pub(super) struct Column {
    start: Vec<usize>,
    next: Vec<usize>,
    values: Vec<f32>,
}

impl Column {
    /// Non-zero values of a group.
    pub(super) fn group(&mut self, group: usize) -> &mut [f32] {
        &mut self.values[self.start[group]..self.start[group + 1]]
    }

    /// Mean over the `n` cells of a group, NaN for none.
    pub(super) fn mean(&mut self, group: usize, n: usize) -> f64 {
        // The sum of nothing is -0.0.
        (self.group(group).iter().map(|&v| f64::from(v)).sum::<f64>() + 0.0) / n as f64
    }
}

fn count(group_of_cell: &[Option<u32>], n_groups: usize) -> Vec<usize> {
    let mut counts = vec![0; n_groups];
    group_of_cell.iter().flatten().for_each(|&g| counts[g as usize] += 1);
    counts
}

/// The smallest log1p value that cell-eval refuses.
const TOO_LARGE: f32 = 15.0;
/// Counts may be off a whole number by this much, as in cell-eval.
const WHOLE: f32 = 1e-3;

fn check_values(screen: &Screen) -> Result<(), ScoreError> {
    let x = &screen.expression.x;
    let log1p = |v: &f32| *v >= 0.0 && *v < TOO_LARGE;
    let count = |v: &f32| *v >= 0.0 && v.is_finite() && (v - v.round()).abs() <= WHOLE;
    let (expected, bad) = match screen.expression.scale {
        Scale::Counts => ("a whole count, or log1p values all below 15", x.data().iter().position(|v| !count(v))),
        Scale::Log1p => ("a log1p value from 0 to 15", x.data().iter().position(|v| !log1p(v))),
    };
    let Some(entry) = bad else { return Ok(()) };
    Err(ScoreError::BadValue {
        gene: screen.genes().names()[x.indices()[entry] as usize].to_string(),
        cell: x.indptr().partition_point(|&start| start <= entry) - 1,
        expected,
        got: x.data()[entry].to_string(),
    })
}

fn by_gene(screen: &Screen) -> Csr<f32> {
    match screen.expression.scale {
        Scale::Log1p => screen.expression.x.transpose(),
        Scale::Counts => normalised(&screen.expression.x).transpose(),
    }
}

/// log1p of counts scaled to the median total over cells that have counts. In double precision, so that equal shares of
/// two cells stay equal after rounding.
fn normalised(x: &Csr<f32>) -> Csr<f32> {
    let totals: Vec<f64> = (0..x.n_rows()).map(|c| x.row(c).1.iter().map(|&v| f64::from(v)).sum()).collect();
    let mut positive: Vec<f64> = totals.iter().copied().filter(|&t| t > 0.0).collect();
    positive.sort_unstable_by(f64::total_cmp);
    let middle = |i: usize| positive.get(i).copied().unwrap_or(1.0);
    let median = f64::midpoint(middle(positive.len().saturating_sub(1) / 2), middle(positive.len() / 2));
    let mut out = x.clone();
    let indptr = x.indptr().to_vec();
    for (cell, total) in totals.iter().enumerate().filter(|(_, t)| **t > 0.0) {
        let values = &mut out.data_mut()[indptr[cell]..indptr[cell + 1]];
        for v in values {
            *v = (f64::from(*v) * median / total).ln_1p() as f32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{CellTable, Condition, Expression, Perturbation};

    fn screen(rows: &[[f32; 2]], targets: &[&str], scale: Scale) -> Screen {
        let mut x = Csr::empty(2);
        for row in rows {
            x.push_row((0..2).zip(row.iter().copied()).filter(|(_, v)| *v != 0.0));
        }
        let genes = Arc::new(GeneIndex::new(["A", "B"]).unwrap());
        let cells = CellTable::new(targets.iter().map(|t| Some(Condition::of(Perturbation::of([t])))));
        Screen::new(Expression::new(genes, x, scale).unwrap(), cells).unwrap()
    }

    #[test]
    fn counts_are_scaled_to_the_median_total() {
        // Totals 2, 4, 0: the median of the cells with counts is 3.
        let s = screen(&[[1.0, 1.0], [4.0, 0.0], [0.0, 0.0]], &["B", "", ""], Scale::Counts);
        let means = LogCells::new(&s).unwrap().means();
        let expected = [[2.5f64.ln(), 2.5f64.ln()], [4f64.ln() / 2.0, 0.0]];
        assert!(means.iter().zip(expected.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-7), "{means}");
    }

    #[test]
    fn values_that_log1p_cannot_have_are_refused() {
        let t = |value: f32, ok: bool| {
            let s = screen(&[[1.0, 0.0], [0.5, value]], &["B", ""], Scale::Log1p);
            assert_eq!(LogCells::new(&s).is_ok(), ok, "{value}");
        };
        t(14.0, true);
        t(15.0, false);
        t(-0.5, false);
        t(f32::NAN, false);
    }

    #[test]
    fn halves_share_no_cell_and_keep_every_group() {
        let rows: Vec<[f32; 2]> = (0..11).map(|i| [i as f32 + 1.0, 1.0]).collect();
        let targets: Vec<&str> = (0..11).map(|i| if i < 5 { "" } else { "B" }).collect();
        let cells = LogCells::new(&screen(&rows, &targets, Scale::Counts)).unwrap();
        let [a, b] = cells.halves(1).unwrap();
        assert_eq!((a.n_cells.clone(), b.n_cells.clone()), (vec![3, 2], vec![3, 2]));
        assert!(a.group_of_cell.iter().zip(&b.group_of_cell).all(|(x, y)| x.is_none() || y.is_none()));
    }
}
