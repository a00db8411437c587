//! A calibrated prediction.

use ndarray::{Array1, ArrayView1};

use super::intervals::Place;
use super::length::{Knowledge, Target};
use super::scale::dot;
use super::{Calibration, CalibrationMode, MODES, own_genes};
use crate::data::{GeneIndex, Perturbation};
use crate::graph::GeneGraph;
use crate::predict::pairs::own_change;
use crate::predict::{Basis, PredictError, Prediction, Predictor};

/// A predicted change with its interval, vectors over the measured genes.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The change, log1p scale (or the effect of the screen).
    pub delta: Vec<f32>,
    /// Lower end of the interval of the change as a screen like the training screen would measure it.
    pub lower: Vec<f32>,
    /// Upper end.
    pub upper: Vec<f32>,
    /// What the prediction rests on.
    pub basis: Basis,
    /// [`Prediction::distance`].
    pub distance: Option<f32>,
    /// Factor by which the predicted departure from the training mean was scaled; `None` where it was not the model's
    /// (pairs of parts, no effect in the screen).
    pub factor: Option<f64>,
    /// Spread of the model's own ensemble, where it has one.
    pub sd: Option<Vec<f32>>,
    /// Whether the screen has perturbations enough for intervals of this level.
    pub enough: bool,
}

impl Calibration {
    /// Predicts and calibrates. A pair is made of its parts unless the mode is `None`.
    pub fn estimate(
        &self,
        predictor: &dyn Predictor,
        graph: &GeneGraph,
        perturbation: &Perturbation,
        mode: CalibrationMode,
        level: f64,
    ) -> Result<Estimate, PredictError> {
        let prediction = predictor.predict(perturbation)?;
        let genes = std::sync::Arc::clone(&prediction.delta.genes);
        if perturbation.is_control() {
            let zeros = vec![0.0; genes.len()];
            let (lower, upper) = (zeros.clone(), zeros.clone());
            let (basis, distance, sd) = (prediction.basis, prediction.distance, prediction.delta.sd);
            return Ok(Estimate { delta: zeros, lower, upper, basis, distance, factor: None, sd, enough: true });
        }
        let (mut delta, factor, widen, pair) = if mode == CalibrationMode::None {
            (Array1::from_vec(prediction.delta.mean.clone()), Some(1.0), 1.0, false)
        } else if self.about.signal.is_absent() {
            (self.nothing(perturbation, &prediction, &genes), None, 1.0, false)
        } else if let (Some(_), 2) = (&self.pairs, perturbation.targets().len()) {
            let (delta, unseen) = self.pair(predictor, graph, &genes, perturbation, mode)?;
            (delta, None, if unseen == 2 { std::f32::consts::SQRT_2 } else { 1.0 }, unseen == 0)
        } else {
            let (delta, factor) = self.scaled(perturbation, &prediction, graph, mode);
            (delta, Some(factor), 1.0, false)
        };
        if self.about.level {
            delta.zip_mut_with(&self.profiles.row(1), |d, c| *d = d.max(-c));
        }
        let place = Place { distance: prediction.distance, pair };
        let (lower, upper, enough) = self.interval(&delta, place, widen, mode, level);
        let (basis, distance, sd) = (prediction.basis, prediction.distance, prediction.delta.sd);
        Ok(Estimate { delta: delta.to_vec(), lower, upper, basis, distance, factor, sd, enough })
    }

    /// No change, but for the targets where they do change.
    fn nothing(&self, perturbation: &Perturbation, prediction: &Prediction, genes: &GeneIndex) -> Array1<f32> {
        let mut delta = Array1::zeros(genes.len());
        if self.about.signal.own_is_present() {
            own_genes(perturbation, genes).into_iter().for_each(|g| delta[g] = prediction.delta.mean[g]);
        }
        delta
    }

    /// The mean plus the scaled departure of one prediction, and the factor.
    pub(super) fn scaled(
        &self,
        perturbation: &Perturbation,
        prediction: &Prediction,
        graph: &GeneGraph,
        mode: CalibrationMode,
    ) -> (Array1<f32>, f64) {
        let genes = &prediction.delta.genes;
        let own = own_genes(perturbation, genes);
        let mean = self.profiles.row(0);
        let mut departure = &ArrayView1::from(&prediction.delta.mean) - &mean;
        own.iter().for_each(|&g| departure[g] = 0.0);
        let length = dot(departure.view(), departure.view()).sqrt();
        let knowledge = Knowledge { genes, control: self.profiles.row(1), graph };
        let target = Target { perturbation, predicted: length, distance: prediction.distance };
        let factor = self.about.factor_of(mode, knowledge, &target);
        let mut delta = &mean + &(departure * factor as f32);
        own.iter().for_each(|&g| delta[g] = prediction.delta.mean[g]);
        if let ([target], Some(singles)) = (perturbation.targets(), &self.singles) {
            // What a knockdown of this target left of it has been measured.
            if let Some(part) = singles.part(target) {
                own.iter().for_each(|&g| delta[g] = singles.mean()[g] + part[g]);
            }
        }
        (delta, factor)
    }

    /// The change of a pair from its parts, and the number of targets that were not measured alone.
    fn pair(
        &self,
        predictor: &dyn Predictor,
        graph: &GeneGraph,
        genes: &GeneIndex,
        perturbation: &Perturbation,
        mode: CalibrationMode,
    ) -> Result<(Array1<f32>, usize), PredictError> {
        let (Some(singles), Some(rule)) = (&self.singles, &self.pairs) else {
            return Err(PredictError::NotFitted { model: self.about.model.clone() });
        };
        let (mut parts, mut unseen) = (Vec::new(), 0);
        for target in perturbation.targets() {
            parts.push(if let Some(part) = singles.part(target) {
                part.to_owned()
            } else {
                unseen += 1;
                let alone = Perturbation::of([target]);
                self.scaled(&alone, &predictor.predict(&alone)?, graph, mode).0 - singles.mean()
            });
        }
        let mut change = rule.change(singles, parts[0].view(), parts[1].view());
        if self.about.level {
            for g in own_genes(perturbation, genes) {
                let [a, b] = [0, 1].map(|k: usize| singles.mean()[g] + parts[k][g]);
                change[g] = own_change(self.profiles[[1, g]], a, b);
            }
        }
        Ok((change, unseen))
    }

    /// The change of a target alone as pairs are made of it: measured where it was (less noise), else predicted.
    pub fn single(
        &self,
        predictor: &dyn Predictor,
        graph: &GeneGraph,
        target: &str,
        mode: CalibrationMode,
    ) -> Result<Vec<f32>, PredictError> {
        if let Some(singles) = self.singles.as_ref().filter(|_| mode != CalibrationMode::None)
            && let Some(part) = singles.part(target)
        {
            return Ok((singles.mean() + &part).to_vec());
        }
        Ok(self.estimate(predictor, graph, &Perturbation::of([target]), mode, 0.9)?.delta)
    }

    fn interval(
        &self,
        delta: &Array1<f32>,
        place: Place,
        widen: f32,
        mode: CalibrationMode,
        level: f64,
    ) -> (Vec<f32>, Vec<f32>, bool) {
        let k = MODES.iter().position(|m| *m == mode).unwrap_or(0);
        let intervals = &self.intervals[k];
        let (width, enough) = intervals.width(place, level);
        let ends = |sign: f32| delta.iter().zip(&intervals.scale).map(move |(d, s)| d + sign * width * widen * s);
        let mut lower: Vec<f32> = ends(-1.0).collect();
        if self.about.level {
            lower.iter_mut().zip(self.profiles.row(1)).for_each(|(low, c)| *low = low.max(-c));
        }
        (lower, ends(1.0).collect(), enough)
    }
}

impl super::About {
    /// By what the departure of a target is multiplied in this mode.
    pub(super) fn factor_of(&self, mode: CalibrationMode, knowledge: Knowledge<'_>, target: &Target<'_>) -> f64 {
        match (mode, &self.length) {
            (CalibrationMode::Mae, _) => self.scales.mae,
            (CalibrationMode::Balanced, _) => self.scales.balanced,
            (CalibrationMode::Rank, Some(length)) if target.predicted > 1e-6 => {
                length.predict(knowledge, target) / target.predicted
            }
            _ => 1.0,
        }
    }
}
