//! Environment variables of the global options: `GRN_` and the name of the option (`GRN_DRY_RUN=1`). What was typed wins.
//!
//! `GRN_SEED`, `GRN_THREADS` and `GRN_DEVICE` are settings too and are read with those (`config::Layers`).

use std::path::PathBuf;

use clap::ValueEnum;

use super::args::{ColorArg, GlobalArgs};
use super::error::CliError;

/// The variable of a global option.
pub(super) fn name_of(option: &str) -> String {
    format!("GRN_{}", option.replace('-', "_").to_uppercase())
}

impl GlobalArgs {
    /// The options with variables where nothing was typed.
    ///
    /// # Errors
    /// A usage error that names the variable where its value means nothing.
    pub(super) fn or_variables(mut self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, CliError> {
        let text = |option: &str| variable(&name_of(option)).filter(|value| !value.is_empty());
        let path = |option: &str| text(option).map(PathBuf::from);
        let switch = |option: &str| level(option, text(option)).map(|level| level > 0);
        self.config = self.config.or_else(|| path("config"));
        self.outdir = self.outdir.or_else(|| path("outdir"));
        if let (None, Some(value)) = (self.memory, text("memory")) {
            self.memory = Some(super::args::bytes(&value).map_err(|_| wrong("memory", "a size such as `4G`", &value))?);
        }
        self.no_config |= switch("no-config")?;
        self.dry_run |= switch("dry-run")?;
        self.json |= switch("json")?;
        self.no_progress |= switch("no-progress")?;
        if !self.overwrite && !self.resume {
            (self.overwrite, self.resume) = (switch("overwrite")?, switch("resume")?);
        }
        if self.quiet == 0 && self.verbose == 0 {
            (self.quiet, self.verbose) = (level("quiet", text("quiet"))?, level("verbose", text("verbose"))?);
        }
        if let (None, Some(value)) = (self.color, text("color")) {
            let expected = "auto, always or never";
            self.color = Some(ColorArg::from_str(&value, true).map_err(|_| wrong("color", expected, &value))?);
        }
        if let Some(list) = text("set") {
            // Flags come later, so that they win.
            let typed = std::mem::take(&mut self.set);
            self.set =
                list.split(';').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).chain(typed).collect();
        }
        Ok(self)
    }
}

/// 1 for yes, 0 for no; a number counts (`GRN_VERBOSE=2`).
fn level(option: &str, value: Option<String>) -> Result<u8, CliError> {
    let Some(value) = value else { return Ok(0) };
    match value.to_lowercase().as_str() {
        "true" | "yes" | "on" => Ok(1),
        "false" | "no" | "off" => Ok(0),
        number => number.parse().map_err(|_| wrong(option, "1 or 0", &value)),
    }
}

fn wrong(option: &str, expected: &str, got: &str) -> CliError {
    CliError::usage(format!("environment variable {}", name_of(option)), expected, format!("`{got}`"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], typed: GlobalArgs) -> Result<GlobalArgs, CliError> {
        let owned: Vec<(String, String)> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        typed.or_variables(&move |name| owned.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
    }

    #[test]
    fn variables_fill_what_was_not_typed() {
        let all = [
            ("GRN_JSON", "1"),
            ("GRN_OUTDIR", "out"),
            ("GRN_COLOR", "never"),
            ("GRN_QUIET", "2"),
            ("GRN_RESUME", "yes"),
        ];
        let args = with(&all, GlobalArgs::default()).unwrap();
        assert!(args.json && args.resume && !args.overwrite && !args.dry_run);
        assert_eq!((args.outdir, args.color, args.quiet), (Some("out".into()), Some(ColorArg::Never), 2));
    }

    #[test]
    fn what_was_typed_wins() {
        let typed = GlobalArgs { verbose: 1, overwrite: true, outdir: Some("mine".into()), ..GlobalArgs::default() };
        let args = with(&[("GRN_QUIET", "1"), ("GRN_RESUME", "1"), ("GRN_OUTDIR", "out")], typed).unwrap();
        assert_eq!((args.verbose, args.quiet, args.overwrite, args.resume), (1, 0, true, false));
        assert_eq!(args.outdir, Some("mine".into()));
    }

    #[test]
    fn typed_settings_come_after_those_of_the_variable() {
        let typed = GlobalArgs { set: vec!["seed=3".into()], ..GlobalArgs::default() };
        assert_eq!(with(&[("GRN_SET", "seed=1; model=mean")], typed).unwrap().set, ["seed=1", "model=mean", "seed=3"]);
    }

    #[test]
    fn nonsense_names_the_variable() {
        let error = with(&[("GRN_DRY_RUN", "perhaps")], GlobalArgs::default()).unwrap_err().to_string();
        assert_eq!(error, "environment variable GRN_DRY_RUN\n  expected 1 or 0, got `perhaps`");
        assert!(with(&[("GRN_COLOR", "pink")], GlobalArgs::default()).is_err());
    }
}
