//! Predicted changes of any number of perturbations, written as they are made.

use std::cell::RefCell;
use std::path::Path;

use ndarray::Array2;

use super::{How, Predicted, output, predict_some};
use crate::cli::error::CliError;
use crate::cli::load::LoadedRun;
use crate::cli::session::Session;
use crate::io::{self, TableParts};

/// Perturbations that are predicted and written together.
pub(super) const AT_ONCE: usize = 256;

/// Writes what `output::write_h5ad` writes, a few perturbations at a time; what is returned has lost its vectors.
pub(super) fn write_h5ad(
    session: &Session,
    path: &Path,
    run: &LoadedRun,
    labels: &[String],
    how: How,
) -> Result<Vec<Predicted>, CliError> {
    let bar = session.printer.bar("predicting", labels.len() as u64);
    let done = RefCell::new(Vec::with_capacity(labels.len()));
    let parts = labels.chunks(AT_ONCE).map(|labels| {
        let mut predicted = predict_some(run, labels, how, &|| bar.inc(1))?;
        let matrix = |rows: Vec<f32>| Array2::from_shape_vec((labels.len(), run.genes.len()), rows).unwrap_or_default();
        let x = matrix(predicted.iter().flat_map(|p| p.delta.iter().copied()).collect());
        let end = |k: usize| -> Option<Vec<f32>> {
            let rows = predicted.iter().map(|p| Some(p.interval.as_ref()?[k].as_slice())).collect::<Option<Vec<_>>>();
            Some(rows?.concat())
        };
        let ends = [end(0), end(1)].into_iter().flatten().map(matrix);
        let matrices = std::iter::once(x).chain(ends).collect();
        for p in &mut predicted {
            (p.delta, p.interval, p.sd) = (Vec::new(), None, None);
        }
        done.borrow_mut().extend(predicted);
        Ok::<_, CliError>(matrices)
    });
    let about = output::About::of(run, how.level);
    let layers: &[&str] = if run.calibration.is_some() { &["lower", "upper"] } else { &[] };
    let table = TableParts { genes: &run.genes, var: &about.var, layers, uns: &about.uns, n_rows: labels.len() };
    io::write_h5ad_parts(path, &table, parts, &|| output::rows(&done.borrow()))?;
    bar.finish_and_clear();
    Ok(done.into_inner())
}
