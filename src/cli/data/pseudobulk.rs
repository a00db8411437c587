//! `grn data pseudobulk`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::engine::{self, EngineArgs};
use super::join::JoinArg;
use crate::cli::args::ScreenArgs;
use crate::cli::error::CliError;
use crate::cli::plan::{self, Plan, Work};
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::io::{Reduced, reduce_files};

/// Memory of a table that is made without `--memory`; a larger one is made in several passes.
const MEMORY: u64 = 4_000_000_000;

/// Arguments of `grn data pseudobulk`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PseudobulkArgs {
    /// Screens: any readable cells; several files are merged, opened one at a time
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Where the table goes (.h5ad)
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Genes of the table: those of all files, which must be the same (exact), those in all files (inner), or those in any
    /// (outer; zero where a file lacks one)
    #[arg(long, value_enum, default_value = "exact", value_name = "HOW")]
    pub(super) join: JoinArg,
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
    let works = args.files.iter().map(|file| Ok(Work::of(&plan::open(session, file, &args.screen)?)));
    if session.dry_run {
        let work = Work::joined(&works.collect::<Result<Vec<Work>, CliError>>()?);
        let plan = work.sizes(Plan::new(format!("reduce {} files to one row per condition", args.files.len())));
        session.plan(&plan.writes(&args.output).costs(work.reduce(args.halves)))?;
        return Ok(ExitStatus::Done);
    }
    let done = reduce(&args, session)?;
    done.notices.iter().for_each(|n| session.printer.notice(n));
    let Reduced { cells, conditions, controls, genes, quantity, control_label, passes, notices } = done;
    let output = args.output.display();
    session.printer.result(
        || {
            json!({
                "output": args.output, "cells": cells, "conditions": conditions, "controls": controls, "genes": genes,
                "control": control_label, "quantity": quantity, "passes": passes, "notices": notices,
            })
        },
        || {
            let passes = if passes > 1 { format!(", in {passes} passes") } else { String::new() };
            format!(
                "{output}: {conditions} conditions ({controls} of control) x {genes} genes from {cells} cells{passes}"
            )
        },
    )?;
    Ok(ExitStatus::Done)
}

fn reduce(args: &PseudobulkArgs, session: &Session) -> Result<Reduced, CliError> {
    let (screen, options) = (args.screen.options()?, args.screen.pseudobulk(args.halves, session.seed)?);
    let bar = session.printer.bar("cells", 1);
    let mut progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let memory = Some(session.memory.unwrap_or(MEMORY));
    Ok(reduce_files(&args.files, args.join.into(), &screen, &options, memory, &args.output, &mut progress)?)
}
