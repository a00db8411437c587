use std::path::PathBuf;

use super::*;
use crate::io::{AnnData, Matrix, open_cells, write_h5ad};

/// Six cells of four genes with a column of every kind.
fn source(folder: &Path) -> PathBuf {
    let path = folder.join("source.h5ad");
    let mut x = Csr::empty(4);
    for row in [
        &[(0, 1.0), (3, 2.0)][..],
        &[],
        &[(1, 7.0)],
        &[(2, 1.0)],
        &[(0, 3.0), (1, 1.0), (2, 2.0), (3, 4.0)],
        &[(3, 9.0)],
    ] {
        x.push_row(row.iter().copied());
    }
    let text = |v: [&str; 6]| v.map(str::to_owned).to_vec();
    let coded = Coded {
        categories: ["ctrl", "B", "A"].map(str::to_owned).to_vec(),
        codes: vec![0, 1, 2, 0, -1, 1],
        ordered: false,
    };
    let data = AnnData {
        obs_names: text(["c0", "c1", "c2", "c3", "c4", "c5"]),
        obs: vec![
            ("target_gene".to_owned(), Column::Coded(coded)),
            ("note".to_owned(), Column::Strings(text(["u", "v", "w", "x", "y", "a b"]))),
            ("size".to_owned(), Column::Floats(vec![0.1, 2.0, f64::NAN, -1e-9, 3.25, 1e9])),
            ("n".to_owned(), Column::Integers(vec![1, 2, 3, 4, 5, -6])),
            ("good".to_owned(), Column::Booleans(vec![true, false, true, true, false, false])),
        ],
        genes: Arc::new(GeneIndex::new(["A", "B", "C", "D"]).unwrap()),
        var: vec![("gene_ids".to_owned(), Column::Strings(["E1", "E2", "E3", "E4"].map(str::to_owned).to_vec()))],
        x: Matrix::Sparse(&x),
        layers: vec![("more".to_owned(), Matrix::Sparse(&x))],
        uns: serde_json::Map::new(),
    };
    write_h5ad(&path, &data).unwrap();
    path
}

use crate::io::Coded;

fn options(format: CellFormat, resume: bool) -> CopyOptions {
    CopyOptions { format, shard_rows: 2, work: "test".to_owned(), resume }
}

fn copy(from: &Path, to: &Path, format: CellFormat) -> Kept {
    let file = open_cells(from, None).unwrap();
    let blocks = file.blocks().unwrap().map(|block| Ok::<_, IoError>(block?.x));
    write_cells(to, &file.annotation().unwrap(), &options(format, false), blocks).unwrap()
}

/// Names, texts of annotation with kinds, genes with identifiers, matrix.
type Seen = (Vec<String>, Vec<(String, crate::io::ColumnKind, Vec<String>)>, Vec<String>, Vec<String>, Csr<f32>);

fn seen(path: &Path) -> Seen {
    let file = open_cells(path, None).unwrap();
    let cells = file.annotation().unwrap();
    let texts = |c: &Column| (0..c.len()).map(|i| c.text(i).into_owned()).collect::<Vec<_>>();
    let obs = cells.obs.iter().map(|(name, c)| (name.clone(), c.kind(), texts(c))).collect();
    let ids = cells.var.iter().find(|(name, _)| name == GENE_IDS).map_or_else(Vec::new, |(_, c)| texts(c));
    let genes = cells.genes.names().iter().map(ToString::to_string).collect();
    (cells.names, obs, genes, ids, file.read(crate::data::Scale::Counts).unwrap().x)
}

#[test]
fn cells_survive_the_way_through_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(dir.path());
    let expected = seen(&source);
    assert_eq!((expected.1.len(), expected.3.len(), expected.4.nnz()), (5, 4, 9));
    for format in [CellFormat::H5ad, CellFormat::Mtx, CellFormat::Parquet] {
        let (there, back) = (dir.path().join(format!("{format:?}")), dir.path().join(format!("{format:?}.h5ad")));
        copy(&source, &there, format);
        assert_eq!(seen(&there), expected, "{format:?}");
        copy(&there, &back, CellFormat::H5ad);
        assert_eq!(seen(&back), expected, "back from {format:?}");
    }
    let file = open_cells(&source, None).unwrap();
    let cells = file.annotation().unwrap();
    assert_eq!(cells.notices, [Notice::new("not copied: `layers/more`")]);
    let h5ad = open_cells(&dir.path().join("H5ad"), None).unwrap().annotation().unwrap();
    assert_eq!(h5ad.obs[0], cells.obs[0], "the order of categories is kept");
}

#[test]
fn the_same_cells_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(dir.path());
    let (a, b) = (dir.path().join("a.h5ad"), dir.path().join("b.h5ad"));
    copy(&source, &a, CellFormat::H5ad);
    // Times in the file, if there were any, would be those of another second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    copy(&source, &b, CellFormat::H5ad);
    assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap());
}

/// All files of a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<_> =
        entries.map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(p).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn finished_files_of_the_same_work_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(dir.path());
    for format in [CellFormat::Mtx, CellFormat::Parquet] {
        let (whole, parts) = (dir.path().join(format!("{format:?}")), dir.path().join(format!("{format:?}.parts")));
        copy(&source, &whole, format);
        let file = open_cells(&source, None).unwrap();
        let cells = file.annotation().unwrap();
        let rows = file.blocks().unwrap().next().unwrap().unwrap();
        // Three cells come one by one, then the process ends.
        let some = (0..3u32).map(|i| Ok(rows.clone().select(&[i])));
        let some = some.chain([Err(IoError::format("x", "", "more", "the end"))]);
        assert!(write_cells(&parts, &cells, &options(format, false), some).is_err());
        let finished = files(&parts).len();
        assert!(finished < files(&whole).len());
        let again = |resume: bool, work: &str| {
            let options = CopyOptions { work: work.to_owned(), ..options(format, resume) };
            write_cells(&parts, &cells, &options, [Ok::<_, IoError>(rows.clone().x)].into_iter()).unwrap()
        };
        let kept = again(true, "test");
        assert_eq!(kept.kept, finished - 1, "all but conversion.json");
        assert!(files(&parts) == files(&whole), "{format:?}");
        // A damaged file is written anew.
        std::fs::write(parts.join(&files(&whole)[0].0), "damage").unwrap();
        again(true, "test");
        assert!(files(&parts) == files(&whole), "{format:?}");
        assert_eq!(again(true, "another").kept, 0);
        assert_eq!(again(false, "test").kept, 0);
    }
}

#[test]
fn genes_are_chosen_by_name_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(dir.path());
    copy(&source, &dir.path().join("p"), CellFormat::Parquet);
    for path in [source, dir.path().join("p")] {
        let file = open_cells(&path, None).unwrap();
        let genes = Arc::new(GeneIndex::new(["D", "new", "A"]).unwrap());
        let file = file.with_genes(genes);
        let x = file.read(crate::data::Scale::Counts).unwrap().x;
        assert_eq!((x.n_cols(), x.row(0)), (3, (&[0u32, 2][..], &[2.0f32, 1.0][..])));
        assert_eq!(x.row(2).0.len(), 0);
        assert!(file.annotation().unwrap().var.is_empty(), "a gene that is not there has no identifier");
        let file = open_cells(&path, None).unwrap().with_genes(Arc::new(GeneIndex::new(["D", "A"]).unwrap()));
        let var = file.annotation().unwrap().var;
        assert_eq!((var[0].1.text(0), var[0].1.text(1)), ("E4".into(), "E1".into()));
    }
}

#[test]
fn files_are_put_together() {
    let dir = tempfile::tempdir().unwrap();
    let first = source(dir.path());
    let second = dir.path().join("second.h5ad");
    let file = open_cells(&first, None).unwrap().with_genes(Arc::new(GeneIndex::new(["D", "E", "A"]).unwrap()));
    let mut cells = file.annotation().unwrap();
    cells.obs.remove(1);
    let blocks = file.blocks().unwrap().map(|block| Ok::<_, IoError>(block?.x));
    write_cells(&second, &cells, &options(CellFormat::H5ad, false), blocks).unwrap();
    let paths = [first, second];
    let open = |path: &PathBuf| open_cells(path, None);
    let survey = |join| Concat::survey(&paths, join, Some("plate"), &open, &mut || ());
    let said = survey(Join::Exact).unwrap_err().to_string();
    assert!(said.contains("2 missing (`B`, `C`) and 1 others (`E`)"), "{said}");
    let t = |join, expected: &[&str], last: &[(u32, f32)]| {
        let concat = survey(join).unwrap();
        let genes: Vec<&str> = concat.cells.genes.names().iter().map(AsRef::as_ref).collect();
        assert_eq!(genes, expected);
        let blocks: Vec<Csr<f32>> = concat.blocks(&open).map(Result::unwrap).collect();
        assert_eq!(blocks.iter().map(Csr::n_rows).sum::<usize>(), 12);
        let row = blocks[1].row(0);
        let row: Vec<(u32, f32)> = row.0.iter().copied().zip(row.1.iter().copied()).collect();
        assert_eq!(row, last);
        assert_eq!((concat.cells.names[0].as_str(), concat.cells.names[6].as_str()), ("c0", "c0-1"));
        let column = |name: &str| &concat.cells.obs.iter().find(|(n, _)| n == name).unwrap().1;
        assert_eq!((column("plate").text(0), column("plate").text(11)), ("source".into(), "second".into()));
        assert_eq!((column("note").text(5), column("note").text(6)), ("a b".into(), "".into()));
        assert_eq!(column("n").text(11), "-6");
        assert_eq!((column("target_gene").text(4), column("target_gene").text(7)), ("".into(), "B".into()));
    };
    t(Join::Inner, &["A", "D"], &[(0, 1.0), (1, 2.0)]);
    t(Join::Outer, &["A", "B", "C", "D", "E"], &[(0, 1.0), (3, 2.0)]);
}
