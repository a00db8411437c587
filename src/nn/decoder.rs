//! The decoder that every gene applies to every perturbation, as one operation that holds no gene x perturbation x hidden
//! tensor.

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::rms_norm;
use super::sparse::dense_rows;
use super::tile::{ROWS, Strided, add_product, sum_of, widest};

/// Genes that one unit of work decodes: partial sums over genes are added in the order of these units.
const GENES: usize = 64;
/// Perturbations decoded side by side, so that their hidden layers stay in the cache.
const TILE: usize = 64;
/// Keeps the norm of a row of zeros finite.
const EPSILON: f32 = 1e-6;

/// For gene g and perturbation p: relu(norm(relu(norm(b_g + z_p)) W + bias)) . v_g, n_genes x n_perturbations, where norm
/// divides by the root mean square of a row (without `norms` it does nothing).
///
/// `genes` holds b and v side by side (n_genes x 3H), `perturbations` holds z (n_perturbations x H), `weights` holds W
/// with the bias as its last row ((H + 1) x 2H); H is a multiple of 16. This is GEARS' decoder (base + perturbation, shared
/// MLP H-2H-H, vector w1 per gene; Roohani et al. 2024), whose second linear layer W2 and vector w1 are one linear map:
/// v_g = W2 w1_g, so that half of its work needs not be done for every pair.
///
/// 4 H^2 operations per pair forward; 12 H^2 for the gradient, which computes the hidden layer again instead of keeping it.
/// On the CPU one pass in tiles, with the same bits for any number of threads; elsewhere plain tensor operations over
/// blocks of genes.
///
/// # Errors
/// Shapes that do not fit each other.
pub fn gene_decoder(genes: &Tensor, perturbations: &Tensor, weights: &Tensor, norms: bool) -> Result<Tensor> {
    let hidden = perturbations.dim(1)?;
    if !hidden.is_multiple_of(16) || genes.dim(1)? != 3 * hidden || weights.dims() != [hidden + 1, 2 * hidden] {
        bail!(
            "decoder: expected n x 3H, m x H and (H + 1) x 2H for H a multiple of 16, got {:?}, {:?} and {:?}",
            genes.dims(),
            perturbations.dims(),
            weights.dims()
        );
    }
    if genes.device().is_cpu() {
        return genes.contiguous()?.apply_op3(&perturbations.contiguous()?, &weights.contiguous()?, Decoder { norms });
    }
    by_tensors(genes, perturbations, weights, norms)
}

/// The same by tensor operations, a block of genes at a time.
fn by_tensors(genes: &Tensor, perturbations: &Tensor, weights: &Tensor, norms: bool) -> Result<Tensor> {
    let norm = |x: &Tensor| if norms { rms_norm(x) } else { Ok(x.clone()) };
    let (n, hidden) = (genes.dim(0)?, perturbations.dim(1)?);
    let (w, bias) = (weights.narrow(0, 0, hidden)?, weights.narrow(0, hidden, 1)?);
    let block = |start: usize| {
        let genes = genes.narrow(0, start, GENES.min(n - start))?;
        let (base, own) = (genes.narrow(1, 0, hidden)?, genes.narrow(1, hidden, 2 * hidden)?);
        let x = base.unsqueeze(1)?.broadcast_add(&perturbations.unsqueeze(0)?)?;
        let (g, p, _) = x.dims3()?;
        let a = norm(&x.reshape((g * p, hidden))?)?.relu()?;
        let q = norm(&a.matmul(&w)?.broadcast_add(&bias)?)?.relu()?;
        q.reshape((g, p, 2 * hidden))?.broadcast_mul(&own.unsqueeze(1)?)?.sum(D::Minus1)
    };
    let blocks: Vec<Tensor> = (0..n).step_by(GENES).map(block).collect::<Result<_>>()?;
    Tensor::cat(&blocks, 0)
}

/// The values of the three inputs.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    genes: &'a [f32],
    perturbations: &'a [f32],
    weights: &'a [f32],
    hidden: usize,
    norms: bool,
}

impl<'a> Inputs<'a> {
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
    #[inline(always)]
    fn inverse_norm(&self, x: &[f32]) -> f32 {
        if !self.norms {
            return 1.0;
        }
        (sum_of(x, x, |s, x, y| x.mul_add(y, s)) / x.len() as f32 + EPSILON).sqrt().recip()
    }

    /// What a gradient along the row itself counts: all of it is lost to the norm, nothing without norms.
    #[inline(always)]
    fn along(&self, sum: f32, width: usize) -> f32 {
        if self.norms { sum / width as f32 } else { 0.0 }
    }

    /// W and bias.
    fn layer(&self) -> (&'a [f32], &'a [f32]) {
        self.weights.split_at(self.hidden * 2 * self.hidden)
    }
}

/// Hidden layers of one gene and up to TILE perturbations; rows beyond the last perturbation are zero.
struct Hidden {
    /// norm(b + z), TILE x H, and its positive part.
    x: Vec<f32>,
    a: Vec<f32>,
    /// One over the norm of b + z and of u.
    scale: [[f32; TILE]; 2],
    /// a W + bias, TILE x 2H.
    u: Vec<f32>,
}

impl Hidden {
    fn new(hidden: usize) -> Self {
        let zeros = |width: usize| vec![0f32; TILE * width];
        Self { x: zeros(hidden), a: zeros(hidden), scale: [[0.0; TILE]; 2], u: zeros(2 * hidden) }
    }

    /// Computes rows `start..` for a gene; returns how many rows there are.
    #[inline(always)]
    fn fill(&mut self, of: Inputs<'_>, gene: usize, start: usize) -> usize {
        let h = of.hidden;
        let n = TILE.min(of.n_perturbations() - start);
        let padded = n.next_multiple_of(ROWS);
        let (base, _) = of.gene(gene);
        for row in 0..n {
            let z = &of.perturbations[(start + row) * h..][..h];
            let (x, a) = (&mut self.x[row * h..][..h], &mut self.a[row * h..][..h]);
            for k in 0..h {
                x[k] = base[k] + z[k];
            }
            let scale = of.inverse_norm(x);
            self.scale[0][row] = scale;
            for k in 0..h {
                x[k] *= scale;
                a[k] = x[k].max(0.0);
            }
        }
        self.a[n * h..padded * h].fill(0.0);
        let (w, bias) = of.layer();
        let u = &mut self.u[..padded * 2 * h];
        u.chunks_exact_mut(2 * h).for_each(|row| row.copy_from_slice(bias));
        add_product(u, Strided::rows(&self.a, h), w, h, 2 * h);
        for row in 0..n {
            self.scale[1][row] = of.inverse_norm(&self.u[row * 2 * h..][..2 * h]);
        }
        n
    }

    /// The output of a row.
    #[inline(always)]
    fn output(&self, row: usize, own: &[f32]) -> f32 {
        let u = &self.u[row * own.len()..][..own.len()];
        self.scale[1][row] * sum_of(u, own, |s, u, v| u.max(0.0).mul_add(v, s))
    }
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
        let of = Inputs { genes, perturbations, weights: dense_rows(s3, l3)?.0, hidden, norms: self.norms };
        let (n_genes, n) = (of.n_genes(), of.n_perturbations());
        let mut out = vec![0f32; n_genes * n];
        out.par_chunks_mut(GENES * n.max(1)).enumerate().for_each(|(unit, out)| {
            let mut layers = Hidden::new(hidden);
            widest(|| decode(of, unit * GENES, &mut layers, out));
        });
        Ok((CpuStorage::F32(out), Shape::from((n_genes, n))))
    }

    fn bwd(
        &self,
        genes: &Tensor,
        perturbations: &Tensor,
        weights: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [genes, perturbations, weights, grad] =
            [genes, perturbations, weights, grad].map(|t| t.contiguous().and_then(|t| values(&t)));
        let (genes, perturbations, weights, grad) = (genes?, perturbations?, weights?, grad?);
        let hidden = perturbations.1[1];
        let of =
            Inputs { genes: &genes.0, perturbations: &perturbations.0, weights: &weights.0, hidden, norms: self.norms };
        let slopes = slopes(of, &grad.0);
        let tensor = |x: Vec<f32>, dims: &[usize]| Tensor::from_vec(x, dims, &candle_core::Device::Cpu).map(Some);
        Ok((
            tensor(slopes.genes, &genes.1)?,
            tensor(slopes.perturbations, &perturbations.1)?,
            tensor(slopes.weights, &weights.1)?,
        ))
    }
}

fn values(x: &Tensor) -> Result<(Vec<f32>, Vec<usize>)> {
    Ok((x.flatten_all()?.to_vec1()?, x.dims().to_vec()))
}

/// Outputs of up to GENES genes from `first` on.
#[inline(always)]
fn decode(of: Inputs<'_>, first: usize, layers: &mut Hidden, out: &mut [f32]) {
    let n = of.n_perturbations();
    for (gene, out) in out.chunks_exact_mut(n).enumerate() {
        let (_, own) = of.gene(first + gene);
        for start in (0..n).step_by(TILE) {
            let rows = layers.fill(of, first + gene, start);
            (0..rows).for_each(|row| out[start + row] = layers.output(row, own));
        }
    }
}

/// Gradients of the three inputs.
struct Slopes {
    genes: Vec<f32>,
    perturbations: Vec<f32>,
    weights: Vec<f32>,
}

fn slopes(of: Inputs<'_>, grad: &[f32]) -> Slopes {
    let h = of.hidden;
    let (w, _) = of.layer();
    let mut transposed = vec![0f32; w.len()];
    (0..h).for_each(|i| (0..2 * h).for_each(|j| transposed[j * h + i] = w[i * 2 * h + j]));
    let mut genes = vec![0f32; of.genes.len()];
    let unit = |(unit, genes): (usize, &mut [f32])| {
        let mut back = Back::new(of, &transposed);
        widest(|| back.genes(unit * GENES, grad, genes));
        (back.perturbations, back.weights)
    };
    let parts: Vec<(Vec<f32>, Vec<f32>)> = genes.par_chunks_mut(GENES * 3 * h).enumerate().map(unit).collect();
    let mut all =
        Slopes { genes, perturbations: vec![0f32; of.perturbations.len()], weights: vec![0f32; of.weights.len()] };
    for (perturbations, weights) in &parts {
        all.perturbations.iter_mut().zip(perturbations).for_each(|(t, x)| *t += x);
        all.weights.iter_mut().zip(weights).for_each(|(t, x)| *t += x);
    }
    all
}

/// The gradient of one unit of genes.
struct Back<'a> {
    of: Inputs<'a>,
    /// W', 2H x H.
    transposed: &'a [f32],
    layers: Hidden,
    /// Gradients of u and a.
    du: Vec<f32>,
    da: Vec<f32>,
    perturbations: Vec<f32>,
    weights: Vec<f32>,
}

impl<'a> Back<'a> {
    fn new(of: Inputs<'a>, transposed: &'a [f32]) -> Self {
        let h = of.hidden;
        Self {
            of,
            transposed,
            layers: Hidden::new(h),
            du: vec![0.0; TILE * 2 * h],
            da: vec![0.0; TILE * h],
            perturbations: vec![0.0; of.perturbations.len()],
            weights: vec![0.0; of.weights.len()],
        }
    }

    #[inline(always)]
    fn genes(&mut self, first: usize, grad: &[f32], out: &mut [f32]) {
        let (h, n) = (self.of.hidden, self.of.n_perturbations());
        for (k, out) in out.chunks_exact_mut(3 * h).enumerate() {
            let gene = first + k;
            for start in (0..n).step_by(TILE) {
                let grad = &grad[gene * n + start..][..TILE.min(n - start)];
                self.tile(gene, start, grad, out);
            }
        }
    }

    /// One gene, up to TILE perturbations.
    #[inline(always)]
    fn tile(&mut self, gene: usize, start: usize, grad: &[f32], out: &mut [f32]) {
        let h = self.of.hidden;
        let (_, own) = self.of.gene(gene);
        let rows = self.layers.fill(self.of, gene, start);
        let padded = rows.next_multiple_of(ROWS);
        let (d_base, d_own) = out.split_at_mut(h);
        let (weights, bias) = self.weights.split_at_mut(2 * h * h);
        for (row, &g) in grad.iter().enumerate() {
            // y = s sum relu(u) v; with n = s u: dn = g v [u > 0], du = s (dn - n mean(dn n)), and the sum of dn n is g y.
            let (s, y) = (self.layers.scale[1][row], self.layers.output(row, own));
            let along = self.of.along(g * y * s, 2 * h);
            let u = &self.layers.u[row * 2 * h..][..2 * h];
            let du = &mut self.du[row * 2 * h..][..2 * h];
            for j in 0..2 * h {
                let open = if u[j] > 0.0 { 1.0 } else { 0.0 };
                du[j] = s * (g * own[j] * open - u[j] * along);
                d_own[j] += g * s * u[j].max(0.0);
                bias[j] += du[j];
            }
        }
        self.du[rows * 2 * h..padded * 2 * h].fill(0.0);
        let du = &self.du[..padded * 2 * h];
        add_transposed(weights, &self.layers.a, du, padded, h);
        let da = &mut self.da[..padded * h];
        da.fill(0.0);
        add_product(da, Strided::rows(du, 2 * h), self.transposed, 2 * h, h);
        for row in 0..rows {
            let x = &self.layers.x[row * h..][..h];
            let da = &mut self.da[row * h..][..h];
            let s = self.layers.scale[0][row];
            let along = self.of.along(sum_of(x, da, |sum, x, d| x.max(0.0).mul_add(d, sum)), h);
            let dz = &mut self.perturbations[(start + row) * h..][..h];
            for k in 0..h {
                let open = if x[k] > 0.0 { 1.0 } else { 0.0 };
                let dx = s * (da[k] * open - x[k] * along);
                d_base[k] += dx;
                dz[k] += dx;
            }
        }
    }
}

/// dW += a' du.
#[inline(always)]
fn add_transposed(weights: &mut [f32], a: &[f32], du: &[f32], rows: usize, hidden: usize) {
    add_product(weights, Strided::rows(a, hidden).t(), du, rows, 2 * hidden);
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::gradient_check::check;
    use super::*;
    use crate::stats::Rng;

    const H: usize = 16;

    fn draw(name: &str, rows: usize, width: usize) -> (Vec<f32>, Tensor) {
        let mut rng = Rng::named(3, name);
        let x: Vec<f32> = (0..rows * width).map(|_| rng.normal() as f32).collect();
        (x.clone(), Tensor::from_vec(x, (rows, width), &Device::Cpu).unwrap())
    }

    fn flat(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn tiles_and_tensor_operations_agree_with_their_gradients() {
        for (g, p, norms) in [(3, 5, true), (70, 70, true), (1, 1, true), (5, 9, false)] {
            let inputs = [draw("genes", g, 3 * H), draw("z", p, H), draw("w", H + 1, 2 * H)];
            let slope = draw("slope", g, p).1;
            let run = |f: fn(&Tensor, &Tensor, &Tensor, bool) -> Result<Tensor>| {
                let vars = inputs.each_ref().map(|x| candle_core::Var::from_tensor(&x.1).unwrap());
                let out = f(&vars[0], &vars[1], &vars[2], norms).unwrap();
                let grads = (&out * &slope).unwrap().sum_all().unwrap().backward().unwrap();
                let mut all = vec![flat(&out)];
                all.extend(vars.iter().map(|v| flat(grads.get(v).unwrap())));
                all
            };
            for (fused, plain) in run(gene_decoder).iter().zip(run(by_tensors)) {
                let size = plain.iter().fold(1f32, |m, v| m.max(v.abs()));
                let off = fused.iter().zip(&plain).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
                assert!(off < 1e-4 * size, "{g} x {p}, norms {norms}: {off} of {size}");
            }
        }
    }

    #[test]
    fn the_gradient_is_the_numeric_one() {
        let (genes, z, w) = (draw("genes", 2, 3 * H), draw("z", 3, H), draw("w", H + 1, 2 * H));
        let slope = draw("slope", 2, 3).1;
        let sum = |out: Result<Tensor>| (out? * &slope)?.sum_all();
        check(&[2, 3 * H], &genes.0, |x| sum(gene_decoder(x, &z.1, &w.1, true)));
        check(&[3, H], &z.0, |x| sum(gene_decoder(&genes.1, x, &w.1, true)));
        check(&[H + 1, 2 * H], &w.0, |x| sum(gene_decoder(&genes.1, &z.1, x, true)));
    }

    #[test]
    fn threads_change_no_bit() {
        let (genes, z, w) = (draw("genes", 200, 3 * H).1, draw("z", 9, H).1, draw("w", H + 1, 2 * H).1);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let var = candle_core::Var::from_tensor(&w).unwrap();
                let out = gene_decoder(&genes, &z, &var, true).unwrap();
                let grads = out.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                (flat(&out), flat(grads.get(&var).unwrap()))
            })
        };
        assert!(run(1) == run(3));
    }

    #[test]
    fn shapes_are_checked() {
        let (genes, z, w) = (draw("genes", 2, 3 * H).1, draw("z", 3, H).1, draw("w", H, 2 * H).1);
        assert!(gene_decoder(&genes, &z, &w, true).is_err());
    }
}
