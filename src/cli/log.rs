//! `log.txt` of an output folder: all the talk of the command that wrote it, details and notices included, whatever was shown.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Name of the log in an output folder.
pub(super) const LOG: &str = "log.txt";
/// Talk is short; a command that writes no folder forgets what is older.
const MOST_WAITING: usize = 1000;

/// One per process: a command writes one folder.
static LOG_OF_PROCESS: LazyLock<Mutex<Log>> = LazyLock::new(|| Mutex::new(Log::new()));

/// Lines that wait for a folder, then the file.
#[derive(Debug)]
struct Log {
    began: Instant,
    waiting: Vec<String>,
    file: Option<(PathBuf, File)>,
}

impl Log {
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

/// Begins the log with the command.
pub(super) fn begin() {
    let version = env!("CARGO_PKG_VERSION");
    let command: Vec<String> = std::env::args().skip(1).collect();
    keep(&format!("grn {version}, {}: grn {}", jiff::Timestamp::now().strftime("%F %T UTC"), command.join(" ")));
}

/// Keeps one line.
pub(super) fn keep(text: &str) {
    log().keep(text);
}

/// From here on lines go to `log.txt` of this folder, those kept so far first; `append` continues the log of an interrupted
/// run.
pub(super) fn open(folder: &Path, append: bool) -> std::io::Result<()> {
    log().open(folder, append)
}

/// The folder whose log is written.
pub(super) fn folder() -> Option<PathBuf> {
    // Asked by the panic hook: a lock that is held must not hang it.
    let log = LOG_OF_PROCESS.try_lock().ok()?;
    log.file.as_ref().map(|(folder, _)| folder.clone())
}

fn log() -> MutexGuard<'static, Log> {
    LOG_OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_the_folder_was_known_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::new();
        log.keep("reading");
        log.open(dir.path(), false).unwrap();
        log.keep("fitting");
        let text = std::fs::read_to_string(dir.path().join(LOG)).unwrap();
        let said: Vec<&str> = text.lines().filter_map(|l| l.split("s  ").nth(1)).collect();
        assert_eq!(said, ["reading", "fitting"]);
        let mut again = Log::new();
        again.keep("more");
        again.open(dir.path(), true).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join(LOG)).unwrap().lines().count(), 3);
    }
}
