//! Measured genes dealt into blocks, one block per training step.

use candle_core::Result;
use ndarray::{Array2, ArrayView2, Axis};

use super::view::View;
use crate::nn::SparseMatrix;
use crate::stats::Rng;

/// A seeded order of the genes, cut into blocks of nearly equal size.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Gene at each position.
    order: Vec<u32>,
    /// Position of each gene.
    position: Vec<u32>,
    blocks: Vec<Block>,
}

/// Consecutive positions of the order.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) start: usize,
    pub(super) len: usize,
    /// Messages to the genes of the block.
    pub(super) messages: Vec<SparseMatrix>,
}

impl Blocks {
    /// Deals genes into the fewest blocks of at most `most` genes.
    pub(super) fn new(view: &View, most: usize, seed: u64) -> Result<Self> {
        let n = view.n_genes();
        let mut order: Vec<u32> = (0..n as u32).collect();
        Rng::named(seed, "gears.blocks").shuffle(&mut order);
        let mut position = vec![0; n];
        order.iter().zip(0u32..).for_each(|(&gene, at)| position[gene as usize] = at);
        let n_blocks = n.div_ceil(most.max(1)).max(1);
        let bounds: Vec<usize> = (0..=n_blocks).map(|b| b * n / n_blocks).collect();
        let block = |w: &[usize]| {
            let messages = view.messages_to_genes(&order[w[0]..w[1]])?;
            Ok(Block { start: w[0], len: w[1] - w[0], messages })
        };
        let blocks = bounds.windows(2).map(block).collect::<Result<_>>()?;
        Ok(Self { order, position, blocks })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter()
    }

    /// Number of blocks, at least 1.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn get(&self, at: usize) -> &Block {
        &self.blocks[at]
    }

    /// Columns of a block, n_rows x block.len.
    pub(super) fn columns(&self, x: &ArrayView2<'_, f32>, block: &Block) -> Array2<f32> {
        let genes: Vec<usize> = self.order[block.start..block.start + block.len].iter().map(|&g| g as usize).collect();
        x.select(Axis(1), &genes)
    }

    /// Column of a gene within a block, if it is there.
    pub(super) fn place(&self, block: &Block, gene: u32) -> Option<u32> {
        let at = self.position[gene as usize] as usize;
        (block.start..block.start + block.len).contains(&at).then(|| (at - block.start) as u32)
    }

    /// Position of a gene in the order.
    pub(super) fn position(&self, gene: usize) -> usize {
        self.position[gene] as usize
    }
}
