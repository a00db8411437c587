//! Everything that ranking needs, learned from training perturbations.

use std::sync::{Arc, OnceLock};

use ndarray::Array2;

use super::{
    Asked, Atlas, Calibration, Candidates, Covariance, Fit, Frame, HeldOut, Kept, Known, Own, Queries, RankError,
    Response, SCORERS, Scorer, ScorerSpec, Source, calibrate,
};
use crate::data::{GeneIndex, Responses};
use crate::graph::GeneGraph;
use crate::predict::Predictor;

/// What a ranker is learned from.
#[derive(Clone, Copy)]
pub struct Lesson<'a> {
    /// Fits the forward model.
    pub fit: &'a Fit<'a>,
    /// Training perturbations.
    pub responses: &'a Responses,
    /// Prior knowledge.
    pub graph: &'a GeneGraph,
    /// How genes vary together in control cells, where there are any.
    pub covariance: Option<&'a Covariance>,
    /// The scorers that are fitted.
    pub scorers: &'a [&'static ScorerSpec],
    /// Seed of folds, samples and nulls.
    pub seed: u64,
}

/// How far learning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Folds done, and how many there are, from which the joint score is learned.
    Folds(usize, usize),
    /// Candidates predicted.
    Candidates(usize),
}

/// Scorers fitted on training perturbations, and how they are joined.
pub struct Ranker {
    /// The candidates and what is expected of them.
    pub atlas: Arc<Atlas>,
    /// The measured genes.
    pub genes: Arc<GeneIndex>,
    /// Centre and units of the training changes.
    pub frame: Frame,
    /// How scorers are joined.
    pub calibration: Calibration,
    scorers: Vec<(&'static ScorerSpec, Box<dyn Scorer>)>,
    /// The linear response behind some of the scorers.
    pub(super) response: Option<Response>,
    /// Predictions of the training perturbations by fits without them; none for a ranker that was read.
    pub(super) held_out: Option<HeldOut>,
}

/// What all scorers say about some queries.
pub struct Readings {
    /// Per scorer its scores, n_queries x n_candidates.
    pub scores: Vec<(&'static ScorerSpec, Array2<f32>)>,
    /// Log of the mean squared change in units of its noise, per query.
    pub strength: Vec<f64>,
}

impl Readings {
    /// The scores that a joint score weighs, in its order.
    pub(super) fn features(&self, names: &[String]) -> Vec<Array2<f32>> {
        let of = |name: &String| self.scores.iter().find(|(s, _)| s.name == name).map(|(_, m)| m.clone());
        names.iter().filter_map(of).collect()
    }
}

impl Lesson<'_> {
    /// Learns how to join the scorers, then fits them on all training perturbations.
    ///
    /// # Errors
    /// Whatever a fit, a scorer or a prediction returns.
    pub fn learn(
        &self,
        candidates: Candidates,
        calibrated: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Ranker, RankError> {
        let mut folds = |done, all| progress(Progress::Folds(done, all));
        let calibration = if calibrated { calibrate(self, &candidates, &mut folds)? } else { Calibration::none() };
        let model = (self.fit)(self.responses)?;
        let mut predicted = |done| progress(Progress::Candidates(done));
        Ok(Ranker { calibration, ..self.fit_scorers(&*model, candidates, &mut predicted)? })
    }

    /// Fits the scorers around a model that was fitted on the same responses.
    pub(super) fn fit_scorers(
        &self,
        model: &dyn Predictor,
        candidates: Candidates,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Ranker, RankError> {
        let frame = Frame::new(self.responses);
        let held_out = HeldOut::new(model, self.fit, self.responses, self.seed)?;
        let source = Source {
            predictor: model,
            responses: self.responses,
            frame: &frame,
            left_out: held_out.view(),
            seed: self.seed,
        };
        let atlas = Arc::new(Atlas::new(&source, candidates, progress)?);
        let ranker = self.around(Kept { atlas, calibration: Calibration::none(), response: None }, frame)?;
        Ok(Ranker { held_out: Some(held_out), ..ranker })
    }

    /// Fits the scorers around what was kept of a ranker.
    ///
    /// # Errors
    /// Whatever a scorer returns.
    pub fn around(&self, kept: Kept, frame: Frame) -> Result<Ranker, RankError> {
        let Kept { atlas, calibration, response } = kept;
        let response = response.map_or_else(OnceLock::new, OnceLock::from);
        let known = Known {
            responses: self.responses,
            graph: self.graph,
            frame: &frame,
            atlas: &atlas,
            response: &response,
            covariance: self.covariance,
            seed: self.seed,
        };
        let fitted = self.scorers.iter().map(|&spec| Ok((spec, (spec.fit)(&known)?)));
        let scorers = fitted.collect::<Result<_, RankError>>()?;
        let genes = Arc::clone(&self.responses.genes);
        let response = response.into_inner();
        Ok(Ranker { atlas, genes, frame, calibration, scorers, response, held_out: None })
    }
}

impl Ranker {
    /// Asks every scorer about queries times `sign`; with [`Own::Excluded`] only those that have something to say then.
    ///
    /// # Errors
    /// Whatever a scorer returns.
    pub fn read(&self, queries: &Queries, sign: f32, own: Own) -> Result<Readings, RankError> {
        let asked = Asked::new(queries, &self.frame, sign);
        let useful = self.scorers.iter().filter(|(s, _)| own == Own::Used || s.without_own);
        let scores = useful.map(|(spec, scorer)| Ok((*spec, scorer.scores(&asked, &self.atlas.candidates, own)?)));
        let scores = scores.collect::<Result<_, RankError>>()?;
        Ok(Readings { scores, strength: asked.strength() })
    }
}

/// The scorers behind the joint score.
pub fn joint_scorers() -> Vec<&'static ScorerSpec> {
    SCORERS.iter().filter(|s| s.joint).collect()
}
