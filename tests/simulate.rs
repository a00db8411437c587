//! What a simulated screen promises.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use grn::data::Intervention;
use grn::simulate::{self, SimulateError, Simulated, SimulationOptions, Size, Wiring};

/// One test for all that is promised of the embedded screen: it is simulated once.
#[test]
fn the_demo_keeps_its_promises() {
    let demo = simulate::demo(1).unwrap();
    it_has_the_promised_size_and_layout(&demo);
    kdm1a_is_never_perturbed_and_its_truth_is_known(&demo);
    knockdowns_have_tens_to_hundreds_of_responding_genes(&demo);
    every_knockdown_is_visible_and_the_cells_follow_the_truth(&demo);
    partners_of_a_complex_act_alike(&demo);
}

fn it_has_the_promised_size_and_layout(s: &Simulated) {
    assert_eq!((s.screen.expression.n_cells(), s.screen.genes().len()), (5000, 2000));
    let labels: HashSet<&str> = s.columns.target_gene.iter().map(String::as_str).collect();
    assert_eq!(labels.len(), 41);
    assert_eq!(s.columns.target_gene.iter().filter(|l| *l == "non-targeting").count(), 1000);
    assert_eq!(s.screen.cells.conditions.iter().filter(|c| c.perturbation.is_control()).count(), 1);
    assert_eq!(s.truth.responses.len(), 40);
    assert!(s.screen.expression.x.data().iter().all(|x| *x >= 1.0 && x.fract() == 0.0));
}

fn kdm1a_is_never_perturbed_and_its_truth_is_known(s: &Simulated) {
    assert!(s.columns.target_gene.iter().all(|l| l != "KDM1A"));
    let truth = simulate::demo_truth_for(1, "KDM1A").unwrap();
    assert_eq!(truth.delta, s.truth.held_out[0].delta);
    let target = s.screen.genes().id("KDM1A").unwrap().index();
    // 95 % of the cells keep about 15 %: log2(0.05 + 0.95 x 0.15) = -2.4.
    assert!((-2.9..=-2.0).contains(&truth.log2_fold_change[target]), "{}", truth.log2_fold_change[target]);
    assert!(truth.responding() >= 20);
    assert!(simulate::demo_truth_for(1, "KDM1a").is_err());
}

fn knockdowns_have_tens_to_hundreds_of_responding_genes(s: &Simulated) {
    let median = s.truth.median_responding();
    assert!((30..=400).contains(&median), "median {median}");
    assert!(s.truth.residual <= 1e-10);
    assert!(s.truth.growth < 0.95);
}

/// Mean log1p counts, scaled to the median depth, of the cells with this label.
fn mean_log1p(s: &Simulated, label: &str) -> Vec<f64> {
    let x = &s.screen.expression.x;
    let mut sums = vec![0.0; x.n_cols()];
    let cells: Vec<usize> = (0..x.n_rows()).filter(|&c| s.columns.target_gene[c] == label).collect();
    for &cell in &cells {
        let (genes, counts) = x.row(cell);
        let total: f64 = counts.iter().map(|&v| f64::from(v)).sum();
        genes.iter().zip(counts).for_each(|(&g, &v)| sums[g as usize] += (f64::from(v) * 20_000.0 / total).ln_1p());
    }
    sums.iter().map(|sum| sum / cells.len() as f64).collect()
}

fn every_knockdown_is_visible_and_the_cells_follow_the_truth(s: &Simulated) {
    let control = mean_log1p(s, "non-targeting");
    let (mut product, mut square) = (0.0, 0.0);
    for response in &s.truth.responses {
        let label = response.perturbation.to_string();
        let target = s.screen.genes().id(&label).unwrap().index();
        assert!(response.log2_fold_change[target] < -1.5, "{label}: {}", response.log2_fold_change[target]);
        let cells = mean_log1p(s, &label);
        assert!(cells[target] < control[target], "{label}");
        for (gene, &delta) in response.delta.iter().enumerate() {
            product += (cells[gene] - control[gene]) * f64::from(delta);
            square += f64::from(delta).powi(2);
        }
    }
    // The regression of what 100 cells show on the truth: its slope is 1 where the truth is in the cells' own units.
    let slope = product / square;
    assert!((slope - 1.0).abs() < 0.05, "{slope}");
}

fn partners_of_a_complex_act_alike(s: &Simulated) {
    let truth = &s.truth;
    let delta = |label: &str| &truth.responses.iter().find(|r| r.perturbation.to_string() == label).unwrap().delta;
    let alike = |a, b| grn::stats::pearson(delta(a), delta(b)).unwrap();
    assert!(alike("EZH2", "SUZ12") > 0.5);
    assert!(alike("EZH2", "SUZ12") > alike("EZH2", "SMAD2"));
    assert!(alike("SMAD2", "SMAD3") > alike("SMAD2", "MYC"));
}

fn small(seed: u64, size: Size, targets: &[&str]) -> SimulationOptions {
    let targets = targets.iter().map(ToString::to_string).collect();
    SimulationOptions { targets, ..SimulationOptions::sized(size, seed) }
}

const SMALL: Size = Size { genes: 500, perturbations: 3, cells_per_perturbation: 30, controls: 60 };

#[test]
fn the_number_of_threads_changes_nothing() {
    let wiring = Wiring::embedded().unwrap();
    let options = small(4, SMALL, &["MYC", "TP53", "EZH2+SUZ12"]);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulate::simulate(&wiring, &options).unwrap())
    };
    let (one, three) = (with(1), with(3));
    assert_eq!(one.screen.expression.x, three.screen.expression.x);
    assert_eq!(one.columns.efficiency, three.columns.efficiency);
    for (a, b) in one.truth.responses.iter().zip(&three.truth.responses) {
        assert_eq!((&a.delta, &a.log2_fold_change), (&b.delta, &b.log2_fold_change));
    }
}

#[test]
fn a_knockdown_alone_equals_the_same_knockdown_among_others() {
    let wiring = Wiring::embedded().unwrap();
    let alone = Size { perturbations: 1, ..SMALL };
    let alone = simulate::simulate(&wiring, &small(4, alone, &["MYC"])).unwrap();
    let joint = simulate::simulate(&wiring, &small(4, SMALL, &["MYC", "TP53", "NANOG"])).unwrap();
    assert_eq!(alone.truth.responses[0].delta, joint.truth.responses[0].delta);
    for cell in 0..SMALL.controls + SMALL.cells_per_perturbation {
        assert_eq!(alone.screen.expression.x.row(cell), joint.screen.expression.x.row(cell), "cell {cell}");
    }
}

#[test]
fn knockout_is_stronger_than_knockdown_and_activation_goes_the_other_way() {
    let wiring = Wiring::embedded().unwrap();
    let own = |intervention| {
        let options = SimulationOptions { intervention, ..small(4, Size { perturbations: 1, ..SMALL }, &["MYC"]) };
        let s = simulate::simulate(&wiring, &options).unwrap();
        s.truth.responses[0].log2_fold_change[s.screen.genes().id("MYC").unwrap().index()]
    };
    let (down, out, up) = (own(Intervention::Knockdown), own(Intervention::Knockout), own(Intervention::Activation));
    assert!(out < down && down < 0.0 && up > 0.5, "{out} {down} {up}");
}

#[test]
fn targets_are_checked() {
    let wiring = Wiring::embedded().unwrap();
    let t = |options: &SimulationOptions| simulate::simulate(&wiring, options).map(drop).unwrap_err();
    let unknown = t(&small(1, SMALL, &["KDM1B"]));
    assert!(matches!(unknown, SimulateError::UnknownGene { .. }));
    let held = SimulationOptions { held_out: vec!["MYC".into()], ..small(1, SMALL, &["MYC"]) };
    assert!(matches!(t(&held), SimulateError::BadOption { option: "targets", .. }));
    let many = small(1, Size { perturbations: 450, ..SMALL }, &[]);
    assert!(matches!(t(&many), SimulateError::BadOption { option: "perturbations", .. }));
}
