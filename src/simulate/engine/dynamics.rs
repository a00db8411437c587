//! What the engines share: the law, its layers, and the unit of noise.

use serde::Serialize;

use super::{Cell, SimulateError};
use crate::simulate::{Forcing, Law};
use crate::stats::Rng;

/// Dynamics of mRNA, with protein and bursts if asked for.
///
/// In molecules N = `molecules` x level: production `molecules` P and decay d N. Without a protein layer a gene has one
/// level, its mRNA's, through which it regulates. All layers leave the steady state of the mean dynamics where the law
/// has it.
#[derive(Debug, Clone)]
pub struct Dynamics<'a> {
    /// The law.
    pub law: &'a dyn Law,
    /// Molecules of mRNA per unit of level: large numbers have little noise (1 in SERGIO).
    pub molecules: f64,
    /// Factor on the noise of the Langevin equation; 1 is that of the molecules.
    pub noise: f64,
    /// Regulators act through their protein.
    pub protein: Option<Protein>,
    /// Genes are made in bursts.
    pub bursting: Option<Bursting>,
}

/// A protein per gene, whose level in units of the steady state follows `dp/dt = d_p (m - p)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Protein {
    /// Decay of each protein per hour.
    pub decay: Vec<f64>,
    /// Proteins per molecule of mRNA at steady state.
    pub copies: f64,
}

impl Protein {
    /// Half-lives drawn around a median of 46 h (Schwanhausser et al. 2011), with this standard deviation of their ln.
    pub fn draw(n_genes: usize, copies: f64, half_life_sigma: f64, seed: u64) -> Self {
        let decay = |gene| {
            let z = Rng::keyed(seed, "protein half-life", gene, 0).normal();
            std::f64::consts::LN_2 / (46.0 * (half_life_sigma * z).exp())
        };
        Self { decay: (0..n_genes as u64).map(decay).collect(), copies }
    }
}

/// A promoter per gene that is on or off (telegraph model, Peccoud and Ycart 1995): on, mRNA is made at a rate s; it goes off
/// at `k_off` and on at `k_on = k_off P / (s - P)`, so that the mean production is the law's P.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bursting {
    /// Rate at which a promoter goes off, per hour.
    pub k_off: f64,
    /// Share of time a promoter is on in the unperturbed state, above 0 and at most 0.95: s is P there over this share.
    pub share_on: f64,
}

/// A promoter is on at most this share of time; production above that raises s instead.
const MOST_ON: f64 = 0.95;

impl Bursting {
    /// Rate of going on and rate of synthesis while on, given the production asked for and that of the unperturbed state.
    #[inline(always)]
    pub(super) fn rates(&self, made: f64, made_at_rest: f64) -> (f64, f64) {
        let share = made * self.share_on / made_at_rest;
        let share = if share < MOST_ON { share } else { MOST_ON };
        let synthesis = if share < MOST_ON { made_at_rest / self.share_on } else { made / share };
        (self.k_off * share / (1.0 - share), synthesis)
    }

    /// Share of time on, given production.
    pub(super) fn share(&self, made: f64, made_at_rest: f64) -> f64 {
        (made * self.share_on / made_at_rest).min(MOST_ON)
    }
}

impl<'a> Dynamics<'a> {
    /// mRNA alone, with the noise of its molecules.
    pub fn new(law: &'a dyn Law, molecules: f64) -> Self {
        Self { law, molecules, noise: 1.0, protein: None, bursting: None }
    }

    /// Time after which a disturbance has decayed to exp(-5) in every gene: 5 over the slowest decay.
    pub fn burn_in(&self) -> f64 {
        let protein = self.protein.iter().flat_map(|p| &p.decay);
        5.0 / self.law.decay().iter().chain(protein).copied().fold(f64::INFINITY, f64::min)
    }

    /// The fastest decay, per hour.
    pub(super) fn fastest(&self) -> f64 {
        let protein = self.protein.iter().flat_map(|p| &p.decay);
        self.law.decay().iter().chain(protein).copied().fold(0.0, f64::max)
    }

    /// Production of each gene in the unperturbed state, levels per hour.
    pub(super) fn made_at_rest(&self) -> Vec<f64> {
        self.law.baseline().iter().zip(self.law.decay()).map(|(x, d)| x * d).collect()
    }

    /// Checks the ranges.
    pub(super) fn check(&self) -> Result<(), SimulateError> {
        let positive = |option, x: f64| match x.is_finite() && x > 0.0 {
            true => Ok(()),
            false => Err(SimulateError::option(option, "a finite number above 0", x)),
        };
        positive("molecules", self.molecules)?;
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(SimulateError::option("noise", "a finite number of at least 0", self.noise));
        }
        if let Some(protein) = &self.protein {
            positive("copies", protein.copies)?;
            if protein.decay.len() != self.law.n_genes() {
                let expected = format!("{} values", self.law.n_genes());
                return Err(SimulateError::option("protein decay", expected, protein.decay.len()));
            }
            protein.decay.iter().try_for_each(|d| positive("protein decay", *d))?;
        }
        if let Some(bursting) = &self.bursting {
            positive("k_off", bursting.k_off)?;
            if !(bursting.share_on > 0.0 && bursting.share_on <= MOST_ON) {
                return Err(SimulateError::option("share_on", "a share above 0 and at most 0.95", bursting.share_on));
            }
        }
        Ok(())
    }

    /// Checks that cells fit the law.
    pub(super) fn check_cells(&self, cells: &[Cell]) -> Result<(), SimulateError> {
        let n = self.law.n_genes();
        for cell in cells {
            if let Some(start) = cell.start.as_ref().filter(|start| start.len() != n) {
                return Err(SimulateError::option("start", format!("{n} values"), start.len()));
            }
            for phase in &cell.phases {
                if !(phase.hours.is_finite() && phase.hours >= 0.0) {
                    return Err(SimulateError::option("hours", "a finite number of at least 0", phase.hours));
                }
                if let Some((gene, _)) = phase.forced.iter().find(|(gene, _)| *gene as usize >= n) {
                    return Err(SimulateError::option("forced", format!("genes below {n}"), gene));
                }
            }
        }
        Ok(())
    }

    /// Level of a gene at the start of a cell.
    pub(super) fn start(&self, cell: &Cell, gene: usize) -> f64 {
        self.law.baseline()[gene] * cell.start.as_ref().map_or(1.0, |y| y[gene].exp())
    }
}

/// What all that is done to one gene comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hold {
    /// Production is multiplied by this.
    Factor(f64),
    /// The level is held at this times the baseline.
    At(f64),
}

impl Hold {
    /// Of one gene; forcings act in their order, as they do on a steady state ([`Forcing::apply`]).
    pub(super) fn of(forced: &[(u32, Forcing)], gene: u32) -> Self {
        forced.iter().filter(|(g, _)| *g == gene).fold(Self::Factor(1.0), |hold, (_, forcing)| match (hold, forcing) {
            (_, Forcing::Absent) => Self::Factor(0.0),
            (_, Forcing::Clamp(level)) => Self::At(level.exp()),
            (Self::Factor(x), Forcing::Shift(shift)) => Self::Factor(x * shift.exp()),
            (Self::At(x), Forcing::Shift(shift)) => Self::At(x * shift.exp()),
        })
    }
}
