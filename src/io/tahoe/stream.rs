//! Cells of several files in order, a batch at a time, read ahead on a thread of its own.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use crate::io::IoError;
use crate::io::parquet::{Lists, ParquetGroup, ParquetTable};

/// Cells read at a time.
const BATCH: usize = 1024;
/// Batches read ahead of the one that is worked on.
const READ_AHEAD: usize = 3;

const DRUG: &[&str] = &["drug"];
const LINE: &[&str] = &["cell_line_id", "cell_line", "cell_name"];
const PLATE: &[&str] = &["plate"];
const SAMPLE: &[&str] = &["sample"];
const DOSE: &[&str] = &["drugname_drugconc"];
const GENES: &[&str] = &["genes"];
const COUNTS: &[&str] = &["expressions"];

/// An open file and where its columns are.
pub(super) struct Source {
    table: ParquetTable,
    drug: usize,
    line: usize,
    plate: Option<usize>,
    sample: Option<usize>,
    dose: Option<usize>,
    genes: usize,
    counts: usize,
}

/// What a cell is labelled with.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    pub(super) drug: String,
    pub(super) line: String,
    pub(super) plate: String,
    pub(super) sample: String,
    /// `drugname_drugconc`.
    pub(super) dose: String,
}

/// Consecutive cells.
pub(super) struct Batch<'a> {
    path: &'a Path,
    /// Position of the first cell among those of all files.
    pub(super) first_cell: usize,
    /// Position of the first cell in its file.
    first_row: usize,
    pub(super) labels: Vec<Labels>,
    /// Tokens and counts per cell, where they are read.
    pub(super) lists: Option<(Lists<i64>, Lists<f32>)>,
}

impl Batch<'_> {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The error of one cell.
    pub(super) fn wrong(&self, cell: usize, expected: &str, got: String) -> IoError {
        IoError::format(self.path, format!("row {}", self.first_row + cell + 1), expected, got)
    }
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, IoError> {
        let table = ParquetTable::open(path)?;
        let (drug, line) = (table.expect(DRUG)?, table.expect(LINE)?);
        let (genes, counts) = (table.expect(GENES)?, table.expect(COUNTS)?);
        let (plate, sample, dose) = (table.find(PLATE), table.find(SAMPLE), table.find(DOSE));
        Ok(Self { table, drug, line, plate, sample, dose, genes, counts })
    }

    pub(super) fn n_rows(&self) -> u64 {
        self.table.n_rows()
    }

    /// Hands over the batches of one group of rows; returns false where nobody listens any more.
    fn group<'a>(
        &'a self,
        group: usize,
        at: &mut (usize, usize),
        lists: bool,
        send: &mut dyn FnMut(Batch<'a>) -> bool,
    ) -> Result<bool, IoError> {
        let (rows, n): (ParquetGroup<'a>, usize) = self.table.group(group)?;
        let text = |column: Option<usize>| column.map(|c| rows.column(c)).transpose();
        let mut labels =
            [text(Some(self.drug))?, text(Some(self.line))?, text(self.plate)?, text(self.sample)?, text(self.dose)?];
        let mut values = if lists { Some((rows.column(self.genes)?, rows.column(self.counts)?)) } else { None };
        let mut left = n;
        while left > 0 {
            let size = left.min(BATCH);
            let mut of_batch = vec![Labels::default(); size];
            for (which, column) in labels.iter_mut().enumerate() {
                let Some(column) = column else { continue };
                let texts = column.text(size)?;
                for (row, label) in of_batch.iter_mut().enumerate() {
                    let text = texts.row(row).first().map(|t| t.trim().to_owned()).unwrap_or_default();
                    *label.part(which) = text;
                }
            }
            let lists = match &mut values {
                Some((genes, counts)) => Some((genes.whole(size)?, counts.numbers(size)?)),
                None => None,
            };
            let path = &self.table.path;
            if !send(Batch { path, first_cell: at.0, first_row: at.1, labels: of_batch, lists }) {
                return Ok(false);
            }
            (at.0, at.1, left) = (at.0 + size, at.1 + size, left - size);
        }
        Ok(true)
    }
}

impl Labels {
    fn part(&mut self, which: usize) -> &mut String {
        match which {
            0 => &mut self.drug,
            1 => &mut self.line,
            2 => &mut self.plate,
            3 => &mut self.sample,
            _ => &mut self.dose,
        }
    }
}

/// Hands over all cells in the order of files and rows; tokens and counts only where `lists`.
pub(super) fn stream<'a>(
    sources: &'a [Source],
    lists: bool,
    mut each: impl FnMut(&mut Batch<'a>) -> Result<(), IoError>,
) -> Result<(), IoError> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(READ_AHEAD);
        scope.spawn(move || {
            let mut first_cell = 0;
            for source in sources {
                let mut at = (first_cell, 0);
                for group in 0..source.table.n_groups() {
                    let read = source.group(group, &mut at, lists, &mut |batch| sender.send(Ok(batch)).is_ok());
                    match read {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(error) => return drop(sender.send(Err(error))),
                    }
                }
                first_cell = at.0;
            }
        });
        receiver.into_iter().try_for_each(|batch: Result<Batch<'a>, IoError>| each(&mut batch?))
    })
}
