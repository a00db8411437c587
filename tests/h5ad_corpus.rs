//! Files of many writers and versions: each opens, or fails with a reason that a user understands.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use grn::data::{Perturbation, PseudobulkOptions, Quantity, Scale};
use grn::io::{ScreenOptions, TableRead, open_cells, open_screen, read_table};

/// A shared file or folder, or `None` (said) where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if !path.exists() {
        println!("skipped: ../shared/data/{name} is absent");
        return None;
    }
    Some(path)
}

fn table(path: &Path, pert_col: Option<&str>) -> Result<TableRead, String> {
    let screen = ScreenOptions { pert_col: pert_col.map(str::to_owned), ..Default::default() };
    read_table(path, &screen, &PseudobulkOptions::default(), &mut |_, _| ()).map_err(|e| e.to_string())
}

/// Shapes and sums as anndata 0.12.19 and h5py 3.16 read them (for anndata_v0.5.0 those of `raw`).
#[test]
fn cells_have_the_shape_scale_and_sum_that_anndata_reads() {
    use Scale::{Counts, Log1p};
    let t = |name: &str, shape: (usize, usize), scale: Scale, sum: f64, matrix: &str| {
        let Some(path) = shared(&format!("h5ad_corpus/{name}")) else { return };
        let file = open_cells(&path, None).unwrap();
        assert_eq!((file.n_cells, file.genes.len()), shape, "{name}");
        assert_eq!(file.matrix_name.as_deref(), Some(matrix), "{name}");
        let guess = file.guess_scale().unwrap();
        assert_eq!(guess.scale, scale, "{name}: {}", guess.evidence);
        let got: f64 = file.read(scale).unwrap().x.data().iter().map(|&x| f64::from(x)).sum();
        assert!((got - sum).abs() < 1e-6 * sum, "{name}: {got}");
        let reason = table(&path, None).unwrap_err();
        assert!(reason.contains("column `perturbation` not found"), "{name}: {reason}");
    };
    t("10x_v1_filtered_gene_bc_matrices.h5", (12, 343), Counts, 12.0, "hg19_chr21");
    t("10x_v1_multiple_genomes.h5", (12, 343), Counts, 13.0, "another_genome");
    t("10x_v3_filtered_feature_bc_matrix.h5", (1107, 507), Counts, 41_549.0, "matrix");
    t("10x_v3_matrix.mtx.gz", (1107, 507), Counts, 41_549.0, "10x_v3_matrix.mtx.gz");
    t("anndata_v0.5.0.h5ad", (700, 765), Log1p, 319_044.238_241, "raw.X");
    t("anndata_v0.7.0.h5ad", (30, 20), Counts, 285.0, "X");
    t("anndata_v0.7.8.h5ad", (30, 20), Counts, 302.0, "X");
    t("pertpy_sc_sim.h5ad", (200, 15_697), Log1p, 146_728.776_708, "X");
    t("pertpy_smillie.h5ad", (133, 51), Counts, 365_492.0, "X");
    t("protoplast_test_medium.h5ad", (1000, 200), Counts, 1_692_541.089_516, "X");
    t("tenet_Tuck_PAGA510genes.h5ad", (459, 510), Counts, 7_547_300.0, "X");
}

#[test]
fn h5_and_mtx_of_the_same_cells_are_equal() {
    let names = ["h5ad_corpus/10x_v3_filtered_feature_bc_matrix.h5", "h5ad_corpus/10x_v3_matrix.mtx.gz"];
    let [Some(h5), Some(mtx)] = names.map(shared) else { return };
    let read = |path: &Path| open_cells(path, None).unwrap().read(Scale::Counts).unwrap();
    let (h5, mtx) = (read(&h5), read(&mtx));
    assert_eq!(h5.x, mtx.x);
    assert_eq!(h5.genes, mtx.genes);
}

#[test]
fn files_without_a_matrix_say_so() {
    for (name, shape) in [("anndata_v0.11.4.h5ad", (10, 20)), ("cellxgene_sample.h5ad", (999, 1))] {
        let Some(path) = shared(&format!("h5ad_corpus/{name}")) else { return };
        let file = open_cells(&path, None).unwrap();
        assert_eq!((file.n_cells, file.genes.len(), file.matrix_name.as_deref()), (shape.0, shape.1, None));
        let reason = file.guess_scale().unwrap_err().to_string();
        assert!(reason.contains("expected expression in `X`, `layers/counts` or `raw/X`"), "{reason}");
    }
}

#[test]
fn identifiers_become_symbols_where_the_file_has_them() {
    let Some(path) = shared("h5ad_corpus/cellxgene_sample.h5ad") else { return };
    let file = open_cells(&path, None).unwrap();
    // ENSG00000187122 is SLIT1 (column `feature_name`).
    assert_eq!(&*file.genes.names()[0], "SLIT1");
    assert!(file.notices[0].0.contains("`feature_name`"), "{:?}", file.notices);
}

#[test]
fn other_formats_are_refused_with_what_would_do() {
    let t = |name: &str, expected: &str| {
        let Some(path) = shared(&format!("h5ad_corpus/{name}")) else { return };
        let reason = open_cells(&path, None).unwrap_err().to_string();
        assert!(reason.contains(expected), "{name}: {reason}");
    };
    t("anndata_v0.7.0.zarr.zip", "got a zarr store");
    t("anndata_v0.7.8.zarr.zip", "got a zarr store");
    t("anndata_v0.11.4.zarr.zip", "got a zarr store");
    t("krumsiek11.txt", "not an HDF5 file");
    t("toggleswitch.txt", "not an HDF5 file");
    t("10x_v3_barcodes.tsv.gz", "not an HDF5 file");
    t("10x_v3_features.tsv.gz", "not an HDF5 file");
    t("parse_gene_mat.mtx", "`features.tsv[.gz]` or `genes.tsv[.gz]` in the same folder");
    t("README.md", "not an HDF5 file");
}

#[test]
fn old_and_new_categories_are_read() {
    // Distinct labels per column as pandas counts them in anndata 0.12.19.
    let t = |name: &str, column: &str, expected: usize| {
        let Some(path) = shared(&format!("h5ad_corpus/{name}")) else { return };
        let options = ScreenOptions { pert_col: Some(column.into()), ..Default::default() };
        assert_eq!(open_screen(&path, &options).unwrap().cells.conditions.len(), expected, "{name} {column}");
    };
    t("anndata_v0.5.0.h5ad", "louvain", 11);
    t("anndata_v0.7.0.h5ad", "obs_cat", 22);
    t("anndata_v0.7.8.h5ad", "cat_ordered", 24);
    t("anndata_v0.7.0.h5ad", "int64", 29);
    t("pertpy_smillie.h5ad", "Health", 3);
    t("tenet_Tuck_PAGA510genes.h5ad", "batch", 7);
}

#[test]
fn a_legacy_column_names_its_categories() {
    let Some(path) = shared("h5ad_corpus/anndata_v0.5.0.h5ad") else { return };
    let options = ScreenOptions { pert_col: Some("bulk_labels".into()), ..Default::default() };
    let screen = open_screen(&path, &options).unwrap();
    let at = screen.cells.conditions.iter().position(|c| c.perturbation == Perturbation::of(["Dendritic"])).unwrap();
    assert_eq!(screen.cells.counts()[at], 240);
}

/// Moments by numpy 2.4 in f64 from the same file: counts scaled to their median total (188), log1p.
#[test]
fn counts_of_a_real_screen_become_the_moments_numpy_finds() {
    let Some(path) = shared("papalexi_thp1/papalexi2021_thp1_counts.h5ad") else { return };
    let read = table(&path, None).unwrap();
    assert_eq!((read.source.pert_col.as_str(), read.source.control.as_deref()), ("target_gene", Some("non-targeting")));
    assert_eq!((read.source.scale, read.source.n_rows, read.source.n_genes), (Scale::Counts, 16_192, 299));
    let t = read.table;
    assert_eq!((t.conditions.len(), t.quantity, t.control_label.as_str()), (26, Quantity::Level, "non-targeting"));
    let gene = t.genes.id("STAT1").unwrap().index();
    let expect = |label: &str, n: u64, moments: [f64; 4]| {
        let i = t.conditions.iter().position(|c| c.perturbation.to_string() == label).unwrap();
        assert_eq!(t.n_cells[i], n);
        let m = &t.moments;
        let layers = [Some(&m.mean), m.var.as_ref(), m.third.as_ref(), m.fraction.as_ref()];
        for (layer, expected) in layers.into_iter().flatten().zip(moments) {
            let got = f64::from(layer[[i, gene]]);
            assert!((got - expected).abs() < 2e-6, "{label}: {got} is not {expected}");
        }
    };
    expect("control", 1923, [2.412_384_434, 0.230_613_004, -0.130_533_513, 0.993_759_750]);
    expect("STAT1", 325, [0.735_907_930, 0.745_229_604, 0.605_591_786, 0.547_692_308]);
}

/// Sum of the means by numpy 2.4 over the 500 genes.
#[test]
fn a_log1p_screen_is_used_as_it_is() {
    let Some(path) = shared("norman_k562/norman2019_k562_lognorm.h5ad") else { return };
    for column in [None, Some("condition")] {
        let read = table(&path, column).unwrap();
        assert_eq!((read.source.scale, read.source.control.as_deref()), (Scale::Log1p, Some("control")));
        let t = read.table;
        assert_eq!(t.conditions.iter().filter(|c| c.perturbation.targets().len() == 2).count(), 15);
        let sum = |label: &str| {
            let i = t.conditions.iter().position(|c| c.perturbation.to_string() == label).unwrap();
            t.moments.mean.row(i).iter().map(|&x| f64::from(x)).sum::<f64>()
        };
        assert!((sum("control") - 16.515_030_865).abs() < 1e-4);
        assert!((sum("BPGM+SAMD1") - 20.097_654_857).abs() < 1e-4);
    }
}

#[test]
fn one_row_per_perturbation_is_taken_as_it_is() {
    let Some(path) = shared("replogle_k562/signatures.h5ad") else { return };
    let read = table(&path, None).unwrap();
    let t = read.table;
    assert_eq!((t.conditions.len(), t.genes.len(), t.quantity), (586, 7225, Quantity::Effect));
    assert_eq!((t.control_rows().len(), read.source.rows.as_str()), (1, "table"));
    // Sums as anndata 0.12.19 reads X and layers["significant"] (26,710 ones by the README of the file).
    let sum = |x: &ndarray::Array2<f32>| x.iter().map(|&v| f64::from(v)).sum::<f64>();
    assert!((sum(&t.moments.mean) - 292_792.5).abs() < 0.01);
    assert_eq!(t.significant.as_ref().map(sum), Some(26_710.0));
}
