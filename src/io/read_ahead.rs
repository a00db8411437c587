//! Blocks of cells in order, read and decompressed on threads of their own while the ones before are worked on.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::IoError;
use super::cell_rows::CellRows;
use crate::data::CellBlock;

/// The blocks of a file, one after the other.
///
/// Every reader has one block in hand and one ready, so that memory holds two blocks per reader, whatever the file. Once
/// this has ended or is dropped, the file is closed.
#[derive(Debug)]
pub(super) struct ReadAhead {
    readers: Vec<Receiver<Result<CellBlock, IoError>>>,
    threads: Vec<JoinHandle<()>>,
    /// Reader of each block that is handed over.
    reader_of: Vec<u32>,
    next: usize,
    /// The file, for errors.
    path: PathBuf,
}

impl ReadAhead {
    /// Starts to read, on as many threads as the pool has and the file bears. The threads end with this.
    pub(super) fn start(rows: CellRows) -> Self {
        let runs = rows.runs();
        Self::over(&rows, runs, false)
    }

    /// The blocks that hold a cell with a condition, and what has to be read on the way to them.
    pub(super) fn of_conditions(rows: &CellRows, of_cell: &[Option<u32>]) -> Self {
        let wanted = |run: &Range<usize>| {
            rows.plan()[run.clone()].iter().any(|cells| of_cell[cells.clone()].iter().any(Option::is_some))
        };
        Self::over(rows, rows.runs().into_iter().filter(wanted).collect(), false)
    }

    /// The same for effects, which may be negative.
    pub(super) fn with_negative(rows: CellRows) -> Self {
        let runs = rows.runs();
        Self::over(&rows, runs, true)
    }

    fn over(rows: &CellRows, runs: Vec<Range<usize>>, negative: bool) -> Self {
        let n = rayon::current_num_threads().min(rows.at_once()).clamp(1, runs.len().max(1));
        let reader_of = runs.iter().enumerate().flat_map(|(k, run)| run.clone().map(move |_| (k % n) as u32)).collect();
        let runs = Arc::new(runs);
        let reader = |first: usize| {
            let (mut rows, runs, (send, receive)) = (rows.clone(), Arc::clone(&runs), sync_channel(1));
            let thread = std::thread::spawn(move || {
                let mut listening = true;
                for run in runs.iter().skip(first).step_by(n) {
                    rows.read_run(run.clone(), negative, &mut |block| {
                        listening = block.is_ok();
                        listening &= send.send(block).is_ok();
                        listening
                    });
                    if !listening {
                        break;
                    }
                }
            });
            (receive, thread)
        };
        let (readers, threads) = (0..n).map(reader).unzip();
        Self { readers, threads, reader_of, next: 0, path: rows.path.clone() }
    }

    /// Waits until no thread has the file open any more.
    fn finish(&mut self) {
        self.readers.clear();
        // A thread that panicked has said so; its blocks are missing, which the caller is told.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl Iterator for ReadAhead {
    type Item = Result<CellBlock, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(&reader) = self.reader_of.get(self.next) else {
            self.finish();
            return None;
        };
        let lost =
            || IoError::format(&self.path, format!("block {}", self.next), "a block of cells", "a reader that stopped");
        let block = self.readers.get(reader as usize)?.recv().unwrap_or_else(|_| Err(lost()));
        self.next = if block.is_err() { self.reader_of.len() } else { self.next + 1 };
        Some(block)
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.finish();
    }
}
