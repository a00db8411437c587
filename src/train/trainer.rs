//! The loop.

use candle_core::{Result as TensorResult, Tensor};
use serde::{Deserialize, Serialize};

use super::{Checkpoint, Evaluation, Observer, Progress, StopPolicy, TrainError, read_tensors, write_tensors};
use crate::nn::{AdamW, AdamWSettings, Schedule, Variables, clip_factor, gradient_norm};

/// What a model does at each step.
pub trait Steps {
    /// The training loss of this step (counted from 0), a scalar with gradients. It must depend on nothing but the
    /// variables and the number of the step.
    fn loss(&mut self, step: u64) -> TensorResult<Tensor>;

    /// Measures held-out rows after `step` steps; `None` where there are none.
    fn evaluate(&mut self, step: u64) -> TensorResult<Option<Evaluation>>;
}

/// How to train.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The model, for messages.
    pub model: String,
    /// Steps of this training, at most `schedule.steps`.
    pub steps: u64,
    /// The learning rate.
    pub schedule: Schedule,
    /// Adam's constants.
    pub optimiser: AdamWSettings,
    /// Gradients are scaled down to this norm.
    pub clip: f64,
    /// Steps between evaluations; the last step is always evaluated.
    pub evaluate_every: u64,
    /// Steps of earlier parts of the same fit and of all its parts, for progress messages.
    pub part: (u64, u64),
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Steps done.
    pub step: u64,
    /// Training loss of the last step; none before the first.
    pub loss: Option<f64>,
    /// All evaluations.
    pub history: Vec<Evaluation>,
    /// Whether the policy ended the training or all steps were done.
    pub finished: bool,
}

#[derive(Serialize, Deserialize)]
struct Header {
    fit: String,
    outcome: Outcome,
}

/// Runs [`Steps`] over [`Variables`].
#[derive(Debug)]
pub struct Trainer<'a> {
    /// How to train.
    pub plan: Plan,
    /// What is trained.
    pub vars: &'a Variables,
    /// Where the state is kept, if anywhere.
    pub checkpoint: Option<Checkpoint>,
}

impl Trainer<'_> {
    /// Trains until the plan or the policy ends it.
    ///
    /// # Errors
    /// [`TrainError::Interrupted`] after writing the checkpoint where the observer asks to stop,
    /// [`TrainError::Diverged`] for a loss or gradient that is not finite.
    pub fn run(
        &self,
        steps: &mut dyn Steps,
        policy: &dyn StopPolicy,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, TrainError> {
        let mut adam = AdamW::new(self.vars, self.plan.optimiser)?;
        let mut at = self.start(&mut adam)?;
        while !at.finished {
            if observer.stop_requested() {
                self.keep(&adam, &at)?;
                return Err(TrainError::Interrupted { step: self.plan.part.0 + at.step, of: self.plan.part.1 });
            }
            self.step(&mut adam, steps, &mut at)?;
            if at.step.is_multiple_of(self.plan.evaluate_every.max(1)) || at.step == self.plan.steps {
                at.history.extend(steps.evaluate(at.step)?);
                at.finished = policy.stops(&at.history);
            }
            at.finished |= at.step >= self.plan.steps;
            observer.progress(&self.progress(&at));
            let due = self.checkpoint.as_ref().is_some_and(|c| at.step.is_multiple_of(c.every.max(1)));
            if due || at.finished {
                self.keep(&adam, &at)?;
            }
        }
        Ok(at)
    }

    fn step(&self, adam: &mut AdamW, steps: &mut dyn Steps, at: &mut Outcome) -> Result<(), TrainError> {
        let diverged =
            |what: &str| TrainError::Diverged { model: self.plan.model.clone(), what: what.into(), step: at.step };
        let loss = steps.loss(at.step)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            return Err(diverged("the training loss"));
        }
        let grads = loss.backward()?;
        let norm = gradient_norm(self.vars, &grads)?;
        if !norm.is_finite() {
            return Err(diverged("the gradient"));
        }
        adam.update(self.vars, &grads, self.plan.schedule.rate(at.step), clip_factor(norm, self.plan.clip))?;
        (at.step, at.loss) = (at.step + 1, Some(value));
        Ok(())
    }

    /// The state to start from: the checkpoint's, or nothing done.
    fn start(&self, adam: &mut AdamW) -> Result<Outcome, TrainError> {
        let fresh = Outcome { step: 0, loss: None, history: Vec::new(), finished: self.plan.steps == 0 };
        let Some(c) = self.checkpoint.as_ref().filter(|c| c.resume && c.path.exists()) else { return Ok(fresh) };
        let (tensors, header) = read_tensors::<Header>(&c.path, self.vars.device())?;
        if header.fit != c.fit {
            let reason = "the checkpoint is of a fit with other settings or data\n  expected the same settings, seed, screen and graph";
            return Err(TrainError::file(&c.path, reason));
        }
        self.vars.restore("value.", &tensors)?;
        adam.restore("moments.", &tensors, header.outcome.step)?;
        Ok(header.outcome)
    }

    fn keep(&self, adam: &AdamW, at: &Outcome) -> Result<(), TrainError> {
        let Some(c) = &self.checkpoint else { return Ok(()) };
        let mut tensors = self.vars.snapshot("value.")?;
        tensors.extend(adam.snapshot("moments.")?);
        write_tensors(&c.path, &tensors, &Header { fit: c.fit.clone(), outcome: at.clone() })
    }

    fn progress(&self, at: &Outcome) -> Progress {
        let mut values: Vec<_> = at.loss.iter().map(|&loss| ("train.loss".to_owned(), loss)).collect();
        let fresh = at.history.last().filter(|e| e.step == at.step);
        values.extend(fresh.map(|e| ("val.loss".to_owned(), e.loss)));
        let (before, of) = self.plan.part;
        Progress { model: self.plan.model.clone(), step: before + at.step, of, values }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::{Never, Patience, Silent};
    use super::*;
    use crate::nn::Mlp;

    /// A regression of noise on noise: enough to have every part of the loop at work.
    struct Toy {
        vars: Variables,
        net: Mlp,
        x: Tensor,
        y: Tensor,
    }

    impl Toy {
        fn new() -> Self {
            let mut data = Variables::new(1, &Device::Cpu);
            let (x, y) = (data.normal("x", &[20, 4], 1.0).unwrap(), data.normal("y", &[20, 3], 1.0).unwrap());
            let mut vars = Variables::new(2, &Device::Cpu);
            let net = Mlp::new(&mut vars, "net", [4, 8, 3]).unwrap();
            Self { vars, net, x: x.detach(), y: y.detach() }
        }

        fn values(&self) -> Vec<f32> {
            let flat = |v: &candle_core::Var| v.as_tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            self.vars.iter().flat_map(|(_, v)| flat(v)).collect()
        }
    }

    struct ToySteps<'a>(&'a Toy);

    impl Steps for ToySteps<'_> {
        fn loss(&mut self, step: u64) -> TensorResult<Tensor> {
            let from = (step as usize * 5) % 20;
            let (x, y) = (self.0.x.narrow(0, from, 5)?, self.0.y.narrow(0, from, 5)?);
            (self.0.net.forward(&x)? - y)?.sqr()?.mean_all()
        }

        fn evaluate(&mut self, step: u64) -> TensorResult<Option<Evaluation>> {
            let loss = (self.0.net.forward(&self.0.x)? - &self.0.y)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
            Ok(Some(Evaluation { step, loss: f64::from(loss), kept: vec![step as f64] }))
        }
    }

    fn plan(steps: u64) -> Plan {
        Plan {
            model: "toy".into(),
            steps,
            schedule: Schedule { peak: 0.02, warmup: 2, steps },
            optimiser: AdamWSettings::default(),
            clip: 1.0,
            evaluate_every: 3,
            part: (0, steps),
        }
    }

    /// Asks to stop after some steps.
    struct StopAfter(u64, u64);

    impl Observer for StopAfter {
        fn progress(&mut self, progress: &Progress) {
            self.1 = progress.step;
        }

        fn notice(&mut self, _: crate::error::Notice) {}

        fn stop_requested(&self) -> bool {
            self.1 >= self.0
        }
    }

    #[test]
    fn a_resumed_training_ends_with_the_same_bits() {
        let whole = Toy::new();
        let trainer = Trainer { plan: plan(17), vars: &whole.vars, checkpoint: None };
        let expected = trainer.run(&mut ToySteps(&whole), &Never, &mut Silent).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("toy.safetensors");
        let checkpoint = |resume| Some(Checkpoint { path: path.clone(), fit: "toy".into(), every: 4, resume });
        let first = Toy::new();
        let trainer = Trainer { plan: plan(17), vars: &first.vars, checkpoint: checkpoint(false) };
        let error = trainer.run(&mut ToySteps(&first), &Never, &mut StopAfter(10, 0)).unwrap_err();
        assert!(matches!(error, TrainError::Interrupted { step: 10, of: 17 }), "{error}");
        let second = Toy::new();
        let trainer = Trainer { plan: plan(17), vars: &second.vars, checkpoint: checkpoint(true) };
        let got = trainer.run(&mut ToySteps(&second), &Never, &mut Silent).unwrap();
        assert_eq!(got, expected);
        assert_eq!(second.values(), whole.values());
        // A finished training is not run again.
        let third = Toy::new();
        let trainer = Trainer { plan: plan(17), vars: &third.vars, checkpoint: checkpoint(true) };
        assert_eq!(trainer.run(&mut ToySteps(&third), &Never, &mut StopAfter(0, 0)).unwrap(), expected);
        assert_eq!(third.values(), whole.values());
    }

    #[test]
    fn a_checkpoint_of_another_fit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let run = |fit: &str| {
            let toy = Toy::new();
            let path = dir.path().join("toy.safetensors");
            let checkpoint = Some(Checkpoint { path, fit: fit.into(), every: 4, resume: true });
            Trainer { plan: plan(3), vars: &toy.vars, checkpoint }.run(&mut ToySteps(&toy), &Never, &mut Silent)
        };
        run("one").unwrap();
        assert!(matches!(run("other"), Err(TrainError::File { .. })));
    }

    #[test]
    fn the_policy_ends_a_training() {
        struct Worse(Toy);
        impl Steps for Worse {
            fn loss(&mut self, step: u64) -> TensorResult<Tensor> {
                ToySteps(&self.0).loss(step)
            }
            fn evaluate(&mut self, step: u64) -> TensorResult<Option<Evaluation>> {
                Ok(Some(Evaluation { step, loss: step as f64, kept: Vec::new() }))
            }
        }
        let mut worse = Worse(Toy::new());
        let vars = worse.0.vars.clone();
        let outcome = Trainer { plan: plan(30), vars: &vars, checkpoint: None };
        let outcome = outcome.run(&mut worse, &Patience(2), &mut Silent).unwrap();
        assert_eq!(outcome.step, 9);
    }

    #[test]
    fn a_loss_that_is_not_finite_is_an_error() {
        struct Broken(Toy);
        impl Steps for Broken {
            fn loss(&mut self, step: u64) -> TensorResult<Tensor> {
                ToySteps(&self.0).loss(step)? / (if step == 2 { 0.0 } else { 1.0 })
            }
            fn evaluate(&mut self, _: u64) -> TensorResult<Option<Evaluation>> {
                Ok(None)
            }
        }
        let mut broken = Broken(Toy::new());
        let vars = broken.0.vars.clone();
        let error = Trainer { plan: plan(5), vars: &vars, checkpoint: None }.run(&mut broken, &Never, &mut Silent);
        assert!(matches!(error, Err(TrainError::Diverged { step: 2, .. })));
    }
}
