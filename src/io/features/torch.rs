//! torch: a dictionary of one tensor per gene.

use std::path::Path;

use super::gene_rows::GeneRows;
use crate::io::IoError;
use crate::nn::read_torch_tensors;

pub(super) fn read(path: &Path) -> Result<GeneRows, IoError> {
    // A file that is not there is told as such, not as a damaged archive.
    std::fs::File::open(path).map_err(|e| IoError::read(path, e))?;
    let expected = "a torch file (zip) of a dictionary with one tensor per gene";
    let tensors = read_torch_tensors(path).map_err(|e| IoError::format(path, "", expected, e.to_string()))?;
    if tensors.is_empty() {
        return Err(IoError::format(path, "", expected, "no tensor"));
    }
    GeneRows::of(path, tensors)
}
