//! `grn plot delta`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::super::error::CliError;
use super::super::load::{LoadedRun, load_run};
use super::super::session::Session;
use super::{save, source_of};
use crate::data::{DataError, Delta, Perturbation, PseudobulkOptions, Responses};
use crate::error::ExitStatus;
use crate::io::{self, ScreenOptions};
use crate::report::DeltaFigure;

/// Arguments of `grn plot delta`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot delta --pert STAT1 --measured held_out.h5ad -o stat1.svg
  grn plot delta --run runs/mine --pert STAT1 -o stat1.png")]
pub(in crate::cli) struct DeltaArgs {
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Perturbation: a gene, or two joined by `+`
    #[arg(long, value_name = "GENE[+GENE]")]
    pert: String,
    /// Screen or pseudobulk that measured it (default: what the run was fitted on, said in the caption)
    #[arg(long, value_name = "FILE")]
    measured: Option<PathBuf>,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: DeltaArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let run = load_run(session, args.run.as_deref())?;
    let perturbation = Perturbation::parse(&args.pert, &run.manifest.control_label)?;
    let (measured, source) = measured(&args, &run, &perturbation)?;
    let predicted = run.predictor.predict(&perturbation)?.delta;
    let figure = DeltaFigure::new(&perturbation.to_string(), perturbation.targets(), &predicted, &measured)?
        .caption(format!("{} {source}", source_of(&run)));
    save(session, &args.output, &figure.scene())
}

/// The measured change, and where it was measured.
fn measured(args: &DeltaArgs, run: &LoadedRun, perturbation: &Perturbation) -> Result<(Delta, String), CliError> {
    let Some(path) = &args.measured else {
        let delta = row_of(&run.responses, perturbation).ok_or_else(|| not_measured(perturbation))??;
        return Ok((delta, "Measured in the data the model was fitted on: this is no test.".into()));
    };
    let options = PseudobulkOptions::default();
    let read = io::read_table(path, &ScreenOptions::default(), &options, &mut |_, _| {})?;
    let responses = Responses::from_pseudobulk(&read.table)?;
    let seen = run.responses.perturbations.contains(perturbation);
    let unseen = if seen { "the model was fitted on it" } else { "the model was not fitted on it" };
    let delta = row_of(&responses, perturbation).ok_or_else(|| unknown(perturbation, &responses))??;
    Ok((delta, format!("Measured in {}; {unseen}.", path.display())))
}

fn row_of(responses: &Responses, perturbation: &Perturbation) -> Option<Result<Delta, DataError>> {
    let row = responses.perturbations.iter().position(|p| p == perturbation)?;
    Some(Delta::new(Arc::clone(&responses.genes), responses.delta.row(row).to_vec(), None))
}

fn not_measured(perturbation: &Perturbation) -> CliError {
    CliError::usage(
        format!("nothing measured to compare the prediction of `{perturbation}` with"),
        "a perturbation of the run, or a file that measured it",
        "neither",
        Some(format!(
            "give the file with `--measured FILE`, or `grn predict --pert {perturbation}` for the prediction alone"
        )),
    )
}

fn unknown(perturbation: &Perturbation, responses: &Responses) -> CliError {
    let label = perturbation.to_string();
    let names: Vec<String> = responses.perturbations.iter().map(ToString::to_string).collect();
    let suggestions = crate::data::suggest(&label, names.iter().map(String::as_str));
    DataError::UnknownPerturbation { label, suggestions }.into()
}
