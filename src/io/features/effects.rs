//! Effects of another context: a screen, or its table of effects.

use std::path::Path;

use ndarray::Axis;

use super::gene_rows::GeneRows;
use crate::data::{PseudobulkOptions, Responses};
use crate::error::Notice;
use crate::io::{IoError, ScreenOptions, read_table};

/// One row per gene that was perturbed alone: its change of every measured gene.
pub(super) fn read(path: &Path) -> Result<(GeneRows, Vec<Notice>), IoError> {
    let read = read_table(path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| {})?;
    let responses = Responses::from_pseudobulk(&read.table).map_err(IoError::data(path))?;
    let mut notices = read.notices;
    let single = |i: &usize| responses.perturbations[*i].targets().len() == 1;
    let rows: Vec<usize> = (0..responses.len()).filter(single).collect();
    if rows.len() < responses.len() {
        let n = responses.len() - rows.len();
        notices.push(Notice::new(format!("{}: {n} perturbations of several genes are left out", path.display())));
    }
    let genes = rows.iter().map(|&i| responses.perturbations[i].to_string()).collect();
    let columns = responses.genes.names().iter().map(ToString::to_string).collect();
    Ok((GeneRows { genes, values: responses.delta.select(Axis(0), &rows), columns: Some(columns) }, notices))
}
