//! Every way to test, against pdex 0.3.0 (epsilon 0) and scipy 1.17 on thirteen cells.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use grn::data::{CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Scale, Screen};
use grn::score::{Against, DeOptions, DeRow, Keep, LogCells, Mean, Test, differential_expression, on_target};

/// log1p values of genes A, B, C, D: five control cells, four of each knockdown.
#[rustfmt::skip]
const CELLS: [[f32; 4]; 13] = [
    [1.0, 0.5, 0.0, 0.1], [1.5, 0.0, 0.2, 0.0], [2.0, 0.5, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.5, 0.3, 0.0],
    [0.0, 0.5, 1.0, 0.0], [0.5, 0.0, 1.2, 0.0], [0.0, 1.0, 0.8, 0.0], [0.0, 0.7, 0.0, 0.0],
    [1.0, 0.0, 0.0, 0.0], [1.2, 0.1, 0.0, 0.0], [0.8, 0.0, 0.0, 0.0], [1.5, 0.0, 0.4, 0.0],
];

fn cells() -> LogCells {
    let mut x = Csr::empty(4);
    for row in CELLS {
        x.push_row((0..).zip(row).filter(|(_, v)| *v != 0.0));
    }
    let genes = Arc::new(GeneIndex::new(["A", "B", "C", "D"]).unwrap());
    let labels = [""; 5].into_iter().chain(["A"; 4]).chain(["B"; 4]);
    let table = CellTable::new(labels.map(|l| Some(Condition::of(Perturbation::of([l])))));
    let mut cells =
        LogCells::new(&Screen::new(Expression::new(genes, x, Scale::Log1p).unwrap(), table).unwrap()).unwrap();
    cells.control_label = "ntc".into();
    cells
}

/// target, feature, target mean, reference mean, cells, reference cells, log2 fold change, p, statistic, fdr.
fn check<'a>(rows: impl Iterator<Item = DeRow<'a>>, expected: &str) {
    let rows: Vec<DeRow<'_>> = rows.collect();
    assert_eq!(rows.len(), expected.lines().count());
    for (row, line) in rows.iter().zip(expected.lines()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((row.target, row.feature), (fields[0], fields[1]));
        assert_eq!([row.n_target, row.n_reference].map(|n| n.to_string()), [fields[4], fields[5]]);
        // Means of pdex are sums of 32-bit numbers: 0/0 becomes noise of 1e-7 in its fold change.
        let t = |at: usize, got: f64, tolerance: f64| {
            let want: f64 = fields[at].parse().unwrap();
            let same = got == want || (got - want).abs() <= tolerance * want.abs().max(tolerance);
            assert!(same || (at == 6 && (got - want).abs() < 2e-7), "{line}: field {at}, got {got}");
        };
        t(2, row.target_mean, 1e-6);
        t(3, row.reference_mean, 1e-6);
        t(6, row.log2_fold_change, 1e-6);
        t(7, row.p, 1e-12);
        t(8, row.statistic, 0.0);
        t(9, row.fdr, 1e-12);
    }
}

#[test]
fn against_the_control() {
    check(
        differential_expression(&cells(), &DeOptions::default()).unwrap().rows(),
        "A A 0.1331484466791153 2.0041661262512207 4 5 -3.9118945959859235 0.07200565755549805 2.5 0.2495454720874455
         A B 0.733253002166748 0.6487212777137756 4 5 0.1767123136139672 0.7962534147376393 11.5 0.7962534147376393
         A C 1.1169999837875366 0.10517092794179916 4 5 3.4088212995362257 0.12477273604372276 16.5 0.2495454720874455
         A D 0.0 0.020201342180371284 4 5 -inf 0.5023349543605021 8.0 0.6697799391473361
         B A 2.080216884613037 2.0041661262512207 4 5 0.053731853281221896 1.0 9.5 1.0
         B B 0.025315120816230774 0.6487212777137756 4 5 -4.679527484595906 0.0680971484094867 2.5 0.2723885936379468
         B C 0.10517092049121857 0.10517092794179916 4 5 -1.0220425227568639e-07 1.0 9.5 1.0
         B D 0.0 0.020201342180371284 4 5 -inf 0.5023349543605021 8.0 1.0",
    );
}

#[test]
fn against_the_rest() {
    check(
        differential_expression(&cells(), &DeOptions { against: Against::Rest, ..DeOptions::default() })
            .unwrap()
            .rows(),
        "A A 0.1331484466791153 2.037731885910034 4 9 -3.9358567385737833 0.018090205371999592 2.5 0.07236082148799837
         A B 0.733253002166748 0.33494341373443604 4 9 1.1303936895672637 0.2943539922403703 25.0 0.392471989653827
         A C 1.1169999837875366 0.10517092794179916 4 9 3.4088212995362257 0.05372187411476043 30.0 0.10744374822952087
         A D 0.0 0.011173070408403873 4 9 -inf 0.6170750774519738 16.0 0.6170750774519738
         B A 2.080216884613037 0.9477341771125793 4 9 1.1341795822182452 0.26998761364004786 25.5 0.47495436782876826
         B B 0.025315120816230774 0.6857697367668152 4 9 -4.759652964466058 0.043740095554158955 5.0 0.17496038221663582
         B C 0.10517092049121857 0.4753406345844269 4 9 -2.176225877943113 0.3562157758715762 12.0 0.47495436782876826
         B D 0.0 0.011173070408403873 4 9 -inf 0.6170750774519738 16.0 0.6170750774519738
         ntc A 2.0041661262512207 0.8682461977005005 5 8 1.2068260063867338 0.2621887184427853 28.0 0.39992275120807574
         ntc B 0.6487212777137756 0.3330906331539154 5 8 0.9616839746879017 0.39992275120807574 26.0 0.39992275120807574
         ntc C 0.10517092794179916 0.5295904278755188 5 8 -2.3321410860413883 0.3814351378495874 14.0 0.39992275120807574
         ntc D 0.020201342180371284 0.0 5 8 inf 0.2683816272927608 24.0 0.39992275120807574",
    );
}

#[test]
fn genes_expressed_too_little_are_left_out() {
    check(
        differential_expression(&cells(), &DeOptions { keep: Keep::PooledCpm(15_000.0), ..DeOptions::default() })
            .unwrap()
            .rows(),
        "A A 0.1331484466791153 2.0041661262512207 4 5 -3.9118945959859235 0.07200565755549805 2.5 0.18715910406558414
         A B 0.733253002166748 0.6487212777137756 4 5 0.1767123136139672 0.7962534147376393 11.5 0.7962534147376393
         A C 1.1169999837875366 0.10517092794179916 4 5 3.4088212995362257 0.12477273604372276 16.5 0.18715910406558414
         B A 2.080216884613037 2.0041661262512207 4 5 0.053731853281221896 1.0 9.5 1.0
         B B 0.025315120816230774 0.6487212777137756 4 5 -4.679527484595906 0.0680971484094867 2.5 0.2042914452284601
         B C 0.10517092049121857 0.10517092794179916 4 5 -1.0220425227568639e-07 1.0 9.5 1.0",
    );
}

#[test]
fn arithmetic_means() {
    let options = DeOptions { mean: Mean::Arithmetic, ..DeOptions::default() };
    check(
        differential_expression(&cells(), &options).unwrap().rows().take(4),
        "A A 0.1621803194284439 2.66146183013916 4 5 -4.036548211389579 0.07200565755549805 2.5 0.2495454720874455
         A B 0.8451889753341675 0.7328891754150391 4 5 0.20567889259758185 0.7962534147376393 11.5 0.7962534147376393
         A C 1.3159849643707275 0.11425231397151947 4 5 3.52584771598761 0.12477273604372276 16.5 0.2495454720874455
         A D 0.0 0.021034184843301773 4 5 -inf 0.5023349543605021 8.0 0.6697799391473361",
    );
}

#[test]
fn own_targets() {
    let table = on_target(&cells(), &DeOptions::default()).unwrap();
    check(
        table.rows(),
        "A A 0.1331484466791153 2.0041661262512207 4 5 -3.9118945959859235 0.07200565755549805 2.5 0.07200565755549805
         B B 0.025315120816230774 0.6487212777137756 4 5 -4.679527484595906 0.0680971484094867 2.5 0.07200565755549805",
    );
    assert!(table.not_measured.is_empty());
}

#[test]
fn t_tests() {
    // Genes A, B, C; scipy.stats.ttest_ind of the 32-bit values.
    let t = |test: Test, against: Against, label: usize, expected: [f64; 3]| {
        let table = differential_expression(&cells(), &DeOptions { test, against, ..DeOptions::default() }).unwrap();
        for (gene, want) in expected.into_iter().enumerate() {
            let got = table.p[[label, gene]];
            assert!((got / want - 1.0).abs() < 1e-6, "{test:?} {against:?} {label} {gene}: {got}, expected {want}");
        }
    };
    t(
        Test::Student,
        Against::Control,
        0,
        [0.041_674_712_353_953_43, 0.851_452_315_563_836_8, 0.031_202_130_020_113_402],
    );
    t(Test::Student, Against::Control, 1, [0.951_704_157_456_339, 0.033_923_776_291_924_154, 0.999_999_989_881_201_5]);
    t(Test::Welch, Against::Control, 0, [0.039_589_629_396_296_164, 0.855_556_064_283_021_8, 0.086_642_727_388_925_14]);
    t(Test::Welch, Against::Control, 1, [0.947_637_361_167_992_1, 0.038_821_132_184_444_024, 0.999_999_990_416_247_9]);
    t(
        Test::Student,
        Against::Rest,
        0,
        [0.006_601_502_130_206_244, 0.269_940_655_405_231_16, 0.004_674_846_251_618_637],
    );
    t(Test::Welch, Against::Rest, 0, [0.001_059_677_543_690_056, 0.328_285_550_028_701_7, 0.087_438_753_329_335_3]);
    t(Test::Welch, Against::Rest, 1, [0.143_803_360_527_435_25, 0.003_079_490_659_670_517_3, 0.154_404_220_861_981_88]);
}

#[test]
fn the_order_of_cells_does_not_matter() {
    let mut order: Vec<usize> = (0..13).collect();
    order.reverse();
    let labels = ["", "", "", "", "", "A", "A", "A", "A", "B", "B", "B", "B"];
    let mut x = Csr::empty(4);
    order.iter().for_each(|&i| x.push_row((0..).zip(CELLS[i]).filter(|(_, v)| *v != 0.0)));
    let genes = Arc::new(GeneIndex::new(["A", "B", "C", "D"]).unwrap());
    let table = CellTable::new(order.iter().map(|&i| Some(Condition::of(Perturbation::of([labels[i]])))));
    let screen = Screen::new(Expression::new(genes, x, Scale::Log1p).unwrap(), table).unwrap();
    let reversed = LogCells::new(&screen).unwrap();
    for against in [Against::Control, Against::Rest] {
        let options = DeOptions { against, ..DeOptions::default() };
        let of = |cells: &LogCells| differential_expression(cells, &options).unwrap();
        let (a, b) = (of(&cells()), of(&reversed));
        assert_eq!((a.p, a.statistic, a.fdr), (b.p, b.statistic, b.fdr));
    }
}
