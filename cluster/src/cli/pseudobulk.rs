//! `grn-cluster pseudobulk`.

use std::path::PathBuf;

use clap::Args;
use grn::data::{GeneIndex, Pseudobulk};
use grn::io::write_pseudobulk;
use grn_cluster::ClusterError;
use grn_cluster::engine::Engine;
use grn_cluster::table::{Answer, ask};
use serde_json::json;

use super::question::QuestionArgs;
use super::{print, say};

/// Arguments of `grn-cluster pseudobulk`.
#[derive(Debug, Args)]
pub(super) struct PseudobulkArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// Where the table goes (.h5ad)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What runs the plan: `datafusion` (this process) or `ballista://HOST:PORT`
    #[arg(long, default_value = "datafusion", value_name = "ENGINE", value_parser = |t: &str| t.parse::<Engine>())]
    engine: Engine,
    /// Label of the control (default: the label that begins with `DMSO` or is one of the usual names)
    #[arg(long, value_name = "LABEL")]
    control_pert: Option<String>,
    /// Replace the output
    #[arg(long)]
    overwrite: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: PseudobulkArgs) -> Result<(), ClusterError> {
    if args.output.exists() && !args.overwrite {
        let got = format!("`{}`, which exists", args.output.display());
        return Err(ClusterError::usage("--output", "a new file (or `--overwrite`)", got));
    }
    let limits = args.question.limits();
    if limits.memory.is_some() && args.engine != Engine::DataFusion {
        let expected = "the engine `datafusion` (executors have a `--memory` of their own)";
        return Err(ClusterError::usage("--memory", expected, format!("`{}`", args.engine)));
    }
    let (question, genes) = args.question.read()?;
    let session = args.engine.session(limits).await?;
    let answer = ask(&session, &question, &args.engine.to_string()).await?;
    let table = answer.table(&genes, args.control_pert.as_deref(), &question.pert_col)?;
    write_pseudobulk(&args.output, &table)?;
    genes.notices.iter().for_each(|notice| say(format!("notice: {notice}")));
    report(&args, &answer, &table, &genes.genes, question.files.len())
}

fn report(
    args: &PseudobulkArgs,
    answer: &Answer,
    table: &Pseudobulk,
    genes: &GeneIndex,
    files: usize,
) -> Result<(), ClusterError> {
    let (cells, conditions, controls) = (answer.n_cells(), table.conditions.len(), table.control_rows().len());
    if args.json {
        let target = if answer.target > 0.0 { json!(answer.target) } else { json!(null) };
        return print(json!({
            "output": args.output, "engine": args.engine.to_string(), "files": files, "cells": cells,
            "stored_values": answer.n_values(), "conditions": conditions, "controls": controls, "genes": genes.len(),
            "control": table.control_label, "quantity": table.quantity, "target_sum": target,
            "secs": { "median": answer.secs[0], "moments": answer.secs[1] },
        }));
    }
    let (output, genes) = (args.output.display(), genes.len());
    print(format!("{output}: {conditions} conditions ({controls} of control) x {genes} genes from {cells} cells"))
}
