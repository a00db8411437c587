//! Text: one gene per line.

use std::io::BufRead;
use std::path::Path;

use super::gene_rows::GeneRows;
use crate::io::IoError;
use crate::io::text::open_text;

/// First fields that announce a header whose other fields may be numbers.
const HEADERS: [&str; 8] = ["", "gene", "genes", "gene_name", "symbol", "gene_symbol", "target_gene", "index"];

pub(super) fn read(path: &Path) -> Result<GeneRows, IoError> {
    let (mut genes, mut values) = (Vec::new(), Vec::new());
    let (mut header, mut delimiter) = (None::<Vec<String>>, None);
    let mut width = None;
    for (k, line) in open_text(path)?.lines().enumerate() {
        let line = line.map_err(|e| IoError::read(path, e))?;
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let delimiter = *delimiter.get_or_insert_with(|| delimiter_of(line));
        let fields = split(line, delimiter);
        if genes.is_empty() && header.is_none() && is_header(&fields) {
            header = Some(fields.iter().map(|f| (*f).to_owned()).collect());
            continue;
        }
        let row = Line { path, number: k + 1, fields };
        let expected = *width.get_or_insert(row.fields.len() - 1);
        values.extend(row.values(expected)?);
        genes.push(row.gene()?);
    }
    let width = width.unwrap_or(0);
    let mut rows = GeneRows::matrix(path, genes, values, width)?;
    rows.columns = header.map(|h| h[h.len().saturating_sub(width)..].to_vec()).filter(|h| h.len() == width);
    Ok(rows)
}

/// The first of tab, comma, semicolon and blank that occurs.
fn delimiter_of(line: &str) -> char {
    ['\t', ',', ';', ' '].into_iter().find(|d| line.contains(*d)).unwrap_or('\t')
}

fn split(line: &str, delimiter: char) -> Vec<&str> {
    let fields = line.split(delimiter).map(|f| f.trim().trim_matches('"'));
    fields.filter(|f| delimiter != ' ' || !f.is_empty()).collect()
}

fn is_header(fields: &[&str]) -> bool {
    let first = fields.first().copied().unwrap_or_default().to_lowercase();
    let number = |f: &&str| f.parse::<f32>().is_ok() || f.is_empty();
    HEADERS.contains(&first.as_str()) || !fields.iter().skip(1).any(number)
}

struct Line<'a> {
    path: &'a Path,
    number: usize,
    fields: Vec<&'a str>,
}

impl Line<'_> {
    fn gene(&self) -> Result<String, IoError> {
        match self.fields.first() {
            Some(gene) if !gene.is_empty() => Ok((*gene).to_owned()),
            _ => Err(self.wrong("a gene in the first column".into(), "an empty field".into())),
        }
    }

    fn values(&self, width: usize) -> Result<Vec<f32>, IoError> {
        let given = &self.fields[1..];
        if given.len() != width || width == 0 {
            let expected = format!("a gene and {} numbers", if width == 0 { "some".into() } else { width.to_string() });
            return Err(self.wrong(expected, given.len().to_string()));
        }
        let value = |(k, field): (usize, &&str)| match field.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.wrong(format!("a finite number in column {}", k + 2), format!("`{field}`"))),
        };
        given.iter().enumerate().map(value).collect()
    }

    fn wrong(&self, expected: String, got: String) -> IoError {
        let gene = self.fields.first().copied().unwrap_or_default();
        IoError::format(self.path, format!("line {} (`{gene}`)", self.number), expected, got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str) -> Result<GeneRows, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tsv");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn headers_and_delimiters_are_recognised() {
        let plain = t("A\t1\t2\nB\t3\t-4e-1\n").unwrap();
        assert_eq!((plain.genes.join(" "), plain.columns), ("A B".into(), None));
        let named = t("gene,0,1\n\"A\",1,2\n").unwrap();
        assert_eq!((named.genes, named.columns), (vec!["A".into()], Some(vec!["0".into(), "1".into()])));
        // R writes no name for the column of row names.
        let short = t("x y\nA 1 2\n").unwrap();
        assert_eq!(short.columns, Some(vec!["x".into(), "y".into()]));
        assert_eq!(short.values, ndarray::array![[1.0, 2.0]]);
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_gene() {
        let e = |text| t(text).err().unwrap();
        assert!(e("A\t1\t2\nB\t3\n").contains("line 2 (`B`): expected a gene and 2 numbers, got 1"));
        assert!(e("A\t1\nB\tnan\n").contains("line 2 (`B`): expected a finite number in column 2, got `nan`"));
        assert!(e("A\t1\n\t2\n").contains("expected a gene in the first column"));
    }
}
