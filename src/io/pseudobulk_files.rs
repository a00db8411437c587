//! Any number of files as one table on disk, within a given amount of memory.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::accumulate::{add_cells, needs_totals, totals};
use super::cells::open_cells_with;
use super::copy::JoinedGenes;
use super::h5ad::{TableParts, rows_per_chunk, write_h5ad_parts};
use super::pseudobulk::TableRows;
use super::{IoError, Join, ScreenFile, ScreenOptions, check_control, open_screen, read_table, write_pseudobulk};
use crate::data::{
    Condition, DataError, GeneIndex, Normalisation, Pseudobulk, PseudobulkBuilder, PseudobulkOptions, Quantity, Scale,
    Totals,
};
use crate::error::Notice;

/// Bytes per condition and gene while a table is made: sums, then the layers beside them.
const BYTES: u64 = 48;
/// The same with both halves of the cells.
const BYTES_WITH_HALVES: u64 = 64;
/// The program and the blocks that are being read.
const BASE: u64 = 200 << 20;

/// What was written.
#[derive(Debug, Clone)]
pub struct Reduced {
    /// Cells with a condition.
    pub cells: u64,
    /// Number of conditions, controls included.
    pub conditions: usize,
    /// Number of control conditions.
    pub controls: usize,
    /// Number of genes.
    pub genes: usize,
    /// Control label, as the first file writes it.
    pub control_label: String,
    /// Levels, or the effects that a table holds.
    pub quantity: Quantity,
    /// How often the cells were read: more than once where the table does not fit into memory.
    pub passes: usize,
    /// What was decided while reading.
    pub notices: Vec<Notice>,
}

/// What is known of all files before expression is read.
struct Survey<'a> {
    paths: &'a [PathBuf],
    options: &'a ScreenOptions,
    genes: Arc<GeneIndex>,
    conditions: Vec<Condition>,
    n_cells: Vec<u64>,
    files: Vec<Surveyed>,
    median_total: f64,
    control_label: String,
}

struct Surveyed {
    scale: Scale,
    /// For each condition of the file its place among all.
    conditions: Vec<u32>,
    first_cell: usize,
    n_cells: usize,
}

/// Reduces files to one row per condition and writes the table, as [`write_pseudobulk`] does. Conditions of the same name
/// are one condition, whatever their file; `join` says which genes the table has. Files are opened one at a time.
///
/// Counts are scaled to the total over the genes of the table that the file has.
///
/// Where the table takes more than `memory` bytes (48 per condition and gene, 64 with halves), the conditions are shared
/// out over several passes, each of which reads the files and blocks that hold some of its conditions.
///
/// # Errors
/// As [`super::pseudobulk_of`]; [`DataError::TooFewControls`] where all files together have fewer than two control cells;
/// [`IoError::Format`] where genes differ under [`Join::Exact`] or nothing is common under [`Join::Inner`].
pub fn reduce_files(
    paths: &[PathBuf],
    join: Join,
    screen: &ScreenOptions,
    options: &PseudobulkOptions,
    memory: Option<u64>,
    output: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Reduced, IoError> {
    if let [path] = paths
        && open_screen(path, screen)?.is_table
    {
        return copy_table(path, screen, options, output, progress);
    }
    let chosen = if join == Join::Exact { None } else { Some(joined_genes(paths, join, screen)?) };
    let (survey, notices) = survey(paths, chosen.as_ref(), screen, options, progress)?;
    let groups = groups(&survey, options, memory);
    let all = (survey.total_cells() * groups.len()) as u64;
    let mut passes = groups.iter().enumerate().map(|(pass, group)| {
        let before = (pass * survey.total_cells()) as u64;
        survey.reduce(group.clone(), options, &mut |done| progress(before + done, all))
    });
    if let [_] = groups[..] {
        passes.next().map_or(Ok(()), |table| write_pseudobulk(output, &table?))?;
    } else {
        survey.write(output, options, &mut passes)?;
    }
    let controls = survey.conditions.iter().filter(|c| c.perturbation.is_control()).count();
    Ok(Reduced {
        cells: survey.n_cells.iter().sum(),
        conditions: survey.conditions.len(),
        controls,
        genes: survey.genes.len(),
        quantity: Quantity::Level,
        control_label: survey.control_label,
        passes: groups.len(),
        notices,
    })
}

/// A file that is a table already, as it is.
fn copy_table(
    path: &Path,
    screen: &ScreenOptions,
    options: &PseudobulkOptions,
    output: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Reduced, IoError> {
    let read = read_table(path, screen, options, progress)?;
    write_pseudobulk(output, &read.table)?;
    Ok(Reduced {
        cells: read.table.n_cells.iter().sum(),
        conditions: read.table.conditions.len(),
        controls: read.table.control_rows().len(),
        genes: read.table.genes.len(),
        quantity: read.table.quantity,
        control_label: read.table.control_label,
        passes: 1,
        notices: read.notices,
    })
}

/// The genes of the table.
fn joined_genes(paths: &[PathBuf], join: Join, screen: &ScreenOptions) -> Result<Arc<GeneIndex>, IoError> {
    let mut genes = JoinedGenes::new(join);
    for path in paths {
        let file = open_cells_with(path, screen.aliases.as_deref(), screen.gene_metadata.as_deref())?;
        genes.add(path, &file.genes)?;
    }
    Ok(genes.finish()?.0)
}

/// Opens each file: its conditions, and the totals of its cells where they are needed. Where no genes were chosen, all
/// files must have those of the first.
fn survey<'a>(
    paths: &'a [PathBuf],
    chosen: Option<&Arc<GeneIndex>>,
    options: &'a ScreenOptions,
    pseudobulk: &PseudobulkOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Survey<'a>, Vec<Notice>), IoError> {
    let (mut first, mut position, mut genes) = (None::<ScreenFile>, HashMap::new(), JoinedGenes::new(Join::Exact));
    let (mut conditions, mut n_cells): (Vec<Condition>, Vec<u64>) = (Vec::new(), Vec::new());
    let (mut files, mut kept, mut notices, mut first_cell) = (Vec::new(), Totals::default(), Vec::new(), 0);
    for path in paths {
        let file = open_screen(path, options)?;
        if file.is_table {
            let (expected, got) = ("cells (tables of one row per condition are not merged)", "a table");
            return Err(IoError::format(path, "", expected, got));
        }
        let file = if let Some(genes) = chosen { file.with_genes(Arc::clone(genes)) } else { file };
        genes.add(path, &file.genes)?;
        let mut places = Vec::with_capacity(file.cells.conditions.len());
        for (condition, n) in file.cells.conditions.iter().zip(file.cells.counts()) {
            let place = *position.entry(condition.clone()).or_insert_with(|| {
                conditions.push(condition.clone());
                n_cells.push(0);
                conditions.len() - 1
            });
            n_cells[place] += n;
            places.push(place as u32);
        }
        if needs_totals(&file, pseudobulk) {
            let (before, all) = (first_cell as u64, (first_cell + file.n_cells()) as u64);
            totals(&file.file.rows()?, &file.cells.of_cell, &mut kept, &mut |done| progress(before + done, all))?;
        }
        let named =
            |n: &Notice| if paths.len() > 1 { Notice::new(format!("{}: {n}", path.display())) } else { n.clone() };
        notices.extend(file.notices.iter().map(named));
        files.push(Surveyed { scale: file.scale, conditions: places, first_cell, n_cells: file.n_cells() });
        first_cell += file.n_cells();
        first.get_or_insert(file);
    }
    let Some(first) = first else {
        let shape = DataError::Shape { what: "pseudobulk", expected: "at least one file".into(), got: "none".into() };
        return Err(IoError::data("")(shape));
    };
    let is_control = |(c, _): &(&Condition, &u64)| c.perturbation.is_control();
    let controls: u64 = conditions.iter().zip(&n_cells).filter(is_control).map(|(_, n)| n).sum();
    if controls < 2 && paths.len() > 1 {
        let label = first.control_label.clone().unwrap_or_default();
        return Err(IoError::data(&first.path)(DataError::TooFewControls { label, expected: 2, got: controls }));
    }
    if paths.len() == 1 {
        check_control(&first)?;
    }
    let control_label = first.control_label.clone().unwrap_or_else(|| "control".into());
    let median_total = kept.median().unwrap_or(1.0);
    let (genes, _) = genes.finish()?;
    Ok((Survey { paths, options, genes, conditions, n_cells, files, median_total, control_label }, notices))
}

/// Conditions that are reduced in one pass each.
fn groups(survey: &Survey<'_>, options: &PseudobulkOptions, memory: Option<u64>) -> Vec<Range<usize>> {
    let n = survey.conditions.len();
    let Some(memory) = memory else { return std::iter::once(0..n).collect() };
    let bytes = if options.halves { BYTES_WITH_HALVES } else { BYTES };
    let row = bytes * survey.genes.len().max(1) as u64;
    let fit = (memory.saturating_sub(BASE) / row).max(1) as usize;
    // Rows that are compressed together are written together.
    let chunk = rows_per_chunk(survey.genes.len());
    let fit = if fit > chunk { fit / chunk * chunk } else { fit };
    (0..n).step_by(fit.max(1)).map(|start| start..(start + fit).min(n)).collect()
}

impl Survey<'_> {
    fn total_cells(&self) -> usize {
        self.files.iter().map(|f| f.n_cells).sum()
    }

    /// The table of some of the conditions; files without any of them are passed over.
    fn reduce(
        &self,
        group: Range<usize>,
        options: &PseudobulkOptions,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Pseudobulk, IoError> {
        let conditions = self.conditions[group.clone()].to_vec();
        let mut builder = PseudobulkBuilder::new(Arc::clone(&self.genes), conditions, *options);
        for (path, file) in self.paths.iter().zip(&self.files) {
            let in_group = |&place: &u32| group.contains(&(place as usize)).then(|| place - group.start as u32);
            let places: Vec<Option<u32>> = file.conditions.iter().map(in_group).collect();
            if places.iter().any(Option::is_some) {
                let screen = open_screen(path, self.options)?.with_genes(Arc::clone(&self.genes));
                let of_cell: Vec<Option<u32>> =
                    screen.cells.of_cell.iter().map(|c| c.and_then(|c| places[c as usize])).collect();
                builder.set_cells_before(file.first_cell);
                builder.set_normalisation(Normalisation::of(file.scale, options.target_sum, self.median_total));
                let mut report = |done: u64| progress(file.first_cell as u64 + done);
                add_cells(&mut builder, &screen.file.rows()?, &of_cell, &mut report)?;
            }
            progress((file.first_cell + file.n_cells) as u64);
        }
        let mut table = builder.finish();
        table.control_label.clone_from(&self.control_label);
        Ok(table)
    }

    /// Writes the parts one after the other.
    fn write(
        &self,
        output: &Path,
        options: &PseudobulkOptions,
        parts: &mut dyn Iterator<Item = Result<Pseudobulk, IoError>>,
    ) -> Result<(), IoError> {
        let rows =
            TableRows { conditions: &self.conditions, n_cells: &self.n_cells, control_label: &self.control_label };
        let layers: &[&str] = if options.halves {
            &["var", "third", "fraction", "half_a", "half_b"]
        } else {
            &["var", "third", "fraction"]
        };
        let uns = rows.about(Quantity::Level);
        let n_rows = self.conditions.len();
        let table = TableParts { n_rows, genes: &self.genes, var: &[], layers, uns: &uns };
        let parts = parts.map(|table| {
            let Pseudobulk { moments, halves, .. } = table?;
            let of_cells = [Some(moments.mean), moments.var, moments.third, moments.fraction].into_iter().flatten();
            Ok(of_cells.chain(halves.into_iter().flatten()).collect())
        });
        write_h5ad_parts(output, &table, parts, &|| (rows.names(), rows.obs()))
    }
}
