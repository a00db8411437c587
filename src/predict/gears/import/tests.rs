//! The import against the reference's forward pass, written out for one gene and one perturbation at a time in f64.

use std::io::Write;

use candle_core::Device;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;
use crate::data::Perturbation;
use crate::graph::{GraphBuilder, Sign};
use crate::predict::Predictor;
use crate::predict::test_screens::{TestScreen, effects};
use crate::stats::Rng;
use crate::train::Silent;

const G: usize = 6;
const P: usize = 5;
const H: usize = 16;

/// Random tensors of every name and shape in a `model.pt`.
fn state() -> State {
    let mut all = HashMap::new();
    let mut add = |name: String, shape: &[usize], least: f64| {
        let mut rng = Rng::named(9, &name);
        let value = || if least > 0.0 { (least + rng.uniform()) as f32 } else { (0.5 * rng.normal()) as f32 };
        let values: Vec<f32> = std::iter::repeat_with(value).take(shape.iter().product()).collect();
        all.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    };
    let norm = |add: &mut dyn FnMut(String, &[usize], f64), name: &str, width: usize| {
        for (part, least) in [("weight", 0.5), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 0.5)] {
            add(format!("{name}.{part}"), &[width], least);
        }
    };
    for (name, rows) in [("gene_emb", G), ("emb_pos", G), ("pert_emb", P)] {
        add(format!("{name}.weight"), &[rows, H], 0.0);
    }
    for name in ["layers_emb_pos.0.lin", "sim_layers.0.lin"] {
        add(format!("{name}.weight"), &[H, H], 0.0);
        add(format!("{name}.bias"), &[H], 0.0);
    }
    let mlps = [("emb_trans_v2", [H, H, H]), ("pert_fuse", [H, H, H]), ("recovery_w", [H, 2 * H, H])];
    for (name, w) in mlps.into_iter().chain([("cross_gene_state", [G, H, H])]) {
        for (k, (from, to)) in [(0, (w[0], w[1])), (3, (w[1], w[2]))] {
            add(format!("{name}.network.{k}.weight"), &[to, from], 0.0);
            add(format!("{name}.network.{k}.bias"), &[to], 0.0);
            norm(&mut add, &format!("{name}.network.{}", k + 1), to);
        }
    }
    norm(&mut add, "bn_emb", H);
    norm(&mut add, "bn_pert_base", H);
    add("indv_w1".into(), &[G, H, 1], 0.0);
    add("indv_b1".into(), &[G, 1], 0.0);
    add("indv_w2".into(), &[1, G, H + 1], 0.0);
    add("indv_b2".into(), &[1, G], 0.0);
    State(all)
}

/// The reference's operations on one row.
struct Plain<'a>(&'a State);

impl Plain<'_> {
    fn values(&self, name: &str) -> Vec<f64> {
        let flat: Vec<f32> = self.0.get(name).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        flat.into_iter().map(f64::from).collect()
    }

    fn embedding(&self, name: &str, row: usize) -> Vec<f64> {
        let x = self.values(name)[row * H..][..H].to_vec();
        let length = x.iter().map(|v| v * v).sum::<f64>().sqrt();
        x.iter().map(|v| if length > 1.0 { v / (length + 1e-7) } else { *v }).collect()
    }

    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let (w, b) = (self.values(&format!("{name}.weight")), self.values(&format!("{name}.bias")));
        let dot = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        w.chunks(x.len()).zip(b).map(|(row, b)| dot(row) + b).collect()
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let get = |part: &str| self.values(&format!("{name}.{part}"));
        let (w, b, mean, var) = (get("weight"), get("bias"), get("running_mean"), get("running_var"));
        (0..x.len()).map(|k| (x[k] - mean[k]) / (var[k] + EPSILON).sqrt() * w[k] + b[k]).collect()
    }

    fn mlp(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let part = |k: u8, x: &[f64]| {
            let y = self.linear(&format!("{name}.network.{k}"), x);
            self.norm(&format!("{name}.network.{}", k + 1), &y)
        };
        part(3, &relu(&part(0, x)))
    }

    fn base(&self, gene: usize) -> Vec<f64> {
        let e = relu(&self.norm("bn_emb", &self.embedding("gene_emb.weight", gene)));
        let position = self.linear("layers_emb_pos.0.lin", &self.embedding("emb_pos.weight", gene));
        self.mlp("emb_trans_v2", &e.iter().zip(position).map(|(e, p)| e + 0.2 * p).collect::<Vec<_>>())
    }

    /// The change of all genes for targets whose summed states are given.
    fn change(&self, sum: &[f64]) -> Vec<f64> {
        let z = self.mlp("pert_fuse", sum);
        let (w1, b1) = (self.values("indv_w1"), self.values("indv_b1"));
        let (w2, b2) = (self.values("indv_w2"), self.values("indv_b2"));
        let one = |g: usize| {
            let x: Vec<f64> = self.base(g).iter().zip(&z).map(|(b, z)| b + z).collect();
            let y = self.mlp("recovery_w", &relu(&self.norm("bn_pert_base", &x)));
            y.iter().zip(&w1[g * H..][..H]).map(|(y, w)| y * w).sum::<f64>() + b1[g]
        };
        let o: Vec<f64> = (0..G).map(one).collect();
        let c = self.mlp("cross_gene_state", &o);
        let last = |g: usize| {
            let w = &w2[g * (H + 1)..][..=H];
            w[0] * o[g] + w[1..].iter().zip(&c).map(|(w, c)| w * c).sum::<f64>() + b2[g]
        };
        (0..G).map(last).collect()
    }
}

fn relu(x: &[f64]) -> Vec<f64> {
    x.iter().map(|v| v.max(0.0)).collect()
}

#[test]
fn folded_weights_predict_what_the_reference_does() {
    let state = state();
    let index = |prefix: &str, n: usize| GeneIndex::new((0..n).map(|i| format!("{prefix}{i}"))).unwrap();
    let (genes, nodes) = (index("G", G), Arc::new(index("P", P)));
    // P1 hears P0 with weight 0.5, every node hears itself with weight 1.
    let senders = Links::normalised((0..P).map(|p| if p == 1 { vec![(0, 0.5)] } else { Vec::new() }).collect());
    let trained = state.trained(&genes, &nodes, &senders, (0..G as u32).map(Some).collect()).unwrap();
    let plain = Plain(&state);
    let e = |p: usize| plain.embedding("pert_emb.weight", p);
    // Sums of weights: 1.5 of P1, 1 of P0.
    let heard = e(0).iter().zip(e(1)).map(|(a, b)| 0.5 / 1.5f64.sqrt() * a + b / 1.5).collect::<Vec<_>>();
    let states = [plain.linear("sim_layers.0.lin", &heard), plain.linear("sim_layers.0.lin", &e(3))];
    let both: Vec<f64> = states[0].iter().zip(&states[1]).map(|(a, b)| a + b).collect();
    for (targets, sum) in [(vec![1], &states[0]), (vec![1, 3], &both)] {
        let targets: Vec<GeneId> = targets.into_iter().map(GeneId).collect();
        let got = trained.changes(&targets).unwrap();
        for (got, expected) in got.iter().zip(plain.change(sum)) {
            assert!((f64::from(got.unwrap()) - expected).abs() < 1e-4 * expected.abs().max(1.0), "{got:?} {expected}");
        }
    }
}

/// What `torch.save(model.state_dict(), path)` writes: a zip archive with a pickle that names tensors and their files.
fn write_torch(path: &Path, state: &State) {
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = ZipWriter::new(std::fs::File::create(path).unwrap());
    let text = |s: &str| [&b"X"[..], &(s.len() as u32).to_le_bytes(), s.as_bytes()].concat();
    let int = |n: usize| [&b"J"[..], &(n as u32).to_le_bytes()].concat();
    let tuple = |all: &[usize]| [&b"("[..], &all.iter().flat_map(|&n| int(n)).collect::<Vec<u8>>(), b"t"].concat();
    let mut pickle = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (k, (name, x)) in state.0.iter().enumerate() {
        let dims = x.dims();
        let strides: Vec<usize> = (0..dims.len()).map(|d| dims[d + 1..].iter().product()).collect();
        let storage = [&text("storage")[..], b"ctorch\nFloatStorage\n", &text(&k.to_string()), &text("cpu")].concat();
        let storage =
            [&b"(("[..], &storage, &int(x.elem_count()), b"tQ", &int(0), &tuple(dims), &tuple(&strides)].concat();
        let value = [&b"ctorch._utils\n_rebuild_tensor_v2\n"[..], &storage, b"\x89ccollections\nOrderedDict\n)RtR"];
        pickle.extend([text(name), value.concat()].concat());
        zip.start_file(format!("model/data/{k}"), stored).unwrap();
        let values: Vec<f32> = x.flatten_all().unwrap().to_vec1().unwrap();
        values.iter().for_each(|v| zip.write_all(&v.to_le_bytes()).unwrap());
    }
    zip.start_file("model/data.pkl", stored).unwrap();
    zip.write_all(&[&pickle[..], b"u."].concat()).unwrap();
    zip.finish().unwrap();
}

/// X and Y are the first and the third gene of the weights; a graph in which P1 hears P0 and P3 nobody.
#[test]
fn a_file_as_torch_writes_it_predicts_what_the_reference_does() {
    let (state, dir) = (state(), tempfile::tempdir().unwrap());
    write_torch(&dir.path().join("model.pt"), &state);
    std::fs::write(dir.path().join("genes.txt"), "X\nG1\nY\nG3\nG4\nG5\n").unwrap();
    std::fs::write(dir.path().join("perturbations.txt"), "P0\nP1\nP2\nP3\nP4\n").unwrap();
    let mut builder = GraphBuilder::new();
    [("P0", "P1"), ("P3", "P4")].iter().for_each(|(from, to)| builder.add(from, to, 0.5, Sign::Unknown, &[]));
    let screen = TestScreen { responses: effects(&[("P0", [9.0, 9.0])]), graph: builder.build() };
    let path = |name: &str| toml::Value::String(dir.path().join(name).display().to_string());
    let files = [("weights", "model.pt"), ("weight_genes", "genes.txt"), ("weight_perturbations", "perturbations.txt")];
    let settings = files.into_iter().map(|(key, name)| (key.to_owned(), path(name))).collect();
    let mut model: Box<dyn Predictor> = super::super::build(&settings).unwrap();
    let summary = model.fit(&screen.task(&[], &Device::Cpu), &mut Silent).unwrap();
    assert!(summary.notices.is_empty(), "{:?}", summary.notices);
    let (plain, root) = (Plain(&state), 1.5f64.sqrt());
    let e = |p: usize| plain.embedding("pert_emb.weight", p);
    let heard: Vec<f64> = e(0).iter().zip(e(1)).map(|(a, b)| 0.5 / root * a + b / 1.5).collect();
    let states = [plain.linear("sim_layers.0.lin", &heard), plain.linear("sim_layers.0.lin", &e(3))];
    let both = states[0].iter().zip(&states[1]).map(|(a, b)| a + b).collect();
    for (label, sum) in [("P1", &states[0]), ("P3", &states[1]), ("P1+P3", &both)] {
        let got = model.predict(&Perturbation::of(label.split('+'))).unwrap().delta.mean;
        let expected = plain.change(sum);
        for (got, expected) in got.iter().zip([expected[0], expected[2]]) {
            assert!((f64::from(*got) - expected).abs() < 1e-4 * expected.abs().max(1.0), "{label}: {got} {expected}");
        }
    }
}

#[test]
fn weights_of_another_shape_are_refused() {
    let state = state();
    let genes = GeneIndex::new(["A", "B"]).unwrap();
    let nodes = Arc::new(GeneIndex::new((0..P).map(|i| format!("P{i}"))).unwrap());
    let senders = Links::normalised(vec![Vec::new(); P]);
    let error = state.trained(&genes, &nodes, &senders, Vec::new()).err().unwrap().to_string();
    assert!(error.contains("gene_emb.weight"), "{error}");
}
