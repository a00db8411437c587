//! A change of expression.

use std::sync::Arc;

use super::{DataError, GeneIndex};

/// log1p(perturbed) minus log1p(control) per gene, with its standard deviation where known.
#[derive(Debug, Clone)]
pub struct Delta {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// Mean change per gene, log1p scale.
    pub mean: Vec<f32>,
    /// Standard deviation of the prediction or standard error of the measurement, per gene.
    pub sd: Option<Vec<f32>>,
}

impl Delta {
    /// Puts genes and changes together.
    ///
    /// # Errors
    /// [`DataError::Shape`] where there is not one value per gene.
    pub fn new(genes: Arc<GeneIndex>, mean: Vec<f32>, sd: Option<Vec<f32>>) -> Result<Self, DataError> {
        let wrong = [Some(mean.len()), sd.as_ref().map(Vec::len)].into_iter().flatten().find(|&n| n != genes.len());
        match wrong {
            Some(got) => Err(DataError::Shape {
                what: "delta",
                expected: format!("{} values, one per gene", genes.len()),
                got: format!("{got} values"),
            }),
            None => Ok(Self { genes, mean, sd }),
        }
    }
}
