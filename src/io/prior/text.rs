//! Text files, plain or gzipped.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::io::IoError;

/// Opens a text file; gzip is recognised by its first two bytes, whatever the name says.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, IoError> {
    let refused = |e| IoError::read(path, e);
    let mut file = File::open(path).map_err(refused)?;
    let mut magic = Vec::with_capacity(2);
    file.by_ref().take(2).read_to_end(&mut magic).map_err(refused)?;
    file.rewind().map_err(refused)?;
    let file = BufReader::with_capacity(1 << 16, file);
    Ok(if magic == [0x1f, 0x8b] { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// The error of a read that failed at `element`: a gzip stream that ends early or is damaged is said to be so.
pub(super) fn read_error(path: &Path, element: String, error: std::io::Error) -> IoError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => IoError::format(path, element, "a complete gzip stream", "one that ends early"),
        InvalidData | InvalidInput => IoError::format(path, element, "an intact gzip stream", error.to_string()),
        _ => IoError::read(path, error),
    }
}

/// File name without `.gz` and without its last extension: `bioplanet` of `sets/bioplanet.tsv.gz`.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}
