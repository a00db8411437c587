//! Cells by gene: the stream of cells is turned into blocks of genes, in memory while small, else in a temporary file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::{CellBlock, Csr, DataError};

/// Genes per block: their number in a block fits a byte, and a block of a large screen fits the memory of a thread.
const GENES: usize = 64;
/// Bytes that stay in memory; the rest goes to a temporary file.
const IN_MEMORY: usize = 2 << 20;
/// Bytes collected per block before they are written.
const BUFFER: usize = 16 << 10;
/// Bytes of the cell and the number of entries that lead the entries of a cell.
const HEAD: usize = 5;
/// Bytes of one entry: gene in block, value.
const ENTRY: usize = 5;

/// Takes cells in order.
#[derive(Debug)]
pub struct GeneBlocksBuilder {
    n_genes: usize,
    n_cells: usize,
    buffers: Vec<Vec<u8>>,
    blocks: Vec<Block>,
    in_memory: usize,
    file: Option<File>,
    end: u64,
}

/// The non-zero values of a screen, n_genes x n_cells, to be read by blocks of genes, by any number of threads.
///
/// Takes 5 bytes per value and 5 per cell and block, in memory up to 2 MB and in the folder for temporary files
/// (`TMPDIR`) beyond.
#[derive(Debug)]
pub struct GeneBlocks {
    n_genes: usize,
    n_cells: usize,
    blocks: Vec<Block>,
    file: Option<Mutex<File>>,
}

/// Where a block lies.
#[derive(Debug, Clone, Default)]
struct Block {
    pieces: Vec<Piece>,
    n_entries: usize,
}

#[derive(Debug, Clone)]
enum Piece {
    Memory(Box<[u8]>),
    /// Position and length in the temporary file.
    File(u64, usize),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(_, length) => *length,
        }
    }
}

impl GeneBlocksBuilder {
    /// A builder for cells with this number of genes.
    pub fn new(n_genes: usize) -> Self {
        let n_blocks = n_genes.div_ceil(GENES);
        Self {
            n_genes,
            n_cells: 0,
            buffers: vec![Vec::new(); n_blocks],
            blocks: vec![Block::default(); n_blocks],
            in_memory: 0,
            file: None,
            end: 0,
        }
    }

    /// Adds the next cells. O(entries).
    ///
    /// # Errors
    /// [`DataError::Temporary`] where the temporary file cannot be written.
    pub fn push(&mut self, cells: &CellBlock) -> Result<(), DataError> {
        for row in 0..cells.x.n_rows() {
            let (genes, values) = cells.x.row(row);
            let cell = (cells.first_cell + row) as u32;
            let mut start = 0;
            while start < genes.len() {
                let block = genes[start] as usize / GENES;
                let next = ((block + 1) * GENES) as u32;
                let end = start + genes[start..].iter().take_while(|&&g| g < next).count();
                self.push_run(block, cell, &genes[start..end], &values[start..end])?;
                start = end;
            }
        }
        self.n_cells = self.n_cells.max(cells.first_cell + cells.x.n_rows());
        Ok(())
    }

    /// The values of one cell in one block.
    fn push_run(&mut self, block: usize, cell: u32, genes: &[u32], values: &[f32]) -> Result<(), DataError> {
        let buffer = &mut self.buffers[block];
        buffer.extend_from_slice(&cell.to_le_bytes());
        buffer.push(genes.len() as u8);
        buffer.extend(genes.iter().map(|&g| (g as usize % GENES) as u8));
        values.iter().for_each(|v| buffer.extend_from_slice(&v.to_le_bytes()));
        self.blocks[block].n_entries += genes.len();
        if buffer.len() >= BUFFER { self.flush(block) } else { Ok(()) }
    }

    fn flush(&mut self, block: usize) -> Result<(), DataError> {
        let buffer = &mut self.buffers[block];
        let length = buffer.len();
        let piece = if self.in_memory + length <= IN_MEMORY {
            self.in_memory += length;
            Piece::Memory(buffer.as_slice().into())
        } else {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile().map_err(temporary)?),
            };
            file.write_all(buffer).map_err(temporary)?;
            self.end += length as u64;
            Piece::File(self.end - length as u64, length)
        };
        buffer.clear();
        self.blocks[block].pieces.push(piece);
        Ok(())
    }

    /// The cells by gene.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(mut self) -> Result<GeneBlocks, DataError> {
        for block in 0..self.blocks.len() {
            self.flush(block)?;
        }
        Ok(GeneBlocks {
            n_genes: self.n_genes,
            n_cells: self.n_cells,
            blocks: self.blocks,
            file: self.file.map(Mutex::new),
        })
    }
}

impl GeneBlocks {
    /// Number of genes.
    pub fn n_genes(&self) -> usize {
        self.n_genes
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// Number of non-zero values.
    pub fn n_entries(&self) -> usize {
        self.blocks.iter().map(|b| b.n_entries).sum()
    }

    /// Number of blocks; the same for all screens with the same number of genes.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The genes of a block.
    pub fn genes(&self, block: usize) -> Range<usize> {
        block * GENES..((block + 1) * GENES).min(self.n_genes)
    }

    /// The block of a gene.
    pub fn block_of(&self, gene: usize) -> usize {
        gene / GENES
    }

    /// The values of a block by gene, genes x n_cells, cells in the order in which they came. O(entries).
    ///
    /// # Errors
    /// [`DataError::Temporary`] where the temporary file cannot be read.
    pub fn read(&self, block: usize) -> Result<Csr<f32>, DataError> {
        let bytes = self.bytes(block).map_err(temporary)?;
        let n_genes = self.genes(block).len();
        let mut indptr = vec![0; n_genes + 1];
        for run in Runs(&bytes) {
            run.genes.iter().for_each(|&g| indptr[usize::from(g) + 1] += 1);
        }
        (0..n_genes).for_each(|g| indptr[g + 1] += indptr[g]);
        let mut next = indptr.clone();
        let (mut cells, mut values) = (vec![0u32; indptr[n_genes]], vec![0f32; indptr[n_genes]]);
        for run in Runs(&bytes) {
            for (&gene, value) in run.genes.iter().zip(run.values.chunks_exact(4)) {
                let at = &mut next[usize::from(gene)];
                cells[*at] = run.cell;
                values[*at] = f32::from_le_bytes([value[0], value[1], value[2], value[3]]);
                *at += 1;
            }
        }
        Csr::new(indptr, cells, values, self.n_cells)
    }

    fn bytes(&self, block: usize) -> io::Result<Vec<u8>> {
        let pieces = &self.blocks[block].pieces;
        let mut bytes = Vec::with_capacity(pieces.iter().map(Piece::len).sum());
        let mut file = self.file.as_ref().map(|file| file.lock().unwrap_or_else(PoisonError::into_inner));
        for piece in pieces {
            match (piece, &mut file) {
                (Piece::Memory(piece), _) => bytes.extend_from_slice(piece),
                (&Piece::File(start, length), Some(file)) => {
                    file.seek(SeekFrom::Start(start))?;
                    let end = bytes.len();
                    bytes.resize(end + length, 0);
                    file.read_exact(&mut bytes[end..])?;
                }
                (Piece::File(..), None) => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        Ok(bytes)
    }
}

/// The values of one cell in one block.
struct Run<'a> {
    cell: u32,
    genes: &'a [u8],
    values: &'a [u8],
}

/// Takes a block apart.
struct Runs<'a>(&'a [u8]);

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        let (head, rest) = self.0.split_first_chunk::<HEAD>()?;
        let n = usize::from(head[4]);
        let (entries, rest) = rest.split_at_checked(n * ENTRY)?;
        self.0 = rest;
        let (genes, values) = entries.split_at(n);
        Some(Run { cell: u32::from_le_bytes([head[0], head[1], head[2], head[3]]), genes, values })
    }
}

fn temporary(error: io::Error) -> DataError {
    DataError::Temporary { folder: std::env::temp_dir(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn the_blocks_are_the_transposed_cells() {
        let n_genes = 2 * GENES + 7;
        let mut rng = Rng::keyed(1, "gene_blocks", 0, 0);
        let mut x = Csr::empty(n_genes);
        for _ in 0..300 {
            let row: Vec<(u32, f32)> =
                (0..n_genes as u32).map(|g| (g, rng.uniform() as f32)).filter(|(_, v)| *v < 0.3).collect();
            x.push_row(row);
        }
        let mut builder = GeneBlocksBuilder::new(n_genes);
        let rows = |range: Range<usize>| {
            let mut part = Csr::empty(n_genes);
            for i in range {
                part.push_row(x.row(i).0.iter().copied().zip(x.row(i).1.iter().copied()));
            }
            part
        };
        builder.push(&CellBlock { first_cell: 0, x: rows(0..100) }).unwrap();
        builder.push(&CellBlock { first_cell: 100, x: rows(100..300) }).unwrap();
        let blocks = builder.finish().unwrap();
        let transposed = x.transpose();
        assert_eq!((blocks.n_blocks(), blocks.n_entries()), (3, x.nnz()));
        for block in 0..3 {
            let part = blocks.read(block).unwrap();
            for gene in blocks.genes(block) {
                assert_eq!(part.row(gene % GENES), transposed.row(gene));
            }
        }
    }
}
