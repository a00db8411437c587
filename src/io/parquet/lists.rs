//! Columns of lists and of plain values, written a group of rows at a time; nothing in them is missing.

use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;

/// Definition and repetition levels of lists that are never missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::io) struct Levels {
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl Levels {
    /// From the end of each list among the elements: an empty list has a level and no element.
    pub(in crate::io) fn of(ends: &[usize]) -> Self {
        let (mut definition, mut repetition, mut start) = (Vec::new(), Vec::new(), 0);
        for &end in ends {
            if start == end {
                definition.push(0);
                repetition.push(0);
            }
            for entry in start..end {
                definition.push(1);
                repetition.push(i16::from(entry > start));
            }
            start = end;
        }
        Self { definition, repetition }
    }

    /// Writes the elements of all lists of a column.
    pub(in crate::io) fn write<T: DataType>(
        &self,
        column: &mut SerializedColumnWriter<'_>,
        elements: &[T::T],
    ) -> Result<(), ParquetError> {
        let levels = (Some(&self.definition[..]), Some(&self.repetition[..]));
        column.typed::<T>().write_batch(elements, levels.0, levels.1).map(|_| ())
    }
}

/// Writes a column of one value per row.
pub(in crate::io) fn write_flat<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    column.typed::<T>().write_batch(values, None, None).map(|_| ())
}
