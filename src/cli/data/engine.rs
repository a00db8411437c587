//! Other engines of `grn data pseudobulk`: the program `grn-cluster`, which is built apart (`cluster/`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::join::JoinArg;
use super::pseudobulk::PseudobulkArgs;
use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::io::Preset;

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
        Some(130) | None => Ok(ExitStatus::Interrupted),
        Some(code) => {
            let got = format!("exit code {code}, for the reason above");
            Err(CliError::usage("--engine", format!("`{}` to finish", path.display()), got, None))
        }
    }
}

/// The arguments as the other program takes them.
fn arguments(args: &PseudobulkArgs, session: &Session) -> Result<Vec<OsString>, CliError> {
    let screen = &args.screen;
    let unknown = [
        ("--halves", args.halves),
        ("--join", args.join != JoinArg::Exact),
        ("--scale", screen.scale.is_some()),
        ("--aliases", screen.aliases.is_some()),
    ];
    if let Some((flag, _)) = unknown.into_iter().find(|(_, given)| *given) {
        let hint = Some("leave it out, or use `--engine local`".into());
        return Err(CliError::usage(flag, "the engine local", args.engine.engine.clone(), hint));
    }
    let Some(genes) = &screen.gene_metadata else {
        let hint = Some("Tahoe-100M has it: `--gene-metadata gene_metadata.parquet`".into());
        return Err(CliError::usage("--gene-metadata", "a table of `gene_symbol` and `token_id`", "none", hint));
    };
    let preset = screen.options()?.preset;
    let known = |typed: &Option<String>, names: fn(&Preset) -> &[&str]| {
        typed.clone().or_else(|| preset.and_then(|p| names(p).first().map(|&name| name.to_owned())))
    };
    let mut all: Vec<OsString> = vec!["pseudobulk".into()];
    all.extend(args.files.iter().map(|file| file.clone().into_os_string()));
    let mut add = |flag: &str, value: OsString| all.extend([flag.into(), value]);
    add("--genes", genes.clone().into());
    add("--output", args.output.clone().into());
    add("--engine", args.engine.engine.clone().into());
    let given = [
        ("--pert-col", known(&screen.pert_col, |p| p.pert_col)),
        ("--control-pert", known(&screen.control_pert, |p| p.control)),
        ("--celltype-col", known(&screen.celltype_col, |p| p.celltype_col)),
        ("--batch-col", known(&screen.batch_col, |p| p.batch_col)),
        ("--memory", session.memory.map(|bytes| bytes.to_string())),
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
