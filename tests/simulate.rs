//! What a simulated screen promises.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use grn::data::Intervention;
use grn::simulate::{
    self, CellCounts, Dropout, Lineage, Noise, Observation, PRESETS, Preset, Response, SimulateError, Simulated,
    SimulationOptions, Simulator, Size, Wiring,
};

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

/// The regression of what cells show, relative to the controls of their own type, on the truth.
fn slope(s: &Simulated, responses: &[Response]) -> f64 {
    let x = &s.screen.expression.x;
    let totals: Vec<f64> = (0..x.n_rows()).map(|c| x.row(c).1.iter().map(|&v| f64::from(v)).sum()).collect();
    let mut sorted = totals.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mean = |label: &str, response: &Response| {
        let same = |c: &usize| {
            let of_type = response.cell_type.as_ref().is_none_or(|t| s.columns.cell_type[*c] == *t);
            let of_dose = label == "non-targeting" || response.dose.is_none_or(|d| s.columns.dose[*c] == d);
            s.columns.target_gene[*c] == label && of_type && of_dose
        };
        let cells: Vec<usize> = (0..x.n_rows()).filter(same).collect();
        let mut sums = vec![0.0; x.n_cols()];
        for &cell in &cells {
            let (genes, counts) = x.row(cell);
            let scaled = genes.iter().zip(counts).map(|(&g, &v)| (g, (f64::from(v) * median / totals[cell]).ln_1p()));
            scaled.for_each(|(g, v)| sums[g as usize] += v);
        }
        sums.iter().map(|sum| sum / cells.len() as f64).collect::<Vec<f64>>()
    };
    let (mut product, mut square) = (0.0, 0.0);
    for response in responses {
        let cells = mean(&response.perturbation.to_string(), response);
        let control = mean("non-targeting", response);
        for (gene, &delta) in response.delta.iter().enumerate() {
            product += (cells[gene] - control[gene]) * f64::from(delta);
            square += f64::from(delta).powi(2);
        }
    }
    product / square
}

const CELLS: Size = Size { genes: 400, perturbations: 3, cells_per_perturbation: 300, controls: 600 };

fn observed(observation: Observation, lineage: Lineage, doses: Vec<f64>) -> Simulated {
    let wiring = Wiring::embedded().unwrap();
    let observation = Observation { depth: 8000.0, ..observation };
    let options =
        SimulationOptions { observation, lineage, doses, ..small(4, CELLS, &["POU5F1", "EP300", "SMAD2+SOX2"]) };
    simulate::simulate(&wiring, &options).unwrap()
}

/// Cells and truth agree, whatever is between them: 900 cells or more leave the slope a standard error of about 0.02.
#[test]
fn the_truth_is_what_cells_show_whatever_the_observation() {
    let usual = Observation::default;
    let t = |what: &str, observation: Observation, lineage: Lineage, doses: Vec<f64>| {
        let s = observed(observation, lineage, doses);
        let slope = slope(&s, &s.truth.responses);
        assert!((slope - 1.0).abs() < 0.06, "{what}: {slope}");
    };
    let one = Lineage::default;
    let both = Observation { ambient: 0.2, doublets: 0.2, ..usual() };
    t("ambient and doublets", both.clone(), one(), Vec::new());
    t("ambient, doublets and two types", both, Lineage::star(2), Vec::new());
    t("doses", usual(), one(), vec![0.4, 0.9]);
    t("multinomial", Observation { noise: Noise::Multinomial, ..usual() }, one(), Vec::new());
    t("capture", Observation { capture: 0.5, capture_sd: 0.1, ..usual() }, one(), Vec::new());
    let dropout = Some(Dropout { shape: 2.0, percentile: 40.0 });
    t("dropout", Observation { dropout, ..usual() }, one(), Vec::new());
}

#[test]
fn ambient_molecules_and_doublets_hide_a_part_of_every_change() {
    let clean = observed(Observation::default(), Lineage::default(), Vec::new());
    let mixed =
        observed(Observation { ambient: 0.2, doublets: 0.2, ..Observation::default() }, Lineage::default(), Vec::new());
    let doublets = mixed.columns.doublet.iter().filter(|d| **d).count();
    // 20 % of 1,500 cells within four standard errors (15.5).
    assert!((238..=362).contains(&doublets), "{doublets}");
    assert!(clean.columns.doublet.iter().all(|d| !d));
    for (clean, mixed) in clean.truth.responses.iter().zip(&mixed.truth.responses) {
        let size = |r: &Response| r.delta.iter().map(|d| f64::from(*d).powi(2)).sum::<f64>();
        assert!(size(mixed) < 0.9 * size(clean), "{}", clean.perturbation);
        assert_eq!(clean.log2_fold_change, mixed.log2_fold_change);
    }
}

#[test]
fn every_perturbation_acts_in_every_type_at_every_dose() {
    let lineage = Lineage { stages: 2, ..Lineage::parse("stem>a,stem>b").unwrap() };
    let s = observed(Observation::default(), lineage, vec![0.3, 0.9]);
    // stem, and two stages each of a and b; three perturbations; two doses.
    assert_eq!(s.truth.responses.len(), 5 * 3 * 2);
    assert_eq!(s.screen.expression.n_cells(), 600 + 3 * 2 * 300);
    let own = |r: &Response| r.log2_fold_change[s.screen.genes().id("POU5F1").unwrap().index()];
    let pou5f1: Vec<&Response> = s.truth.responses.iter().filter(|r| r.perturbation.to_string() == "POU5F1").collect();
    for doses in pou5f1.chunks(2) {
        assert_eq!((doses[0].dose, doses[1].dose), (Some(0.3), Some(0.9)));
        assert!(own(doses[1]) < own(doses[0]) - 0.5 && own(doses[0]) < -0.2, "{} {}", own(doses[0]), own(doses[1]));
    }
    let types: HashSet<&str> = s.columns.cell_type.iter().map(String::as_str).collect();
    assert_eq!(types, HashSet::from(["stem", "a", "b"]));
    let stages: HashSet<u64> = s.columns.pseudotime.iter().map(|t| t.to_bits()).collect();
    assert_eq!(stages, [0.0f64, 0.5, 1.0].map(f64::to_bits).into());
    assert_ne!(pou5f1[0].delta, pou5f1[4].delta);
}

#[test]
fn pairs_are_drawn_from_single_perturbations() {
    let wiring = Wiring::embedded().unwrap();
    let size = Size { genes: 400, perturbations: 12, cells_per_perturbation: 5, controls: 10 };
    let options = SimulationOptions { pairs: 5, intervention: Intervention::Activation, ..small(4, size, &["MYC"]) };
    let s = simulate::simulate(&wiring, &options).unwrap();
    let labels: Vec<String> = s.truth.responses.iter().map(|r| r.perturbation.to_string()).collect();
    let (pairs, singles): (Vec<&String>, Vec<&String>) = labels.iter().partition(|l| l.contains('+'));
    assert_eq!((singles.len(), pairs.len()), (7, 5));
    assert!(pairs.iter().all(|pair| pair.split('+').all(|gene| singles.iter().any(|s| *s == gene))));
    assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), 5);
    for (label, (first, second)) in
        s.columns.target_gene.iter().zip(s.columns.efficiency.iter().zip(&s.columns.second_efficiency))
    {
        assert_eq!(label.contains('+') && *first > 0.0, *second > 0.0, "{label}: {first} {second}");
        assert!(*second == 0.0 || first != second, "both targets are hit on their own");
    }
}

#[test]
fn a_clamped_target_keeps_its_level() {
    let wiring = Wiring::embedded().unwrap();
    let mut options = small(4, Size { perturbations: 1, ..SMALL }, &["MYC"]);
    options.efficiency.clamp = Some(4.0);
    options.efficiency.escapers = 0.0;
    let s = simulate::simulate(&wiring, &options).unwrap();
    let own = s.truth.responses[0].log2_fold_change[s.screen.genes().id("MYC").unwrap().index()];
    assert!((own - 2.0).abs() < 1e-5, "{own}");
}

#[test]
fn given_levels_are_taken_up_to_one_factor() {
    let wiring = Wiring::embedded().unwrap();
    let given = |gene: &str| match gene {
        "MYC" => Some(30.0),
        "SOX2" => Some(10.0),
        "TP53" => Some(0.0),
        _ => None,
    };
    let simulator = Simulator::with_levels(&wiring, &small(4, SMALL, &["MYC"]), &given).unwrap();
    let plain = Simulator::new(&wiring, &small(4, SMALL, &["MYC"])).unwrap();
    let level = |s: &Simulator, gene: &str| s.law().baseline()[s.law().genes().id(gene).unwrap().index()];
    assert!((level(&simulator, "MYC") / level(&simulator, "SOX2") - 3.0).abs() < 1e-9);
    let sum = |s: &Simulator| level(s, "MYC") + level(s, "SOX2");
    assert!((sum(&simulator) / sum(&plain) - 1.0).abs() < 1e-9);
    assert!((level(&simulator, "TP53") / level(&plain, "TP53") - 1.0).abs() < 1e-9);
}

#[test]
fn presets_have_the_sizes_of_their_models() {
    let options = |name: &str| Preset::named(name).unwrap().options(1);
    let vcc = options("vcc");
    assert_eq!((vcc.size.genes, vcc.size.perturbations, vcc.size.controls), (18_080, 150, 38_176));
    assert_eq!(vcc.cells, CellCounts { sigma: 0.66, total: Some(183_097) });
    let norman = options("norman");
    assert_eq!((norman.size.perturbations - norman.pairs, norman.pairs), (105, 131));
    assert_eq!(norman.intervention, Intervention::Activation);
    assert!(PRESETS.iter().all(|p| p.options(1).check().is_ok()));
}
