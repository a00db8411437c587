//! The decoder that every gene applies to every perturbation, as one operation that holds no gene x perturbation x hidden
//! tensor.

use candle_core::{CpuStorage, CustomOp3, Device, Error, Layout, Result, Shape, Tensor, bail};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

#[cfg(feature = "cuda")]
use super::cuda;
use super::sparse::dense_rows;

/// Genes that one unit of work decodes: partial sums over genes are added in the order of these units.
const GENES: usize = 64;
/// Pairs of gene and perturbation whose hidden layers are held at a time, so that they stay in the cache.
const PAIRS: usize = 128;
/// Keeps the norm of a row of zeros finite.
const EPSILON: f32 = 1e-6;
/// Lanes of a sum, which make a vector loop of it.
const LANES: usize = 16;

/// For gene g and perturbation p: relu(norm(relu(norm(b_g + z_p)) W + bias)) . v_g, n_genes x n_perturbations, where norm
/// divides by the root mean square of a row (without `norms` it does nothing).
///
/// `genes` holds b and v side by side (n_genes x 3H), `perturbations` holds z (n_perturbations x H), `weights` holds W
/// with the bias as its last row ((H + 1) x 2H). This is GEARS' decoder (base + perturbation, shared MLP H-2H-H, vector w1
/// per gene; Roohani et al. 2024), whose second linear layer W2 and vector w1 are one linear map: v_g = W2 w1_g, so that
/// half of its work needs not be done for every pair.
///
/// 4 H^2 operations per pair forward; 12 H^2 for the gradient, which computes the hidden layer again instead of keeping it.
/// On the CPU one pass in tiles of pairs, with the same bits for any number of threads and for any other perturbations
/// beside one; on a GPU a block of genes at a time, of which 64 MiB of the wider hidden layer are held.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn gene_decoder(genes: &Tensor, perturbations: &Tensor, weights: &Tensor, norms: bool) -> Result<Tensor> {
    let hidden = perturbations.dim(1)?;
    if hidden == 0 || genes.dim(1)? != 3 * hidden || weights.dims() != [hidden + 1, 2 * hidden] {
        bail!(
            "decoder: expected n x 3H, m x H and (H + 1) x 2H, got {:?}, {:?} and {:?}",
            genes.dims(),
            perturbations.dims(),
            weights.dims()
        );
    }
    genes.contiguous()?.apply_op3(&perturbations.contiguous()?, &weights.contiguous()?, Decoder { norms })
}

/// The values of the three inputs.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    genes: &'a [f32],
    perturbations: &'a [f32],
    /// W, H x 2H.
    layer: ArrayView2<'a, f32>,
    bias: &'a [f32],
    hidden: usize,
    norms: bool,
}

impl<'a> Inputs<'a> {
    fn new(genes: &'a [f32], perturbations: &'a [f32], weights: &'a [f32], hidden: usize, norms: bool) -> Result<Self> {
        let (layer, bias) = weights.split_at(2 * hidden * hidden);
        Ok(Self { genes, perturbations, layer: matrix(layer, 2 * hidden)?, bias, hidden, norms })
    }

    fn n_genes(&self) -> usize {
        self.genes.len() / (3 * self.hidden)
    }

    fn n_perturbations(&self) -> usize {
        self.perturbations.len() / self.hidden
    }

    /// b and v of a gene.
    fn gene(&self, gene: usize) -> (&'a [f32], &'a [f32]) {
        self.genes[gene * 3 * self.hidden..][..3 * self.hidden].split_at(self.hidden)
    }

    /// One over the root mean square of a row, where there are norms.
    fn inverse_norm(&self, x: &[f32]) -> f32 {
        if self.norms { (dot(x, x) / x.len() as f32 + EPSILON).sqrt().recip() } else { 1.0 }
    }

    /// What a gradient along the row itself counts: all of it is lost to the norm, nothing without norms.
    fn along(&self, sum: f32, width: usize) -> f32 {
        if self.norms { sum / width as f32 } else { 0.0 }
    }
}

/// A slice as rows of this width.
fn matrix(x: &[f32], width: usize) -> Result<ArrayView2<'_, f32>> {
    ArrayView2::from_shape((x.len() / width, width), x).map_err(Error::wrap)
}

fn matrix_mut(x: &mut [f32], width: usize) -> Result<ArrayViewMut2<'_, f32>> {
    ArrayViewMut2::from_shape((x.len() / width, width), x).map_err(Error::wrap)
}

/// The scalar product of f(x) and y, summed in lanes.
fn dot_of(x: &[f32], y: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| f(*x) * y).sum();
    for (x, y) in xs.zip(ys) {
        for j in 0..LANES {
            lanes[j] += f(x[j]) * y[j];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    dot_of(x, y, |x| x)
}

// Loops over rows are functions of their own: slices that are arguments do not overlap, so that they become vector loops.

fn add_rows(to: &mut [f32], x: &[f32], y: &[f32]) {
    to.iter_mut().zip(x.iter().zip(y)).for_each(|(t, (x, y))| *t = x + y);
}

fn scale_row(x: &mut [f32], by: f32) {
    x.iter_mut().for_each(|x| *x *= by);
}

fn relu_row(to: &mut [f32], x: &[f32]) {
    to.iter_mut().zip(x).for_each(|(t, x)| *t = relu(*x));
}

fn add_scaled(to: &mut [f32], x: &[f32], by: f32) {
    to.iter_mut().zip(x).for_each(|(t, x)| *t += by * x);
}

fn add_row(to: &mut [f32], x: &[f32]) {
    to.iter_mut().zip(x).for_each(|(t, x)| *t += x);
}

/// x <- by own where x is positive, less x along.
fn slope_row(x: &mut [f32], own: &[f32], by: f32, along: f32) {
    x.iter_mut().zip(own).for_each(|(x, own)| {
        let open = if *x > 0.0 { by * own } else { 0.0 };
        *x = open - *x * along;
    });
}

fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}

/// Hidden layers of up to PAIRS pairs of genes of one unit with perturbations, all perturbations of a gene side by side.
struct Hidden {
    /// Gene and perturbation of each pair.
    pairs: Vec<(usize, usize)>,
    /// norm(b + z) and its positive part, pairs x H.
    x: Vec<f32>,
    a: Vec<f32>,
    /// a W + bias and its positive part, pairs x 2H.
    u: Vec<f32>,
    v: Vec<f32>,
    /// One over the norm of b + z and of u.
    scale: [Vec<f32>; 2],
}

impl Hidden {
    fn new(hidden: usize) -> Self {
        let zeros = |width: usize| vec![0f32; PAIRS * width];
        let (narrow, wide) = (|| zeros(hidden), || zeros(2 * hidden));
        Self { pairs: Vec::new(), x: narrow(), a: narrow(), u: wide(), v: wide(), scale: [zeros(1), zeros(1)] }
    }

    /// Computes the layers of these pairs.
    fn fill(&mut self, of: Inputs<'_>, pairs: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        let h = of.hidden;
        self.pairs.clear();
        self.pairs.extend(pairs);
        let n = self.pairs.len();
        let rows = self.x.chunks_exact_mut(h).zip(self.a.chunks_exact_mut(h)).zip(&mut self.scale[0]);
        for (&(gene, perturbation), ((x, a), scale)) in self.pairs.iter().zip(rows) {
            let (base, z) = (of.gene(gene).0, &of.perturbations[perturbation * h..][..h]);
            add_rows(x, base, z);
            *scale = of.inverse_norm(x);
            scale_row(x, *scale);
            relu_row(a, x);
        }
        let u = &mut self.u[..n * 2 * h];
        u.chunks_exact_mut(2 * h).for_each(|row| row.copy_from_slice(of.bias));
        general_mat_mul(1.0, &matrix(&self.a[..n * h], h)?, &of.layer, 1.0, &mut matrix_mut(u, 2 * h)?);
        let rows = u.chunks_exact(2 * h).zip(self.v.chunks_exact_mut(2 * h)).zip(&mut self.scale[1]);
        for ((u, v), scale) in rows {
            *scale = of.inverse_norm(u);
            relu_row(v, u);
        }
        Ok(())
    }

    /// The output of a row.
    fn output(&self, row: usize, own: &[f32]) -> f32 {
        self.scale[1][row] * dot(&self.v[row * own.len()..][..own.len()], own)
    }
}

/// All pairs of some genes with the perturbations, in tiles.
fn tiles(first: usize, genes: usize, n: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (from, to) = (first * n, (first + genes) * n);
    (from..to).step_by(PAIRS).map(move |start| start..(start + PAIRS).min(to))
}

struct Decoder {
    norms: bool,
}

impl CustomOp3 for Decoder {
    fn name(&self) -> &'static str {
        "gene-decoder"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((genes, _), (perturbations, hidden)) = (dense_rows(s1, l1)?, dense_rows(s2, l2)?);
        let of = Inputs::new(genes, perturbations, dense_rows(s3, l3)?.0, hidden, self.norms)?;
        let (n_genes, n) = (of.n_genes(), of.n_perturbations());
        let mut out = vec![0f32; n_genes * n];
        let units = out.par_chunks_mut(GENES * n.max(1)).enumerate();
        units.try_for_each(|(unit, out)| decode(of, unit * GENES, out))?;
        Ok((CpuStorage::F32(out), Shape::from((n_genes, n))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
        s3: &candle_core::CudaStorage,
        l3: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let (m, of) = self.on_gpu([(s1, l1), (s2, l2), (s3, l3)])?;
        Ok((cuda::output(&m, cuda::decoder::decode(&m, &of)?)?, Shape::from((of.n_genes, of.n))))
    }

    fn bwd(
        &self,
        genes: &Tensor,
        perturbations: &Tensor,
        weights: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        #[cfg(feature = "cuda")]
        if grad.device().is_cuda() {
            return self.slopes_on_gpu([genes, perturbations, weights], grad);
        }
        let flat = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
        let inputs = [flat(genes)?, flat(perturbations)?, flat(weights)?];
        let of = Inputs::new(&inputs[0], &inputs[1], &inputs[2], perturbations.dim(1)?, self.norms)?;
        let slopes = slopes(of, &flat(grad)?)?;
        let tensor = |x: Vec<f32>, like: &Tensor| Tensor::from_vec(x, like.shape(), &Device::Cpu).map(Some);
        Ok((
            tensor(slopes.genes, genes)?,
            tensor(slopes.perturbations, perturbations)?,
            tensor(slopes.weights, weights)?,
        ))
    }
}

#[cfg(feature = "cuda")]
impl Decoder {
    fn on_gpu<'a>(
        &self,
        [genes, perturbations, weights]: [(&'a candle_core::CudaStorage, &Layout); 3],
    ) -> Result<(cuda::Machine, cuda::decoder::Inputs<'a>)> {
        let ((n_genes, _), (n, hidden)) = (genes.1.shape().dims2()?, perturbations.1.shape().dims2()?);
        let (m, genes) = cuda::input(genes.0, genes.1)?;
        let perturbations = cuda::input(perturbations.0, perturbations.1)?.1;
        let weights = cuda::input(weights.0, weights.1)?.1;
        let (norms, values) = (self.norms, cuda::decoder::VALUES);
        Ok((m, cuda::decoder::Inputs { genes, perturbations, weights, n_genes, n, hidden, norms, values }))
    }

    fn slopes_on_gpu(
        &self,
        inputs: [&Tensor; 3],
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let ([g, p, w], d) = (inputs.map(Tensor::storage_and_layout), grad.storage_and_layout());
        let (g, p, w) = ((cuda::array_of(&g.0)?, g.1), (cuda::array_of(&p.0)?, p.1), (cuda::array_of(&w.0)?, w.1));
        let (m, of) = self.on_gpu([g, p, w])?;
        let (_, d) = cuda::input(cuda::array_of(&d.0)?, d.1)?;
        let [dg, dp, dw] = cuda::decoder::slopes(&m, &of, &d)?;
        let tensor = |x, like: &Tensor| cuda::output_tensor(&m, x, like.shape()).map(Some);
        Ok((tensor(dg, inputs[0])?, tensor(dp, inputs[1])?, tensor(dw, inputs[2])?))
    }
}

/// Outputs of up to GENES genes from `first` on.
fn decode(of: Inputs<'_>, first: usize, out: &mut [f32]) -> Result<()> {
    let n = of.n_perturbations();
    let mut layers = Hidden::new(of.hidden);
    for (tile, out) in tiles(first, out.len() / n, n).zip(out.chunks_mut(PAIRS)) {
        layers.fill(of, tile.map(|pair| (pair / n, pair % n)))?;
        for (row, out) in out.iter_mut().enumerate() {
            *out = layers.output(row, of.gene(layers.pairs[row].0).1);
        }
    }
    Ok(())
}

/// Gradients of the three inputs.
struct Slopes {
    genes: Vec<f32>,
    perturbations: Vec<f32>,
    weights: Vec<f32>,
}

fn slopes(of: Inputs<'_>, grad: &[f32]) -> Result<Slopes> {
    let h = of.hidden;
    let n_weights = (h + 1) * 2 * h;
    let mut genes = vec![0f32; of.genes.len()];
    let unit = |(unit, genes): (usize, &mut [f32])| {
        let mut back =
            Back { of, genes, perturbations: vec![0f32; of.perturbations.len()], weights: vec![0f32; n_weights] };
        back.unit(unit * GENES, grad)?;
        Ok((back.perturbations, back.weights))
    };
    let parts: Vec<_> = genes.par_chunks_mut(GENES * 3 * h).enumerate().map(unit).collect::<Result<_>>()?;
    let mut all = Slopes { genes, perturbations: vec![0f32; of.perturbations.len()], weights: vec![0f32; n_weights] };
    for (perturbations, weights) in &parts {
        all.perturbations.iter_mut().zip(perturbations).for_each(|(t, x)| *t += x);
        all.weights.iter_mut().zip(weights).for_each(|(t, x)| *t += x);
    }
    Ok(all)
}

/// What the gradients of one unit are added to.
struct Back<'a, 'b> {
    of: Inputs<'a>,
    /// Of the genes of the unit.
    genes: &'b mut [f32],
    perturbations: Vec<f32>,
    weights: Vec<f32>,
}

impl Back<'_, '_> {
    fn unit(&mut self, first: usize, grad: &[f32]) -> Result<()> {
        let (h, n) = (self.of.hidden, self.of.n_perturbations());
        let mut layers = Hidden::new(h);
        for tile in tiles(first, self.genes.len() / (3 * h), n) {
            layers.fill(self.of, tile.clone().map(|pair| (pair / n, pair % n)))?;
            let rows = tile.len();
            self.second_layer(&mut layers, first, &grad[tile]);
            // u holds its gradient now; that of a takes the place of a.
            let (weights, du) = (&mut self.weights[..2 * h * h], matrix(&layers.u[..rows * 2 * h], 2 * h)?);
            let a = &mut layers.a[..rows * h];
            general_mat_mul(1.0, &matrix(a, h)?.t(), &du, 1.0, &mut matrix_mut(weights, 2 * h)?);
            general_mat_mul(1.0, &du, &self.of.layer.t(), 0.0, &mut matrix_mut(a, h)?);
            self.first_layer(&mut layers, first);
        }
        Ok(())
    }

    /// Gradients of v and the bias, and that of u in place of u. With n = s u and y = relu(n) . v: dn = g v where u > 0,
    /// du = s (dn - n mean(dn n)), and the sum of dn n is g y.
    fn second_layer(&mut self, layers: &mut Hidden, first: usize, grad: &[f32]) {
        let h = self.of.hidden;
        let bias = &mut self.weights[2 * h * h..];
        for (row, &g) in grad.iter().enumerate() {
            let gene = layers.pairs[row].0;
            let (_, own) = self.of.gene(gene);
            let d_own = &mut self.genes[(gene - first) * 3 * h + h..][..2 * h];
            let (s, y) = (layers.scale[1][row], layers.output(row, own));
            let (along, slope) = (s * self.of.along(g * y * s, 2 * h), g * s);
            let (u, v) = (&mut layers.u[row * 2 * h..][..2 * h], &layers.v[row * 2 * h..][..2 * h]);
            add_scaled(d_own, v, slope);
            slope_row(u, own, slope, along);
            add_row(bias, u);
        }
    }

    /// Gradients of b and z from those of a. With x = s (b + z): dx = da where x > 0 and d(b + z) = s (dx - x mean(dx x)).
    fn first_layer(&mut self, layers: &mut Hidden, first: usize) {
        let h = self.of.hidden;
        for (row, &(gene, perturbation)) in layers.pairs.iter().enumerate() {
            let (x, da) = (&mut layers.x[row * h..][..h], &layers.a[row * h..][..h]);
            let s = layers.scale[0][row];
            let along = s * self.of.along(dot_of(x, da, relu), h);
            slope_row(x, da, s, along);
            add_row(&mut self.genes[(gene - first) * 3 * h..][..h], x);
            add_row(&mut self.perturbations[perturbation * h..][..h], x);
        }
    }
}

#[cfg(test)]
mod tests;
