//! `grn plot screen`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::args::{ScreenArgs, ascending};
use super::super::error::CliError;
use super::super::score::read_cells;
use super::super::session::Session;
use super::save;
use crate::data::Scale;
use crate::error::ExitStatus;
use crate::io::{self, IoError, ScreenFile};
use crate::report::ScreenFigure;
use crate::score::{self, DeOptions};

/// Arguments of `grn plot screen`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn simulate -o s.h5ad && grn plot screen s.h5ad -o s.svg")]
pub(in crate::cli) struct ScreenFigureArgs {
    /// Cells with perturbation labels and controls
    screen: PathBuf,
    /// Folder with the truth of a simulated screen (default: the one beside the screen, where there is one)
    #[arg(long, value_name = "DIR")]
    truth: Option<PathBuf>,
    /// Draw a range of differentially expressed genes to compare with, for example 204,3053
    #[arg(long, value_name = "LEAST,MOST", value_parser = ascending)]
    deg_range: Option<[usize; 2]>,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

pub(super) fn run(args: ScreenFigureArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let file = io::open_screen(&args.screen, &args.screen_options.options()?)?;
    io::check_control(&file)?;
    let beside = args.screen.with_extension("truth");
    let truth = args.truth.clone().or_else(|| beside.is_dir().then_some(beside));
    let cells = read_cells(session, &args.screen, &args.screen_options, false)?;
    let table = score::differential_expression(&cells, &DeOptions::default())?;
    let mut counts = vec![0usize; cells.labels.len()];
    for row in table.rows().filter(|row| row.fdr < 0.05) {
        if let Some(k) = cells.labels.iter().position(|l| l == row.target) {
            counts[k] += 1;
        }
    }
    let moments = if file.scale == Scale::Counts { control_moments(&file, session)? } else { Vec::new() };
    let (genes, n_cells) = (file.genes.len(), file.n_cells());
    let scene = ScreenFigure {
        title: format!("{n_cells} cells, {genes} genes, {} perturbations", counts.len()),
        caption: format!(
            "Screen {}. Genes that change: Mann-Whitney test against the control cells, false discovery rate below 0.05.",
            args.screen.display()
        ),
        moments,
        dispersion: truth.as_deref().map(dispersion).transpose()?.flatten(),
        degrees: truth.as_deref().map(degrees).transpose()?,
        efficiency: efficiencies(&file)?,
        degs: counts,
        deg_range: args.deg_range.map(|range| (range, "to compare with".into())),
    }
    .scene()?;
    save(session, &args.output, &scene)
}

/// Mean and variance of each gene over the control cells, counts scaled to the mean total.
fn control_moments(file: &ScreenFile, session: &Session) -> Result<Vec<(f64, f64)>, CliError> {
    let bar = session.printer.bar("moments", file.n_cells() as u64);
    let (mut n, mut totals) = (0.0, 0.0);
    let mut sums = vec![(0.0, 0.0); file.genes.len()];
    for block in file.blocks()? {
        let block = block?;
        for row in 0..block.x.n_rows() {
            let condition = file.cells.of_cell[block.first_cell + row];
            let (genes, counts) = block.x.row(row);
            let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
            if total == 0.0 || !condition.is_some_and(|c| is_control(file, c)) {
                continue;
            }
            (n, totals) = (n + 1.0, totals + total);
            for (&gene, &count) in genes.iter().zip(counts) {
                let share = f64::from(count) / total;
                let (first, second) = &mut sums[gene as usize];
                (*first, *second) = (*first + share, *second + share * share);
            }
        }
        bar.inc(block.x.n_rows() as u64);
    }
    bar.finish_and_clear();
    let depth = totals / n;
    let moments = |&(first, second): &(f64, f64)| {
        let mean = first / n;
        (depth * mean, depth * depth * (second / n - mean * mean))
    };
    Ok(if n > 1.0 { sums.iter().map(moments).collect() } else { Vec::new() })
}

fn is_control(file: &ScreenFile, condition: u32) -> bool {
    file.cells.conditions[condition as usize].perturbation.is_control()
}

/// The column `efficiency` of the perturbed cells; nothing without it.
fn efficiencies(file: &ScreenFile) -> Result<Vec<f64>, CliError> {
    let Ok(column) = file.column("efficiency") else { return Ok(Vec::new()) };
    let mut values = Vec::new();
    for (text, condition) in column.iter().zip(&file.cells.of_cell) {
        if condition.is_none_or(|c| is_control(file, c)) {
            continue;
        }
        let number = text.parse::<f64>().ok().filter(|e| (0.0..=1.0).contains(e));
        values.push(
            number.ok_or_else(|| {
                IoError::format(&file.path, "obs/efficiency", "a number in 0..=1", format!("`{text}`"))
            })?,
        );
    }
    Ok(values)
}

/// Targets and regulators of each gene that has either, from `edges.tsv`.
fn degrees(truth: &Path) -> Result<(Vec<usize>, Vec<usize>), CliError> {
    let path = truth.join("edges.tsv");
    let text = std::fs::read_to_string(&path).map_err(|e| IoError::read(&path, e))?;
    let mut degrees = std::collections::BTreeMap::<&str, (usize, usize)>::new();
    for (k, line) in text.lines().enumerate().skip(1) {
        let mut fields = line.split('\t');
        let (Some(source), Some(target)) = (fields.next(), fields.next()) else {
            let got = format!("`{line}`");
            return Err(IoError::format(&path, format!("line {}", k + 1), "source and target", got).into());
        };
        degrees.entry(source).or_default().0 += 1;
        degrees.entry(target).or_default().1 += 1;
    }
    Ok(degrees.into_values().unzip())
}

/// The dispersion that `parameters.json` gives.
fn dispersion(truth: &Path) -> Result<Option<f64>, CliError> {
    let path = truth.join("parameters.json");
    let text = std::fs::read_to_string(&path).map_err(|e| IoError::read(&path, e))?;
    let bad = |e: serde_json::Error| IoError::format(&path, format!("line {}", e.line()), "JSON", e.to_string());
    let parameters: serde_json::Value = serde_json::from_str(&text).map_err(bad)?;
    Ok(parameters["options"]["observation"]["dispersion"].as_f64())
}
