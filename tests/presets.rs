//! Every preset reads a small file in the layout of its data set, with no other option.
#![allow(clippy::unwrap_used)]

#[path = "support/tahoe.rs"]
mod tahoe;

use std::path::Path;

use grn::data::{PseudobulkOptions, Scale};
use grn::io::{PRESETS, Preset, ScreenOptions, open_screen};
use hdf5::types::VarLenUnicode;
use hdf5::{File, Group};
use ndarray::{Array2, array};

use self::tahoe::{Cell, write_cells};

/// How `X` is stored.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Compressed rows, 32-bit indices.
    Csr,
    /// Compressed rows with 64-bit row offsets and indices, counts as whole numbers.
    LongCsr,
    /// One contiguous uncompressed array of 32-bit floats.
    Contiguous,
}

/// Counts of 6 cells x 3 genes.
fn counts() -> Array2<f32> {
    array![[4.0, 0.0, 1.0], [0.0, 2.0, 3.0], [5.0, 1.0, 0.0], [0.0, 0.0, 2.0], [1.0, 1.0, 1.0], [2.0, 0.0, 6.0]]
}

fn text(value: &str) -> VarLenUnicode {
    value.parse().unwrap()
}

fn attr(at: &hdf5::Location, name: &str, value: &str) {
    at.new_attr::<VarLenUnicode>().create(name).unwrap().write_scalar(&text(value)).unwrap();
}

fn column(group: &Group, name: &str, values: &[&str]) {
    let values: Vec<VarLenUnicode> = values.iter().map(|v| text(v)).collect();
    group.new_dataset_builder().with_data(&values).create(name).unwrap();
}

/// Categories and codes, as anndata writes repeated labels.
fn categories(group: &Group, name: &str, values: &[&str]) {
    let mut names = values.to_vec();
    names.sort_unstable();
    names.dedup();
    let group = group.create_group(name).unwrap();
    attr(&group, "encoding-type", "categorical");
    column(&group, "categories", &names);
    let codes: Vec<i8> = values.iter().map(|v| names.binary_search(v).unwrap() as i8).collect();
    group.new_dataset_builder().with_data(&codes).create("codes").unwrap();
}

fn matrix(file: &File, layout: Layout, x: &Array2<f32>) {
    if layout == Layout::Contiguous {
        file.new_dataset_builder().no_chunk().with_data(x).create("X").unwrap();
        return;
    }
    let (mut data, mut indices, mut indptr) = (Vec::new(), Vec::new(), vec![0i64]);
    for row in x.rows() {
        for (j, &value) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            data.push(value);
            indices.push(j as i64);
        }
        indptr.push(data.len() as i64);
    }
    let group = file.create_group("X").unwrap();
    attr(&group, "encoding-type", "csr_matrix");
    group.new_attr_builder().with_data(&[x.nrows() as i64, x.ncols() as i64]).create("shape").unwrap();
    if layout == Layout::LongCsr {
        let whole: Vec<i64> = data.iter().map(|&v| v as i64).collect();
        group.new_dataset_builder().chunk(4).shuffle().deflate(4).with_data(&whole).create("data").unwrap();
        group.new_dataset_builder().chunk(4).shuffle().deflate(4).with_data(&indices).create("indices").unwrap();
        group.new_dataset_builder().with_data(&indptr).create("indptr").unwrap();
    } else {
        let narrow = |v: &[i64]| v.iter().map(|&i| i as i32).collect::<Vec<i32>>();
        group.new_dataset_builder().chunk(5).deflate(1).with_data(&data).create("data").unwrap();
        group.new_dataset_builder().chunk(3).with_data(&narrow(&indices)).create("indices").unwrap();
        group.new_dataset_builder().with_data(&narrow(&indptr)).create("indptr").unwrap();
    }
}

/// A column of `obs` and its six labels.
type Labels = (&'static str, [&'static str; 6]);

/// A data set: where its genes are named, how its matrix lies, what its cells are labelled with, and the conditions that
/// the preset makes of them.
struct Set {
    preset: &'static str,
    file: &'static str,
    layout: Layout,
    log1p: bool,
    /// Identifiers in the index and symbols in this column of `var`; `None`: symbols in the index.
    symbols: Option<&'static str>,
    obs: Vec<Labels>,
    /// Names of the cells; not unique where experiments were put together.
    names: [&'static str; 6],
    conditions: &'static [&'static str],
    control: Option<&'static str>,
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn sets() -> Vec<Set> {
    let plain = |preset, obs: Vec<Labels>, conditions, control| Set {
        preset,
        file: "s.h5ad",
        layout: Layout::Csr,
        log1p: false,
        symbols: None,
        obs,
        names: NAMES,
        conditions,
        control: Some(control),
    };
    let genes = ["STAT1", "non-targeting", "non-targeting", "JAK2", "JAK2", "STAT1"];
    let ab = ["x", "x", "y", "x", "y", "y"];
    let doses = [
        "[('DMSO_TF', 0.0, 'uM')]",
        "[('Infigratinib ', 0.05, 'uM')]",
        "[('DMSO_TF', 0.0, 'uM')]",
        "[('Infigratinib', 0.05, 'uM')]",
        "[('Infigratinib', 0.5, 'uM')]",
        "[('DMSO_TF', 0.0, 'uM')]",
    ];
    let crispr: &[&str] = &["JAK2", "STAT1", "control"];
    vec![
        plain("vcc2025", vec![("target_gene", genes), ("guide_id", NAMES), ("batch", ab)], crispr, "non-targeting"),
        Set {
            file: "competition_train.h5",
            log1p: true,
            ..plain(
                "vcc-support",
                vec![("target_gene", genes), ("batch_var", NAMES), ("cell_type", ab)],
                &["JAK2 x", "JAK2 y", "STAT1 x", "STAT1 y", "control x", "control y"],
                "non-targeting",
            )
        },
        Set {
            layout: Layout::Contiguous,
            symbols: Some("gene_name"),
            ..plain(
                "replogle",
                vec![("gene_transcript", NAMES), ("gene", genes), ("gem_group", ab), ("sgID_AB", NAMES)],
                crispr,
                "non-targeting",
            )
        },
        Set {
            layout: Layout::Contiguous,
            symbols: Some("gene_name"),
            ..plain("nadig", vec![("gene", genes), ("gem_group", ab)], crispr, "non-targeting")
        },
        Set {
            file: "perturb_processed.h5ad",
            log1p: true,
            symbols: Some("gene_name"),
            ..plain(
                "gears",
                vec![
                    ("condition", ["ctrl", "STAT1+ctrl", "JAK2+STAT1", "ctrl+JAK2", "ctrl", "STAT1+ctrl"]),
                    ("cell_type", ["K562"; 6]),
                ],
                &["JAK2", "JAK2+STAT1", "STAT1", "control"],
                "ctrl",
            )
        },
        plain(
            "scperturb",
            vec![
                ("perturbation", ["control", "STAT1", "STAT1_JAK2", "control", "JAK2", "STAT1"]),
                ("dose_value", ["1"; 6]),
            ],
            &["JAK2", "JAK2+STAT1", "STAT1", "control"],
            "control",
        ),
        plain(
            "sciplex-gxe",
            vec![
                ("gene", ["NTC", "STAT1", "NTC", "STAT1", "JAK2", "JAK2"]),
                ("treatment", ["vehicle", "vehicle", "drug", "drug", "drug", "vehicle"]),
                ("cell_line", ["A172"; 6]),
            ],
            &[
                "JAK2 A172 drug",
                "JAK2 A172 vehicle",
                "STAT1 A172 drug",
                "STAT1 A172 vehicle",
                "control A172 drug",
                "control A172 vehicle",
            ],
            "NTC",
        ),
        plain(
            "jiang",
            vec![("gene", ["NT", "STAT1", "NT", "JAK2", "NT", "NT"]), ("cell_type", ab), ("bio_rep", NAMES)],
            &["JAK2 x", "STAT1 x", "control x", "control y"],
            "NT",
        ),
        plain(
            "tahoe",
            vec![("drugname_drugconc", doses), ("plate", ab), ("cell_line", ["CVCL_0023"; 6])],
            &[
                "[('Infigratinib', 0.05, 'uM')] CVCL_0023 x",
                "[('Infigratinib', 0.5, 'uM')] CVCL_0023 y",
                "control CVCL_0023 x",
                "control CVCL_0023 y",
            ],
            "[('DMSO_TF', 0.0, 'uM')]",
        ),
        Set {
            layout: Layout::LongCsr,
            ..plain(
                "parse10m",
                vec![
                    ("cytokine", ["PBS", "IFN-beta", "PBS", "IL-2", "IL-2", "PBS"]),
                    ("donor", ab),
                    ("sample", NAMES),
                    ("cell_type", ["T"; 6]),
                ],
                &["IFN-beta T", "IL-2 T", "control T"],
                "PBS",
            )
        },
        Set {
            names: ["a", "a", "b", "b", "c", "c"],
            control: None,
            ..plain(
                "scbasecount",
                vec![
                    ("perturbation", ["none", "heat shock + salt", "none", "none", "none", "none"]),
                    ("SRX_accession", ["SRX1"; 6]),
                    ("cell_type", ["T"; 6]),
                ],
                &["heat shock + salt T", "none T"],
                "",
            )
        },
    ]
}

fn write(path: &Path, set: &Set) {
    let file = File::create(path).unwrap();
    let (obs, var) = (file.create_group("obs").unwrap(), file.create_group("var").unwrap());
    attr(&obs, "_index", "index");
    attr(&var, "_index", "index");
    column(&obs, "index", &set.names);
    for (name, labels) in &set.obs {
        categories(&obs, name, labels);
    }
    match set.symbols {
        None => column(&var, "index", &["STAT1", "JAK2", "MYC"]),
        Some(symbols) => {
            column(&var, "index", &["ENSG00000115415", "ENSG00000096968", "ENSG00000136997"]);
            column(&var, symbols, &["STAT1", "JAK2", "MYC"]);
        }
    }
    let x = if set.log1p { counts().mapv(|x| (0.7 * x).ln_1p()) } else { counts() };
    matrix(&file, set.layout, &x);
    file.close().unwrap();
}

/// Perturbation, cell type and batch of the conditions, sorted.
fn named(screen: &grn::io::ScreenFile) -> Vec<String> {
    let part = |c: &Option<std::sync::Arc<str>>| c.as_ref().map_or_else(String::new, |c| format!(" {c}"));
    let of = |c: &grn::data::Condition| format!("{}{}{}", c.perturbation, part(&c.cell_type), part(&c.batch));
    let mut names: Vec<String> = screen.cells.conditions.iter().map(of).collect();
    names.sort();
    names
}

fn options(preset: &str) -> ScreenOptions {
    ScreenOptions { preset: Preset::named(preset), ..ScreenOptions::default() }
}

#[test]
fn every_preset_reads_the_layout_of_its_data_set() {
    let dir = tempfile::tempdir().unwrap();
    for set in sets() {
        let path = dir.path().join(set.file);
        write(&path, &set);
        let screen = open_screen(&path, &options(set.preset)).unwrap();
        let mut expected = set.conditions.to_vec();
        expected.sort_unstable();
        assert_eq!(named(&screen), expected, "{}", set.preset);
        assert_eq!(screen.control_label.as_deref(), set.control, "{}", set.preset);
        assert_eq!(screen.scale, if set.log1p { Scale::Log1p } else { Scale::Counts }, "{}", set.preset);
        assert_eq!(screen.genes.names()[1].as_ref(), "JAK2", "{}", set.preset);
        let n: usize = screen.blocks().unwrap().map(|b| b.unwrap().x.nnz()).sum();
        assert_eq!(n, counts().iter().filter(|x| **x != 0.0).count(), "{}", set.preset);
        let table = screen.pseudobulk(&PseudobulkOptions::default(), &mut |_, _| ()).unwrap();
        assert_eq!(table.n_cells.iter().sum::<u64>(), 6, "{}", set.preset);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn tahoe_in_parquet_is_read_from_a_folder_of_shards() {
    let dir = tempfile::tempdir().unwrap();
    let cells = |lines: [&'static str; 4]| {
        let drugs = ["DMSO_TF", "X", "DMSO_TF", "X"];
        let cell = |(k, line): (usize, &'static str)| {
            Cell(drugs[k], "s", line, "plate1", vec![1, 12, 10], vec![-2.0, k as f32 + 1.0, 3.0])
        };
        lines.into_iter().enumerate().map(cell).collect::<Vec<Cell>>()
    };
    write_cells(&dir.path().join("b.parquet"), &cells(["L1", "L1", "L2", "L2"]));
    write_cells(&dir.path().join("a.parquet"), &cells(["L2", "L2", "L1", "L2"]));
    let set = options("tahoe-parquet");
    let said = open_screen(dir.path(), &set).unwrap_err().to_string();
    assert!(said.contains("gene_metadata"), "{said}");
    let genes = dir.path().join("genes.tsv");
    std::fs::write(&genes, "gene_symbol\ttoken_id\nA\t10\nB\t11\nC\t12\n").unwrap();
    let screen = open_screen(dir.path(), &ScreenOptions { gene_metadata: Some(genes), ..set }).unwrap();
    assert_eq!((screen.n_cells(), screen.stored_values()), (8, 24));
    let expected = ["X L1 plate1", "X L2 plate1", "control L1 plate1", "control L2 plate1"];
    assert_eq!(named(&screen), expected);
    let rows: Vec<Vec<(u32, f32)>> = screen
        .blocks()
        .unwrap()
        .flat_map(|block| {
            let x = block.unwrap().x;
            (0..x.n_rows())
                .map(|i| x.row(i).0.iter().copied().zip(x.row(i).1.iter().copied()).collect())
                .collect::<Vec<_>>()
        })
        .collect();
    // The first shard by name comes first; the marker is dropped, and genes are in the order of the table.
    assert_eq!(rows[1], [(0, 3.0), (2, 2.0)]);
    assert_eq!(rows.len(), 8);
}

#[test]
fn what_is_stated_wins_and_a_missing_column_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sets = sets();
    let path = dir.path().join("s.h5ad");
    write(&path, sets.iter().find(|s| s.preset == "replogle").unwrap());
    let stated = ScreenOptions { pert_col: Some("gem_group".into()), control: Some("x".into()), ..options("replogle") };
    assert_eq!(named(&open_screen(&path, &stated).unwrap()), ["control", "y"]);
    let tahoe = dir.path().join("tahoe.h5ad");
    write(&tahoe, sets.iter().find(|s| s.preset == "tahoe").unwrap());
    let together = ScreenOptions { batch_col: Some("none".into()), ..options("tahoe") };
    let expected =
        ["[('Infigratinib', 0.05, 'uM')] CVCL_0023", "[('Infigratinib', 0.5, 'uM')] CVCL_0023", "control CVCL_0023"];
    assert_eq!(named(&open_screen(&tahoe, &together).unwrap()), expected);
    let said = open_screen(&path, &options("gears")).unwrap_err().to_string();
    assert!(said.contains("column `condition` not found"), "{said}");
}

#[test]
fn every_preset_has_a_test_and_a_column() {
    let tested: Vec<&str> = sets().iter().map(|s| s.preset).chain(["tahoe-parquet"]).collect();
    for preset in PRESETS {
        assert!(tested.contains(&preset.name), "no test of {}", preset.name);
        assert!(!preset.pert_col.is_empty(), "{}", preset.name);
    }
}
