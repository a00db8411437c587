//! `grn plot responders`.

use std::path::PathBuf;

use clap::Args;

use super::super::error::CliError;
use super::super::load::{LoadedRun, load_run};
use super::super::session::Session;
use super::{save, source_of};
use crate::data::{Delta, Perturbation};
use crate::error::{ExitStatus, Notice};
use crate::predict::Basis;
use crate::report::RespondersFigure;

/// Arguments of `grn plot responders`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot responders --pert KDM1A -o kdm1a.svg
  grn plot responders --run runs/mine --pert STAT1 --top 30 --level 0.9 -o stat1.pdf")]
pub(in crate::cli) struct RespondersArgs {
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Perturbation: a gene, or two joined by `+`
    #[arg(long, value_name = "GENE[+GENE]")]
    pert: String,
    /// Genes to show, largest change first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100), value_name = "N")]
    top: u16,
    /// Level of the intervals
    #[arg(long, default_value_t = 0.95, value_name = "SHARE")]
    level: f64,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: &RespondersArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    if !(args.level > 0.0 && args.level < 1.0) {
        return Err(CliError::usage("--level", "a number between 0 and 1", args.level.to_string(), None));
    }
    let run = load_run(session, args.run.as_deref())?;
    let perturbation = Perturbation::parse(&args.pert, &run.manifest.control_label)?;
    let drawn = responders(&run, &perturbation, args.level, usize::from(args.top))?;
    if drawn.basis == Basis::Fallback {
        let text = format!("the graph does not know {perturbation}: the mean of the training perturbations is shown");
        session.printer.notice(&Notice::new(text));
    }
    let figure = drawn.figure.caption(format!("{}{}", source_of(&run), drawn.about));
    save(session, &args.output, &figure.scene())
}

/// The figure of a perturbation, what its prediction rests on, and what its lines mean.
pub(in crate::cli) struct Drawn {
    pub(in crate::cli) figure: RespondersFigure,
    pub(in crate::cli) basis: Basis,
    pub(in crate::cli) about: String,
}

/// The largest predicted changes, as `grn predict` gives them, with intervals where the run is calibrated.
pub(in crate::cli) fn responders(
    run: &LoadedRun,
    perturbation: &Perturbation,
    level: f64,
    top: usize,
) -> Result<Drawn, CliError> {
    let name = perturbation.to_string();
    let targets = perturbation.targets();
    let Some(calibration) = &run.calibration else {
        let prediction = run.predictor.predict(perturbation)?;
        let figure = RespondersFigure::new(&name, targets, &prediction.delta, None, top)?;
        return Ok(Drawn { figure, basis: prediction.basis, about: " The run has no intervals.".into() });
    };
    let mode = calibration.mode();
    let estimate = calibration.estimate(&*run.predictor, &run.graph, perturbation, mode, level)?;
    let delta = Delta::new(run.genes.clone(), estimate.delta, None)?;
    let ends = Some((estimate.lower.as_slice(), estimate.upper.as_slice()));
    let figure = RespondersFigure::new(&name, targets, &delta, ends, top)?;
    let percent = format!("{:.1}", 100.0 * level);
    let few = if estimate.enough { "" } else { " (too few perturbations for this level: the widest there is)" };
    let about = format!(
        " Lines: {} % intervals of the change as a screen like this one measures it{few}.",
        percent.trim_end_matches(".0")
    );
    Ok(Drawn { figure, basis: estimate.basis, about })
}
