//! Every way an AnnData file may store the same cells gives the same cells; damaged and unusable files say what is wrong.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use grn::data::{DataError, PseudobulkOptions, Scale};
use grn::io::{IoError, ScreenOptions, open_cells, open_screen, read_screen, read_table};
use hdf5::types::{FixedAscii, VarLenUnicode};
use hdf5::{File, Group, H5Type};
use ndarray::{Array2, array};
use tempfile::TempDir;

/// 6 cells x 4 genes of counts.
fn counts() -> Array2<f32> {
    array![
        [0.0, 2.0, 0.0, 1.0],
        [3.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
        [1.0, 1.0, 5.0, 0.0],
        [0.0, 0.0, 7.0, 9.0],
        [4.0, 0.0, 1.0, 2.0],
    ]
}

const GENES: [&str; 4] = ["STAT1", "JAK2", "MYC", "TP53"];
const LABELS: [&str; 6] = ["ctrl", "STAT1+ctrl", "ctrl", "JAK2_STAT1 ", "MYC", "ctrl"];

fn text(value: &str) -> VarLenUnicode {
    value.parse().unwrap()
}

fn texts(values: &[&str]) -> Vec<VarLenUnicode> {
    values.iter().map(|v| text(v)).collect()
}

fn attr(at: &hdf5::Location, name: &str, value: &str) {
    at.new_attr::<VarLenUnicode>().create(name).unwrap().write_scalar(&text(value)).unwrap();
}

/// A new file with `var` and the given `obs` and `X`.
fn write(dir: &TempDir, obs: impl Fn(&File), x: impl Fn(&File)) -> PathBuf {
    let path = dir.path().join("s.h5ad");
    let _ = std::fs::remove_file(&path);
    let file = File::create(&path).unwrap();
    let var = file.create_group("var").unwrap();
    attr(&var, "_index", "gene");
    var.new_dataset_builder().with_data(&texts(&GENES)).create("gene").unwrap();
    obs(&file);
    x(&file);
    file.close().unwrap();
    path
}

/// `obs` with labels of variable length in `column`.
fn obs_named(column: &'static str) -> impl Fn(&File) {
    move |file| {
        let obs = file.create_group("obs").unwrap();
        attr(&obs, "_index", "_index");
        obs.new_dataset_builder().with_data(&texts(&["a", "b", "c", "d", "e", "f"])).create("_index").unwrap();
        obs.new_dataset_builder().with_data(&texts(&LABELS)).create(column).unwrap();
    }
}

fn put<T: H5Type>(group: &Group, name: &str, values: &[T], filter: &str) {
    let builder = group.new_dataset_builder();
    let builder = match filter {
        "gzip" => builder.chunk(3).shuffle().deflate(6),
        "lzf" => builder.chunk(4).lzf(),
        "chunks" => builder.chunk(2),
        _ => builder,
    };
    builder.with_data(values).create(name).unwrap();
}

/// Compressed rows (or columns) of `x`: offsets, positions, values; `reversed` positions inside each row.
fn compress(x: &Array2<f32>, reversed: bool) -> (Vec<i64>, Vec<i64>, Vec<f32>) {
    let (mut indptr, mut indices, mut data) = (vec![0], Vec::new(), Vec::new());
    for row in x.rows() {
        let mut entries: Vec<(i64, f32)> =
            row.iter().enumerate().filter(|e| *e.1 != 0.0).map(|(j, &v)| (j as i64, v)).collect();
        if reversed {
            entries.reverse();
        }
        indices.extend(entries.iter().map(|e| e.0));
        data.extend(entries.iter().map(|e| e.1));
        indptr.push(indices.len() as i64);
    }
    (indptr, indices, data)
}

fn sparse(name: &'static str, encoding: &'static str, reversed: bool, filter: &'static str) -> impl Fn(&File) {
    move |file| {
        let x = counts();
        let (indptr, indices, data) =
            if encoding == "csc_matrix" { compress(&x.t().to_owned(), reversed) } else { compress(&x, reversed) };
        let group = sparse_group(file, name, encoding);
        put(&group, "indptr", &indptr, filter);
        put(&group, "indices", &indices, filter);
        put(&group, "data", &data, filter);
    }
}

fn sparse_group(file: &File, name: &str, encoding: &str) -> Group {
    if let Some((parent, _)) = name.split_once('/') {
        file.create_group(parent).unwrap();
    }
    let group = file.create_group(name).unwrap();
    attr(&group, "encoding-type", encoding);
    group.new_attr_builder().with_data(&array![6i64, 4]).create("shape").unwrap();
    group
}

/// Cells in the order of the file with the labels of their conditions.
fn expect_counts(path: &Path) {
    let (screen, _) = read_screen(path, &ScreenOptions::default()).unwrap();
    let mut dense = Array2::<f32>::zeros((6, 4));
    for i in 0..6 {
        let (columns, values) = screen.expression.x.row(i);
        assert!(columns.windows(2).all(|c| c[0] < c[1]), "columns of row {i} are not ascending");
        columns.iter().zip(values).for_each(|(&j, &v)| dense[[i, j as usize]] = v);
    }
    assert_eq!(dense, counts());
    assert_eq!(screen.expression.scale, Scale::Counts);
    let labels: Vec<String> =
        screen.cells.of_cell.iter().map(|c| screen.cells.conditions[c.unwrap() as usize].to_string()).collect();
    assert_eq!(labels, ["control", "STAT1", "control", "JAK2+STAT1", "MYC", "control"]);
}

#[test]
fn sparse_matrices_of_every_kind_are_equal() {
    let dir = tempfile::tempdir().unwrap();
    for encoding in ["csr_matrix", "csc_matrix"] {
        for filter in ["", "gzip", "lzf", "chunks"] {
            for reversed in [false, true] {
                expect_counts(&write(&dir, obs_named("condition"), sparse("X", encoding, reversed, filter)));
            }
        }
    }
}

#[test]
fn every_type_of_index_and_value_is_read() {
    fn case<I: H5Type, V: H5Type>(index: impl Fn(i64) -> I, value: impl Fn(f32) -> V) {
        let dir = tempfile::tempdir().unwrap();
        let x = |file: &File| {
            let (indptr, indices, data) = compress(&counts(), false);
            let group = sparse_group(file, "X", "csr_matrix");
            put(&group, "indptr", &indptr.into_iter().map(&index).collect::<Vec<I>>(), "gzip");
            put(&group, "indices", &indices.into_iter().map(&index).collect::<Vec<I>>(), "gzip");
            put(&group, "data", &data.into_iter().map(&value).collect::<Vec<V>>(), "gzip");
        };
        expect_counts(&write(&dir, obs_named("perturbation"), x));
    }
    case(|i| i as i32, |v| v);
    case(|i| i, f64::from);
    case(|i| i as u32, |v| v as i32);
    case(|i| i as u64, |v| v as i64);
    case(|i| i as i32, |v| v as u16);
    case(|i| i as u16, |v| v as u8);
}

#[test]
fn dense_matrices_are_read_with_and_without_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let t = |chunk: Option<(usize, usize)>, double: bool| {
        let x = |file: &File| {
            let mut builder = file.new_dataset_builder();
            if let Some(chunk) = chunk {
                builder = builder.chunk(chunk).deflate(4);
            }
            if double {
                builder.with_data(&counts().mapv(f64::from)).create("X").unwrap()
            } else {
                builder.with_data(&counts()).create("X").unwrap()
            };
        };
        expect_counts(&write(&dir, obs_named("target_gene"), x));
    };
    for double in [false, true] {
        t(None, double);
        t(Some((2, 3)), double);
        t(Some((6, 1)), double);
    }
}

#[test]
fn counts_are_found_where_x_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    expect_counts(&write(&dir, obs_named("gene"), sparse("layers/counts", "csr_matrix", false, "gzip")));
    let raw = |file: &File| {
        sparse("raw/X", "csr_matrix", false, "")(file);
        let var = file.create_group("raw/var").unwrap();
        attr(&var, "_index", "_index");
        var.new_dataset_builder().with_data(&texts(&GENES)).create("_index").unwrap();
    };
    expect_counts(&write(&dir, obs_named("condition"), raw));
    let scaled = |file: &File| {
        raw(file);
        file.new_dataset_builder().with_data(&(counts() - 1.0)).create("X").unwrap();
    };
    expect_counts(&write(&dir, obs_named("condition"), scaled));
}

#[test]
fn labels_of_every_encoding_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let start = |file: &File| {
        let obs = file.create_group("obs").unwrap();
        attr(&obs, "_index", "_index");
        obs.new_dataset_builder().with_data(&texts(&["a", "b", "c", "d", "e", "f"])).create("_index").unwrap();
        obs
    };
    let categories = ["ctrl", "STAT1+ctrl", "JAK2_STAT1 ", "MYC", "unused"];
    let codes: [i8; 6] = [0, 1, 0, 2, 3, 0];
    let categorical = |file: &File| {
        let column = start(file).create_group("condition").unwrap();
        attr(&column, "encoding-type", "categorical");
        column.new_dataset_builder().with_data(&texts(&categories)).create("categories").unwrap();
        column.new_dataset_builder().with_data(&codes).create("codes").unwrap();
    };
    let legacy = |file: &File| {
        let obs = start(file);
        let beside = obs.create_group("__categories").unwrap();
        beside.new_dataset_builder().with_data(&texts(&categories)).create("condition").unwrap();
        obs.new_dataset_builder().with_data(&codes).create("condition").unwrap();
    };
    let fixed = |file: &File| {
        let labels: Vec<FixedAscii<40>> = LABELS.iter().map(|l| FixedAscii::from_ascii(l).unwrap()).collect();
        start(file).new_dataset_builder().with_data(&labels).create("condition").unwrap();
    };
    let nullable = |file: &File| {
        let column = start(file).create_group("condition").unwrap();
        attr(&column, "encoding-type", "nullable-string-array");
        column.new_dataset_builder().with_data(&texts(&LABELS)).create("values").unwrap();
        column.new_dataset_builder().with_data(&[false; 6]).create("mask").unwrap();
    };
    for obs in [&categorical as &dyn Fn(&File), &legacy, &fixed, &nullable] {
        expect_counts(&write(&dir, obs, sparse("X", "csr_matrix", false, "")));
    }
}

/// anndata up to 0.6 wrote `obs` as one compound dataset, categories in `uns`.
#[test]
fn a_compound_table_is_read_field_by_field() {
    #[derive(H5Type, Clone, Copy)]
    #[repr(C)]
    struct Row {
        index: FixedAscii<3>,
        n_counts: f32,
        condition: i8,
        batch: FixedAscii<50>,
    }
    let dir = tempfile::tempdir().unwrap();
    let obs = |file: &File| {
        let row = |&condition: &i8| Row {
            index: FixedAscii::from_ascii("x").unwrap(),
            n_counts: 1.0,
            condition,
            batch: FixedAscii::from_ascii("lane 1").unwrap(),
        };
        let rows: Vec<Row> = [0, 1, 0, 2, 3, 0].iter().map(row).collect();
        file.new_dataset_builder().with_data(&rows).create("obs").unwrap();
        let uns = file.create_group("uns").unwrap();
        let categories = texts(&["ctrl", "STAT1+ctrl", "JAK2_STAT1 ", "MYC"]);
        uns.new_dataset_builder().with_data(&categories).create("condition_categories").unwrap();
    };
    let path = write(&dir, obs, sparse("X", "csr_matrix", false, ""));
    expect_counts(&path);
    let options = ScreenOptions { batch_col: Some("batch".into()), ..Default::default() };
    let screen = open_screen(&path, &options).unwrap();
    assert_eq!(screen.cells.conditions[0].batch.as_deref(), Some("lane 1"));
}

#[test]
fn blanks_are_trimmed_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir, obs_named("condition"), sparse("X", "csr_matrix", false, ""));
    let screen = open_screen(&path, &ScreenOptions::default()).unwrap();
    let said = |part: &str| screen.notices.iter().any(|n| n.0.contains(part));
    assert!(said("blanks were removed from 1 labels of column `condition`"), "{:?}", screen.notices);
    assert!(said("column `condition`, control `ctrl`"), "{:?}", screen.notices);
    assert!(said("all 11 values looked at are whole numbers, largest 9"), "{:?}", screen.notices);
}

fn bad_value(value: f32, expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    let x = |file: &File| {
        let mut x = counts();
        x[[3, 2]] = value;
        file.new_dataset_builder().with_data(&x).create("X").unwrap();
    };
    let path = write(&dir, obs_named("condition"), x);
    let error =
        read_table(&path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| ()).unwrap_err();
    let IoError::Data { source, .. } = &error else { panic!("{error}") };
    let gene = "MYC".to_owned();
    assert_eq!(*source, DataError::BadValue { cell: 3, gene, value: expected.into() });
}

#[test]
fn values_that_cannot_be_are_named_by_cell_and_gene() {
    bad_value(f32::NAN, "NaN");
    bad_value(-3.0, "-3");
    bad_value(f32::INFINITY, "inf");
}

#[test]
fn a_screen_must_have_a_perturbation_column_and_a_control() {
    let dir = tempfile::tempdir().unwrap();
    let x = || sparse("X", "csr_matrix", false, "");
    let read = |path: &Path, options: &ScreenOptions| {
        read_table(path, options, &PseudobulkOptions::default(), &mut |_, _| ()).unwrap_err()
    };
    let path = write(&dir, obs_named("guide"), x());
    let IoError::MissingColumn { hint, found, .. } = read(&path, &ScreenOptions::default()) else { panic!() };
    assert_eq!(found, "`guide`");
    let expected = "`guide` has 4 values and one of them is `ctrl`; try `--pert-col guide --control-pert ctrl`";
    assert_eq!(hint.as_deref(), Some(expected));
    let path = write(&dir, obs_named("condition"), x());
    let missing = ScreenOptions { control: Some("non-targeting".into()), ..Default::default() };
    assert!(read(&path, &missing).to_string().contains("expected the control label `non-targeting`"));
    let one = ScreenOptions { control: Some("MYC".into()), ..Default::default() };
    let IoError::Data { source, .. } = read(&path, &one) else { panic!() };
    assert_eq!(source, DataError::TooFewControls { label: "MYC".into(), expected: 2, got: 1 });
    let no_control = |file: &File| {
        let obs = file.create_group("obs").unwrap();
        attr(&obs, "_index", "_index");
        let labels = texts(&["A", "A", "B", "B", "C", "C"]);
        obs.new_dataset_builder().with_data(&labels).create("_index").unwrap();
        obs.new_dataset_builder().with_data(&labels).create("perturbation").unwrap();
    };
    let IoError::Data { source, .. } = read(&write(&dir, no_control, x()), &ScreenOptions::default()) else { panic!() };
    assert!(matches!(source, DataError::NoControl { n_conditions: 3, .. }), "{source}");
}

#[test]
fn damaged_files_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir, obs_named("condition"), sparse("X", "csr_matrix", false, ""));
    let bytes = std::fs::read(&path).unwrap();
    let cut = dir.path().join("cut.h5ad");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let said = open_cells(&cut, None).unwrap_err().to_string();
    assert!(said.contains("is truncated or damaged"), "{said}");
    std::fs::write(&cut, "gene\tvalue\n").unwrap();
    assert!(open_cells(&cut, None).unwrap_err().to_string().contains("it is not an HDF5 file"));
    std::fs::write(&cut, "").unwrap();
    assert!(open_cells(&cut, None).unwrap_err().to_string().contains("it is not an HDF5 file"));
    let gone = open_cells(&dir.path().join("none.h5ad"), None).unwrap_err();
    assert!(matches!(gone, IoError::System { verb: "read", .. }), "{gone}");
}

#[test]
fn offsets_and_columns_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let t = |indptr: &[i32], indices: &[i32], n: usize, expected: &str| {
        let x = |file: &File| {
            let group = sparse_group(file, "X", "csr_matrix");
            put(&group, "indptr", indptr, "");
            put(&group, "indices", indices, "");
            put(&group, "data", &vec![1.0f32; n], "");
        };
        let path = write(&dir, obs_named("condition"), x);
        let said = read_screen(&path, &ScreenOptions::default()).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    };
    t(&[0, 1, 2, 2, 2, 2, 2], &[0, 4], 2, "positions below 4, got 4");
    t(&[0, 1, 2, 2, 2, 2, 2], &[0, -1], 2, "positions below 4, got -1");
    t(&[0, 1, 2, 2, 2, 2, 3], &[0, 1], 2, "3 entries by offset, 2 values, 2 indices");
    t(&[0, 2, 1, 2, 2, 2, 2], &[0, 1], 2, "offsets that fall");
    t(&[0, 2], &[0, 1], 2, "2 offsets for 6 rows");
}

#[test]
fn effects_may_be_negative_and_lack_a_control() {
    let dir = tempfile::tempdir().unwrap();
    let obs = |file: &File| {
        let obs = file.create_group("obs").unwrap();
        attr(&obs, "_index", "target_gene");
        let labels = texts(&["A", "B", "C", "D", "E", "F"]);
        obs.new_dataset_builder().with_data(&labels).create("_index").unwrap();
        obs.new_dataset_builder().with_data(&labels).create("target_gene").unwrap();
        obs.new_dataset_builder().with_data(&[5i32, 4, 3, 2, 1, 0]).create("n_cells").unwrap();
    };
    let obs = |file: &File| {
        obs(file);
        file.group("obs").unwrap().delete_attr("_index").unwrap();
    };
    let x = |file: &File| {
        file.new_dataset_builder().with_data(&(counts().mapv(f64::from) - 2.5)).create("X").unwrap();
    };
    let path = write(&dir, obs, x);
    let read = read_table(&path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| ()).unwrap();
    assert_eq!(read.table.quantity, grn::data::Quantity::Effect);
    assert_eq!(read.table.moments.mean, counts() - 2.5);
    assert_eq!(read.table.n_cells, [5, 4, 3, 2, 1, 0]);
}

#[test]
fn repeated_and_other_gene_names_are_handled() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir, obs_named("condition"), sparse("X", "csr_matrix", false, ""));
    let file = hdf5::File::open_rw(&path).unwrap();
    file.unlink("var").unwrap();
    let var = file.create_group("var").unwrap();
    attr(&var, "_index", "_index");
    let ids = texts(&["ENSG00000115415", "ENSG00000096968", "ENSG00000136997", "ENSG00000000001"]);
    var.new_dataset_builder().with_data(&ids).create("_index").unwrap();
    var.new_dataset_builder().with_data(&texts(&["STAT91", "JAK2", "JAK2", ""])).create("gene_symbols").unwrap();
    file.close().unwrap();
    let aliases = dir.path().join("aliases.tsv");
    std::fs::write(&aliases, "alias\tgene\nSTAT1\tSTAT91\nMYC\tnone\n").unwrap();
    let options = ScreenOptions { aliases: Some(aliases), ..Default::default() };
    let screen = open_screen(&path, &options).unwrap();
    let names: Vec<&str> = screen.genes.names().iter().map(AsRef::as_ref).collect();
    assert_eq!(names, ["STAT91", "JAK2", "JAK2-1", "ENSG00000000001"]);
    let said = |part: &str| screen.notices.iter().any(|n| n.0.contains(part));
    assert!(said("symbols of column `gene_symbols`") && said("1 without a symbol"), "{:?}", screen.notices);
    assert!(said("1 repeated gene names were made unique"), "{:?}", screen.notices);
    assert!(said("renamed by the aliases: `STAT1 -> STAT91`"), "{:?}", screen.notices);
    let labels: Vec<String> = screen.cells.conditions.iter().map(ToString::to_string).collect();
    assert_eq!(labels, ["control", "STAT91", "JAK2+STAT91", "MYC"]);
}

/// `obs` with `target_gene` and `cell_type`, one row each.
fn obs_by_type(file: &File) {
    let obs = file.create_group("obs").unwrap();
    attr(&obs, "_index", "_index");
    let put = |name: &str, values: [&str; 6]| {
        obs.new_dataset_builder().with_data(&texts(&values)).create(name).unwrap();
    };
    put("_index", ["a", "b", "c", "d", "e", "f"]);
    put("target_gene", ["non-targeting", "A", "B", "non-targeting", "A", "B"]);
    put("cell_type", ["k562", "k562", "k562", "rpe1", "rpe1", "rpe1"]);
}

#[test]
fn one_row_per_perturbation_and_cell_type_is_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let x = |file: &File| {
        file.new_dataset_builder().with_data(&counts().mapv(|x| x / 8.0)).create("X").unwrap();
    };
    let path = write(&dir, obs_by_type, x);
    let read = read_table(&path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| ()).unwrap();
    assert_eq!((read.table.conditions.len(), read.table.control_rows()), (6, vec![0, 3]));
    assert_eq!(read.table.quantity, grn::data::Quantity::Level);
    assert_eq!(read.table.conditions[4].cell_type.as_deref(), Some("rpe1"));
    assert_eq!(read.table.moments.mean, counts().mapv(|x| x / 8.0));
}

#[test]
fn a_table_of_summed_counts_becomes_log1p() {
    let dir = tempfile::tempdir().unwrap();
    let x = |file: &File| {
        file.new_dataset_builder().with_data(&counts().mapv(|x| 10.0 * x)).create("X").unwrap();
    };
    let options = PseudobulkOptions { target_sum: grn::data::TargetSum::Fixed(12.0), ..Default::default() };
    let read = read_table(&write(&dir, obs_by_type, x), &ScreenOptions::default(), &options, &mut |_, _| ()).unwrap();
    // First row: 20 and 10 of 30, scaled to 12.
    let expected = [0.0, 8.0f32.ln_1p(), 0.0, 4.0f32.ln_1p()];
    for (got, expected) in read.table.moments.mean.row(0).iter().zip(expected) {
        assert!((got - expected).abs() < 1e-6);
    }
    assert!(read.notices.iter().any(|n| n.0.contains("its values are counts (largest 90)")), "{:?}", read.notices);
}

#[test]
fn files_without_cells_or_genes_do_not_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.h5ad");
    for (n_obs, n_vars) in [(0, 3), (3, 0), (0, 0)] {
        let genes = std::sync::Arc::new(grn::data::GeneIndex::new(GENES[..n_vars].iter()).unwrap());
        let dense = Array2::<f32>::zeros((n_obs, n_vars));
        let mut sparse = grn::data::Csr::<f32>::empty(n_vars);
        (0..n_obs).for_each(|_| sparse.push_row([]));
        for x in [grn::io::Matrix::Dense(dense.view()), grn::io::Matrix::Sparse(&sparse)] {
            let labels = vec!["ctrl".to_owned(); n_obs];
            let file = grn::io::AnnData {
                obs_names: (0..n_obs).map(|i| i.to_string()).collect(),
                obs: vec![("perturbation".into(), grn::io::Column::Categories(labels))],
                genes: std::sync::Arc::clone(&genes),
                var: Vec::new(),
                x,
                layers: Vec::new(),
                uns: serde_json::Map::new(),
            };
            grn::io::write_h5ad(&path, &file).unwrap();
            let cells = open_cells(&path, None).unwrap();
            assert_eq!((cells.n_cells, cells.genes.len()), (n_obs, n_vars));
            let read = read_table(&path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| ());
            assert_eq!(read.is_ok(), n_obs > 0, "{n_obs} x {n_vars}");
        }
    }
}
