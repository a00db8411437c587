//! An atlas and the joint score on disk, beside the model of a run: predicting a whole genome takes a minute or more.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Atlas, Calibration, Candidates, RankError, Ranker};
use crate::data::Responses;
use crate::graph::GeneGraph;
use crate::predict::{Basis, read_as, write_as};

const STEM: &str = "ranker";

#[derive(Serialize, Deserialize)]
struct Stored {
    version: String,
    names: Vec<String>,
    known: Vec<bool>,
    calibration: Calibration,
}

impl Ranker {
    /// Writes `ranker.json` and `ranker.safetensors`; the scorers themselves are fitted again when it is loaded.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), RankError> {
        let atlas = &self.atlas;
        let stored = Stored {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            names: atlas.candidates.names.iter().map(ToString::to_string).collect(),
            known: atlas.basis.iter().map(|b| *b == Basis::Graph).collect(),
            calibration: self.calibration.clone(),
        };
        let each = Array2::from_shape_fn((atlas.own.len(), 3), |(c, k)| match k {
            0 => atlas.own[c],
            1 => atlas.distance[c],
            _ => atlas.spread[c] as f32,
        });
        let tables =
            [("axes", &atlas.axes), ("scores", &atlas.scores), ("whitened", &atlas.whitened), ("candidates", &each)];
        Ok(write_as(dir, STEM, &stored, &tables)?)
    }
}

/// Reads what [`Ranker::save`] wrote; `None` where there is nothing, or another version wrote it.
///
/// # Errors
/// Files that are there and broken.
pub fn load_atlas(
    dir: &Path,
    responses: &Responses,
    graph: &GeneGraph,
) -> Result<Option<(Atlas, Calibration)>, RankError> {
    if !dir.join(format!("{STEM}.json")).exists() {
        return Ok(None);
    }
    let (stored, mut numbers) = read_as::<Stored>(dir, STEM)?;
    if stored.version != env!("CARGO_PKG_VERSION") {
        return Ok(None);
    }
    let candidates = Candidates::of(stored.names.iter().map(|n| Arc::from(n.as_str())), responses, graph);
    let axes = numbers.any("axes")?;
    let scores = numbers.take("scores", axes.ncols())?;
    let whitened = numbers.take("whitened", axes.ncols())?;
    let each = numbers.take("candidates", 3)?;
    if axes.nrows() != responses.genes.len() || [scores.nrows(), each.nrows()] != [candidates.len(); 2] {
        return Ok(None);
    }
    let basis = stored.known.iter().map(|k| if *k { Basis::Graph } else { Basis::Fallback }).collect();
    let spread = each.column(2).iter().map(|v| f64::from(*v)).collect();
    let (own, distance) = (each.column(0).to_vec(), each.column(1).to_vec());
    Ok(Some((Atlas { candidates, axes, scores, whitened, own, distance, spread, basis }, stored.calibration)))
}
