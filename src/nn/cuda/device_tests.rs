//! Every operation on a GPU against the CPU, forward and backward; skipped where there is no GPU.

use candle_core::{Device, Result, Tensor, Var};

use super::super::{
    AdamW, AdamWSettings, ElementLoss, LossKind, Neighbourhoods, SparseFeatures, SparseMatrix, Variables, gene_decoder,
    gradient_norm, rms_norm,
};
use crate::stats::Rng;

/// Says why where there is no GPU.
fn gpu() -> Option<Device> {
    Device::new_cuda(0).map_err(|e| eprintln!("skipped: no GPU: {e}")).ok()
}

fn draw(name: &str, n: usize) -> Vec<f32> {
    let mut rng = Rng::named(9, name);
    (0..n).map(|_| rng.normal() as f32).collect()
}

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Output and gradients of all inputs, for a drawn gradient of the output.
fn run(shapes: &[Vec<usize>], device: &Device, f: impl Fn(&[Var]) -> Result<Tensor>) -> Vec<Vec<f32>> {
    let var = |(k, shape): (usize, &Vec<usize>)| {
        let values = draw(&format!("input {k}"), shape.iter().product());
        Var::from_tensor(&Tensor::from_vec(values, shape.as_slice(), device).unwrap()).unwrap()
    };
    let vars: Vec<Var> = shapes.iter().enumerate().map(var).collect();
    let out = f(&vars).unwrap();
    let slope = Tensor::from_vec(draw("slope", out.elem_count()), out.shape(), device).unwrap();
    let grads = (&out * slope).unwrap().sum_all().unwrap().backward().unwrap();
    std::iter::once(flat(&out)).chain(vars.iter().map(|v| flat(grads.get(v).unwrap()))).collect()
}

/// Differences of at most 1e-4 of the largest value.
fn assert_close(got: &[f32], expected: &[f32], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let size = expected.iter().fold(1f32, |s, v| s.max(v.abs()));
    let off = got.iter().zip(expected).fold(0f32, |o, (a, b)| o.max((a - b).abs()));
    assert!(off < 1e-4 * size, "{what}: off by {off} of {size}");
}

/// The same on both, and the same bits twice on the GPU.
fn agree(what: &str, shapes: &[Vec<usize>], f: impl Fn(&[Var]) -> Result<Tensor>) {
    let Some(device) = gpu() else { return };
    let (got, expected) = (run(shapes, &device, &f), run(shapes, &Device::Cpu, &f));
    for (k, (got, expected)) in got.iter().zip(&expected).enumerate() {
        assert_close(got, expected, &format!("{what}, {k}"));
    }
    assert!(got == run(shapes, &device, &f), "{what}: other bits the second time");
}

/// NVRTC needs no GPU.
#[test]
fn the_kernels_compile() {
    let ptx = super::compile().unwrap();
    assert!(super::SOURCE.matches("__global__ void ").count() == ptx.matches(".visible .entry ").count());
}

#[test]
fn sparse_products() {
    for (rows, columns, width) in [(1, 1, 1), (500, 300, 64), (70, 90, 33)] {
        let mut rng = Rng::named(2, "entries");
        let mut place = |n: usize| (rng.next_u32() as usize % n) as u32;
        let entries = draw("values", 3 * rows).into_iter().map(|v| (place(rows), place(columns), v)).collect();
        let matrix = SparseMatrix::new(rows, columns, entries).unwrap();
        agree("sparse product", &[vec![columns, width]], |v| matrix.matmul(&v[0]));
        // Part of a tensor, which does not begin where its storage does.
        agree("of a part", &[vec![columns + 2, width]], |v| matrix.matmul(&v[0].narrow(0, 2, columns)?));
    }
}

#[test]
fn norms() {
    for shape in [vec![1, 1], vec![300, 64], vec![7, 2, 100]] {
        agree("norm", &[shape], |v| rms_norm(&v[0]));
    }
}

#[test]
fn decoders() {
    for (genes, n, h, norms) in [(1, 1, 1, true), (70, 41, 64, true), (200, 130, 33, true), (5, 9, 16, false)] {
        let shapes = [vec![genes, 3 * h], vec![n, h], vec![h + 1, 2 * h]];
        agree("decoder", &shapes, |v| gene_decoder(&v[0], &v[1], &v[2], norms));
    }
}

#[test]
fn attention() {
    let of: Vec<Vec<u32>> = (0..70u32).map(|r| (0..=r % 9).map(|k| (r * 7 + k * 5) % 39).collect()).collect();
    let near = Neighbourhoods::new(40, &of).unwrap();
    for (heads, part) in [(1, 1), (2, 32), (3, 11)] {
        let shapes = [vec![40, heads * part], vec![70, heads * part], vec![heads * part]];
        agree("attention", &shapes, |v| near.attend(&v[0], &v[1], &v[2], heads));
    }
}

#[test]
fn losses() {
    let n = 9000;
    let positive: Vec<f32> = draw("a", n).into_iter().map(f32::abs).collect();
    let variance = positive.as_slice().into();
    let kinds = [
        LossKind::Squared,
        LossKind::Weighted(positive.as_slice().into()),
        LossKind::Fourth { variance, third: draw("b", n).into() },
    ];
    for kind in kinds {
        let loss = ElementLoss::new(draw("target", n).into(), kind).unwrap();
        agree("loss", &[vec![90, 100]], |v| loss.apply(&v[0]));
    }
}

#[test]
fn sparse_features() {
    let entries = (0..200u32).map(|k| ((k % 20, k / 20 * 3 % 31), draw(&format!("{k}"), 4))).collect();
    let features = SparseFeatures::new((20, 31), 4, entries).unwrap();
    agree("features", &[vec![31, 4]], |v| features.weigh(&v[0]));
}

#[test]
fn steps_of_adam_and_the_norm() {
    let Some(device) = gpu() else { return };
    let run = |device: &Device| {
        let mut vars = Variables::new(5, device);
        let (x, y) = (vars.normal("x", &[90, 7], 1.0).unwrap(), vars.normal("y", &[3], 1.0).unwrap());
        let mut adam = AdamW::new(&vars, AdamWSettings { weight_decay: 0.1, ..AdamWSettings::default() }).unwrap();
        let mut norms = Vec::new();
        for _ in 0..5 {
            let loss = (x.sqr().unwrap().sum_all().unwrap() + y.sqr().unwrap().sum_all().unwrap()).unwrap();
            let grads = loss.backward().unwrap();
            norms.push(gradient_norm(&vars, &grads).unwrap() as f32);
            adam.update(&vars, &grads, 0.05, 0.5).unwrap();
        }
        [flat(&x), flat(&y), norms]
    };
    for (got, expected) in run(&device).iter().zip(run(&Device::Cpu)) {
        assert_close(got, &expected, "weights and norms");
    }
}
