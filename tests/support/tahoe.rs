//! Cells in Parquet as Tahoe-100M has them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// The columns of Tahoe-100M that are read, as pyarrow writes lists: they and their elements may be missing.
const SCHEMA: &str = "message tahoe {
    optional group genes (LIST) { repeated group list { optional int64 element; } }
    optional group expressions (LIST) { repeated group list { optional float element; } }
    optional binary drug (STRING);
    optional binary sample (STRING);
    optional binary cell_line_id (STRING);
    optional binary plate (STRING);
}";

/// A cell: drug, sample, cell line, plate, tokens, counts.
#[derive(Clone)]
pub(crate) struct Cell(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) Vec<i64>,
    pub(crate) Vec<f32>,
);

/// Writes cells in groups of three rows, with snappy pages of the newer version.
pub(crate) fn write_cells(path: &Path, cells: &[Cell]) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .build();
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    for cells in cells.chunks(3) {
        let mut rows = writer.next_row_group().unwrap();
        let levels = |lengths: Vec<usize>| -> (Vec<i16>, Vec<i16>) {
            let of = |n: usize| (0..n.max(1)).map(move |k| (if n == 0 { 1 } else { 3 }, i16::from(k > 0)));
            lengths.into_iter().flat_map(of).unzip()
        };
        let mut column = rows.next_column().unwrap().unwrap();
        let (defined, repeated) = levels(cells.iter().map(|c| c.4.len()).collect());
        let tokens: Vec<i64> = cells.iter().flat_map(|c| c.4.clone()).collect();
        column.typed::<Int64Type>().write_batch(&tokens, Some(&defined), Some(&repeated)).unwrap();
        column.close().unwrap();
        let mut column = rows.next_column().unwrap().unwrap();
        let (defined, repeated) = levels(cells.iter().map(|c| c.5.len()).collect());
        let counts: Vec<f32> = cells.iter().flat_map(|c| c.5.clone()).collect();
        column.typed::<FloatType>().write_batch(&counts, Some(&defined), Some(&repeated)).unwrap();
        column.close().unwrap();
        for of in [|c: &Cell| c.0, |c: &Cell| c.1, |c: &Cell| c.2, |c: &Cell| c.3] {
            let mut column = rows.next_column().unwrap().unwrap();
            write_text(&mut column, &cells.iter().map(of).collect::<Vec<_>>());
            column.close().unwrap();
        }
        rows.close().unwrap();
    }
    writer.close().unwrap();
}

/// Empty text is a missing value.
fn write_text(column: &mut SerializedColumnWriter<'_>, texts: &[&str]) {
    let defined: Vec<i16> = texts.iter().map(|t| i16::from(!t.is_empty())).collect();
    let texts: Vec<ByteArray> = texts.iter().filter(|t| !t.is_empty()).map(|t| ByteArray::from(*t)).collect();
    column.typed::<ByteArrayType>().write_batch(&texts, Some(&defined), None).unwrap();
}
