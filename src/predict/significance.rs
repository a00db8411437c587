//! Which changes of a screen of cells are significant.

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use statrs::function::erf::erfc;

use crate::data::Responses;
use crate::stats::benjamini_hochberg;

/// False discovery rate within each perturbation.
const RATE: f64 = 0.05;

/// 1 where a change is significant: as the table says, else by a two-sided z test of each change against its standard
/// error (Welch), at a false discovery rate of 5 % within each perturbation. `None` where neither is known.
pub fn significant(responses: &Responses) -> Option<Array2<f32>> {
    if let Some(given) = &responses.significant {
        return Some(given.clone());
    }
    let squared_error = responses.squared_error()?;
    let mut out = Array2::zeros(responses.delta.raw_dim());
    let rows = out.axis_iter_mut(Axis(0)).into_par_iter().enumerate();
    rows.for_each(|(i, mut row)| {
        let changes = responses.delta.row(i);
        let p: Vec<f64> = changes
            .iter()
            .zip(squared_error.row(i))
            .map(|(d, e)| if *e > 0.0 { erfc(f64::from(d.abs()) / f64::from(2.0 * e).sqrt()) } else { 1.0 })
            .collect();
        row.iter_mut().zip(benjamini_hochberg(&p)).for_each(|(to, q)| *to = f32::from(u8::from(q <= RATE)));
    });
    Some(out)
}
