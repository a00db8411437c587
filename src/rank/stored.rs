//! An atlas and the joint score on disk, beside the model of a run: predicting a whole genome takes a minute or more.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Atlas, Calibration, Candidates, RankError, Ranker, Response};
use crate::data::Responses;
use crate::graph::GeneGraph;
use crate::predict::{Basis, read_as, write_as};

const STEM: &str = "ranker";
/// Files of another layout are learned anew.
const LAYOUT: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: String,
    #[serde(default)]
    layout: u32,
    names: Vec<String>,
    known: Vec<bool>,
    /// Whether a response lies beside.
    response: bool,
    calibration: Calibration,
}

/// What is kept of a ranker; its other scorers are fitted again.
#[derive(Debug)]
pub struct Kept {
    /// The candidates and what is expected of them.
    pub atlas: Arc<Atlas>,
    /// How scorers are joined.
    pub calibration: Calibration,
    /// The linear response behind some of the scorers.
    pub response: Option<Response>,
}

impl Ranker {
    /// Writes `ranker.json` and `ranker.safetensors`, and the linear response beside them.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), RankError> {
        let atlas = &self.atlas;
        let stored = Stored {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            layout: LAYOUT,
            names: atlas.candidates.names.iter().map(ToString::to_string).collect(),
            known: atlas.basis.iter().map(|b| *b == Basis::Graph).collect(),
            response: self.response.is_some(),
            calibration: self.calibration.clone(),
        };
        let each = Array2::from_shape_fn((atlas.own.len(), 3), |(c, k)| match k {
            0 => atlas.own[c],
            1 => atlas.distance[c],
            _ => atlas.spread[c] as f32,
        });
        let tables = [
            ("axes", &atlas.axes),
            ("scores", &atlas.scores),
            ("whitened", &atlas.whitened),
            ("precision", &atlas.precision),
            ("candidates", &each),
        ];
        if let Some(response) = &self.response {
            response.save(dir)?;
        }
        Ok(write_as(dir, STEM, &stored, &tables)?)
    }
}

/// Reads what [`Ranker::save`] wrote; `None` where there is nothing, or another version wrote it.
///
/// # Errors
/// Files that are there and broken.
pub fn load_kept(dir: &Path, responses: &Responses, graph: &GeneGraph) -> Result<Option<Kept>, RankError> {
    if !dir.join(format!("{STEM}.json")).exists() {
        return Ok(None);
    }
    let (stored, mut numbers) = read_as::<Stored>(dir, STEM)?;
    if stored.version != env!("CARGO_PKG_VERSION") || stored.layout != LAYOUT {
        return Ok(None);
    }
    let candidates = Candidates::of(stored.names.iter().map(|n| Arc::from(n.as_str())), responses, graph);
    let axes = numbers.any("axes")?;
    let scores = numbers.take("scores", axes.ncols())?;
    let whitened = numbers.take("whitened", axes.ncols())?;
    let precision = numbers.take("precision", axes.ncols())?;
    let each = numbers.take("candidates", 3)?;
    if axes.nrows() != responses.genes.len() || [scores.nrows(), each.nrows()] != [candidates.len(); 2] {
        return Ok(None);
    }
    let basis = stored.known.iter().map(|k| if *k { Basis::Graph } else { Basis::Fallback }).collect();
    let spread = each.column(2).iter().map(|v| f64::from(*v)).collect();
    let (own, distance) = (each.column(0).to_vec(), each.column(1).to_vec());
    let atlas = Arc::new(Atlas { candidates, axes, scores, whitened, precision, own, distance, spread, basis });
    let response = stored.response.then(|| Response::load(dir, &responses.genes)).transpose()?;
    Ok(Some(Kept { atlas, calibration: stored.calibration, response }))
}
