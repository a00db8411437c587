//! `--cells`: predicted cells from real control cells.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{Format, PredictArgs, Predicted};
use crate::cli::args::{ScaleArg, ScreenArgs};
use crate::cli::error::CliError;
use crate::cli::load::LoadedRun;
use crate::cli::session::Session;
use crate::config::Settings;
use crate::data::{Csr, DataError, Scale, Screen, TargetSum, median};
use crate::error::ExitStatus;
use crate::io::{self, Column, IoError, RowsLayout, ScreenFile, StreamedCells};
use crate::predict::{ControlCells, counts_of_log1p};
use crate::simulate;

/// Control cells with what is written beside them.
struct Controls {
    cells: ControlCells,
    names: Vec<String>,
    batch: Vec<Option<Arc<str>>>,
    /// Label of the control.
    label: String,
    /// Scale in which cells are written.
    scale: Scale,
}

/// Draws and writes the cells.
pub(super) fn write(
    session: &Session,
    args: &PredictArgs,
    run: &LoadedRun,
    predicted: &[Predicted],
    n: usize,
    format: Format,
) -> Result<ExitStatus, CliError> {
    let (Some(path), Format::H5ad | Format::Vcc) = (&args.output, format) else {
        let hint = Some("add `-o cells.h5ad` or `-o cells.vcc`".to_owned());
        return Err(CliError::usage("--cells", "a file ending in .h5ad or .vcc", "another", hint));
    };
    let controls = read(session, args, run)?;
    check_genes(run, &controls)?;
    let challenge = format == Format::Vcc;
    let bar = session.printer.bar("drawing cells", predicted.len() as u64);
    let with_controls = args.with_controls || challenge;
    let rows = Rows { controls: &controls, predicted, n, seed: session.seed, with_controls, log1p: challenge };
    let blocks = rows.blocks(|| bar.inc(1));
    if challenge {
        let (names, obs) = (rows.names(), vec![("target_gene".to_owned(), Column::Categories(rows.labels()))]);
        let max_entries = names.len() as u64 * run.genes.len() as u64;
        let layout = RowsLayout { wide: false, gzip: false, max_entries };
        io::write_vcc(path, |h5ad| io::write_h5ad_rows::<IoError>(h5ad, &names, &obs, &run.genes, layout, blocks))?;
    } else {
        rows.write_h5ad(path, run, blocks)?;
    }
    bar.finish_and_clear();
    let total = rows.labels().len();
    let text = || format!("{total} cells of {} perturbations written to {}", predicted.len(), path.display());
    let scale = if challenge { Scale::Log1p } else { controls.scale };
    if session.printer.json {
        session.printer.data(format!("{:#}", json!({ "output": path, "cells": total, "scale": scale })))?;
    } else {
        session.printer.say(text());
    }
    Ok(ExitStatus::Done)
}

/// The cells of a file, block by block: the controls first where they are asked for.
struct Rows<'a> {
    controls: &'a Controls,
    predicted: &'a [Predicted],
    n: usize,
    seed: u64,
    with_controls: bool,
    /// Write log1p whatever the scale of the screen.
    log1p: bool,
}

impl Rows<'_> {
    fn n_controls(&self) -> usize {
        if self.with_controls { self.controls.names.len() } else { 0 }
    }

    fn labels(&self) -> Vec<String> {
        let controls = std::iter::repeat_n(self.controls.label.clone(), self.n_controls());
        let cells = self.predicted.iter().flat_map(|p| std::iter::repeat_n(p.perturbation.to_string(), self.n));
        controls.chain(cells).collect()
    }

    fn names(&self) -> Vec<String> {
        let controls = self.controls.names.iter().take(self.n_controls()).map(|name| format!("control_{name}"));
        let number = |k: usize, p: &Predicted| {
            let label = p.perturbation.to_string();
            (0..self.n).map(move |i| format!("{label}_{k}_{i}")).collect::<Vec<_>>()
        };
        controls.chain(self.predicted.iter().enumerate().flat_map(|(k, p)| number(k, p))).collect()
    }

    fn blocks(&self, done: impl Fn()) -> impl Iterator<Item = Result<Csr<f32>, IoError>> {
        let finished = |mut x: Csr<f32>| {
            if self.log1p || self.controls.scale == Scale::Log1p {
                self.controls.cells.normalisation().apply_rows(&mut x);
            }
            Ok(x)
        };
        let controls = self.with_controls.then(|| self.controls.cells.counts().clone()).into_iter();
        let cells = self.predicted.iter().enumerate().map(move |(k, p)| {
            done();
            self.controls.cells.draw(ndarray::ArrayView1::from(&p.delta), self.n, self.seed, k as u64).counts
        });
        controls.chain(cells).map(finished)
    }

    /// `target_gene`, `drawn_from` (the control cell) and, where known, `batch`.
    fn write_h5ad(
        &self,
        path: &Path,
        run: &LoadedRun,
        blocks: impl Iterator<Item = Result<Csr<f32>, IoError>>,
    ) -> Result<(), CliError> {
        // The same draws as those of the blocks, for their sources alone.
        let sources = self.predicted.iter().enumerate();
        let drawn = sources.flat_map(|(k, _)| self.controls.cells.sources(self.n, self.seed, k as u64));
        let from: Vec<usize> = (0..self.n_controls()).chain(drawn).collect();
        let mut obs = vec![
            ("target_gene".to_owned(), Column::Categories(self.labels())),
            (
                "drawn_from".to_owned(),
                Column::Strings(from.iter().map(|&cell| self.controls.names[cell].clone()).collect()),
            ),
        ];
        if self.controls.batch.iter().any(Option::is_some) {
            let batch =
                |&cell: &usize| self.controls.batch[cell].as_ref().map_or_else(String::new, ToString::to_string);
            obs.push(("batch".to_owned(), Column::Categories(from.iter().map(batch).collect())));
        }
        let uns = json!({ "grn": {
            "version": env!("CARGO_PKG_VERSION"), "model": run.manifest.model, "seed": self.seed,
            "cells": "predicted from control cells",
        } });
        let uns = uns.as_object().cloned().unwrap_or_default();
        let names = self.names();
        let cells = StreamedCells { obs_names: &names, obs: &obs, genes: &run.genes, var: &[], layers: &[], uns: &uns };
        Ok(io::write_h5ad_stream::<IoError>(path, &cells, blocks.map(|block| Ok(vec![block?])))?)
    }
}

/// The control cells named, else those of the screen of the run, else of the embedded screen.
fn read(session: &Session, args: &PredictArgs, run: &LoadedRun) -> Result<Controls, CliError> {
    let text = std::fs::read_to_string(run.dir.config()).unwrap_or_default();
    let settings: Settings = toml::from_str(&text).unwrap_or_default();
    let data = settings.data;
    if args.controls.is_none() && data.screen.is_none() {
        let screen = simulate::demo(run.manifest.seed)?.screen;
        let cells = of_screen(&screen);
        let n = cells.counts().n_rows();
        let names = (0..n).map(|i| i.to_string()).collect();
        let label = run.manifest.control_label.clone();
        return Ok(Controls { cells, names, batch: vec![None; n], label, scale: Scale::Counts });
    }
    // What is known of the screen of the run need not hold for another file.
    let own = args.controls.is_none() || args.controls == data.screen;
    let known = ScreenArgs {
        preset: data.preset.filter(|_| own),
        pert_col: data.pert_col.filter(|_| own),
        control_pert: data.control_pert.filter(|_| own),
        celltype_col: None,
        batch_col: data.batch_col.filter(|_| own),
        scale: data.scale.filter(|_| own).map(|s| if s == "counts" { ScaleArg::Counts } else { ScaleArg::Log1p }),
        target_sum: data.target_sum.clone(),
        aliases: data.aliases,
        gene_metadata: data.gene_metadata,
    };
    let path = args.controls.clone().or(data.screen).unwrap_or_default();
    let screen = io::open_screen(&path, &known.options()?)?;
    if screen.is_table {
        let hint = Some("name the cells with `--controls screen.h5ad`".to_owned());
        let what = format!("--cells with `{}`", path.display());
        return Err(CliError::usage(what, "a screen of cells", "a table of conditions", hint));
    }
    io::check_control(&screen)?;
    session.printer.say(format!("drawing control cells of {}", path.display()));
    of_file(&screen, known.pseudobulk(false, 0)?.target_sum)
}

/// The control cells of a file.
fn of_file(screen: &ScreenFile, target: TargetSum) -> Result<Controls, CliError> {
    let is_control = |cell: usize| {
        screen.cells.of_cell[cell].is_some_and(|c| screen.cells.conditions[c as usize].perturbation.is_control())
    };
    let (mut x, mut batch, mut names) = (Csr::empty(screen.genes.len()), Vec::new(), Vec::new());
    for block in screen.blocks()? {
        let block = block?;
        for row in (0..block.x.n_rows()).filter(|row| is_control(block.first_cell + row)) {
            let (genes, values) = block.x.row(row);
            x.push_row(genes.iter().copied().zip(values.iter().copied()));
            let condition = screen.cells.of_cell[block.first_cell + row].map(|c| c as usize);
            batch.push(condition.and_then(|c| screen.cells.conditions[c].batch.clone()));
            names.push((block.first_cell + row).to_string());
        }
    }
    let (counts, target, median_total) = match (screen.scale, target) {
        (Scale::Counts, TargetSum::Median) => (x, target, screen.median_total()?.unwrap_or(1.0)),
        (Scale::Counts, _) => (x, target, 1.0),
        (Scale::Log1p, _) => {
            let Some((counts, total)) = counts_of_log1p(&x) else {
                let hint = "give the same cells as counts with `--controls FILE`";
                let what = format!("control cells of `{}`", screen.path.display());
                let got = "log1p values that are no multiples of one molecule in each cell";
                return Err(CliError::usage(what, "counts, or log1p of scaled counts", got, Some(hint.into())));
            };
            (counts, TargetSum::Fixed(total), total)
        }
    };
    let cells = ControlCells::new(Arc::clone(&screen.genes), counts, &batch, target, median_total);
    let label = screen.control_label.clone().unwrap_or_else(|| "non-targeting".into());
    Ok(Controls { cells, names, batch, label, scale: screen.scale })
}

/// The control cells of a screen of counts in memory, scaled to the median total of its cells.
pub(in crate::cli) fn of_screen(screen: &Screen) -> ControlCells {
    let x = &screen.expression.x;
    let mut totals: Vec<f64> = (0..x.n_rows()).map(|i| x.row(i).1.iter().map(|&v| f64::from(v)).sum()).collect();
    let median = median(&mut totals).unwrap_or(1.0);
    let is_control = |c: u32| screen.cells.conditions[c as usize].perturbation.is_control();
    let mut counts = Csr::empty(x.n_cols());
    for (cell, _) in screen.cells.of_cell.iter().enumerate().filter(|(_, c)| c.is_some_and(is_control)) {
        let (genes, values) = x.row(cell);
        counts.push_row(genes.iter().copied().zip(values.iter().copied()));
    }
    let batch = vec![None; counts.n_rows()];
    ControlCells::new(Arc::clone(screen.genes()), counts, &batch, TargetSum::Median, median)
}

fn check_genes(run: &LoadedRun, controls: &Controls) -> Result<(), CliError> {
    if run.genes.names() == controls.cells.genes().names() {
        return Ok(());
    }
    Err(DataError::GeneMismatch {
        what: "control cells",
        left: "the run".into(),
        right: "the control cells".into(),
        expected: run.genes.len(),
        got: controls.cells.genes().len(),
    }
    .into())
}
