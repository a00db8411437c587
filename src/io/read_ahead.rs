//! Blocks of cells in order, read and decompressed on threads of their own while the ones before are worked on.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::IoError;
use super::cells::CellRows;
use crate::data::CellBlock;

/// The blocks of a file, one after the other.
///
/// Every reader has one block in hand and one ready, so that memory holds two blocks per reader, whatever the file.
#[derive(Debug)]
pub(super) struct ReadAhead {
    readers: Vec<Receiver<Result<CellBlock, IoError>>>,
    next: usize,
    n_blocks: usize,
}

impl ReadAhead {
    /// Starts to read, on as many threads as the pool has and the file bears. The threads end with this.
    pub(super) fn start(rows: CellRows) -> Self {
        let n_blocks = rows.n_blocks();
        let readers = rayon::current_num_threads().min(rows.at_once()).clamp(1, n_blocks.max(1));
        let rows = Arc::new(rows);
        let readers = (0..readers).map(|first| {
            let (rows, (send, receive)) = (Arc::clone(&rows), sync_channel(1));
            std::thread::spawn(move || {
                for block in (first..n_blocks).step_by(readers) {
                    let block = rows.read(block, false);
                    let failed = block.is_err();
                    if send.send(block).is_err() || failed {
                        break;
                    }
                }
            });
            receive
        });
        Self { readers: readers.collect(), next: 0, n_blocks }
    }
}

impl Iterator for ReadAhead {
    type Item = Result<CellBlock, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.n_blocks {
            return None;
        }
        let block = self.readers[self.next % self.readers.len()].recv().ok();
        let failed = !matches!(block, Some(Ok(_)));
        self.next = if failed { self.n_blocks } else { self.next + 1 };
        block
    }
}
