//! The plan in one process.
#![allow(clippy::unwrap_used)]

#[path = "support/made.rs"]
mod made_rows;

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, DictionaryArray, Float64Builder, Int32Builder, LargeListBuilder, ListBuilder, RecordBatch, StringArray,
};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::parquet::arrow::ArrowWriter;
use grn::data::{PseudobulkOptions, TargetSum};
use grn::io::ScreenOptions;
use grn_cluster::engine::{Engine, Limits};
use grn_cluster::plan::Question;
use grn_cluster::rows::{RowsOptions, write_rows};
use grn_cluster::sums::State;
use grn_cluster::table::{Answer, ask};
use grn_cluster::tokens::KnownTokens;
use grn_cluster::{ClusterError, rows};
use made_rows::{assert_as_expected, expected, made, median_total, program, small};

async fn local(question: &Question, limits: Limits) -> Result<Answer, ClusterError> {
    ask(&Engine::DataFusion.session(limits).await.unwrap(), question, "datafusion").await
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_are_those_of_the_definition() {
    let dir = tempfile::tempdir().unwrap();
    let options = small(3000);
    let (mut question, genes) = made(dir.path(), &options, TargetSum::Median);
    let median = median_total(&options, &question.tokens);
    for (target_sum, target) in [(TargetSum::Median, median), (TargetSum::Fixed(1e4), 1e4)] {
        question.target_sum = target_sum;
        for parts in [1, 3] {
            let answer = local(&question, Limits { parts: Some(parts), memory: None }).await.unwrap();
            assert_eq!((answer.target, answer.n_cells()), (target, 3000));
            assert_as_expected(&answer, &expected(&options, target, &question.tokens));
        }
    }
    let answer = local(&question, Limits::default()).await.unwrap();
    let table = answer.table(&genes, None, "drug").unwrap();
    assert_eq!(table.control_label, "DMSO_TF");
    assert_eq!(table.control_rows().len(), 9); // lines x plates
    assert!(table.conditions.is_sorted());
    let state = State::read(&answer.groups[0].state).unwrap();
    let (token, sums) = state.entries().next().unwrap();
    let row = table.conditions.iter().position(|c| {
        let labels = &answer.groups[0].labels;
        c.perturbation.is_control()
            && c.cell_type.as_deref() == Some(&labels[1])
            && c.batch.as_deref() == Some(&labels[2])
    });
    assert_eq!(answer.groups[0].labels[0], "DMSO_TF");
    let column = genes.tokens().iter().position(|t| *t == i64::from(token)).unwrap();
    assert_eq!(table.moments.mean[[row.unwrap(), column]], (sums.sum / state.n_cells as f64) as f32);
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_that_do_not_fit_go_to_disk() {
    let dir = tempfile::tempdir().unwrap();
    let options = RowsOptions { genes: 3000, genes_per_cell: 300, drugs: 30, lines: 10, ..small(6000) };
    let (question, _) = made(dir.path(), &options, TargetSum::None);
    let plenty = local(&question, Limits { parts: Some(2), memory: None }).await.unwrap();
    // The sums of all groups are some 60 MB; an engine needs room for the largest of its steps besides.
    for megabytes in [40, 56, 72, 88] {
        let limits = Limits { parts: Some(2), memory: Some(megabytes << 20) };
        let Ok(little) = local(&question, limits).await else { continue };
        assert!(plenty.difference(&little).unwrap() < 1e-12);
        if let Some((groups, spills)) = groups_and_spills(&question, limits).await {
            assert_eq!(groups, plenty.groups.len());
            assert!(spills > 0, "all sums fit into {megabytes} MB");
            return;
        }
    }
    panic!("no answer within 88 MB");
}

/// Groups of the answer and how often sums went to disk; `None` where memory did not suffice.
async fn groups_and_spills(question: &Question, limits: Limits) -> Option<(usize, usize)> {
    let session = Engine::DataFusion.session(limits).await.unwrap();
    let rows = question.rows(&session, "datafusion").await.unwrap();
    let plan = question.moments(rows, 0.0).unwrap().create_physical_plan().await.unwrap();
    let batches = datafusion::physical_plan::collect(Arc::clone(&plan), session.task_ctx()).await.ok()?;
    let (mut open, mut spills) = (vec![plan], 0);
    while let Some(node) = open.pop() {
        spills += node.metrics().and_then(|m| m.spill_count()).unwrap_or(0);
        open.extend(node.children().into_iter().cloned());
    }
    Some((batches.iter().map(RecordBatch::num_rows).sum(), spills))
}

/// Cells with their labels in other types than the usual ones: 32-bit tokens, doubles, long lists, dictionaries, no label.
fn write(path: &Path, cells: &[(&[i32], &[f64], Option<&str>)]) {
    let (mut genes, mut counts) = (ListBuilder::new(Int32Builder::new()), LargeListBuilder::new(Float64Builder::new()));
    for (tokens, values, _) in cells {
        genes.values().append_slice(tokens);
        counts.values().append_slice(values);
        genes.append(true);
        counts.append(true);
    }
    let labels: DictionaryArray<Int32Type> = cells.iter().map(|(_, _, label)| *label).collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("genes", Arc::new(genes.finish())),
        ("expressions", Arc::new(counts.finish())),
        ("drug", Arc::new(labels)),
        ("Cell Line", Arc::new(StringArray::from(vec!["a"; cells.len()]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn question(path: &Path) -> Question {
    Question {
        files: vec![path.to_owned()],
        pert_col: "drug".into(),
        celltype_col: Some("Cell Line".into()),
        batch_col: None,
        target_sum: TargetSum::None,
        tokens: KnownTokens::new([4, 5, 6, 7, 8, 9]),
    }
}

#[tokio::test]
async fn other_types_are_read_and_cells_without_a_label_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a [1] *.parquet");
    let cells: [(&[i32], &[f64], Option<&str>); 5] = [
        (&[1, 4, 5], &[-2.0, 1.0, 3.0], Some("X + Y")),
        (&[4, 900], &[1.0, 8.0], Some("X + Y")),
        (&[], &[], Some("X + Y")),
        (&[4], &[7.0], None),
        (&[4], &[7.0], Some("")),
    ];
    write(&path, &cells);
    let answer = local(&question(&path), Limits::default()).await.unwrap();
    assert_eq!(answer.groups.len(), 1);
    assert_eq!(answer.groups[0].labels, ["X + Y", "a", ""]);
    let state = State::read(&answer.groups[0].state).unwrap();
    let sums: Vec<_> = state.entries().map(|(token, s)| (token, s.sum, s.above_zero)).collect();
    let ln = |x: f64| f64::from(x.ln() as f32);
    assert_eq!((state.n_cells, sums), (3, vec![(4, 2.0 * ln(2.0), 2), (5, ln(4.0), 1)]));
    // The median is that of the labelled cells with counts of known tokens: 4 and 1.
    let median = Question { target_sum: TargetSum::Median, ..question(&path) };
    assert_eq!(local(&median, Limits::default()).await.unwrap().target, 2.5);
}

#[tokio::test]
async fn wrong_data_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.parquet");
    let t = async |tokens: &'static [i32], counts: &'static [f64], expected: &str| {
        write(&path, &[(&[4], &[1.0], Some("A")), (tokens, counts, Some("A"))]);
        for target_sum in [TargetSum::None, TargetSum::Median] {
            let said = match local(&Question { target_sum, ..question(&path) }, Limits::default()).await {
                Ok(_) => "nothing".to_owned(),
                Err(error) => error.to_string(),
            };
            let twice = expected.contains("twice") && target_sum == TargetSum::Median;
            assert!(said.ends_with(expected) || twice, "{said}");
        }
    };
    let finite = "finite counts of at least 0 behind the marker";
    t(&[4, 5], &[1.0, -3.0], &format!("datafusion: expected {finite}, got -3 of token 5 in a cell of 2 genes")).await;
    t(&[4], &[f64::NAN], &format!("expected {finite}, got NaN of token 4 in a cell of 1 genes")).await;
    t(&[4, 5], &[1.0], "expected as many counts as genes (2) in each cell, got 1").await;
    t(&[4, 4], &[1.0, 2.0], "expected each gene once in a cell, got token 4 twice").await;

    write(&path, &[(&[4], &[1.0], Some("A"))]);
    let wrong = Question { pert_col: "dose".into(), ..question(&path) };
    let error = local(&wrong, Limits::default()).await.unwrap_err();
    assert!(error.to_string().contains("column `dose` not found"), "{error}");
    write(&path, &[(&[4], &[1.0], None)]);
    assert!(matches!(local(&question(&path), Limits::default()).await, Err(ClusterError::NoCells { .. })));
}

#[test]
fn the_command_writes_a_table_that_the_program_reads() {
    let dir = tempfile::tempdir().unwrap();
    write_rows(dir.path(), &small(500)).unwrap();
    let output = dir.path().join("table.h5ad");
    let run = |more: &[&str]| {
        let mut command = program();
        command.arg("pseudobulk").arg(dir.path()).arg("--genes").arg(dir.path().join(rows::GENES));
        command.args(["--celltype-col", "cell_line_id", "--json", "-o"]).arg(&output).args(more);
        command.output().unwrap()
    };
    let done = run(&[]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (said["cells"].as_u64(), said["conditions"].as_u64(), said["controls"].as_u64()),
        (Some(500), Some(15), Some(3))
    );
    let read =
        grn::io::read_table(&output, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!((read.table.conditions.len(), read.table.genes.len()), (15, 400));
    assert_eq!(read.table.n_cells.iter().sum::<u64>(), 500);
    assert_eq!(read.table.control_label, "DMSO_TF");
    // The program's own reader makes the same of the same rows, unknown tokens among them.
    let options = ScreenOptions {
        pert_col: Some("drug".into()),
        celltype_col: Some("cell_line_id".into()),
        gene_metadata: Some(dir.path().join(rows::GENES)),
        whole_labels: true,
        ..ScreenOptions::default()
    };
    let own = grn::io::read_table(dir.path(), &options, &PseudobulkOptions::default(), &mut |_, _| {}).unwrap().table;
    for (i, condition) in read.table.conditions.iter().enumerate() {
        let j = own.conditions.iter().position(|c| c == condition).unwrap();
        for (name, a, b) in [
            ("mean", Some(&read.table.moments.mean), Some(&own.moments.mean)),
            ("variance", read.table.moments.var.as_ref(), own.moments.var.as_ref()),
        ] {
            for (a, b) in a.unwrap().row(i).iter().zip(b.unwrap().row(j)) {
                assert!((a - b).abs() <= 2e-6 * b.abs().max(1.0), "{name} of {condition}: {a}, {b}");
            }
        }
    }

    let again = run(&[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("which exists"));
    let unknown = run(&["--overwrite", "--control-pert", "water"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("expected `water`") && said.contains("hint: name the control"), "{said}");
}
