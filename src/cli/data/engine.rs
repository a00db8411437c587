//! Other engines of `grn data pseudobulk`: the program `grn-cluster`, which is built apart (`cluster/`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::pseudobulk::PseudobulkArgs;
use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::cli::session::Session;
use crate::error::ExitStatus;

/// Name of the program.
const PROGRAM: &str = "grn-cluster";
/// Variable that says where it is.
const VARIABLE: &str = "GRN_CLUSTER";

/// Which engine adds the cells up.
#[derive(Debug, Args)]
pub(super) struct EngineArgs {
    /// What adds the cells up: local (this program); for rows of Parquet also datafusion or ballista://HOST:PORT
    #[arg(long, value_name = "ENGINE", default_value = "local")]
    engine: String,
    /// Table of `gene_symbol` and `token_id` of rows of Parquet, for other engines
    #[arg(long, value_name = "FILE")]
    genes: Option<PathBuf>,
    /// Bytes of sums held before they go to disk (`4G`), for the engine datafusion
    #[arg(long, value_name = "BYTES")]
    memory: Option<String>,
}

impl EngineArgs {
    /// Whether this program does the work itself.
    pub(super) fn is_local(&self) -> bool {
        self.engine == "local"
    }
}

/// Lets the other program do the work: same arguments, its output is ours.
pub(super) fn run(args: &PseudobulkArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let arguments = arguments(args, session)?;
    let engine = &args.engine.engine;
    if session.dry_run {
        let what = format!("reduce {} files or folders to one row per condition with {engine}", args.files.len());
        session.plan(&Plan::new(what).writes(&args.output))?;
        return Ok(ExitStatus::Done);
    }
    let path = program(std::env::var_os(VARIABLE), std::env::current_exe().ok(), std::env::var_os("PATH"));
    let Some(path) = path else {
        let hint = format!("build it with `make cluster`, or say where it is with the variable {VARIABLE}");
        let got = format!("no program `{PROGRAM}` beside this one or on the PATH");
        return Err(CliError::usage("--engine", format!("`{PROGRAM}` for the engine {engine}"), got, Some(hint)));
    };
    let status = Command::new(&path).args(arguments).status();
    let status = status.map_err(|e| CliError::usage("--engine", path.display().to_string(), e.to_string(), None))?;
    match status.code() {
        Some(0) => Ok(ExitStatus::Done),
        // It has said why.
        Some(_) => Ok(ExitStatus::CheckFailed),
        None => Ok(ExitStatus::Interrupted),
    }
}

/// The arguments as the other program takes them.
fn arguments(args: &PseudobulkArgs, session: &Session) -> Result<Vec<OsString>, CliError> {
    let screen = &args.screen;
    let unknown =
        [("--halves", args.halves), ("--scale", screen.scale.is_some()), ("--aliases", screen.aliases.is_some())];
    if let Some((flag, _)) = unknown.into_iter().find(|(_, given)| *given) {
        let hint = Some("leave it out, or use `--engine local`".into());
        return Err(CliError::usage(flag, "the engine local", args.engine.engine.clone(), hint));
    }
    let Some(genes) = &args.engine.genes else {
        let hint = Some("Tahoe-100M has it as `gene_metadata.parquet`: `--genes gene_metadata.parquet`".into());
        return Err(CliError::usage("--genes", "a table of `gene_symbol` and `token_id`", "none", hint));
    };
    let mut all: Vec<OsString> = vec!["pseudobulk".into()];
    all.extend(args.files.iter().map(|file| file.clone().into_os_string()));
    let mut add = |flag: &str, value: OsString| all.extend([flag.into(), value]);
    add("--genes", genes.clone().into());
    add("--output", args.output.clone().into());
    add("--engine", args.engine.engine.clone().into());
    let given = [
        ("--pert-col", &screen.pert_col),
        ("--control-pert", &screen.control_pert),
        ("--celltype-col", &screen.celltype_col),
        ("--batch-col", &screen.batch_col),
        ("--memory", &args.engine.memory),
    ];
    for (flag, value) in given {
        if let Some(value) = value {
            add(flag, value.into());
        }
    }
    if !screen.target_sum.is_empty() {
        add("--target-sum", screen.target_sum.clone().into());
    }
    all.extend(session.overwrite.then(|| "--overwrite".into()));
    all.extend(session.printer.json.then(|| "--json".into()));
    Ok(all)
}

/// The program: where the variable says, beside this one, on the path.
fn program(variable: Option<OsString>, beside: Option<PathBuf>, path: Option<OsString>) -> Option<PathBuf> {
    if let Some(named) = variable.filter(|v| !v.is_empty()) {
        return Some(named.into());
    }
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside = beside.as_deref().and_then(Path::parent).map(|folder| folder.join(&name));
    let on_path = path.iter().flat_map(std::env::split_paths).map(|folder| folder.join(&name)).collect::<Vec<_>>();
    beside.into_iter().chain(on_path).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_beside_this_one_before_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
        let [here, there] = ["here", "there"].map(|folder| dir.path().join(folder));
        for folder in [&here, &there] {
            std::fs::create_dir(folder).unwrap();
        }
        let found = |variable: Option<&str>| {
            program(variable.map(OsString::from), Some(here.join("grn")), Some(there.clone().into()))
        };
        assert_eq!(found(None), None);
        std::fs::write(there.join(&name), "").unwrap();
        assert_eq!(found(None), Some(there.join(&name)));
        std::fs::write(here.join(&name), "").unwrap();
        assert_eq!(found(None), Some(here.join(&name)));
        assert_eq!(found(Some("elsewhere")), Some(PathBuf::from("elsewhere")));
    }
}
