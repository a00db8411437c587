//! Delimited tables, row by row, with the line of every row.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use csv::{ErrorKind, StringRecord};

use crate::io::IoError;
use crate::io::text::open_text;

/// Bytes looked at to recognise a file.
const HEAD_BYTES: u64 = 1 << 14;
/// Rows looked at to recognise a file.
const HEAD_ROWS: usize = 20;

/// The first lines of a file: what readers recognise it by.
pub(in crate::io) struct Head {
    /// The file.
    pub(in crate::io) path: PathBuf,
    /// Comment lines (`#`, `!`) before the first row.
    pub(in crate::io) comments: Vec<String>,
    /// Tab, comma, semicolon or blank.
    pub(in crate::io) delimiter: u8,
    /// Fields of the first rows, the header included.
    pub(in crate::io) rows: Vec<Vec<String>>,
}

impl Head {
    /// Reads the first lines of a prior.
    pub(in crate::io) fn read(path: &Path) -> Result<Self, IoError> {
        Self::read_as(path, "a table of edges or gene sets")
    }

    /// Reads the first lines of what should be `expected`.
    pub(in crate::io) fn read_as(path: &Path, expected: &str) -> Result<Self, IoError> {
        let mut bytes = Vec::new();
        let opened = open_text(path)?.take(HEAD_BYTES).read_to_end(&mut bytes);
        opened.map_err(|e| read_error(path, String::new(), e))?;
        let text = String::from_utf8_lossy(&bytes);
        // The last line may have been cut.
        let whole = if bytes.len() as u64 == HEAD_BYTES { text.rfind('\n').unwrap_or(text.len()) } else { text.len() };
        let lines: Vec<&str> = text[..whole].lines().filter(|l| !l.trim().is_empty()).collect();
        let is_comment = |line: &&&str| line.starts_with(['#', '!']);
        let comments = lines.iter().take_while(is_comment).map(|l| (*l).to_owned()).collect();
        let first = lines.iter().find(|l| !is_comment(l));
        let Some(first) = first else {
            return Err(IoError::format(path, "", expected, "a file without rows"));
        };
        let delimiter = delimiter(first);
        let rows = lines.iter().filter(|l| !is_comment(l)).take(HEAD_ROWS).map(|l| split(l, delimiter)).collect();
        Ok(Self { path: path.to_owned(), comments, delimiter, rows })
    }

    /// The first row.
    pub(in crate::io) fn first(&self) -> &[String] {
        self.rows.first().map_or(&[], Vec::as_slice)
    }

    /// Whether the first row has a column of one of these names (case ignored).
    pub(in crate::io) fn has(&self, names: &[&str]) -> bool {
        self.column(names).is_some()
    }

    /// The first column that has one of these names, earlier names first (case ignored).
    pub(in crate::io) fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.first().iter().position(|field| field.eq_ignore_ascii_case(name)))
    }

    /// File name without `.gz` and without its last extension: `bioplanet` of `sets/bioplanet.tsv.gz`.
    pub(in crate::io) fn stem(&self) -> String {
        let name = self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    }

    /// The column of one of these names, or an error that shows the columns there are.
    pub(in crate::io) fn expect(&self, names: &[&str]) -> Result<usize, IoError> {
        self.column(names).ok_or_else(|| IoError::MissingColumn {
            path: self.path.clone(),
            column: names.first().copied().unwrap_or_default().to_owned(),
            expected: crate::error::some_of(names, 8),
            found: crate::error::some_of(self.first(), 12),
            hint: None,
        })
    }

    /// The rows of the file; with a header, the first is left out and all must have as many fields.
    pub(in crate::io) fn rows(&self, header: bool) -> Result<Rows, IoError> {
        let source = open_text(&self.path)?;
        let width = header.then(|| self.first().len());
        Ok(Rows::new(&self.path, source, self.delimiter, width))
    }
}

/// The rows of a delimited file.
pub(in crate::io) struct Rows {
    path: PathBuf,
    csv: csv::Reader<Box<dyn BufRead + Send>>,
    record: StringRecord,
    blanks: bool,
    width: Option<usize>,
    skip: bool,
    count: u64,
}

impl Rows {
    fn new(path: &Path, source: Box<dyn BufRead + Send>, delimiter: u8, width: Option<usize>) -> Self {
        // Quotes protect delimiters in files of commas; elsewhere a lone quote is text.
        let quoting = matches!(delimiter, b',' | b';');
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .quoting(quoting)
            .buffer_capacity(1 << 16)
            .from_reader(source);
        let (blanks, skip) = (delimiter == b' ', width.is_some());
        Self { path: path.to_owned(), csv, record: StringRecord::new(), blanks, width, skip, count: 0 }
    }

    /// The next row that is neither a comment nor the header.
    pub(in crate::io) fn next(&mut self) -> Result<Option<Row<'_>>, IoError> {
        loop {
            if !self.csv.read_record(&mut self.record).map_err(|e| self.failed(e))? {
                return Ok(None);
            }
            if self.record.get(0).is_some_and(|f| f.starts_with(['#', '!'])) {
                continue;
            }
            if self.blanks && self.record.iter().any(str::is_empty) {
                let position = self.record.position().cloned();
                self.record = self.record.iter().filter(|f| !f.is_empty()).collect();
                self.record.set_position(position);
            }
            if self.record.iter().all(|f| f.trim().is_empty()) || std::mem::take(&mut self.skip) {
                continue;
            }
            break;
        }
        self.count += 1;
        let row = Row { path: &self.path, record: &self.record };
        match self.width {
            Some(width) if row.len() != width => {
                Err(row.wrong(format!("{width} columns, as in the header"), row.found()))
            }
            _ => Ok(Some(row)),
        }
    }

    /// Rows returned so far.
    pub(in crate::io) fn count(&self) -> u64 {
        self.count
    }

    fn failed(&self, error: csv::Error) -> IoError {
        let line = error.position().map_or_else(|| self.csv.position().line(), csv::Position::line);
        let element = format!("line {line}");
        match error.into_kind() {
            ErrorKind::Io(e) => read_error(&self.path, element, e),
            ErrorKind::Utf8 { .. } => IoError::format(&self.path, element, "text in UTF-8", "other bytes"),
            other => IoError::format(&self.path, element, "a row of a table", format!("{other:?}")),
        }
    }
}

/// One row.
pub(in crate::io) struct Row<'a> {
    path: &'a Path,
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// Line in the file.
    pub(in crate::io) fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// Number of fields.
    pub(in crate::io) fn len(&self) -> usize {
        self.record.len()
    }

    /// A field without surrounding blanks and quotes; empty where there is none.
    pub(in crate::io) fn text(&self, column: usize) -> &'a str {
        clean(self.record.get(column).unwrap_or_default())
    }

    /// All fields.
    pub(in crate::io) fn fields(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.record.iter().map(clean)
    }

    /// A field that must have a value.
    pub(in crate::io) fn gene(&self, column: usize) -> Result<&'a str, IoError> {
        match self.text(column) {
            "" if column >= self.len() => Err(self.wrong(format!("at least {} columns", column + 1), self.found())),
            "" => Err(self.wrong(format!("a gene in column {}", column + 1), "an empty field".into())),
            name => Ok(name),
        }
    }

    /// A finite number.
    pub(in crate::io) fn number(&self, column: usize) -> Result<f32, IoError> {
        let text = self.text(column);
        match text.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.wrong(format!("a number in column {}", column + 1), format!("`{text}`"))),
        }
    }

    /// The error of this row.
    pub(in crate::io) fn wrong(&self, expected: String, got: String) -> IoError {
        IoError::format(self.path, format!("line {}", self.line()), expected, got)
    }

    /// What there is, for messages.
    pub(in crate::io) fn found(&self) -> String {
        format!("{} ({})", self.len(), crate::error::some_of(self.fields(), 4))
    }
}

/// The error of a read that failed: a gzip stream that ends early or is damaged is said to be so.
fn read_error(path: &Path, element: String, error: std::io::Error) -> IoError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => IoError::format(path, element, "a complete gzip stream", "one that ends early"),
        InvalidData | InvalidInput => IoError::format(path, element, "an intact gzip stream", error.to_string()),
        _ => IoError::read(path, error),
    }
}

fn clean(field: &str) -> &str {
    field.trim().trim_matches('"')
}

/// The delimiter that splits a line: the first of tab, comma, semicolon and blank that occurs.
fn delimiter(line: &str) -> u8 {
    let occurs = |d: &&u8| line.as_bytes().contains(d);
    *[b'\t', b',', b';', b' '].iter().find(occurs).unwrap_or(&b'\t')
}

fn split(line: &str, delimiter: u8) -> Vec<String> {
    let fields = line.trim_end_matches('\r').split(char::from(delimiter)).map(clean);
    fields.filter(|f| delimiter != b' ' || !f.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<(tempfile::TempDir, Head), IoError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        std::fs::write(&path, text).unwrap();
        Head::read(&path).map(|head| (dir, head))
    }

    #[test]
    fn delimiters_are_recognised() {
        let t = |text: &str, expected: u8| assert_eq!(head(text).unwrap().1.delimiter, expected, "{text:?}");
        t("a\tb c,d\n", b'\t');
        t("a,b c\n", b',');
        t("a;b\n", b';');
        t("# x,y\na b\n", b' ');
    }

    #[test]
    fn rows_skip_the_header_comments_and_blank_lines() {
        let (_dir, head) = head("# made by hand\na,b\n\n1,\"x,y\"\n# more\n2,z\n").unwrap();
        let mut rows = head.rows(true).unwrap();
        let mut seen = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            seen.push((row.number(0).unwrap(), row.text(1).to_owned()));
        }
        assert_eq!(seen, [(1.0, "x,y".to_owned()), (2.0, "z".to_owned())]);
    }

    #[test]
    fn errors_name_the_line() {
        let (_dir, head) = head("a b c\n1 2 3\n4 5\n").unwrap();
        let mut rows = head.rows(true).unwrap();
        rows.next().unwrap();
        let error = rows.next().err().unwrap().to_string();
        assert!(error.ends_with(", line 3: expected 3 columns, as in the header, got 2 (`4`, `5`)"), "{error}");
    }

    #[test]
    fn a_file_without_rows_is_an_error() {
        assert!(head("").err().unwrap().to_string().contains("a file without rows"));
        assert!(head("# only\n\n").err().unwrap().to_string().contains("a file without rows"));
    }
}
