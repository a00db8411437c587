//! How large predicted effects should be, and how far they can be trusted.
//!
//! Fitted after a model, from predictions of its training perturbations by fits that have not seen them
//! (`held_out`). It works on the departure of a prediction from the training mean:
//!
//! - `mae`: all departures are scaled by the factor with the smallest held-out absolute error (`scale`).
//! - `balanced`: the model's own scale, unless it is surely too large.
//! - `rank`: each departure gets the length that is expected of the target (`length`), so that scores of rank or
//!   direction that depend on scale do not punish a cautious model.
//!
//! The targets themselves are left to the model. Pairs are made of their parts (`crate::predict::pairs`). Each gene gets an
//! interval (`intervals`). Where nothing in the screen stands out of the noise (`signal`), no effect is predicted.

mod estimate;
mod fit;
mod held_out;
mod intervals;
mod length;
mod scale;
mod signal;

use std::path::Path;
use std::str::FromStr;

use ndarray::{Array2, Axis, concatenate, s};
use serde::{Deserialize, Serialize};

pub use self::estimate::Estimate;
pub(super) use self::held_out::own_genes;
use self::intervals::{Intervals, STEPS, Strata};
use self::length::Length;
use self::scale::Scales;
pub use self::signal::Signal;
use super::pairs::{PairRule, PairRuleStored, Singles, SinglesStored};
use super::{PredictError, saved};

const STEM: &str = "calibration";

/// What predicted effects are scaled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationMode {
    /// As the model predicts: neither scale nor pair rule nor test for effects.
    None,
    /// Smallest absolute error.
    Mae,
    /// The model's scale, unless it is surely too large.
    #[default]
    Balanced,
    /// The length that is expected of the effect.
    Rank,
}

/// All modes, in the order in which their intervals are stored.
const MODES: [CalibrationMode; 4] =
    [CalibrationMode::None, CalibrationMode::Mae, CalibrationMode::Balanced, CalibrationMode::Rank];

impl FromStr for CalibrationMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "mae" => Ok(Self::Mae),
            "balanced" => Ok(Self::Balanced),
            "rank" => Ok(Self::Rank),
            other => Err(format!("expected mae, balanced, rank or none, got `{other}`")),
        }
    }
}

/// A fitted calibration.
#[derive(Debug)]
pub struct Calibration {
    about: About,
    /// Training mean and mean control expression, 2 x n_genes.
    profiles: Array2<f32>,
    /// Intervals by mode.
    intervals: Vec<Intervals>,
    singles: Option<Singles>,
    pairs: Option<PairRule>,
}

/// `calibration.json`.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// The model it belongs to.
    model: String,
    /// The mode that was chosen with the fit.
    mode: CalibrationMode,
    scales: Scales,
    length: Option<Length>,
    signal: Signal,
    /// Whether values are levels, which cannot fall below no expression.
    level: bool,
    strata: Strata,
    /// Share of held-out errors within intervals of level 0.9.
    coverage: f64,
    /// The same for every one of [`super::COVERAGE_LEVELS`].
    #[serde(default)]
    coverages: Vec<f64>,
    singles: Option<SinglesStored>,
    pairs: Option<PairRuleStored>,
}

impl Calibration {
    /// The mode that was chosen with the fit.
    pub fn mode(&self) -> CalibrationMode {
        self.about.mode
    }

    /// The model it belongs to.
    pub fn model(&self) -> &str {
        &self.about.model
    }

    /// What stands out of the noise in the training screen.
    pub fn signal(&self) -> Signal {
        self.about.signal
    }

    /// Cross-validated share of held-out changes within intervals of level 0.9.
    pub fn coverage(&self) -> f64 {
        self.about.coverage
    }

    /// The same at every one of [`super::COVERAGE_LEVELS`]: level and share. Empty for a fit of an earlier version.
    pub fn coverages(&self) -> Vec<(f64, f64)> {
        super::COVERAGE_LEVELS.into_iter().zip(self.about.coverages.iter().copied()).collect()
    }

    /// Factor on all predicted departures in this mode; `None` for `rank`, where each has its own.
    pub fn factor(&self, mode: CalibrationMode) -> Option<f64> {
        match mode {
            CalibrationMode::None => Some(1.0),
            CalibrationMode::Mae => Some(self.about.scales.mae),
            CalibrationMode::Balanced => Some(self.about.scales.balanced),
            CalibrationMode::Rank => None,
        }
    }

    /// Writes `calibration.json` and `calibration.safetensors` into the folder of the model.
    pub fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let scale = ndarray::stack(Axis(0), &self.intervals.iter().map(|i| i.scale.view()).collect::<Vec<_>>());
        let scores = concatenate(Axis(0), &self.intervals.iter().map(|i| i.scores.view()).collect::<Vec<_>>());
        let shape = |e: ndarray::ShapeError| PredictError::Saved { path: dir.to_owned(), reason: e.to_string() };
        let (scale, scores) = (scale.map_err(shape)?, scores.map_err(shape)?);
        let mut numbers = vec![("profiles", &self.profiles), ("scale", &scale), ("scores", &scores)];
        let singles = self.singles.as_ref().map(Singles::stored);
        if let Some((_, mean, parts)) = &singles {
            numbers.extend([("singles.mean", mean), ("singles.parts", *parts)]);
        }
        if let Some(pairs) = &self.pairs {
            numbers.extend(pairs.stored().1);
        }
        saved::write_as(dir, STEM, &self.about, &numbers)
    }

    /// Removes the calibration beside a saved model, where there is one.
    pub fn remove(dir: &Path) -> Result<(), PredictError> {
        for ending in ["json", "safetensors"] {
            let path = dir.join(format!("{STEM}.{ending}"));
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(PredictError::Saved { path, reason: e.to_string() });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the calibration beside a saved model; `None` where there is none.
    pub fn load(dir: &Path, n_genes: usize) -> Result<Option<Self>, PredictError> {
        if !dir.join(format!("{STEM}.json")).exists() {
            return Ok(None);
        }
        let (mut about, mut numbers) = saved::read_as::<About>(dir, STEM)?;
        let (scale, scores) = (numbers.take("scale", n_genes)?, numbers.take("scores", STEPS + 1)?);
        let n = about.strata.len();
        if scale.nrows() != MODES.len() || scores.nrows() != MODES.len() * n {
            let reason = "expected the intervals of four modes".to_owned();
            return Err(PredictError::Saved { path: dir.join(format!("{STEM}.safetensors")), reason });
        }
        let of = |k: usize| Intervals {
            strata: about.strata.clone(),
            scale: scale.row(k).to_owned(),
            scores: scores.slice(s![k * n..(k + 1) * n, ..]).to_owned(),
        };
        let intervals = (0..MODES.len()).map(of).collect();
        let singles = match about.singles.take() {
            Some(stored) => {
                let (mean, parts) = (numbers.take("singles.mean", n_genes)?, numbers.take("singles.parts", n_genes)?);
                Some(Singles::restore(stored, mean, parts))
            }
            None => None,
        };
        let pairs =
            about.pairs.map(|stored| PairRule::restore(stored, n_genes, |name, width| numbers.take(name, width)));
        let pairs = pairs.transpose()?;
        Ok(Some(Self { profiles: numbers.take("profiles", n_genes)?, intervals, singles, pairs, about }))
    }
}
