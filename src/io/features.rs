//! Tables of what is known of genes besides graph and screen: embeddings, and effects in other contexts.

mod delimited;
mod effects;
mod gene_rows;
mod npy;
mod npz;
mod safetensors;
mod stored;
mod torch;

use std::path::Path;

pub use self::stored::{read_feature_tables, write_feature_tables};

use super::IoError;
use crate::data::{FeatureKind, Features};
use crate::error::Notice;

/// Reads a table with one row per gene; the format is that of the file name.
///
/// - `.npz` (numpy): the names in an array `genes`, `gene_names`, `symbols` or `names` (fixed-width text) and the rows in
///   `embeddings`, `values` or `X`; or one array per gene.
/// - `.safetensors`: a matrix and the metadata `genes` (a JSON list); or one vector per gene.
/// - `.pt`, `.pth` (torch): a dictionary of one tensor per gene. Only tensors are read, no code is run.
/// - `.h5ad` (effects only): one row per perturbation, or cells of a screen; columns are the measured genes.
/// - anything else: text with one gene per line, its name first, separated by tab, comma, semicolon or blank, compressed
///   or not; a header is recognised, and where there is one it names the measured genes of effects.
///
/// # Errors
/// [`IoError`] with line or gene: no gene, rows of different length, a gene twice, a value that is not finite.
pub fn read_features(path: &Path, kind: FeatureKind) -> Result<(Features, Vec<Notice>), IoError> {
    let (rows, notices) = match format_of(path).as_str() {
        "npz" => (npz::read(path)?, Vec::new()),
        "safetensors" => (safetensors::read(path)?, Vec::new()),
        "pt" | "pth" => (torch::read(path)?, Vec::new()),
        "h5ad" if kind == FeatureKind::Effects => effects::read(path)?,
        "h5ad" => {
            let expected = "a table of one row per gene (TSV, CSV, npz, safetensors or pt)";
            return Err(IoError::format(path, "", expected, "an h5ad file, which holds effects of perturbations"));
        }
        _ => (delimited::read(path)?, Vec::new()),
    };
    Ok((rows.into_features(path, kind)?, notices))
}

/// The last extension in small letters, `.gz` left out.
fn format_of(path: &Path) -> String {
    let name = file_name(path).to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or_else(String::new, |(_, last)| last.to_owned())
}

/// File name without `.gz` and without its last extension.
fn stem(path: &Path) -> String {
    let name = file_name(path);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use ndarray::{Array2, array};
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
    use crate::data::GeneIndex;

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn f32s(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    fn npz(arrays: &[(&str, Vec<u8>)]) -> Result<Features, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("emb.npz");
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in arrays {
            zip.start_file(format!("{name}.npy"), stored).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        read_features(&path, FeatureKind::Embedding).map(|r| r.0).map_err(|e| e.to_string())
    }

    #[test]
    fn a_numpy_archive_has_names_and_rows_or_an_array_per_gene() {
        let names = npy("|S2", "(2,)", b"B\0A\0");
        let table = npz(&[("genes", names.clone()), ("X", npy("<f4", "(2, 2)", &f32s(&[1.0, 2.0, 3.0, 4.0])))]);
        let table = table.unwrap();
        assert_eq!((table.name.as_str(), table.row("A").unwrap().to_vec()), ("emb", vec![3.0, 4.0]));
        let each = npz(&[("A", npy("<f4", "(2,)", &f32s(&[1.0, 2.0]))), ("B", npy("<f8", "(2,)", &[0; 16]))]).unwrap();
        assert_eq!(each.values, array![[1.0, 2.0], [0.0, 0.0]]);
        let wrong = npz(&[("genes", names.clone()), ("X", npy("<f4", "(3, 1)", &f32s(&[1.0, 2.0, 3.0])))]);
        assert!(wrong.unwrap_err().contains("array `X`: expected 2 rows, one per gene, got shape [3, 1]"));
        assert!(npz(&[("genes", names)]).unwrap_err().contains("expected an array `embeddings`"));
        let ragged = npz(&[("A", npy("<f4", "(2,)", &f32s(&[1.0, 2.0]))), ("B", npy("<f4", "(1,)", &f32s(&[1.0])))]);
        assert!(ragged.unwrap_err().contains("gene `B`: expected 2 values, as for `A`, got 1"));
    }

    #[test]
    fn values_that_are_not_finite_and_genes_that_occur_twice_are_errors() {
        let nan = npz(&[("A", npy("<f4", "(2,)", &f32s(&[1.0, f32::NAN])))]).unwrap_err();
        assert!(nan.contains("gene `A`, value 2: expected a finite number, got NaN"), "{nan}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, "A,1\nB,2\nA,3\n").unwrap();
        let twice = read_features(&path, FeatureKind::Embedding).unwrap_err().to_string();
        assert!(twice.contains("gene `A` occurs more than once"), "{twice}");
        std::fs::write(&path, "gene,x\n").unwrap();
        let empty = read_features(&path, FeatureKind::Embedding).unwrap_err().to_string();
        assert!(empty.contains("expected at least one gene"), "{empty}");
    }

    #[test]
    fn effects_as_text_name_their_columns() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rpe1.tsv.gz");
        let mut gz = flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
        gz.write_all(b"gene\tX\tY\nA\t1\t2\n").unwrap();
        gz.finish().unwrap();
        let (table, _) = read_features(&path, FeatureKind::Effects).unwrap();
        assert_eq!((table.name.as_str(), table.columns.unwrap().names().len()), ("rpe1", 2));
        assert!(read_features(&path, FeatureKind::Embedding).unwrap().0.columns.is_none());
    }

    #[test]
    fn tables_of_a_run_come_back_in_order_and_one_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let genes = |names: &[&str]| Arc::new(GeneIndex::new(names).unwrap());
        let table =
            |name: &str, kind, values: Array2<f32>| Features::new(name, kind, genes(&["A", "B"]), values).unwrap();
        let mut effects = table("a", FeatureKind::Effects, array![[1.5, -0.0], [2.0, 0.1]]);
        effects.columns = Some(genes(&["X", "Y"]));
        let tables = [table("z", FeatureKind::Embedding, array![[1.0], [2.0]]), effects];
        let folder = dir.path().join("features");
        assert!(read_feature_tables(&folder).unwrap().is_empty());
        write_feature_tables(&folder, &tables).unwrap();
        let read = read_feature_tables(&folder).unwrap();
        for (read, written) in read.iter().zip(&tables) {
            assert_eq!((&read.name, read.kind, &read.values), (&written.name, written.kind, &written.values));
            assert_eq!(read.genes.fingerprint(), written.genes.fingerprint());
        }
        assert_eq!(read[1].columns.as_ref().unwrap().fingerprint(), genes(&["X", "Y"]).fingerprint());
        let (alone, _) = read_features(&folder.join("z.safetensors"), FeatureKind::Embedding).unwrap();
        assert_eq!(alone.values, tables[0].values);
    }

    #[test]
    fn an_h5ad_is_no_embedding_and_a_damaged_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["x.h5ad", "x.pt", "x.npz", "x.safetensors"] {
            let path = dir.path().join(name);
            std::fs::write(&path, "no such format").unwrap();
            let error = read_features(&path, FeatureKind::Embedding).unwrap_err();
            assert!(matches!(error, IoError::Format { .. }), "{error}");
        }
        let missing = read_features(&dir.path().join("none.pt"), FeatureKind::Embedding).unwrap_err();
        assert!(matches!(missing, IoError::System { .. }), "{missing}");
    }

    /// `README.md` beside the file: a dictionary from perturbation to a vector of 32.
    #[test]
    fn a_torch_dictionary_is_a_table() {
        let path = Path::new("../shared/data/peer_state/tiny_pert_onehot_map.pt");
        if !path.exists() {
            println!("skipped: {} is absent", path.display());
            return;
        }
        let (table, _) = read_features(path, FeatureKind::Embedding).unwrap();
        assert_eq!(table.values.dim(), (2, 32));
        // The first numbers of the storages `data/0` and `data/1` in the archive.
        assert_eq!(table.row("KDM1A").unwrap()[0], 0.800_712_17);
        assert_eq!(table.row("non-targeting").unwrap()[0], 0.0);
    }
}
