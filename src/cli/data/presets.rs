//! `grn data presets`.

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::io::{PRESETS, Preset};

/// Arguments of `grn data presets`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PresetsArgs {}

pub(super) fn run(_: &PresetsArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    session
        .printer
        .result(|| json!({ "presets": PRESETS }), || PRESETS.iter().map(text).collect::<Vec<_>>().join("\n"))?;
    Ok(ExitStatus::Done)
}

/// Name and purpose, then what is known of the columns.
fn text(preset: &Preset) -> String {
    let facts = [
        ("perturbation", preset.pert_col),
        ("control", preset.control),
        ("cell type", preset.celltype_col),
        ("batch", preset.batch_col),
        ("batch (not used)", preset.other_batches),
        ("guide", preset.guide_col),
    ];
    let known = facts.iter().filter(|(_, names)| !names.is_empty());
    let known: Vec<String> = known.map(|(what, names)| format!("{what} {}", names.join(" or "))).collect();
    format!("{:<14} {}\n{:<14} {}; {}", preset.name, preset.about, "", known.join(", "), preset.note)
}
