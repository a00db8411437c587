//! Learning a ranker for a run, or reading the one that lies beside its model.

use super::covariance;
use super::error::CliError;
use super::load::LoadedRun;
use super::session::Session;
use crate::data::Responses;
use crate::predict::{self, PredictError, Predictor, Task};
use crate::rank::{self, Calibration, CandidateSet, Candidates, Frame, Lesson, Progress, Ranker, ScorerSpec};
use crate::train::Silent;

/// The ranker of a run and the positions of the wanted candidates in its atlas.
pub(super) struct ForRun {
    pub(super) ranker: Ranker,
    pub(super) members: Vec<usize>,
}

/// What is wanted of the ranker.
pub(super) struct Wanted<'a> {
    pub(super) set: &'a CandidateSet,
    /// Learn how to join the scorers.
    pub(super) calibrated: bool,
    /// Scorers beside those of the joint score.
    pub(super) method: Option<&'static ScorerSpec>,
}

/// Reads the ranker of a run where it was kept, else learns one; one for the whole graph is kept beside the model.
pub(super) fn ranker(session: &Session, run: &LoadedRun, wanted: &Wanted<'_>) -> Result<ForRun, CliError> {
    let candidates = Candidates::new(wanted.set, &run.responses, &run.graph)?;
    let settings = settings(run);
    let spec = predict::spec(&run.manifest.model)?;
    let (graph, features, seed) = (&run.graph, &run.features, run.manifest.seed);
    let device = crate::nn::parse_device(&session.device)?;
    let fit = |train: &Responses| -> Result<Box<dyn Predictor>, PredictError> {
        let mut model = (spec.build)(&settings)?;
        let task = Task { responses: train, graph, features, seed, device: &device, checkpoint: None, resume: false };
        model.fit(&task, &mut Silent)?;
        Ok(model)
    };
    let mut scorers = rank::joint_scorers();
    scorers.extend(wanted.method.filter(|m| !m.joint));
    let lesson = Lesson { fit: &fit, responses: &run.responses, graph, covariance: None, scorers: &scorers, seed };
    let mut ranker = match rank::load_kept(&run.dir.model(), &run.responses, graph)? {
        Some(kept) if covers(&kept.atlas.candidates, &candidates) => lesson.around(kept, Frame::new(&run.responses))?,
        _ => {
            let covariance = covariance::of_run(session, run)?;
            learn(session, run, wanted, &Lesson { covariance: covariance.as_ref(), ..lesson }, &candidates)?
        }
    };
    if !wanted.calibrated && wanted.method.is_none() {
        // One that was kept may be calibrated.
        ranker.calibration = Calibration::none();
    }
    let members = candidates.names.iter().filter_map(|n| ranker.atlas.candidates.position(n)).collect();
    Ok(ForRun { ranker, members })
}

fn covers(all: &Candidates, wanted: &Candidates) -> bool {
    wanted.names.iter().all(|n| all.position(n).is_some())
}

/// Most candidates lie in the graph: where more than a few are wanted, all of it is predicted once and kept.
fn learn(
    session: &Session,
    run: &LoadedRun,
    wanted: &Wanted<'_>,
    lesson: &Lesson<'_>,
    candidates: &Candidates,
) -> Result<Ranker, CliError> {
    let keep = matches!(wanted.set, CandidateSet::Genome | CandidateSet::Expressed) && wanted.calibrated;
    let all = if keep {
        let targets = run.responses.perturbations.iter().flat_map(|p| p.targets().iter().cloned());
        Candidates::of(run.graph.genes().names().iter().cloned().chain(targets), &run.responses, &run.graph)
    } else {
        candidates.clone()
    };
    if wanted.calibrated {
        session.printer.say("learning how to weigh the scorers on training perturbations left out in folds");
    }
    let n = all.len() as u64;
    let bar = session.printer.bar("learning to rank", n);
    let ranker = lesson.learn(all, wanted.calibrated, &mut |at| match at {
        Progress::Folds(done, folds) => {
            bar.set_length(folds as u64);
            bar.set_position(done as u64);
        }
        Progress::Candidates(done) => {
            bar.set_length(n);
            bar.set_position(done as u64);
        }
    })?;
    bar.finish_and_clear();
    if keep {
        ranker.save(&run.dir.model())?;
        session.printer.detail("kept the predictions of all candidates beside the model");
    }
    Ok(ranker)
}

/// The model settings that the run was fitted with.
fn settings(run: &LoadedRun) -> toml::Table {
    match run.settings.models.get(&run.manifest.model) {
        Some(toml::Value::Table(table)) => table.clone(),
        _ => toml::Table::new(),
    }
}
