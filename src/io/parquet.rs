//! Flat tables as Parquet: text, whole and floating-point numbers, no missing values.

mod lists;
mod table;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

pub(super) use self::lists::{Levels, write_flat};
pub(super) use self::table::{Group as ParquetGroup, Lists, ParquetTable};
use super::IoError;
use super::atomic::write_atomic_at;

/// Values handed over at a time where they have to be converted.
const BATCH: usize = 1 << 13;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParquetKind {
    /// Text, stored as a dictionary while that is smaller.
    Text,
    /// 32-bit floating-point numbers; NaN and infinities are values.
    F32,
    /// 64-bit floating-point numbers; NaN and infinities are values.
    F64,
    /// Signed 64-bit whole numbers.
    I64,
    /// Unsigned 64-bit whole numbers.
    U64,
}

/// The values of one column in one group of rows.
#[derive(Debug, Clone)]
pub enum ParquetValues<'a> {
    /// Text.
    Text(Vec<&'a str>),
    /// 32-bit floating-point numbers.
    F32(Vec<f32>),
    /// 64-bit floating-point numbers.
    F64(Vec<f64>),
    /// Signed whole numbers.
    I64(Vec<i64>),
    /// Unsigned whole numbers.
    U64(Vec<u64>),
}

impl ParquetValues<'_> {
    fn kind(&self) -> ParquetKind {
        match self {
            Self::Text(_) => ParquetKind::Text,
            Self::F32(_) => ParquetKind::F32,
            Self::F64(_) => ParquetKind::F64,
            Self::I64(_) => ParquetKind::I64,
            Self::U64(_) => ParquetKind::U64,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U64(v) => v.len(),
        }
    }
}

/// Writes a table, compressed with Zstandard, whole or not at all: `columns` names its columns, each item of `groups`
/// holds a group of rows, one entry per column. Memory holds one group; about 100,000 rows make a good one.
///
/// # Errors
/// [`IoError::Format`] where a group does not fit the columns; [`IoError::System`] where the folder cannot be written or
/// the disk is full.
pub fn write_parquet<'a>(
    path: &Path,
    columns: &[(&str, ParquetKind)],
    groups: impl IntoIterator<Item = Vec<ParquetValues<'a>>>,
) -> Result<(), IoError> {
    let failed = |error: ParquetError| IoError::write(path, std::io::Error::other(error.to_string()));
    write_atomic_at(path, |at| {
        let file = File::create(at).map_err(|e| IoError::write(path, e))?;
        let properties = properties().map_err(failed)?;
        let schema = schema(columns).map_err(failed)?;
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)?;
        for group in groups {
            check(path, columns, &group)?;
            let mut rows = writer.next_row_group().map_err(failed)?;
            let mut values = group.iter();
            while let (Some(mut column), Some(values)) = (rows.next_column().map_err(failed)?, values.next()) {
                write_values(&mut column, values).map_err(failed)?;
                column.close().map_err(failed)?;
            }
            rows.close().map_err(failed)?;
        }
        writer.close().map(|_| ()).map_err(failed)
    })
}

pub(super) fn properties() -> Result<WriterProperties, ParquetError> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3)?);
    Ok(WriterProperties::builder()
        .set_compression(zstd)
        .set_created_by(concat!("grn ", env!("CARGO_PKG_VERSION")).into())
        .build())
}

fn schema(columns: &[(&str, ParquetKind)]) -> Result<TypePtr, ParquetError> {
    let column = |&(name, kind): &(&str, ParquetKind)| {
        let (physical, logical) = match kind {
            ParquetKind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            ParquetKind::F32 => (PhysicalType::FLOAT, None),
            ParquetKind::F64 => (PhysicalType::DOUBLE, None),
            ParquetKind::I64 => (PhysicalType::INT64, Some(LogicalType::integer(64, true))),
            ParquetKind::U64 => (PhysicalType::INT64, Some(LogicalType::integer(64, false))),
        };
        let column = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        column.with_repetition(Repetition::REQUIRED).build().map(Arc::new)
    };
    let fields = columns.iter().map(column).collect::<Result<_, _>>()?;
    Type::group_type_builder("table").with_fields(fields).build().map(Arc::new)
}

fn check(path: &Path, columns: &[(&str, ParquetKind)], group: &[ParquetValues<'_>]) -> Result<(), IoError> {
    if columns.len() != group.len() {
        return Err(IoError::format(path, "", format!("{} columns", columns.len()), group.len().to_string()));
    }
    let n = group.first().map_or(0, ParquetValues::len);
    for ((name, kind), values) in columns.iter().zip(group) {
        if (*kind, n) != (values.kind(), values.len()) {
            let got = format!("{} of {:?}", values.len(), values.kind());
            return Err(IoError::format(path, format!("column `{name}`"), format!("{n} values of {kind:?}"), got));
        }
    }
    Ok(())
}

fn write_values(column: &mut SerializedColumnWriter<'_>, values: &ParquetValues<'_>) -> Result<(), ParquetError> {
    match values {
        ParquetValues::Text(texts) => {
            texts.chunks(BATCH).try_for_each(|batch| write_batch::<ByteArrayType>(column, &byte_arrays(batch)))
        }
        ParquetValues::F32(values) => write_batch::<FloatType>(column, values),
        ParquetValues::F64(values) => write_batch::<DoubleType>(column, values),
        ParquetValues::I64(values) => write_batch::<Int64Type>(column, values),
        ParquetValues::U64(values) => values.chunks(BATCH).try_for_each(|batch| {
            // The format stores unsigned numbers in signed ones of the same bits.
            write_batch::<Int64Type>(column, &batch.iter().map(|&v| v as i64).collect::<Vec<_>>())
        }),
    }
}

fn write_batch<T: DataType>(column: &mut SerializedColumnWriter<'_>, values: &[T::T]) -> Result<(), ParquetError> {
    column.typed::<T>().write_batch(values, None, None).map(|_| ())
}

/// Texts that repeat the one before share its bytes.
fn byte_arrays(texts: &[&str]) -> Vec<ByteArray> {
    let mut arrays: Vec<ByteArray> = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let repeated = i > 0 && texts[i - 1] == *text;
        arrays.push(if repeated { arrays[i - 1].clone() } else { ByteArray::from(*text) });
    }
    arrays
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::*;

    const COLUMNS: [(&str, ParquetKind); 5] = [
        ("target", ParquetKind::Text),
        ("mean", ParquetKind::F32),
        ("p_value", ParquetKind::F64),
        ("change", ParquetKind::I64),
        ("cells", ParquetKind::U64),
    ];

    fn group(n: usize) -> Vec<ParquetValues<'static>> {
        vec![
            ParquetValues::Text((0..n).map(|i| ["STAT1", "JAK2"][usize::from(i >= 2)]).collect()),
            ParquetValues::F32((0..n).map(|i| [0.1, f32::INFINITY][i % 2]).collect()),
            ParquetValues::F64((0..n).map(|i| [0.1, f64::NAN][i % 2]).collect()),
            ParquetValues::I64((0..n).map(|i| -(i as i64)).collect()),
            ParquetValues::U64((0..n).map(|i| u64::MAX - i as u64).collect()),
        ]
    }

    #[test]
    fn a_table_reads_back_group_by_group() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        write_parquet(&path, &COLUMNS, [group(10_000), group(3)]).unwrap();
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let groups: Vec<i64> =
            reader.metadata().row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect();
        assert_eq!(groups, [10_000, 3]);
        let rows: Vec<Vec<Field>> =
            reader.into_iter().map(|row| row.unwrap().into_columns().into_iter().map(|c| c.1).collect()).collect();
        assert_eq!(rows.len(), 10_003);
        let t = |row: usize, text: &str, mean: f32, change: i64, cells: u64| {
            let fields = [Field::Str(text.into()), Field::Float(mean), Field::Long(change), Field::ULong(cells)];
            assert_eq!([0, 1, 3, 4].map(|c| rows[row][c].clone()), fields, "row {row}");
        };
        t(0, "STAT1", 0.1, 0, u64::MAX);
        t(9_999, "JAK2", f32::INFINITY, -9_999, u64::MAX - 9_999);
        t(10_002, "JAK2", 0.1, -2, u64::MAX - 2);
        assert_eq!(rows[2][2], Field::Double(0.1));
        assert!(matches!(rows[1][2], Field::Double(p) if p.is_nan()));
    }

    #[test]
    fn groups_that_do_not_fit_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let t = |group: Vec<ParquetValues<'static>>, expected: &str| {
            let said = write_parquet(&path, &COLUMNS, [group]).unwrap_err().to_string();
            assert!(said.contains(expected) && !path.exists(), "{said}");
        };
        t(group(3)[..4].to_vec(), "expected 5 columns, got 4");
        let mut uneven = group(3);
        uneven[3] = ParquetValues::I64(vec![1]);
        t(uneven, "column `change`: expected 3 values of I64, got 1 of I64");
        let mut other = group(3);
        other[1] = ParquetValues::F64(vec![1.0; 3]);
        t(other, "column `mean`: expected 3 values of F32, got 3 of F64");
    }
}
