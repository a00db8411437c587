//! Calibration, intervals, pairs and predicted cells on simulated screens whose truth is known.
#![allow(clippy::unwrap_used)]

use candle_core::Device;
use grn::data::{
    CellTable, Condition, Csr, Expression, Perturbation, Pseudobulk, PseudobulkOptions, Responses, Scale, Screen,
    Split, TargetSum, median,
};
use grn::graph::GeneGraph;
use grn::predict::{
    Calibration, CalibrationMode, ControlCells, FitSummary, Predictor, Task, Validation, calibrated_settings,
    cross_validate, spec,
};
use grn::score::{DeOptions, LogCells, differential_expression};
use grn::simulate::{PRESETS, Preset, SimulationOptions, Size, Wiring, simulate};
use grn::train::Silent;
use ndarray::{Array1, ArrayView1};

fn table(screen: &Screen, seed: u64) -> Responses {
    let options = PseudobulkOptions { halves: true, seed, ..Default::default() };
    Responses::from_pseudobulk(&Pseudobulk::from_screen(screen, &options)).unwrap()
}

fn options(preset: &str, size: Size, pairs: usize, seed: u64) -> SimulationOptions {
    let preset: &Preset = PRESETS.iter().find(|p| p.name == preset).unwrap();
    let mut options = preset.options(seed);
    (options.size, options.pairs, options.targets, options.held_out) = (size, pairs, Vec::new(), Vec::new());
    options
}

/// A fitted model with its calibration.
fn fit(model: &str, responses: &Responses, graph: &GeneGraph) -> (Box<dyn Predictor>, Calibration, FitSummary) {
    let (settings, device) = (toml::Table::new(), Device::Cpu);
    let of = spec(model).unwrap();
    let mut predictor = (of.build)(&settings).unwrap();
    let task = Task { responses, graph, features: &[], seed: 1, device: &device, checkpoint: None, resume: false };
    predictor.fit(&task, &mut Silent).unwrap();
    let split = &Split { n: responses.len(), folds: Vec::new() };
    let validation =
        Validation { spec: of, settings: &settings, responses, graph, features: &[], split, seed: 1, device: &device };
    let mode = CalibrationMode::Balanced;
    let (calibration, summary) = Calibration::fit(&*predictor, &validation, mode, &mut Silent).unwrap();
    (predictor, calibration.unwrap(), summary)
}

/// Out-of-fold root mean squared and mean absolute error of the graph kernel in one mode, everything fitted inside folds.
fn errors(responses: &Responses, graph: &GeneGraph, mode: CalibrationMode) -> [f64; 2] {
    let settings = calibrated_settings("graph-kernel", mode, &toml::Table::new());
    let split = Split::seeded(responses.len(), 5, 7).unwrap();
    let (spec, device) = (&grn::predict::CALIBRATED, &Device::Cpu);
    let validation =
        Validation { spec, settings: &settings, responses, graph, features: &[], split: &split, seed: 1, device };
    let errors = cross_validate(&validation, &mut Silent).unwrap().delta - &responses.delta;
    let n = errors.len() as f64;
    let sum = |of: fn(f64) -> f64| errors.iter().map(|&e| of(f64::from(e))).sum::<f64>() / n;
    [sum(|e| e * e).sqrt(), sum(f64::abs)]
}

#[test]
fn shrinking_for_absolute_error_costs_no_squared_error() {
    for seed in 0..3 {
        let size = Size { genes: 400, perturbations: 40, cells_per_perturbation: 60, controls: 400 };
        let simulated = simulate(&Wiring::embedded().unwrap(), &options("demo", size, 0, seed)).unwrap();
        let responses = table(&simulated.screen, seed);
        let of = |mode| errors(&responses, &simulated.network, mode);
        let ([rmse, mae], [none_rmse, none_mae]) = (of(CalibrationMode::Mae), of(CalibrationMode::None));
        assert!(rmse <= 1.01 * none_rmse, "seed {seed}: {rmse} and {none_rmse}");
        assert!(mae <= 1.001 * none_mae, "seed {seed}: {mae} and {none_mae}");
        let [balanced, _] = of(CalibrationMode::Balanced);
        assert!(balanced <= 1.01 * none_rmse, "seed {seed}: {balanced} and {none_rmse}");
    }
}

#[test]
fn intervals_hold_changes_of_perturbations_the_calibration_has_not_seen() {
    let (mut inside, mut all) = (0usize, 0usize);
    for seed in 0..3 {
        let size = Size { genes: 330, perturbations: 60, cells_per_perturbation: 60, controls: 400 };
        let simulated = simulate(&Wiring::embedded().unwrap(), &options("demo", size, 0, seed)).unwrap();
        let responses = table(&simulated.screen, seed);
        let (train, test): (Vec<usize>, Vec<usize>) = (0..60).partition(|i| i % 3 != 0);
        let (model, calibration, summary) = fit("graph-kernel", &responses.subset(&train), &simulated.network);
        let coverage = summary.values.iter().find(|(name, _)| name == "coverage.0.9").unwrap().1;
        assert!((0.86..0.97).contains(&coverage), "{coverage}");
        for row in test {
            let (graph, pert) = (&simulated.network, &responses.perturbations[row]);
            let Ok(estimate) = calibration.estimate(&*model, graph, pert, CalibrationMode::Balanced, 0.9) else {
                continue;
            };
            let ends = estimate.lower.iter().zip(&estimate.upper).zip(responses.delta.row(row));
            inside += ends.filter(|((low, high), d)| *low <= *d && *d <= *high).count();
            all += responses.genes.len();
        }
    }
    let share = inside as f64 / all as f64;
    assert!(all > 3 * 10 * 330 && (0.86..0.96).contains(&share), "{share} of {all}");
}

#[test]
fn a_screen_without_effects_is_called_that_and_predicted_as_no_change() {
    for (seed, controls) in [(0, 1200), (1, 1200), (2, 900)] {
        let size = Size { genes: 330, perturbations: 4, cells_per_perturbation: 5, controls };
        let simulated = simulate(&Wiring::embedded().unwrap(), &options("demo", size, 0, seed)).unwrap();
        // Control cells only, most of them under the names of genes: 100 stay controls.
        let targets = ["SOX2", "NANOG", "POU5F1", "MYC", "MAX", "TP53", "EP300", "REST", "EZH2", "HDAC1"];
        let x = &simulated.screen.expression.x;
        let (mut cells, mut labels) = (Csr::empty(x.n_cols()), Vec::new());
        for cell in 0..controls {
            let (genes, counts) = x.row(cell);
            cells.push_row(genes.iter().copied().zip(counts.iter().copied()));
            let label = if cell < 100 { Perturbation::control() } else { Perturbation::of([targets[cell % 10]]) };
            labels.push(Some(Condition::of(label)));
        }
        let expression = Expression::new(simulated.screen.genes().clone(), cells, Scale::Counts).unwrap();
        let responses = table(&Screen::new(expression, CellTable::new(labels)).unwrap(), seed);
        let (model, calibration, summary) = fit("graph-kernel", &responses, &simulated.network);
        assert!(calibration.signal().is_absent(), "seed {seed}: {:?}", calibration.signal());
        assert!(summary.notices.iter().any(|n| n.0.contains("no effect can be told from noise")));
        let of = |mode| {
            let target = Perturbation::of(["SMAD2"]);
            calibration.estimate(&*model, &simulated.network, &target, mode, 0.9).unwrap().delta
        };
        assert!(of(CalibrationMode::Balanced).iter().all(|d| *d == 0.0));
        assert!(of(CalibrationMode::None).iter().any(|d| *d != 0.0));
        // Without halves the variances over cells say the same.
        let (_, without, _) = fit("graph-kernel", &Responses { halves: None, ..responses }, &simulated.network);
        assert!(without.signal().is_absent(), "seed {seed}: {:?}", without.signal());
    }
}

#[test]
fn a_screen_with_few_weak_effects_is_not_called_empty() {
    let size = Size { genes: 330, perturbations: 20, cells_per_perturbation: 60, controls: 300 };
    let simulated = simulate(&Wiring::embedded().unwrap(), &options("demo", size, 0, 3)).unwrap();
    let responses = table(&simulated.screen, 3);
    for responses in [Responses { halves: None, ..responses.clone() }, responses] {
        let (_, calibration, _) = fit("mean", &responses, &simulated.network);
        assert!(!calibration.signal().is_absent(), "{:?}", calibration.signal());
    }
}

#[test]
fn pairs_are_never_worse_than_the_sum_of_their_singles() {
    for seed in 0..3 {
        let size = Size { genes: 500, perturbations: 70, cells_per_perturbation: 80, controls: 600 };
        let simulated = simulate(&Wiring::embedded().unwrap(), &options("norman", size, 40, seed)).unwrap();
        let responses = table(&simulated.screen, seed);
        let pairs: Vec<usize> =
            (0..responses.len()).filter(|&i| responses.perturbations[i].targets().len() == 2).collect();
        let single = |t: &str| responses.perturbations.iter().position(|p| *p == Perturbation::of([t])).unwrap();
        // With many pairs to learn from, with few, with none.
        for learned in [20, 5, 0] {
            let test = &pairs[20..];
            let train: Vec<usize> =
                (0..responses.len()).filter(|i| !pairs.contains(i) || pairs[..learned].contains(i)).collect();
            let (model, calibration, _) = fit("graph-kernel", &responses.subset(&train), &simulated.network);
            let (mut ours, mut additive) = (0.0, 0.0);
            for &row in test {
                let pair = &responses.perturbations[row];
                let mode = CalibrationMode::Balanced;
                let got = calibration.estimate(&*model, &simulated.network, pair, mode, 0.9).unwrap().delta;
                let [a, b] = [0, 1].map(|k| responses.delta.row(single(&pair.targets()[k])));
                let truth = responses.delta.row(row);
                ours += ArrayView1::from(&got).iter().zip(truth).map(|(p, t)| f64::from(p - t).powi(2)).sum::<f64>();
                additive += (&a + &b - truth).iter().map(|e| f64::from(*e).powi(2)).sum::<f64>();
            }
            let ratio = (ours / additive).sqrt();
            assert!(ratio <= 1.0, "seed {seed}, {learned} pairs: {ratio}");
        }
    }
}

/// P-values and false discovery rates of the cells labelled `X` against the controls of a screen of counts.
fn tested(controls: &ControlCells, reference: &[usize], treated: &Csr<f32>) -> (Vec<f64>, Vec<f64>) {
    let (mut x, mut labels) = (Csr::empty(treated.n_cols()), Vec::new());
    let mut push = |cells: &Csr<f32>, cell: usize, label: Perturbation| {
        let (genes, counts) = cells.row(cell);
        x.push_row(genes.iter().copied().zip(counts.iter().copied()));
        labels.push(Some(Condition::of(label)));
    };
    reference.iter().for_each(|&cell| push(controls.counts(), cell, Perturbation::control()));
    (0..treated.n_rows()).for_each(|cell| push(treated, cell, Perturbation::of(["X"])));
    controls.normalisation().apply_rows(&mut x);
    let expression = Expression::new(controls.genes().clone(), x, Scale::Log1p).unwrap();
    let screen = Screen::new(expression, CellTable::new(labels)).unwrap();
    let table = differential_expression(&LogCells::new(&screen).unwrap(), &DeOptions::default()).unwrap();
    (table.p.row(0).to_vec(), table.fdr.row(0).to_vec())
}

#[test]
fn tests_on_predicted_cells_find_what_was_predicted_and_nothing_else() {
    let size = Size { genes: 400, perturbations: 20, cells_per_perturbation: 200, controls: 1200 };
    let simulated = simulate(&Wiring::embedded().unwrap(), &options("demo", size, 0, 4)).unwrap();
    let (screen, responses) = (&simulated.screen, table(&simulated.screen, 4));
    let rows = |wanted: &Perturbation| -> Csr<f32> {
        let mut out = Csr::empty(screen.expression.x.n_cols());
        for (cell, condition) in screen.cells.of_cell.iter().enumerate() {
            if condition.is_some_and(|c| screen.cells.conditions[c as usize].perturbation == *wanted) {
                let (genes, counts) = screen.expression.x.row(cell);
                out.push_row(genes.iter().copied().zip(counts.iter().copied()));
            }
        }
        out
    };
    let controls = rows(&Perturbation::control());
    let n = controls.n_rows();
    let mut totals: Vec<f64> = (0..n).map(|i| controls.row(i).1.iter().map(|&v| f64::from(v)).sum::<f64>()).collect();
    let total = median(&mut totals).unwrap();
    // Cells are drawn from one half of the controls and tested against the other.
    let half = |from: usize| {
        let mut out = Csr::empty(controls.n_cols());
        (from..n).step_by(2).for_each(|cell| {
            let (genes, counts) = controls.row(cell);
            out.push_row(genes.iter().copied().zip(counts.iter().copied()));
        });
        let batch = vec![None; out.n_rows()];
        ControlCells::new(screen.genes().clone(), out, &batch, TargetSum::Median, total)
    };
    let (source, reference) = (half(0), half(1));
    let all: Vec<usize> = (0..reference.counts().n_rows()).collect();

    let nothing = source.draw(Array1::zeros(controls.n_cols()).view(), 200, 1, 0);
    let (p, fdr) = tested(&reference, &all, &nothing.counts);
    let below = p.iter().filter(|p| **p < 0.05).count() as f64 / p.len() as f64;
    assert!((0.01..0.09).contains(&below), "{below} of the p-values are below 0.05 where nothing changes");
    assert!(fdr.iter().filter(|q| **q < 0.05).count() <= 4);

    // The perturbation with the largest measured change: its predicted cells are tested like its real ones.
    let length = |row: usize| responses.delta.row(row).iter().map(|d| d * d).sum::<f32>();
    let strongest = (0..responses.len()).max_by(|&a, &b| length(a).total_cmp(&length(b))).unwrap();
    let change = responses.delta.row(strongest);
    let drawn = source.draw(change, 200, 1, 1);
    let (_, predicted) = tested(&reference, &all, &drawn.counts);
    let (_, real) = tested(&reference, &all, &rows(&responses.perturbations[strongest]));
    let found = |fdr: &[f64]| -> Vec<usize> { (0..fdr.len()).filter(|&g| fdr[g] < 0.05).collect() };
    let (predicted, real) = (found(&predicted), found(&real));
    let both = predicted.iter().filter(|g| real.contains(g)).count() as f64;
    println!("{} predicted, {} real, {both} both", predicted.len(), real.len());
    assert!(real.len() >= 20, "{}", real.len());
    assert!((0.7..1.4).contains(&(predicted.len() as f64 / real.len() as f64)), "{} {}", predicted.len(), real.len());
    assert!(both >= 0.7 * real.len() as f64, "{both} of {}", real.len());
}

#[test]
fn a_calibration_survives_its_files() {
    let size = Size { genes: 330, perturbations: 50, cells_per_perturbation: 40, controls: 300 };
    let simulated = simulate(&Wiring::embedded().unwrap(), &options("norman", size, 25, 5)).unwrap();
    let responses = table(&simulated.screen, 5);
    let (model, calibration, _) = fit("graph-kernel", &responses, &simulated.network);
    let dir = tempfile::tempdir().unwrap();
    calibration.save(dir.path()).unwrap();
    let again = Calibration::load(dir.path(), 330).unwrap().unwrap();
    assert!(Calibration::load(dir.path(), 329).is_err());
    for row in [0, 10, 40] {
        for mode in [CalibrationMode::Mae, CalibrationMode::Rank] {
            let of = |c: &Calibration| {
                let (graph, pert) = (&simulated.network, &responses.perturbations[row]);
                let e = c.estimate(&*model, graph, pert, mode, 0.8).unwrap();
                (e.delta, e.lower, e.upper)
            };
            assert_eq!(of(&calibration), of(&again));
        }
    }
    Calibration::remove(dir.path()).unwrap();
    assert!(Calibration::load(dir.path(), 330).unwrap().is_none());
}
