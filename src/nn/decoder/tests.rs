//! The decoder against its formula, tensor operations and numeric gradients.

use candle_core::D;

use super::super::rms_norm;
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

/// The formula of one pair in f64, for inputs side by side.
fn pair(base: &[f64], own: &[f64], z: &[f64], w: &[f64]) -> f64 {
    let norm = |x: Vec<f64>| {
        let rms = (x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64 + f64::from(EPSILON)).sqrt();
        x.into_iter().map(|v| (v / rms).max(0.0)).collect::<Vec<f64>>()
    };
    let a = norm(base.iter().zip(z).map(|(b, z)| b + z).collect());
    let u = |j: usize| w[H * 2 * H + j] + (0..H).map(|k| a[k] * w[k * 2 * H + j]).sum::<f64>();
    norm((0..2 * H).map(u).collect()).iter().zip(own).map(|(q, v)| q * v).sum()
}

/// In f64 the step is so small that no ReLU changes sides.
#[test]
fn the_gradient_is_the_numeric_one() {
    let (g, p) = (2, 3);
    let inputs = [draw("genes", g, 3 * H), draw("z", p, H), draw("w", H + 1, 2 * H)];
    let slope = draw("slope", g, p);
    let vars = inputs.each_ref().map(|x| candle_core::Var::from_tensor(&x.1).unwrap());
    let out = gene_decoder(&vars[0], &vars[1], &vars[2], true).unwrap();
    let grads = (&out * &slope.1).unwrap().sum_all().unwrap().backward().unwrap();
    let plain = |x: &[Vec<f64>; 3]| -> f64 {
        let one = |i: usize, j: usize| {
            let (base, own) = x[0][i * 3 * H..][..3 * H].split_at(H);
            f64::from(slope.0[i * p + j]) * pair(base, own, &x[1][j * H..][..H], &x[2])
        };
        (0..g * p).map(|at| one(at / p, at % p)).sum()
    };
    let exact = inputs.each_ref().map(|x| x.0.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>());
    for (which, var) in vars.iter().enumerate() {
        for (at, got) in flat(grads.get(var).unwrap()).into_iter().enumerate() {
            let moved = |by: f64| {
                let mut x = exact.clone();
                x[which][at] += by;
                plain(&x)
            };
            let numeric = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((numeric - f64::from(got)).abs() < 1e-4, "input {which}, {at}: numeric {numeric}, got {got}");
        }
    }
}

#[test]
fn a_perturbation_has_the_same_bits_alone_and_beside_others() {
    let (genes, z, w) = (draw("genes", 70, 3 * H).1, draw("z", 41, H).1, draw("w", H + 1, 2 * H).1);
    let all = gene_decoder(&genes, &z, &w, true).unwrap();
    for p in 0..41 {
        let alone = gene_decoder(&genes, &z.narrow(0, p, 1).unwrap(), &w, true).unwrap();
        assert_eq!(flat(&alone), flat(&all.narrow(1, p, 1).unwrap()), "{p}");
    }
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
