//! The kernels on the processor, in the order in which a GPU gets them, against the operations of the CPU.

use candle_core::{Device, Tensor, Var};

use super::super::{
    AdamW, AdamWSettings, ElementLoss, LossKind, Neighbourhoods, SparseFeatures, SparseMatrix, Variables, gene_decoder,
    gradient_norm,
};
use super::{Array, Machine, adamw, attention, clip, decoder, host, loss, rms_norm, sparse, sparse_features};
use crate::stats::Rng;

/// Says why where kernels cannot run here.
fn machine() -> Option<Machine> {
    host::machine().map_err(|reason| eprintln!("skipped: {reason}")).ok()
}

fn draw(name: &str, n: usize) -> Vec<f32> {
    let mut rng = Rng::named(7, name);
    (0..n).map(|_| rng.normal() as f32).collect()
}

fn array(x: &[f32]) -> Array<'_, f32> {
    Array::Host(x.into())
}

fn var(x: &[f32], shape: &[usize]) -> Var {
    Var::from_vec(x.to_vec(), shape, &Device::Cpu).unwrap()
}

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// Output and gradients of an operation on the CPU, for this gradient of its output.
fn on_cpu(inputs: &[&Var], out: &Tensor, grad: &[f32]) -> Vec<Vec<f32>> {
    let grad = Tensor::from_vec(grad.to_vec(), out.shape(), &Device::Cpu).unwrap();
    let grads = (out * grad).unwrap().sum_all().unwrap().backward().unwrap();
    std::iter::once(flat(out)).chain(inputs.iter().map(|v| flat(grads.get(v).unwrap()))).collect()
}

/// Largest difference below 1e-5 of the largest value, and the same length.
fn assert_close(m: &Machine, got: &Array<'static, f32>, expected: &[f32], what: &str) {
    let got = m.download(got).unwrap();
    assert_eq!(got.len(), expected.len(), "{what}");
    let size = expected.iter().fold(1f32, |s, v| s.max(v.abs()));
    let off = got.iter().zip(expected).fold(0f32, |o, (a, b)| o.max((a - b).abs()));
    assert!(off < 1e-5 * size, "{what}: off by {off} of {size}");
}

#[test]
fn sparse_products_agree() {
    let Some(m) = machine() else { return };
    for (n_rows, n_columns, n_entries, width) in [(1, 1, 1, 1), (40, 23, 0, 3), (61, 30, 150, 37)] {
        let mut rng = Rng::named(1, "entries");
        let mut place = |n: usize| (rng.next_u32() as usize % n) as u32;
        // The last row stays empty where there are others.
        let entries: Vec<(u32, u32, f32)> =
            draw("values", n_entries).into_iter().map(|v| (place(n_rows.max(2) - 1), place(n_columns), v)).collect();
        let matrix = SparseMatrix::new(n_rows, n_columns, entries).unwrap();
        let (x, grad) = (draw("x", n_columns * width), draw("grad", n_rows * width));
        let input = var(&x, &[n_columns, width]);
        let expected = on_cpu(&[&input], &matrix.matmul(&input).unwrap(), &grad);
        let [forward, backward] = matrix.on_machine(&m).unwrap();
        let what = format!("{n_rows} x {n_columns} with {n_entries} entries, width {width}");
        assert_close(&m, &sparse::product(&m, &forward, &array(&x), width).unwrap(), &expected[0], &what);
        assert_close(&m, &sparse::product(&m, &backward, &array(&grad), width).unwrap(), &expected[1], &what);
    }
}

#[test]
fn norms_agree() {
    let Some(m) = machine() else { return };
    for shape in [[1, 1], [3, 31], [5, 32], [4, 100]] {
        let (mut x, grad) = (draw("x", shape[0] * shape[1]), draw("grad", shape[0] * shape[1]));
        x[..shape[1]].fill(0.0);
        let input = var(&x, &shape);
        let expected = on_cpu(&[&input], &super::super::rms_norm(&input).unwrap(), &grad);
        assert_close(&m, &rms_norm::forward(&m, &array(&x), shape).unwrap(), &expected[0], "norm");
        assert_close(&m, &rms_norm::slope(&m, &array(&x), &array(&grad), shape).unwrap(), &expected[1], "its gradient");
    }
}

#[test]
fn losses_agree() {
    let Some(m) = machine() else { return };
    for n in [1, 33, 9000] {
        let (x, target) = (draw("x", n), draw("target", n));
        let (a, b): (Vec<f32>, Vec<f32>) = (draw("a", n).into_iter().map(f32::abs).collect(), draw("b", n));
        let fourth = LossKind::Fourth { variance: a.as_slice().into(), third: b.as_slice().into() };
        let kinds: [(LossKind, Vec<&[f32]>); 3] =
            [(LossKind::Squared, vec![]), (LossKind::Weighted(a.as_slice().into()), vec![&a]), (fourth, vec![&a, &b])];
        for (kind, more) in kinds {
            let terms = loss::Terms::new(&m, &target, &more).unwrap();
            let input = var(&x, &[n]);
            let cost = ElementLoss::new(target.as_slice().into(), kind).unwrap();
            let expected = on_cpu(&[&input], &cost.apply(&input).unwrap(), &[0.7]);
            assert_close(&m, &loss::mean(&m, &terms, &array(&x)).unwrap(), &expected[0], "mean");
            let slope = loss::slope(&m, &terms, &array(&x), &array(&[0.7])).unwrap();
            assert_close(&m, &slope, &expected[1], "its gradient");
        }
    }
}

#[test]
fn norms_of_gradients_agree() {
    let Some(m) = machine() else { return };
    let (a, b) = (draw("a", 5000), draw("b", 3));
    let mut vars = Variables::new(1, &Device::Cpu);
    let (x, y) = (vars.zeros("a", &[5000]).unwrap(), vars.zeros("b", &[3]).unwrap());
    let slope = |x: &Tensor, by: &[f32]| {
        (x * Tensor::from_slice(by, by.len(), &Device::Cpu).unwrap()).unwrap().sum_all().unwrap()
    };
    let grads = (slope(&x, &a) + slope(&y, &b)).unwrap().backward().unwrap();
    let expected = gradient_norm(&vars, &grads).unwrap();
    let got = clip::sum_of_squares(&m, &[(array(&a), 5000), (array(&b), 3)]).unwrap().sqrt();
    assert!((got - expected).abs() < 1e-9 * expected, "{got}, expected {expected}");
}

#[test]
fn sparse_features_agree() {
    let Some(m) = machine() else { return };
    for (shape, n_features, n_entries) in [([1, 1], 1, 1), ([3, 5], 2, 0), ([9, 20], 4, 70)] {
        let mut places: Vec<(u32, u32)> =
            (0..shape[0] as u32).flat_map(|r| (0..shape[1] as u32).map(move |c| (r, c))).collect();
        Rng::named(3, "places").shuffle(&mut places);
        let values = draw("features", n_entries * n_features);
        let entries = places.into_iter().zip(values.chunks(n_features).map(<[f32]>::to_vec)).collect();
        let features = SparseFeatures::new((shape[0], shape[1]), n_features, entries).unwrap();
        let (w, grad) = (draw("w", shape[1] * n_features), draw("grad", shape[0] * shape[1]));
        let input = var(&w, &[shape[1], n_features]);
        let expected = on_cpu(&[&input], &features.weigh(&input).unwrap(), &grad);
        let on = features.on_machine(&m).unwrap();
        assert_close(&m, &sparse_features::weigh(&m, &on, &array(&w)).unwrap(), &expected[0], "weighted features");
        assert_close(&m, &sparse_features::slope(&m, &on, &array(&grad)).unwrap(), &expected[1], "their gradient");
    }
}

#[test]
fn attention_agrees() {
    let Some(m) = machine() else { return };
    let lists: [(usize, Vec<Vec<u32>>); 3] = [
        (1, vec![vec![0]]),
        (4, vec![vec![0, 2], vec![3], vec![0, 1, 2]]),
        (40, (0..70u32).map(|r| (0..=r % 9).map(|k| (r * 7 + k * 5) % 39).collect()).collect()),
    ];
    for (n_senders, of) in &lists {
        for (heads, part) in [(1, 1), (2, 3), (3, 16)] {
            let (width, n) = (heads * part, of.len());
            let [l, r, v] = [("l", n_senders * width), ("r", n * width), ("v", width)].map(|(s, n)| draw(s, n));
            let (grad, near) = (draw("grad", n * width), Neighbourhoods::new(*n_senders, of).unwrap());
            let vars = [var(&l, &[*n_senders, width]), var(&r, &[n, width]), var(&v, &[width])];
            let out = near.attend(&vars[0], &vars[1], &vars[2], heads).unwrap();
            let expected = on_cpu(&[&vars[0], &vars[1], &vars[2]], &out, &grad);
            let of = attention::Inputs { l: array(&l), r: array(&r), v: array(&v), heads, part };
            let edges = near.on_machine(&m).unwrap();
            assert_close(&m, &attention::attend(&m, &edges, &of).unwrap(), &expected[0], "what receivers hear");
            let slopes = attention::slopes(&m, &edges, &of, &array(&grad)).unwrap();
            for (got, (expected, what)) in slopes.iter().zip(expected[1..].iter().zip(["l", "r", "v"])) {
                assert_close(&m, got, expected, &format!("gradient of {what}, {n} receivers, {heads} x {part}"));
            }
        }
    }
}

#[test]
fn decoders_agree() {
    let Some(m) = machine() else { return };
    // Blocks of 1 gene, of 2 genes with a shorter last one, and one block.
    let cases = [(1, 1, 1, true, 1), (5, 3, 5, true, 60), (4, 7, 33, true, decoder::VALUES), (6, 2, 16, false, 300)];
    for (n_genes, n, hidden, norms, values) in cases {
        let shapes = [[n_genes, 3 * hidden], [n, hidden], [hidden + 1, 2 * hidden]];
        let [genes, z, w] = [0, 1, 2].map(|k| draw(["genes", "z", "w"][k], shapes[k][0] * shapes[k][1]));
        let grad = draw("grad", n_genes * n);
        let vars = [var(&genes, &shapes[0]), var(&z, &shapes[1]), var(&w, &shapes[2])];
        let out = gene_decoder(&vars[0], &vars[1], &vars[2], norms).unwrap();
        let expected = on_cpu(&[&vars[0], &vars[1], &vars[2]], &out, &grad);
        let (genes, perturbations, weights) = (array(&genes), array(&z), array(&w));
        let of = decoder::Inputs { genes, perturbations, weights, n_genes, n, hidden, norms, values };
        assert_close(&m, &decoder::decode(&m, &of).unwrap(), &expected[0], "decoded genes");
        let slopes = decoder::slopes(&m, &of, &array(&grad)).unwrap();
        for (got, (expected, what)) in slopes.iter().zip(expected[1..].iter().zip(["genes", "z", "weights"])) {
            assert_close(&m, got, expected, &format!("gradient of {what}, {n_genes} x {n} x {hidden}"));
        }
    }
}

#[test]
fn steps_of_adam_agree() {
    let Some(m) = machine() else { return };
    let (start, grad, n) = (draw("start", 300), draw("grad", 300), 300);
    let mut vars = Variables::new(1, &Device::Cpu);
    let x = vars.zeros("x", &[n]).unwrap();
    vars.restore("", &[("x".to_owned(), Tensor::from_slice(&start, n, &Device::Cpu).unwrap())].into()).unwrap();
    let settings = AdamWSettings { weight_decay: 0.1, ..AdamWSettings::default() };
    let mut adam = AdamW::new(&vars, settings).unwrap();
    let (mut weights, mut moments) = (m.upload(&start).unwrap(), m.zeros(2 * n).unwrap());
    for step in 1..=3 {
        let slope = Tensor::from_slice(&grad, n, &Device::Cpu).unwrap();
        let grads = (&x * slope).unwrap().sum_all().unwrap().backward().unwrap();
        adam.update(&vars, &grads, 0.05, 0.5).unwrap();
        let (of_moments, of_weights) = AdamW::numbers(&settings, step, 0.05, 0.5);
        adamw::moments(&m, &mut moments, &array(&grad), n, of_moments).unwrap();
        adamw::weights(&m, &mut weights, &moments, n, of_weights).unwrap();
        assert_close(&m, &weights, &flat(&x), "weights");
    }
}

/// What the checks themselves would miss: a kernel given other kinds of arguments is refused, and where sanitizers watch
/// (they name themselves in every launch) so is one that leaves an array.
#[test]
fn wrong_launches_are_refused() {
    use super::{Arg, Grid};
    let Some(m) = machine() else { return };
    let (x, mut y) = (m.upload(&[1f32; 8]).unwrap(), m.zeros::<f32>(8).unwrap());
    let norm = |args: &mut [Arg<'_>]| m.launch("rms_norm", Grid::Rows(2), args).map_err(|e| e.to_string());
    assert!(norm(&mut [Arg::In(&x), Arg::Out(&mut y), Arg::count(4)]).is_ok());
    assert!(norm(&mut [Arg::In(&x), Arg::In(&x), Arg::count(4)]).unwrap_err().contains("argument 1"));
    let refused = norm(&mut [Arg::In(&x), Arg::Out(&mut y)]).unwrap_err();
    assert!(refused.contains("expected 3 arguments"), "{refused}");
    if refused.contains("ASan") {
        let beyond = norm(&mut [Arg::In(&x), Arg::Out(&mut y), Arg::count(5)]).unwrap_err();
        assert!(beyond.contains("heap-buffer-overflow"), "{beyond}");
    }
}
