//! Training twice: on a part of the perturbations to choose the number of steps, then on all of them for that long.

use candle_core::Device;

use super::{PredictError, Task};
use crate::nn::{AdamWSettings, Schedule, Variables};
use crate::stats::Rng;
use crate::train::{Checkpoint, Evaluation, Never, Observer, Patience, Plan, Steps, StopPolicy, Trainer};

/// Fewer perturbations than this are not split to choose the number of steps.
const LEAST_TO_SPLIT: usize = 10;
/// Steps between checkpoints.
const CHECKPOINT_EVERY: u64 = 20;

/// How a model trains.
#[derive(Debug)]
pub(super) struct Course<'a> {
    /// The model, for messages and names of files.
    pub(super) model: &'static str,
    /// Most steps.
    pub(super) steps: u64,
    /// Highest learning rate of the cosine over `steps`.
    pub(super) learning_rate: f64,
    /// Decoupled weight decay.
    pub(super) weight_decay: f64,
    /// Gradients are scaled down to this norm.
    pub(super) clip: f64,
    /// Share of the perturbations that chooses the number of steps.
    pub(super) validation: f64,
    /// Steps between two looks at them.
    pub(super) evaluate_every: u64,
    /// Looks without improvement after which training stops.
    pub(super) patience: usize,
    /// Seed, checkpoints and device of the fit.
    pub(super) task: &'a Task<'a>,
    /// Settings and data, see [`fingerprint`].
    pub(super) fingerprint: String,
}

impl Course<'_> {
    /// Of `n` perturbations those that train and those that choose the number of steps, both ascending; none where there
    /// are too few.
    pub(super) fn split(&self, n: usize) -> Option<(Vec<usize>, Vec<usize>)> {
        let n_held_out = (self.validation * n as f64).round() as usize;
        if n < LEAST_TO_SPLIT || n_held_out == 0 {
            return None;
        }
        let mut order: Vec<usize> = (0..n).collect();
        Rng::named(self.task.seed, "validation").shuffle(&mut order);
        let mut train = order.split_off(n_held_out);
        train.sort_unstable();
        order.sort_unstable();
        Some((train, order))
    }

    /// Runs part 0 (until held-out rows no longer improve) or 1 (all `steps`).
    pub(super) fn run(
        &self,
        (part, steps): (u64, u64),
        vars: &Variables,
        training: &mut dyn Steps,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Evaluation>, PredictError> {
        let patience = Patience(self.patience);
        let policy: &dyn StopPolicy = if part == 0 { &patience } else { &Never };
        let trainer = Trainer { plan: self.plan(part, steps), vars, checkpoint: self.checkpoint(part) };
        Ok(trainer.run(training, policy, observer)?.history)
    }

    fn plan(&self, part: u64, steps: u64) -> Plan {
        Plan {
            model: self.model.into(),
            steps,
            schedule: Schedule { peak: self.learning_rate, warmup: self.steps / 20, steps: self.steps },
            optimiser: AdamWSettings { weight_decay: self.weight_decay, ..AdamWSettings::default() },
            clip: self.clip,
            evaluate_every: self.evaluate_every,
            part: (part * self.steps, 2 * self.steps),
        }
    }

    fn checkpoint(&self, part: u64) -> Option<Checkpoint> {
        self.task.checkpoint.map(|dir| Checkpoint {
            path: dir.join(format!("{}.{part}.safetensors", self.model)),
            fit: self.fingerprint.clone(),
            every: CHECKPOINT_EVERY,
            resume: self.task.resume,
        })
    }

    /// Where tensors live.
    pub(super) fn device(&self) -> &Device {
        self.task.device
    }
}

/// The evaluation with the lowest loss, the earliest of equals.
pub(super) fn best(history: &[Evaluation]) -> Option<&Evaluation> {
    history.iter().min_by(|a, b| a.loss.total_cmp(&b.loss).then(a.step.cmp(&b.step)))
}

/// Identifies settings and data of a fit, so that a checkpoint of another is refused.
pub(super) fn fingerprint(config: &impl std::fmt::Debug, task: &Task<'_>) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(format!("{config:?} {} ", task.seed).as_bytes());
    hash.update(&task.responses.genes.fingerprint().to_le_bytes());
    hash.update(&task.graph.genes().fingerprint().to_le_bytes());
    task.responses.perturbations.iter().for_each(|p| {
        hash.update(p.to_string().as_bytes());
    });
    task.responses.delta.iter().for_each(|v| {
        hash.update(&v.to_le_bytes());
    });
    for e in task.graph.edges() {
        hash.update(&e.source.0.to_le_bytes());
        hash.update(&e.target.0.to_le_bytes());
        hash.update(&e.weight.to_le_bytes());
    }
    hash.finalize().to_hex().to_string()
}
