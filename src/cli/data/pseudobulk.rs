//! `grn data pseudobulk`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::engine::{self, EngineArgs};
use crate::cli::args::ScreenArgs;
use crate::cli::error::CliError;
use crate::cli::plan::{self, Plan, Work};
use crate::cli::session::Session;
use crate::data::{Pseudobulk, Quantity};
use crate::error::{ExitStatus, Notice};
use crate::io::{check_control, open_screen, pseudobulk_of, read_table, write_pseudobulk};

/// Arguments of `grn data pseudobulk`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PseudobulkArgs {
    /// Screens: .h5ad files; several files over the same genes are merged
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Where the table goes (.h5ad)
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Keep the means of two random halves of the cells too
    #[arg(long)]
    pub(super) halves: bool,
    #[command(flatten)]
    pub(super) engine: EngineArgs,
    #[command(flatten)]
    pub(super) screen: ScreenArgs,
}

pub(super) fn run(args: PseudobulkArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    if args.output.exists() && !session.overwrite {
        let got = format!("`{}`, which exists", args.output.display());
        return Err(CliError::usage("--output", "a new file", got, Some("replace it with `--overwrite`".into())));
    }
    if !args.engine.is_local() {
        return engine::run(&args, session);
    }
    if session.dry_run {
        let works = args.files.iter().map(|file| Ok(Work::of(&plan::open(session, file, &args.screen)?)));
        let works = works.collect::<Result<Vec<Work>, CliError>>()?;
        let work = Work::joined(&works);
        let plan = work.sizes(Plan::new(format!("reduce {} files to one row per condition", works.len())));
        session.plan(&plan.writes(&args.output).costs(work.reduce(args.halves)))?;
        return Ok(ExitStatus::Done);
    }
    let (table, notices) = reduce(&args, session)?;
    for notice in &notices {
        session.printer.notice(notice);
    }
    write_pseudobulk(&args.output, &table)?;
    let cells: u64 = table.n_cells.iter().sum();
    let (conditions, genes, controls) = (table.conditions.len(), table.genes.len(), table.control_rows().len());
    let output = args.output.display();
    session.printer.result(
        || {
            json!({
                "output": args.output, "cells": cells, "conditions": conditions, "controls": controls, "genes": genes,
                "control": table.control_label, "quantity": table.quantity,
                "notices": notices,
            })
        },
        || format!("{output}: {conditions} conditions ({controls} of control) x {genes} genes from {cells} cells"),
    )?;
    Ok(ExitStatus::Done)
}

fn reduce(args: &PseudobulkArgs, session: &Session) -> Result<(Pseudobulk, Vec<Notice>), CliError> {
    let (screen_options, options) = (args.screen.options()?, args.screen.pseudobulk(args.halves, session.seed)?);
    let bar = session.printer.bar("cells", 1);
    let mut progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    if let [file] = &args.files[..] {
        let read = read_table(file, &screen_options, &options, &mut progress)?;
        return Ok((read.table, read.notices));
    }
    let mut screens = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let screen = open_screen(file, &screen_options)?;
        check_control(&screen)?;
        screens.push(screen);
    }
    let table = pseudobulk_of(&screens, &options, &mut progress)?;
    let named = |file: &PathBuf, n: Notice| Notice::new(format!("{}: {n}", file.display()));
    let notices = args.files.iter().zip(screens).flat_map(|(f, s)| s.notices.into_iter().map(move |n| named(f, n)));
    debug_assert_eq!(table.quantity, Quantity::Level);
    Ok((table, notices.collect()))
}
