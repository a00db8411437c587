//! `grn simulate`.

mod args;
mod cells;
mod levels;
mod network;
mod summary;
mod truth_files;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use self::args::{CellTypeArgs, InterventionArgs, ObservationArgs, SizeArgs, TopologyArgs};
use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;
use crate::simulate::{PRESETS, Preset, Simulated, SimulationOptions, Simulator, Wiring};

/// Arguments of `grn simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn simulate -o screen.h5ad
  grn simulate --preset vcc --cells-per-perturbation 20 -o vcc.h5ad
  grn simulate --network regulons.tsv --genes 3000 --perturbations 60 -o screen.h5ad
  grn simulate --lineage 'stem>early>a,early>b' --dose 0.3,0.6,0.9 --ambient 0.05 -o screen.h5ad

Writes counts with obs `target_gene`, `guide`, `batch`, `efficiency`, `doublet` (and `cell_type`, `pseudotime`, `dose`,
`second_efficiency` where used), and beside them a folder `<name>.truth` with edges.tsv (every link and its parameters),
genes.tsv, deltas.h5ad (the true changes; also of genes held out) and parameters.json.")]
pub(super) struct SimulateArgs {
    /// The h5ad file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Sizes and targets: demo, vcc or norman
    #[arg(long, default_value = "demo", value_parser = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>())]
    preset: String,
    /// Median fold by which a saturated regulator changes its target
    #[arg(long, value_name = "FOLD", help_heading = "Law")]
    fold: Option<f64>,
    /// Take the levels of genes from the mean expression of the control cells of this screen or pseudobulk
    #[arg(long, value_name = "FILE", help_heading = "Law")]
    levels: Option<PathBuf>,
    #[command(flatten)]
    size: SizeArgs,
    #[command(flatten)]
    topology: TopologyArgs,
    #[command(flatten)]
    interventions: InterventionArgs,
    #[command(flatten)]
    cell_types: CellTypeArgs,
    #[command(flatten)]
    observation: ObservationArgs,
}

pub(super) fn run(args: SimulateArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let started = Instant::now();
    let truth = args.output.with_extension("truth");
    refuse_to_overwrite([&args.output, &truth], session)?;
    let mut options = options(&args, session.seed)?;
    let (wiring, mut notices) = network::read(&args.topology, args.size.genes, &mut options)?;
    if session.dry_run {
        session.printer.say(plan(&args, &wiring, &options));
        return Ok(ExitStatus::Done);
    }
    let simulator = match &args.levels {
        None => Simulator::new(&wiring, &options)?,
        Some(path) => {
            let (levels, said) = levels::read(path, session)?;
            notices.extend(said);
            Simulator::with_levels(&wiring, &options, &|gene| levels.get(gene).copied())?
        }
    };
    notices.extend(simulator.notices().iter().cloned());
    for notice in &notices {
        session.printer.notice(notice);
    }
    let bar = session.printer.bar("solving steady states", 0);
    let prepared = simulator.prepare(&|done, of| {
        bar.set_length(of);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    session.printer.detail(format!("steady states after {:.2} s", started.elapsed().as_secs_f64()));
    if !cells::stream(&args.output, &prepared, &options, args.observation.noise_free, session)? {
        session.printer.say("interrupted; nothing was written");
        return Ok(ExitStatus::Interrupted);
    }
    truth_files::write(&truth, prepared.truth(), &notices, &options)?;
    let summary = summary::Summary {
        output: &args.output,
        truth_folder: &truth,
        cells: prepared.n_cells(),
        truth: prepared.truth(),
        notices: &notices,
        seconds: started.elapsed().as_secs_f64(),
    };
    session.printer.result(|| summary.json(), || summary.text())?;
    Ok(ExitStatus::Done)
}

fn refuse_to_overwrite(paths: [&PathBuf; 2], session: &Session) -> Result<(), CliError> {
    match paths.into_iter().find(|p| p.exists() && !session.overwrite) {
        None => Ok(()),
        Some(path) => Err(CliError::usage(
            format!("`{}` exists", path.display()),
            "a new file",
            "one that would be replaced",
            Some("replace it with `--overwrite`, or choose another `-o FILE`".into()),
        )),
    }
}

/// The preset, changed by what was typed.
fn options(args: &SimulateArgs, seed: u64) -> Result<SimulationOptions, CliError> {
    let preset = Preset::named(&args.preset).unwrap_or(&PRESETS[0]);
    let mut options = preset.options(seed);
    args.size.apply(&mut options);
    args.topology.apply(&mut options);
    args.interventions.apply(&mut options);
    args.cell_types.apply(&mut options)?;
    args.observation.apply(&mut options);
    options.kinetics.fold = args.fold.unwrap_or(options.kinetics.fold);
    options.check()?;
    Ok(options)
}

fn plan(args: &SimulateArgs, wiring: &Wiring, options: &SimulationOptions) -> String {
    let size = options.size;
    let usual = size.perturbations * size.cells_per_perturbation;
    let perturbed = options.cells.total.unwrap_or(usual) * options.doses.len().max(1);
    format!(
        "would simulate {} cells x {} genes ({} perturbations with {perturbed} cells, {} controls) on a network of {} genes \
         and {} edges, and write `{}`",
        size.controls + perturbed,
        size.genes,
        size.perturbations,
        size.controls,
        wiring.genes.len(),
        wiring.links.len(),
        args.output.display()
    )
}

/// Writes the embedded screen and, beside it, its truth.
pub(super) fn write_screen(path: &Path, simulated: &Simulated, seed: u64) -> Result<(), CliError> {
    let options = PRESETS[0].options(seed);
    cells::write(path, simulated, &options)?;
    truth_files::write(&path.with_extension("truth"), &simulated.truth, &simulated.notices, &options)
}
