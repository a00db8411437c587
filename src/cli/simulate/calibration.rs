//! Arguments of the calibration.

use clap::Args;

use crate::cli::args::ascending;
use crate::simulate::{DegGoal, SimulationOptions};

/// How many genes perturbations change.
#[derive(Debug, Args)]
#[command(next_help_heading = "Calibration")]
pub(super) struct CalibrationArgs {
    /// Choose the strength of links so that the median perturbation has this many differentially expressed genes (law thermo);
    /// 0 takes them as they are
    #[arg(long, value_name = "N", conflicts_with = "fold")]
    deg_median: Option<usize>,
    /// Draw targets that have between this many
    #[arg(long, value_name = "LEAST,MOST", value_parser = ascending)]
    deg_range: Option<[usize; 2]>,
}

impl CalibrationArgs {
    /// `fold` was typed, or there is another law: strengths are what they are. `typed` targets are kept whatever they change.
    pub(super) fn apply(&self, o: &mut SimulationOptions, strengths_given: bool, typed: usize) {
        let goal = o.degs.take();
        let median = match (self.deg_median, &goal) {
            (Some(median), _) => median,
            (None, Some(goal)) if !strengths_given => goal.median,
            _ => 0,
        };
        if median > 0 {
            let range = self.deg_range.or(goal.and_then(|g| g.range));
            o.degs = Some(DegGoal { median, range, keep: typed });
        }
    }
}
