//! 10x folders: `matrix.mtx[.gz]` with `features.tsv[.gz]` or `genes.tsv[.gz]` and `barcodes.tsv[.gz]`.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::annotation::{Annotation, Listed};
use super::cells::{CellFile, Matrix, Names};
use super::column::ColumnKind;
use super::copy::ledger;
use super::genes::{GeneNames, build_index};
use super::h5ad::{Rows, Spiller};
use super::tenx::{identifiers, named, only_genes};
use super::text::open_text;
use super::{Column, IoError};

/// A Matrix Market file of genes x cells.
#[derive(Debug)]
pub(super) struct MtxMatrix {
    path: PathBuf,
    n_cells: usize,
    n_genes: usize,
    genes_of_rows: Option<Vec<Option<u32>>>,
}

/// Whether the name is that of a Matrix Market file.
pub(super) fn is_matrix_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    Path::new(name.strip_suffix(".gz").unwrap_or(&name)).extension().is_some_and(|extension| extension == "mtx")
}

/// Opens a 10x folder, or a `PREFIXmatrix.mtx[.gz]` with `PREFIXfeatures.tsv[.gz]` and `PREFIXbarcodes.tsv[.gz]` beside.
pub(super) fn open(path: &Path, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    let (folder, prefix, matrix) = locate(path)?;
    let beside = |names: &[&str]| {
        let candidates = names.iter().flat_map(|n| [format!("{prefix}{n}.tsv"), format!("{prefix}{n}.tsv.gz")]);
        candidates.map(|name| folder.join(name)).find(|path| path.exists()).ok_or_else(|| {
            let expected = names.iter().map(|n| format!("`{prefix}{n}.tsv[.gz]`")).collect::<Vec<_>>().join(" or ");
            IoError::format(&matrix, "", format!("{expected} in the same folder"), "none")
        })
    };
    let features = read_rows(&beside(&["features", "genes"])?)?;
    let barcodes = read_rows(&beside(&["barcodes"])?)?;
    let column = |k: usize| features.iter().map(move |row| row.get(k).cloned().unwrap_or_default());
    let ids: Vec<String> = column(0).collect();
    let kinds: Vec<String> = column(2).filter(|kind| !kind.is_empty()).collect();
    let kinds = if kinds.len() == ids.len() { kinds } else { Vec::new() };
    let (names, genes_of_rows, notice) = only_genes(named(column(1).collect(), &ids), &kinds);
    let GeneNames { genes, repeated, notices } = build_index(&names, aliases)?;
    let (shape, _) = read_header(&matrix)?;
    if shape != [ids.len(), barcodes.len()] {
        let expected = format!("{} features x {} barcodes", ids.len(), barcodes.len());
        return Err(IoError::format(&matrix, "size line", expected, format!("{} x {}", shape[0], shape[1])));
    }
    let (n_genes, n_cells) = (genes.len(), barcodes.len());
    Ok(CellFile {
        path: path.to_owned(),
        format: "10x mtx",
        n_cells,
        genes,
        repeated_genes: repeated,
        notices: notice.into_iter().chain(notices).collect(),
        matrix_name: matrix.file_name().map(|n| n.to_string_lossy().into_owned()),
        obs: annotation(&folder, &prefix, n_cells)?,
        names: Names::Listed(barcodes.into_iter().map(|row| row.into_iter().next().unwrap_or_default()).collect()),
        // Where there are no identifiers, names stand in their place.
        var: (names != ids).then(|| identifiers(&ids, genes_of_rows.as_deref())),
        mapping: None,
        matrix: Some(Matrix::Mtx(MtxMatrix { path: matrix, n_cells, n_genes, genes_of_rows })),
    })
}

/// Folder, prefix of the names and matrix file.
fn locate(path: &Path) -> Result<(PathBuf, String, PathBuf), IoError> {
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let prefix = name.find("matrix.mtx").map_or_else(String::new, |at| name[..at].to_owned());
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return Ok((folder.to_owned(), prefix, path.to_owned()));
    }
    let inside = ["matrix.mtx", "matrix.mtx.gz"].map(|name| path.join(name)).into_iter().find(|p| p.exists());
    let matrix =
        inside.ok_or_else(|| IoError::format(path, "", "a folder with `matrix.mtx` or `matrix.mtx.gz`", "none"))?;
    Ok((path.to_owned(), String::new(), matrix))
}

fn read_rows(path: &Path) -> Result<Vec<Vec<String>>, IoError> {
    let row = |line: std::io::Result<String>| {
        let line = line.map_err(|e| IoError::read(path, e))?;
        Ok(line.split('\t').map(|field| field.trim().to_owned()).collect())
    };
    open_text(path)?.lines().map(row).collect()
}

/// The table `obs.tsv[.gz]` beside the matrix, a row per barcode: what `grn data convert` adds to a 10x folder.
fn annotation(folder: &Path, prefix: &str, n_cells: usize) -> Result<Option<Annotation>, IoError> {
    let files = ["obs.tsv", "obs.tsv.gz"].map(|name| folder.join(format!("{prefix}{name}")));
    let Some(path) = files.iter().find(|p| p.exists()) else { return Ok(None) };
    let mut rows = read_rows(path)?.into_iter();
    let header = rows.next().unwrap_or_default();
    let mut columns: Vec<Vec<String>> = vec![Vec::with_capacity(n_cells); header.len()];
    let mut n = 0;
    for (row, number) in rows.zip(2..) {
        if row.len() != header.len() {
            let expected = format!("{} fields", header.len());
            return Err(IoError::format(path, format!("line {number}"), expected, row.len().to_string()));
        }
        columns.iter_mut().zip(row).for_each(|(column, field)| column.push(field));
        n += 1;
    }
    if n != n_cells {
        return Err(IoError::format(path, "", format!("{n_cells} rows, one per barcode"), n.to_string()));
    }
    let kinds = ledger::kinds(folder);
    // The first column repeats the barcodes.
    let named = header.into_iter().zip(columns).skip(1).map(|(name, values)| {
        let kind: ColumnKind = kinds.get(&name).copied().unwrap_or_else(|| Column::guess_kind(&values));
        (name, Column::from_text(kind, values))
    });
    Ok(Some(Annotation::Listed(Arc::new(Listed::new(named)))))
}

/// Rows and columns, and the number of entries, from the size line.
fn read_header(path: &Path) -> Result<([usize; 2], u64), IoError> {
    entries(path, |_, _, _| Ok(false))
}

/// Calls `each(row, column, value)` (zero-based) for every entry until it returns false; returns the sizes.
fn entries(
    path: &Path,
    mut each: impl FnMut(usize, usize, f32) -> Result<bool, IoError>,
) -> Result<([usize; 2], u64), IoError> {
    let mut reader = open_text(path)?;
    let (mut line, mut number, mut seen) = (String::new(), 0u64, 0);
    let mut sizes: Option<([usize; 2], u64)> = None;
    loop {
        line.clear();
        number += 1;
        if reader.read_line(&mut line).map_err(|e| IoError::read(path, e))? == 0 {
            break;
        }
        let wrong =
            |expected: String| IoError::format(path, format!("line {number}"), expected, format!("`{}`", line.trim()));
        if number == 1 && !is_banner(&line) {
            return Err(wrong("`%%MatrixMarket matrix coordinate ... general`".into()));
        }
        if line.starts_with('%') || line.trim().is_empty() {
            continue;
        }
        let Some((shape, n)) = sizes else {
            sizes = Some(parse_sizes(&line).ok_or_else(|| wrong("three numbers: rows, columns, entries".into()))?);
            continue;
        };
        let (row, column, value) = parse_entry(&line, shape).map_err(wrong)?;
        seen += 1;
        if !each(row, column, value)? {
            return Ok((shape, n));
        }
    }
    match sizes {
        Some((shape, n)) if seen == n => Ok((shape, n)),
        Some((_, n)) => {
            Err(IoError::format(path, "", format!("{n} entries"), format!("{seen}; the file is truncated")))
        }
        None => Err(IoError::format(path, "", "a size line", "none")),
    }
}

fn is_banner(line: &str) -> bool {
    let banner = line.to_lowercase();
    banner.starts_with("%%matrixmarket matrix coordinate") && banner.contains("general")
}

fn parse_sizes(line: &str) -> Option<([usize; 2], u64)> {
    let mut numbers = line.split_ascii_whitespace().map(|field| field.parse::<usize>().ok());
    Some(([numbers.next()??, numbers.next()??], numbers.next()?? as u64))
}

/// Zero-based row and column, and the value (1 in pattern files); the error says what was expected.
fn parse_entry(line: &str, [n_rows, n_cols]: [usize; 2]) -> Result<(usize, usize, f32), String> {
    let mut fields = line.split_ascii_whitespace();
    let mut position = || fields.next().and_then(|field| field.parse::<usize>().ok());
    let (row, column) = position().zip(position()).ok_or("row and column numbers")?;
    let value = fields.next().map_or(Some(1.0), |field| field.parse().ok()).ok_or("a number")?;
    if row == 0 || column == 0 || row > n_rows || column > n_cols {
        return Err(format!("positions from 1 to {n_rows} and 1 to {n_cols}"));
    }
    Ok((row - 1, column - 1, value))
}

impl MtxMatrix {
    /// The first `limit` values of genes.
    pub(super) fn sample(&self, limit: usize) -> Result<Vec<f32>, IoError> {
        let mut values = Vec::new();
        entries(&self.path, |gene, _, value| {
            if self.gene(gene).is_some() && value != 0.0 {
                values.push(value);
            }
            Ok(values.len() < limit)
        })?;
        Ok(values)
    }

    /// Access by cells: entries are sorted through temporary files, one pass over the text.
    pub(super) fn rows(&self) -> Result<Rows, IoError> {
        let (_, n) = read_header(&self.path)?;
        let mut spiller = Spiller::new(&self.path, self.n_cells, self.n_genes, n);
        entries(&self.path, |gene, cell, value| {
            if let Some(gene) = self.gene(gene) {
                spiller.push(cell, gene, value)?;
            }
            Ok(true)
        })?;
        Ok(Rows::spilled(spiller.finish()?, self.n_genes))
    }

    fn gene(&self, row: usize) -> Option<u32> {
        self.genes_of_rows.as_ref().map_or(Some(row as u32), |genes| genes[row])
    }
}

#[cfg(test)]
mod tests {
    use super::super::open_cells;
    use crate::data::Scale;

    fn folder(matrix: &str, features: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("matrix.mtx"), matrix).unwrap();
        std::fs::write(dir.path().join("features.tsv"), features).unwrap();
        std::fs::write(dir.path().join("barcodes.tsv"), "AAAC-1\nAAAG-1\n").unwrap();
        dir
    }

    const FEATURES: &str = "E1\tA\tGene Expression\nE2\tguide1\tCRISPR Guide Capture\nE3\t\tGene Expression\n";
    const BANNER: &str = "%%MatrixMarket matrix coordinate integer general\n%made by hand\n";

    #[test]
    fn a_folder_gives_cells_by_genes_without_other_features() {
        let dir = folder(&format!("{BANNER}3 2 4\n3 1 7\n1 1 5\n2 1 9\n1 2 1\n"), FEATURES);
        let file = open_cells(dir.path(), None).unwrap();
        assert_eq!((file.n_cells, file.genes.len(), &*file.genes.names()[1]), (2, 2, "E3"));
        assert!(file.notices[0].0.contains("1 features that are not gene expression"));
        let x = file.read(Scale::Counts).unwrap().x;
        assert_eq!(x.row(0), (&[0u32, 1][..], &[5.0f32, 7.0][..]));
        assert_eq!(x.row(1), (&[0u32][..], &[1.0f32][..]));
    }

    #[test]
    fn damage_is_named_by_line() {
        let t = |matrix: String, expected: &str| {
            let dir = folder(&matrix, FEATURES);
            let read = open_cells(dir.path(), None).and_then(|file| file.read(Scale::Counts));
            let said = read.unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        };
        t(format!("{BANNER}3 2 2\n1 1 5\n"), "expected 2 entries, got 1");
        t(format!("{BANNER}3 2 1\n4 1 5\n"), "line 4: expected positions from 1 to 3 and 1 to 2");
        t(format!("{BANNER}3 2 1\n1 1 many\n"), "line 4: expected a number");
        t(format!("{BANNER}2 2 0\n"), "expected 3 features x 2 barcodes, got 2 x 2");
        t("1 1 1\n".into(), "line 1: expected `%%MatrixMarket");
    }
}
