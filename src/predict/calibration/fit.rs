//! Fitting a calibration.

use ndarray::{Array2, Axis};

use super::held_out::HeldOut;
use super::intervals::{Intervals, Place};
use super::length::{Knowledge, Length, Target, log_length};
use super::scale::{Departure, Scales, dot};
use super::signal::{Signal, noise_lengths};
use super::{About, Calibration, CalibrationMode, MODES, own_genes};
use crate::data::{Quantity, Responses};
use crate::error::Notice;
use crate::graph::GeneGraph;
use crate::predict::pairs::{PairRule, Singles};
use crate::predict::{COVERAGE_LEVELS, FitSummary, PredictError, Predictor, Validation};
use crate::train::Observer;

/// The level whose coverage is reported.
const LEVEL: f64 = 0.9;
/// Perturbations from which lengths are learned, at least.
const LEAST_LENGTHS: usize = 10;

impl Calibration {
    /// Calibrates a fitted model on the perturbations it was fitted on; `None` for fewer than four. `validation` says how
    /// to fit it again without some of them, where it has no leave-one-out predictions (its split is not used).
    ///
    /// # Complexity
    /// O(n_perturbations x n_genes x log) and, where needed, five fits.
    pub fn fit(
        predictor: &dyn Predictor,
        validation: &Validation<'_>,
        mode: CalibrationMode,
        observer: &mut dyn Observer,
    ) -> Result<(Option<Self>, FitSummary), PredictError> {
        let Some(held_out) = HeldOut::of(predictor, validation, observer)? else {
            return Ok((None, FitSummary::default()));
        };
        let (calibration, summary) =
            Self::of_held_out(validation.spec.name, validation.responses, validation.graph, &held_out, mode)?;
        Ok((Some(calibration), summary))
    }

    fn of_held_out(
        model: &str,
        responses: &Responses,
        graph: &GeneGraph,
        held_out: &HeldOut,
        mode: CalibrationMode,
    ) -> Result<(Self, FitSummary), PredictError> {
        let job = Job { responses, graph, held_out };
        let rows = job.scaled_rows();
        let mut about = About {
            model: model.to_owned(),
            mode,
            scales: Scales::fit(responses, held_out, &rows),
            length: job.length(&rows)?,
            signal: Signal::of(responses),
            level: responses.quantity == Quantity::Level,
            strata: super::intervals::Strata::default(),
            coverage: 0.0,
            coverages: Vec::new(),
            singles: None,
            pairs: None,
        };
        let singles = Singles::fit(responses, &job.predicted(&about, CalibrationMode::Balanced));
        let rule = singles.as_ref().map(|s| PairRule::fit(responses, s)).transpose()?;
        let (pairs, of_pairs) = rule.map_or((None, Vec::new()), |(rule, rows)| (Some(rule), rows));
        let places: Vec<Place> = (0..responses.len())
            .map(|row| Place { distance: held_out.distance[row], pair: of_pairs.iter().any(|(r, _)| *r == row) })
            .collect();
        let mut intervals = Vec::new();
        for each in MODES {
            let mut errors = job.predicted(&about, each);
            if each != CalibrationMode::None && !about.signal.is_absent() {
                of_pairs.iter().for_each(|(row, change)| errors.row_mut(*row).assign(change));
            }
            errors -= &responses.delta;
            if each == mode {
                about.coverages = Intervals::coverage(&errors, &places, &COVERAGE_LEVELS);
                let at = COVERAGE_LEVELS.iter().zip(&about.coverages).find(|(level, _)| (**level - LEVEL).abs() < 1e-9);
                about.coverage = at.map_or(0.0, |(_, share)| *share);
            }
            intervals.push(Intervals::fit(&errors, &places));
        }
        about.strata = intervals[0].strata.clone();
        about.singles = singles.as_ref().map(|s| s.stored().0);
        about.pairs = pairs.as_ref().map(|p| *p.chosen());
        let profiles = ndarray::stack![Axis(0), responses.mean_delta(), responses.control.mean];
        let calibration = Self { about, profiles, intervals, singles, pairs };
        let summary = calibration.summary(&job);
        Ok((calibration, summary))
    }

    /// What the fit found.
    fn summary(&self, job: &Job<'_>) -> FitSummary {
        let about = &self.about;
        let mut values = vec![
            ("held_out.l2_to_mean".to_owned(), job.ratio_to_mean()),
            ("calibration.mae".to_owned(), about.scales.mae),
            ("calibration.balanced".to_owned(), about.scales.balanced),
        ];
        let mut add = |name: &str, value: Option<f64>| values.extend(value.map(|v| (name.to_owned(), v)));
        add("calibration.length_r2", about.length.as_ref().map(|l| l.explained));
        add("signal.mean", about.signal.mean);
        add("signal.departure", about.signal.departure);
        let rule = self.pairs.as_ref().filter(|p| p.chosen().n > 0);
        add("pairs.mean", rule.map(|r| f64::from(r.chosen().mean)));
        add("pairs.parts", rule.map(|r| f64::from(r.chosen().parts)));
        add("pairs.interaction", rule.map(|r| f64::from(u8::from(r.interacts()))));
        add("pairs.rmse_to_additive", rule.map(|r| r.chosen().to_additive));
        add("coverage.0.9", Some(about.coverage));
        FitSummary { values, notices: self.notices() }
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        if self.about.signal.is_absent() && self.about.mode != CalibrationMode::None {
            notices.push(Notice::new(
                "no effect can be told from noise in this screen: the calibrated prediction is no change \
                 (`--calibrate none` shows what the model says)",
            ));
        }
        notices
    }
}

struct Job<'a> {
    responses: &'a Responses,
    graph: &'a GeneGraph,
    held_out: &'a HeldOut,
}

impl Job<'_> {
    /// The singles, from which scales are learned; all rows where singles are few.
    fn scaled_rows(&self) -> Vec<usize> {
        let single = |&i: &usize| self.responses.perturbations[i].targets().len() == 1;
        let singles: Vec<usize> = (0..self.held_out.len()).filter(single).collect();
        if singles.len() >= LEAST_LENGTHS { singles } else { (0..self.held_out.len()).collect() }
    }

    fn knowledge(&self) -> Knowledge<'_> {
        Knowledge { genes: &self.responses.genes, control: self.responses.control.mean.view(), graph: self.graph }
    }

    fn target(&self, row: usize, departure: &Departure) -> Target<'_> {
        let predicted = dot(departure.predicted.view(), departure.predicted.view()).sqrt();
        Target { perturbation: &self.responses.perturbations[row], predicted, distance: self.held_out.distance[row] }
    }

    fn length(&self, rows: &[usize]) -> Result<Option<Length>, PredictError> {
        if rows.len() < LEAST_LENGTHS {
            return Ok(None);
        }
        let noise = noise_lengths(self.responses);
        let of = |&row: &usize| {
            let departure = Departure::of(self.responses, self.held_out, row);
            let measured = dot(departure.truth.view(), departure.truth.view());
            (self.target(row, &departure), log_length(measured, noise[row]))
        };
        let (targets, lengths): (Vec<_>, Vec<_>) = rows.iter().map(of).unzip();
        Length::fit(self.knowledge(), &targets, &lengths).map(Some)
    }

    /// Held-out predictions in a mode, n_perturbations x n_genes.
    fn predicted(&self, about: &About, mode: CalibrationMode) -> Array2<f32> {
        let mut out = self.held_out.delta.clone();
        if mode == CalibrationMode::None {
            return out;
        }
        for (row, mut to) in out.rows_mut().into_iter().enumerate() {
            let own = own_genes(&self.responses.perturbations[row], &self.responses.genes);
            let kept: Vec<f32> = own.iter().map(|&g| to[g]).collect();
            if about.signal.is_absent() {
                to.fill(0.0);
            } else {
                let departure = Departure::of(self.responses, self.held_out, row);
                let factor = about.factor_of(mode, self.knowledge(), &self.target(row, &departure)) as f32;
                to.assign(&(&self.held_out.mean(row) + &(departure.predicted * factor)));
            }
            if !about.signal.is_absent() || about.signal.own_is_present() {
                own.iter().zip(kept).for_each(|(&g, value)| to[g] = value);
            }
        }
        if about.level {
            for mut row in out.rows_mut() {
                row.zip_mut_with(&self.responses.control.mean, |d, c| *d = d.max(-c));
            }
        }
        out
    }

    /// Held-out root mean squared error of the model over that of the training mean.
    fn ratio_to_mean(&self) -> f64 {
        let (mut model, mut mean) = (0.0, 0.0);
        for row in 0..self.held_out.len() {
            let error = &self.held_out.delta.row(row) - &self.responses.delta.row(row);
            let of_mean = &self.held_out.mean(row) - &self.responses.delta.row(row);
            model += dot(error.view(), error.view());
            mean += dot(of_mean.view(), of_mean.view());
        }
        if mean > 0.0 { (model / mean).sqrt() } else { 1.0 }
    }
}
