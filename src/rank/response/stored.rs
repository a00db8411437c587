//! Keeping a response with its run: `response.json` and `response.safetensors`.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Programmes, Response, ResponseSettings};
use crate::data::{Csr, GeneIndex};
use crate::predict::{read_as, write_as};
use crate::rank::RankError;

const STEM: &str = "response";

#[derive(Serialize, Deserialize)]
struct Stored {
    settings: ResponseSettings,
    radius: f64,
    indptr: Vec<usize>,
    regulators: Vec<u32>,
}

impl Response {
    /// Writes the response to a folder; its files appear whole or not at all.
    ///
    /// # Errors
    /// [`RankError::Predict`] where a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), RankError> {
        let stored = Stored {
            settings: self.settings.clone(),
            radius: self.radius,
            indptr: self.into.indptr().to_vec(),
            regulators: self.into.indices().to_vec(),
        };
        let row = |x: &[f32]| Array2::from_shape_fn((1, x.len()), |(_, j)| x[j]);
        let (effects, noise, unexplained) =
            (row(self.into.data()), row(&self.programmes.noise), row(&self.unexplained));
        let numbers = [
            ("effects", &effects),
            ("noise", &noise),
            ("unexplained", &unexplained),
            ("programmes", &self.programmes.axes),
        ];
        Ok(write_as(dir, STEM, &stored, &numbers)?)
    }

    /// Reads the response of a run with these measured genes.
    ///
    /// # Errors
    /// [`RankError::Predict`] for files that are absent or of other genes, [`RankError::Data`] for broken offsets.
    pub fn load(dir: &Path, genes: &Arc<GeneIndex>) -> Result<Self, RankError> {
        let (stored, mut numbers) = read_as::<Stored>(dir, STEM)?;
        let mut row = |name, n| numbers.take(name, n).map(|x: Array2<f32>| x.iter().copied().collect::<Vec<f32>>());
        let (noise, unexplained) = (row("noise", genes.len())?, row("unexplained", genes.len())?);
        let effects = row("effects", stored.regulators.len())?;
        let into = Csr::new(stored.indptr, stored.regulators, effects, genes.len())?;
        Ok(Self {
            genes: Arc::clone(genes),
            settings: stored.settings,
            out: into.transpose(),
            into,
            programmes: Programmes { noise, axes: numbers.take("programmes", genes.len())? },
            unexplained,
            radius: stored.radius,
            reach: OnceLock::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::chain;
    use super::*;

    #[test]
    fn a_response_comes_back_as_it_was() {
        let (responses, graph) = chain(30);
        let fitted = Response::fit(&responses, &graph, None, &ResponseSettings::default()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fitted.save(dir.path()).unwrap();
        let loaded = Response::load(dir.path(), &responses.genes).unwrap();
        assert_eq!(loaded.into, fitted.into);
        assert_eq!(loaded.out, fitted.out);
        assert_eq!((&loaded.unexplained, loaded.radius), (&fitted.unexplained, fitted.radius));
        assert_eq!(loaded.programmes.axes, fitted.programmes.axes);
        let other = Arc::new(GeneIndex::new(["A"]).unwrap());
        assert!(Response::load(dir.path(), &other).is_err());
    }
}
