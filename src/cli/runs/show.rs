//! `grn run show`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{headline, named_or_newest};
use crate::cli::cv::align;
use crate::cli::error::CliError;
use crate::cli::progress::span;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::run::{Input, Manifest, RunDir};

/// Arguments of `grn run show`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArgs {
    /// The run (default: the newest finished one under `runs/`)
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
}

pub(super) fn run(args: &ShowArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let dir = named_or_newest(args.run.as_deref())?;
    let manifest = dir.manifest()?;
    let accuracy = headline(&dir, &manifest)?;
    session.printer.result(
        || json!({ "run": dir.path(), "accuracy": accuracy, "manifest": manifest }),
        || text(&dir, &manifest, accuracy.as_ref()),
    )?;
    Ok(ExitStatus::Done)
}

fn text(dir: &RunDir, m: &Manifest, accuracy: Option<&(String, f64)>) -> String {
    let fact = |name: &str, value: String| vec![name.to_owned(), value];
    let mut facts = vec![
        fact("run", dir.path().display().to_string()),
        fact("status", m.status.to_string()),
        fact("model", m.model.clone()),
        fact("data", m.data.clone()),
        fact("learned from", format!("{} perturbations x {} genes", m.n_perturbations, m.n_genes)),
        fact("control", format!("`{}`, {} cells", m.control_label, m.n_control_cells)),
        fact("started", m.started.strftime("%F %T UTC").to_string()),
        fact("took", took(m)),
        fact("seed", m.seed.to_string()),
        fact("made by", format!("grn {}", m.grn)),
        fact("command", m.argv.join(" ")),
    ];
    facts.extend(accuracy.map(|(name, value)| fact("accuracy", format!("{name} {value:.4}"))));
    let mut parts = vec![align(&facts)];
    let list = |title: &str, lines: Vec<Vec<String>>| {
        let indented = align(&lines).lines().map(|l| format!("  {l}\n")).collect::<String>();
        format!("{title}\n{}", indented.trim_end())
    };
    if !m.inputs.is_empty() {
        parts.push(list("inputs", m.inputs.iter().map(input).collect()));
    }
    if !m.summary.is_empty() {
        let line = |(name, value): &(String, f64)| vec![name.clone(), format!("{value:.4}")];
        parts.push(list("summary", m.summary.iter().map(line).collect()));
    }
    if !m.notices.is_empty() {
        parts.push(list("notices", m.notices.iter().map(|n| vec![n.to_string()]).collect()));
    }
    parts.join("\n\n")
}

fn took(m: &Manifest) -> String {
    let memory = m.peak_rss_bytes.map_or_else(String::new, |b| format!(", {:.0} MB at most", b as f64 / 1e6));
    format!("{} with {} threads on {}{memory}", span(m.wall_secs), m.threads, m.device)
}

fn input(i: &Input) -> Vec<String> {
    let hash =
        i.blake3.as_deref().map_or_else(|| "not hashed".to_owned(), |h| format!("blake3 {}", &h[..h.len().min(16)]));
    vec![i.path.display().to_string(), format!("{} bytes", i.bytes), hash]
}
