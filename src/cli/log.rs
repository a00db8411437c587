//! `log.txt` of an output folder: all the talk of the command that wrote it, details and notices included, whatever was shown.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// Name of the log in an output folder.
pub(super) const LOG: &str = "log.txt";
/// Talk is short; of a command that writes no folder the first lines are kept.
const MOST_WAITING: usize = 1000;

/// That of the command of this process, for the message of a panic.
static OF_PROCESS: OnceLock<Log> = OnceLock::new();

/// What a command said; copies share it. A command writes one folder.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<Kept>>);

/// Lines that wait for a folder, then the file.
#[derive(Debug)]
struct Kept {
    began: Instant,
    waiting: Vec<String>,
    file: Option<(PathBuf, File)>,
}

impl Kept {
    fn new() -> Self {
        Self { began: Instant::now(), waiting: Vec::new(), file: None }
    }

    fn keep(&mut self, text: &str) {
        let line = format!("{:>9.2} s  {text}\n", self.began.elapsed().as_secs_f64());
        match &mut self.file {
            // A log that cannot be written must not end the work.
            Some((_, file)) => drop(file.write_all(line.as_bytes())),
            None if self.waiting.len() < MOST_WAITING => self.waiting.push(line),
            None => {}
        }
    }

    fn open(&mut self, folder: &Path, append: bool) -> std::io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.create(true).write(true).append(append).truncate(!append);
        let mut file = options.open(folder.join(LOG))?;
        file.write_all(self.waiting.concat().as_bytes())?;
        self.waiting.clear();
        self.file = Some((folder.to_owned(), file));
        Ok(())
    }
}

impl Log {
    /// A log that begins with the command: its arguments without the name of the program.
    pub(super) fn begin(arguments: &[String]) -> Self {
        let log = Self(Arc::new(Mutex::new(Kept::new())));
        let (version, now) = (env!("CARGO_PKG_VERSION"), jiff::Timestamp::now().strftime("%F %T UTC"));
        log.keep(&format!("grn {version}, {now}: grn {}", arguments.join(" ")));
        log
    }

    /// Makes this the log of the process.
    pub(super) fn of_process(&self) {
        let _ = OF_PROCESS.set(self.clone());
    }

    /// Keeps one line.
    pub(super) fn keep(&self, text: &str) {
        self.kept().keep(text);
    }

    /// From here on lines go to `log.txt` of this folder, those kept so far first; `append` continues the log of an
    /// interrupted run.
    pub(super) fn open(&self, folder: &Path, append: bool) -> std::io::Result<()> {
        self.kept().open(folder, append)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps one line in the log of the process.
pub(super) fn keep(text: &str) {
    if let Some(log) = OF_PROCESS.get() {
        log.keep(text);
    }
}

/// The folder whose log the process writes.
pub(super) fn folder() -> Option<PathBuf> {
    // Asked by the panic hook: a lock that is held must not hang it.
    let kept = OF_PROCESS.get()?.0.try_lock().ok()?;
    kept.file.as_ref().map(|(folder, _)| folder.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_the_folder_was_known_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Kept::new();
        log.keep("reading");
        log.open(dir.path(), false).unwrap();
        log.keep("fitting");
        let text = std::fs::read_to_string(dir.path().join(LOG)).unwrap();
        let said: Vec<&str> = text.lines().filter_map(|l| l.split("s  ").nth(1)).collect();
        assert_eq!(said, ["reading", "fitting"]);
        let mut again = Kept::new();
        again.keep("more");
        again.open(dir.path(), true).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join(LOG)).unwrap().lines().count(), 3);
    }
}
