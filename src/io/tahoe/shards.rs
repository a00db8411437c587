//! Records of pairs as Parquet files of a number of rows each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tempfile::NamedTempFile;

use super::pair::Aligned;
use crate::io::IoError;
use crate::io::atomic::{persist, temporary_in};
use crate::io::parquet::{Levels, write_flat};

/// The columns, in the order of published records but for the last two.
const SCHEMA: &str = "message pairs {
    required group genes (LIST) { repeated group list { required int64 element; } }
    required group expr_treated (LIST) { repeated group list { required float element; } }
    required group expr_control (LIST) { repeated group list { required float element; } }
    required binary drug (STRING);
    required binary targets (STRING);
    required binary cell_line_id (STRING);
    required binary plate (STRING);
    required binary sample (STRING);
    required binary ctrl_drug (STRING);
    required double overlap_ratio;
}";
/// Entries of lists held before a group of rows is written.
const GROUP: usize = 1 << 21;

/// One row.
pub(super) struct Record<'a> {
    pub(super) aligned: &'a Aligned,
    /// Drug, targets, cell line, plate, sample, control drug.
    pub(super) texts: [String; 6],
    pub(super) overlap: f64,
}

/// Rows on their way into files.
pub(super) struct Shards {
    outdir: PathBuf,
    shard_rows: usize,
    open: Option<(NamedTempFile, SerializedFileWriter<std::fs::File>)>,
    rows_in_shard: usize,
    n_files: usize,
    group: Group,
}

#[derive(Default)]
struct Group {
    ends: Vec<usize>,
    genes: Vec<i64>,
    treated: Vec<f32>,
    control: Vec<f32>,
    texts: [Vec<ByteArray>; 6],
    overlap: Vec<f64>,
}

impl Shards {
    pub(super) fn new(outdir: &Path, shard_rows: usize) -> Self {
        let (open, group) = (None, Group::default());
        Self { outdir: outdir.to_owned(), shard_rows: shard_rows.max(1), open, rows_in_shard: 0, n_files: 0, group }
    }

    pub(super) fn push(&mut self, record: &Record<'_>) -> Result<(), IoError> {
        self.group.push(record);
        self.rows_in_shard += 1;
        let full = self.rows_in_shard == self.shard_rows;
        if full || self.group.genes.len() >= GROUP {
            self.write_group()?;
        }
        if full { self.close() } else { Ok(()) }
    }

    /// Writes what is left and removes the files of an earlier, longer extraction; returns how many files there are.
    pub(super) fn finish(mut self) -> Result<usize, IoError> {
        self.write_group()?;
        self.close()?;
        for stale in self.n_files.. {
            let path = self.path(stale);
            if !path.exists() {
                break;
            }
            std::fs::remove_file(&path).map_err(|e| IoError::write(&path, e))?;
        }
        Ok(self.n_files)
    }

    fn path(&self, shard: usize) -> PathBuf {
        self.outdir.join(format!("pairs-{shard:05}.parquet"))
    }

    fn write_group(&mut self) -> Result<(), IoError> {
        if self.group.ends.is_empty() {
            return Ok(());
        }
        let path = self.path(self.n_files);
        let failed = |e: ParquetError| IoError::write(&path, std::io::Error::other(e.to_string()));
        if self.open.is_none() {
            let system = |e| IoError::write(&path, e);
            let file = temporary_in(&path).map_err(system)?;
            let handle = file.reopen().map_err(system)?;
            let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
            let zstd = Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?);
            let properties = WriterProperties::builder().set_compression(zstd).build();
            let writer = SerializedFileWriter::new(handle, schema, Arc::new(properties)).map_err(failed)?;
            self.open = Some((file, writer));
        }
        let group = std::mem::take(&mut self.group);
        match &mut self.open {
            Some((_, writer)) => group.write(writer).map_err(failed),
            None => Ok(()),
        }
    }

    /// Gives the open file its name.
    fn close(&mut self) -> Result<(), IoError> {
        let Some((file, writer)) = self.open.take() else { return Ok(()) };
        let path = self.path(self.n_files);
        writer.close().map_err(|e| IoError::write(&path, std::io::Error::other(e.to_string())))?;
        persist(file, &path)?;
        (self.n_files, self.rows_in_shard) = (self.n_files + 1, 0);
        Ok(())
    }
}

impl Group {
    fn push(&mut self, record: &Record<'_>) {
        self.genes.extend(&record.aligned.genes);
        self.treated.extend(&record.aligned.treated);
        self.control.extend(&record.aligned.control);
        self.ends.push(self.genes.len());
        for (column, text) in self.texts.iter_mut().zip(&record.texts) {
            column.push(ByteArray::from(text.as_str()));
        }
        self.overlap.push(record.overlap);
    }

    fn write(self, writer: &mut SerializedFileWriter<std::fs::File>) -> Result<(), ParquetError> {
        let lists = Levels::of(&self.ends);
        let mut rows = writer.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = rows.next_column()? {
            match at {
                0 => lists.write::<Int64Type>(&mut column, &self.genes)?,
                1 => lists.write::<FloatType>(&mut column, &self.treated)?,
                2 => lists.write::<FloatType>(&mut column, &self.control)?,
                3..=8 => write_flat::<ByteArrayType>(&mut column, &self.texts[at - 3])?,
                _ => write_flat::<DoubleType>(&mut column, &self.overlap)?,
            }
            column.close()?;
            at += 1;
        }
        rows.close().map(|_| ())
    }
}
