//! What a sequencer makes of a cell: every option of the observation, each off or at its default unless asked for.

use serde::Serialize;

use super::SimulateError;

mod batch;
mod count;
mod extrinsic;
mod observer;

pub use self::observer::Observer;

pub(super) use self::batch::shares_without_batch;
pub(super) use self::observer::{dropout_middle, keep_probability};

/// How molecules are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Noise {
    /// Negative binomial: variance = mean + dispersion x mean^2.
    Nb,
    /// Poisson.
    Poisson,
    /// A fixed number of molecules per cell, shared out among the genes.
    Multinomial,
    /// The expected counts themselves, not whole numbers.
    None,
}

/// Genes that are expressed far more than the law says (SERGIO's outlier genes).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outliers {
    /// Share of genes.
    pub share: f64,
    /// Mean of the ln factor.
    pub mean: f64,
    /// Standard deviation of the ln factor.
    pub sigma: f64,
}

/// Counts lost altogether (SERGIO's dropout): a gene with expected count m is kept with probability
/// `1 / (1 + exp(-shape (ln(1 + m) - middle)))`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dropout {
    /// Steepness.
    pub shape: f64,
    /// The middle is this percentile (0..=100) of ln(1 + m) over the genes of an unperturbed cell of median depth; SERGIO takes
    /// it over all cells of a run.
    pub percentile: f64,
}

/// What a sequencer makes of a cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observation {
    /// Median molecules (UMI) per unperturbed cell at full capture.
    pub depth: f64,
    /// Standard deviation of ln molecules over cells.
    pub depth_sigma: f64,
    /// How molecules are counted.
    pub noise: Noise,
    /// Dispersion of the negative binomial: variance = mean + dispersion x mean^2.
    pub dispersion: f64,
    /// Standard deviation of each regulator's own ln level over cells, before it spreads along the links.
    pub extrinsic: f64,
    /// Number of batches.
    pub batches: usize,
    /// Standard deviation of the normal shift of a gene's ln level in a batch.
    pub batch_sigma: f64,
    /// Half-width of the uniform shift of a gene's log2 level in a batch (the form of scMultiSim); 0 is none.
    pub batch_effect: f64,
    /// Share of a cell's molecules that are captured. Thinning a (negative binomial or Poisson) count is the same as a smaller
    /// mean.
    pub capture: f64,
    /// Standard deviation of that share over cells (beta distributed); 0 is the same share in all.
    pub capture_sd: f64,
    /// Share of a cell's molecules that come from the pool of its batch (ambient RNA).
    pub ambient: f64,
    /// Share of droplets that hold two cells; the label is that of the first.
    pub doublets: f64,
    /// Outlier genes.
    pub outliers: Option<Outliers>,
    /// Dropout.
    pub dropout: Option<Dropout>,
}

impl Default for Observation {
    fn default() -> Self {
        Self {
            depth: 20_000.0,
            depth_sigma: 0.35,
            noise: Noise::Nb,
            dispersion: 0.1,
            extrinsic: 0.12,
            batches: 2,
            batch_sigma: 0.02,
            batch_effect: 0.0,
            capture: 1.0,
            capture_sd: 0.0,
            ambient: 0.0,
            doublets: 0.0,
            outliers: None,
            dropout: None,
        }
    }
}

impl Observation {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn check(&self) -> Result<(), SimulateError> {
        let refuse = |option, expected: &str, got: f64| Err(SimulateError::option(option, expected, got));
        let at_least_zero = [
            ("depth_sigma", self.depth_sigma),
            ("dispersion", self.dispersion),
            ("extrinsic", self.extrinsic),
            ("batch_sigma", self.batch_sigma),
            ("batch_effect", self.batch_effect),
            ("capture_sd", self.capture_sd),
            ("outliers", self.outliers.map_or(0.0, |o| o.sigma)),
        ];
        if let Some((option, got)) = at_least_zero.into_iter().find(|(_, x)| !(x.is_finite() && *x >= 0.0)) {
            return refuse(option, "a finite number of at least 0", got);
        }
        let shares = [
            ("ambient", self.ambient),
            ("doublets", self.doublets),
            ("outliers", self.outliers.map_or(0.0, |o| o.share)),
            ("dropout", self.dropout.map_or(0.0, |d| d.percentile / 100.0)),
        ];
        if let Some((option, got)) = shares.into_iter().find(|(_, x)| !(0.0..=1.0).contains(x)) {
            return refuse(option, "a share in 0..=1", got);
        }
        if !(self.depth.is_finite() && self.depth > 0.0) {
            return refuse("depth", "a number above 0", self.depth);
        }
        if !(self.capture > 0.0 && self.capture <= 1.0) {
            return refuse("capture", "a share above 0 and at most 1", self.capture);
        }
        if self.capture_sd.powi(2) >= self.capture * (1.0 - self.capture) && self.capture_sd > 0.0 {
            return refuse("capture_sd", "less than sqrt(capture x (1 - capture))", self.capture_sd);
        }
        if self.outliers.is_some_and(|o| !o.mean.is_finite()) || self.dropout.is_some_and(|d| !d.shape.is_finite()) {
            return refuse("outliers and dropout", "finite numbers", f64::NAN);
        }
        if self.batches == 0 {
            return refuse("batches", "at least 1", 0.0);
        }
        Ok(())
    }

    /// The batch of a cell: cells take turns.
    pub fn batch_of(&self, cell: u64) -> usize {
        (cell % self.batches as u64) as usize
    }

    /// Median molecules counted per unperturbed cell.
    pub fn counted(&self) -> f64 {
        self.depth * self.capture
    }

    /// Shapes of the beta distribution of the captured share, `None` where it is the same in all cells.
    pub(super) fn capture_shapes(&self) -> Option<(f64, f64)> {
        if self.capture_sd == 0.0 {
            return None;
        }
        let concentration = self.capture * (1.0 - self.capture) / self.capture_sd.powi(2) - 1.0;
        Some((self.capture * concentration, (1.0 - self.capture) * concentration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        let t = |o: Observation| assert!(matches!(o.check(), Err(SimulateError::BadOption { .. })), "{o:?}");
        let usual = Observation::default;
        assert!(usual().check().is_ok());
        t(Observation { depth: 0.0, ..usual() });
        t(Observation { batches: 0, ..usual() });
        t(Observation { ambient: 1.1, ..usual() });
        t(Observation { doublets: f64::NAN, ..usual() });
        t(Observation { capture: 0.0, ..usual() });
        t(Observation { capture: 0.1, capture_sd: 0.31, ..usual() });
        t(Observation { outliers: Some(Outliers { share: 2.0, mean: 1.0, sigma: 1.0 }), ..usual() });
        t(Observation { dropout: Some(Dropout { shape: 1.0, percentile: 101.0 }), ..usual() });
    }
}
