//! Values that no cell can have.

use super::Stored;
use crate::data::{CellBlock, GeneIndex, Scale};
use crate::score::ScoreError;

/// The smallest log1p value that cell-eval refuses.
const TOO_LARGE: f32 = 15.0;
/// Counts may be off a whole number by this much, as in cell-eval.
const WHOLE: f32 = 1e-3;

pub(super) fn check_values(block: &CellBlock, stored: Stored, genes: &GeneIndex) -> Result<(), ScoreError> {
    let x = &block.x;
    let log1p = |v: &f32| *v >= 0.0 && *v < TOO_LARGE;
    let count = |v: &f32| *v >= 0.0 && v.is_finite() && (v - v.round()).abs() <= WHOLE;
    let (expected, bad) = match stored {
        Stored::AsIs => ("a value of at least 0", x.data().iter().position(|v| !(*v >= 0.0 && v.is_finite()))),
        Stored::Checked(Scale::Counts) => {
            ("a whole count, or log1p values all below 15", x.data().iter().position(|v| !count(v)))
        }
        Stored::Checked(Scale::Log1p) => ("a log1p value from 0 to 15", x.data().iter().position(|v| !log1p(v))),
    };
    let Some(entry) = bad else { return Ok(()) };
    Err(ScoreError::BadValue {
        gene: genes.names()[x.indices()[entry] as usize].to_string(),
        cell: block.first_cell + x.indptr().partition_point(|&start| start <= entry) - 1,
        expected,
        got: x.data()[entry].to_string(),
    })
}
