//! What was typed about a screen, as the options of its readers.

use super::args::{ScaleArg, ScreenArgs};
use super::error::CliError;
use crate::data::{PseudobulkOptions, Scale, TargetSum};
use crate::io::{PRESETS, Preset, ScreenOptions};

/// The preset of this name.
fn named(name: &str) -> Result<&'static Preset, CliError> {
    Preset::named(name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
        let hint =
            crate::data::suggest(name, names.iter().copied()).first().map(|n| format!("did you mean `--preset {n}`?"));
        CliError::usage("--preset", names.join(", "), format!("`{name}`"), hint)
    })
}

impl ScreenArgs {
    /// How cells are labelled and scaled.
    pub(super) fn options(&self) -> Result<ScreenOptions, CliError> {
        let preset = self.preset.as_deref().map(named).transpose()?;
        let scale = self.scale.map(|scale| match scale {
            ScaleArg::Counts => Scale::Counts,
            ScaleArg::Log1p => Scale::Log1p,
        });
        Ok(ScreenOptions {
            pert_col: self.pert_col.clone(),
            control: self.control_pert.clone(),
            celltype_col: self.celltype_col.clone(),
            batch_col: self.batch_col.clone(),
            scale,
            aliases: self.aliases.clone(),
            whole_labels: false,
            gene_metadata: self.gene_metadata.clone(),
            preset,
        })
    }

    /// How cells become a table.
    pub(super) fn pseudobulk(&self, halves: bool, seed: u64) -> Result<PseudobulkOptions, CliError> {
        // `ScreenArgs::default()` holds no text.
        let typed = if self.target_sum.is_empty() { "median" } else { &self.target_sum };
        let target_sum = typed.parse::<TargetSum>().map_err(|expected| {
            let hint = Some("try `--target-sum median` or `--target-sum 1e4`".into());
            CliError::usage("--target-sum", expected, format!("`{typed}`"), hint)
        })?;
        Ok(PseudobulkOptions { target_sum, halves, seed })
    }
}
