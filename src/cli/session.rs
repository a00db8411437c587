//! What every command knows: global options and settings, resolved once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::GlobalArgs;
use super::call::Caller;
use super::error::CliError;
use super::log::{LOG, Log};
use super::printer::Printer;
use crate::config::{Layers, Settings, Source};

/// Name of settings files that are found by themselves.
const SETTINGS: &str = "grn.toml";

/// Resolved global options.
#[derive(Debug)]
pub(super) struct Session {
    /// Prints.
    pub(super) printer: Printer,
    /// Seed of every random choice.
    pub(super) seed: u64,
    /// Threads of the pool.
    pub(super) threads: usize,
    /// Where tensors live, as typed.
    pub(super) device: String,
    /// `--memory`, in bytes.
    pub(super) memory: Option<u64>,
    /// `--outdir`.
    pub(super) outdir: Option<PathBuf>,
    /// `--overwrite`.
    pub(super) overwrite: bool,
    /// `--resume`.
    pub(super) resume: bool,
    /// `--dry-run`.
    pub(super) dry_run: bool,
    /// The settings in force: flags > variables > files > defaults.
    pub(super) settings: Settings,
    /// The same, value by value with its source.
    pub(super) layers: Layers,
    /// Settings files that were read, lowest first.
    pub(super) settings_files: Vec<PathBuf>,
    /// The command: the name of the program and its arguments.
    pub(super) command: Vec<String>,
    interrupted: Arc<AtomicBool>,
}

/// Variables that a program which calls leaves in force: what else they say is for terminals, or said by the call.
const FOR_CALLERS: [&str; 4] = ["GRN_CONFIG", "GRN_NO_CONFIG", "GRN_SET", "GRN_MEMORY"];

impl Session {
    /// Resolves the options, sizes the thread pool, listens for Ctrl-C.
    pub(super) fn start(global: GlobalArgs) -> Result<Self, CliError> {
        let global = global.or_variables(&|name| std::env::var(name).ok())?;
        let command: Vec<String> = std::env::args().collect();
        let log = Log::begin(command.get(1..).unwrap_or_default());
        log.of_process();
        let printer = Printer::new(&global, log);
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        let session = Self::with(global, printer, command, interrupted)?;
        let _ = ctrlc::set_handler(move || interrupt(&flag));
        Ok(session)
    }

    /// One for a program that called with these arguments: nothing is printed, and the interrupt is the caller's.
    pub(super) fn start_called(global: GlobalArgs, arguments: &[String], caller: Caller) -> Result<Self, CliError> {
        let of_callers = |name: &str| FOR_CALLERS.contains(&name).then(|| std::env::var(name).ok()).flatten();
        let global = global.or_variables(&of_callers)?;
        let interrupted = caller.interrupt_flag();
        let printer = Printer::for_caller(global.json, caller, Log::begin(arguments));
        let command = std::iter::once("grn".to_owned()).chain(arguments.iter().cloned()).collect();
        Self::with(global, printer, command, interrupted)
    }

    fn with(
        global: GlobalArgs,
        printer: Printer,
        command: Vec<String>,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, CliError> {
        let settings_files = settings_files(global.config.as_deref(), global.no_config);
        let layers = layers(&global, &settings_files)?;
        let settings = layers.settings()?;
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = settings.threads.unwrap_or_else(available);
        if threads == 0 {
            return Err(CliError::usage("--threads", "at least 1", "0", Some("leave `--threads` out".into())));
        }
        // A pool that exists already (tests, a second call) is as good.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        Ok(Self {
            printer,
            seed: settings.seed,
            threads: rayon::current_num_threads(),
            device: settings.device.clone(),
            memory: global.memory,
            outdir: global.outdir,
            overwrite: global.overwrite,
            resume: global.resume,
            dry_run: global.dry_run,
            settings,
            layers,
            settings_files,
            command,
            interrupted,
        })
    }

    /// The same for the steps of a longer job: they keep quiet, and the output folder is theirs.
    pub(super) fn for_steps(&self) -> Self {
        Self {
            printer: self.printer.for_steps(),
            overwrite: true,
            resume: false,
            dry_run: false,
            outdir: None,
            settings: self.settings.clone(),
            layers: self.layers.clone(),
            settings_files: self.settings_files.clone(),
            device: self.device.clone(),
            command: self.command.clone(),
            interrupted: Arc::clone(&self.interrupted),
            ..*self
        }
    }

    /// Set by Ctrl-C.
    pub(super) fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Makes the output folder ready: it must be new or empty, unless `--overwrite` or `--resume` was given.
    pub(super) fn prepare_outdir(&self, path: &Path) -> Result<(), CliError> {
        let holds_something = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if holds_something && !self.overwrite && !self.resume {
            return Err(CliError::OutdirNotEmpty { path: path.to_owned() });
        }
        std::fs::create_dir_all(path).map_err(|e| crate::io::IoError::write(path, e))?;
        let log = self.printer.log();
        log.open(path, self.resume).map_err(|e| crate::io::IoError::write(path.join(LOG), e).into())
    }
}

/// Settings files that are read, lowest first: that of the user, that of this folder, the one that was named.
fn settings_files(config: Option<&Path>, no_config: bool) -> Vec<PathBuf> {
    let found = if no_config { Vec::new() } else { vec![user_settings(), Some(PathBuf::from(SETTINGS))] };
    let found = found.into_iter().flatten().filter(|path| path.is_file());
    found.chain(config.map(Path::to_owned)).collect()
}

/// `$XDG_CONFIG_HOME/grn/grn.toml`, else `~/.config/grn/grn.toml`.
fn user_settings() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(base.join("grn").join(SETTINGS))
}

/// Defaults, then settings files, then variables, then flags.
fn layers(global: &GlobalArgs, files: &[PathBuf]) -> Result<Layers, CliError> {
    let mut layers = Layers::defaults();
    files.iter().try_for_each(|path| layers.add_file(path))?;
    layers.add_variables(std::env::vars().filter(|(name, _)| name.starts_with("GRN_")))?;
    for setting in &global.set {
        let Some((key, value)) = setting.split_once('=') else {
            let hint = Some("for example `--set models.gears.steps=100`".to_owned());
            return Err(CliError::usage("--set", "KEY=VALUE", format!("`{setting}`"), hint));
        };
        layers.set(key.trim(), value.trim(), Source::Flag("--set".into()))?;
    }
    let flags = [
        ("seed", "--seed", global.seed.map(|s| s.to_string())),
        ("threads", "--threads", global.threads.map(|t| t.to_string())),
        ("device", "--device", global.device.clone()),
    ];
    for (key, flag, value) in flags {
        if let Some(value) = value {
            layers.set(key, &value, Source::Flag(flag.into()))?;
        }
    }
    Ok(layers)
}

/// First Ctrl-C: finish the step and checkpoint. Second: leave at once.
#[allow(clippy::exit)]
fn interrupt(flag: &AtomicBool) {
    if flag.swap(true, Ordering::Relaxed) {
        std::process::exit(130);
    }
}
