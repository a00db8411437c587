//! Cells as scoring needs them: values by gene, and the perturbation of each cell.

mod check;
mod column;
mod part;

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

pub use self::column::GeneColumn;

use self::check::check_values;
use self::part::Part;
use super::ScoreError;
use super::resample::Copies;
use crate::data::{CellBlock, CellTable, Csr, DataError, GeneBlocksBuilder, GeneIndex, Scale, Screen, median};
use crate::stats::{NumpyRng, Rng};

/// Cells by gene. Group i holds the cells of `labels[i]`; the last group holds the control cells.
///
/// Cheap to clone: the values are shared.
#[derive(Debug, Clone)]
pub struct LogCells {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// Perturbations in the order of their names; the control is not among them.
    pub labels: Vec<String>,
    /// Cells per group, the control last.
    pub n_cells: Vec<usize>,
    /// How tables name the control.
    pub control_label: String,
    own: Part,
    /// Control cells of another file, in place of the own.
    controls: Option<Part>,
    watch: Watch,
}

/// Told whenever a block of genes is done.
#[derive(Clone, Default)]
struct Watch(Option<Arc<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "watched" } else { "not watched" })
    }
}

/// What the values of a gene are given in.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Units {
    /// log1p of counts scaled to this total per cell, or log1p values as they are in the file.
    #[default]
    AsStored,
    /// log1p of counts scaled to this total per cell.
    Log1pOf(f64),
    /// Counts per million of the cell. Ranks are those of their log1p in double precision, as in cell-eval2: rounding may
    /// tell apart cells whose shares of a gene are equal.
    PerMillion,
    /// Counts as they are in the file; expm1 of log1p values.
    Raw,
}

/// What the values of a file are taken for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stored {
    /// Counts or log1p values, in the range of their scale.
    Checked(Scale),
    /// Values that are scored as they are, with fold changes of expm1 of the mean of their log1p: any that are finite and
    /// not negative.
    AsIs,
}

/// A cell that belongs to no group.
const NO_GROUP: u32 = u32::MAX;

impl LogCells {
    /// Brings a screen to log1p and groups its cells by perturbation, whatever their cell type or batch.
    ///
    /// Counts are scaled to the median total of the cells of this screen (cells without any count left aside), then
    /// log1p, as `scanpy.pp.normalize_total` and `log1p` do. log1p values must lie in 0 to 15, as cell-eval asks.
    ///
    /// # Errors
    /// [`DataError::NoControl`], [`ScoreError::BadValue`], [`DataError::Temporary`].
    pub fn new(screen: &Screen) -> Result<Self, ScoreError> {
        let block = CellBlock { first_cell: 0, x: screen.expression.x.clone() };
        let scale = screen.expression.scale;
        Self::read::<ScoreError>(Arc::clone(screen.genes()), &screen.cells, Stored::Checked(scale), [Ok(block)])
    }

    /// The same with whole counts taken as they are: neither scaled nor log1p.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn discrete(screen: &Screen) -> Result<Self, ScoreError> {
        let block = CellBlock { first_cell: 0, x: screen.expression.x.clone() };
        Self::read::<ScoreError>(Arc::clone(screen.genes()), &screen.cells, Stored::AsIs, [Ok(block)])
    }

    /// The same for cells that come in blocks, in order: one pass, in memory that does not grow with their number but for
    /// 12 bytes each.
    ///
    /// # Errors
    /// As [`Self::new`], and the errors of the blocks.
    pub fn read<E: From<ScoreError>>(
        genes: Arc<GeneIndex>,
        cells: &CellTable,
        stored: Stored,
        blocks: impl IntoIterator<Item = Result<CellBlock, E>>,
    ) -> Result<Self, E> {
        cells.controls().map_err(ScoreError::from)?;
        let names: Vec<Option<String>> = cells
            .conditions
            .iter()
            .map(|c| (!c.perturbation.is_control()).then(|| c.perturbation.to_string()))
            .collect();
        let mut group_of: BTreeMap<&String, u32> = names.iter().flatten().map(|n| (n, 0)).collect();
        group_of.values_mut().zip(0..).for_each(|(group, i)| *group = i);
        let control = group_of.len() as u32;
        let group = |c: u32| names[c as usize].as_ref().map_or(control, |n| group_of[n]);
        let group_of_cell: Arc<[u32]> = cells.of_cell.iter().map(|c| c.map_or(NO_GROUP, group)).collect();
        let mut builder = GeneBlocksBuilder::new(genes.len());
        let mut totals = Vec::with_capacity(cells.n_cells());
        for block in blocks {
            let block = block?;
            check_values(&block, stored, &genes)?;
            totals.extend((0..block.x.n_rows()).map(|c| total(block.x.row(c).1)));
            builder.push(&block).map_err(ScoreError::from)?;
        }
        let values = Arc::new(builder.finish().map_err(ScoreError::from)?);
        let labels: Vec<String> = group_of.into_keys().cloned().collect();
        let (scale, units) = match stored {
            Stored::Checked(Scale::Counts) => (Scale::Counts, Units::Log1pOf(median_total(&totals))),
            Stored::Checked(Scale::Log1p) => (Scale::Log1p, Units::AsStored),
            Stored::AsIs => (Scale::Counts, Units::Raw),
        };
        let n_cells = count(&group_of_cell, labels.len() + 1);
        let own = Part { group_of_cell, values, scale, totals: totals.into(), units, copies: None };
        Ok(Self {
            genes,
            n_cells,
            labels,
            control_label: "non-targeting".into(),
            own,
            controls: None,
            watch: Watch::default(),
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

    /// The scale of the file.
    pub fn scale(&self) -> Scale {
        self.own.scale
    }

    /// Whether values are log1p expression.
    pub fn is_log(&self) -> bool {
        !matches!(self.own.units, Units::PerMillion | Units::Raw)
    }

    /// Number of non-zero values.
    pub fn n_entries(&self) -> usize {
        self.own.values.n_entries()
    }

    /// Number of blocks of genes that a pass goes through.
    pub fn n_blocks(&self) -> usize {
        self.own.values.n_blocks()
    }

    /// The same cells; `done` is called whenever a pass is through with a block of genes, from any thread.
    #[must_use]
    pub fn watched(mut self, done: impl Fn() + Send + Sync + 'static) -> Self {
        self.watch = Watch(Some(Arc::new(done)));
        self
    }

    /// Perturbations whose cells are all alike, of two or more. Reads no further than it takes to see every perturbation
    /// vary.
    ///
    /// # Errors
    /// [`DataError::Temporary`].
    pub fn constant_labels(&self) -> Result<Vec<&str>, ScoreError> {
        let mut varies: Vec<bool> = self.n_cells[..self.labels.len()].iter().map(|&n| n < 2).collect();
        let mut column = GeneColumn::default();
        for block in 0..self.n_blocks() {
            if varies.iter().all(|&v| v) {
                break;
            }
            let parts = self.read_block(block)?;
            for (row, gene) in self.own.values.genes(block).enumerate() {
                column.fill(gene, row, &parts);
                varies.iter_mut().zip(column.varies(&self.n_cells)).for_each(|(all, here)| *all |= here);
            }
        }
        Ok(self.labels.iter().zip(varies).filter(|(_, varies)| !varies).map(|(label, _)| label.as_str()).collect())
    }

    /// The same cells in other units.
    #[must_use]
    pub fn in_units(mut self, units: Units) -> Self {
        self.own.units = units;
        if let Some(controls) = &mut self.controls {
            controls.units = units;
        }
        self
    }

    /// The same perturbed cells with the control cells of another file in place of the own.
    ///
    /// # Errors
    /// [`ScoreError::GeneMismatch`].
    pub fn with_controls_of(mut self, other: &Self) -> Result<Self, ScoreError> {
        super::comparison::same_genes(&other.genes, &self.genes)?;
        let (from, to) = (other.labels.len() as u32, self.labels.len() as u32);
        let mut controls = other.controls.clone().unwrap_or_else(|| other.own.clone());
        let control = |&g: &u32| if g == from { to } else { NO_GROUP };
        controls.group_of_cell = controls.group_of_cell.iter().map(control).collect();
        self.n_cells[to as usize] = other.n_controls();
        self.own.group_of_cell = self.own.group_of_cell.iter().map(|&g| if g == to { NO_GROUP } else { g }).collect();
        self.controls = Some(controls);
        Ok(self)
    }

    /// A function of each gene (all genes, in order), evaluated in parallel; `state` is what a thread keeps between genes.
    ///
    /// # Errors
    /// [`DataError::Temporary`].
    pub fn map_genes<S: Default, T: Send>(
        &self,
        each: impl Fn(&mut S, &GeneColumn) -> T + Sync,
    ) -> Result<Vec<T>, ScoreError> {
        let blocks = 0..self.own.values.n_blocks();
        let of_block = |(state, column): &mut (S, GeneColumn), block: usize| -> Result<Vec<T>, ScoreError> {
            let parts = self.read_block(block)?;
            let genes = self.own.values.genes(block);
            let of_gene = |(row, gene)| {
                column.fill(gene, row, &parts);
                each(state, column)
            };
            let done = genes.enumerate().map(of_gene).collect();
            if let Some(watch) = &self.watch.0 {
                watch();
            }
            Ok(done)
        };
        let blocks: Vec<Vec<T>> =
            blocks.into_par_iter().map_init(Default::default, of_block).collect::<Result<_, _>>()?;
        Ok(blocks.into_iter().flatten().collect())
    }

    /// The same for some genes only, in the order given.
    ///
    /// # Errors
    /// [`DataError::Temporary`].
    pub fn map_some_genes<S: Default, T: Send>(
        &self,
        genes: &[usize],
        each: impl Fn(&mut S, &GeneColumn) -> T + Sync,
    ) -> Result<Vec<T>, ScoreError> {
        let of_gene = |(state, column): &mut (S, GeneColumn), &gene: &usize| -> Result<T, ScoreError> {
            let block = self.own.values.block_of(gene);
            let parts = self.read_block(block)?;
            column.fill(gene, gene - self.own.values.genes(block).start, &parts);
            Ok(each(state, column))
        };
        genes.par_iter().map_init(Default::default, of_gene).collect()
    }

    fn read_block(&self, block: usize) -> Result<Vec<(&Part, Csr<f32>)>, DataError> {
        let parts = std::iter::once(&self.own).chain(&self.controls);
        parts.map(|part| Ok((part, part.values.read(block)?))).collect()
    }

    /// Mean value (log1p unless asked otherwise), n_groups x n_genes, the control in the last row.
    ///
    /// # Errors
    /// [`DataError::Temporary`].
    pub fn means(&self) -> Result<Array2<f64>, ScoreError> {
        let by_gene = self.map_genes(|(): &mut (), column| column.means(&self.n_cells))?;
        Ok(Array2::from_shape_fn((self.n_cells.len(), self.n_genes()), |(g, gene)| by_gene[gene][g]))
    }

    /// The cells of each group as rows, n_cells x n_genes each, the control last: all values in memory, 8 bytes each.
    ///
    /// # Errors
    /// [`DataError::Temporary`].
    pub fn rows(&self) -> Result<Vec<Csr<f32>>, ScoreError> {
        let columns = self.map_genes(|(): &mut (), column| {
            let entry = |k: usize| (column.groups[k], column.cells[k], column.values[k]);
            (0..column.values.len()).map(entry).collect::<Vec<_>>()
        })?;
        let row_of = [Some(&self.own), self.controls.as_ref()].map(|part| part.map(Part::rows_in_groups));
        let mut rows: Vec<Vec<Vec<(u32, f32)>>> = self.n_cells.iter().map(|&n| vec![Vec::new(); n]).collect();
        let control = self.labels.len() as u32;
        for (gene, column) in columns.iter().enumerate() {
            for &(group, cell, value) in column {
                let part = usize::from(group == control && self.controls.is_some());
                let Some(row_of) = &row_of[part] else { continue };
                rows[group as usize][row_of[cell as usize] as usize].push((gene as u32, value));
            }
        }
        let of_group = |rows: Vec<Vec<(u32, f32)>>| {
            let mut x = Csr::empty(self.n_genes());
            rows.into_iter().for_each(|row| x.push_row(row));
            x
        };
        Ok(rows.into_iter().map(of_group).collect())
    }

    /// Two disjoint random halves of the cells of every group, the control's included; an odd cell is left out.
    ///
    /// # Errors
    /// [`ScoreError::TooFewCells`] for a group of one cell.
    pub fn halves(&self, seed: u64) -> Result<[Self; 2], ScoreError> {
        self.split(|group, cells| Rng::keyed(seed, "score.halves", group as u64, 0).shuffle(cells))
    }

    /// The same halves, drawn with the random numbers of numpy as cell-eval2 draws them: one generator for all groups,
    /// in the order of their names, the control among them.
    ///
    /// # Errors
    /// [`ScoreError::TooFewCells`] for a group of one cell.
    pub fn halves_of_numpy(&self, seed: u64) -> Result<[Self; 2], ScoreError> {
        let mut rng = NumpyRng::new(seed);
        self.split(|_, cells| rng.shuffle(cells))
    }

    /// Halves of every group, which are taken in the order of their names; `shuffle` orders the cells of one.
    fn split(&self, mut shuffle: impl FnMut(usize, &mut [usize])) -> Result<[Self; 2], ScoreError> {
        let groups = &self.own.group_of_cell;
        let mut cells_of = vec![Vec::new(); self.n_cells.len()];
        groups.iter().enumerate().filter(|(_, g)| **g != NO_GROUP).for_each(|(c, &g)| cells_of[g as usize].push(c));
        let name = |g: usize| self.labels.get(g).unwrap_or(&self.control_label);
        let mut order: Vec<usize> = (0..self.n_cells.len()).collect();
        order.sort_by_key(|&g| name(g));
        let mut masks = [vec![NO_GROUP; groups.len()], vec![NO_GROUP; groups.len()]];
        for g in order {
            let cells = &mut cells_of[g];
            if cells.len() < 2 {
                let label = self.labels.get(g).map_or("control", String::as_str).to_owned();
                return Err(ScoreError::TooFewCells { label, got: cells.len() });
            }
            shuffle(g, cells);
            for (mask, half) in masks.iter_mut().zip(cells.chunks_exact(cells.len() / 2)) {
                half.iter().for_each(|&c| mask[c] = g as u32);
            }
        }
        Ok(masks.map(|mask| self.regrouped(mask)))
    }

    /// Sum of the values of each cell of a file that holds cells of this group, by cell.
    pub(super) fn totals(&self, group: usize) -> &[f64] {
        let control = self.controls.as_ref().filter(|_| group == self.labels.len());
        &control.unwrap_or(&self.own).totals
    }

    /// The same sums, of the cells of each group.
    pub(super) fn totals_by_group(&self) -> Vec<Vec<f64>> {
        let mut by_group = vec![Vec::new(); self.n_cells.len()];
        for part in std::iter::once(&self.own).chain(&self.controls) {
            let grouped = part.group_of_cell.iter().zip(part.totals.iter()).filter(|(g, _)| **g != NO_GROUP);
            grouped.for_each(|(&g, &total)| by_group[g as usize].push(total));
        }
        by_group
    }

    /// The control cells of the own file, in its order.
    pub(super) fn control_cells(&self) -> Vec<u32> {
        let control = self.labels.len() as u32;
        let cells = self.own.group_of_cell.iter().zip(0..);
        cells.filter(|(g, _)| **g == control).map(|(_, cell)| cell).collect()
    }

    /// The same labels with copies of cells in place of the perturbed ones; the own control cells. `group_of_copy` and
    /// `totals` are by copy.
    pub(super) fn with_copies(
        &self,
        copies: Copies,
        group_of_copy: Vec<u32>,
        totals: Vec<f64>,
    ) -> Result<Self, ScoreError> {
        let n_cells = count(&group_of_copy, self.n_cells.len());
        let (group_of_cell, totals) = (group_of_copy.into(), totals.into());
        let own = Part { group_of_cell, totals, copies: Some(Arc::new(copies)), ..self.own.clone() };
        Self { n_cells, own, controls: None, ..self.clone() }.with_controls_of(self)
    }

    /// The same cells in other groups; the own control cells.
    fn regrouped(&self, group_of_cell: Vec<u32>) -> Self {
        let n_cells = count(&group_of_cell, self.n_cells.len());
        Self {
            n_cells,
            own: Part { group_of_cell: group_of_cell.into(), ..self.own.clone() },
            controls: None,
            ..self.clone()
        }
    }
}

fn count(group_of_cell: &[u32], n_groups: usize) -> Vec<usize> {
    let mut counts = vec![0; n_groups];
    group_of_cell.iter().filter(|&&g| g != NO_GROUP).for_each(|&g| counts[g as usize] += 1);
    counts
}

fn total(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum()
}

/// Of the cells that have counts.
fn median_total(totals: &[f64]) -> f64 {
    let mut positive: Vec<f64> = totals.iter().copied().filter(|&t| t > 0.0).collect();
    median(&mut positive).unwrap_or(1.0)
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
        let means = LogCells::new(&s).unwrap().means().unwrap();
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
        assert!(
            a.own.group_of_cell.iter().zip(b.own.group_of_cell.iter()).all(|(&x, &y)| x == NO_GROUP || y == NO_GROUP)
        );
    }
}
