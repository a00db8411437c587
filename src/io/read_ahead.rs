//! Blocks of cells in order, read and decompressed on threads of their own while the ones before are worked on.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::IoError;
use super::cell_rows::CellRows;
use crate::data::CellBlock;

/// The blocks of a file, one after the other.
///
/// Every reader has one block in hand and one ready, so that memory holds two blocks per reader, whatever the file.
#[derive(Debug)]
pub(super) struct ReadAhead {
    readers: Vec<Receiver<Result<CellBlock, IoError>>>,
    /// Reader of each block.
    reader_of: Vec<u32>,
    next: usize,
}

impl ReadAhead {
    /// Starts to read, on as many threads as the pool has and the file bears. The threads end with this.
    pub(super) fn start(rows: CellRows) -> Self {
        Self::over(rows, false)
    }

    /// The same for effects, which may be negative.
    pub(super) fn with_negative(rows: CellRows) -> Self {
        Self::over(rows, true)
    }

    fn over(rows: CellRows, negative: bool) -> Self {
        let runs: Arc<Vec<Range<usize>>> = Arc::new(rows.runs());
        let n = rayon::current_num_threads().min(rows.at_once()).clamp(1, runs.len().max(1));
        let mut reader_of = vec![0; rows.n_blocks()];
        for (k, run) in runs.iter().enumerate() {
            reader_of[run.clone()].fill((k % n) as u32);
        }
        let reader = |first: usize| {
            let (mut rows, runs, (send, receive)) = (rows.clone(), Arc::clone(&runs), sync_channel(1));
            std::thread::spawn(move || {
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
            receive
        };
        Self { readers: (0..n).map(reader).collect(), reader_of, next: 0 }
    }
}

impl Iterator for ReadAhead {
    type Item = Result<CellBlock, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = *self.reader_of.get(self.next)?;
        let block = self.readers[reader as usize].recv().ok();
        let failed = !matches!(block, Some(Ok(_)));
        self.next = if failed { self.reader_of.len() } else { self.next + 1 };
        block
    }
}
