//! Rows of numbers by gene, as every format gives them, and what is checked of them.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;

use super::stem;
use crate::data::{FeatureKind, Features, GeneIndex};
use crate::io::IoError;

/// One row per gene.
pub(super) struct GeneRows {
    pub(super) genes: Vec<String>,
    /// n_genes x width.
    pub(super) values: Array2<f32>,
    /// Names of the columns, where the file has them.
    pub(super) columns: Option<Vec<String>>,
}

impl GeneRows {
    /// Rows of equal length, one per gene.
    pub(super) fn of(path: &Path, rows: Vec<(String, Vec<f32>)>) -> Result<Self, IoError> {
        let width = rows.first().map_or(0, |(_, row)| row.len());
        if let Some((gene, row)) = rows.iter().find(|(_, row)| row.len() != width) {
            let expected = format!("{width} values, as for `{}`", rows[0].0);
            return Err(IoError::format(path, format!("gene `{gene}`"), expected, row.len().to_string()));
        }
        let (genes, values): (Vec<String>, Vec<Vec<f32>>) = rows.into_iter().unzip();
        Self::matrix(path, genes, values.concat(), width)
    }

    /// Rows end to end.
    pub(super) fn matrix(path: &Path, genes: Vec<String>, values: Vec<f32>, width: usize) -> Result<Self, IoError> {
        let n_values = values.len();
        let wrong = |_| {
            let expected = format!("{} genes x {width} values", genes.len());
            IoError::format(path, "", expected, format!("{n_values} values"))
        };
        let values = Array2::from_shape_vec((genes.len(), width), values).map_err(wrong)?;
        Ok(Self { genes, values, columns: None })
    }

    /// The table, named after its file; all genes differ and all values are finite.
    pub(super) fn into_features(self, path: &Path, kind: FeatureKind) -> Result<Features, IoError> {
        if self.values.is_empty() {
            let got = format!("{} genes x {} values", self.values.nrows(), self.values.ncols());
            return Err(IoError::format(path, "", "at least one gene with at least one value", got));
        }
        let not_finite = self.values.indexed_iter().find(|(_, v)| !v.is_finite());
        if let Some(((row, column), value)) = not_finite {
            let element = format!("gene `{}`, value {}", self.genes[row], column + 1);
            return Err(IoError::format(path, element, "a finite number", value.to_string()));
        }
        let index = |names: &[String]| GeneIndex::new(names).map(Arc::new).map_err(IoError::data(path));
        let mut features =
            Features::new(stem(path), kind, index(&self.genes)?, self.values).map_err(IoError::data(path))?;
        if kind == FeatureKind::Effects {
            features.columns = self.columns.as_deref().map(index).transpose()?;
        }
        Ok(features)
    }
}
