//! `grn score prep`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::plan::{Plan, Work};
use crate::cli::session::Session;
use crate::data::{Csr, GeneIndex, Normalisation, Scale, median};
use crate::error::{ExitStatus, Notice, some_of};
use crate::io::{self, Column, IoError, RowsLayout, ScreenFile, ScreenOptions};

/// log1p values must be smaller, as cell-eval asks.
const TOO_LARGE: f32 = 15.0;
/// A larger fractional part makes values log1p, as in cell-eval.
const WHOLE: f32 = 1e-3;
/// The columns of a challenge file.
const PERT_COL: &str = "target_gene";
const CELLTYPE_COL: &str = "celltype";

/// Arguments of `grn score prep`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn score prep predicted.h5ad --genes gene_names.csv -o predicted.vcc
  grn score prep predicted.h5ad --expected-genes -1 -o predicted.vcc")]
pub(in crate::cli) struct PrepArgs {
    /// Predicted cells with control cells
    pred: PathBuf,
    /// Challenge file to write (.vcc)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Genes in their order: first column of a CSV without header; cells are reordered to it
    #[arg(long, value_name = "FILE")]
    genes: Option<PathBuf>,
    /// Number of genes the file must have where no list is given; -1 for any
    #[arg(long, default_value_t = 18_080, allow_negative_numbers = true, value_name = "N")]
    expected_genes: i64,
    /// Number of cells the file may have; -1 for any
    #[arg(long, default_value_t = 200_000, allow_negative_numbers = true, value_name = "N")]
    max_cells: i64,
    /// Bits of a stored value; values are computed with 32 bits
    #[arg(long, default_value = "32", value_parser = ["32", "64"], value_name = "BITS")]
    encoding: String,
    /// Column of the perturbation (default: detected)
    #[arg(long, value_name = "COLUMN")]
    pert_col: Option<String>,
    /// Label of the control (default: detected)
    #[arg(long, value_name = "LABEL")]
    control_pert: Option<String>,
    /// Column of the cell type, kept as `celltype` (default: none)
    #[arg(long, value_name = "COLUMN")]
    celltype_col: Option<String>,
}

pub(super) fn run(args: PrepArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    super::new_output(session, &args.output)?;
    let screen = open(&args)?;
    screen.notices.iter().for_each(|n| session.printer.notice(n));
    let order = gene_order(&args, &screen, session)?;
    check_size(&args, &screen)?;
    let obs = annotation(&args, &screen)?;
    if session.plans() {
        let work = Work::of(&screen);
        if session
            .plan(&work.sizes(Plan::new("check the cells and write them")).writes(&args.output).costs(work.copy()))?
        {
            return Ok(ExitStatus::Done);
        }
    }
    let bar = session.printer.bar("cells", 2 * screen.n_cells() as u64);
    let survey = Survey::of(&screen, |cells| bar.inc(cells))?;
    let scale = survey.scale(&args.pred)?;
    let normalisation = match scale {
        Scale::Counts => Normalisation::To(survey.median_total()),
        Scale::Log1p => Normalisation::AsIs,
    };
    let layout = RowsLayout { wide: args.encoding == "64", gzip: false, max_entries: survey.entries };
    let names: Vec<String> = (0..screen.n_cells()).map(|i| i.to_string()).collect();
    let rows = screen.blocks()?.map(|block| {
        let mut x = block?.x;
        bar.inc(x.n_rows() as u64);
        normalisation.apply_rows(&mut x);
        Ok(match &order {
            Some(order) => reordered(&x, &order.position),
            None => x,
        })
    });
    let genes = order.as_ref().map_or(&*screen.genes, |order| &order.genes);
    io::write_vcc(&args.output, |h5ad| io::write_h5ad_rows::<IoError>(h5ad, &names, &obs, genes, layout, rows))?;
    bar.finish_and_clear();
    report(&args, session, &screen, scale, order.is_some())
}

fn report(
    args: &PrepArgs,
    session: &Session,
    screen: &ScreenFile,
    scale: Scale,
    reordered: bool,
) -> Result<ExitStatus, CliError> {
    let (cells, genes, labels) = (screen.n_cells(), screen.genes.len(), screen.labels.len());
    session.printer.result(
        || {
            json!({
                "output": args.output, "cells": cells, "genes": genes, "labels": labels,
                "control": screen.control_label, "scale": scale, "genes_reordered": reordered,
            })
        },
        || format!("{}: {cells} cells of {labels} labels x {genes} genes, log1p", args.output.display()),
    )?;
    Ok(ExitStatus::Done)
}

/// The cells with their labels; there must be a control, and the values must be those of `X`.
fn open(args: &PrepArgs) -> Result<ScreenFile, CliError> {
    let file = io::open_cells(&args.pred, None)?;
    if let Some(name) = file.matrix_name.as_deref().filter(|n| n.starts_with("layers") || n.starts_with("raw")) {
        let got = format!("no such values there, but a matrix in `{name}`");
        return Err(IoError::format(&args.pred, "`X`", "counts or log1p values, none below 0", got).into());
    }
    let options = ScreenOptions {
        pert_col: args.pert_col.clone(),
        control: args.control_pert.clone(),
        celltype_col: args.celltype_col.clone(),
        ..ScreenOptions::default()
    };
    let screen = io::label_cells(file, &options)?;
    screen.cells.controls().map_err(IoError::data(&args.pred))?;
    Ok(screen)
}

/// Numbers of genes and cells.
fn check_size(args: &PrepArgs, screen: &ScreenFile) -> Result<(), CliError> {
    let (cells, genes) = (screen.n_cells(), screen.genes.len());
    let what = |of: &str| format!("{of} of `{}`", args.pred.display());
    if args.genes.is_none() && args.expected_genes >= 0 && genes as i64 != args.expected_genes {
        let hint = "say how many with `--expected-genes N` (-1 for any), or list them with `--genes FILE`";
        return Err(CliError::usage(
            what("genes"),
            args.expected_genes.to_string(),
            genes.to_string(),
            Some(hint.into()),
        ));
    }
    if args.max_cells >= 0 && cells as i64 > args.max_cells {
        let hint = "take fewer cells of each label, or lift the limit with `--max-cells -1`";
        let expected = format!("at most {}", args.max_cells);
        return Err(CliError::usage(what("cells"), expected, cells.to_string(), Some(hint.into())));
    }
    Ok(())
}

/// The genes in another order than that of the file.
struct Order {
    genes: GeneIndex,
    /// New position of each gene of the file.
    position: Vec<u32>,
}

/// The order of the list, where there is one and it differs from that of the file.
fn gene_order(args: &PrepArgs, screen: &ScreenFile, session: &Session) -> Result<Option<Order>, CliError> {
    let Some(path) = &args.genes else { return Ok(None) };
    let names = io::read_gene_list(path)?;
    let wanted = GeneIndex::new(&names).map_err(IoError::data(path))?;
    if args.expected_genes >= 0 && args.expected_genes as usize != wanted.len() {
        let text = format!("`{}` lists {} genes, not {}", path.display(), wanted.len(), args.expected_genes);
        session.printer.notice(&Notice::new(text));
    }
    let lacks = |a: &GeneIndex, b: &GeneIndex| -> Vec<String> {
        a.names().iter().filter(|name| b.id(name).is_none()).map(ToString::to_string).collect()
    };
    let (missing, extra) = (lacks(&wanted, &screen.genes), lacks(&screen.genes, &wanted));
    if !missing.is_empty() || !extra.is_empty() {
        let list = |names: &[String]| if names.is_empty() { "none".into() } else { some_of(names, 5) };
        let got =
            format!("{} missing ({}) and {} others ({})", missing.len(), list(&missing), extra.len(), list(&extra));
        let hint =
            Some("predict exactly the listed genes; a gene without prediction may keep its control value".into());
        let expected = format!("the {} genes of `{}`", wanted.len(), path.display());
        return Err(CliError::usage(format!("genes of `{}`", args.pred.display()), expected, got, hint));
    }
    let position: Vec<u32> =
        screen.genes.names().iter().filter_map(|n| wanted.id(n)).map(|g| g.index() as u32).collect();
    if position.iter().zip(0..).all(|(&new, old)| new == old) {
        return Ok(None);
    }
    session.printer.notice(&Notice::new(format!("genes are put in the order of `{}`", path.display())));
    Ok(Some(Order { genes: wanted, position }))
}

/// Labels and cell types, one per cell.
fn annotation(args: &PrepArgs, screen: &ScreenFile) -> Result<Vec<(String, Column)>, CliError> {
    let labels = screen.column(&screen.pert_col)?;
    if let Some(cell) = labels.iter().position(String::is_empty) {
        let column = format!("column `{}`", screen.pert_col);
        return Err(
            IoError::format(&args.pred, column, "a label for every cell", format!("none for cell {cell}")).into()
        );
    }
    let mut obs = vec![(PERT_COL.to_owned(), Column::Categories(labels))];
    if let Some(column) = &args.celltype_col {
        obs.push((CELLTYPE_COL.to_owned(), Column::Categories(screen.column(column)?)));
    }
    Ok(obs)
}

/// What a first pass over all values learns.
#[derive(Debug, Default)]
struct Survey {
    entries: u64,
    largest: f32,
    fractions: bool,
    totals: Vec<f64>,
}

impl Survey {
    fn of(screen: &ScreenFile, mut done: impl FnMut(u64)) -> Result<Self, CliError> {
        let mut survey = Self::default();
        for block in screen.blocks()? {
            let x = block?.x;
            survey.entries += x.nnz() as u64;
            survey.largest = x.data().iter().copied().fold(survey.largest, f32::max);
            survey.fractions |= x.data().iter().any(|v| v.fract() > WHOLE);
            survey.totals.extend((0..x.n_rows()).map(|i| x.row(i).1.iter().map(|&v| f64::from(v)).sum::<f64>()));
            done(x.n_rows() as u64);
        }
        Ok(survey)
    }

    /// Fractions make values log1p, which must be below 15.
    fn scale(&self, path: &Path) -> Result<Scale, CliError> {
        if !self.fractions {
            return Ok(Scale::Counts);
        }
        if self.largest < TOO_LARGE {
            return Ok(Scale::Log1p);
        }
        let hint = Some("give whole counts, or log1p of counts scaled to one total; never both in one file".into());
        let got = format!("values with fractions up to {}", self.largest);
        Err(CliError::usage(
            format!("values of `{}`", path.display()),
            "whole counts, or log1p values below 15",
            got,
            hint,
        ))
    }

    /// The median over the cells that have counts.
    fn median_total(&self) -> f64 {
        let mut positive: Vec<f64> = self.totals.iter().copied().filter(|&t| t > 0.0).collect();
        median(&mut positive).unwrap_or(1.0)
    }
}

/// Columns moved to new positions.
fn reordered(x: &Csr<f32>, position: &[u32]) -> Csr<f32> {
    let mut out = Csr::empty(x.n_cols());
    for i in 0..x.n_rows() {
        let (columns, values) = x.row(i);
        let mut row: Vec<(u32, f32)> =
            columns.iter().map(|&j| position[j as usize]).zip(values.iter().copied()).collect();
        row.sort_unstable_by_key(|entry| entry.0);
        out.push_row(row);
    }
    out
}
