//! `--law`: which dynamics.

use clap::ValueEnum;

/// Laws of screens, and rules by which a change spreads through the fitted graph of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LawArg {
    /// Thermodynamic: a product over regulators, frozen at the unperturbed levels (the default)
    Thermo,
    /// SERGIO: a sum of Hill terms
    HillSum,
    /// Aguirre et al.: a logistic function of a weighted sum
    Logistic,
    /// BoolODE: Boolean rules made continuous
    Boolean,
    /// With --run: a law with saturation whose slopes at rest are the fitted coefficients, at its steady state (the default)
    Steady,
    /// With --run: the fitted coefficients alone, until nothing changes any more
    Linear,
    /// With --run: the law with saturation, hour by hour
    Ode,
    /// With --run: CellOracle's rule, the coefficients alone for a few hops (--hops)
    Celloracle,
}

impl LawArg {
    /// As typed.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
    }

    /// Whether it needs a run.
    pub(super) fn is_of_a_run(self) -> bool {
        matches!(self, Self::Steady | Self::Linear | Self::Ode | Self::Celloracle)
    }
}
