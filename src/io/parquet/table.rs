//! Parquet read column by column: text, numbers, and lists of them, a batch of rows at a time.
//!
//! A list is stored as its elements with two levels each: the repetition level says whether an element begins a row, the
//! definition level whether it is there at all (Melnik et al., Dremel, VLDB 2010). A column without lists is read as lists
//! of one element, or of none where the value is missing. Memory holds one page of each column and one batch.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::SchemaDescriptor;

use crate::error::some_of;
use crate::io::IoError;

/// An open file.
pub(in crate::io) struct ParquetTable {
    pub(in crate::io) path: PathBuf,
    reader: SerializedFileReader<File>,
    leaves: Vec<Leaf>,
}

/// A column of values: a top-level column, or the elements of one that holds lists.
#[derive(Debug, Clone)]
struct Leaf {
    /// Name of the top-level column.
    name: String,
    physical: PhysicalType,
    max_definition: i16,
    max_repetition: i16,
    /// Definition level from which on a list has an element.
    of_element: i16,
}

/// Values of one column for a batch of rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::io) struct Lists<T> {
    /// End of each row among the values.
    ends: Vec<usize>,
    values: Vec<T>,
}

impl<T> Lists<T> {
    /// Number of rows.
    pub(in crate::io) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Values of one row.
    pub(in crate::io) fn row(&self, row: usize) -> &[T] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.values[start..self.ends[row]]
    }

    fn map<U>(self, each: impl FnMut(T) -> U) -> Lists<U> {
        Lists { ends: self.ends, values: self.values.into_iter().map(each).collect() }
    }
}

impl ParquetTable {
    /// Opens a file and reads what it says of its columns.
    pub(in crate::io) fn open(path: &Path) -> Result<Self, IoError> {
        let file = File::open(path).map_err(|e| IoError::read(path, e))?;
        let reader = SerializedFileReader::new(file)
            .map_err(|e| IoError::format(path, "", "an intact Parquet file", e.to_string()))?;
        let leaves = leaves(reader.metadata().file_metadata().schema_descr());
        Ok(Self { path: path.to_owned(), reader, leaves })
    }

    /// Whether a file begins as Parquet files do.
    pub(in crate::io) fn recognises(path: &Path) -> bool {
        let mut start = [0; 4];
        let read = File::open(path).and_then(|mut f| std::io::Read::read_exact(&mut f, &mut start));
        read.is_ok() && &start == b"PAR1"
    }

    /// Number of rows.
    pub(in crate::io) fn n_rows(&self) -> u64 {
        self.reader.metadata().file_metadata().num_rows().max(0) as u64
    }

    /// Names of the columns.
    pub(in crate::io) fn names(&self) -> Vec<&str> {
        self.leaves.iter().map(|l| l.name.as_str()).collect()
    }

    /// The column of one of these names, earlier names first (case ignored).
    pub(in crate::io) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.leaves.iter().position(|l| l.name.eq_ignore_ascii_case(name)))
    }

    /// The same, or an error that shows the columns there are.
    pub(in crate::io) fn expect(&self, names: &[&str]) -> Result<usize, IoError> {
        self.find(names).ok_or_else(|| IoError::MissingColumn {
            path: self.path.clone(),
            column: names.first().copied().unwrap_or_default().to_owned(),
            expected: some_of(names, 6),
            found: some_of(self.names(), 12),
            hint: None,
        })
    }

    /// Number of groups of rows.
    pub(in crate::io) fn n_groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// Values of a column in all groups, elements of lists each.
    pub(in crate::io) fn n_values(&self, column: usize) -> u64 {
        self.reader.metadata().row_groups().iter().map(|g| g.column(column).num_values().max(0) as u64).sum()
    }

    /// A group of rows and how many there are.
    pub(in crate::io) fn group(&self, group: usize) -> Result<(Group<'_>, usize), IoError> {
        let rows = self.reader.get_row_group(group).map_err(|e| self.damaged(group, &e))?;
        let n = rows.metadata().num_rows().max(0) as usize;
        Ok((Group { table: self, rows, group }, n))
    }

    /// All text of a column, one per row: empty where it is missing, elements of lists joined by `|`.
    pub(in crate::io) fn text(&self, column: usize) -> Result<Vec<String>, IoError> {
        let mut out = Vec::new();
        for group in 0..self.n_groups() {
            let (rows, n) = self.group(group)?;
            let texts = rows.column(column)?.text(n)?;
            out.extend((0..texts.len()).map(|row| texts.row(row).join("|")));
        }
        Ok(out)
    }

    fn damaged(&self, group: usize, error: &ParquetError) -> IoError {
        IoError::format(&self.path, format!("row group {group}"), "readable rows", error.to_string())
    }
}

/// One group of rows.
pub(in crate::io) struct Group<'a> {
    table: &'a ParquetTable,
    rows: Box<dyn RowGroupReader + 'a>,
    group: usize,
}

impl<'a> Group<'a> {
    /// A reader of one column, at its first row.
    pub(in crate::io) fn column(&self, column: usize) -> Result<Column<'a>, IoError> {
        let reader = self.rows.get_column_reader(column).map_err(|e| self.table.damaged(self.group, &e))?;
        Ok(Column { table: self.table, leaf: &self.table.leaves[column], reader, group: self.group })
    }
}

/// One column of a group of rows, read from front to back.
pub(in crate::io) struct Column<'a> {
    table: &'a ParquetTable,
    leaf: &'a Leaf,
    reader: ColumnReader,
    group: usize,
}

impl Column<'_> {
    /// The next rows as whole numbers.
    pub(in crate::io) fn whole(&mut self, rows: usize) -> Result<Lists<i64>, IoError> {
        let read = match &mut self.reader {
            ColumnReader::Int32ColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(i64::from)),
            ColumnReader::Int64ColumnReader(r) => records(self.leaf, r, rows),
            _ => return Err(self.other_type("whole numbers")),
        };
        self.checked(read, rows)
    }

    /// The next rows as numbers, rounded to 32 bits.
    pub(in crate::io) fn numbers(&mut self, rows: usize) -> Result<Lists<f32>, IoError> {
        let read = match &mut self.reader {
            ColumnReader::FloatColumnReader(r) => records(self.leaf, r, rows),
            ColumnReader::DoubleColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(|x| x as f32)),
            ColumnReader::Int32ColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(|x| x as f32)),
            ColumnReader::Int64ColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(|x| x as f32)),
            _ => return Err(self.other_type("numbers")),
        };
        self.checked(read, rows)
    }

    /// The next rows as text; numbers are written out.
    pub(in crate::io) fn text(&mut self, rows: usize) -> Result<Lists<String>, IoError> {
        let utf8 = |b: ByteArray| String::from_utf8_lossy(b.data()).into_owned();
        let read = match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(utf8)),
            ColumnReader::Int32ColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(|x| x.to_string())),
            ColumnReader::Int64ColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(|x| x.to_string())),
            ColumnReader::DoubleColumnReader(r) => records(self.leaf, r, rows).map(|l| l.map(|x| x.to_string())),
            _ => return Err(self.other_type("text")),
        };
        self.checked(read, rows)
    }

    fn checked<T>(&self, read: Result<Lists<T>, Trouble>, rows: usize) -> Result<Lists<T>, IoError> {
        let wrong = |expected: &str, got: String| IoError::format(&self.table.path, self.element(), expected, got);
        match read {
            Ok(lists) if lists.len() == rows => Ok(lists),
            Ok(lists) => Err(wrong(&format!("{rows} more rows"), lists.len().to_string())),
            Err(Trouble::Library(e)) => Err(wrong("readable values", e.to_string())),
            Err(Trouble::Missing) => Err(wrong("lists without missing elements", "a missing element".into())),
            Err(Trouble::Nested) => Err(wrong("values or lists of values", "lists of lists".into())),
        }
    }

    fn other_type(&self, expected: &str) -> IoError {
        IoError::format(&self.table.path, self.element(), expected, format!("{}", self.leaf.physical))
    }

    fn element(&self) -> String {
        format!("column `{}`, row group {}", self.leaf.name, self.group)
    }
}

enum Trouble {
    Library(ParquetError),
    Missing,
    Nested,
}

/// The next rows of a column, whole rows only.
fn records<T: DataType>(leaf: &Leaf, reader: &mut ColumnReaderImpl<T>, rows: usize) -> Result<Lists<T::T>, Trouble> {
    if leaf.max_repetition > 1 {
        return Err(Trouble::Nested);
    }
    let (mut definition, mut repetition, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (_, n_values, n_levels) = reader
        .read_records(
            rows,
            (leaf.max_definition > 0).then_some(&mut definition),
            (leaf.max_repetition > 0).then_some(&mut repetition),
            &mut values,
        )
        .map_err(Trouble::Library)?;
    let n_levels = if leaf.max_definition == 0 { n_values } else { n_levels };
    let (mut ends, mut seen) = (Vec::with_capacity(rows), 0);
    for level in 0..n_levels {
        if level > 0 && (leaf.max_repetition == 0 || repetition[level] == 0) {
            ends.push(seen);
        }
        let defined = if leaf.max_definition == 0 { 0 } else { definition[level] };
        if defined == leaf.max_definition {
            seen += 1;
        } else if leaf.max_repetition > 0 && defined >= leaf.of_element {
            return Err(Trouble::Missing);
        }
    }
    if n_levels > 0 {
        ends.push(seen);
    }
    Ok(Lists { ends, values })
}

fn leaves(schema: &SchemaDescriptor) -> Vec<Leaf> {
    let leaf = |at: usize| {
        let column = schema.column(at);
        let mut node = schema.get_column_root(at).clone();
        let (mut level, mut of_element) = (0, 0);
        let mut rest = column.path().parts()[1..].iter();
        loop {
            let info = node.get_basic_info();
            if info.has_repetition() && info.repetition() != Repetition::REQUIRED {
                level += 1;
            }
            if info.has_repetition() && info.repetition() == Repetition::REPEATED {
                of_element = level;
            }
            let Some(name) = rest.next().filter(|_| node.is_group()) else { break };
            let Some(child) = node.get_fields().iter().find(|f| f.name() == name) else { break };
            node = child.as_ref().clone();
        }
        Leaf {
            name: column.path().parts()[0].clone(),
            physical: column.physical_type(),
            max_definition: column.max_def_level(),
            max_repetition: column.max_rep_level(),
            of_element,
        }
    };
    (0..schema.num_columns()).map(leaf).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::{ByteArrayType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    /// Lists `[1, 2]`, null, `[]`, `[3]`, and the texts a, null, b, b.
    fn write(path: &Path, elements: &[i16]) {
        let schema = "message t { optional group xs (LIST) { repeated group list { optional int64 element; } } optional \
                      binary s (STRING); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let file = File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::default())).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<i64> = (1..).take(elements.iter().filter(|d| **d == 3).count()).collect();
        column.typed::<Int64Type>().write_batch(&values, Some(elements), Some(&[0, 1, 0, 0, 0])).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let texts: Vec<ByteArray> = ["a", "b", "b"].map(ByteArray::from).to_vec();
        column.typed::<ByteArrayType>().write_batch(&texts, Some(&[1, 0, 1, 1]), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn lists_and_missing_values_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        write(&path, &[3, 3, 0, 1, 3]);
        let table = ParquetTable::open(&path).unwrap();
        assert_eq!((table.names(), table.n_rows()), (vec!["xs", "s"], 4));
        let (group, n) = table.group(0).unwrap();
        let mut column = group.column(0).unwrap();
        // Rows that span batches.
        let (first, rest) = (column.whole(1).unwrap(), column.whole(n - 1).unwrap());
        assert_eq!(first.row(0), [1, 2]);
        let rest: Vec<&[i64]> = (0..3).map(|row| rest.row(row)).collect();
        assert_eq!(rest, [&[][..], &[], &[3]]);
        assert_eq!(table.text(1).unwrap(), ["a", "", "b", "b"]);
        assert_eq!(table.text(0).unwrap(), ["1|2", "", "", "3"]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        write(&path, &[3, 2, 0, 1, 3]);
        let table = ParquetTable::open(&path).unwrap();
        let (group, n) = table.group(0).unwrap();
        let said = group.column(0).unwrap().whole(n).unwrap_err().to_string();
        assert!(
            said.ends_with("column `xs`, row group 0: expected lists without missing elements, got a missing element")
        );
        let said = group.column(1).unwrap().numbers(n).unwrap_err().to_string();
        assert!(said.contains("column `s`, row group 0: expected numbers, got BYTE_ARRAY"), "{said}");
        let said = table.expect(&["genes"]).unwrap_err().to_string();
        assert!(said.contains("column `genes` not found") && said.contains("`xs`, `s`"), "{said}");
        std::fs::write(&path, b"PAR1 and then nothing").unwrap();
        assert!(ParquetTable::recognises(&path));
        assert!(ParquetTable::open(&path).err().unwrap().to_string().contains("expected an intact Parquet file"));
    }
}
