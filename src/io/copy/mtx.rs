//! Cells as a 10x-style folder.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::ledger::{Kept, Ledger};
use super::{Cells, CopyOptions, check_rows, name_column};
use crate::data::Csr;
use crate::io::cells::GENE_IDS;
use crate::io::{Column, IoError, atomic, write_atomic};

/// Level of gzip: text of counts shrinks hardly more at higher ones.
const LEVEL: u32 = 3;
/// Digits kept free for the number of entries, which is known at the end.
const DIGITS: usize = 19;

/// Writes the folder; the matrix is genes x cells, cell by cell, its numbers from 1 on.
pub(super) fn write<E: From<IoError>>(
    folder: &Path,
    cells: &Cells,
    options: &CopyOptions,
    blocks: impl Iterator<Item = Result<Csr<f32>, E>>,
) -> Result<Kept, E> {
    let mut ledger = Ledger::open(folder, cells, options)?;
    table(&mut ledger, "features.tsv.gz", |out| features(cells, out))?;
    table(&mut ledger, "barcodes.tsv.gz", |out| cells.names.iter().try_for_each(|n| writeln!(out, "{}", field(n))))?;
    table(&mut ledger, "obs.tsv.gz", |out| annotation(cells, out))?;
    let name = "matrix.mtx.gz";
    if !ledger.has(name)? {
        let path = ledger.path(name);
        atomic::write_atomic_at(&path, |at| matrix(&path, at, cells, blocks))?;
        ledger.done(name)?;
    }
    Ok(ledger.finish()?)
}

/// Fields are separated by tabs and rows by line ends.
fn field(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn table(ledger: &mut Ledger, name: &str, fill: impl Fn(&mut dyn Write) -> std::io::Result<()>) -> Result<(), IoError> {
    if ledger.has(name)? {
        return Ok(());
    }
    let path = ledger.path(name);
    write_atomic(&path, |out| {
        let mut gz = BufWriter::new(GzEncoder::new(out, Compression::new(LEVEL)));
        let filled =
            fill(&mut gz).and_then(|()| gz.into_inner().map_err(std::io::IntoInnerError::into_error)?.try_finish());
        filled.map_err(|e| IoError::write(&path, e))
    })?;
    ledger.done(name)
}

fn features(cells: &Cells, out: &mut dyn Write) -> std::io::Result<()> {
    let ids = cells.var.iter().find(|(name, _)| name == GENE_IDS).map(|(_, ids)| ids);
    for (gene, name) in cells.genes.names().iter().enumerate() {
        let id = ids.map(|ids: &Column| ids.text(gene)).filter(|id| !id.is_empty());
        writeln!(out, "{}\t{}\tGene Expression", field(&id.unwrap_or((**name).into())), field(name))?;
    }
    Ok(())
}

fn annotation(cells: &Cells, out: &mut dyn Write) -> std::io::Result<()> {
    write!(out, "{}", name_column(&cells.obs))?;
    cells.obs.iter().try_for_each(|(name, _)| write!(out, "\t{}", field(name)))?;
    writeln!(out)?;
    for (row, name) in cells.names.iter().enumerate() {
        write!(out, "{}", field(name))?;
        cells.obs.iter().try_for_each(|(_, column)| write!(out, "\t{}", field(&column.text(row))))?;
        writeln!(out)?;
    }
    Ok(())
}

/// The head of the matrix, the same number of bytes whatever it says.
fn head(cells: &Cells, entries: u64, whole: bool) -> Vec<u8> {
    let (kind, fill) = if whole { ("integer", "") } else { ("real", "   ") };
    let (genes, n) = (cells.genes.len(), cells.names.len());
    format!("%%MatrixMarket matrix coordinate {kind} general\n%genes x cells{fill}\n{genes} {n} {entries:>DIGITS$}\n")
        .into_bytes()
}

/// The head is a part of its own that is not compressed, so that it can be replaced when the entries were counted.
fn stored(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::none());
    gz.write_all(bytes)?;
    gz.finish()
}

fn matrix<E: From<IoError>>(
    path: &Path,
    at: &Path,
    cells: &Cells,
    blocks: impl Iterator<Item = Result<Csr<f32>, E>>,
) -> Result<(), E> {
    let failed = |e: std::io::Error| E::from(IoError::write(path, e));
    let mut file = File::create(at).map_err(failed)?;
    file.write_all(&stored(&head(cells, 0, true)).map_err(failed)?).map_err(failed)?;
    let mut gz = GzEncoder::new(BufWriter::with_capacity(1 << 18, file), Compression::new(LEVEL));
    let (mut text, mut cell, mut entries, mut whole) = (String::new(), 0, 0, true);
    for block in blocks {
        let x = block?;
        text.clear();
        for row in 0..x.n_rows() {
            cell += 1;
            let (genes, values) = x.row(row);
            for (gene, value) in genes.iter().zip(values).filter(|(_, v)| **v != 0.0) {
                use std::fmt::Write;
                // Writing to a string does not fail.
                let _ = writeln!(text, "{} {cell} {value}", gene + 1);
                entries += 1;
                whole &= value.fract() == 0.0;
            }
        }
        gz.write_all(text.as_bytes()).map_err(failed)?;
    }
    check_rows(path, cells, cell)?;
    let file = gz.finish().and_then(|out| out.into_inner().map_err(std::io::IntoInnerError::into_error));
    let mut file = file.map_err(failed)?;
    file.rewind().map_err(failed)?;
    file.write_all(&stored(&head(cells, entries, whole)).map_err(failed)?).map_err(failed)
}
