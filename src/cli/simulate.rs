//! `grn simulate`.

mod dynamics;
mod law;
mod truth_files;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::error::CliError;
use super::session::Session;
use crate::data::Intervention;
use crate::error::{ExitStatus, Notice, some_of};
use crate::io::{self, AnnData, Column, Matrix, PriorOptions};
use crate::simulate::{PRESETS, Preset, Simulated, SimulationOptions, Simulator, TopologyOptions, Wiring, generate};

/// Arguments of `grn simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn simulate -o screen.h5ad
  grn simulate --preset vcc --cells-per-perturbation 20 -o vcc.h5ad
  grn simulate --network regulons.tsv --genes 3000 --perturbations 60 -o screen.h5ad

Writes counts with obs `target_gene`, `guide`, `batch`, `efficiency`, and beside them a folder `<name>.truth` with edges.tsv
(every link and its parameters), deltas.h5ad (the true changes; also of genes held out) and parameters.json.")]
pub(super) struct SimulateArgs {
    /// The h5ad file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Sizes and targets: demo or vcc
    #[arg(long, default_value = "demo", value_parser = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>())]
    preset: String,
    /// Network to simulate, any file that `--prior` takes (default: the embedded network of human embryonic stem cells)
    #[arg(long, value_name = "FILE", conflicts_with = "random")]
    network: Option<PathBuf>,
    /// Simulate a random scale-free network instead
    #[arg(long)]
    random: bool,
    /// Genes, those of the network included; the rest are generated
    #[arg(long, value_name = "N")]
    genes: Option<usize>,
    /// Number of perturbations
    #[arg(long, value_name = "N")]
    perturbations: Option<usize>,
    /// Cells of each perturbation
    #[arg(long, value_name = "N")]
    cells_per_perturbation: Option<usize>,
    /// Control cells
    #[arg(long, value_name = "N")]
    controls: Option<usize>,
    /// Perturb this gene, or pair `A+B`, first; repeatable
    #[arg(long = "target", value_name = "GENE")]
    targets: Vec<String>,
    /// Never perturb this gene, but write what its perturbation would do; repeatable
    #[arg(long, value_name = "GENE")]
    hold_out: Vec<String>,
    /// What is done to the targets
    #[arg(long, default_value = "knockdown", value_name = "KIND")]
    intervention: InterventionArg,
    /// Mean share of the production that a knockdown takes away
    #[arg(long, value_name = "SHARE")]
    efficiency: Option<f64>,
    /// Median molecules (UMI) per cell
    #[arg(long, value_name = "N")]
    depth: Option<f64>,
    /// Median fold by which a saturated regulator changes its target
    #[arg(long, value_name = "FOLD")]
    fold: Option<f64>,
}

/// `--intervention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InterventionArg {
    /// CRISPRi: production falls
    Knockdown,
    /// CRISPR cut: the product is gone
    Knockout,
    /// CRISPRa: production rises
    Activation,
}

impl From<InterventionArg> for Intervention {
    fn from(arg: InterventionArg) -> Self {
        match arg {
            InterventionArg::Knockdown => Self::Knockdown,
            InterventionArg::Knockout => Self::Knockout,
            InterventionArg::Activation => Self::Activation,
        }
    }
}

pub(super) fn run(args: SimulateArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let started = Instant::now();
    let truth = args.output.with_extension("truth");
    refuse_to_overwrite([&args.output, &truth], session)?;
    let mut options = options(&args, session.seed);
    let (wiring, mut notices) = wiring(&args, &mut options)?;
    if session.dry_run {
        session.printer.say(plan(&args, &wiring, &options));
        return Ok(ExitStatus::Done);
    }
    let simulated = simulate(&wiring, &options, session)?;
    session.printer.detail(format!("simulated in {:.2} s", started.elapsed().as_secs_f64()));
    notices.extend(simulated.notices.iter().cloned());
    for notice in &notices {
        session.printer.notice(notice);
    }
    truth_files::write(&truth, &simulated, &options)?;
    write_cells(&args.output, &simulated, &options)?;
    report(&args.output, &truth, &simulated, &notices, started, session)?;
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

/// The preset, changed by what was typed. Its targets and held-out genes belong to the embedded network.
fn options(args: &SimulateArgs, seed: u64) -> SimulationOptions {
    let preset = Preset::named(&args.preset).unwrap_or(&PRESETS[0]);
    let mut options = preset.options(seed);
    let set = |to: &mut usize, typed: Option<usize>| *to = typed.unwrap_or(*to);
    set(&mut options.size.genes, args.genes);
    set(&mut options.size.perturbations, args.perturbations);
    set(&mut options.size.cells_per_perturbation, args.cells_per_perturbation);
    set(&mut options.size.controls, args.controls);
    if args.network.is_some() || args.random {
        options.targets.clear();
        options.held_out.clear();
    }
    options.targets.splice(0..0, args.targets.iter().cloned());
    options.held_out.retain(|gene| !args.targets.iter().any(|t| t.split('+').any(|part| part.trim() == gene)));
    options.targets.retain(|gene| !args.hold_out.contains(gene));
    options.held_out.extend(args.hold_out.iter().cloned());
    options.intervention = args.intervention.into();
    options.efficiency.mean = args.efficiency.unwrap_or(options.efficiency.mean);
    options.observation.depth = args.depth.unwrap_or(options.observation.depth);
    options.kinetics.fold = args.fold.unwrap_or(options.kinetics.fold);
    options
}

/// The network. One that has more genes than the preset decides their number, unless `--genes` was typed.
fn wiring(args: &SimulateArgs, options: &mut SimulationOptions) -> Result<(Wiring, Vec<Notice>), CliError> {
    if args.random {
        let topology = TopologyOptions { genes: options.size.genes, ..TopologyOptions::default() };
        return Ok((generate(&topology, options.seed)?, Vec::new()));
    }
    let Some(path) = &args.network else { return Ok((Wiring::embedded()?, Vec::new())) };
    let read = io::read_priors(std::slice::from_ref(path), &PriorOptions::default())?;
    let (wiring, unsigned) = Wiring::from_graph(&read.graph, TopologyOptions::default().activators, options.seed);
    let mut notices = read.notices;
    if unsigned > 0 {
        notices.push(Notice::new(format!(
            "{unsigned} of {} edges have no sign; each of their regulators was drawn to activate (65 %) or to repress",
            wiring.links.len()
        )));
    }
    if args.genes.is_none() {
        options.size.genes = options.size.genes.max(wiring.genes.len());
    }
    Ok((wiring, notices))
}

fn plan(args: &SimulateArgs, wiring: &Wiring, options: &SimulationOptions) -> String {
    let size = options.size;
    format!(
        "would simulate {} cells x {} genes ({} perturbations x {} cells, {} controls) on a network of {} genes and {} edges, \
         and write `{}`",
        size.controls + size.perturbations * size.cells_per_perturbation,
        size.genes,
        size.perturbations,
        size.cells_per_perturbation,
        size.controls,
        wiring.genes.len(),
        wiring.links.len(),
        args.output.display()
    )
}

fn simulate(wiring: &Wiring, options: &SimulationOptions, session: &Session) -> Result<Simulated, CliError> {
    let bar = session.printer.bar("simulating cells", 0);
    let simulated = Simulator::new(wiring, options)?.run(&mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(simulated)
}

/// Writes the embedded screen and, beside it, its truth.
pub(super) fn write_screen(path: &Path, simulated: &Simulated, seed: u64) -> Result<(), CliError> {
    let options = PRESETS[0].options(seed);
    write_cells(path, simulated, &options)?;
    truth_files::write(&path.with_extension("truth"), simulated, &options)
}

fn write_cells(path: &Path, simulated: &Simulated, options: &SimulationOptions) -> Result<(), CliError> {
    let columns = &simulated.columns;
    let labels = |values: &[String]| Column::Categories(values.to_vec());
    let origin = json!({"version": env!("CARGO_PKG_VERSION"), "command": "simulate", "seed": options.seed});
    let data = AnnData {
        obs_names: (1..=columns.batch.len()).map(|cell| format!("cell{cell:06}")).collect(),
        obs: vec![
            ("target_gene".into(), labels(&columns.target_gene)),
            ("guide".into(), labels(&columns.guide)),
            ("batch".into(), labels(&columns.batch)),
            ("efficiency".into(), Column::Floats(columns.efficiency.clone())),
        ],
        genes: simulated.screen.genes().clone(),
        var: Vec::new(),
        x: Matrix::Sparse(&simulated.screen.expression.x),
        layers: Vec::new(),
        uns: serde_json::Map::from_iter([("grn".to_owned(), origin)]),
    };
    Ok(io::write_h5ad(path, &data)?)
}

fn report(
    path: &Path,
    truth: &Path,
    simulated: &Simulated,
    notices: &[Notice],
    started: Instant,
    session: &Session,
) -> Result<(), CliError> {
    let (cells, genes) = (simulated.screen.expression.n_cells(), simulated.screen.genes().len());
    let known = &simulated.truth;
    let held_out: Vec<String> = known.held_out.iter().map(|r| r.perturbation.to_string()).collect();
    let seconds = started.elapsed().as_secs_f64();
    let json = || {
        json!({
            "output": path, "truth": truth, "cells": cells, "genes": genes,
            "perturbations": known.responses.len(), "held_out": held_out, "edges": known.edges.len(),
            "median_responding_genes": known.median_responding(), "growth_rate": known.growth,
            "residual": known.residual, "notices": notices, "seconds": seconds,
        })
    };
    let text = || {
        let held = if held_out.is_empty() { "none".to_owned() } else { some_of(&held_out, 5) };
        format!(
            "{}\n  {cells} cells x {genes} genes, {} perturbations, held out: {held}\n  {} edges; a perturbation changes \
             {} genes by more than 19 % (median)\n  steady states to a residual of {:.0e}; growth rate {:.2} (stable below 1)\n  \
             truth in {}; {seconds:.1} s",
            path.display(),
            known.responses.len(),
            known.edges.len(),
            known.median_responding(),
            known.residual,
            known.growth,
            truth.display()
        )
    };
    session.printer.result(json, text)
}
