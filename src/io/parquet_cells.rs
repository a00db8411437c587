//! Cells in Parquet as Tahoe-100M has them: a row per cell with a list of gene tokens and a list of counts, and columns of
//! text; one file or a folder of them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::IoError;
use super::annotation::{Annotation, Listed};
use super::cells::{CellFile, GENE_IDS, Matrix, Names};
use super::column::ColumnKind;
use super::copy::ledger;
use super::genes::{GeneNames, build_index};
use super::h5ad::Labels;
use super::parquet::{Lists, ParquetTable};
use super::tahoe::{TokenTable, without_marker};
use crate::data::{CellBlock, Csr};
use crate::error::Notice;

const GENES: &str = "genes";
/// Columns of cell names.
pub(super) const CELL_NAMES: [&str; 2] = ["cell_name", "BARCODE_SUB_LIB_ID"];
const COUNTS: &str = "expressions";
/// Rows read at a time.
const BATCH: usize = 1 << 11;
/// Where the table of tokens is looked for, beside the cells and in the places the data set has it.
const TOKENS: [&str; 3] =
    ["gene_metadata.parquet", "metadata/gene_metadata.parquet", "../metadata/gene_metadata.parquet"];

/// Files of cells in their order.
#[derive(Debug, Clone)]
pub(super) struct Shards {
    files: Arc<Vec<Shard>>,
    columns: Vec<String>,
    /// Kinds of columns, where the folder tells them.
    kinds: Arc<HashMap<String, ColumnKind>>,
    n_cells: usize,
}

#[derive(Debug)]
struct Shard {
    path: PathBuf,
    /// Rows of each group.
    groups: Vec<usize>,
    /// Elements of the lists.
    values: u64,
}

/// The lists of all files, with the gene of each token.
#[derive(Debug, Clone)]
pub(super) struct ParquetMatrix {
    shards: Shards,
    tokens: Arc<TokenTable>,
}

/// Whether this is a Parquet file of cells, or a folder of them.
pub(super) fn is_cells(path: &Path) -> bool {
    if path.is_dir() {
        return !parquet_files(path).is_empty();
    }
    ParquetTable::recognises(path)
}

/// The files of a folder that end in `.parquet`, by name, without tables of tokens and drugs.
fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_shard = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.extension().is_some_and(|e| e == "parquet") && !name.contains("metadata")
    };
    let mut files: Vec<PathBuf> = entries.filter(is_shard).collect();
    files.sort();
    files
}

/// Opens cells; `gene_metadata` is the table of tokens, which is looked for beside the cells where it is not given.
///
/// # Errors
/// [`IoError::Format`] for a folder without cells or a table of tokens that cannot be found, [`IoError::MissingColumn`].
pub(super) fn open(path: &Path, gene_metadata: Option<&Path>, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    let files = if path.is_dir() { parquet_files(path) } else { vec![path.to_owned()] };
    let mut shards = Shards::open(&files)?;
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    shards.kinds = Arc::new(ledger::kinds(folder));
    let beside = || TOKENS.iter().map(|name| folder.join(name)).find(|p| p.is_file());
    let Some(table) = gene_metadata.map(Path::to_owned).or_else(beside) else {
        let expected = "the genes of its tokens (`--gene-metadata FILE`, or gene_metadata.parquet beside the cells)";
        return Err(IoError::format(path, "", expected, "no such table"));
    };
    let tokens = Arc::new(TokenTable::read(&table)?);
    let names: Vec<String> = tokens.genes.names().iter().map(ToString::to_string).collect();
    let GeneNames { genes, repeated, notices } = build_index(&names, aliases)?;
    let text = format!("genes are those of `{}`", table.display());
    Ok(CellFile {
        path: path.to_owned(),
        format: "Parquet",
        n_cells: shards.n_cells,
        genes,
        repeated_genes: repeated,
        notices: std::iter::once(Notice::new(text)).chain(tokens.notices.clone()).chain(notices).collect(),
        matrix_name: Some(COUNTS.to_owned()),
        names: Names::Column(CELL_NAMES.iter().find(|n| shards.columns.iter().any(|c| c == *n)).copied()),
        var: Some(Annotation::Listed(Arc::new(Listed::new(
            tokens.identifiers().map(|ids| (GENE_IDS.to_owned(), ids)),
        )))),
        mapping: None,
        obs: Some(Annotation::Shards(shards.clone())),
        matrix: Some(Matrix::Parquet(ParquetMatrix { shards, tokens })),
    })
}

impl Shards {
    fn open(files: &[PathBuf]) -> Result<Self, IoError> {
        let mut columns: Option<Vec<String>> = None;
        let mut shards = Vec::with_capacity(files.len());
        for path in files {
            let table = ParquetTable::open(path)?;
            table.expect(&[GENES])?;
            table.expect(&[COUNTS])?;
            let names = table.names().into_iter().filter(|n| *n != GENES && *n != COUNTS).map(str::to_owned);
            // Only what every file has is an annotation of all cells.
            columns = Some(match columns {
                None => names.collect(),
                Some(common) => common.into_iter().filter(|c| table.names().contains(&c.as_str())).collect(),
            });
            let groups = (0..table.n_groups()).map(|g| Ok(table.group(g)?.1)).collect::<Result<_, IoError>>()?;
            let values = table.n_values(table.expect(&[GENES])?);
            shards.push(Shard { path: path.clone(), groups, values });
        }
        let n_cells = shards.iter().flat_map(|s| &s.groups).sum();
        let kinds = Arc::new(HashMap::new());
        Ok(Self { files: Arc::new(shards), columns: columns.unwrap_or_default(), kinds, n_cells })
    }

    /// Names of the flat columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The kind of a column, where it is known.
    pub(super) fn kind(&self, column: &str) -> Option<ColumnKind> {
        self.kinds.get(column).copied()
    }

    /// A column of all files; distinct labels are kept once.
    pub(super) fn labels(&self, column: &str) -> Result<Labels, IoError> {
        let (mut codes, mut names, mut position) = (Vec::with_capacity(self.n_cells), Vec::new(), HashMap::new());
        for shard in self.files.iter() {
            let table = ParquetTable::open(&shard.path)?;
            let at = table.expect(&[column])?;
            for (group, &rows) in shard.groups.iter().enumerate() {
                let mut reader = table.group(group)?.0.column(at)?;
                for size in batches(rows) {
                    let texts = reader.text(size)?;
                    codes.extend((0..size).map(|row| {
                        let text = texts.row(row).first().map_or("", String::as_str);
                        position.get(text).copied().unwrap_or_else(|| {
                            names.push(text.to_owned());
                            position.insert(text.to_owned(), names.len() as i64 - 1);
                            names.len() as i64 - 1
                        })
                    }));
                }
            }
        }
        Ok(Labels::from_codes(&names, &codes))
    }
}

/// Sizes of the batches of a group.
fn batches(rows: usize) -> impl Iterator<Item = usize> {
    (0..rows).step_by(BATCH).map(move |start| BATCH.min(rows - start))
}

impl ParquetMatrix {
    /// Up to `limit` counts of the first cells.
    pub(super) fn sample(&self, limit: usize) -> Result<Vec<f32>, IoError> {
        let (mut cells, mut values) = (self.rows(), Vec::new());
        if let Some(first) = cells.runs.first().cloned() {
            cells.read_run(first, &mut |block| {
                values.extend(block.x.data());
                values.len() < limit
            })?;
        }
        values.truncate(limit);
        Ok(values)
    }

    /// Values in the file: elements of the lists, as its footers count them.
    pub(super) fn stored_values(&self) -> u64 {
        self.shards.files.iter().map(|shard| shard.values).sum()
    }

    /// Access to the cells.
    pub(super) fn rows(&self) -> ParquetRows {
        let (mut plan, mut runs, mut places, mut start) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for (file, shard) in self.shards.files.iter().enumerate() {
            for (group, &rows) in shard.groups.iter().enumerate() {
                let first = plan.len();
                for size in batches(rows) {
                    plan.push(start..start + size);
                    start += size;
                }
                if rows > 0 {
                    runs.push(first..plan.len());
                    places.push((file, group));
                }
            }
        }
        ParquetRows { matrix: self.clone(), plan, runs, places, open: None }
    }
}

/// Cells by groups of rows, which are read from front to back.
pub(super) struct ParquetRows {
    matrix: ParquetMatrix,
    plan: Vec<Range<usize>>,
    runs: Vec<Range<usize>>,
    /// File and group of each run.
    places: Vec<(usize, usize)>,
    /// The file that was read last, and which it is.
    open: Option<(usize, ParquetTable)>,
}

impl std::fmt::Debug for ParquetRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetRows").field("runs", &self.runs.len()).finish_non_exhaustive()
    }
}

impl Clone for ParquetRows {
    fn clone(&self) -> Self {
        self.matrix.rows()
    }
}

impl ParquetRows {
    /// The cells of each block.
    pub(super) fn plan(&self) -> &[Range<usize>] {
        &self.plan
    }

    /// Blocks that are read one after the other: those of a group of rows.
    pub(super) fn runs(&self) -> &[Range<usize>] {
        &self.runs
    }

    /// One block; those before it in its group are read too.
    pub(super) fn read(&mut self, block: usize) -> Result<CellBlock, IoError> {
        let run = self.runs[self.runs.partition_point(|r| r.end <= block)].clone();
        let (first_cell, mut found) = (self.plan[block].start, None);
        self.read_run(run, &mut |block| {
            let here = block.first_cell == first_cell;
            found = here.then_some(block);
            !here
        })?;
        found.ok_or_else(|| IoError::format(&self.matrix.shards.files[0].path, "", "a readable group of rows", "none"))
    }

    /// Reads the blocks of a run until `each` returns false.
    pub(super) fn read_run(
        &mut self,
        run: Range<usize>,
        each: &mut dyn FnMut(CellBlock) -> bool,
    ) -> Result<(), IoError> {
        let at = self.runs.partition_point(|r| r.start < run.start);
        let Some(&(file, group)) = self.places.get(at) else { return Ok(()) };
        let shard = &self.matrix.shards.files[file];
        if self.open.as_ref().is_none_or(|(open, _)| *open != file) {
            self.open = Some((file, ParquetTable::open(&shard.path)?));
        }
        let Some((_, table)) = &self.open else { return Ok(()) };
        let (rows, _) = table.group(group)?;
        let mut genes = rows.column(table.expect(&[GENES])?)?;
        let mut counts = rows.column(table.expect(&[COUNTS])?)?;
        let before: usize = shard.groups[..group].iter().sum();
        let first_of_run = self.plan[run.start].start;
        for cells in &self.plan[run] {
            let (genes, counts) = (genes.whole(cells.len())?, counts.numbers(cells.len())?);
            let first_row = before + cells.start - first_of_run;
            let x = block(&self.matrix.tokens, &genes, &counts, &shard.path, first_row)?;
            if !each(CellBlock { first_cell: cells.start, x }) {
                break;
            }
        }
        Ok(())
    }
}

/// Cells as rows; tokens that the table does not have are left out.
fn block(
    tokens: &TokenTable,
    genes: &Lists<i64>,
    counts: &Lists<f32>,
    path: &Path,
    first_row: usize,
) -> Result<Csr<f32>, IoError> {
    let mut x = Csr::empty(tokens.genes.len());
    let mut cell: Vec<(u32, f32)> = Vec::new();
    for row in 0..genes.len() {
        let wrong = |expected: String, got: String| {
            IoError::format(path, format!("row {}", first_row + row + 1), expected, got)
        };
        let (tokens_of, counts_of) = (genes.row(row), counts.row(row));
        if tokens_of.len() != counts_of.len() {
            let expected = format!("as many counts as genes ({})", tokens_of.len());
            return Err(wrong(expected, counts_of.len().to_string()));
        }
        let (tokens_of, counts_of) = without_marker(tokens_of, counts_of);
        if let Some(bad) = counts_of.iter().find(|c| !(c.is_finite() && **c >= 0.0)) {
            return Err(wrong("finite counts of at least 0 behind the marker".into(), bad.to_string()));
        }
        cell.clear();
        let known = tokens_of.iter().zip(counts_of).filter(|(_, c)| **c != 0.0);
        cell.extend(known.filter_map(|(&token, &count)| Some((tokens.column(token)?, count))));
        if !cell.is_sorted_by_key(|c| c.0) {
            cell.sort_unstable_by_key(|c| c.0);
        }
        if let Some(twice) = cell.windows(2).find(|w| w[0].0 == w[1].0) {
            let token = tokens.token(twice[0].0);
            return Err(wrong("each gene once in a cell".into(), format!("token {token} twice")));
        }
        x.push_row(cell.iter().copied());
    }
    Ok(x)
}
