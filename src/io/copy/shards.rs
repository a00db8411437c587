//! Cells as Parquet files in the layout of Tahoe-100M: a row per cell with a list of gene tokens and a list of counts.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use tempfile::NamedTempFile;

use super::ledger::{Kept, Ledger};
use super::{Cells, CopyOptions, check_rows, name_column};
use crate::data::Csr;
use crate::io::atomic::{persist, temporary_in};
use crate::io::cells::GENE_IDS;
use crate::io::parquet::{Levels, ParquetKind, ParquetValues, properties, write_flat, write_parquet};
use crate::io::{Column, IoError};

/// Columns of lists.
const LISTS: [&str; 2] = ["genes", "expressions"];
/// Token of the first gene: smaller ones are markers in Tahoe-100M.
const FIRST_TOKEN: i64 = 3;
/// Entries of lists held before a group of rows is written.
const GROUP: usize = 1 << 20;
/// Rows of a group at most.
const GROUP_ROWS: usize = 1 << 14;
/// Name of the table of tokens.
const GENES: &str = "gene_metadata.parquet";

/// Writes the folder. Groups of rows are cut by what is in them, so that the files do not depend on the blocks.
pub(super) fn write<E: From<IoError>>(
    folder: &Path,
    cells: &Cells,
    options: &CopyOptions,
    blocks: impl Iterator<Item = Result<Csr<f32>, E>>,
) -> Result<Kept, E> {
    if let Some((name, _)) = cells.obs.iter().find(|(name, _)| LISTS.iter().any(|l| l.eq_ignore_ascii_case(name))) {
        let expected = "other names than those of the lists, `genes` and `expressions`";
        return Err(IoError::format(folder, format!("column `{name}`"), expected, "one of them").into());
    }
    let mut ledger = Ledger::open(folder, cells, options)?;
    if !ledger.has(GENES)? {
        genes(&ledger.path(GENES), cells)?;
        ledger.done(GENES)?;
    }
    let mut shards = Shards::new(cells, options.shard_rows.max(1), ledger)?;
    for block in blocks {
        shards.push(&block?)?;
    }
    check_rows(folder, cells, shards.n_rows)?;
    Ok(shards.finish()?)
}

/// Genes, their identifiers and tokens.
fn genes(path: &Path, cells: &Cells) -> Result<(), IoError> {
    let ids = cells.var.iter().find(|(name, _)| name == GENE_IDS).map(|(_, ids)| ids);
    let n = cells.genes.len();
    let ids: Vec<String> = (0..n).map(|g| ids.map_or(String::new(), |c: &Column| c.text(g).into_owned())).collect();
    let columns =
        [("gene_symbol", ParquetKind::Text), ("ensembl_id", ParquetKind::Text), ("token_id", ParquetKind::I64)];
    let group = vec![
        ParquetValues::Text(cells.genes.names().iter().map(|name| &**name).collect()),
        ParquetValues::Text(ids.iter().map(String::as_str).collect()),
        ParquetValues::I64((0..n as i64).map(|g| FIRST_TOKEN + g).collect()),
    ];
    write_parquet(path, &columns, [group])
}

/// Rows on their way into files of `shard_rows` each.
struct Shards<'a> {
    cells: &'a Cells,
    schema: TypePtr,
    shard_rows: usize,
    ledger: Ledger,
    /// Rows that came.
    n_rows: usize,
    /// Whether the file of the next row is there already.
    skipping: bool,
    open: Option<(NamedTempFile, SerializedFileWriter<File>)>,
    group: Group,
}

#[derive(Default)]
struct Group {
    first_row: usize,
    ends: Vec<usize>,
    genes: Vec<i64>,
    values: Vec<f32>,
}

impl<'a> Shards<'a> {
    fn new(cells: &'a Cells, shard_rows: usize, ledger: Ledger) -> Result<Self, IoError> {
        let schema = schema(cells).map_err(|e| wrong(&ledger.path(""), &e))?;
        let (open, group) = (None, Group::default());
        Ok(Self { cells, schema, shard_rows, ledger, n_rows: 0, skipping: false, open, group })
    }

    fn name(shard: usize) -> String {
        format!("cells-{shard:05}.parquet")
    }

    fn push(&mut self, x: &Csr<f32>) -> Result<(), IoError> {
        for row in 0..x.n_rows() {
            if self.n_rows.is_multiple_of(self.shard_rows) {
                self.skipping = self.ledger.has(&Self::name(self.n_rows / self.shard_rows))?;
                self.group.first_row = self.n_rows;
            }
            self.n_rows += 1;
            if self.skipping {
                continue;
            }
            let (genes, values) = x.row(row);
            let entries = genes.iter().zip(values).filter(|(_, v)| **v != 0.0);
            entries.for_each(|(&gene, &value)| {
                self.group.genes.push(FIRST_TOKEN + i64::from(gene));
                self.group.values.push(value);
            });
            self.group.ends.push(self.group.genes.len());
            let full = self.n_rows.is_multiple_of(self.shard_rows);
            if full || self.group.genes.len() >= GROUP || self.group.ends.len() >= GROUP_ROWS {
                self.write_group()?;
            }
            if full {
                self.close()?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Kept, IoError> {
        self.write_group()?;
        self.close()?;
        self.ledger.finish()
    }

    fn write_group(&mut self) -> Result<(), IoError> {
        if self.group.ends.is_empty() {
            return Ok(());
        }
        let path = self.ledger.path(&Self::name((self.n_rows - 1) / self.shard_rows));
        let failed = |e: ParquetError| wrong(&path, &e);
        if self.open.is_none() {
            let system = |e| IoError::write(&path, e);
            let file = temporary_in(&path).map_err(system)?;
            let handle = file.reopen().map_err(system)?;
            let properties = Arc::new(properties().map_err(failed)?);
            let writer = SerializedFileWriter::new(handle, Arc::clone(&self.schema), properties).map_err(failed)?;
            self.open = Some((file, writer));
        }
        let group = std::mem::take(&mut self.group);
        self.group.first_row = self.n_rows;
        match &mut self.open {
            Some((_, writer)) => group.write(self.cells, writer).map_err(failed),
            None => Ok(()),
        }
    }

    /// Gives the open file its name.
    fn close(&mut self) -> Result<(), IoError> {
        let Some((file, writer)) = self.open.take() else { return Ok(()) };
        let name = Self::name((self.n_rows - 1) / self.shard_rows);
        let path = self.ledger.path(&name);
        writer.close().map_err(|e| wrong(&path, &e))?;
        persist(file, &path)?;
        self.ledger.done(&name)
    }
}

fn wrong(path: &Path, error: &ParquetError) -> IoError {
    IoError::write(path, std::io::Error::other(error.to_string()))
}

/// Two lists, the name of the cell, and a column of text per column of annotation.
fn schema(cells: &Cells) -> Result<TypePtr, ParquetError> {
    let list = |name: &str, physical: PhysicalType| {
        let element =
            Type::primitive_type_builder("element", physical).with_repetition(Repetition::REQUIRED).build()?;
        let elements = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
        let elements = elements.with_fields(vec![Arc::new(element)]).build()?;
        let list = Type::group_type_builder(name).with_repetition(Repetition::REQUIRED);
        list.with_logical_type(Some(LogicalType::List)).with_fields(vec![Arc::new(elements)]).build().map(Arc::new)
    };
    let text = |name: &str| {
        let column = Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY);
        let column = column.with_logical_type(Some(LogicalType::String)).with_repetition(Repetition::REQUIRED);
        column.build().map(Arc::new)
    };
    let mut fields = vec![list(LISTS[0], PhysicalType::INT64)?, list(LISTS[1], PhysicalType::FLOAT)?];
    fields.push(text(&name_column(&cells.obs))?);
    for (name, _) in &cells.obs {
        fields.push(text(name)?);
    }
    Type::group_type_builder("cells").with_fields(fields).build().map(Arc::new)
}

impl Group {
    fn write(self, cells: &Cells, writer: &mut SerializedFileWriter<File>) -> Result<(), ParquetError> {
        let lists = Levels::of(&self.ends);
        let range = self.first_row..self.first_row + self.ends.len();
        let texts = |of: &dyn Fn(usize) -> ByteArray| range.clone().map(of).collect::<Vec<ByteArray>>();
        let mut rows = writer.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = rows.next_column()? {
            match at {
                0 => lists.write::<Int64Type>(&mut column, &self.genes)?,
                1 => lists.write::<FloatType>(&mut column, &self.values)?,
                2 => write_flat::<ByteArrayType>(&mut column, &texts(&|i| cells.names[i].as_str().into()))?,
                _ => {
                    let obs = &cells.obs[at - 3].1;
                    write_flat::<ByteArrayType>(&mut column, &texts(&|i| (&*obs.text(i)).into()))?;
                }
            }
            column.close()?;
            at += 1;
        }
        rows.close().map(|_| ())
    }
}
