//! `grn simulate --run`: what a perturbation does to the fitted graph of a run, as dynamics.

use std::path::{Path, PathBuf};

use clap::Args;
use ndarray::Array2;
use serde_json::json;

use super::law::LawArg;
use crate::cli::error::CliError;
use crate::cli::load::{LoadedRun, load_run};
use crate::cli::plan::Plan;
use crate::cli::session::Session;
use crate::data::{Perturbation, PseudobulkOptions};
use crate::error::{ExitStatus, Notice, some_of};
use crate::io::{self, AnnData, Column, IoError, Matrix, ScreenOptions};
use crate::simulate::{
    CELLORACLE_HOPS, Change, FittedResponse, LinearResponse, ResponseOptions, SimulateError, Solver, Thermo,
};

/// Arguments of `grn simulate --run`.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Dynamics of a fitted run, instead of a screen (--law steady, linear, ode or celloracle)"
)]
pub(in crate::cli) struct DynamicsArgs {
    /// Propagate perturbations through the fitted graph of this run
    #[arg(long, value_name = "DIR", requires = "pert")]
    run: Option<PathBuf>,
    /// Gene to perturb, or several joined by `+`; repeatable; any gene of the run's screen
    #[arg(long, value_name = "GENE[+GENE]", requires = "run")]
    pert: Vec<String>,
    /// Level that a perturbed gene is held at, relative to control: 0 is a knockout, above 1 an activation
    #[arg(long, default_value_t = 0.15, value_name = "SHARE")]
    remaining: f64,
    /// Hops of CellOracle's rule
    #[arg(long, default_value_t = CELLORACLE_HOPS, value_name = "N")]
    hops: usize,
    /// Ridge penalty of the coefficients
    #[arg(long, default_value_t = 1.0, value_name = "PENALTY")]
    ridge: f64,
}

/// Hours of a trajectory unless others are asked for.
const HOURS: [f64; 7] = [0.0, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0];

/// Changes of one perturbation: log1p, one row per hour (a single one without a trajectory).
struct Propagated {
    label: String,
    rows: Vec<State>,
}

/// Hour, in a trajectory, and change per gene, log1p.
type State = (Option<f64>, Vec<f64>);

impl DynamicsArgs {
    /// Whether a run is asked for.
    pub(super) fn wanted(&self) -> bool {
        self.run.is_some()
    }
}

/// Propagates, and writes `.tsv` or `.h5ad`, or prints the genes that change most.
pub(super) fn run(
    args: &DynamicsArgs,
    law: LawArg,
    hours: &[f64],
    output: Option<&Path>,
    session: &Session,
) -> Result<ExitStatus, CliError> {
    let run = load_run(session, args.run.as_deref())?;
    if session.dry_run {
        let what = format!("propagate the response fitted on {}", run.dir.path().display());
        let plan = Plan::new(what).size("perturbations", args.pert.len()).size("genes", run.genes.len());
        session.plan(&plan.may_write(output))?;
        return Ok(ExitStatus::Done);
    }
    let fitted = fit(&run, args)?;
    for notice in &fitted.notices {
        session.printer.notice(notice);
    }
    let propagated = propagate(args, (law, hours), &run, &fitted.response, session)?;
    match output {
        Some(path) if path.extension().is_some_and(|e| e == "h5ad") => write_h5ad(path, &run, args, law, &propagated)?,
        Some(path) => write_tsv(path, &run, &propagated)?,
        None => {}
    }
    session.printer.result(|| as_json(&run, law, &fitted, output, &propagated), || text(&run, output, &propagated))?;
    Ok(ExitStatus::Done)
}

fn fit(run: &LoadedRun, args: &DynamicsArgs) -> Result<FittedResponse, CliError> {
    let options = PseudobulkOptions::default();
    let read = io::read_table(&run.dir.responses(), &ScreenOptions::default(), &options, &mut |_, _| {})?;
    let options = ResponseOptions { ridge: args.ridge, ..ResponseOptions::default() };
    Ok(LinearResponse::fit(&read.table, &run.graph, &options)?)
}

fn propagate(
    args: &DynamicsArgs,
    (rule, hours): (LawArg, &[f64]),
    run: &LoadedRun,
    response: &LinearResponse,
    session: &Session,
) -> Result<Vec<Propagated>, CliError> {
    let (law, notices) = response.law()?;
    let solver = Solver::new(&law);
    let lawful = matches!(rule, LawArg::Steady | LawArg::Ode);
    notices.iter().filter(|_| lawful).for_each(|n| session.printer.notice(n));
    let mut silent = Vec::new();
    let one = |label: &String| -> Result<Propagated, CliError> {
        let perturbation = Perturbation::parse(label, &run.manifest.control_label)?;
        let targets = perturbation.targets().iter();
        let changes: Vec<Change> = targets.map(|t| response.change(t, args.remaining)).collect::<Result<_, _>>()?;
        let plain = |change: Vec<f64>| vec![(None, change)];
        let rows = match rule {
            LawArg::Linear => plain(response.linear(&changes)?),
            LawArg::Celloracle => plain(response.celloracle(&changes, args.hops)),
            LawArg::Ode => trajectory(&law, response, &changes, if hours.is_empty() { &HOURS } else { hours })?,
            _ => plain(response.steady(&solver, &changes)?),
        };
        Ok(Propagated { label: perturbation.to_string(), rows })
    };
    let propagated: Vec<Propagated> = args.pert.iter().map(one).collect::<Result<_, _>>()?;
    for p in &propagated {
        let moved = p.rows.iter().flat_map(|(_, d)| d).filter(|d| d.abs() > 1e-9).count();
        if moved <= p.label.split('+').count() * p.rows.len() {
            silent.push(p.label.clone());
        }
    }
    if !silent.is_empty() {
        let names = some_of(&silent, 5);
        session
            .printer
            .notice(&Notice::new(format!("the fitted graph has no target of {names}: nothing else changes")));
    }
    Ok(propagated)
}

fn trajectory(
    law: &Thermo,
    response: &LinearResponse,
    changes: &[Change],
    hours: &[f64],
) -> Result<Vec<State>, SimulateError> {
    let states = response.trajectory(law, changes, hours)?;
    Ok(hours.iter().zip(states.rows()).map(|(h, d)| (Some(*h), d.to_vec())).collect())
}

fn write_tsv(path: &Path, run: &LoadedRun, propagated: &[Propagated]) -> Result<(), CliError> {
    let timed = propagated.iter().any(|p| p.rows.iter().any(|(hours, _)| hours.is_some()));
    Ok(io::write_atomic::<IoError>(path, |out| {
        let failed = |e| IoError::write(path, e);
        let hours = if timed { "\thours" } else { "" };
        writeln!(out, "perturbation{hours}\tgene\tcontrol\tdelta").map_err(failed)?;
        for p in propagated {
            for (hours, change) in &p.rows {
                let hours = hours.map_or_else(String::new, |h| format!("\t{h}"));
                for (gene, (delta, control)) in change.iter().zip(&run.responses.control.mean).enumerate() {
                    let name = &run.genes.names()[gene];
                    writeln!(out, "{}{hours}\t{name}\t{control:.6}\t{delta:.6}", p.label).map_err(failed)?;
                }
            }
        }
        Ok(())
    })?)
}

fn write_h5ad(
    path: &Path,
    run: &LoadedRun,
    args: &DynamicsArgs,
    law: LawArg,
    propagated: &[Propagated],
) -> Result<(), CliError> {
    let rows: Vec<(&str, Option<f64>, &Vec<f64>)> =
        propagated.iter().flat_map(|p| p.rows.iter().map(|(h, d)| (p.label.as_str(), *h, d))).collect();
    let x = Array2::from_shape_fn((rows.len(), run.genes.len()), |(i, j)| rows[i].2[j] as f32);
    let name = |(label, hours, _): &(&str, Option<f64>, &Vec<f64>)| {
        hours.map_or_else(|| (*label).to_owned(), |h| format!("{label}_{h}h"))
    };
    let labels = rows.iter().map(|r| r.0.to_owned()).collect();
    let mut obs = vec![("target_gene".to_owned(), Column::Strings(labels))];
    if law == LawArg::Ode {
        obs.push(("hours".to_owned(), Column::Floats(rows.iter().map(|r| r.1.unwrap_or(0.0)).collect())));
    }
    let origin = json!({
        "version": env!("CARGO_PKG_VERSION"), "command": "simulate", "law": law.name(), "remaining": args.remaining,
        "quantity": "effect",
    });
    let control = run.responses.control.mean.iter().map(|&c| f64::from(c)).collect();
    let file = AnnData {
        obs_names: rows.iter().map(name).collect(),
        obs,
        genes: std::sync::Arc::clone(&run.genes),
        var: vec![("control".into(), Column::Floats(control))],
        x: Matrix::Dense(x.view()),
        layers: Vec::new(),
        uns: serde_json::Map::from_iter([("grn".to_owned(), origin)]),
    };
    Ok(io::write_h5ad(path, &file)?)
}

fn as_json(
    run: &LoadedRun,
    law: LawArg,
    fitted: &FittedResponse,
    output: Option<&Path>,
    propagated: &[Propagated],
) -> serde_json::Value {
    let one = |p: &Propagated| {
        let rows: Vec<_> = p.rows.iter().map(|(h, d)| json!({"hours": h, "delta": d})).collect();
        json!({"perturbation": p.label, "states": rows})
    };
    json!({
        "run": run.dir.path(),
        "law": law.name(),
        "edges": fitted.response.n_edges(),
        "spectral_radius": fitted.radius,
        "output": output,
        "genes": run.genes.names().iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        "propagated": propagated.iter().map(one).collect::<Vec<_>>(),
        "notices": fitted.notices,
    })
}

/// The genes that change most at the end.
fn text(run: &LoadedRun, output: Option<&Path>, propagated: &[Propagated]) -> String {
    let mut out = String::new();
    for p in propagated {
        let Some((hours, last)) = p.rows.last() else { continue };
        let mut order: Vec<usize> = (0..last.len()).filter(|&g| last[g] != 0.0).collect();
        order.sort_by(|&a, &b| last[b].abs().total_cmp(&last[a].abs()).then(a.cmp(&b)));
        let when = hours.map_or_else(String::new, |h| format!(" after {h} h"));
        out.push_str(&format!("{}{when}: {} genes change\n", p.label, order.len()));
        for &g in order.iter().take(15) {
            let (name, control) = (&run.genes.names()[g], run.responses.control.mean[g]);
            out.push_str(&format!("  {name:<14}{control:>9.3}{:>+10.4}\n", last[g]));
        }
    }
    match output {
        Some(path) => format!("{out}{}", path.display()),
        None => out.trim_end().to_owned(),
    }
}
