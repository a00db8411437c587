//! numpy archives: a zip of arrays.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::gene_rows::GeneRows;
use super::npy::{NpyArray, NpyData, parse};
use crate::io::IoError;

/// Arrays that hold the names of the genes, the rows, and the names of the columns.
const NAMES: [&str; 6] = ["genes", "gene_names", "symbols", "gene_symbols", "names", "gene"];
const ROWS: [&str; 5] = ["embeddings", "embedding", "values", "X", "emb"];
const COLUMNS: [&str; 2] = ["columns", "var_names"];

pub(super) fn read(path: &Path) -> Result<GeneRows, IoError> {
    let mut arrays = arrays(path)?;
    let mut take = |names: &[&str]| {
        let at = names.iter().find_map(|name| arrays.iter().position(|(n, _)| n == name));
        at.map(|at| arrays.remove(at))
    };
    match (take(&NAMES), take(&ROWS), take(&COLUMNS)) {
        (Some((name, genes)), rows, columns) => {
            let genes = text(path, &name, genes)?;
            let (name, rows) = rows.ok_or_else(|| lacks(path, &ROWS, &name))?;
            let mut rows = matrix(path, &name, genes, rows)?;
            rows.columns = columns.map(|(name, columns)| text(path, &name, columns)).transpose()?;
            Ok(rows)
        }
        (None, Some((name, _)), _) => Err(lacks(path, &NAMES, &name)),
        (None, None, _) => {
            let row = |(name, array)| Ok((String::clone(&name), numbers(path, &name, array)?.1));
            GeneRows::of(path, arrays.into_iter().map(row).collect::<Result<_, _>>()?)
        }
    }
}

fn lacks(path: &Path, wanted: &[&str], found: &str) -> IoError {
    let names: Vec<String> = wanted.iter().map(|n| format!("`{n}`")).collect();
    let expected = format!("an array {} beside `{found}`", names.join(", "));
    IoError::format(path, "", expected, "none of them")
}

fn text(path: &Path, name: &str, array: NpyArray) -> Result<Vec<String>, IoError> {
    match array.data {
        NpyData::Text(text) => Ok(text),
        NpyData::Numbers(_) => Err(IoError::format(path, format!("array `{name}`"), "text", "numbers")),
    }
}

fn numbers(path: &Path, name: &str, array: NpyArray) -> Result<(Vec<usize>, Vec<f32>), IoError> {
    match array.data {
        NpyData::Numbers(numbers) => Ok((array.shape, numbers)),
        NpyData::Text(_) => Err(IoError::format(path, format!("array `{name}`"), "numbers", "text")),
    }
}

fn matrix(path: &Path, name: &str, genes: Vec<String>, rows: NpyArray) -> Result<GeneRows, IoError> {
    let (shape, values) = numbers(path, name, rows)?;
    match shape[..] {
        [n, width] if n == genes.len() => GeneRows::matrix(path, genes, values, width),
        _ => {
            let expected = format!("{} rows, one per gene", genes.len());
            Err(IoError::format(path, format!("array `{name}`"), expected, format!("shape {shape:?}")))
        }
    }
}

/// All arrays by name, sorted.
fn arrays(path: &Path) -> Result<Vec<(String, NpyArray)>, IoError> {
    let file = File::open(path).map_err(|e| IoError::read(path, e))?;
    let broken = |e: zip::result::ZipError| IoError::format(path, "", "a numpy archive (zip)", e.to_string());
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let mut arrays = Vec::new();
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(broken)?;
        let name = entry.name().map_err(broken)?.trim_end_matches(".npy").to_owned();
        let (method, size) = (entry.compression(), entry.size());
        let mut bytes = Vec::new();
        let read = match method {
            CompressionMethod::Stored => BufReader::new(entry).take(size).read_to_end(&mut bytes),
            _ => DeflateDecoder::new(BufReader::new(entry)).take(size).read_to_end(&mut bytes),
        };
        let element = format!("array `{name}`");
        read.map_err(|e| IoError::format(path, &element, "an array, stored or deflated", e.to_string()))?;
        let array = parse(&bytes).map_err(|(expected, got)| IoError::format(path, &element, expected, got))?;
        arrays.push((name, array));
    }
    arrays.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(arrays)
}
