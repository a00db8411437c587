//! The false discovery rate over the tests that are kept.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::FdrScope;
use crate::stats::benjamini_hochberg;

/// p adjusted by Benjamini and Hochberg, n_labels x n_genes; NaN where a test is not kept.
pub(super) fn adjusted(p: &Array2<f64>, kept: Option<&Array2<bool>>, scope: FdrScope) -> Array2<f64> {
    let mut out = p.clone();
    if let Some(kept) = kept {
        out.zip_mut_with(kept, |p, &keep| *p = if keep { *p } else { f64::NAN });
    }
    match scope {
        FdrScope::PerTarget => out.axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut row| adjust(row.iter_mut())),
        FdrScope::Table => adjust(out.iter_mut()),
    }
    out
}

fn adjust<'a>(p: impl Iterator<Item = &'a mut f64>) {
    let kept: Vec<&mut f64> = p.filter(|p| !p.is_nan()).collect();
    let adjusted = benjamini_hochberg(&kept.iter().map(|p| **p).collect::<Vec<f64>>());
    kept.into_iter().zip(adjusted).for_each(|(to, q)| *to = q);
}
