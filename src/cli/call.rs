//! Commands called by a program instead of typed: the same arguments, the same work, the same bits; what is said goes to an
//! audience instead of a terminal, an interrupt is a flag, and nothing exits or prints.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::FromArgMatches;

use super::error::CliError;
use super::session::Session;
use super::{Cli, definition, failure, run};
use crate::error::ExitStatus;

/// What a command says while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Something the user should know.
    Notice(String),
    /// What is being done.
    Step(String),
    /// Details, for those who ask for more.
    Detail(String),
    /// How far a piece of work came; at most 20 times a second.
    Progress {
        /// The work, in a word or two.
        what: &'static str,
        /// Steps done.
        done: u64,
        /// Steps in all; 0 where that is not known yet.
        of: u64,
        /// Shown beside: a loss, a model; often empty.
        message: String,
    },
    /// A piece of work has ended.
    Finished {
        /// The work, as in its progress.
        what: &'static str,
    },
}

/// Who hears what a command says, on whichever thread says it.
pub trait Audience: fmt::Debug + Send + Sync {
    /// Takes it in; must not block for long.
    fn hear(&self, said: Said);
}

/// A table for the program that called, column by column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Columns by name, of the same length.
    pub columns: Vec<(String, TableColumn)>,
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq)]
pub enum TableColumn {
    /// Labels that repeat: the distinct ones, and one position per row.
    Labels {
        /// The distinct labels, in the order of their first row.
        categories: Vec<String>,
        /// Position of the label of each row.
        codes: Vec<i32>,
    },
    /// Numbers.
    Floats(Vec<f64>),
    /// Whole numbers.
    Integers(Vec<i64>),
}

/// What came of a command that ended without an error.
#[derive(Debug, Clone)]
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// What it would have printed to stdout, piece by piece.
    pub output: Vec<String>,
    /// The table that it made, where it makes a large one (`grn de`).
    pub table: Option<Table>,
}

/// Why a command failed, as a kind that languages have exceptions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A value that is not accepted: an option, a setting, the content of a file.
    Value,
    /// A name that is not there: a gene, a perturbation, a column.
    Key,
    /// A file or run that is not there.
    FileNotFound,
    /// The system refused.
    System,
    /// The caller's interrupt; nothing unfinished is left behind.
    Interrupted,
    /// A fault of this library.
    Bug,
}

/// A command that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What happened, what was expected, what was found.
    pub message: String,
    /// What to try, where there is something to try; options as they are typed (`--pert-col COLUMN`).
    pub hint: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n\nhint: {hint}"))
    }
}

impl std::error::Error for Failure {}

/// Runs a command: `arguments` are those of the program `grn`, without its name. Settings files and `GRN_SET`,
/// `GRN_CONFIG`, `GRN_NO_CONFIG`, `GRN_MEMORY`, `GRN_SEED`, `GRN_THREADS` and `GRN_DEVICE` hold as they do when it is
/// typed; the number of threads is settled by the first call in a process. Several calls may run at once.
///
/// When `interrupted` is set, work with checkpoints saves one and ends with [`ExitStatus::Interrupted`], other work ends at
/// its next step of progress with [`FailureKind::Interrupted`]; a file that is being written disappears.
///
/// # Errors
/// [`Failure`], of [`FailureKind::Bug`] for a panic.
///
/// # Example
/// ```
/// use std::sync::{Arc, atomic::AtomicBool};
/// use grn::cli::{Audience, Said, call};
/// #[derive(Debug)]
/// struct Deaf;
/// impl Audience for Deaf {
///     fn hear(&self, _: Said) {}
/// }
/// let arguments = ["config", "show", "--json"].map(String::from);
/// let answer = call(&arguments, Arc::new(Deaf), &Arc::new(AtomicBool::new(false)))?;
/// assert!(answer.output[0].starts_with('{') || answer.output[0].starts_with('['));
/// # Ok::<(), grn::cli::Failure>(())
/// ```
pub fn call(
    arguments: &[String],
    audience: Arc<dyn Audience>,
    interrupted: &Arc<AtomicBool>,
) -> Result<Answer, Failure> {
    let caller = Caller { audience, interrupted: Arc::clone(interrupted), answer: Arc::default() };
    let work = AssertUnwindSafe(|| called(arguments, caller.clone()));
    match catch_unwind(work) {
        Ok(Ok(status)) => {
            let (output, table) = std::mem::take(&mut *caller.answer());
            Ok(Answer { status, output, table })
        }
        Ok(Err(failure)) => Err(failure),
        // Threads that were told to stop may make others panic.
        Err(_) if interrupted.load(Ordering::Relaxed) => Err(failure::interrupted()),
        Err(panic) => Err(failure::bug(&text_of(panic.as_ref()))),
    }
}

fn called(arguments: &[String], caller: Caller) -> Result<ExitStatus, Failure> {
    let words = std::iter::once("grn").chain(arguments.iter().map(String::as_str));
    let matches = definition().try_get_matches_from(words);
    let cli = matches.and_then(|mut m| Cli::from_arg_matches_mut(&mut m)).map_err(|e| failure::of_arguments(&e))?;
    let result = Session::start_called(cli.global, arguments, caller)
        .and_then(|mut session| run(cli.command, &mut session).map_err(|error| kept(&session, error)));
    result.map_err(|error| failure::of(&error))
}

/// An error belongs into the log of the folder that is left.
fn kept(session: &Session, error: CliError) -> CliError {
    session.printer.log().keep(&format!("error: {error}"));
    error
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&s| s.to_owned())).unwrap_or_else(|| "a panic".to_owned())
}

/// What ends work that was interrupted: unwinds to [`call`].
struct Interrupt;

/// The program that called: what it hears, when it interrupts, what it is answered. Copies share it.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    audience: Arc<dyn Audience>,
    interrupted: Arc<AtomicBool>,
    answer: Arc<Mutex<Answered>>,
}

/// Pieces of output, and a table.
type Answered = (Vec<String>, Option<Table>);

impl Caller {
    /// Tells the audience.
    pub(super) fn tell(&self, said: Said) {
        self.audience.hear(said);
    }

    /// Keeps a piece of the result.
    pub(super) fn result(&self, text: &str) {
        self.answer().0.push(text.to_owned());
    }

    /// Keeps the table of the result.
    pub(super) fn table(&self, table: Table) {
        self.answer().1 = Some(table);
    }

    /// Set by the caller's interrupt.
    pub(super) fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Ends the work where the caller has interrupted it. Not a panic: the hook of panics is not called.
    pub(super) fn stop_if_interrupted(&self) {
        if self.interrupted.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Interrupt));
        }
    }

    fn answer(&self) -> MutexGuard<'_, Answered> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<Said>>);

    impl Audience for Heard {
        fn hear(&self, said: Said) {
            self.0.lock().unwrap().push(said);
        }
    }

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn run_words(text: &[String]) -> (Result<Answer, Failure>, Vec<Said>) {
        let heard = Arc::new(Heard::default());
        let audience: Arc<dyn Audience> = Arc::<Heard>::clone(&heard);
        let answer = call(text, audience, &Arc::default());
        let said = std::mem::take(&mut *heard.0.lock().unwrap());
        (answer, said)
    }

    #[test]
    fn a_command_answers_and_tells_its_progress() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("screen.h5ad");
        let (answer, said) = run_words(&words(&format!(
            "simulate --genes 400 --perturbations 4 --cells-per-perturbation 10 --controls 20 --json -o {}",
            path.display()
        )));
        let answer = answer.unwrap();
        assert_eq!(answer.status, ExitStatus::Done);
        let json: serde_json::Value = serde_json::from_str(&answer.output[0]).unwrap();
        assert!(json.is_object() && path.exists());
        assert!(said.iter().any(|s| matches!(s, Said::Progress { what: "simulating cells", .. })), "{said:?}");
        assert!(said.iter().any(|s| matches!(s, Said::Finished { .. })));
        let (answer, _) = run_words(&words(&format!("de {}", path.display())));
        let table = answer.unwrap().table.unwrap();
        assert_eq!((table.columns.len(), table.columns[0].0.as_str()), (11, "target"));
        let TableColumn::Labels { categories, codes } = &table.columns[1].1 else { panic!("labels") };
        assert_eq!((categories.len(), codes.len()), (400, 1600));
    }

    #[test]
    fn failures_have_a_kind_and_a_hint() {
        let t = |text: &str, kind: FailureKind, part: &str| {
            let failure = run_words(&words(text)).0.unwrap_err();
            assert_eq!(failure.kind, kind, "{failure}");
            assert!(failure.to_string().contains(part), "{failure}");
        };
        t("fit --model geers", FailureKind::Value, "did you mean `gears`?");
        t("de /nowhere.h5ad", FailureKind::FileNotFound, "/nowhere.h5ad");
        t("predict --pert A --run /nowhere", FailureKind::FileNotFound, "");
        t("rank --mode sideways --signature x", FailureKind::Value, "sideways");
    }

    #[test]
    fn an_interrupt_ends_work_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let screen = dir.path().join("screen.h5ad");
        run_words(&words(&format!(
            "simulate --genes 400 --perturbations 4 --cells-per-perturbation 10 --controls 20 -o {}",
            screen.display()
        )))
        .0
        .unwrap();
        let out = dir.path().join("table.h5ad");
        let arguments = words(&format!("data pseudobulk {} -o {}", screen.display(), out.display()));
        let failure = call(&arguments, Arc::<Heard>::default(), &Arc::new(AtomicBool::new(true))).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Interrupted);
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
