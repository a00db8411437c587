//! Made-up rows in the shape of Tahoe-100M, for tests and measurements.

mod cells;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float32Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;
use grn::io::IoError;
use rayon::prelude::*;
use tempfile::NamedTempFile;

pub use self::cells::{CellMaker, MadeCell};
use crate::ClusterError;

/// What is made.
#[derive(Debug, Clone, Copy)]
pub struct RowsOptions {
    /// Number of cells.
    pub rows: u64,
    /// Cells per file.
    pub shard_rows: u64,
    /// Number of genes.
    pub genes: u32,
    /// Genes with a count in a cell, on average.
    pub genes_per_cell: u32,
    /// Number of drugs, the control among them.
    pub drugs: u32,
    /// Number of cell lines.
    pub lines: u32,
    /// Seed.
    pub seed: u64,
}

impl Default for RowsOptions {
    fn default() -> Self {
        Self { rows: 10_000, shard_rows: 500_000, genes: 20_000, genes_per_cell: 200, drugs: 40, lines: 10, seed: 1 }
    }
}

/// Name of the table of genes.
pub const GENES: &str = "gene_metadata.parquet";
/// Cells written at a time.
const BATCH: u64 = 4096;
/// Cells of a row group.
const GROUP: usize = 1 << 15;

/// Writes `cells-00000.parquet`, ... and `gene_metadata.parquet` to a folder that exists; returns the files of cells. Each
/// cell depends on the seed and its number alone, so the same rows come out whatever the number of threads or files.
///
/// # Errors
/// [`ClusterError::Io`] where the folder cannot be written.
pub fn write_rows(outdir: &Path, options: &RowsOptions) -> Result<Vec<PathBuf>, ClusterError> {
    let maker = CellMaker::new(options);
    write(&outdir.join(GENES), &genes(options))?;
    let shards = options.rows.div_ceil(options.shard_rows.max(1));
    let shard = |k: u64| {
        let path = outdir.join(format!("cells-{k:05}.parquet"));
        let first = k * options.shard_rows;
        let last = options.rows.min(first + options.shard_rows);
        let starts = (first..last).step_by(BATCH as usize);
        write_batches(&path, starts.map(|start| cells(&maker, start..last.min(start + BATCH))))?;
        Ok(path)
    };
    (0..shards).into_par_iter().map(shard).collect()
}

fn cells(maker: &CellMaker, rows: std::ops::Range<u64>) -> Vec<(&'static str, ArrayRef)> {
    let (mut genes, mut counts) = (ListBuilder::new(Int64Builder::new()), ListBuilder::new(Float32Builder::new()));
    let mut texts = [const { None }; 5].map(|_: Option<()>| StringBuilder::new());
    for row in rows {
        let cell = maker.cell(row);
        genes.values().append_slice(&cell.tokens);
        counts.values().append_slice(&cell.counts);
        genes.append(true);
        counts.append(true);
        let MadeCell { drug, sample, line, plate, .. } = &cell;
        let barcode = format!("{:02}_{:02}_{:02}-lib_{:04}", row % 96, row / 96 % 96, row / 9216 % 96, row / 884_736);
        for (text, value) in texts.iter_mut().zip([drug, sample, &barcode, line, plate]) {
            text.append_value(value);
        }
    }
    let names = ["drug", "sample", "BARCODE_SUB_LIB_ID", "cell_line_id", "plate"];
    let texts = names.into_iter().zip(texts.iter_mut().map(|t| Arc::new(t.finish()) as ArrayRef));
    let lists: [(&str, ArrayRef); 2] =
        [("genes", Arc::new(genes.finish())), ("expressions", Arc::new(counts.finish()))];
    lists.into_iter().chain(texts).collect()
}

fn genes(options: &RowsOptions) -> Vec<(&'static str, ArrayRef)> {
    let (mut symbols, mut ids, mut tokens) = (StringBuilder::new(), StringBuilder::new(), Int64Builder::new());
    for gene in 0..options.genes {
        symbols.append_value(format!("G{gene:05}"));
        ids.append_value(format!("ENSG{gene:011}"));
        tokens.append_value(i64::from(gene) + cells::FIRST_TOKEN);
    }
    vec![
        ("gene_symbol", Arc::new(symbols.finish()) as ArrayRef),
        ("ensembl_id", Arc::new(ids.finish())),
        ("token_id", Arc::new(tokens.finish())),
    ]
}

fn write(path: &Path, columns: &[(&'static str, ArrayRef)]) -> Result<(), ClusterError> {
    write_batches(path, std::iter::once(columns.to_vec()))
}

/// A file of Parquet under a temporary name first, so that it appears whole.
fn write_batches(
    path: &Path,
    batches: impl Iterator<Item = Vec<(&'static str, ArrayRef)>>,
) -> Result<(), ClusterError> {
    let failed = |e: ParquetError| IoError::write(path, std::io::Error::other(e.to_string()));
    let system = |e| IoError::write(path, e);
    let file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(system)?;
    let mut writer: Option<ArrowWriter<std::fs::File>> = None;
    for columns in batches {
        let fields = columns.iter().map(|(name, array)| field(name, array)).collect::<Vec<Field>>();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| failed(e.into()))?;
        if writer.is_none() {
            let zstd = Compression::ZSTD(ZstdLevel::try_new(1).map_err(failed)?);
            let properties = WriterProperties::builder().set_compression(zstd).set_max_row_group_row_count(Some(GROUP));
            let handle = file.reopen().map_err(system)?;
            writer = Some(ArrowWriter::try_new(handle, batch.schema(), Some(properties.build())).map_err(failed)?);
        }
        if let Some(writer) = &mut writer {
            writer.write(&batch).map_err(failed)?;
        }
    }
    if let Some(writer) = writer {
        writer.close().map_err(failed)?;
    }
    file.persist(path).map_err(|e| IoError::write(path, e.error))?;
    Ok(())
}

fn field(name: &str, array: &ArrayRef) -> Field {
    let data_type: DataType = array.data_type().clone();
    Field::new(name, data_type, true)
}
