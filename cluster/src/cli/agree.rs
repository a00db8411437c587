//! `grn-cluster agree`.

use clap::Args;
use grn_cluster::ClusterError;
use grn_cluster::engine::Engine;
use grn_cluster::table::ask;
use serde_json::json;

use super::print;
use super::question::QuestionArgs;

/// Arguments of `grn-cluster agree`.
#[derive(Debug, Args)]
pub(super) struct AgreeArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// The second engine; the first is `datafusion` in this process
    #[arg(long, value_name = "ENGINE", value_parser = |t: &str| t.parse::<Engine>())]
    engine: Engine,
    /// Largest difference that is no disagreement
    #[arg(long, value_name = "X", default_value_t = 1e-9)]
    tolerance: f64,
}

pub(super) async fn run(args: AgreeArgs) -> Result<(), ClusterError> {
    let (question, _) = args.question.read()?;
    let limits = args.question.limits();
    let mut answers = Vec::new();
    for engine in [&args.engine, &Engine::DataFusion] {
        answers.push(ask(&engine.session(limits).await?, &question, &engine.to_string()).await?);
    }
    let difference = answers[0].difference(&answers[1]);
    let secs = answers.iter().map(|a| a.secs[0] + a.secs[1]).collect::<Vec<f64>>();
    print(json!({
        "engines": [args.engine.to_string(), Engine::DataFusion.to_string()], "secs": secs,
        "cells": answers[0].n_cells(), "conditions": answers[0].groups.len(), "stored_values": answers[0].n_values(),
        "largest_difference": difference, "tolerance": args.tolerance,
    }))?;
    match difference {
        Some(difference) if difference <= args.tolerance => Ok(()),
        Some(difference) => {
            Err(ClusterError::cluster("the answers differ", format!("{difference:e} is above {:e}", args.tolerance)))
        }
        None => Err(ClusterError::cluster("the answers differ", "conditions, cells or genes are not the same")),
    }
}
