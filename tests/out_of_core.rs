//! Tables within little memory, from many files, and chunks that are decompressed beside the library.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use std::path::{Path, PathBuf};

use grn::data::{PseudobulkOptions, Scale};
use grn::io::{
    Join, ScreenOptions, open_cells, open_screen, pseudobulk_of, read_table, reduce_files, write_pseudobulk,
};
use grn::stats::Rng;
use hdf5::types::VarLenUnicode;
use hdf5::{File, H5Type};
use ndarray::Array2;

use self::screen::{Screen, grn, transcript};

fn bytes_of(path: &Path) -> Vec<Vec<f32>> {
    let file = File::open(path).unwrap();
    let layers = ["X", "layers/var", "layers/third", "layers/fraction", "layers/half_a", "layers/half_b"];
    layers.iter().filter_map(|name| file.dataset(name).ok()).map(|d| d.read_raw::<f32>().unwrap()).collect()
}

/// NaN (the mean of a half without cells) is equal to NaN here.
fn same(a: &[Vec<f32>], b: &[Vec<f32>]) -> bool {
    let bits = |m: &[Vec<f32>]| m.iter().flatten().map(|x| x.to_bits()).collect::<Vec<u32>>();
    a.len() == b.len() && bits(a) == bits(b)
}

fn three_plates(dir: &Path) -> Vec<PathBuf> {
    let write = |k: usize| {
        let path = dir.join(format!("plate{k}.h5ad"));
        let mut plate = Screen::usual();
        plate.labels[0].1 += 5 * k;
        plate.labels.remove(2 + k);
        plate.write(&path);
        path
    };
    (0..3).map(write).collect()
}

#[test]
fn a_table_made_in_several_passes_is_the_one_made_in_one() {
    let dir = tempfile::tempdir().unwrap();
    let (files, halves) =
        (three_plates(dir.path()), PseudobulkOptions { halves: true, ..PseudobulkOptions::default() });
    let screen = ScreenOptions::default();
    let screens: Vec<_> = files.iter().map(|f| open_screen(f, &screen).unwrap()).collect();
    let at_once = dir.path().join("at_once.h5ad");
    write_pseudobulk(&at_once, &pseudobulk_of(&screens, &halves, &mut |_, _| ()).unwrap()).unwrap();
    let reduce = |memory: Option<u64>, name: &str| {
        let path = dir.path().join(name);
        let mut last = (0, 1);
        let done =
            reduce_files(&files, Join::Exact, &screen, &halves, memory, &path, &mut |n, of| last = (n, of)).unwrap();
        assert_eq!(last.0, last.1);
        (done, path)
    };
    let (one, whole) = reduce(None, "whole.h5ad");
    assert_eq!((one.passes, one.cells), (1, screens.iter().map(|s| s.n_cells() as u64).sum()));
    assert!(same(&bytes_of(&whole), &bytes_of(&at_once)));
    // A budget below that of the program itself leaves one condition a pass.
    let (many, parts) = reduce(Some(1), "parts.h5ad");
    assert_eq!(many.passes, one.conditions);
    assert!(same(&bytes_of(&parts), &bytes_of(&whole)));
    let read = |path: &Path| read_table(path, &screen, &PseudobulkOptions::default(), &mut |_, _| ()).unwrap().table;
    let (a, b) = (read(&parts), read(&whole));
    assert_eq!((a.conditions, a.n_cells, a.quantity), (b.conditions, b.n_cells, b.quantity));
}

#[test]
fn the_command_keeps_to_the_memory_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    three_plates(dir.path());
    let run = |more: &[&str]| {
        let args =
            [&["data", "pseudobulk", "plate0.h5ad", "plate1.h5ad", "-o", "t.h5ad", "--overwrite"], more].concat();
        let output = grn(dir.path(), &args);
        (output.status.code(), transcript(dir.path(), &output))
    };
    let (code, said) = run(&["--memory", "201M"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("passes"), "{said}");
    let (code, said) = run(&["--memory", "lots"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("expected a size such as `4G`"), "{said}");
    let fit = ["cv", "plate0.h5ad", "--prior", "chain.tsv", "--memory", "10M", "--outdir", "cv"];
    screen::write_chain(&dir.path().join("chain.tsv"), 30);
    let output = grn(dir.path(), &fit);
    let said = transcript(dir.path(), &output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("expected a job of at most 10 MB"), "{said}");
}

#[test]
fn tables_are_not_merged_as_cells() {
    let dir = tempfile::tempdir().unwrap();
    let files = three_plates(dir.path());
    let table = dir.path().join("table.h5ad");
    let options = (ScreenOptions::default(), PseudobulkOptions::default());
    reduce_files(&files[..1], Join::Exact, &options.0, &options.1, None, &table, &mut |_, _| ()).unwrap();
    let again = dir.path().join("again.h5ad");
    reduce_files(std::slice::from_ref(&table), Join::Exact, &options.0, &options.1, None, &again, &mut |_, _| ())
        .unwrap();
    assert!(same(&bytes_of(&table), &bytes_of(&again)));
    let both = [files[0].clone(), table];
    let said =
        reduce_files(&both, Join::Exact, &options.0, &options.1, None, &again, &mut |_, _| ()).unwrap_err().to_string();
    assert!(said.contains("tables of one row per condition are not merged"), "{said}");
}

#[test]
fn files_of_other_genes_are_reduced_as_they_are_put_together() {
    let dir = tempfile::tempdir().unwrap();
    let mut plate = Screen::usual();
    plate.write(&dir.path().join("a.h5ad"));
    // Some genes have other names, and two stand in another order.
    plate.genes[36..].iter_mut().for_each(|gene| gene.insert(0, 'X'));
    plate.genes.swap(20, 30);
    plate.write(&dir.path().join("b.h5ad"));
    let run = |args: &[&str]| {
        let output = grn(dir.path(), args);
        (output.status.code(), transcript(dir.path(), &output))
    };
    let (code, said) = run(&["data", "pseudobulk", "a.h5ad", "b.h5ad", "-o", "t.h5ad"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("or another `--join`") && said.contains("4 missing"), "{said}");
    for (join, n_genes) in [("inner", 36), ("outer", 44)] {
        let (both, direct, of_both) = (format!("{join}.h5ad"), format!("{join}.t.h5ad"), format!("{join}.u.h5ad"));
        for args in [
            vec!["data", "concat", "a.h5ad", "b.h5ad", "--join", join, "-o", &both],
            vec!["data", "pseudobulk", "a.h5ad", "b.h5ad", "--join", join, "-o", &direct],
            vec!["data", "pseudobulk", &both, "-o", &of_both],
        ] {
            let (code, said) = run(&args);
            assert_eq!(code, Some(0), "{said}");
        }
        let read = |name: &str| {
            let (path, options) = (dir.path().join(name), PseudobulkOptions::default());
            read_table(&path, &ScreenOptions::default(), &options, &mut |_, _| ()).unwrap().table
        };
        let (a, b) = (read(&direct), read(&of_both));
        assert_eq!((a.genes.len(), a.genes.names(), &a.conditions), (n_genes, b.genes.names(), &b.conditions));
        let largest = (&a.moments.mean - &b.moments.mean).iter().fold(0.0f32, |m, d| m.max(d.abs()));
        assert!(largest < 1e-6, "{join}: {largest}");
    }
}

/// What a chunk may go through.
#[derive(Clone, Copy, Debug)]
enum Filters {
    None,
    Shuffle,
    Deflate,
    ShuffleDeflate,
    /// The library alone can read it.
    Fletcher,
}

fn dataset<T: H5Type>(group: &hdf5::Group, name: &str, values: &[T], chunk: usize, filters: Filters) {
    let builder = group.new_dataset_builder().chunk(chunk.min(values.len()));
    let builder = match filters {
        Filters::None => builder,
        Filters::Shuffle => builder.shuffle(),
        Filters::Deflate => builder.deflate(6),
        Filters::ShuffleDeflate => builder.shuffle().deflate(1),
        Filters::Fletcher => builder.fletcher32().deflate(1),
    };
    builder.with_data(values).create(name).unwrap();
}

fn attr(at: &hdf5::Location, name: &str, value: &str) {
    let text: VarLenUnicode = value.parse().unwrap();
    at.new_attr::<VarLenUnicode>().create(name).unwrap().write_scalar(&text).unwrap();
}

/// 300 cells x 70 genes of whole numbers, a tenth of them above zero.
fn cells() -> Array2<f32> {
    let mut rng = Rng::keyed(5, "cells", 0, 0);
    Array2::from_shape_fn((300, 70), |_| {
        if rng.next_u32().is_multiple_of(10) { (rng.next_u32() % 900) as f32 } else { 0.0 }
    })
}

fn frames(file: &File) {
    for (frame, n) in [("obs", 300), ("var", 70)] {
        let group = file.create_group(frame).unwrap();
        attr(&group, "_index", "index");
        let names: Vec<VarLenUnicode> = (0..n).map(|i| format!("{frame}{i}").parse().unwrap()).collect();
        group.new_dataset_builder().with_data(&names).create("index").unwrap();
    }
}

fn read(path: &Path) -> Array2<f32> {
    let x = open_cells(path, None).unwrap().read(Scale::Counts).unwrap().x;
    let mut dense = Array2::zeros((x.n_rows(), x.n_cols()));
    for row in 0..x.n_rows() {
        let (columns, values) = x.row(row);
        columns.iter().zip(values).for_each(|(&j, &v)| dense[[row, j as usize]] = v);
    }
    dense
}

/// What makes a stored value and a stored index.
type Types<V, I> = (fn(f32) -> V, fn(usize) -> I);

/// Sparse rows or columns with numbers of these types.
fn sparse<V: H5Type + Copy, I: H5Type + Copy>(
    path: &Path,
    encoding: &str,
    (value, index): Types<V, I>,
    (chunk, filters): (usize, Filters),
) {
    let x = cells();
    let lines: Vec<Vec<f32>> = if encoding == "csr_matrix" {
        x.rows().into_iter().map(|r| r.to_vec()).collect()
    } else {
        x.columns().into_iter().map(|c| c.to_vec()).collect()
    };
    let (mut data, mut indices, mut indptr) = (Vec::new(), Vec::new(), vec![index(0)]);
    for line in lines {
        for (j, &v) in line.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            data.push(value(v));
            indices.push(index(j));
        }
        indptr.push(index(data.len()));
    }
    let file = File::create(path).unwrap();
    frames(&file);
    let group = file.create_group("X").unwrap();
    attr(&group, "encoding-type", encoding);
    group.new_attr_builder().with_data(&[300i64, 70]).create("shape").unwrap();
    dataset(&group, "data", &data, chunk, filters);
    dataset(&group, "indices", &indices, chunk, filters);
    group.new_dataset_builder().with_data(&indptr).create("indptr").unwrap();
    file.close().unwrap();
}

#[test]
fn chunks_of_every_type_and_filter_are_read_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    // Every file has a name of its own: a process that another test starts may inherit an open one, and its lock.
    let mut n = 0;
    for filters in [Filters::None, Filters::Shuffle, Filters::Deflate, Filters::ShuffleDeflate, Filters::Fletcher] {
        for chunk in [7, 1000, 1 << 20] {
            for encoding in ["csr_matrix", "csc_matrix"] {
                let mut check = |types: &str, write: &dyn Fn(&Path)| {
                    n += 1;
                    let path = dir.path().join(format!("{n}.h5ad"));
                    write(&path);
                    assert_eq!(read(&path), cells(), "{types} {encoding} {chunk} {filters:?}");
                };
                let stored = (chunk, filters);
                check("f32 i32", &|path| sparse(path, encoding, (|v| v, |i| i as i32), stored));
                check("f64 i64", &|path| sparse(path, encoding, (f64::from, |i| i as i64), stored));
                check("i32 u32", &|path| sparse(path, encoding, (|v| v as i32, |i| i as u32), stored));
                check("u16 u64", &|path| sparse(path, encoding, (|v| v as u16, |i| i as u64), stored));
            }
        }
    }
}

#[test]
fn tiles_of_a_dense_matrix_are_put_together() {
    let dir = tempfile::tempdir().unwrap();
    for chunk in [(1, 70), (64, 70), (13, 9), (300, 1)] {
        let path = dir.path().join(format!("{}x{}.h5ad", chunk.0, chunk.1));
        let file = File::create(&path).unwrap();
        frames(&file);
        file.new_dataset_builder().chunk(chunk).shuffle().deflate(4).with_data(&cells()).create("X").unwrap();
        file.close().unwrap();
        assert_eq!(read(&path), cells(), "{chunk:?}");
    }
}

#[test]
fn a_damaged_chunk_is_an_error_that_names_the_element() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.h5ad");
    sparse(&path, "csr_matrix", (|v| v, |i| i as i32), (500, Filters::ShuffleDeflate));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = {
        let file = File::open(&path).unwrap();
        let info = file.dataset("X/data").unwrap().chunk_info(1).unwrap();
        info.addr as usize + info.size as usize / 2
    };
    bytes[middle..middle + 8].iter_mut().for_each(|b| *b ^= 0xff);
    std::fs::write(&path, bytes).unwrap();
    let said = open_cells(&path, None).and_then(|f| f.read(Scale::Counts)).unwrap_err().to_string();
    assert!(said.contains("X/data"), "{said}");
}
