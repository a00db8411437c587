//! `grn simulate`.

mod args;
mod calibration;
mod cells;
mod dynamics;
mod engine;
mod law;
mod levels;
mod network;
mod summary;
mod system;
mod truth_files;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use self::args::{CellTypeArgs, InterventionArgs, ObservationArgs, SizeArgs, TopologyArgs};
use self::calibration::CalibrationArgs;
use self::dynamics::DynamicsArgs;
use self::engine::EngineArgs;
use self::law::LawArg;
use self::system::LawArgs;
use self::truth_files::About;
use super::error::CliError;
use super::plan::{Plan, Work};
use super::session::Session;
use crate::error::ExitStatus;
use crate::simulate::{PRESETS, Preset, Simulated, SimulationOptions, Simulator};

/// Arguments of `grn simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn simulate -o screen.h5ad
  grn simulate --preset vcc --cells-per-perturbation 20 -o vcc.h5ad
  grn simulate --network regulons.tsv --genes 3000 --perturbations 60 -o screen.h5ad
  grn simulate --engine cle --genes 300 --perturbations 10 -o langevin.h5ad
  grn simulate --hours 6,24,72 --protein 1000 -o course.h5ad
  grn simulate --rules hsc --engine ssa -o hsc.h5ad
  grn simulate --run runs/mine --pert KDM1A --law ode -o course.tsv
  grn simulate --lineage 'stem>early>a,early>b' --dose 0.3,0.6,0.9 --ambient 0.05 -o screen.h5ad

Writes counts with obs `target_gene`, `guide`, `batch`, `efficiency`, `doublet` (and `cell_type`, `pseudotime`, `dose`,
`second_efficiency` where used), and beside them a folder `<name>.truth` with edges.tsv (every link and its parameters),
genes.tsv, deltas.h5ad (the true changes; also of genes held out) and parameters.json.")]
pub(super) struct SimulateArgs {
    /// The h5ad file to write; of a run: .h5ad or .tsv, or nothing to print the genes that change most
    #[arg(short, long, value_name = "FILE", required_unless_present = "run")]
    output: Option<PathBuf>,
    /// Sizes and targets: demo, vcc or norman
    #[arg(long, default_value = "demo", value_parser = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>())]
    preset: String,
    #[command(flatten)]
    law: LawArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    calibration: CalibrationArgs,
    #[command(flatten)]
    dynamics: DynamicsArgs,
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

pub(super) fn run(args: &SimulateArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    if args.dynamics.wanted() {
        let law = args.law.law.unwrap_or(LawArg::Steady);
        return dynamics::run(&args.dynamics, law, args.engine.hours(), args.output.as_deref(), session);
    }
    let Some(output) = args.output.clone() else {
        return Err(CliError::usage("--output", "a file to write", "none", Some("add `-o screen.h5ad`".into())));
    };
    screen(args, &output, session)
}

fn screen(args: &SimulateArgs, output: &Path, session: &mut Session) -> Result<ExitStatus, CliError> {
    let started = Instant::now();
    let truth = output.with_extension("truth");
    refuse_to_overwrite([output, &truth], session)?;
    let mut options = options(args, session.seed)?;
    if session.dry_run {
        options.degs = None;
    }
    let (simulator, mut notices) = system::simulator(&args.law, &args.topology, &args.size, &mut options, session)?;
    if session.plans() && session.plan(&plan(output, &simulator))? {
        return Ok(ExitStatus::Done);
    }
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
    if !cells::stream(output, &prepared, simulator.options(), args.observation.noise_free, session)? {
        session.printer.say("interrupted; nothing was written");
        return Ok(ExitStatus::Interrupted);
    }
    let topology = summary::topology(&simulator);
    let about = About {
        truth: prepared.truth(),
        notices: &notices,
        options: simulator.options(),
        law: simulator.law().name(),
        calibration: simulator.calibration(),
        topology: Some(&topology),
    };
    truth_files::write(&truth, &about)?;
    let summary = summary::Summary {
        output,
        truth_folder: &truth,
        cells: prepared.n_cells(),
        law: simulator.law().name(),
        engine: simulator.options().engine.kind,
        topology: &topology,
        calibration: simulator.calibration(),
        truth: prepared.truth(),
        notices: &notices,
        seconds: started.elapsed().as_secs_f64(),
    };
    session.printer.result(|| summary.json(), || summary.text())?;
    Ok(ExitStatus::Done)
}

fn refuse_to_overwrite(paths: [&Path; 2], session: &Session) -> Result<(), CliError> {
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
    args.law.apply(&mut options);
    args.engine.apply(&mut options, args.observation.extrinsic.is_some());
    args.calibration.apply(&mut options, args.law.strengths_given(), args.interventions.typed());
    options.check()?;
    Ok(options)
}

fn plan(output: &Path, simulator: &Simulator) -> Plan {
    let (options, law) = (simulator.options(), simulator.law());
    let size = options.size;
    let usual = size.perturbations * size.cells_per_perturbation;
    let arms = options.doses.len().max(1) * options.engine.hours.len().max(1);
    let perturbed = options.cells.total.unwrap_or(usual) * arms;
    let (cells, genes) = (size.controls + perturbed, size.genes);
    let what = format!("simulate a screen under the law {} with {} edges", law.name(), law.n_edges());
    let plan = Plan::new(what).size("cells", cells).size("genes", genes).size("perturbations", size.perturbations);
    let plan = plan.size("perturbed cells", perturbed).size("controls", size.controls);
    let work =
        Work { cells, genes, conditions: size.perturbations * arms + 1, values: (cells * genes) as u64, pairs: 0.0 };
    // Engines of single molecules take a time of their own, which no size tells.
    let plan = if options.engine.hours.is_empty() { plan.costs(work.simulate()) } else { plan };
    plan.writes(output).writes(output.with_extension("truth"))
}

/// Writes the embedded screen and, beside it, its truth.
pub(super) fn write_screen(path: &Path, simulated: &Simulated, seed: u64) -> Result<(), CliError> {
    let options = PRESETS[0].options(seed);
    cells::write(path, simulated, &options)?;
    let about = About {
        truth: &simulated.truth,
        notices: &simulated.notices,
        options: &options,
        law: "thermo",
        calibration: None,
        topology: None,
    };
    truth_files::write(&path.with_extension("truth"), &about)
}
