//! Text files, compressed or not.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::IoError;

/// Opens a text file by lines; gzip is recognised by its first bytes, not by the name.
pub(super) fn open_text(path: &Path) -> Result<Box<dyn BufRead + Send>, IoError> {
    let failed = |e| IoError::read(path, e);
    let mut file = File::open(path).map_err(failed)?;
    let mut start = [0; 2];
    let read = file.read(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let reader = BufReader::with_capacity(1 << 18, file);
    Ok(match &start[..read] {
        [0x1f, 0x8b] => Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(reader))),
        _ => Box::new(reader),
    })
}
