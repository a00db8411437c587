//! Losses of direction: a predicted change should point where the measured one does, and not where another does.
//!
//! Both compare base plus output with the measured change by the cosine c over the genes of a block, the training mean
//! subtracted from both sides. The cosine loss is 1 - c(p, p) averaged over perturbations p; the contrastive loss is that
//! of InfoNCE (van den Oord, Li and Vinyals 2018): -log of the softmax over q of c(p, q) / temperature at q = p, which is
//! what metrics of discrimination reward.

use candle_core::{D, Device, Result, Tensor};
use ndarray::{Array2, ArrayView2};

use super::blocks::Blocks;
use super::config::Config;

/// Softness of the contrast: cosines this far apart differ by a factor of e.
const TEMPERATURE: f64 = 0.1;
/// Keeps changes of length 0 from dividing by it.
const SHORTEST: f64 = 1e-6;

/// What directions are compared with, n_rows x n_genes each, the training mean subtracted, in units of the residuals.
#[derive(Debug, Clone)]
pub(super) struct Directions {
    base: Array2<f32>,
    truth: Array2<f32>,
    cosine: f64,
    contrastive: f64,
}

impl Directions {
    /// None where neither loss is asked for; `truth` and `base` are changes, n_rows x n_genes.
    pub(super) fn new(config: &Config, truth: &Array2<f32>, base: &Array2<f32>, scale: f32) -> Option<Self> {
        let (cosine, contrastive) = (config.cosine, config.contrastive);
        let mean = truth.mean_axis(ndarray::Axis(0)).filter(|_| cosine > 0.0 || contrastive > 0.0)?;
        Some(Self { base: (base - &mean) / scale, truth: (truth - &mean) / scale, cosine, contrastive })
    }

    /// The part of a block, on a device.
    pub(super) fn tile(&self, blocks: &Blocks, at: usize, device: &Device) -> Result<DirectionTile> {
        let tile = |x: &Array2<f32>| tensor(blocks.columns(&x.view(), blocks.get(at)).view(), device);
        let (base, truth) = (tile(&self.base)?, unit_rows(&tile(&self.truth)?)?);
        Ok(DirectionTile { base, truth, cosine: self.cosine, contrastive: self.contrastive })
    }
}

/// The same over the genes of one block.
#[derive(Debug)]
pub(super) struct DirectionTile {
    /// n_rows x n_genes of the block.
    base: Tensor,
    /// The same, rows of length 1.
    truth: Tensor,
    cosine: f64,
    contrastive: f64,
}

impl DirectionTile {
    /// Weighted sum of both losses for the output of the network, n_rows x n_genes of the block. O(n_rows^2 x n_genes).
    pub(super) fn loss(&self, output: &Tensor) -> Result<Tensor> {
        let predicted = unit_rows(&(output + &self.base)?)?;
        let own = (&predicted * &self.truth)?.sum(D::Minus1)?;
        let mut loss = ((1.0 - own.mean_all()?)? * self.cosine)?;
        if self.contrastive > 0.0 {
            let logits = (predicted.matmul(&self.truth.t()?)? / TEMPERATURE)?;
            let contrast = (logits.log_sum_exp(D::Minus1)? - (own / TEMPERATURE)?)?;
            loss = (loss + (contrast.mean_all()? * self.contrastive)?)?;
        }
        Ok(loss)
    }
}

fn unit_rows(x: &Tensor) -> Result<Tensor> {
    let length = (x.sqr()?.sum_keepdim(D::Minus1)? + SHORTEST)?.sqrt()?;
    x.broadcast_div(&length)
}

fn tensor(x: ArrayView2<'_, f32>, device: &Device) -> Result<Tensor> {
    Tensor::from_iter(x.iter().copied(), device)?.reshape(x.dim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::gradient_check;

    fn tile(cosine: f64, contrastive: f64) -> DirectionTile {
        let truth = ndarray::array![[1.0f32, 0.0, 0.5, -1.0], [0.0, 2.0, 0.3, 0.1], [-1.0, 0.4, 0.0, 1.0]];
        let base = ndarray::array![[0.1f32, 0.3, 0.0, 0.2], [0.4, 0.1, 0.1, 0.0], [0.2, -0.2, 0.5, 0.3]];
        let truth = unit_rows(&tensor(truth.view(), &Device::Cpu).unwrap()).unwrap();
        DirectionTile { base: tensor(base.view(), &Device::Cpu).unwrap(), truth, cosine, contrastive }
    }

    #[test]
    fn the_gradients_are_the_numeric_ones() {
        let output: Vec<f32> = (0..12u8).map(|i| (f32::from(i) * 1.7).sin()).collect();
        for (cosine, contrastive) in [(1.0, 0.0), (0.0, 1.0), (0.5, 0.2)] {
            let tile = tile(cosine, contrastive);
            gradient_check::check(&[3, 4], &output, |x| tile.loss(x));
        }
    }

    #[test]
    fn the_truth_costs_least() {
        let tile = tile(1.0, 0.5);
        let scalar = |x: &Tensor| tile.loss(x).unwrap().to_scalar::<f32>().unwrap();
        let perfect = (&tile.truth - &tile.base).unwrap();
        let swapped = (tile.truth.index_select(&Tensor::new(&[1u32, 2, 0], tile.truth.device()).unwrap(), 0).unwrap()
            - &tile.base)
            .unwrap();
        assert!(scalar(&perfect) < 0.05, "{}", scalar(&perfect));
        assert!(scalar(&swapped) > scalar(&perfect) + 1.0);
    }
}
