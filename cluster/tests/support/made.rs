//! Made-up rows and what their moments are by definition.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use grn::data::TargetSum;
use grn::io::TokenTable;
use grn::stats::CentralMoments;
use grn_cluster::plan::Question;
use grn_cluster::rows::{CellMaker, GENES, MadeCell, RowsOptions, write_rows};
use grn_cluster::sums::State;
use grn_cluster::table::Answer;
use grn_cluster::tokens::KnownTokens;

/// Labels and, per token, moments; with the number of cells.
pub(crate) type Expected = BTreeMap<[String; 3], (u64, BTreeMap<u32, CentralMoments>)>;

/// The values of a group: number of cells and, per token, what is not zero.
type Values = (u64, BTreeMap<u32, Vec<f64>>);

/// Rows in a folder and the question about them: drug, cell line and plate.
pub(crate) fn made(dir: &Path, options: &RowsOptions, target_sum: TargetSum) -> (Question, TokenTable) {
    let files = write_rows(dir, options).unwrap();
    let genes = TokenTable::read(&dir.join(GENES)).unwrap();
    let question = Question {
        files,
        pert_col: "drug".into(),
        celltype_col: Some("cell_line_id".into()),
        batch_col: Some("plate".into()),
        target_sum,
        tokens: KnownTokens::of(&genes),
    };
    (question, genes)
}

/// Counts of the known tokens of a cell without its marker.
fn counts(cell: &MadeCell, known: &KnownTokens) -> Vec<(i64, f32)> {
    let marked = cell.tokens.first() == Some(&1) && cell.counts[0] < 0.0;
    let entries = cell.tokens.iter().copied().zip(cell.counts.iter().copied()).skip(usize::from(marked));
    entries.filter(|(token, _)| known.has(*token)).collect()
}

/// The median total by sorting all of them.
pub(crate) fn median_total(options: &RowsOptions, known: &KnownTokens) -> f64 {
    let maker = CellMaker::new(options);
    let total = |row| counts(&maker.cell(row), known).iter().map(|(_, c)| f64::from(*c)).sum::<f64>();
    let mut totals: Vec<f64> = (0..options.rows).map(total).filter(|t| *t > 0.0).collect();
    totals.sort_by(f64::total_cmp);
    f64::midpoint(totals[(totals.len() - 1) / 2], totals[totals.len() / 2])
}

/// Moments in two passes, from the deviations themselves. Values are log1p rounded to f32, as the program holds them.
pub(crate) fn expected(options: &RowsOptions, target: f64, known: &KnownTokens) -> Expected {
    let maker = CellMaker::new(options);
    let mut groups: BTreeMap<[String; 3], Values> = BTreeMap::new();
    for row in 0..options.rows {
        let cell = maker.cell(row);
        let entries = counts(&cell, known);
        let total: f64 = entries.iter().map(|(_, c)| f64::from(*c)).sum();
        let (n_cells, values) = groups.entry([cell.drug, cell.line, cell.plate]).or_default();
        *n_cells += 1;
        for (token, count) in entries {
            let value = (f64::from(count) * target / total).ln_1p() as f32;
            values.entry(token as u32).or_default().push(f64::from(value));
        }
    }
    let of = |n: u64, values: &[f64]| {
        let (n, zeros) = (n as f64, n as f64 - values.len() as f64);
        let mean = values.iter().sum::<f64>() / n;
        let central = |p: i32| (values.iter().map(|v| (v - mean).powi(p)).sum::<f64>() + zeros * (-mean).powi(p)) / n;
        let above = values.iter().filter(|v| **v > 0.0).count() as f64;
        CentralMoments { mean, var: central(2), third: central(3), fraction: above / n }
    };
    let group = |(labels, (n, values)): (_, Values)| {
        (labels, (n, values.into_iter().map(|(token, v)| (token, of(n, &v))).collect()))
    };
    groups.into_iter().map(group).collect()
}

/// Asserts that an answer is what the definition gives, to 1e-9.
pub(crate) fn assert_as_expected(answer: &Answer, expected: &Expected) {
    assert_eq!(answer.groups.len(), expected.len());
    for (group, (labels, (n_cells, of_token))) in answer.groups.iter().zip(expected) {
        let state = State::read(&group.state).unwrap();
        assert_eq!((&group.labels, state.n_cells, state.len()), (labels, *n_cells, of_token.len()));
        for ((token, sums), (expected_token, e)) in state.entries().zip(of_token) {
            let m = sums.moments(state.n_cells);
            assert_eq!(token, *expected_token);
            for (got, e) in [(m.mean, e.mean), (m.var, e.var), (m.third, e.third), (m.fraction, e.fraction)] {
                assert!((got - e).abs() <= 1e-9 * e.abs().max(1.0), "{labels:?} token {token}: {got}, expected {e}");
            }
        }
    }
}

/// The program.
pub(crate) fn program() -> std::process::Command {
    std::process::Command::new(env!("CARGO_BIN_EXE_grn-cluster"))
}

/// Rows of this many cells in a shape that tests can afford.
pub(crate) fn small(rows: u64) -> RowsOptions {
    RowsOptions { rows, shard_rows: rows.div_ceil(3), genes: 400, genes_per_cell: 40, drugs: 5, lines: 3, seed: 7 }
}
