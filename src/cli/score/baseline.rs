//! `grn score baseline`.

use std::path::PathBuf;

use clap::Args;
use ndarray::Axis;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::plan::{Plan, Work};
use crate::cli::session::Session;
use crate::data::{CellBlock, Csr, Normalisation, Pseudobulk, PseudobulkOptions, TargetSum};
use crate::error::{ExitStatus, Notice, some_of};
use crate::io::{self, Column, IoError, RowsLayout, ScreenFile, ScreenOptions};

/// Stored entries per block that is written.
const BLOCK_ENTRIES: usize = 1 << 20;

/// Arguments of `grn score baseline`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn score baseline measured.h5ad -o baseline.h5ad
  grn score baseline measured.h5ad --counts pert_counts_Validation.csv -o baseline.h5ad")]
pub(in crate::cli) struct BaselineArgs {
    /// Real cells, with control cells
    real: PathBuf,
    /// Cells to write (.h5ad): for every perturbation the mean of all means, and the real controls
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Numbers of cells: CSV with the column of perturbations and `n_cells` (default: as many as there are)
    #[arg(long, value_name = "FILE")]
    counts: Option<PathBuf>,
    /// Give the mean change against the control instead of the mean; the controls stay expression
    #[arg(long)]
    as_delta: bool,
    /// Column of the perturbation (default: detected)
    #[arg(long, value_name = "COLUMN")]
    pert_col: Option<String>,
    /// Label of the control (default: detected)
    #[arg(long, value_name = "LABEL")]
    control_pert: Option<String>,
}

pub(super) fn run(args: BaselineArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    super::new_output(session, &args.output)?;
    let (pert_col, control) = (args.pert_col.clone(), args.control_pert.clone());
    let screen = io::open_screen(&args.real, &ScreenOptions { pert_col, control, ..ScreenOptions::default() })?;
    screen.notices.iter().for_each(|n| session.printer.notice(n));
    io::check_control(&screen)?;
    let counts = match &args.counts {
        Some(path) => stated_counts(&io::read_cell_counts(path, &screen.pert_col)?, &screen, session),
        None => own_counts(&screen),
    };
    if session.plans() {
        let work = Work::of(&screen);
        let plan = work.sizes(Plan::new(format!("write the mean of all means for {} perturbations", counts.len())));
        if session.plan(&plan.writes(&args.output).costs(work.baseline()))? {
            return Ok(ExitStatus::Done);
        }
    }
    let bar = session.printer.bar("cells", 1);
    let options = PseudobulkOptions { target_sum: TargetSum::Median, halves: false, seed: session.seed };
    let table = screen.pseudobulk(&options, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    let controls = write(&args, &screen, &counts, &profile(&table, args.as_delta))?;
    bar.finish_and_clear();
    let predicted: u64 = counts.iter().map(|c| c.1).sum();
    session.printer.result(
        || {
            json!({
                "output": args.output, "perturbations": counts.len(), "cells": predicted, "controls": controls,
                "genes": screen.genes.len(), "as_delta": args.as_delta,
            })
        },
        || {
            let (output, n) = (args.output.display(), counts.len());
            format!("{output}: {predicted} cells of {n} perturbations, all alike, and {controls} real controls")
        },
    )?;
    Ok(ExitStatus::Done)
}

/// Cells per perturbation in the file.
fn own_counts(screen: &ScreenFile) -> Vec<(String, u64)> {
    let conditions = screen.cells.conditions.iter().zip(screen.cells.counts());
    let perturbed = conditions.filter(|(c, _)| !c.perturbation.is_control());
    perturbed.map(|(c, n)| (screen.labels[&c.perturbation].clone(), n)).collect()
}

/// The stated numbers, the control's left out.
fn stated_counts(stated: &[(String, u64)], screen: &ScreenFile, session: &Session) -> Vec<(String, u64)> {
    let counts: Vec<(String, u64)> =
        stated.iter().filter(|(label, _)| Some(label) != screen.control_label.as_ref()).cloned().collect();
    let known = |label: &String| screen.labels.values().any(|l| l == label);
    let unknown: Vec<&String> = counts.iter().map(|c| &c.0).filter(|label| !known(label)).collect();
    if !unknown.is_empty() {
        let text = format!("{} labels of the counts are not in the file: {}", unknown.len(), some_of(&unknown, 5));
        session.printer.notice(&Notice::new(text));
    }
    counts
}

/// The plain mean of all means, the control's included; or of the changes of the perturbations against the control.
fn profile(table: &Pseudobulk, as_delta: bool) -> Vec<f32> {
    let mean = table.moments.mean.mapv(f64::from);
    let controls = table.control_rows();
    let plain = |rows: &[usize]| mean.select(Axis(0), rows).sum_axis(Axis(0)) / rows.len() as f64;
    let all: Vec<usize> = (0..mean.nrows()).collect();
    let profile = if as_delta {
        let perturbed: Vec<usize> = all.iter().copied().filter(|i| !controls.contains(i)).collect();
        plain(&perturbed) - plain(&controls)
    } else {
        plain(&all)
    };
    profile.iter().map(|&v| v as f32).collect()
}

/// Writes the cells; returns the number of controls.
fn write(
    args: &BaselineArgs,
    screen: &ScreenFile,
    counts: &[(String, u64)],
    profile: &[f32],
) -> Result<usize, CliError> {
    let is_control: Vec<bool> = screen.cells.conditions.iter().map(|c| c.perturbation.is_control()).collect();
    let is_control = |cell: usize| screen.cells.of_cell[cell].is_some_and(|c| is_control[c as usize]);
    let n_controls = (0..screen.n_cells()).filter(|&cell| is_control(cell)).count();
    let n_predicted: usize = counts.iter().map(|c| c.1 as usize).sum();
    let control = screen.control_label.clone().unwrap_or_default();
    let labels = counts.iter().flat_map(|(label, n)| std::iter::repeat_n(label, *n as usize)).cloned();
    let labels: Vec<String> = labels.chain(std::iter::repeat_n(control, n_controls)).collect();
    let names = (0..n_predicted).map(|i| format!("p.{i}")).chain((0..n_controls).map(|i| format!("c.{i}")));
    let names: Vec<String> = names.collect();
    let stored = profile.iter().filter(|v| **v != 0.0).count();
    let max_entries = (n_predicted * stored + n_controls * profile.len()) as u64;
    let median_total = screen.median_total()?.unwrap_or(1.0);
    let normalisation = Normalisation::of(screen.scale, TargetSum::Median, median_total);
    let real = screen.blocks()?.map(|block| {
        let mut rows = kept(&block?, is_control);
        normalisation.apply_rows(&mut rows);
        Ok(rows)
    });
    let step = (BLOCK_ENTRIES / stored.max(1)).max(1);
    let predicted = (0..n_predicted).step_by(step).map(|at| Ok(alike(profile, step.min(n_predicted - at))));
    let obs = [(screen.pert_col.clone(), Column::Categories(labels))];
    let layout = RowsLayout { wide: false, gzip: true, max_entries };
    io::write_h5ad_rows::<IoError>(&args.output, &names, &obs, &screen.genes, layout, predicted.chain(real))?;
    Ok(n_controls)
}

/// The same row n times.
fn alike(profile: &[f32], n: usize) -> Csr<f32> {
    let mut rows = Csr::empty(profile.len());
    for _ in 0..n {
        rows.push_row((0..).zip(profile.iter().copied()).filter(|(_, v)| *v != 0.0));
    }
    rows
}

/// The wanted rows of a block.
fn kept(block: &CellBlock, wanted: impl Fn(usize) -> bool) -> Csr<f32> {
    let mut rows = Csr::empty(block.x.n_cols());
    for i in (0..block.x.n_rows()).filter(|i| wanted(block.first_cell + i)) {
        let (genes, values) = block.x.row(i);
        rows.push_row(genes.iter().copied().zip(values.iter().copied()));
    }
    rows
}
