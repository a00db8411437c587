//! `grn plot volcano`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::error::CliError;
use super::super::session::Session;
use super::save;
use crate::data::DataError;
use crate::error::ExitStatus;
use crate::io::IoError;
use crate::report::{VolcanoFigure, VolcanoGene};

/// Columns of a table of differential expression, as `grn de` and pdex write them.
const COLUMNS: [&str; 4] = ["target", "feature", "log2_fold_change", "fdr"];

/// Arguments of `grn plot volcano`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn de screen.h5ad -o de.csv && grn plot volcano de.csv --pert STAT1 -o stat1.svg")]
pub(in crate::cli) struct VolcanoArgs {
    /// Table of differential expression (CSV or TSV: target, feature, log2_fold_change, fdr)
    table: PathBuf,
    /// Perturbation, as the column `target` has it
    #[arg(long, value_name = "LABEL")]
    pert: String,
    /// Genes with a smaller adjusted p-value are coloured
    #[arg(long, default_value_t = 0.05, value_name = "P")]
    fdr: f64,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: VolcanoArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let genes = read_genes(&args.table, &args.pert)?;
    let figure = VolcanoFigure::new(&args.pert, genes, args.fdr)?.caption(format!("Table {}.", args.table.display()));
    save(session, &args.output, &figure.scene())
}

/// The rows of one perturbation.
fn read_genes(path: &Path, perturbation: &str) -> Result<Vec<VolcanoGene>, CliError> {
    let text = std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?;
    let tabs = text.lines().next().is_some_and(|l| l.contains('\t'));
    let mut reader = csv::ReaderBuilder::new().delimiter(if tabs { b'\t' } else { b',' }).from_reader(text.as_bytes());
    let bad = |line: usize, e: &dyn std::fmt::Display| {
        IoError::format(path, format!("line {line}"), "a row of a CSV table", e.to_string())
    };
    let header = reader.headers().map_err(|e| bad(1, &e))?.clone();
    let at = COLUMNS.map(|c| header.iter().position(|h| h == c));
    let [Some(target), Some(feature), Some(change), Some(fdr)] = at else {
        return Err(missing_column(path, &header, at).into());
    };
    let (mut genes, mut others) = (Vec::new(), Vec::new());
    for (k, row) in reader.records().enumerate() {
        let row = row.map_err(|e| bad(k + 2, &e))?;
        let label = &row[target];
        if label != perturbation {
            others.push(label.to_owned());
            continue;
        }
        let number = |column: usize| {
            let expected = || {
                IoError::format(
                    path,
                    format!("line {}, column {}", k + 2, &header[column]),
                    "a number",
                    format!("`{}`", &row[column]),
                )
            };
            row[column].trim().parse::<f64>().map_err(|_| expected())
        };
        genes.push(VolcanoGene { gene: row[feature].to_owned(), log2_fold_change: number(change)?, fdr: number(fdr)? });
    }
    if genes.is_empty() {
        others.sort();
        others.dedup();
        let suggestions = crate::data::suggest(perturbation, others.iter().map(String::as_str));
        return Err(DataError::UnknownPerturbation { label: perturbation.to_owned(), suggestions }.into());
    }
    Ok(genes)
}

fn missing_column(path: &Path, header: &csv::StringRecord, at: [Option<usize>; 4]) -> IoError {
    let missing = COLUMNS.iter().zip(at).find(|(_, at)| at.is_none()).map_or("", |(c, _)| c);
    IoError::MissingColumn {
        path: path.to_owned(),
        column: missing.to_owned(),
        expected: COLUMNS.map(|c| format!("`{c}`")).join(", "),
        found: crate::error::some_of(header.iter(), 12),
        hint: Some("`grn de SCREEN.h5ad -o de.csv` writes such a table".into()),
    }
}
