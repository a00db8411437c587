//! `grn data check`.

mod text;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::knockdown::{OnTarget, on_target, targets};
use crate::cli::args::{PriorArgs, ScreenArgs};
use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::cli::session::Session;
use crate::data::{DataError, Pseudobulk, Quantity, Scale, TargetSum};
use crate::error::{ExitStatus, Notice};
use crate::io::{
    CellFile, IoError, PriorOptions, ScreenFile, ScreenOptions, check_control, label_cells, open_cells, read_priors,
    read_table,
};

/// Arguments of `grn data check`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// Cells or a table: .h5ad, 10x .h5, a 10x folder or a .mtx file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Look at labels and at a sample of the values only, not at every cell
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    prior: PriorArgs,
}

/// What was found. Fields are absent where the file does not get that far.
#[derive(Debug, Default, Serialize)]
struct Report {
    file: PathBuf,
    format: String,
    cells: usize,
    genes: usize,
    matrix: Option<String>,
    /// `cells`, or `table` for one row per perturbation.
    rows: Option<&'static str>,
    quantity: Option<Quantity>,
    scale: Option<Scale>,
    scale_evidence: Option<String>,
    median_umi: Option<f64>,
    pert_col: Option<String>,
    control: Option<String>,
    control_cells: Option<u64>,
    conditions: Option<usize>,
    perturbations: Option<usize>,
    pairs: Option<usize>,
    median_cells_per_perturbation: Option<u64>,
    targets: Option<usize>,
    /// Single-gene perturbations whose target is among the genes.
    targets_measured: Option<usize>,
    knockdown_visible: Option<usize>,
    target_up: Option<usize>,
    on_target: Vec<OnTarget>,
    targets_not_among_genes: Vec<String>,
    repeated_gene_names: Vec<String>,
    prior: Option<Coverage>,
    notices: Vec<Notice>,
    problems: Vec<String>,
    usable: bool,
}

/// How much of the screen the priors know.
#[derive(Debug, Serialize)]
struct Coverage {
    genes: usize,
    edges: usize,
    targets_covered: usize,
    targets_without_edge: Vec<String>,
    genes_covered: usize,
}

pub(super) fn run(args: CheckArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let options = args.screen.options()?;
    let file = open_cells(&args.file, options.aliases.as_deref())?;
    if session.dry_run {
        let (cells, genes) = (file.n_cells, file.genes.len());
        let plan =
            Plan::new(format!("read and check `{}`", args.file.display())).size("cells", cells).size("genes", genes);
        session.plan(&plan)?;
        return Ok(ExitStatus::Done);
    }
    let mut report = Report {
        file: args.file.clone(),
        format: file.format.into(),
        cells: file.n_cells,
        genes: file.genes.len(),
        matrix: file.matrix_name.clone(),
        repeated_gene_names: file.repeated_genes.clone(),
        ..Report::default()
    };
    report.look(file, &options, &args, session)?;
    report.usable = report.problems.is_empty();
    session.printer.result(|| serde_json::to_value(&report).unwrap_or_default(), || report.text())?;
    if !session.printer.json {
        report.notices.iter().for_each(|notice| session.printer.notice(notice));
    }
    Ok(if report.usable { ExitStatus::Done } else { ExitStatus::CheckFailed })
}

impl Report {
    /// Goes as far as the file allows; what stops it becomes a problem.
    fn look(
        &mut self,
        file: CellFile,
        options: &ScreenOptions,
        args: &CheckArgs,
        session: &Session,
    ) -> Result<(), CliError> {
        self.notices.clone_from(&file.notices);
        match file.guess_scale() {
            Ok(guess) => {
                self.scale = Some(options.scale.unwrap_or(guess.scale));
                self.scale_evidence = Some(guess.evidence);
            }
            Err(error) => self.stop(error)?,
        }
        if self.problems.is_empty() {
            match self.measure(file, options, args, session) {
                Err(CliError::Io(error)) => self.stop(error)?,
                Err(error) => return Err(error),
                Ok(Some(table)) => self.targets(&table, args)?,
                Ok(None) => {}
            }
        }
        Ok(())
    }

    /// Notes why the file cannot be used. What no other option could mend is an error of the command instead.
    fn stop(&mut self, error: IoError) -> Result<(), CliError> {
        let hint = match &error {
            IoError::System { .. } | IoError::Hdf5 { .. } => return Err(error.into()),
            IoError::MissingColumn { hint, .. } => hint.clone(),
            IoError::Data { source: DataError::NoControl { .. }, .. } => {
                Some("name the control with `--control-pert LABEL`".into())
            }
            _ => None,
        };
        self.problems.push(hint.map_or_else(|| error.to_string(), |hint| format!("{error}\n  {hint}")));
        Ok(())
    }

    /// The table of the cells; none where only labels are looked at.
    fn measure(
        &mut self,
        file: CellFile,
        options: &ScreenOptions,
        args: &CheckArgs,
        session: &Session,
    ) -> Result<Option<Pseudobulk>, CliError> {
        let screen = label_cells(file, options)?;
        self.notices.clone_from(&screen.notices);
        self.labels(&screen);
        if args.quick {
            return if screen.is_table { Ok(None) } else { Ok(check_control(&screen).map(|()| None)?) };
        }
        let mut pseudobulk = args.screen.pseudobulk(false, session.seed)?;
        let bar = session.printer.bar("cells", screen.n_cells() as u64);
        let mut progress = |done: u64, all: u64| {
            bar.set_length(all);
            bar.set_position(done);
        };
        if screen.is_table {
            let read = read_table(&args.file, options, &pseudobulk, &mut progress)?;
            (self.scale, self.quantity) = (None, Some(read.table.quantity));
            self.notices = read.notices;
            return Ok(Some(read.table));
        }
        check_control(&screen)?;
        if screen.scale == Scale::Counts {
            self.median_umi = screen.median_total()?;
            if let (TargetSum::Median, Some(median)) = (pseudobulk.target_sum, self.median_umi) {
                pseudobulk.target_sum = TargetSum::Fixed(median);
            }
        }
        Ok(Some(screen.without_context().pseudobulk(&pseudobulk, &mut progress)?))
    }

    fn labels(&mut self, screen: &ScreenFile) {
        let cells = &screen.cells;
        let counts = cells.counts();
        let rows = |control: bool| {
            let is = move |&i: &usize| cells.conditions[i].perturbation.is_control() == control;
            (0..counts.len()).filter(is)
        };
        let perturbations: BTreeSet<_> = rows(false).map(|i| &cells.conditions[i].perturbation).collect();
        self.rows = Some(if screen.is_table { "table" } else { "cells" });
        self.pert_col = Some(screen.pert_col.clone());
        self.control.clone_from(&screen.control_label);
        self.control_cells = Some(rows(true).map(|i| counts[i]).sum());
        self.conditions = Some(counts.len());
        self.perturbations = Some(perturbations.len());
        self.pairs = Some(perturbations.iter().filter(|p| p.targets().len() == 2).count());
        let mut sizes: Vec<u64> = rows(false).map(|i| counts[i]).collect();
        sizes.sort_unstable();
        self.median_cells_per_perturbation = sizes.get(sizes.len() / 2).copied().filter(|_| !screen.is_table);
    }

    fn targets(&mut self, table: &Pseudobulk, args: &CheckArgs) -> Result<(), CliError> {
        let targets = targets(table.conditions.iter().map(|c| &c.perturbation));
        if targets.is_empty() {
            self.problems.push("every row is a control: there is no perturbation to learn from".into());
        }
        self.on_target = on_target(table);
        let count = |change: &str| self.on_target.iter().filter(|t| t.change == change).count();
        if table.quantity == Quantity::Level {
            self.targets_measured = Some(self.on_target.len());
            (self.knockdown_visible, self.target_up) = (Some(count("down")), Some(count("up")));
        }
        self.targets_not_among_genes = targets.iter().filter(|t| table.genes.resolve(t).is_none()).cloned().collect();
        self.targets = Some(targets.len());
        self.prior = self.coverage(table, &targets, args)?;
        Ok(())
    }

    fn coverage(
        &mut self,
        table: &Pseudobulk,
        targets: &[String],
        args: &CheckArgs,
    ) -> Result<Option<Coverage>, CliError> {
        if args.prior.priors.is_empty() {
            return Ok(None);
        }
        let options = PriorOptions {
            min_score: args.prior.min_score,
            aliases: args.screen.aliases.clone(),
            ..Default::default()
        };
        let read = read_priors(&args.prior.priors, &options)?;
        self.notices.extend(read.notices);
        let known = read.graph.genes();
        let without: Vec<String> = targets.iter().filter(|t| known.resolve(t).is_none()).cloned().collect();
        if without.len() == targets.len() {
            self.problems.push("no perturbed gene is in the prior: are its genes named by symbols?".into());
        }
        Ok(Some(Coverage {
            genes: read.graph.n_genes(),
            edges: read.graph.n_edges(),
            targets_covered: targets.len() - without.len(),
            targets_without_edge: without,
            genes_covered: table.genes.names().iter().filter(|gene| known.resolve(gene).is_some()).count(),
        }))
    }
}
